//! JSON from outside, read strictly: no repeated keys, no NUL characters, bounded nesting.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};

/// How deeply arrays and objects may nest.
pub const DEPTH_MAX: usize = 32;

/// Up to this many keys of one object are compared one by one; beyond, in a hash set.
const KEYS_COMPARED_MAX: usize = 16;

/// Why a text is refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonRefusal {
    /// Not JSON, not UTF-8, a repeated key, a NUL character, or nested too deeply.
    #[error("{0}")]
    Malformed(String),
    /// Good JSON of another shape than the route asks for.
    #[error("{0}")]
    Shape(String),
}

/// Reads a value of type `T`.
///
/// # Errors
/// [`JsonRefusal`]: the caller can tell bad JSON from a wrong shape.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonRefusal> {
    check(text)?;
    serde_json::from_slice(text).map_err(|error| JsonRefusal::Shape(error.to_string()))
}

/// Checks a text without building anything from it.
///
/// # Errors
/// [`JsonRefusal::Malformed`].
pub fn check(text: &[u8]) -> Result<(), JsonRefusal> {
    let malformed = |error: &dyn fmt::Display| JsonRefusal::Malformed(error.to_string());
    let text = std::str::from_utf8(text).map_err(|error| malformed(&error))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    Checker { depth: 0 }.deserialize(&mut reader).map_err(|error| malformed(&error))?;
    reader.end().map_err(|error| malformed(&error))
}

#[derive(Clone, Copy)]
struct Checker {
    depth: usize,
}

impl Checker {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("nested more than {DEPTH_MAX} deep")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Checker {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checker {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        refuse_nul(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = SeenKeys::default();
        while let Some(Key(key)) = entries.next_key::<Key<'de>>()? {
            refuse_nul(&key)?;
            if !seen.insert(key) {
                return Err(A::Error::custom("a key is repeated in one object"));
            }
            entries.next_value_seed(inner)?;
        }
        Ok(())
    }
}

fn refuse_nul<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a text holds a NUL character")) } else { Ok(()) }
}

#[derive(Default)]
struct SeenKeys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> SeenKeys<'de> {
    /// `false` when the key was there already.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < KEYS_COMPARED_MAX {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

/// An object key, borrowed from the text unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::Value;

    fn reason(text: &[u8]) -> String {
        match parse::<Value>(text) {
            Err(JsonRefusal::Malformed(reason)) => reason,
            other => panic!("{:?} was not refused as malformed: {other:?}", String::from_utf8_lossy(text)),
        }
    }

    #[test]
    fn good_json_of_every_kind_passes() {
        let text =
            r#"{"a":[1,-2,3.5,true,null,"x\n",{}],"b":{"a":1},"":0,"é":"é","\u0061b":18446744073709551615}"#;
        let value: Value = parse(text.as_bytes()).unwrap();
        assert_eq!(value["ab"], 18_446_744_073_709_551_615_u64);
    }

    #[test]
    fn bad_syntax_is_malformed_with_its_place() {
        for text in ["", "{", "{'a':1}", "{\"a\":1,}", "{\"a\":1} x", "nul", "01", "NaN"] {
            assert!(reason(text.as_bytes()).contains("line 1"), "{text}");
        }
        assert!(reason(b"\"\xff\"").contains("utf-8"));
        assert!(reason(b"\xef\xbb\xbf{}").contains("line 1"));
    }

    #[test]
    fn a_repeated_key_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"a":2}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(reason(text.as_bytes()).contains("repeated"), "{text}");
        }
        let mut many: Vec<String> = (0..40).map(|n| format!("\"k{n}\":0")).collect();
        check(format!("{{{}}}", many.join(",")).as_bytes()).unwrap();
        many.push("\"k39\":1".to_owned());
        assert!(reason(format!("{{{}}}", many.join(",")).as_bytes()).contains("repeated"));
    }

    #[test]
    fn a_nul_character_is_refused_in_keys_and_values() {
        for text in [r#""a\u0000b""#, r#"{"a\u0000":1}"#, r#"[["\u0000"]]"#] {
            assert!(reason(text.as_bytes()).contains("NUL"), "{text}");
        }
    }

    #[test]
    fn nesting_beyond_32_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check(nested(32).as_bytes()).unwrap();
        assert!(reason(nested(33).as_bytes()).contains("nested more than 32 deep"));
        assert!(reason("[".repeat(100_000).as_bytes()).contains("nested"));
    }

    #[test]
    fn good_json_of_another_shape_is_told_apart() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Join {
            stake: u64,
        }
        for text in ["{}", r#"{"stake":"5"}"#, r#""text""#, r#"{"stake":-5}"#] {
            assert!(matches!(parse::<Join>(text.as_bytes()), Err(JsonRefusal::Shape(_))), "{text}");
        }
    }
}
