//! When witnesses look: after each commit, after each recovery, now and then, and at the end.

use std::sync::Arc;

use bursar_audit::{take_anchor, verify};

use crate::event::Class;
use crate::invariant::{Breach, Invariant};
use crate::world::World;

/// Time between two examinations of everything, ms.
const EXAMINATION_GAP_MS: i64 = 900_000;

impl World {
    /// A commit of `node` has succeeded, and nobody has been told yet.
    pub fn witness_commit(&self, node: usize, unit: &'static str) {
        for room in &self.rooms {
            if !self.is_broken() {
                self.hold(room.committed(node, unit));
            }
        }
    }

    /// Opens the witnesses' connections; the first one recovers the database.
    pub fn connect_witnesses(&self) -> rusqlite::Result<()> {
        self.rooms.iter().try_for_each(|room| room.connect(&self.disk))
    }

    /// Goes through everything once the database has been opened again.
    pub fn after_recovery(&self, recovered: rusqlite::Result<()>) {
        if let Err(error) = recovered {
            let detail = format!("the database does not open: {error}");
            self.fail(Breach { invariant: Invariant::Durable, detail });
        }
        for room in &self.rooms {
            if !self.is_broken() {
                self.hold(room.examine(true));
            }
        }
    }

    /// Goes through everything.
    pub fn examine(self: &Arc<World>) {
        self.rooms.iter().for_each(|room| self.hold(room.examine(false)));
        self.verify_audit_log();
    }

    /// Goes through everything, and again in a quarter of an hour.
    pub fn examine_now_and_then(self: &Arc<World>) {
        self.examine();
        self.plan_in(EXAMINATION_GAP_MS, Class::Work, World::examine_now_and_then);
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
