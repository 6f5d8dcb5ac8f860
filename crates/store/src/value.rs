//! Values that go into statements, and the column types they are stored as.

use std::cmp::Ordering;

use bursar_money::{Amount, U256};
use uuid::Uuid;

use crate::Timestamp;

/// The type of a column, with its native form on each engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// BIGINT / INTEGER.
    Int,
    /// TEXT, compared bytewise.
    Text,
    /// BYTEA / BLOB.
    Bytes,
    /// NUMERIC(39,0) / 16-byte big-endian BLOB.
    Amount,
    /// NUMERIC(78,0) / 32-byte big-endian BLOB.
    U256,
    /// TIMESTAMPTZ in whole milliseconds / INTEGER of Unix milliseconds.
    Time,
    /// JSONB / TEXT.
    Json,
    /// UUID / 16-byte BLOB.
    Uuid,
    /// BOOLEAN / INTEGER 0 or 1.
    Bool,
}

/// JSON text that a column of type JSON holds, as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub String);

/// One bound value.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// An absent value of any column type.
    Null,
    /// For [`Column::Int`].
    Int(i64),
    /// For [`Column::Text`]; text with a NUL character is refused.
    Text(&'a str),
    /// For [`Column::Bytes`].
    Bytes(&'a [u8]),
    /// For [`Column::Amount`].
    Amount(Amount),
    /// For [`Column::U256`].
    U256(U256),
    /// For [`Column::Time`].
    Time(Timestamp),
    /// For [`Column::Json`]: valid JSON text.
    Json(&'a str),
    /// For [`Column::Uuid`].
    Uuid(Uuid),
    /// For [`Column::Bool`].
    Bool(bool),
}

impl Param<'_> {
    /// The order of two keys of one column, as the engines have it.
    pub(crate) fn compare(&self, other: &Param<'_>) -> Ordering {
        match (self, other) {
            (Param::Int(a), Param::Int(b)) => a.cmp(b),
            (Param::Text(a), Param::Text(b)) | (Param::Json(a), Param::Json(b)) => a.cmp(b),
            (Param::Bytes(a), Param::Bytes(b)) => a.cmp(b),
            (Param::Amount(a), Param::Amount(b)) => a.cmp(b),
            (Param::U256(a), Param::U256(b)) => a.cmp(b),
            (Param::Time(a), Param::Time(b)) => a.cmp(b),
            (Param::Uuid(a), Param::Uuid(b)) => a.cmp(b),
            (Param::Bool(a), Param::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Orders values of different types, which one column never has, and NULL last.
    fn rank(&self) -> u8 {
        match self {
            Param::Int(_) => 0,
            Param::Text(_) => 1,
            Param::Bytes(_) => 2,
            Param::Amount(_) => 3,
            Param::U256(_) => 4,
            Param::Time(_) => 5,
            Param::Json(_) => 6,
            Param::Uuid(_) => 7,
            Param::Bool(_) => 8,
            Param::Null => 9,
        }
    }
}

macro_rules! param_from {
    ($($from:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$from> for Param<'_> {
            fn from(value: $from) -> Self {
                Param::$variant(value)
            }
        })+
    };
}

param_from!(i64 => Int, Amount => Amount, U256 => U256, Timestamp => Time, Uuid => Uuid, bool => Bool);

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Param::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Param::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Param::Bytes(value)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}
