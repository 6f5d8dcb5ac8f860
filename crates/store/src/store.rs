//! A store: the database of one deployment, its clock, and how units of work become transactions.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use uuid::Uuid;

use crate::clock::machine_time;
use crate::fault::{Faults, Step};
use crate::postgres::PostgresEngine;
use crate::sqlite::{SqliteEngine, SqliteOptions};
use crate::transaction::{Session, apply};
use crate::{Clock, DatabaseUrl, EngineKind, SignInRefusal, StoreError, Tx};

/// Times that the outcome of a commit is asked for before it stays unknown.
const OUTCOME_LOOKUPS_MAX: u32 = 40;
const OUTCOME_PAUSE: Duration = Duration::from_millis(250);

/// What this process does with an embedded database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Serves: refuses to start beside another server and owns the checkpoints.
    Server,
    /// A command line beside a server that may be running.
    Tool,
}

/// Everything about opening a store that has a sensible default.
#[derive(Clone)]
pub struct StoreOptions {
    /// Server or tool.
    pub mode: OpenMode,
    /// Where time comes from.
    pub clock: Clock,
    /// Connections to PostgreSQL that this process may hold.
    pub postgres_connections: usize,
    /// Whether prepared statements are kept; off behind a pooler that swaps sessions.
    pub postgres_statement_cache: bool,
    /// Reading connections to SQLite.
    pub sqlite_readers: usize,
    /// Page cache of SQLite's writer, KiB.
    pub sqlite_cache_kib: u32,
    /// SQLite's virtual file system, for tests of failing disks.
    pub sqlite_vfs: Option<String>,
    /// Longest run of one read, and longest wait for a connection or another process's lock.
    pub patience: Duration,
    /// Faults to inject.
    pub faults: Option<Arc<dyn Faults>>,
    /// Where batch ids come from; the simulator gives its own.
    pub batch_ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
}

impl StoreOptions {
    /// Options for `mode` with the defaults of production.
    #[must_use]
    pub fn new(mode: OpenMode) -> StoreOptions {
        StoreOptions {
            mode,
            clock: Clock::System,
            postgres_connections: 8,
            postgres_statement_cache: true,
            sqlite_readers: 4,
            sqlite_cache_kib: 65_536,
            sqlite_vfs: None,
            patience: Duration::from_secs(5),
            faults: None,
            batch_ids: Arc::new(Uuid::now_v7),
        }
    }
}

/// Asked right before a commit; an error makes the unit of work run again from the start, so that it sees why.
pub trait CommitGuard: Send + Sync {
    /// `epoch` is what [`CommitGuard::epoch`] said when the unit began.
    fn check(&self, epoch: u64) -> Result<(), StoreError>;
    /// A number that changes whenever what the guard watches changes.
    fn epoch(&self) -> u64;
}

enum Engine {
    Sqlite(Box<SqliteEngine>),
    Postgres(PostgresEngine),
}

/// The database of one deployment. Shared by all threads of the process.
pub struct Store {
    engine: Engine,
    url: RwLock<DatabaseUrl>,
    options: StoreOptions,
    guard: RwLock<Option<Arc<dyn CommitGuard>>>,
}

