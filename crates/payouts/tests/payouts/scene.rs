//! A wallet with payouts over a store and a node stand-in, and short ways to act on them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bursar_access::{Actor, By, Entropy, OsEntropy, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, PublicKey, Seed, Settings};
use bursar_chain::{Address, Chain};
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard, settings};
use bursar_devnet_banano::{Command, Fault, LocalNode, Misbehaviour, Node, NodeSettings};
use bursar_keys::{
    Kek, KeyId, KeyRing, KeyScheme, KeySecret, Keystore, NewKey, Origin, Policy, Schemes, SigningStops,
};
use bursar_ledger::{AccountId, Book, Overdraft, TransferKind, account_by_path};
use bursar_money::{Amount, Asset, Balance};
use bursar_payouts::{
    Accepted, ChainRules, DeskRules, Ear, IdempotencyKey, Journal, OutsideRules, PayoutMetrics, PayoutOrder,
    Payouts, PayoutsParts, Rejection, SendSettings, Sender, Turn,
};
use bursar_store::fault::Faults;
use bursar_store::lease::Lease;
use bursar_store::{EngineKind, Migration, Store, StoreError, Timestamp, Tx};
use bursar_test_stores::{START_MS, ScriptedFaults, TestStore};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::banano::BananoScheme;
use crate::heard::Heard;
use crate::strikes::{Both, Strikes};
use crate::watched::{Watched, Watching};

pub const DESK: &str = "faucet";
pub const HALTED: Switch = Switch { desk: DESK, key: "payouts_halted", variable: "FAUCET_PAYOUTS_HALTED" };
pub const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };
/// What the treasury of the desk is given at the start, in raw.
pub const TREASURY: u128 = 1_000_000;
pub const SEED: [u8; 32] = [7; 32];

pub struct Scene {
    pub test: TestStore,
    pub node: LocalNode,
    pub payouts: Payouts,
    pub heard: Arc<Heard>,
    pub wallet: KeyId,
    pub treasury: AccountId,
    pub generation: Arc<AtomicI64>,
    pub faults: Arc<ScriptedFaults>,
    pub strikes: Strikes,
    pub watching: Arc<Watching>,
    /// Holds the journal, beside the database as it were.
    pub folder: TempDir,
    pub root: Actor,
}

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
    all.extend(bursar_ledger::MIGRATIONS);
    all.extend(bursar_payouts::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all
}

pub fn recorder(name: &str) -> Recorder {
    Recorder::new(name, SaltKey::new([5; 32]))
}

/// Account `index` of a seed that pays nobody: somebody to be paid.
pub fn payee(index: u32) -> Address {
    Address::from_canonical(payee_key(index).address())
}

pub fn payee_key(index: u32) -> PublicKey {
    Seed::from_bytes([9; 32]).secret_key(index).public_key()
}

pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).unwrap()
}

pub fn policy() -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: Amount::new(10_000),
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    }
}

pub fn keystore() -> Keystore {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).unwrap();
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(BananoScheme)];
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard(DESK, ConfigTable::FAUCET, &[HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)
}

/// The chain as a client of this node sees it.
pub fn chain_of(node: &LocalNode) -> Banano {
    chain_of_all(&[node])
}

/// The chain as a client of these nodes sees it, which must all agree.
pub fn chain_of_all(nodes: &[&LocalNode]) -> Banano {
    let clients: Vec<NodeClient> = nodes.iter().map(|node| NodeClient::new((*node).clone())).collect();
    let agree = clients.len();
    let set = NodeSet::new(clients, agree, Asking::InTurn).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    Banano::new(set, Arc::new(InThread), Settings { thresholds, ..Settings::default() })
}

