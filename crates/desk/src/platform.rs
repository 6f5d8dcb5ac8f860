//! What the wiring hands to every desk.

use std::sync::Arc;

use bursar_access::Entropy;
use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_store::{Store, StoreError};
use bursar_web::metrics::{MetricError, Registry};
use uuid::Uuid;

use crate::job::Waker;
use crate::journal::Journal;
use crate::limits::Limits;
use crate::off_thread::OffThread;
use crate::refusals::Refusals;
use crate::secrets::Secrets;
use crate::stopping::Stopping;

/// What a platform is made of.
pub struct PlatformParts {
    /// The database.
    pub store: Arc<Store>,
    /// Sources of stops.
    pub switchboard: Switchboard,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The metrics of the process.
    pub metrics: Arc<Registry>,
    /// The secrets as they stand.
    pub secrets: Secrets,
}

/// Everything that a desk works with.
#[derive(Clone)]
pub struct Platform {
    /// The database.
    pub store: Arc<Store>,
    /// Sources of stops.
    pub switchboard: Switchboard,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The metrics of the process.
    pub metrics: Arc<Registry>,
    /// The secrets as they stand, by the names of their variables.
    pub secrets: Secrets,
    /// Counts calls against limits.
    pub limits: Limits,
    /// Records refusals and whatever else belongs to no change.
    pub journal: Journal,
    /// Runs store work for async handlers.
    pub off_thread: OffThread,
    /// Makes the scheduler look for work now.
    pub waker: Waker,
    /// Counts whose calls were refused.
    pub refusals: Refusals,
    /// Whether the process was told to stop; whoever serves tells it.
    pub stopping: Stopping,
    process: Arc<str>,
    salts: SaltKey,
}

/// Why the platform cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PlatformFault {
    /// A lane cannot be started.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A metric cannot be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

impl Platform {
    /// Starts the platform's own lanes.
    pub fn start(parts: PlatformParts) -> Result<Platform, PlatformFault> {
        let PlatformParts { store, switchboard, entropy, metrics, secrets } = parts;
        let mut key = [0; 32];
        entropy.fill(&mut key);
        let salts = SaltKey::new(key);
        let process: Arc<str> = Uuid::now_v7().to_string().into();
        let journal = Recorder::new(format!("{process}/journal"), salts.clone());
        Ok(Platform {
            limits: Limits::start(Arc::clone(&store), &metrics)?,
            journal: Journal::start(Arc::clone(&store), journal)?,
            off_thread: OffThread::new(Arc::clone(&store)),
            waker: Waker::default(),
            refusals: Refusals::default(),
            stopping: Stopping::default(),
            store,
            switchboard,
            entropy,
            metrics,
            secrets,
            process,
            salts,
        })
    }

    /// The id of this process, new at each start: the holder of its leases and the beginning of its audit chains.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }

    /// The audit chain of one writer of this process. Two writers never share a name.
    #[must_use]
    pub fn recorder(&self, lane: &str) -> Recorder {
        Recorder::new(format!("{}/{lane}", self.process), self.salts.clone())
    }
}
