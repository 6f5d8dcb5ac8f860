//! Opening the database that the configuration names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bursar_store::fault::Faults;
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreError, StoreOptions, Timestamp};
use secrecy::ExposeSecret;

use super::failpoints::Failpoints;
use super::fast_clock;
use crate::config::{ClockChoice, Configuration, DatabaseTls, DatabaseUrl as ConfiguredUrl};

/// How long a migration by hand waits for a database that a server keeps busy.
const TOOL_PATIENCE: Duration = Duration::from_secs(4);

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    /// The configured URL does not parse.
    #[error(transparent)]
    Url(#[from] bursar_store::UrlError),
    /// The folder of an embedded database cannot be made.
    #[error("the folder {path} of the database cannot be made: {cause}; make it, or name another file")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// There is no embedded database.
    #[error(
        "there is no database {path}; name the right one with --database or DATABASE_URL, or make it with \
         `bursar migrate up`"
    )]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The engine refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens it for a tool, and makes an embedded one that is not there.
pub(crate) fn open(configuration: &Configuration) -> Result<Store, OpenFault> {
    let url = url(configuration)?;
    make_folder(&url)?;
    Ok(Store::open(&url, tool_options(configuration, TOOL_PATIENCE))?)
}

/// Opens it for the server with the clock that [`begin_clock`] gave, and makes an embedded one that is not there.
pub(crate) fn open_server(configuration: &Configuration, clock: Clock) -> Result<Store, OpenFault> {
    let url = url(configuration)?;
    make_folder(&url)?;
    let pool = configuration.database.pool;
    let failpoints = configuration.failpoints.clone();
    let options = StoreOptions {
        clock,
        postgres_connections: usize::try_from(pool.max).unwrap_or(usize::MAX),
        sqlite_readers: configuration.database.sqlite_readers,
        patience: pool.connection_timeout,
        faults: failpoints.map(|folder| Arc::new(Failpoints { folder }) as Arc<dyn Faults>),
        ..options(configuration, OpenMode::Server)
    };
    Ok(Store::open(&url, options)?)
}

/// The server's clock. A fast one goes on from where the database stands, so it may look into it.
pub(crate) fn begin_clock(configuration: &Configuration) -> Result<Clock, OpenFault> {
    match configuration.clock {
        ClockChoice::Fast { factor } => Ok(fast_clock::going_on(latest_mark(configuration)?, factor)),
        choice @ (ClockChoice::System | ClockChoice::Manual { .. }) => Ok(clock(choice)),
    }
}

/// The latest time that the database has seen; `None` = it is a new one.
fn latest_mark(configuration: &Configuration) -> Result<Option<Timestamp>, OpenFault> {
    let store = match open_existing(configuration, TOOL_PATIENCE) {
        Err(OpenFault::Missing { .. }) => return Ok(None),
        opened => opened?,
    };
    let has_marks = store.migration_state(&[])?.pending.is_empty();
    if has_marks { Ok(store.read("host.latest_mark", |tx| tx.latest_mark())?) } else { Ok(None) }
}

/// Opens it for a command line that waits up to `patience` for a server, and limits each of its reads by it. A tool
/// that opened a missing file would leave an empty database behind.
pub(crate) fn open_existing(configuration: &Configuration, patience: Duration) -> Result<Store, OpenFault> {
    let url = url(configuration)?;
    match &url {
        DatabaseUrl::Sqlite(path) if !path.exists() => Err(OpenFault::Missing { path: path.clone() }),
        DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_) => {
            Ok(Store::open(&url, tool_options(configuration, patience))?)
        }
    }
}

fn options(configuration: &Configuration, mode: OpenMode) -> StoreOptions {
    let mut options = StoreOptions::new(mode);
    options.clock = clock(configuration.clock);
    options.postgres_statement_cache = configuration.database.statement_cache;
    options
}

fn tool_options(configuration: &Configuration, patience: Duration) -> StoreOptions {
    StoreOptions {
        postgres_connections: 1,
        sqlite_readers: 1,
        sqlite_cache_kib: 8_192,
        patience,
        ..options(configuration, OpenMode::Tool)
    }
}

/// The file of an embedded database.
pub(crate) fn embedded_file(configuration: &Configuration) -> Option<PathBuf> {
    match &configuration.database.url {
        ConfiguredUrl::Sqlite { path } => Some(path.clone()),
        ConfiguredUrl::Postgres { .. } => None,
    }
}

/// The URL with the TLS decision in it: verified, or none.
pub(crate) fn url(configuration: &Configuration) -> Result<DatabaseUrl, OpenFault> {
    let database = &configuration.database;
    match &database.url {
        ConfiguredUrl::Sqlite { path } => Ok(DatabaseUrl::Sqlite(path.clone())),
        ConfiguredUrl::Postgres { url } => {
            let url = url.expose_secret();
            let mark = if url.contains('?') { '&' } else { '?' };
            let mode = match database.tls {
                DatabaseTls::Verified => "require",
                DatabaseTls::Plain => "disable",
            };
            Ok(format!("{url}{mark}sslmode={mode}").parse()?)
        }
    }
}

fn clock(choice: ClockChoice) -> Clock {
    match choice {
        ClockChoice::System => Clock::System,
        ClockChoice::Manual { start_ms } => Clock::Manual(Timestamp::from_ms(start_ms)),
        ClockChoice::Fast { factor } => fast_clock::going_on(None, factor),
    }
}

fn make_folder(url: &DatabaseUrl) -> Result<(), OpenFault> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|cause| OpenFault::Folder { path: folder.to_owned(), cause })
}