impl Scene {
    /// A wallet without money on the chain, and a treasury in the book.
    pub fn on(kind: EngineKind) -> Scene {
        let faults = ScriptedFaults::new();
        let strikes = Strikes::default();
        let both: Arc<dyn Faults> = Arc::new(Both(faults.clone(), strikes.clone()));
        let test = TestStore::with(kind, &migrations(kind), |options| options.faults = Some(both.clone()));
        let seeds = [(ConfigTable::FAUCET, HALTED.key), (ConfigTable::PLATFORM, ALL.key)];
        for (table, key) in seeds {
            let rows = [(key, "off".to_owned(), "", false)];
            test.store().transact("test.seed", |tx| settings::seed(tx, table, &rows, test.now())).unwrap();
        }
        let node = LocalNode::new("node", Node::new(NodeSettings::easy(1)), 10_000);
        let heard = Arc::new(Heard::default());
        let generation = Arc::new(AtomicI64::new(0));
        let watching = Arc::new(Watching::default());
        let folder = tempfile::tempdir().unwrap();
        let outside = Outside {
            metrics: None,
            node: &node,
            heard: &heard,
            generation: &generation,
            faults: both.clone(),
            watching: &watching,
            journal: Some(folder.path().join("payouts.journal")),
            settings: SendSettings::default(),
        };
        let payouts = payouts_over(test.store(), &outside);
        let root = Actor::cli("root");
        let wallet = KeyId::parse("hot").unwrap();
        let treasury = AccountId(0);
        let mut scene = Scene {
            test,
            node,
            payouts,
            heard,
            wallet,
            treasury,
            generation,
            faults,
            strikes,
            watching,
            folder,
            root,
        };
        scene.add_wallet(&scene.wallet, SEED);
        scene.treasury = scene.fund_treasury();
        scene
    }

    /// Adds a key of this seed, and opens its wallet.
    pub fn add_wallet(&self, id: &KeyId, seed: [u8; 32]) {
        let [desk, chain, purpose, scheme] = [DESK, "banano", "payouts", "banano_seed"].map(str::to_owned);
        let secret = KeySecret::from_hexadecimal(&SecretString::from(hex(&seed))).unwrap();
        let new = NewKey { id: id.clone(), desk, chain, purpose, scheme, origin: Origin::Import(secret) };
        let keystore = keystore();
        self.write(|tx, now| {
            let by = By::new(&self.root, now);
            keystore.add(tx, &by, &new)?.unwrap();
            keystore.set_policy(tx, &by, &new.id, &policy())?.unwrap();
            self.payouts.open_wallets(tx, &recorder("test"), now)
        });
    }

    /// What the wallet's key may sign from now on.
    pub fn set_policy(&self, policy: &Policy) {
        let keystore = keystore();
        self.write(|tx, now| keystore.set_policy(tx, &By::new(&self.root, now), &self.wallet, policy))
            .unwrap();
    }

    /// The key asks for nobody's approval any more, however that was decided.
    pub fn ask_no_approval(&self) {
        let sql = "UPDATE key_pair SET approval_above = NULL, approvals_needed = 0";
        self.write(|tx, _| tx.batch_execute(sql));
    }

