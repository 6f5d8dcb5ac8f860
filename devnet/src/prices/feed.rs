//! Starts a price feed on loopback and holds it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::faults::{Failing, Faults};
use super::routes::router;
use super::source::Source;
use super::state::State;

/// A running feed with a thread of its own; dropping it stops it, pending answers included.
pub struct PriceFeed {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl PriceFeed {
    /// Serves `source` on a loopback address (port 0 picks a free one); any other address is `InvalidInput`.
    pub fn start(source: impl Source + 'static, listen: SocketAddr) -> io::Result<PriceFeed> {
        PriceFeed::serve(Box::new(source), listen, false)
    }

    /// Like [`PriceFeed::start`], with `GET` and `POST /control`, so that another process can set the faults.
    pub fn start_with_control(source: impl Source + 'static, listen: SocketAddr) -> io::Result<PriceFeed> {
        PriceFeed::serve(Box::new(source), listen, true)
    }

    fn serve(source: Box<dyn Source>, listen: SocketAddr, with_control: bool) -> io::Result<PriceFeed> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a price feed stand-in serves loopback only",
            ));
        }
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(source));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let routes = router(Arc::clone(&state), with_control);
        let server = thread::Builder::new().name("price-feed".to_owned()).spawn(move || {
            // Both ends of this race are the feed's end: dropping the runtime drops every open connection.
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(PriceFeed { address, state, stop: Some(stop), server: Some(server) })
    }

    /// Base URL without trailing slash, e.g. `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.state.faults.lock().clone()
    }

    /// Replaces all faults; [`Faults::default`] makes the feed healthy again.
    pub fn set_faults(&self, faults: Faults) {
        *self.state.faults.lock() = faults;
    }

    /// Answers the next `requests` requests with `status`; the other faults stay.
    pub fn fail_next(&self, status: u16, requests: u32) {
        self.state.faults.lock().fail = Some(Failing { status, requests });
    }

    /// Sets the time of the latest price, Unix seconds. Until then it is the system clock's.
    pub fn set_now(&self, second: i64) {
        *self.state.now.lock() = Some(second);
    }

    /// How many prices were asked for, failures included.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.state.request_count()
    }

    /// Path and query of the price requests in order of arrival, at most the last 10,000.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state.paths()
    }

    /// What was asked for, in order: seconds as digits, or `latest`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let when =
            |path: String| path.split('?').next().and_then(|path| path.rsplit('/').next().map(str::to_owned));
        self.requests().into_iter().filter_map(when).collect()
    }

    /// Empties the request log and its counter.
    pub fn forget_requests(&self) {
        self.state.forget_requests();
    }
}

impl Drop for PriceFeed {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
