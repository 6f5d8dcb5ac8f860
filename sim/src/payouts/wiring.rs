//! How payouts are put together: switches, keys, wallets, and what a process makes of them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use bursar_access::{Actor, By, Entropy, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_chain::{Address, Chain};
use bursar_control::{ConfigTable, Switch, Switchboard, settings};
use bursar_keys::{
    Kek, KeyId, KeyRing, KeyScheme, KeySecret, Keystore, NewKey, Origin, Policy, Schemes, SigningStops,
};
use bursar_ledger::{Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset};
use bursar_payouts::{ChainRules, DeskRules, Journal, Payouts, PayoutsParts, SendSettings};
use bursar_store::{EngineKind, Migration, Store, Timestamp};
use secrecy::SecretString;

use super::PayoutsRoom;
use crate::broken::Bug;
use crate::chain::{Family, SCHEME, SimChain, SimScheme};
use crate::node::Place;
use crate::world::World;

/// The desk that owes.
pub const DESK: &str = "faucet";
/// Stops the desk's payouts.
pub const HALTED: Switch = Switch { desk: DESK, key: "payouts_halted", variable: "FAUCET_PAYOUTS_HALTED" };
/// Stops all payouts.
pub const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };
/// The account that is debited.
pub const TREASURY: &str = "faucet/treasury";
/// What it holds.
const TREASURY_FUNDS: u128 = 100_000_000;
/// The most that one payment may be.
pub const PAYMENT_MAX: u128 = 5_000;

/// The tables that payouts take, but for those of ledger, control and audit.
pub fn migrations() -> Vec<Migration> {
    let mut all = bursar_access::MIGRATIONS.to_vec();
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", EngineKind::Sqlite));
    all.push(ConfigTable::FAUCET.migration("faucet/0001_config", EngineKind::Sqlite));
    all.extend(bursar_keys::MIGRATIONS);
    all.extend(bursar_payouts::MIGRATIONS);
    all
}

/// Switches that are off, keys with a policy, wallets, and a treasury in the book.
pub fn prepare(store: &Arc<Store>) {
    let payouts = payouts_over(store, (Weak::new(), Weak::new()), (0, 0), 1, None, None);
    let recorder = Recorder::new("template", SaltKey::new([5; 32]));
    let (root, now) = (Actor::cli("root"), Timestamp::from_ms(0));
    let prepared = store.transact("sim.prepare", |tx| {
        for (table, switch) in [(ConfigTable::FAUCET, HALTED), (ConfigTable::PLATFORM, ALL)] {
            settings::seed(tx, table, &[(switch.key, "off".to_owned(), "switch", false)], now)?;
        }
        let (keystore, by) = (keystore(1), By::new(&root, now));
        for family in Family::ALL {
            let [desk, chain, purpose, scheme] = [DESK, family.chain(), "payouts", SCHEME].map(str::to_owned);
            let origin = Origin::Import(secret(family));
            let new = NewKey { id: wallet(family), desk, chain, purpose, scheme, origin };
            keystore.add(tx, &by, &new)?.expect("a key");
            keystore.set_policy(tx, &by, &new.id, &policy())?.expect("a policy");
        }
        payouts.open_wallets(tx, &recorder, now)?;
        let mut book = Book::default();
        let world = book.open("sim/world", Asset::Banano, Overdraft::Allowed);
        let treasury = book.open(TREASURY, Asset::Banano, Overdraft::Forbidden);
        let moved = book.transfer(world, treasury, Amount::new(TREASURY_FUNDS), TransferKind(999), 0);
        moved.expect("a transfer");
        book.number(tx)?;
        book.write(tx, now)
    });
    prepared.expect("payouts are prepared");
}

fn policy() -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: Amount::new(PAYMENT_MAX),
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    }
}

fn keystore(seed: u64) -> Keystore {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).expect("a key of 32 bytes");
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(SimScheme)];
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard(DESK, ConfigTable::FAUCET, &[HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)
}

fn secret(family: Family) -> KeySecret {
    let digit = if family == Family::Ordered { "7" } else { "8" };
    KeySecret::from_hexadecimal(&SecretString::from(digit.repeat(64))).expect("32 bytes")
}

/// The wallet on a chain.
pub fn wallet(family: Family) -> KeyId {
    let name = if family == Family::Ordered { "hot-ordered" } else { "hot-expiring" };
    KeyId::parse(name).expect("a name")
}

/// Its account there.
pub fn address(family: Family) -> Address {
    let key = SimScheme.public_key(&secret(family)).expect("a key");
    SimScheme.address(&key).expect("an address")
}

/// Payouts as a process in this place has them.
pub fn payouts_in(room: &Arc<PayoutsRoom>, world: &Arc<World>, place: Place<'_>) -> Payouts {
    let draw = world.random.with(|random| random.bits());
    let at = (place.node, place.generation);
    let is_blind = room.scenario.bug == Some(Bug::RepaysAfterRestore);
    let journal = room.journal.as_ref().filter(|_| !is_blind).map(|folder| {
        let journal = Journal::open(&folder.path().join("payouts.journal"), &SeededEntropy::new(draw));
        Arc::new(journal.expect("the journal opens"))
    });
    let reach = (Arc::downgrade(world), Arc::downgrade(room));
    payouts_over(place.store, reach, at, draw, room.scenario.bug, journal)
}

fn payouts_over(
    store: &Arc<Store>,
    (world, room): (Weak<World>, Weak<PayoutsRoom>),
    (node, generation): (usize, u64),
    draw: u64,
    bug: Option<Bug>,
    journal: Option<Arc<Journal>>,
) -> Payouts {
    let chains = Family::ALL.map(|family| {
        let (world, bench) = (world.clone(), room.clone());
        let chain: Arc<dyn Chain> = Arc::new(SimChain { family, world, bench, node, generation });
        ChainRules { chain, stops: Vec::new() }
    });
    let restores = move || world.upgrade().map_or(0, |world| world.restores.load(Ordering::SeqCst));
    let payouts = Payouts::new(PayoutsParts {
        store: Arc::clone(store),
        keystore: Arc::new(keystore(draw)),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(move |writer| {
            Recorder::new(format!("node-{node}/{writer}"), SaltKey::new([6; 32]))
        }),
        entropy: Arc::new(SeededEntropy::new(draw)),
        chains: chains.to_vec(),
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(move |_| Ok(if bug == Some(Bug::RepaysAfterRestore) { 0 } else { restores() })),
        journal,
        metrics: None,
        faults: None,
        settings: SendSettings::default(),
    });
    payouts.register(DeskRules {
        desk: DESK,
        table: ConfigTable::FAUCET,
        switches: vec![HALTED],
        margin: None,
        ear: None,
    });
    payouts
}
