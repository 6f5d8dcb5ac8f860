//! A stop of one wallet binds whatever has not left yet, wherever its sender is at that moment.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bursar_access::By;
use bursar_control::{ConfigTable, SwitchChange, Switchboard};
use bursar_devnet_banano::Misbehaviour;
use bursar_keys::{Endpoint, KeyId};
use bursar_payouts::{Turn, WalletStanding};
use bursar_store::Timestamp;
use bursar_store::fault::{Faults, Injected, Step};
use bursar_store::lease::Lease;

use crate::remote_wallets::remote_wallet;
use crate::scene::{HALTED, Outside, Scene, on_each_engine, payee, payouts_over, recorder};

/// Does something once, when a place is passed for the first time.
struct Meanwhile {
    place: &'static str,
    act: Box<dyn Fn() + Send + Sync>,
    is_done: AtomicBool,
}

impl Faults for Meanwhile {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        if unit == self.place && step == Step::Begin && !self.is_done.swap(true, Ordering::SeqCst) {
            (self.act)();
        }
        None
    }
}

fn meanwhile(place: &'static str, act: impl Fn() + Send + Sync + 'static) -> Arc<dyn Faults> {
    Arc::new(Meanwhile { place, act: Box::new(act), is_done: AtomicBool::new(false) })
}

/// Stops the wallet when its sender passes `place`; never = `None`.
fn stopping_at(scene: &Scene, wallet: &KeyId, place: Option<&'static str>) -> Arc<dyn Faults> {
    let (store, payouts, root) = (scene.store(), scene.payouts.clone(), scene.root.clone());
    let wallet = wallet.clone();
    let act = move || {
        let stopped = store.transact("test.stop", |tx| {
            let by = By::new(&root, tx.reading()?);
            payouts.stop_wallet(tx, &by, &wallet, "drill", &recorder("test.operator"))
        });
        stopped.unwrap().unwrap();
    };
    meanwhile(place.unwrap_or("nowhere"), act)
}

#[test]
fn what_was_signed_and_has_not_left_stays_here_once_the_wallet_is_stopped() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let faults = stopping_at(scene, &scene.wallet, Some("payouts.signed"));
        let payouts = payouts_over(scene.store(), &Outside { faults, ..scene.outside(&scene.node) });
        let sender = scene.sender_of(&payouts);
        scene.order("a", &payee(1), 100).unwrap();
        let before = scene.watching.broadcasts.lock().len();
        scene.run_for(&sender, &lease, 12);
        let wallet = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!(wallet.standing, WalletStanding::Stopped);
        assert_eq!((scene.watching.broadcasts.lock().len(), scene.paid(1)), (before, 0));
    });
}

#[test]
fn what_is_to_be_sent_again_stays_here_once_the_wallet_is_stopped() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let faults = stopping_at(scene, &scene.wallet, Some("payouts.resend"));
        let payouts = payouts_over(scene.store(), &Outside { faults, ..scene.outside(&scene.node) });
        let sender = scene.sender_of(&payouts);
        scene.order("a", &payee(1), 100).unwrap();
        scene.misbehave("process", Misbehaviour::DropRequest, 1);
        let before = scene.watching.broadcasts.lock().len();
        scene.run_for(&sender, &lease, 60);
        let wallet = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap();
        assert_eq!(wallet.standing, WalletStanding::Stopped);
        assert_eq!((scene.watching.broadcasts.lock().len(), scene.paid(1)), (before + 1, 0));
    });
}

#[test]
fn what_was_signed_and_has_not_left_stays_here_until_the_switch_is_on_again() {
    on_each_engine(|scene| {
        let (_, lease) = scene.funded(1_000);
        let store = scene.store();
        let stop = move || {
            let change = SwitchChange {
                table: ConfigTable::FAUCET,
                switch: HALTED,
                stop: true,
                actor: "cli",
                reason: "drill",
                expires_at: None,
            };
            store.transact("test.stop", |tx| Switchboard::set(tx, &[change], Timestamp::from_ms(0))).unwrap();
        };
        let faults = meanwhile("payouts.signed", stop);
        let payouts = payouts_over(scene.store(), &Outside { faults, ..scene.outside(&scene.node) });
        let sender = scene.sender_of(&payouts);
        scene.order("a", &payee(1), 100).unwrap();
        let before = scene.watching.broadcasts.lock().len();
        scene.run_for(&sender, &lease, 12);
        assert_eq!((scene.watching.broadcasts.lock().len(), scene.paid(1)), (before, 0));
        scene.set_switch(ConfigTable::FAUCET, HALTED, false);
        scene.run(&sender, &lease);
        assert_eq!(scene.paid(1), 100);
    });
}

/// A signer that refuses every request, and counts them.
fn refusing_signer() -> (Endpoint, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}/sign", listener.local_addr().unwrap())).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        }
    });
    (endpoint, asked)
}

/// How often the remote signer of a wallet is asked to accept what came in, when the wallet is stopped at `place`.
fn asked_when_stopped_at(scene: &Scene, name: &str, place: Option<&'static str>) -> usize {
    let (endpoint, asked) = refusing_signer();
    let wallet = remote_wallet(scene, name, &endpoint);
    let faults = stopping_at(scene, &wallet, place);
    let payouts = payouts_over(scene.store(), &Outside { faults, ..scene.outside(&scene.node) });
    let row = scene.read(|tx| payouts.wallet(tx, &wallet)).unwrap();
    let sender = payouts.sender(&row).unwrap();
    let lease = scene.write(|tx, now| Lease::take(tx, name, "one", now, 1_000)).unwrap();
    for _ in 0..4 {
        match sender.turn(&lease).unwrap() {
            Turn::Worked => {}
            Turn::Idle { .. } | Turn::Waiting { .. } => break,
        }
    }
    asked.load(Ordering::SeqCst)
}

#[test]
fn a_remote_signer_is_not_asked_once_the_wallet_is_stopped() {
    on_each_engine(|scene| {
        assert_eq!(asked_when_stopped_at(scene, "far", None), 1);
        assert_eq!(asked_when_stopped_at(scene, "near", Some("payouts.incoming")), 0);
    });
}
