//! `bursar audit`: reading the log, verifying it, and taking anchors that are kept elsewhere.

use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write;
use std::path::{Path, PathBuf};

use bursar_audit::{Anchor, EventFilter, Level, StoredEvent, events, take_anchor, verify};
use bursar_store::{Store, Timestamp};
use serde_json::{Value, json};

use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};

/// `bursar audit`.
#[derive(Clone, Debug, clap::Args)]
pub struct Audit {
    /// What to do.
    #[command(subcommand)]
    pub verb: AuditVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar audit`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AuditVerb {
    /// List events, newest first.
    List(ListOptions),
    /// Recompute every hash of the log; exit 1 when anything was edited, deleted or reordered.
    Verify {
        /// An anchor taken before: also finds what was cut off the end since.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Print how far every chain has come; keep it where nobody who can write to the database can.
    Anchor {
        /// Write it to this new file instead.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Options of `bursar audit list`.
#[derive(Clone, Debug, clap::Args)]
pub struct ListOptions {
    /// Only those of this desk, or of the platform.
    #[arg(long)]
    pub desk: Option<String>,
    /// Only those whose name starts so, such as join.
    #[arg(long, value_name = "PREFIX")]
    pub event: Option<String>,
    /// Only those of this level or worse.
    #[arg(long, value_enum)]
    pub level: Option<LevelName>,
    /// Only those by this actor, such as cli:root.
    #[arg(long)]
    pub actor: Option<String>,
    /// Only those at or after this time, in Unix milliseconds.
    #[arg(long, value_name = "MS")]
    pub since: Option<i64>,
    /// Only those before this time, in Unix milliseconds.
    #[arg(long, value_name = "MS")]
    pub until: Option<i64>,
    /// The oldest first.
    #[arg(long)]
    pub oldest: bool,
    /// Go on behind this event, the last of the page before.
    #[arg(long, value_name = "ID")]
    pub after: Option<i64>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    pub limit: i64,
}

/// A level by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LevelName {
    /// Normal work.
    Info,
    /// Somebody should know.
    Warn,
    /// Something is broken.
    Error,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &AuditVerb, context: &Context) -> Result<Value, CommandError> {
    let open = |patience| context.open_ready(&context.configuration()?, patience);
    match verb {
        AuditVerb::List(options) => list(&open(Patience::Ordinary)?, options),
        AuditVerb::Verify { anchor } => {
            let anchor = anchor.as_deref().map(read_anchor).transpose()?;
            verified(&open(Patience::Long)?, anchor.as_ref())
        }
        AuditVerb::Anchor { out } => anchored(&open(Patience::Ordinary)?, out.as_deref()),
    }
}

fn list(store: &Store, options: &ListOptions) -> Result<Value, CommandError> {
    let filter = EventFilter {
        desk: options.desk.clone(),
        event_prefix: options.event.clone(),
        level: options.level.map(|level| match level {
            LevelName::Info => Level::Info,
            LevelName::Warn => Level::Warn,
            LevelName::Error => Level::Error,
        }),
        actor: options.actor.clone(),
        since: options.since.map(Timestamp::from_ms),
        until: options.until.map(Timestamp::from_ms),
        newest_first: !options.oldest,
        after_id: options.after,
        limit: options.limit,
    };
    let found = store.read("command.audit_list", |tx| events(tx, &filter))?;
    Ok(json!({"ok": true, "events": found.iter().map(shown).collect::<Vec<_>>()}))
}

fn shown(event: &StoredEvent) -> Value {
    let payload = event.payload.as_deref();
    let payload = payload.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    json!({
        "id": event.id, "atMs": event.at.ms(), "level": event.level.word(), "desk": event.desk,
        "event": event.event, "actorKind": event.actor_kind, "actor": event.actor,
        "requestId": event.request_id, "correlationId": event.correlation_id,
        "targetType": event.target_type, "targetId": event.target_id, "payload": payload,
    })
}

fn verified(store: &Store, anchor: Option<&Anchor>) -> Result<Value, CommandError> {
    let verification = store.read("command.audit_verify", |tx| verify(tx, anchor))?;
    let findings: Vec<String> = verification.findings.iter().map(ToString::to_string).collect();
    let answer = json!({
        "ok": verification.is_clean(), "links": verification.links, "events": verification.events,
        "chains": verification.chains, "findings": findings, "findingsLeftOff": verification.findings_left_off,
        "anchorAtMs": anchor.map(|anchor| anchor.at.ms()),
    });
    if verification.is_clean() {
        return Ok(answer);
    }
    let why = format!("The log is not as it was recorded:\n- {}", findings.join("\n- "));
    Err(CommandError::No { answer, why })
}

fn read_anchor(path: &Path) -> Result<Anchor, CommandError> {
    let text = read_to_string(path).map_err(|cause| CommandError::file(path, cause))?;
    Ok(Anchor::from_json(&text)?)
}

fn anchored(store: &Store, out: Option<&Path>) -> Result<Value, CommandError> {
    let anchor = store.read("command.audit_anchor", take_anchor)?;
    let text = anchor.to_json()?;
    let Some(path) = out else { return Ok(Value::String(text)) };
    write_new(path, &text).map_err(|cause| CommandError::file(path, cause))?;
    let digest: String = anchor.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(
        json!({"ok": true, "file": path, "atMs": anchor.at.ms(), "chains": anchor.heads.len(), "digest": digest}),
    )
}

/// An older anchor is evidence and is never written over.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
