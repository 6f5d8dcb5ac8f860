//! When witnesses look: after each commit, after each recovery, now and then, and at the end.

use std::sync::Arc;

use bursar_audit::{Anchor, take_anchor, verify};
use bursar_store::{StoreError, Tx};

use crate::book::Health;
use crate::event::Class;
use crate::invariant::{Breach, Invariant, require};
use crate::watching::{Eye, recover};
use crate::world::World;

/// Time between two examinations of everything, ms.
const EXAMINATION_GAP_MS: i64 = 900_000;
/// How often it is tried to verify the audit log when nothing stands in the way.
const LOOKS_MAX: u32 = 3;

/// An anchor of the audit log as it is, or the chain of the kept one whose head is not there any more.
type NextAnchor = Result<Anchor, String>;

/// Takes an anchor in a transaction that looks for the kept one first: whoever rewrites the log between two anchors and
/// hashes it anew is seen by that alone.
pub fn next_anchor(tx: &mut Tx<'_>, kept: Option<&Anchor>) -> Result<NextAnchor, StoreError> {
    let sql = "SELECT hash FROM audit_links WHERE chain = $1 AND number = $2 AND last_event = $3";
    for head in kept.into_iter().flat_map(|anchor| &anchor.heads) {
        let of_head = [head.chain.as_str().into(), head.number.into(), head.last_event.into()];
        let hash = tx.query_first(sql, &of_head, |row| row.get::<Vec<u8>>(0))?;
        if hash.as_ref() != Some(&head.hash) {
            return Ok(Err(head.chain.clone()));
        }
    }
    take_anchor(tx).map(Ok)
}

impl World {
    /// Keeps an anchor that was taken, unless the one before it was not found.
    pub fn keep_anchor(&self, anchor: NextAnchor) -> Result<(), Breach> {
        match anchor {
            Ok(anchor) => self.anchor.with(|kept| *kept = Some(anchor)),
            Err(chain) => require!(AuditChain, false, "the head of {chain} is not what its anchor says"),
        }
        Ok(())
    }

    /// A commit of `node` has succeeded, and nobody has been told yet.
    pub fn witness_commit(&self, node: usize, unit: &'static str) {
        for room in &self.rooms {
            if !self.is_broken() {
                self.hold(room.committed(node, unit));
            }
        }
    }

    /// Recovers the database and opens the witnesses' eye. A disk that fails the recovery is mended once, as nobody is
    /// served before.
    pub fn connect_witnesses(&self) -> rusqlite::Result<()> {
        let connect = || {
            let recovering = recover(&self.disk)?;
            let eye = Eye::on(&self.disk)?;
            self.book.with(|book| book.connect(&eye));
            self.rooms.iter().for_each(|room| room.connect(&eye));
            drop(recovering);
            Ok(())
        };
        match connect() {
            Err(_) if !self.disk.halted() => {
                self.disk.clear_faults();
                connect()
            }
            connected => connected,
        }
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
        self.examine_book(Health::Quick);
    }

    /// Holds the book against itself, whatever rooms there are.
    fn examine_book(&self, health: Health) {
        if !self.is_broken() {
            self.hold(self.book.with(|book| book.examine(health)));
        }
    }

    /// Goes through everything. The audit log must be found to verify: whoever cannot tell has not looked.
    pub fn examine(self: &Arc<World>) {
        self.rooms.iter().for_each(|room| self.hold(room.examine(false)));
        self.examine_book(Health::Full);
        let can_verify = self.is_broken() || (0..LOOKS_MAX).any(|_| self.verify_audit_log(self.node_up()));
        if !can_verify {
            let detail = "the audit log cannot be verified although nothing stands in the way".to_owned();
            self.fail(Breach { invariant: Invariant::AuditChain, detail });
        }
    }

    /// Goes through everything, and again in a quarter of an hour.
    pub fn examine_now_and_then(self: &Arc<World>) {
        self.rooms.iter().for_each(|room| self.hold(room.examine(false)));
        self.examine_book(Health::Assumed);
        // In the middle of trouble the command line may be in somebody's hands, so a node has to do.
        let is_verified = self.node_up().is_some_and(|node| self.verify_audit_log(Some(node)));
        if !is_verified {
            self.reach("witness", "audit log not verified");
        }
        self.plan_in(EXAMINATION_GAP_MS, Class::Work, World::examine_now_and_then);
    }

    fn node_up(&self) -> Option<usize> {
        (0..self.serving).find(|node| self.nodes[*node].process().is_some())
    }

    /// Verifies the audit log through a node, or in a process of its own, against the last anchor; whether that came to an
    /// end. Where it did not it is done another time: what is wrong with the log stays wrong.
    fn verify_audit_log(self: &Arc<World>, node: Option<usize>) -> bool {
        let anchor = self.anchor.with(|anchor| anchor.clone());
        let verified = self.command(node, |process| {
            process.store.read("sim.verify", |tx| Ok((verify(tx, anchor.as_ref())?, take_anchor(tx)?)))
        });
        let Some(Ok((result, anchor))) = verified else { return false };
        self.reach("witness", "audit log verified");
        if let Some(finding) = result.findings.first() {
            self.fail(Breach { invariant: Invariant::AuditChain, detail: finding.to_string() });
        }
        self.anchor.with(|kept| *kept = Some(anchor));
        true
    }
}