impl Store {
    /// Opens the database at `url`, creating an embedded one that is not there.
    pub fn open(url: &DatabaseUrl, options: StoreOptions) -> Result<Store, StoreError> {
        let engine = match url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(Box::new(SqliteEngine::open(SqliteOptions {
                path: path.clone(),
                vfs: options.sqlite_vfs.clone(),
                readers: options.sqlite_readers,
                read_limit: options.patience,
                wait: options.patience,
                cache_kib: options.sqlite_cache_kib,
                server: options.mode == OpenMode::Server,
            })?)),
            DatabaseUrl::Postgres(url) => Engine::Postgres(PostgresEngine::open(
                url,
                options.postgres_connections,
                options.patience,
                options.postgres_statement_cache,
            )?),
        };
        Ok(Store { engine, url: RwLock::new(url.clone()), options, guard: RwLock::new(None) })
    }

    /// Where the database is, with the user and password in use now.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        self.url.read().clone()
    }

    /// Signs new connections in with the user and password of `url`, once that is proven to work; connections of the
    /// former user end with the transaction that they are in.
    ///
    /// # Errors
    /// [`SignInRefusal`]; the former user then stays in use. An embedded database knows no users, so only its own URL is
    /// taken there.
    pub fn sign_in_with(&self, url: &DatabaseUrl) -> Result<(), SignInRefusal> {
        match (&self.engine, url) {
            (Engine::Postgres(engine), DatabaseUrl::Postgres(text)) => engine.sign_in_with(text)?,
            (Engine::Sqlite(_), _) if *url == self.url() => {}
            (Engine::Sqlite(_) | Engine::Postgres(_), _) => return Err(SignInRefusal::OtherPlace),
        }
        *self.url.write() = url.clone();
        Ok(())
    }

    /// Whether the database has refused our user or password since this was last asked. While it does, units of work
    /// wait for connections that live on, or for [`Store::sign_in_with`], as long as for a busy pool.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            Engine::Postgres(engine) => engine.was_refused(),
        }
    }

    /// Which engine this is.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        match self.engine {
            Engine::Sqlite(_) => EngineKind::Sqlite,
            Engine::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Where time comes from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// Puts a guard before every commit of this process.
    pub fn guard_commits(&self, guard: Arc<dyn CommitGuard>) {
        *self.guard.write() = Some(guard);
    }

    /// Runs `work` in a transaction and commits it; runs it again after conflicts, and finds out what became of a
    /// commit whose answer was lost before doing anything twice. `unit` names the work in faults and logs.
    pub fn transact<T>(
        &self,
        unit: &'static str,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut runs = 0;
        loop {
            let batch = (self.options.batch_ids)();
            let mut done = None;
            let result = self.run_once(unit, batch, &mut |tx| {
                tx.record_batch()?;
                done = Some(work(tx)?);
                Ok(())
            });
            runs += 1;
            match (result, done) {
                (Ok(()), Some(value)) => return Ok(value),
                (Err(StoreError::UnknownCommit(text)), Some(value)) if self.outcome_of(batch, &text)? => {
                    return Ok(value);
                }
                (Err(error), _) if runs < error.runs_max() => {
                    tracing::debug!(unit, runs, %error, "the unit of work runs again");
                }
                (Err(error), _) => return Err(error),
                (Ok(()), None) => crate::fail_stop("a committed unit of work left no value"),
            }
        }
    }

    /// Runs `work` without a batch row, and again after conflicts: for migrations, before that table exists. What
    /// became of a commit whose answer was lost is not looked up, so `work` finds out for itself what is done.
    pub(crate) fn transact_bare<T>(
        &self,
        unit: &'static str,
        work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut runs = 0;
        loop {
            let mut done = None;
            let result = self.run_once(unit, Uuid::nil(), &mut |tx| {
                done = Some(work(tx)?);
                Ok(())
            });
            runs += 1;
            match (result, done) {
                (Ok(()), Some(value)) => return Ok(value),
                (Err(error), _) if runs < error.runs_max() => {}
                (Err(error), _) => return Err(error),
                (Ok(()), None) => crate::fail_stop("a committed unit of work left no value"),
            }
        }
    }

    /// Reads a consistent snapshot; nothing can be written.
    pub fn read<T>(
        &self,
        unit: &'static str,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(|connection| {
                connection.begin(true)?;
                let result = work(&mut self.tx(unit, Uuid::nil(), Session::Sqlite(connection)));
                connection.rollback();
                result
            }),
            Engine::Postgres(engine) => engine.with(true, |connection| {
                let result = work(&mut self.tx(unit, Uuid::nil(), Session::Postgres(connection)));
                connection.rollback();
                result
            }),
        }
    }

    /// Copies the write-ahead log of an embedded database into it now; elsewhere nothing.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.checkpoint(),
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Copies the write-ahead log of an embedded database into it and empties it, so that what was overwritten stands in
    /// neither any more; elsewhere nothing. Waits for nobody in another process: `false` = others use the log; try again.
    pub fn empty_log(&self) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.empty_log(),
            Engine::Postgres(_) => Ok(true),
        }
    }

    fn run_once(
        &self,
        unit: &'static str,
        batch: Uuid,
        work: &mut dyn FnMut(&mut Tx<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.fault(unit, Step::Begin)?;
        let guard = self.guard.read().clone();
        let epoch = guard.as_ref().map(|guard| guard.epoch());
        let mut guarded = |tx: &mut Tx<'_>| {
            work(tx)?;
            tx.check_whole()?;
            match (&guard, epoch) {
                (Some(guard), Some(epoch)) => guard.check(epoch),
                _ => Ok(()),
            }
        };
        match &self.engine {
            Engine::Sqlite(engine) => self.commit_sqlite(engine, unit, batch, guarded),
            Engine::Postgres(engine) => engine.with(false, |connection| {
                let result = guarded(&mut self.tx(unit, batch, Session::Postgres(connection)))
                    .and_then(|()| self.fault(unit, Step::Commit));
                match result {
                    Ok(()) => connection.commit().and_then(|()| self.fault_after_commit(unit)),
                    Err(error) => {
                        connection.rollback();
                        Err(error)
                    }
                }
            }),
        }
    }

    fn commit_sqlite(
        &self,
        engine: &SqliteEngine,
        unit: &'static str,
        batch: Uuid,
        work: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut writer = engine.writer();
        // A unit that panicked left its transaction open.
        writer.rollback();
        let mut writes = 0;
        let result = writer.begin(false).and_then(|()| {
            let mut tx = self.tx(unit, batch, Session::Sqlite(&mut writer));
            let result = work(&mut tx).and_then(|()| self.fault(unit, Step::Commit));
            writes = tx.writes;
            result?;
            writer.commit().and_then(|()| self.fault_after_commit(unit))
        });
        if result.is_err() {
            writer.rollback();
        }
        engine.release(writer, writes);
        result
    }

    /// Whether the transaction `batch` was committed, asked until the database answers or patience ends.
    fn outcome_of(&self, batch: Uuid, cause: &str) -> Result<bool, StoreError> {
        tracing::warn!(%batch, cause, "the answer to a commit was lost; looking the batch up");
        for _ in 0..OUTCOME_LOOKUPS_MAX {
            match self.was_committed(batch) {
                Ok(found) => return Ok(found),
                Err(error) => tracing::warn!(%batch, %error, "the outcome cannot be read yet"),
            }
            std::thread::sleep(OUTCOME_PAUSE);
        }
        Err(StoreError::UnknownCommit(format!("batch {batch} could not be looked up: {cause}")))
    }

    /// Whether `batch` was committed. Writing its row again waits for a COMMIT that is still on its way, which a mere
    /// look at the table would take for one that never came; what is written here is taken back.
    fn was_committed(&self, batch: Uuid) -> Result<bool, StoreError> {
        let mut found = None;
        let undone = self.run_once("store.outcome", batch, &mut |tx| {
            found = Some(!tx.record_batch_if_absent()?);
            Err(StoreError::Guarded("nothing is to be committed".into()))
        });
        found.ok_or_else(|| undone.err().unwrap_or_else(|| StoreError::Decode("outcome of a batch".into())))
    }

    fn tx<'a>(&'a self, unit: &'static str, batch: Uuid, session: Session<'a>) -> Tx<'a> {
        Tx {
            session,
            unit,
            batch,
            clock: &self.options.clock,
            machine_time: machine_time(),
            faults: self.options.faults.as_deref(),
            writes: 0,
            has_failed: false,
        }
    }

    /// Once a commit has succeeded, any fault can only mean that its answer is lost.
    fn fault_after_commit(&self, unit: &'static str) -> Result<(), StoreError> {
        let fault = self.fault(unit, Step::Committed);
        fault.map_err(|error| StoreError::UnknownCommit(error.to_string()))
    }

    fn fault(&self, unit: &'static str, step: Step) -> Result<(), StoreError> {
        match self.options.faults.as_ref().and_then(|faults| faults.before(unit, step)) {
            Some(fault) => apply(fault),
            None => Ok(()),
        }
    }
}
