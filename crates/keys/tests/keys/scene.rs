//! A store with operators, switches and a key store over it, and short ways to act on it.

use std::sync::Arc;

use bursar_access::{Actor, By, Entropy, SeededEntropy};
use bursar_chain::Address;
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard, settings};
use bursar_keys::{
    Authorization, Decision, Done, Ed25519, Kek, KeyError, KeyId, KeyRing, KeyScheme, KeySecret, Keystore,
    NewKey, Order, Origin, Outcome, Policy, Rejection, RollingCap, Schemes, SigningStops, Work,
};
use bursar_money::{Amount, Asset};
use bursar_store::{EngineKind, Migration, Store, StoreError, Timestamp, Tx};
use bursar_test_stores::TestStore;
use secrecy::SecretString;

use crate::banano::BananoScheme;

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
pub const HALTED: Switch =
    Switch { desk: "faucet", key: "payouts_halted", variable: "FAUCET_PAYOUTS_HALTED" };
pub const EVERYTHING: Switch =
    Switch { desk: "platform", key: "payouts_halted", variable: "BURSAR_PAYOUTS_HALTED" };
/// RFC 8032, test 2.
pub const SECRET: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
pub const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

pub struct Scene {
    pub test: TestStore,
    pub keystore: Keystore,
    pub root: Actor,
}

/// Runs a test on each engine, with all switches running and no key.
pub fn on_each_engine(mut test: impl FnMut(&Scene)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&Scene::on(kind));
    }
}

pub fn migrations(kind: EngineKind) -> Vec<Migration> {
    let mut all = bursar_audit::MIGRATIONS.to_vec();
    all.extend(bursar_control::MIGRATIONS);
    all.extend(bursar_access::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", kind));
    all.push(ConfigTable::FAUCET.migration("faucet/0001_config", kind));
    all.extend(bursar_keys::MIGRATIONS);
    all
}

/// The key-encryption key made of one hexadecimal digit.
pub fn kek(digit: char) -> Kek {
    let digits: String = std::iter::repeat_n(digit, 64).collect();
    Kek::from_hexadecimal(&SecretString::from(digits)).unwrap()
}

/// A ring that seals with the first digit's key and opens with all.
pub fn ring(digits: &str) -> KeyRing {
    let mut keks = digits.chars().map(kek);
    KeyRing::new(keks.next().unwrap(), keks)
}

pub fn stops() -> SigningStops {
    stops_on(Switchboard::new([], None))
}

pub fn stops_on(board: Switchboard) -> SigningStops {
    SigningStops::new(board)
        .guard("faucet", ConfigTable::FAUCET, &[HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[EVERYTHING])
}

pub fn schemes() -> Schemes {
    let schemes: [Arc<dyn KeyScheme>; 2] = [Arc::new(Ed25519), Arc::new(BananoScheme)];
    Schemes::new(schemes)
}

pub fn keystore(digits: &str) -> Keystore {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Keystore::new(ring(digits), schemes(), stops(), entropy)
}

pub fn id(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

pub fn secret(hexadecimal: &str) -> KeySecret {
    KeySecret::from_hexadecimal(&SecretString::from(hexadecimal.to_owned())).unwrap()
}

pub fn new_key(name: &str, origin: Origin) -> NewKey {
    let [desk, chain, purpose, scheme] = ["faucet", "banano", "payouts", "ed25519"].map(str::to_owned);
    NewKey { id: id(name), desk, chain, purpose, scheme, origin }
}

/// At most 100 a payment and 150 a day, to anybody at once.
pub fn policy() -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: Amount::new(100),
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: vec![RollingCap { window_ms: DAY_MS, max: Amount::new(150) }],
    }
}

pub fn pay(intent: &str, key: &str, destination: &str, amount: u128) -> Order {
    let destination = Address::from_canonical(destination.to_owned());
    let work = Work::Payment { asset: Asset::Banano, destination, amount: Amount::new(amount) };
    Order { intent: intent.to_owned(), key: id(key), work }
}

pub fn upkeep(intent: &str, key: &str) -> Order {
    Order { work: Work::Upkeep, ..pay(intent, key, "-", 1) }
}

/// The code of a refusal, `held` or `authorized`.
pub fn code(decision: &Decision) -> &'static str {
    match decision {
        Decision::Authorized(_) => "authorized",
        Decision::Held { .. } => "held",
        Decision::Refused(rejection) => rejection.code(),
    }
}

