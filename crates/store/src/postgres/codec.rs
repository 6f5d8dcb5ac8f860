//! PostgreSQL's binary forms of our types (protocol documentation, "Formats and Format Codes"; numeric.c).

use std::error::Error;

use bursar_money::{Amount, U256};
use bytes::{BufMut, BytesMut};
use postgres::types::{FromSql, IsNull as Nullness, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::{Column, Param, Timestamp};

type Boxed = Box<dyn Error + Sync + Send>;

/// Milliseconds between 1970-01-01 and 2000-01-01, PostgreSQL's epoch.
const EPOCH_GAP_MS: i64 = 946_684_800_000;
const NUMERIC_BASE: u64 = 10_000;

/// Writes the binary form of `param` as type `ty`; `true` means NULL.
fn encode(param: &Param<'_>, ty: &Type, out: &mut BytesMut) -> Result<bool, Boxed> {
    match param {
        Param::Null => return Ok(true),
        Param::Int(value) => match *ty {
            Type::INT4 => out.put_i32(i32::try_from(*value)?),
            Type::INT2 => out.put_i16(i16::try_from(*value)?),
            Type::TIMESTAMPTZ => put_time(Timestamp::from_ms(*value), out)?,
            _ => out.put_i64(*value),
        },
        Param::Text(text) => put_text(text, out)?,
        Param::Bytes(bytes) => out.put_slice(bytes),
        Param::Amount(amount) => put_numeric(U256::from(amount.units()), out)?,
        Param::U256(value) => put_numeric(*value, out)?,
        Param::Time(time) => put_time(*time, out)?,
        Param::Json(text) => {
            if *ty == Type::JSONB {
                out.put_u8(1);
            }
            put_text(text, out)?;
        }
        Param::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
        Param::Bool(value) => out.put_u8(u8::from(*value)),
    }
    Ok(false)
}

fn put_text(text: &str, out: &mut BytesMut) -> Result<(), Boxed> {
    if text.as_bytes().contains(&0) {
        return Err("text with a NUL character".into());
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

fn put_time(time: Timestamp, out: &mut BytesMut) -> Result<(), Boxed> {
    let micros = time.ms().checked_sub(EPOCH_GAP_MS).and_then(|ms| ms.checked_mul(1_000));
    out.put_i64(micros.ok_or("time out of range")?);
    Ok(())
}

fn put_numeric(mut value: U256, out: &mut BytesMut) -> Result<(), Boxed> {
    let base = U256::from(NUMERIC_BASE);
    let mut digits = Vec::with_capacity(20);
    while value > U256::ZERO {
        digits.push(u16::try_from(value % base)?);
        value /= base;
    }
    let weight = i16::try_from(digits.len())?.saturating_sub(1).max(0);
    let trailing = digits.iter().take_while(|digit| **digit == 0).count();
    let kept = digits.get(trailing..).unwrap_or_default();
    out.put_i16(i16::try_from(kept.len())?);
    out.put_i16(weight);
    out.put_u16(0);
    out.put_u16(0);
    kept.iter().rev().for_each(|digit| out.put_u16(*digit));
    Ok(())
}

fn read_numeric(raw: &[u8]) -> Result<U256, Boxed> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [count, weight, sign, _scale, digits @ ..] = words.as_slice() else {
        return Err("numeric too short".into());
    };
    if *sign != 0 || digits.len() != usize::from(*count) {
        return Err("numeric is negative, not a number or malformed".into());
    }
    let places = if *count == 0 { 0 } else { usize::from(*weight) + 1 };
    let (whole, fraction) = digits.split_at(digits.len().min(places));
    if fraction.iter().any(|digit| *digit != 0) {
        return Err("numeric has a fraction".into());
    }
    let padded = whole.iter().copied().chain(std::iter::repeat(0)).take(places);
    let base = U256::from(NUMERIC_BASE);
    padded.into_iter().try_fold(U256::ZERO, |value, digit| {
        value
            .checked_mul(base)
            .and_then(|v| v.checked_add(U256::from(digit)))
            .ok_or_else(|| "numeric too large".into())
    })
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<Nullness, Boxed> {
        Ok(if encode(self, ty, out)? { Nullness::Yes } else { Nullness::No })
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// The wire type that a parameter is sent as when the server is not asked.
pub fn param_type(param: &Param<'_>) -> Type {
    match param {
        Param::Null => Type::UNKNOWN,
        Param::Int(_) => Type::INT8,
        Param::Text(_) => Type::TEXT,
        Param::Bytes(_) => Type::BYTEA,
        Param::Amount(_) | Param::U256(_) => Type::NUMERIC,
        Param::Time(_) => Type::TIMESTAMPTZ,
        Param::Json(_) => Type::JSONB,
        Param::Uuid(_) => Type::UUID,
        Param::Bool(_) => Type::BOOL,
    }
}

/// Element and array type of a column.
pub fn array_types(column: Column) -> (Type, Type) {
    match column {
        Column::Int => (Type::INT8, Type::INT8_ARRAY),
        Column::Text => (Type::TEXT, Type::TEXT_ARRAY),
        Column::Bytes => (Type::BYTEA, Type::BYTEA_ARRAY),
        Column::Amount | Column::U256 => (Type::NUMERIC, Type::NUMERIC_ARRAY),
        Column::Time => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
        Column::Json => (Type::JSONB, Type::JSONB_ARRAY),
        Column::Uuid => (Type::UUID, Type::UUID_ARRAY),
        Column::Bool => (Type::BOOL, Type::BOOL_ARRAY),
    }
}

/// One column of row-major parameters, sent as an array.
#[derive(Debug)]
pub struct ColumnArray<'a> {
    pub column: Column,
    pub rows: &'a [Param<'a>],
    pub offset: usize,
    pub width: usize,
}

impl ToSql for ColumnArray<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<Nullness, Boxed> {
        let element = array_types(self.column).0;
        out.put_i32(1);
        out.put_i32(1);
        out.put_u32(element.oid());
        out.put_i32(i32::try_from(self.rows.len() / self.width)?);
        out.put_i32(1);
        for param in self.rows.iter().skip(self.offset).step_by(self.width) {
            let at = out.len();
            out.put_i32(-1);
            if !encode(param, &element, out)? {
                let length = i32::try_from(out.len() - at - 4)?;
                out[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(Nullness::No)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

macro_rules! from_wire {
    ($name:ident, $type:ty, |$raw:ident| $read:expr) => {
        /// A value as it comes off the wire.
        pub struct $name(pub $type);
        impl<'a> FromSql<'a> for $name {
            fn from_sql(_: &Type, $raw: &'a [u8]) -> Result<Self, Boxed> {
                $read.map($name)
            }
            fn accepts(_: &Type) -> bool {
                true
            }
        }
    };
}

from_wire!(Numeric128, Amount, |raw| {
    let wide = read_numeric(raw)?;
    u128::try_from(wide).map(Amount::new).map_err(|_| Boxed::from("numeric beyond 128 bits"))
});
from_wire!(Numeric256, U256, |raw| read_numeric(raw));
from_wire!(Time, Timestamp, |raw| {
    let micros = i64::from_be_bytes(raw.try_into()?);
    Ok::<_, Boxed>(Timestamp::from_ms(micros.div_euclid(1_000).saturating_add(EPOCH_GAP_MS)))
});
from_wire!(JsonText, crate::Json, |raw| {
    let text = std::str::from_utf8(raw)?;
    Ok::<_, Boxed>(crate::Json(text.strip_prefix('\u{1}').unwrap_or(text).to_owned()))
});
from_wire!(UuidBytes, Uuid, |raw| Uuid::from_slice(raw).map_err(Boxed::from));

/// Whether a column is NULL, whatever its type.
pub struct IsNull(pub bool);

impl<'a> FromSql<'a> for IsNull {
    fn from_sql(_: &Type, _: &'a [u8]) -> Result<Self, Boxed> {
        Ok(IsNull(false))
    }
    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(IsNull(true))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_256_bit_number_survives_the_numeric_form(limbs: [u64; 4]) {
            let value = U256::from_limbs(limbs);
            let mut out = BytesMut::new();
            put_numeric(value, &mut out).unwrap();
            prop_assert_eq!(read_numeric(&out).unwrap(), value);
        }

        #[test]
        fn reading_a_numeric_never_panics(raw: Vec<u8>) {
            let _ = read_numeric(&raw);
        }
    }

    #[test]
    fn a_fraction_or_a_sign_is_no_amount() {
        assert!(read_numeric(&[0, 1, 0, 0, 0x40, 0, 0, 0, 0, 1]).is_err());
        assert!(read_numeric(&[0, 2, 0, 0, 0, 0, 0, 4, 0, 1, 0, 5]).is_err());
        assert_eq!(read_numeric(&[0, 0, 0, 0, 0, 0, 0, 0]).unwrap(), U256::ZERO);
    }
}
