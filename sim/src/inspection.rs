//! When the witness looks: after each commit of the desk, after each recovery, now and then, and at the end.

use std::sync::Arc;

use bursar_audit::{take_anchor, verify};

use crate::invariant::{Breach, Invariant};
use crate::world::World;

/// Units of work that change what the witness knows.
const WATCHED: [&str; 5] =
    ["rounds.join", "rounds.freeze", "rounds.post", "broken.pay_again", "broken.keep_remainder"];

impl World {
    /// A commit of `node` has succeeded, and nobody has been told yet.
    pub fn witness_commit(&self, node: usize, unit: &'static str) {
        if WATCHED.contains(&unit) && !self.is_broken() {
            let checked = self.witness.with(|witness| witness.look(Some(node)));
            self.hold(checked);
        }
    }

    /// Opens the witness's connection.
    pub fn connect_witness(&self) -> rusqlite::Result<()> {
        self.witness.with(|witness| witness.connect(&self.disk))
    }

    /// Goes through everything once the database has been opened again.
    pub fn after_recovery(&self, recovered: rusqlite::Result<()>) {
        if let Err(error) = recovered {
            let detail = format!("the database does not open: {error}");
            self.fail(Breach { invariant: Invariant::Durable, detail });
        }
        if self.is_broken() {
            return;
        }
        let checked = self.witness.with(|witness| witness.look(None).and_then(|()| witness.examine(true)));
        self.hold(checked);
    }

    /// Goes through everything.
    pub fn examine(self: &Arc<World>) {
        let checked = self.witness.with(|witness| witness.examine(false));
        self.hold(checked);
        self.verify_audit_log();
    }

    /// Verifies the audit log through some node, against the last anchor. A node that fails meanwhile is asked another
    /// time: what is wrong with the log stays wrong.
    fn verify_audit_log(self: &Arc<World>) {
        let Some(node) = (0..self.serving).find(|node| self.nodes[*node].process().is_some()) else { return };
        let anchor = self.anchor.with(|anchor| anchor.clone());
        let verified = self.step(node, |process| {
            process.store.read("sim.verify", |tx| Ok((verify(tx, anchor.as_ref())?, take_anchor(tx)?)))
        });
        let Some(Ok((result, anchor))) = verified else { return };
        if let Some(finding) = result.findings.first() {
            self.fail(Breach { invariant: Invariant::AuditChain, detail: finding.to_string() });
        }
        self.anchor.with(|kept| *kept = Some(anchor));
    }
}
