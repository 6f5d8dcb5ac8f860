//! `bursar migrate`: applying the schema, asking how far it is, and printing it for somebody who applies it by hand.

use bursar_store::{EngineKind, Migration};
use serde_json::{Value, json};

use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};
use crate::config::{Configuration, DatabaseUrl};
use crate::host::{Desks, open};

/// `bursar migrate`.
#[derive(Clone, Debug, clap::Args)]
pub struct Migrate {
    /// What to do.
    #[command(subcommand)]
    pub verb: MigrateVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar migrate`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum MigrateVerb {
    /// Apply what is pending, making the database when there is none.
    Up,
    /// Say what is pending; exit 1 when anything is, or when the schema is of another version.
    Status,
    /// Print the tables' SQL, for reading or for running by hand: a second run changes nothing.
    Print {
        /// Whose SQL; without it the configured database's.
        #[arg(long, value_enum)]
        engine: Option<Engine>,
    },
}

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// Shared.
    Postgres,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &MigrateVerb, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    match verb {
        MigrateVerb::Up => up(&configuration),
        MigrateVerb::Status => status(context, &configuration),
        MigrateVerb::Print { engine } => Ok(print(&configuration, *engine).into()),
    }
}

fn up(configuration: &Configuration) -> Result<Value, CommandError> {
    let store = open(configuration)?;
    let migrations = Desks::new(configuration).migrations(store.kind());
    let applied = store.migrate(&migrations)?;
    let (engine, version) = (name(store.kind()), version(&migrations));
    Ok(json!({"ok": true, "engine": engine, "applied": applied, "version": version}))
}

/// The schema's version: the newest step of each room. Within a room steps come in order.
fn version(migrations: &[Migration]) -> Value {
    let steps = migrations.iter().filter_map(|step| step.name.split_once('/'));
    steps.map(|(room, step)| (room.to_owned(), step.into())).collect::<serde_json::Map<_, _>>().into()
}

fn status(context: &Context, configuration: &Configuration) -> Result<Value, CommandError> {
    let store = context.open(configuration, Patience::Ordinary)?;
    let migrations = Desks::new(configuration).migrations(store.kind());
    let state = store.migration_state(&migrations)?;
    let answer = json!({
        "ok": state.is_servable(), "engine": name(store.kind()), "version": version(&migrations),
        "pending": state.pending, "newer": state.newer, "incompatible": state.incompatible,
    });
    if state.is_servable() {
        return Ok(answer);
    }
    let why = if state.incompatible.is_empty() {
        format!("{} migrations are pending; run `bursar migrate up`.", state.pending.len())
    } else {
        let names = state.incompatible.join(", ");
        format!(
            "{names} ran here with another text or epoch; use the version of this program that made the database."
        )
    };
    Err(CommandError::No { answer, why })
}

fn name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "sqlite",
        EngineKind::Postgres => "postgres",
    }
}

/// The store's own first step, which it puts before those that it is given.
const BASE: Migration = Migration {
    name: "store/0001_base",
    epoch: 1,
    sql: include_str!("../../../store/migrations/0001_base.sql"),
};
/// The store's list of steps that ran.
const LIST: &str = "CREATE TABLE IF NOT EXISTS store_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, \
                    epoch BIGINT NOT NULL, applied_ms BIGINT NOT NULL);";

/// Every step with the row that says it ran, so that `migrate up` agrees with whoever ran it by hand.
fn print(configuration: &Configuration, engine: Option<Engine>) -> String {
    let engine = match (engine, &configuration.database.url) {
        (Some(Engine::Sqlite), _) | (None, DatabaseUrl::Sqlite { .. }) => EngineKind::Sqlite,
        (Some(Engine::Postgres), _) | (None, DatabaseUrl::Postgres { .. }) => EngineKind::Postgres,
    };
    let how = match engine {
        EngineKind::Sqlite => "sqlite3 -bail FILE < THIS",
        EngineKind::Postgres => "psql -v ON_ERROR_STOP=1 -1 -f THIS",
    };
    let steps = std::iter::once(BASE).chain(Desks::new(configuration).migrations(engine));
    let text: String = steps.map(|step| step_text(&step, engine)).collect();
    format!("-- Run with: {how}\n{LIST}\n{text}")
}

fn step_text(step: &Migration, engine: EngineKind) -> String {
    let now = match engine {
        EngineKind::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        EngineKind::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    };
    let (name, epoch, checksum) = (step.name, step.epoch, blake3::hash(step.sql.as_bytes()).to_hex());
    format!(
        "\n-- {name}\n{}\nINSERT INTO store_migrations (name, checksum, epoch, applied_ms) \
         VALUES ('{name}', '{checksum}', {epoch}, {now}) ON CONFLICT (name) DO NOTHING;\n",
        step.sql_for(engine).trim_end()
    )
}
