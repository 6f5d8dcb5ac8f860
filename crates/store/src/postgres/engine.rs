//! The pool that lends connections to PostgreSQL, and whom it signs in as.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::connection::Connection;
use super::sign_in::{NoSession, SignIn};
use crate::pool::{Place, Pool};
use crate::{SignInRefusal, StoreError};

/// A statement of a transaction that writes is cancelled by the server when it runs longer.
const WRITE_STATEMENT_MAX: Duration = Duration::from_secs(60);
/// How long a borrower waits before it tries again while the server refuses our password.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// Connections to one server; lent out one at a time, opened when first needed.
pub struct PostgresEngine {
    access: RwLock<Arc<Access>>,
    cache_statements: bool,
    pool: Pool<Lent>,
    /// The limit of each reading statement and of the wait for a connection.
    patience: Duration,
    has_connected: AtomicBool,
    was_refused: AtomicBool,
}

/// Whom connections sign in as, until the next change.
struct Access {
    sign_in: SignIn,
    number: u64,
}

/// A connection, and by which access it was opened.
struct Lent {
    connection: Connection,
    access: u64,
}

impl PostgresEngine {
    /// A pool of at most `size` connections to `url`; `patience` limits the wait for one, and each reading statement.
    pub fn open(
        url: &str,
        size: usize,
        patience: Duration,
        cache_statements: bool,
    ) -> Result<Self, StoreError> {
        Ok(PostgresEngine {
            access: RwLock::new(Arc::new(Access { sign_in: SignIn::new(url)?, number: 0 })),
            cache_statements,
            pool: Pool::new(size, patience),
            patience,
            has_connected: AtomicBool::new(false),
            was_refused: AtomicBool::new(false),
        })
    }

    /// Lends a connection in a transaction that has begun. One that died since its last use is replaced, and so is one
    /// of a former user.
    pub fn with<T>(
        &self,
        read_only: bool,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (mut place, lent) = self.lend(read_only)?;
        let result = work(&mut place.connection.insert(lent).connection);
        let now = self.access().number;
        place.connection.take_if(|lent| lent.connection.is_closed() || lent.access != now);
        result
    }

    /// Signs new connections in as `url` says, once that is proven to work; those of the former user end with the
    /// transaction that they are in.
    pub fn sign_in_with(&self, url: &str) -> Result<(), SignInRefusal> {
        let sign_in = SignIn::new(url).map_err(SignInRefusal::Store)?;
        sign_in.prove_instead_of(&self.access().sign_in)?;
        let mut access = self.access.write();
        let number = access.number.wrapping_add(1);
        *access = Arc::new(Access { sign_in, number });
        drop(access);
        self.pool.empty_idle();
        Ok(())
    }

    /// Whether the server has refused our user or password since this was last asked.
    pub fn was_refused(&self) -> bool {
        self.was_refused.swap(false, Ordering::Relaxed)
    }

    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read())
    }

    /// While a password is changed the server refuses the old one before the new one is here. A pool that once had
    /// connections then waits for one of those that live on, or for the new password, as long as for a busy pool.
    fn lend(&self, read_only: bool) -> Result<(Place<'_, Lent>, Lent), StoreError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let mut place = self.pool.take_before(deadline)?;
            let access = self.access();
            match self.begun(place.connection.take(), &access, read_only) {
                Ok(lent) => return Ok((place, lent)),
                Err(none) if none.is_refusal && self.has_connected.load(Ordering::Relaxed) => {
                    self.was_refused.store(true, Ordering::Relaxed);
                    if Instant::now() + REFUSED_PAUSE >= deadline {
                        return Err(none.error);
                    }
                }
                Err(none) => return Err(none.error),
            }
            drop(place);
            std::thread::sleep(REFUSED_PAUSE);
        }
    }

    /// `kept` in a new transaction when it still serves, else a fresh connection.
    fn begun(&self, kept: Option<Lent>, access: &Access, read_only: bool) -> Result<Lent, NoSession> {
        let limit = if read_only { self.patience } else { WRITE_STATEMENT_MAX };
        if let Some(mut lent) = kept.filter(|lent| lent.access == access.number)
            && lent.connection.begin(read_only, limit).is_ok()
        {
            return Ok(lent);
        }
        let mut connection = Connection::new(access.sign_in.connect()?, self.cache_statements);
        let begun = connection.check_durability().and_then(|()| connection.begin(read_only, limit));
        begun.map_err(|error| NoSession { error, is_refusal: false })?;
        self.has_connected.store(true, Ordering::Relaxed);
        Ok(Lent { connection, access: access.number })
    }
}
