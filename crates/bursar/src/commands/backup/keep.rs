//! `bursar backup list` and `bursar backup prune`.

use std::path::Path;

use bursar_ops::backup::{self, BackupError, BackupName, Retention, manifest_of};
use bursar_store::Timestamp;
use bursar_store::clock::machine_time;
use serde_json::{Value, json};

use super::super::duration::parse_ms;
use super::super::{CommandError, Context};
use crate::host::Backups;

/// Options of `bursar backup prune`.
#[derive(Clone, Debug, clap::Args)]
pub struct Prune {
    /// Keep this many of the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Remove only those that are older than this, such as 30d.
    #[arg(long, value_name = "SPAN", value_parser = parse_ms)]
    pub older_than: Option<i64>,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
}

/// Every backup with what its manifest says; one that cannot be relied on says why.
pub(super) fn list(folder: Option<&Path>, context: &Context) -> Result<Value, CommandError> {
    let backups = Backups::new(&context.configuration()?, folder)?;
    let names = backups.target().names()?;
    let lines: Result<Vec<Value>, BackupError> = names.iter().map(|name| line(&backups, name)).collect();
    Ok(json!({"ok": true, "folder": backups.target().place(), "backups": lines?}))
}

fn line(backups: &Backups, name: &BackupName) -> Result<Value, BackupError> {
    let file = backups.target().place_of(name);
    let head = json!({
        "name": name.as_str(), "file": file, "takenAtMs": name.taken_at().ms(), "sizeBytes": backups.bytes(name)?,
    });
    let more = match manifest_of(backups.target(), name) {
        Ok(manifest) => json!({
            "engine": manifest.engine, "software": manifest.software, "rows": manifest.rows(),
            "encrypted": manifest.encryption.is_some(),
        }),
        Err(BackupError::Damaged { findings, .. }) => json!({ "findings": findings }),
        Err(error) => return Err(error),
    };
    let (Value::Object(mut line), Value::Object(more)) = (head, more) else { return Ok(Value::Null) };
    line.extend(more);
    Ok(Value::Object(line))
}

/// Removes what need not be kept.
pub(super) fn prune(
    options: &Prune,
    folder: Option<&Path>,
    context: &Context,
) -> Result<Value, CommandError> {
    let backups = Backups::new(&context.configuration()?, folder)?;
    let removed = backup::prune(backups.target(), retention(options, machine_time()), options.dry_run)?;
    let names: Vec<&str> = removed.iter().map(BackupName::as_str).collect();
    let left = backups.target().names()?.len();
    Ok(json!({"ok": true, "dryRun": options.dry_run, "removed": names, "backupsInDir": left}))
}

fn retention(options: &Prune, now: Timestamp) -> Retention {
    let newest = options.keep.map(|keep| usize::try_from(keep).unwrap_or(usize::MAX));
    let since = options.older_than.map(|span| now.after_ms(-span));
    match (newest, since) {
        (None, None) => Retention::STANDARD,
        (newest, since) => Retention::Plain { newest: newest.unwrap_or(1), since },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(keep: Option<u32>, older_than: Option<i64>) -> Retention {
        retention(&Prune { keep, older_than, dry_run: false }, Timestamp::from_ms(1_000))
    }

    #[test]
    fn without_options_the_server_s_own_retention_holds() {
        assert_eq!(asked(None, None), Retention::STANDARD);
        assert_eq!(asked(Some(3), None), Retention::Plain { newest: 3, since: None });
        let since = Some(Timestamp::from_ms(400));
        assert_eq!(asked(None, Some(600)), Retention::Plain { newest: 1, since });
        assert_eq!(asked(Some(2), Some(600)), Retention::Plain { newest: 2, since });
    }
}