    fn fund_treasury(&self) -> AccountId {
        self.write(|tx, now| {
            let mut book = Book::default();
            let world = book.open("world", Asset::Banano, Overdraft::Allowed);
            let treasury = book.open("faucet/treasury", Asset::Banano, Overdraft::Forbidden);
            book.transfer(world, treasury, Amount::new(TREASURY), TransferKind(999), 0).unwrap();
            book.number(tx)?;
            book.write(tx, now)?;
            Ok(book.account_id(treasury))
        })
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

    /// Gives an order of the desk in a transaction of its own.
    pub fn order(&self, name: &str, to: &Address, amount: u128) -> Result<Accepted, Rejection> {
        self.orders(&[(name, to, amount)]).pop().unwrap()
    }

    /// Gives several orders of the desk in one transaction.
    pub fn orders(&self, orders: &[(&str, &Address, u128)]) -> Vec<Result<Accepted, Rejection>> {
        self.write(|tx, now| self.give(tx, orders, now))
    }

    pub fn give(
        &self,
        tx: &mut Tx<'_>,
        orders: &[(&str, &Address, u128)],
        now: Timestamp,
    ) -> Result<Vec<Result<Accepted, Rejection>>, StoreError> {
        self.give_from(tx, &self.wallet, orders, now)
    }

    pub fn give_from(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        orders: &[(&str, &Address, u128)],
        now: Timestamp,
    ) -> Result<Vec<Result<Accepted, Rejection>>, StoreError> {
        let mut book = Book::default();
        book.load(tx, &[self.treasury])?;
        let debit = book.slot(self.treasury).unwrap();
        let placed: Vec<PayoutOrder> = orders
            .iter()
            .map(|(name, to, amount)| PayoutOrder {
                desk: DESK,
                wallet: wallet.clone(),
                key: key(name),
                destination: (*to).clone(),
                amount: Amount::new(*amount),
                debit,
                reference: 7,
                reason: "kills".to_owned(),
            })
            .collect();
        let prepared = self.payouts.prepare(tx, &mut book, &placed, now)?;
        book.number(tx)?;
        book.write(tx, now)?;
        self.payouts.save(tx, &book, prepared, &recorder("test.desk"), now)
    }

    /// Stops or resumes a switch.
    pub fn set_switch(&self, table: ConfigTable, switch: Switch, stop: bool) {
        let (actor, reason) = ("alice", "drill");
        let change = SwitchChange { table, switch, stop, actor, reason, expires_at: None };
        self.write(|tx, now| Switchboard::set(tx, &[change], now));
    }

    /// Balance and holds of an account of the book.
    pub fn account(&self, path: &str) -> (Balance, u128) {
        let view = self.read(|tx| account_by_path(tx, path, Asset::Banano)).unwrap();
        (view.balance(), view.held.units())
    }

    /// How many rows a table has.
    pub fn count(&self, sql: &'static str) -> i64 {
        self.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap()
    }

    /// The names of the audit events about payouts, in order.
    pub fn events(&self) -> Vec<String> {
        let sql = "SELECT event FROM audit_events WHERE target_type = 'payout' ORDER BY id";
        self.read(|tx| tx.query(sql, &[], |row| row.get(0)))
    }

    /// What the ear heard, as `from>to`.
    pub fn heard(&self) -> Vec<String> {
        self.heard.0.lock().iter().map(|change| format!("{}>{}", change.from, change.to)).collect()
    }

    pub fn command(&self, command: Command) {
        self.node.command(command).unwrap();
    }

    /// The next requests of this action go wrong.
    pub fn misbehave(&self, action: &str, misbehaviour: Misbehaviour, times: u32) {
        let action = Some(action.to_owned());
        self.command(Command::Fault(Fault { action, misbehaviour, times }));
    }

    /// The payouts of a process that asks another node.
    pub fn asking(&self, node: &LocalNode) -> Payouts {
        payouts_over(self.store(), &self.outside(node))
    }

    /// The payouts of a process that asks both nodes, of which both must agree.
    pub fn asking_both(&self, other: &LocalNode) -> Payouts {
        payouts_on(chain_of_all(&[&self.node, other]), self.store(), &self.outside(&self.node))
    }

    /// What is outside this scene's store, as a process finds it that asks this node.
    pub fn outside<'a>(&'a self, node: &'a LocalNode) -> Outside<'a> {
        Outside {
            metrics: None,
            node,
            heard: &self.heard,
            generation: &self.generation,
            faults: self.faults.clone(),
            watching: &self.watching,
            journal: Some(self.folder.path().join("payouts.journal")),
            settings: SendSettings::default(),
        }
    }

    /// The payouts of a process that starts now on the same store.
    pub fn restarted(&self) -> Payouts {
        self.restarted_with(true)
    }

    /// The same, perhaps without the journal.
    pub fn restarted_with(&self, has_journal: bool) -> Payouts {
        self.restarted_in(has_journal, None)
    }

    /// The same, with metrics.
    pub fn restarted_counting(&self, metrics: &PayoutMetrics) -> Payouts {
        self.restarted_in(true, Some(metrics.clone()))
    }

    fn restarted_in(&self, has_journal: bool, metrics: Option<PayoutMetrics>) -> Payouts {
        let journal = has_journal.then(|| self.folder.path().join("payouts.journal"));
        let outside = Outside {
            metrics,
            node: &self.node,
            heard: &self.heard,
            generation: &self.generation,
            faults: Arc::new(Both(self.faults.clone(), self.strikes.clone())),
            watching: &self.watching,
            journal,
            settings: SendSettings::default(),
        };
        payouts_over(self.store(), &outside)
    }

    pub fn sender(&self) -> Sender {
        self.sender_of(&self.payouts)
    }

    pub fn sender_of(&self, payouts: &Payouts) -> Sender {
        let wallet = self.read(|tx| payouts.wallet(tx, &self.wallet)).unwrap();
        payouts.sender(&wallet).unwrap()
    }

    /// The wallet's lease, for this holder.
    pub fn lease(&self, holder: &str) -> Option<Lease> {
        self.write(|tx, now| Lease::take(tx, "payouts.hot", holder, now, 1_000))
    }

    /// The wallet, funded and ready to pay.
    pub fn funded(&self, raw: u128) -> (Sender, Lease) {
        self.fund(raw);
        let (sender, lease) = (self.sender(), self.lease("one").unwrap());
        self.run(&sender, &lease);
        (sender, lease)
    }

    /// Sends money of somebody's to the wallet.
    pub fn fund(&self, raw: u128) {
        let account = Address::from_canonical(self.wallet_key().address()).to_string();
        self.command(Command::Fund { account, raw: raw.to_string() });
    }

    /// Takes turns, and lets the time pass that they wait for, until nothing is left to do. Errors are passed over as by
    /// a process that starts again.
    pub fn run(&self, sender: &Sender, lease: &Lease) -> Vec<String> {
        self.run_for(sender, lease, 60)
    }

    pub fn run_for(&self, sender: &Sender, lease: &Lease, turns: u32) -> Vec<String> {
        let mut waits = Vec::new();
        for _ in 0..turns {
            match sender.turn(lease) {
                Ok(Turn::Worked) => {}
                Ok(Turn::Idle { until: None }) => break,
                Ok(Turn::Idle { until: Some(until) }) => self.pass(until),
                Ok(Turn::Waiting { until, why }) => {
                    waits.push(why);
                    self.pass(until);
                }
                Err(error) => waits.push(error.to_string()),
            }
        }
        waits
    }

    /// Lets time pass, on the node too.
    pub fn pass(&self, until: Timestamp) {
        if until > self.test.now() {
            self.test.set_time(until);
        }
        self.node.set_now(u64::try_from(self.test.now().ms() - START_MS).unwrap());
    }

    pub fn wallet_key(&self) -> PublicKey {
        Seed::from_bytes(SEED).secret_key(0).public_key()
    }
}

/// What payouts find outside their store.
pub struct Outside<'a> {
    pub node: &'a LocalNode,
    pub heard: &'a Arc<Heard>,
    pub generation: &'a Arc<AtomicI64>,
    pub faults: Arc<dyn Faults>,
    pub watching: &'a Arc<Watching>,
    pub journal: Option<PathBuf>,
    pub metrics: Option<PayoutMetrics>,
    pub settings: SendSettings,
}