pub fn granted(decision: Decision) -> Authorization {
    match decision {
        Decision::Authorized(authorization) => authorization,
        other => panic!("{other:?}"),
    }
}

pub fn rejected<T: std::fmt::Debug>(result: Result<T, KeyError>) -> Rejection {
    match result {
        Err(KeyError::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

/// Decides one order, in the caller's transaction.
pub fn authorize_one(
    keystore: &Keystore,
    tx: &mut Tx<'_>,
    order: &Order,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    Ok(keystore.authorize(tx, std::slice::from_ref(order), now)?.pop().unwrap())
}

impl Scene {
    pub fn on(kind: EngineKind) -> Scene {
        let test = TestStore::with(kind, &migrations(kind), |_| {});
        let seeds = [(ConfigTable::FAUCET, HALTED.key), (ConfigTable::PLATFORM, EVERYTHING.key)];
        for (table, key) in seeds {
            let rows = [(key, "off".to_owned(), "", false)];
            test.store().transact("test.seed", |tx| settings::seed(tx, table, &rows, test.now())).unwrap();
        }
        Scene { test, keystore: keystore("1"), root: Actor::cli("root") }
    }

    /// The same store with another ring.
    pub fn with_ring(self, digits: &str) -> Scene {
        Scene { keystore: keystore(digits), ..self }
    }

    pub fn store(&self) -> Arc<Store> {
        self.test.store()
    }

    pub fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>) -> T {
        let now = self.test.now();
        self.store().transact("test.write", |tx| work(tx, now)).unwrap()
    }

    pub fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store().read("test.read", work).unwrap()
    }

    /// Acts as root.
    pub fn act(&self, mut work: impl FnMut(&mut Tx<'_>, &By<'_>) -> Outcome<Done>) -> Result<Done, KeyError> {
        self.write(|tx, now| work(tx, &By::new(&self.root, now)))
    }

    pub fn add(&self, new: &NewKey) -> Result<Done, KeyError> {
        self.act(|tx, by| self.keystore.add(tx, by, new))
    }

    /// A drawn key with this policy.
    pub fn key_with(&self, name: &str, policy: &Policy) -> KeyId {
        self.add(&new_key(name, Origin::Generate)).unwrap();
        self.act(|tx, by| self.keystore.set_policy(tx, by, &id(name), policy)).unwrap();
        id(name)
    }

    pub fn retire(&self, name: &str) -> Result<Done, KeyError> {
        self.act(|tx, by| self.keystore.retire(tx, by, &id(name), "replaced"))
    }

    /// Decides one order in a transaction of its own, which commits.
    pub fn authorize(&self, order: &Order) -> Decision {
        self.write(|tx, now| authorize_one(&self.keystore, tx, order, now))
    }

    /// The word for what becomes of an order.
    pub fn outcome(&self, order: &Order) -> &'static str {
        code(&self.authorize(order))
    }

    /// Stops or resumes a switch.
    pub fn set_switch(&self, table: ConfigTable, switch: Switch, stop: bool) {
        let (actor, reason) = ("alice", "drill");
        let change = SwitchChange { table, switch, stop, actor, reason, expires_at: None };
        self.write(|tx, now| Switchboard::set(tx, &[change], now));
    }

    /// A statement as somebody types it.
    pub fn type_sql(&self, sql: &str) {
        self.write(|tx, _| tx.batch_execute(sql));
    }

    /// The word for each key's finding, in the order of names.
    pub fn findings(&self) -> Vec<&'static str> {
        let checks = self.read(|tx| self.keystore.verify(tx));
        checks.iter().map(|check| check.finding.code()).collect()
    }
}
