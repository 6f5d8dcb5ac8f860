//! How payouts are put together: switches, keys, wallets, and what a process makes of them.

use std::path::PathBuf;
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
use bursar_store::{EngineKind, Migration, Store, StoreError, Timestamp, Tx};
use secrecy::SecretString;
use tempfile::TempDir;

use super::PayoutsRoom;
use super::put_back::PutBack;
use crate::broken::Bug;
use crate::chain::{Bench, Family, SCHEME, SimChain, SimScheme};
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
    let payouts = desk_of(bare::<PayoutsRoom>(&Family::ALL).over(store));
    let recorder = Recorder::new("template", SaltKey::new([5; 32]));
    let (root, now) = (Actor::cli("root"), Timestamp::from_ms(0));
    let prepared = store.transact("sim.prepare", |tx| {
        for (table, switch) in [(ConfigTable::FAUCET, HALTED), (ConfigTable::PLATFORM, ALL)] {
            settings::seed(tx, table, &[(switch.key, "off".to_owned(), "switch", false)], now)?;
        }
        let by = By::new(&root, now);
        for family in Family::ALL {
            add_key(tx, &by, family, wallet(family), PAYMENT_MAX)?;
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

/// What payouts of a template are put together with: nothing outside is there yet.
pub fn bare<B: Bench>(families: &'static [Family]) -> Wired<B> {
    let keystore = Arc::new(keystore(1, KeyRing::new(kek('1'), [])));
    let (reach, at) = ((Weak::new(), Weak::new()), (0, 0));
    Wired { families, reach, at, draw: 1, keystore, journal: None, knows_restores: true }
}

/// Adds a wallet's key, with a policy.
pub fn add_key(
    tx: &mut Tx<'_>,
    by: &By<'_>,
    family: Family,
    id: KeyId,
    payment_max: u128,
) -> Result<(), StoreError> {
    let keystore = keystore(1, KeyRing::new(kek('1'), []));
    let [desk, chain, purpose, scheme] = [DESK, family.chain(), "payouts", SCHEME].map(str::to_owned);
    let new = NewKey { id, desk, chain, purpose, scheme, origin: Origin::Import(secret(family)) };
    keystore.add(tx, by, &new)?.expect("a key");
    keystore.set_policy(tx, by, &new.id, &policy(payment_max))?.expect("a policy");
    Ok(())
}

fn policy(payment_max: u128) -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: Amount::new(payment_max),
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    }
}

/// A key-encryption key of 64 times this digit.
pub fn kek(digit: char) -> Kek {
    let digits = digit.to_string().repeat(64);
    Kek::from_hexadecimal(&SecretString::from(digits)).expect("a key of 32 bytes")
}

/// The keys, sealed as `ring` says.
pub fn keystore(seed: u64, ring: KeyRing) -> Keystore {
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(SimScheme)];
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard(DESK, ConfigTable::FAUCET, &[HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    Keystore::new(ring, Schemes::new(schemes), stops, entropy)
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
    let is_blind = room.scenario.bug == Some(Bug::RepaysAfterRestore);
    let journal = room.journal.as_ref().filter(|_| !is_blind).map(|folder| journal_in(folder, draw));
    let ring = KeyRing::new(kek('1'), []);
    let payouts = Wired {
        families: &Family::ALL,
        reach: (Arc::downgrade(world), Arc::downgrade(room)),
        at: (place.node, place.generation),
        draw,
        keystore: Arc::new(keystore(draw, ring)),
        journal,
        knows_restores: !is_blind && room.put_back == PutBack::Told,
    };
    desk_of(payouts.over(place.store))
}

/// The desk that owes, in payouts.
fn desk_of(payouts: Payouts) -> Payouts {
    let (table, switches) = (ConfigTable::FAUCET, vec![HALTED]);
    payouts.register(DeskRules { desk: DESK, table, switches, margin: None, ear: None });
    payouts
}

/// A folder for a journal: in memory where the machine has that, as no power cut of the simulator reaches it.
pub fn journal_folder() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).expect("a folder for the journal")
}

/// Where the journal is in a folder.
pub fn journal_file(folder: &TempDir) -> PathBuf {
    folder.path().join("payouts.journal")
}

/// The journal in a folder.
pub fn journal_in(folder: &TempDir, draw: u64) -> Arc<Journal> {
    let journal = Journal::open(&journal_file(folder), &SeededEntropy::new(draw));
    Arc::new(journal.expect("the journal opens"))
}

/// With what payouts of a room are put together.
pub struct Wired<B: Bench> {
    /// Its chains.
    pub families: &'static [Family],
    /// The world, and the room.
    pub reach: (Weak<World>, Weak<B>),
    /// Which node, in which run of it.
    pub at: (usize, u64),
    /// Where its randomness begins.
    pub draw: u64,
    /// The keys.
    pub keystore: Arc<Keystore>,
    /// What is signed is written down there.
    pub journal: Option<Arc<Journal>>,
    /// Whether it is told of restores, as it must be.
    pub knows_restores: bool,
}

impl<B: Bench + 'static> Wired<B> {
    /// The chain of a family as the process reaches it.
    pub fn chain(&self, family: Family) -> Arc<dyn Chain> {
        let (world, bench) = self.reach.clone();
        let (node, generation) = self.at;
        Arc::new(SimChain { family, world, bench, node, generation })
    }

    /// Payouts over a database.
    pub fn over(self, store: &Arc<Store>) -> Payouts {
        let rules = |family: &Family| ChainRules { chain: self.chain(*family), stops: Vec::new() };
        let chains = self.families.iter().map(rules).collect();
        let (world, knows_restores, node) = (self.reach.0.clone(), self.knows_restores, self.at.0);
        let restores = move || world.upgrade().map_or(0, |world| world.restores.load(Ordering::SeqCst));
        Payouts::new(PayoutsParts {
            store: Arc::clone(store),
            keystore: self.keystore,
            switchboard: Switchboard::new([], None),
            recorders: Arc::new(move |writer| {
                Recorder::new(format!("node-{node}/{writer}"), SaltKey::new([6; 32]))
            }),
            entropy: Arc::new(SeededEntropy::new(self.draw)),
            chains,
            stops: vec![(ConfigTable::PLATFORM, ALL)],
            generation: Arc::new(move |_| Ok(if knows_restores { restores() } else { 0 })),
            journal: self.journal,
            metrics: None,
            faults: None,
            settings: SendSettings::default(),
        })
    }
}
