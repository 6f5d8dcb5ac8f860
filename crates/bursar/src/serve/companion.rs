//! What shares a process with a server, such as the demo's players: told at three points of the server's life.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use bursar_store::Store;

use super::StartFault;

/// A server that answers.
pub(crate) struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database.
    pub store: Arc<Store>,
}

/// Beside a server in its process.
pub(crate) trait Companion: Send + Sync {
    /// The schema is ready and the port is taken, but nothing runs yet. A fault ends the start.
    fn before_opening(&self, _store: &Arc<Store>) -> Result<(), StartFault> {
        Ok(())
    }

    /// The port is served from now on. Must not block.
    fn serving(&self, served: Served);

    /// The server was told to stop; requests in flight are still answered. Must not block.
    fn stopping(&self) {}
}

/// Nobody: the server alone says where it listens.
pub(crate) struct Alone;

impl Companion for Alone {
    /// The one line on stdout that is no log line: whoever started the server waits for it.
    fn serving(&self, served: Served) {
        let mut stdout = std::io::stdout().lock();
        // When stdout is gone nobody waits for the line.
        let _ =
            writeln!(stdout, "bursar: listening on http://{}", served.address).and_then(|()| stdout.flush());
    }
}