/// Payouts as a process has them that starts on this store.
pub fn payouts_over(store: Arc<Store>, outside: &Outside<'_>) -> Payouts {
    payouts_on(chain_of(outside.node), store, outside)
}

/// The same on a chain as other nodes show it.
pub fn payouts_on(chain: Banano, store: Arc<Store>, outside: &Outside<'_>) -> Payouts {
    let generation = Arc::clone(outside.generation);
    let chain: Arc<dyn Chain> = Arc::new(Watched::new(chain, &store, outside.watching));
    let opened = |path: &PathBuf| Arc::new(Journal::open(path, &OsEntropy).unwrap());
    let journal = outside.journal.as_ref().map(opened);
    let payouts = Payouts::new(PayoutsParts {
        store,
        keystore: Arc::new(keystore()),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(recorder),
        entropy: Arc::new(SeededEntropy::new(2)),
        chains: vec![ChainRules { chain, stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(move |_| Ok(generation.load(Ordering::SeqCst))),
        journal,
        metrics: outside.metrics.clone(),
        faults: Some(Arc::clone(&outside.faults)),
        settings: outside.settings,
    });
    payouts.register(DeskRules {
        desk: DESK,
        table: ConfigTable::FAUCET,
        switches: vec![HALTED],
        margin: None,
        ear: Some(Arc::clone(outside.heard) as Arc<dyn Ear>),
    });
    payouts.open_to_outside(OutsideRules {
        desk: DESK,
        treasury: "faucet/treasury",
        owed: &["faucet/owed"],
        closed: None,
    });
    payouts
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
