//! What payouts are measured in: a store with a faucet's operator wallet, and payouts over a chain that the caller gives.

use std::sync::Arc;

use bursar_access::{Actor, By, Entropy, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::Seed;
use bursar_chain::Chain;
use bursar_control::{ConfigTable, Switch, Switchboard, settings};
use bursar_faucet::money::Accounts;
use bursar_faucet::operator_key::{BananoSeed, OPERATOR, SCHEME};
use bursar_faucet::switches::{PAYOUTS_HALTED, SWITCHES};
use bursar_keys::{
    Kek, KeyId, KeyRing, KeyScheme, KeySecret, Keystore, NewKey, Origin, Policy as KeyPolicy, Schemes,
    SigningStops,
};
use bursar_money::{Amount, Asset};
use bursar_payouts::{ChainRules, DeskRules, Journal, Payouts, PayoutsParts, SendSettings};
use bursar_store::Store;
use bursar_store::fault::Faults;
use secrecy::SecretString;

const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };
/// The operator's seed.
const SEED: [u8; 32] = [7; 32];

/// The operator's account on the chain.
pub fn operator_account() -> String {
    Seed::from_bytes(SEED).secret_key(0).public_key().address()
}

/// The operator's key.
pub fn operator() -> KeyId {
    KeyId::parse(OPERATOR).expect("a name")
}

/// What differs from one measurement to the next.
#[derive(Default)]
pub struct Extras {
    /// Where attempts are noted outside the database.
    pub journal: Option<Arc<Journal>>,
    /// Sees the named places of sending as they are passed.
    pub observer: Option<Arc<dyn Faults>>,
}

/// Payouts over `chain`, with the operator's wallet open, its key without limits and every switch off.
pub fn open(store: &Arc<Store>, chain: Arc<dyn Chain>, extras: Extras) -> Payouts {
    let mut migrations = bursar_access::MIGRATIONS.to_vec();
    migrations.push(ConfigTable::PLATFORM.migration("platform/0000_config", store.kind()));
    migrations.extend(bursar_keys::MIGRATIONS);
    migrations.extend(bursar_payouts::MIGRATIONS);
    migrations.extend(bursar_faucet::migrations(store.kind()));
    store.migrate(&migrations).expect("migrations run");
    let payouts = payouts(store, chain, extras);
    open_wallet(store, &payouts);
    payouts.register(DeskRules {
        desk: "faucet",
        table: ConfigTable::FAUCET,
        switches: vec![PAYOUTS_HALTED],
        margin: None,
        ear: None,
    });
    payouts
}

/// An audit chain.
pub fn recorder(lane: &str) -> Recorder {
    Recorder::new(format!("bench/{lane}"), SaltKey::new([5; 32]))
}

fn payouts(store: &Arc<Store>, chain: Arc<dyn Chain>, extras: Extras) -> Payouts {
    Payouts::new(PayoutsParts {
        store: Arc::clone(store),
        keystore: Arc::new(keystore()),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(recorder),
        entropy: Arc::new(SeededEntropy::new(2)),
        chains: vec![ChainRules { chain, stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(|_| Ok(0)),
        journal: extras.journal,
        metrics: None,
        faults: extras.observer,
        settings: SendSettings::default(),
    })
}

fn open_wallet(store: &Store, payouts: &Payouts) {
    let (keystore, operator) = (keystore(), operator());
    let policy = KeyPolicy {
        asset: Asset::Banano,
        payment_max: Amount::MAX,
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    };
    let [desk, chain, purpose, scheme] = ["faucet", "banano", "payouts", SCHEME].map(str::to_owned);
    let opened = store.transact("bench.wallet", |tx| {
        let now = tx.reading()?;
        let off =
            |tx: &mut _, table, key| settings::seed(tx, table, &[(key, "off".to_owned(), "", false)], now);
        off(tx, ConfigTable::PLATFORM, ALL.key)?;
        SWITCHES.iter().try_for_each(|switch| off(tx, ConfigTable::FAUCET, switch.key))?;
        let new = NewKey {
            id: operator.clone(),
            desk: desk.clone(),
            chain: chain.clone(),
            purpose: purpose.clone(),
            scheme: scheme.clone(),
            origin: Origin::Import(KeySecret::from_bytes(SEED.into())),
        };
        let root = Actor::cli("root");
        let by = By::new(&root, now);
        keystore.add(tx, &by, &new)?.expect("a new key");
        keystore.set_policy(tx, &by, &operator, &policy)?.expect("a policy");
        payouts.open_wallets(tx, &recorder("wallet"), now)?;
        Accounts::ensure(tx, now)
    });
    opened.expect("the operator's wallet");
}

fn keystore() -> Keystore {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).expect("a key");
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(BananoSeed)];
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard("faucet", ConfigTable::FAUCET, &[PAYOUTS_HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)
}
