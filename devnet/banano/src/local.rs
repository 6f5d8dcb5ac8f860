//! A node in the same process, for simulations and fast tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bursar_banano::rpc::{Answer, BODY_LIMIT_BYTES, Transport, TransportError};
use parking_lot::Mutex;

use crate::command::Command;
use crate::fault::{Outcome, Reply};
use crate::node::Node;

/// A node that a client in this process asks, at a time that the owner sets. Clones are the same node.
#[derive(Clone)]
pub struct LocalNode {
    name: String,
    node: Arc<Mutex<Node>>,
    now_ms: Arc<AtomicU64>,
    timeout_ms: u64,
}

impl LocalNode {
    /// The node under a name; answers that take longer than `timeout_ms` do not arrive.
    #[must_use]
    pub fn new(name: &str, node: Node, timeout_ms: u64) -> LocalNode {
        LocalNode {
            name: name.to_owned(),
            node: Arc::new(Mutex::new(node)),
            now_ms: Arc::new(AtomicU64::new(0)),
            timeout_ms,
        }
    }

    /// Sets the time; blocks become final whose time has come.
    pub fn set_now(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
        self.node.lock().advance(now_ms);
    }

    /// Takes a command; see [`Node::command`].
    pub fn command(&self, command: Command) -> Result<(), String> {
        self.node.lock().command(command)
    }

    /// Looks at the node, or does something to it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Node) -> T) -> T {
        act(&mut self.node.lock())
    }
}

impl Transport for LocalNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, request: &str) -> Result<Answer, TransportError> {
        let Reply { delay_ms, outcome } =
            self.node.lock().handle(self.now_ms.load(Ordering::Relaxed), request);
        if delay_ms > self.timeout_ms {
            return Err(TransportError::Timeout);
        }
        match outcome {
            Outcome::Answer { body, .. } if body.len() > BODY_LIMIT_BYTES => Err(TransportError::TooLarge),
            Outcome::Answer { status, body } => Ok(Answer { status, body: body.into_bytes() }),
            Outcome::Cut => Err(TransportError::Broken),
            Outcome::Silence => Err(TransportError::Timeout),
        }
    }
}
