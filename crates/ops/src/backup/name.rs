//! The name of a backup: when it was taken, and something random, so that two of one instant differ.

use std::fmt;
use std::str::FromStr;

use bursar_store::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

const PREFIX: &str = "bursar-";
/// An ISO time with `-` for each `:` and `.`, as in `2026-01-01T02-00-00-000Z`.
const FORM: &str = "%Y-%m-%dT%H-%M-%S";
const RANDOM_DIGITS: usize = 8;

/// Such as `bursar-2026-01-01T02-00-00-000Z-1a2b3c4d`. Names sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupName {
    text: String,
    taken_at: Timestamp,
}

/// A text that names no backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a backup; `bursar backup list` shows those there are")]
pub struct NameError(pub String);

impl BackupName {
    /// A new name for a backup taken at `taken_at`.
    ///
    /// # Errors
    /// A time beyond the years that a date can have.
    pub fn new(taken_at: Timestamp) -> Result<BackupName, NameError> {
        let random = Uuid::new_v4().simple().to_string();
        let random = random.get(..RANDOM_DIGITS).unwrap_or_default();
        let text = format!("{PREFIX}{}-{random}", Self::iso(taken_at)?.replace([':', '.'], "-"));
        text.parse()
    }

    /// When the backup was taken, in whole milliseconds.
    #[must_use]
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A time as people read it, such as `2026-01-01T02:00:00.000Z`.
    pub(super) fn iso(at: Timestamp) -> Result<String, NameError> {
        let moment =
            jiff::Timestamp::from_millisecond(at.ms()).map_err(|_| NameError(format!("time {at}")))?;
        Ok(format!("{moment:.3}"))
    }
}

impl FromStr for BackupName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<BackupName, NameError> {
        let taken_at = parse(text).ok_or_else(|| NameError(text.to_owned()))?;
        Ok(BackupName { text: text.to_owned(), taken_at })
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (time, random) = text.strip_prefix(PREFIX)?.rsplit_once('-')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if random.len() != RANDOM_DIGITS || !random.bytes().all(is_hex) {
        return None;
    }
    let (seconds, ms) = time.strip_suffix('Z')?.rsplit_once('-')?;
    let ms: i64 =
        ms.parse().ok().filter(|_| ms.len() == 3 && ms.bytes().all(|byte| byte.is_ascii_digit()))?;
    let moment = DateTime::strptime(FORM, seconds).ok()?.to_zoned(TimeZone::UTC).ok()?;
    let at = Timestamp::from_ms(moment.timestamp().as_millisecond().checked_add(ms)?);
    // Only one text names an instant, so that a name is as good as a path.
    let canonical = BackupName::iso(at).ok()?.replace([':', '.'], "-");
    (canonical == time).then_some(at)
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_ms(1_767_232_800_007);

    #[test]
    fn a_name_says_when_and_is_read_back() {
        let name = BackupName::new(AT).unwrap();
        assert!(name.as_str().starts_with("bursar-2026-01-01T02-00-00-007Z-"), "{name}");
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        assert_eq!(name.taken_at(), AT);
        assert_ne!(BackupName::new(AT).unwrap(), name, "two of one instant differ");
    }

    #[test]
    fn names_sort_by_time() {
        let later = BackupName::new(AT.after_ms(1)).unwrap();
        assert!(BackupName::new(AT).unwrap().as_str() < later.as_str());
    }

    #[test]
    fn nothing_else_is_a_name() {
        for bad in [
            "",
            "bursar-",
            "../bursar-2026-01-01T02-00-00-007Z-1a2b3c4d",
            "bursar-2026-01-01T02-00-00-007Z-1a2b3c4",
            "bursar-2026-01-01T02-00-00-007Z-1A2B3C4D",
            "bursar-2026-13-01T02-00-00-007Z-1a2b3c4d",
            "bursar-2026-1-1T02-00-00-007Z-1a2b3c4d",
            "bursar-2026-01-01T02-00-00-7Z-1a2b3c4d",
            "bursar-2026-01-01T02-00-00-007Z-1a2b3c4d/x",
        ] {
            assert!(bad.parse::<BackupName>().is_err(), "{bad}");
        }
    }
}
