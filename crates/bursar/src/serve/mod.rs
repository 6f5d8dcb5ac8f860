//! `bursar serve`: from the configuration to a listening server, and to its orderly end.

mod bound;
mod companion;
mod description;
mod dev_clock;
mod health;
mod log;
mod opening;
mod pages;
mod relations;
mod running;
mod shutdown;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use bursar_store::Clock;

use crate::config::{
    Configuration, ConfigurationErrors, DeskName, Layer, Mode, Source, load, production_failures,
    readiness_report,
};
use crate::host::{Desks, begin_clock, reserve_fast_clock};
use bound::Bound;
pub(crate) use companion::{Alone, Companion, Served};
pub(crate) use description::describe;
pub(crate) use log::newest as newest_log_lines;
use opening::{Opening, Schema};

/// The commit that was built: 40 hex digits, zeros when unknown.
pub(crate) const COMMIT: &str = env!("BURSAR_COMMIT");

/// Why the server does not start. Its text goes to stderr.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartFault {
    /// The configuration is refused.
    #[error(transparent)]
    Configuration(#[from] ConfigurationErrors),
    /// Production refuses it; the text is the whole report.
    #[error("{0}")]
    Production(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] crate::host::OpenFault),
    /// The database does not do what starting needs.
    #[error(transparent)]
    Store(#[from] bursar_store::StoreError),
    /// Migrations are pending where the server does not apply them itself.
    #[error(
        "{} migrations are pending ({}); run `bursar migrate up` first", .0.len(), .0.join(", ")
    )]
    Pending(Vec<String>),
    /// The schema belongs to another epoch.
    #[error("the database was migrated by an incompatible version ({}); use that version or a newer one", .0.join(", "))]
    Incompatible(Vec<String>),
    /// A port cannot be opened.
    #[error("cannot listen on {address}: {cause}; free the port, or choose another with --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// The log's file cannot be opened.
    #[error("the log file cannot be opened: {0}; correct TRADES_LOG_FILE or LOG_DIR")]
    Log(std::io::Error),
    /// Threads, lanes, metrics or routes cannot be set up.
    #[error("the server cannot be set up: {0}")]
    SetUp(String),
}

/// Runs the server until it is told to stop.
pub(crate) fn serve(source: &Source) -> ExitCode {
    let served = load(source).map_err(StartFault::from).and_then(|configuration| {
        let clock = begin_clock(&configuration)?;
        serve_beside(configuration, clock, &Alone)
    });
    exit(served)
}

/// How the process exits; a fault's words go to stderr.
pub(crate) fn exit(served: Result<(), StartFault>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // The last words: when stderr is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the server beside `companion` until it is told to stop.
pub(crate) fn serve_beside(
    configuration: Configuration,
    clock: Clock,
    companion: &dyn Companion,
) -> Result<(), StartFault> {
    if configuration.mode == Mode::Production {
        let failures = production_failures(&configuration);
        if !failures.is_empty() {
            return Err(StartFault::Production(readiness_report(&failures)));
        }
    }
    let keeps_lines = configuration.runs(DeskName::Faucet);
    let log = log::start(&configuration.logging, keeps_lines).map_err(StartFault::Log)?;
    log_settings(&configuration);
    for warning in &configuration.warnings {
        tracing::warn!(desk = %warning.desk, variable = warning.variable, "{}", warning.text);
    }
    let result = run(configuration, clock, companion);
    if let Err(fault) = &result {
        tracing::error!(%fault, "the server stops");
    }
    log.flush();
    result
}

/// One line of what somebody set, without secrets nor whatever is named like one.
fn log_settings(configuration: &Configuration) {
    let is_secret =
        |name: &str| ["KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| name.contains(word));
    let made = configuration.values.shown().filter(|setting| setting.layer != Layer::Default);
    let settings: serde_json::Map<String, serde_json::Value> = made
        .filter_map(|setting| {
            let shown = setting.shown?;
            let shown = if is_secret(setting.name) { "***".to_owned() } else { shown };
            Some((setting.name.to_owned(), shown.into()))
        })
        .collect();
    let settings = serde_json::Value::Object(settings);
    tracing::info!(event = "configuration", %settings, "the settings that are not left to their defaults");
}

fn run(configuration: Configuration, clock: Clock, companion: &dyn Companion) -> Result<(), StartFault> {
    let desks = Desks::new(&configuration);
    desks.guard().map_err(|fault| opening::set_up(&fault))?;
    let store = Arc::new(crate::host::open_server(&configuration, clock)?);
    let schema = opening::prepare(&configuration, &store, &desks)?;
    let bound = Bound::listen(&configuration, companion)?;
    let opening = Opening::new(configuration, store, desks)?;
    match schema {
        Schema::Ready => {
            reserve_fast_clock(&opening.store)?;
            companion.before_opening(&opening.store)?;
            bound.serve_ready(&opening)
        }
        Schema::Pending => bound.serve_when_migrated(&opening),
    }
}
