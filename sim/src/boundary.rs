//! The edge of a process: what dies inside it stays inside it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_store::set_fail_stop_handler;

use crate::invariant::{Breach, Invariant};
use crate::node::Process;
use crate::world::World;

/// How the store says that a commit's write or sync failed: the one reason for which a process may stop itself.
const COMMIT_FAILED: &str = "writing a commit to disk failed";

/// A process dies here by the simulator's will.
struct Killed;

/// A process stopped itself.
struct FailStopped(String);

/// Makes a fail-stop end a process of the simulation, and not the simulation.
pub fn install() {
    set_fail_stop_handler(|reason| resume_unwind(Box::new(FailStopped(reason.to_owned()))));
}

/// Ends the process that is running here.
pub fn die() -> ! {
    resume_unwind(Box::new(Killed))
}

impl World {
    /// Runs one step of a node's process. `None` when it is down, or did not live to tell.
    pub fn step<T>(self: &Arc<World>, node: usize, work: impl FnOnce(&Process) -> T) -> Option<T> {
        let process = self.nodes[node].process()?;
        let begun = self.disk.steps();
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&process)));
        if let Err(payload) = &outcome {
            self.judge(node, payload.as_ref(), begun);
        }
        if self.disk.halted() {
            self.machine_crash(None);
            return None;
        }
        let is_current = self.nodes[node].generation() == process.generation;
        match outcome {
            Ok(value) if is_current => Some(value),
            Ok(_) => None,
            Err(_) => {
                if is_current {
                    self.kill(node);
                }
                None
            }
        }
    }

    /// Whether a process may die of this, in work that began at this step of the disk's.
    fn judge(&self, node: usize, payload: &(dyn Any + Send), begun: u64) {
        if payload.is::<Killed>() {
            return;
        }
        let detail = match payload.downcast_ref::<FailStopped>() {
            Some(FailStopped(reason)) if reason.starts_with(COMMIT_FAILED) && self.disk_failed(begun) => {
                self.note(&format!("node {node} stops itself: a commit failed on disk"));
                return;
            }
            Some(FailStopped(reason)) => format!("node {node} stopped itself: {reason}"),
            None => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                format!("node {node} panicked: {}", text.unwrap_or("without a word"))
            }
        };
        self.fail(Breach { invariant: Invariant::NoFailStop, detail });
    }

    /// Whether the disk has failed since a step of its own, and no process has stopped itself for that. Once trouble has ended
    /// it does not fail.
    fn disk_failed(&self, begun: u64) -> bool {
        let fired = self.disk.fired();
        let judged = self.faults_judged.swap(fired.len(), Ordering::SeqCst);
        let has_failed = fired.iter().skip(judged).any(|fault| fault.step >= begun);
        has_failed && !self.is_calm.load(Ordering::SeqCst)
    }
}
