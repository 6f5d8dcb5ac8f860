//! Live settings: typed, bounded, documented, and effective on the next request.

use std::collections::BTreeMap;

use bursar_store::{Param, StoreError, Timestamp, Tx};

use crate::switchboard::second_id;
use crate::table::ConfigTable;

/// A whole number that an operator may change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The row's key.
    pub key: &'static str,
    /// The environment variable that gives its first value.
    pub variable: &'static str,
    /// Least value.
    pub min: i64,
    /// Greatest value.
    pub max: i64,
    /// Value when nobody says otherwise.
    pub default: i64,
    /// What it does, with its unit.
    pub description: &'static str,
}

/// Why a setting was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingRefusal {
    /// No setting has this name.
    #[error("no setting is called {0:?}; `bursar settings get` lists them")]
    Unknown(String),
    /// The value is not a whole number in range.
    #[error("{key} takes a whole number from {min} to {max}, not {given:?}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// Its least value.
        min: i64,
        /// Its greatest value.
        max: i64,
        /// What was given.
        given: String,
    },
}

impl Setting {
    /// Reads a text as a value of this setting.
    pub fn parse(&self, text: &str) -> Result<i64, SettingRefusal> {
        let value = text.parse().ok().filter(|value| (self.min..=self.max).contains(value));
        let (key, min, max) = (self.key, self.min, self.max);
        value.ok_or_else(|| SettingRefusal::OutOfRange { key, min, max, given: text.to_owned() })
    }
}

/// One row as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
    /// `default`, `environment` or `operator`.
    pub source: String,
    /// When a stop ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Every row of a desk's table: switches and settings.
pub fn rows(tx: &mut Tx<'_>, table: ConfigTable) -> Result<Vec<SettingRow>, StoreError> {
    tx.query(table.select, &[], |row| {
        Ok(SettingRow { key: row.get(0)?, value: row.get(1)?, expires_at: row.get(2)?, source: row.get(3)? })
    })
}

/// The values of `settings`. A row that is missing or out of bounds counts with the setting's default and is logged:
/// limits never fall away because a row was damaged.
pub fn values(
    tx: &mut Tx<'_>,
    table: ConfigTable,
    settings: &[Setting],
) -> Result<BTreeMap<&'static str, i64>, StoreError> {
    let rows = rows(tx, table)?;
    let value = |setting: &Setting| {
        let row = rows.iter().find(|row| row.key == setting.key);
        let parsed = row.and_then(|row| setting.parse(&row.value).ok());
        if parsed.is_none() {
            tracing::warn!(
                key = setting.key,
                default = setting.default,
                "setting unreadable, its default holds"
            );
        }
        parsed.unwrap_or(setting.default)
    };
    Ok(settings.iter().map(|setting| (setting.key, value(setting))).collect())
}

/// Writes the rows that are not there, and refreshes those that no operator has touched from the environment.
pub fn seed(
    tx: &mut Tx<'_>,
    table: ConfigTable,
    rows: &[(&str, String, &str, bool)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (key, value, description, from_environment) in rows {
        let source = if *from_environment { "environment" } else { "default" };
        let texts = [*key, value.as_str(), *description, source].map(Param::Text);
        let params = [&texts[..], &[Param::Time(now), Param::Uuid(tx.batch())]].concat();
        tx.execute(table.seed, &params)?;
    }
    Ok(())
}

/// Changes one setting as an operator; the value has been parsed before. Returns what it was.
pub fn change(
    tx: &mut Tx<'_>,
    table: ConfigTable,
    setting: Setting,
    value: i64,
    by: (&str, &str),
    now: Timestamp,
) -> Result<String, StoreError> {
    write(tx, table, setting, (value, "operator"), by, now)
}

/// Takes back what operators have changed: the setting has the value that it would have without them, and follows
/// environment and default again. `from_environment` says where that value comes from. Returns what it was.
pub fn unset(
    tx: &mut Tx<'_>,
    table: ConfigTable,
    setting: Setting,
    (value, from_environment): (i64, bool),
    by: (&str, &str),
    now: Timestamp,
) -> Result<String, StoreError> {
    let source = if from_environment { "environment" } else { "default" };
    write(tx, table, setting, (value, source), by, now)
}

fn write(
    tx: &mut Tx<'_>,
    table: ConfigTable,
    setting: Setting,
    (value, source): (i64, &str),
    (actor, reason): (&str, &str),
    now: Timestamp,
) -> Result<String, StoreError> {
    let before = rows(tx, table)?.into_iter().find(|row| row.key == setting.key);
    let before = before.ok_or_else(|| StoreError::Schema(format!("setting {} has no row", setting.key)))?;
    let text = value.to_string();
    let params = [
        Param::Text(setting.key),
        Param::Text(&text),
        Param::Text(source),
        Param::Text(actor),
        Param::Text(reason),
        Param::Null,
        Param::Time(now),
        Param::Uuid(tx.batch()),
        Param::Uuid(second_id(tx)),
    ];
    tx.execute(table.update, &params)?;
    Ok(before.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Setting =
        Setting { key: "limit", variable: "LIMIT", min: 1, max: 100, default: 20, description: "" };

    #[test]
    fn a_setting_takes_whole_numbers_in_its_range_only() {
        assert_eq!(LIMIT.parse("100"), Ok(100));
        for bad in ["0", "101", "", "1.5", "ten", "1e2", " 5"] {
            assert!(LIMIT.parse(bad).is_err(), "{bad:?}");
        }
    }
}
