//! When the witness looks: after each commit of the desk, after each recovery, now and then, and at the end.

use std::sync::Arc;

use bursar_audit::{Anchor, take_anchor, verify};
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreOptions};

use crate::invariant::{Breach, Invariant};
use crate::template::DATABASE;
use crate::world::World;

/// Units of work that change what the witness knows.
const WATCHED: [&str; 5] =
    ["rounds.join", "rounds.freeze", "rounds.post", "broken.pay_again", "broken.keep_remainder"];

/// What verifies the audit log, and how far the log had come when it was last looked at.
#[derive(Default)]
pub struct Auditor {
    store: Option<Store>,
    anchor: Option<Anchor>,
}

impl Auditor {
    /// Closes its database; the anchor is kept elsewhere and stays.
    pub fn disconnect(&mut self) {
        self.store = None;
    }
}

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
        self.verify_audit_log();
    }

    /// Goes through everything.
    pub fn examine(&self) {
        let checked = self.witness.with(|witness| witness.examine(false));
        self.hold(checked);
        self.verify_audit_log();
    }

    /// Notes how far the audit log has come.
    pub fn anchor_audit_log(&self) {
        self.auditor.with(|auditor| {
            let anchor = self.audit_store(auditor).read("sim.anchor", take_anchor);
            auditor.anchor = Some(anchor.expect("the audit log can be read"));
        });
    }

    fn verify_audit_log(&self) {
        let result = self.auditor.with(|auditor| {
            self.audit_store(auditor);
            let Auditor { store, anchor } = auditor;
            let store = store.as_ref().expect("just opened");
            store.read("sim.verify", |tx| verify(tx, anchor.as_ref())).expect("the audit log can be read")
        });
        if let Some(finding) = result.findings.first() {
            self.fail(Breach { invariant: Invariant::AuditChain, detail: finding.to_string() });
        }
        self.anchor_audit_log();
    }

    fn audit_store<'a>(&self, auditor: &'a mut Auditor) -> &'a Store {
        auditor.store.get_or_insert_with(|| {
            let options = StoreOptions {
                clock: Clock::Simulated(Arc::clone(&self.nodes[self.serving].clock_ms)),
                sqlite_vfs: Some(self.disk.vfs_name().to_owned()),
                sqlite_cache_kib: 512,
                sqlite_readers: 1,
                ..StoreOptions::new(OpenMode::Tool)
            };
            Store::open(&DatabaseUrl::Sqlite(DATABASE.into()), options).expect("the database opens")
        })
    }
}
