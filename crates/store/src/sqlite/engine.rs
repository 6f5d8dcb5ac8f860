//! The embedded database as a whole: who may write, who may read, and the lock against a second server.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::fs_std::FileExt;
use parking_lot::{Mutex, MutexGuard};

use super::checkpoint::Checkpointer;
use super::connection::Connection;
use crate::StoreError;
use crate::pool::Pool;

/// How the embedded database is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Where the file is.
    pub path: PathBuf,
    /// A virtual file system other than the machine's, for tests of failing disks.
    pub vfs: Option<String>,
    /// Connections that only read.
    pub readers: usize,
    /// Longest run of one read, then it fails.
    pub read_limit: Duration,
    /// How long a writer waits for another process's lock.
    pub wait: Duration,
    /// Page cache of the writer, in KiB.
    pub cache_kib: u32,
    /// Whether this process is the server: it alone may hold the server lock and owns the checkpoints.
    pub server: bool,
}

/// One SQLite database.
pub struct SqliteEngine {
    options: SqliteOptions,
    writer: Mutex<Connection>,
    readers: Pool<Connection>,
    checkpointer: Option<Checkpointer>,
    _server_lock: Option<File>,
}

impl SqliteEngine {
    /// Opens or creates the database; a server refuses to start beside another one.
    pub fn open(options: SqliteOptions) -> Result<SqliteEngine, StoreError> {
        let server_lock = match (options.server, &options.vfs) {
            (true, None) => Some(lock_for_server(&options.path)?),
            _ => None,
        };
        let vfs = options.vfs.as_deref();
        let gathering =
            bursar_sqlite_log::gathering(vfs).map_err(|fault| StoreError::Unavailable(fault.to_string()))?;
        let connection = Connection::open(&options.path, Some(&gathering), false, options.wait)?;
        connection.configure_writer(options.cache_kib)?;
        let checkpointer = match (options.server, vfs) {
            (true, None) => Some(Checkpointer::start(&options.path)?),
            _ => None,
        };
        let readers = Pool::new(options.readers, options.read_limit);
        Ok(SqliteEngine {
            options,
            writer: Mutex::new(connection),
            readers,
            checkpointer,
            _server_lock: server_lock,
        })
    }

    /// The one connection that writes; others of this process wait their turn here.
    pub fn writer(&self) -> MutexGuard<'_, Connection> {
        let writer = self.writer.lock();
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.finish(&writer);
        }
        writer
    }

    /// Hands the writer to whoever has waited longest, after `writes` changed rows.
    pub fn release(&self, writer: MutexGuard<'_, Connection>, writes: u64) {
        MutexGuard::unlock_fair(writer);
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.note_commit(writes);
        }
    }

    /// Copies the whole log into the database now; for drivers without a checkpoint thread.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.writer().checkpoint().map(|_| ())
    }

    /// Copies the whole log into the database and leaves it empty; `false` = others use it.
    pub fn empty_log(&self) -> Result<bool, StoreError> {
        self.writer().empty_log()
    }

    /// Lends a connection that reads, for at most the configured time.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut place = self.readers.take()?;
        let connection = match place.connection.take() {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        self.timed(place.connection.insert(connection), work)
    }

    fn timed<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + self.options.read_limit;
        connection.interrupt_when(Some(Box::new(move || Instant::now() > deadline)))?;
        work(connection)
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        let vfs = self.options.vfs.as_deref();
        let connection = Connection::open(&self.options.path, vfs, true, self.options.wait)?;
        connection.configure_reader(self.options.cache_kib / 8)?;
        Ok(connection)
    }
}

fn lock_for_server(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".server-lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(Path::new(&name));
    let file = file.map_err(|error| {
        StoreError::Unavailable(format!("the lock file {} cannot be opened: {error}", name.display()))
    })?;
    match file.try_lock_exclusive() {
        Ok(true) => Ok(file),
        Ok(false) => Err(StoreError::Unavailable(format!(
            "another server already runs on {}; stop it first, or use PostgreSQL for several servers",
            path.display()
        ))),
        Err(error) => Err(StoreError::Unavailable(format!("the server lock cannot be taken: {error}"))),
    }
}
