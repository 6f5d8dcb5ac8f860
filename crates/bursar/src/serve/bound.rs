//! The open ports: serving on them until the server is told to stop, with an orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bursar_desk::Stopping;
use bursar_web::{ApplicationHandle, Drained, ServeLimits, serve};
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use super::StartFault;
use super::companion::{Companion, Served};
use super::opening::{Opening, set_up};
use super::running::Running;
use super::shutdown::{Stop, follow_hangups, follow_signals, told};
use crate::config::Configuration;
use crate::host::reserve_fast_clock;

/// How often a server that waits for migrations looks whether they have run. Real time.
const LOOK: Duration = Duration::from_millis(100);
/// Threads for work that blocks; idle ones end after a while.
const BLOCKING_THREADS_MAX: usize = 16;
const WORKERS_MAX: usize = 8;
/// How long blocking work may still take when everything else has ended.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Ports that are open and not served yet.
pub(super) struct Bound<'c> {
    public: TcpListener,
    operations: Option<TcpListener>,
    companion: &'c dyn Companion,
}

impl<'c> Bound<'c> {
    /// Opens them.
    pub fn listen(
        configuration: &Configuration,
        companion: &'c dyn Companion,
    ) -> Result<Bound<'c>, StartFault> {
        let public = listen(configuration.listen)?;
        let operations = configuration.ops_listen.map(listen).transpose()?;
        Ok(Bound { public, operations, companion })
    }

    /// Starts everything and serves.
    pub fn serve_ready(self, opening: &Opening) -> Result<(), StartFault> {
        let (running, application) = opening.open()?;
        opening.ready(&running);
        let result = self.serve(opening, ApplicationHandle::new(application), |_| std::future::pending());
        running.stop();
        result
    }

    /// Serves the infrastructure routes until the migrations have run, then starts everything.
    pub fn serve_when_migrated(self, opening: &Opening) -> Result<(), StartFault> {
        tracing::warn!("migrations are pending: not ready until `bursar migrate up` has run");
        let handle = ApplicationHandle::new(opening.waiting()?);
        let running: Mutex<Option<Running>> = Mutex::default();
        let result = self.serve(opening, handle, |handle| open_when_migrated(opening, handle, &running));
        if let Some(running) = running.into_inner() {
            running.stop();
        }
        result
    }

    /// Serves until told to stop, or until `beside` fails.
    fn serve<'a, F>(
        self,
        opening: &'a Opening,
        handle: ApplicationHandle,
        beside: impl FnOnce(ApplicationHandle) -> F,
    ) -> Result<(), StartFault>
    where
        F: Future<Output = Result<(), StartFault>> + 'a,
    {
        let runtime = runtime()?;
        let operations = match self.operations {
            Some(listener) => Some((listener, opening.operations()?)),
            None => None,
        };
        let result = runtime.block_on(async {
            let stop = follow_signals().map_err(|error| set_up(&error))?;
            follow_hangups(opening.hangups.clone()).map_err(|error| set_up(&error))?;
            let address = self.public.local_addr().map_err(|error| set_up(&error))?;
            let public = tokio::net::TcpListener::from_std(self.public).map_err(|error| set_up(&error))?;
            if let Some((listener, application)) = operations {
                let address = listener.local_addr().map_err(|error| set_up(&error))?;
                tracing::info!(%address, "health, readiness and metrics also listen here");
                let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| set_up(&error))?;
                let handle = ApplicationHandle::new(application);
                tokio::spawn(serve(listener, handle, ServeLimits::default(), told(stop.clone())));
            }
            let told_to_stop = tell_of_stop(stop.clone(), self.companion, &opening.stopping);
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let shutdown = async {
                tokio::select! {
                    () = told(stop) => {}
                    _ = ended => {}
                }
            };
            let served = tokio::spawn(serve(public, handle.clone(), ServeLimits::default(), shutdown));
            self.companion.serving(Served { address, store: Arc::clone(&opening.store) });
            tokio::select! {
                never = told_to_stop => match never {},
                result = beside(handle) => {
                    // The server may be gone already, and then there is nothing to end.
                    let _ = end.send(());
                    result
                }
                drained = served => {
                    note(drained.ok());
                    Ok(())
                }
            }
        });
        runtime.shutdown_timeout(LAST_WORK);
        result
    }
}

/// Waits for the migrations, opens everything, and goes on for ever.
async fn open_when_migrated(
    opening: &Opening,
    handle: ApplicationHandle,
    running: &Mutex<Option<Running>>,
) -> Result<(), StartFault> {
    loop {
        let (store, migrations) = (Arc::clone(&opening.store), Arc::clone(&opening.migrations));
        let looked = tokio::task::spawn_blocking(move || store.migration_state(&migrations)).await;
        match looked.map_err(|error| set_up(&error))? {
            Ok(state) if state.is_servable() => break,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the migrations cannot be looked at"),
        }
        tokio::time::sleep(LOOK).await;
    }
    let open = || {
        reserve_fast_clock(&opening.store)?;
        opening.open()
    };
    let (started, application) = tokio::task::block_in_place(open)?;
    handle.replace(application);
    opening.ready(&started);
    *running.lock() = Some(started);
    tracing::info!("migrations have run: ready");
    std::future::pending().await
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartFault> {
    let listener = TcpListener::bind(address).map_err(|cause| StartFault::Listen { address, cause })?;
    listener.set_nonblocking(true).map_err(|cause| StartFault::Listen { address, cause })?;
    Ok(listener)
}

fn runtime() -> Result<Runtime, StartFault> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.clamp(1, WORKERS_MAX))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(|error| set_up(&error))
}

async fn tell_of_stop(stop: Stop, companion: &dyn Companion, stopping: &Stopping) -> Infallible {
    told(stop).await;
    stopping.begin();
    companion.stopping();
    std::future::pending().await
}

fn note(drained: Option<Drained>) {
    match drained {
        Some(Drained::Completely) => {}
        Some(Drained::Cut(connections)) => {
            tracing::warn!(connections, "connections were cut: their requests took too long to end");
        }
        None => tracing::error!("the server's task ended early"),
    }
}
