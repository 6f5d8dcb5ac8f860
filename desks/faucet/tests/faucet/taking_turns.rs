//! Payouts go on only when nothing says that payments are missing, however close the two come to each other.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bursar_control::{ConfigTable, SwitchChange, Switchboard};
use bursar_faucet::adoption::keeps_stopped;
use bursar_faucet::record::Finding;
use bursar_faucet::switches::PAYOUTS_HALTED;
use bursar_store::{StoreError, Tx};

use crate::scene::on_each_engine;

fn set(tx: &mut Tx<'_>, stop: bool) -> Result<(), StoreError> {
    let (table, switch, now) = (ConfigTable::FAUCET, PAYOUTS_HALTED, tx.reading()?);
    let change = SwitchChange { table, switch, stop, actor: "ann", reason: "drill", expires_at: None };
    Switchboard::set(tx, &[change], now)
}

#[test]
fn payments_found_missing_while_somebody_resumes_payouts_halt_them_afterwards() {
    on_each_engine(|scene| {
        scene.set_switch(PAYOUTS_HALTED, true);
        let (store, finder) = (scene.store(), scene.store());
        let ((asked, asks), (halted, halts)) = (mpsc::channel(), mpsc::channel());
        thread::scope(|threads| {
            threads.spawn(move || {
                asks.recv().unwrap();
                let found = finder.transact("test.halt", |tx| {
                    let now = tx.reading()?;
                    Finding::note(tx, "payout.blind", 1, "payments may be missing", now)?;
                    set(tx, true)
                });
                found.unwrap();
                halted.send(()).ok();
            });
            let resumed = Arc::clone(&store).transact("test.resume", |tx| {
                let keeps = keeps_stopped(tx, PAYOUTS_HALTED)?;
                asked.send(()).ok();
                halts.recv_timeout(Duration::from_millis(300)).ok();
                if keeps { Ok(()) } else { set(tx, false) }
            });
            resumed.unwrap();
        });
        let on = "SELECT COUNT(*) FROM faucet_config WHERE key = 'payouts_halted' AND value = 'on'";
        assert_eq!(scene.count(on), 1);
    });
}
