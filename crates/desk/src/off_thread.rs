//! Store work for async handlers: it blocks, so it runs on threads kept for blocking, a bounded number of jobs at once.

use std::sync::Arc;

use bursar_store::{Store, StoreError, Tx};
use bursar_web::ApiError;
use bursar_web::platform_codes::OVERLOADED;
use tokio::sync::Semaphore;

/// Pieces of work under way or waiting for a thread; one more is refused.
const AT_ONCE_MAX: usize = 512;

/// Runs store work away from the threads that serve connections.
#[derive(Clone)]
pub struct OffThread {
    store: Arc<Store>,
    places: Arc<Semaphore>,
}

impl OffThread {
    /// Work on `store`.
    #[must_use]
    pub fn new(store: Arc<Store>) -> OffThread {
        OffThread { store, places: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// 503 `overloaded` when too much waits already, else 500 with the store's error kept for the log.
    pub async fn read<T: Send + 'static>(
        &self,
        unit: &'static str,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(&self.store);
        self.run(move || store.read(unit, work)).await?.map_err(|error| ApiError::fault(&error))
    }

    /// Runs one transaction that writes.
    ///
    /// # Errors
    /// As [`OffThread::read`].
    pub async fn transact<T: Send + 'static>(
        &self,
        unit: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(&self.store);
        self.run(move || store.transact(unit, work)).await?.map_err(|error| ApiError::fault(&error))
    }

    /// Runs anything that blocks.
    ///
    /// # Errors
    /// 503 `overloaded` when too much waits already.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let overloaded = || ApiError::of(&OVERLOADED).with_retry_after(1);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| overloaded())?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|error| ApiError::fault(&error))
    }
}
