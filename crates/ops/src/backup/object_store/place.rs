//! Which bucket and which part of it: `s3://bucket/prefix`.

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "s3://";
const PREFIX_BYTES_MAX: usize = 512;

/// A bucket and the beginning of all keys in it that are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    pub(super) bucket: String,
    /// Empty, or ending in `/`.
    pub(super) prefix: String,
}

/// A text that names no place in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write it as s3://BUCKET or s3://BUCKET/PREFIX: a bucket has 3 to 63 lower-case letters, digits, dots and hyphens, a \
     prefix at most 512 letters, digits, '.', '-', '_' and single slashes"
)]
pub struct ObjectPlaceError;

impl FromStr for ObjectPlace {
    type Err = ObjectPlaceError;

    fn from_str(text: &str) -> Result<ObjectPlace, ObjectPlaceError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ObjectPlaceError)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').filter(|kept| !kept.is_empty()).unwrap_or(prefix);
        let is_prefix = prefix.is_empty() || prefix.split('/').all(is_segment);
        if !is_bucket(bucket) || !is_prefix || prefix.len() > PREFIX_BYTES_MAX {
            return Err(ObjectPlaceError);
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(ObjectPlace { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix.trim_end_matches('/'))
    }
}

fn is_bucket(text: &str) -> bool {
    let is_inner =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let is_outer = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_inner(*byte))
        && is_outer(bytes.first())
        && is_outer(bytes.last())
}

/// A part of a prefix. Dots alone would lead to another place.
fn is_segment(text: &str) -> bool {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.bytes().all(is_ours) && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_with_a_prefix_or_without() {
        for (text, bucket, prefix) in [
            ("s3://abc", "abc", ""),
            ("s3://abc/", "abc", ""),
            ("s3://my.bucket-1/bursar", "my.bucket-1", "bursar/"),
            ("s3://abc/a/b_c/", "abc", "a/b_c/"),
        ] {
            let place: ObjectPlace = text.parse().unwrap();
            assert_eq!((place.bucket.as_str(), place.prefix.as_str()), (bucket, prefix));
        }
        assert_eq!("s3://abc/a/b/".parse::<ObjectPlace>().unwrap().to_string(), "s3://abc/a/b");
    }

    #[test]
    fn nothing_else_is_a_place() {
        let long = format!("s3://abc/{}", "a".repeat(513));
        for bad in [
            "",
            "abc",
            "S3://abc",
            "https://abc",
            "s3://ab",
            "s3://-abc",
            "s3://Abc",
            "s3://a b",
            "s3:///abc",
            "s3://abc//",
            "s3://abc/a//b",
            "s3://abc/../b",
            "s3://abc/.",
            "s3://abc/a b",
            "s3://abc/a?b",
            &long,
        ] {
            assert_eq!(bad.parse::<ObjectPlace>(), Err(ObjectPlaceError), "{bad}");
        }
    }
}
