//! `bursar backup list` and `bursar backup prune`.

use std::path::Path;

use bursar_audit::Actor;
use bursar_ops::backup::{self, BackupError, BackupName, Retention, manifest_of};
use bursar_store::clock::machine_time;
use bursar_store::{StoreError, Timestamp};
use serde_json::{Value, json};

use super::super::accountable::Accountable;
use super::super::context::Patience;
use super::super::duration::parse_ms;
use super::super::payouts::room::refused;
use super::super::{CommandError, Context};
use crate::host::{Backups, Chronicle};

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
    /// Who is responsible, instead of the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub reason: Option<String>,
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

/// Removes what need not be kept, and leaves in the audit log what that was, by whom and why.
pub(super) fn prune(
    options: &Prune,
    folder: Option<&Path>,
    context: &Context,
) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let backups = Backups::new(&configuration, folder)?;
    let target = backups.target();
    let removable = backup::removable(target, retention(options, machine_time()))?;
    if !options.dry_run && !removable.is_empty() {
        let who = Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())?;
        let store = context.open_ready(&configuration, Patience::Ordinary)?;
        let recorder = context.recorder();
        let actor = Actor { kind: "operator", id: who.actor };
        let chronicle = Chronicle { store: &store, recorder: &recorder, actor };
        spare_the_proven(&chronicle, &backups, &removable)?;
        remove(&chronicle, &backups, &removable, &who.reason)?;
    }
    let names: Vec<&str> = removable.iter().map(BackupName::as_str).collect();
    let left = target.names()?.len();
    Ok(json!({"ok": true, "dryRun": options.dry_run, "removed": names, "backupsInDir": left}))
}

/// Refuses to remove the one backup that is known to restore.
fn spare_the_proven(
    chronicle: &Chronicle<'_>,
    backups: &Backups,
    removable: &[BackupName],
) -> Result<(), CommandError> {
    let proven = chronicle.newest_proven(&backups.target().names()?)?;
    match proven.filter(|name| removable.contains(name)) {
        None => Ok(()),
        Some(name) => Err(refused(
            "backup_proven",
            format!(
                "{name} is the newest backup that was proven to restore, and nothing was removed. Prove a newer one with \
                 `bursar backup verify`, or keep more."
            ),
        )),
    }
}

/// What is removed is told first. A full disk may take the event only once there is room again: then it is told after.
fn remove(
    chronicle: &Chronicle<'_>,
    backups: &Backups,
    removable: &[BackupName],
    reason: &str,
) -> Result<(), CommandError> {
    let target = backups.target();
    let tell = || chronicle.pruned(removable, reason, &target.place());
    match tell() {
        Err(StoreError::DiskFull(_)) => {
            backup::remove(target, removable)?;
            tell()?;
        }
        told => {
            told?;
            backup::remove(target, removable)?;
        }
    }
    Ok(())
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
        let options = Prune { keep, older_than, dry_run: true, actor: None, reason: None };
        retention(&options, Timestamp::from_ms(1_000))
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
