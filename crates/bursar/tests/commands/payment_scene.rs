//! A wallet that pays on a node of its own, as a server has it, beside the command line that looks after it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_access::{Actor, By, OsEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::rpc::{HttpNode, NodeClient};
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, Seed, Settings};
use bursar_chain::Address;
use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_devnet_banano::{Command, Fault, Misbehaviour, Node, NodeServer, NodeSettings};
use bursar_faucet::operator_key::BananoSeed;
use bursar_faucet::switches::PAYOUTS_HALTED;
use bursar_keys::{Kek, KeyId, KeyRing, Keystore, NewKey, Origin, Schemes, SigningStops};
use bursar_ledger::{AccountId, Book, Overdraft, TransferKind, account_by_path};
use bursar_money::{Amount, Asset};
use bursar_payouts::{
    ChainRules, DeskRules, IdempotencyKey, IntentId, PayoutOrder, Payouts, PayoutsParts, SendSettings, Turn,
};
use bursar_store::clock::machine_time;
use bursar_store::lease::Lease;
use bursar_store::{EngineKind, StoreError, Timestamp, Tx};
use secrecy::SecretString;
use serde_json::Value;

use crate::scene::Scene;

const SEAL: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const SEED: [u8; 32] = [7; 32];
const HALTED: bursar_control::Switch =
    bursar_control::Switch { desk: "platform", key: "payouts_halted", variable: "BURSAR_PAYOUTS_HALTED" };
const DESK: &str = "faucet";
/// What the desk's treasury has at the start, in raw.
pub const TREASURY: u128 = 1_000_000;

/// A database, a node, and the payouts of a server.
pub struct Payments {
    pub scene: Scene,
    pub node: NodeServer,
    pub payouts: Payouts,
    pub wallet: KeyId,
    treasury: AccountId,
    variables: Vec<(&'static str, String)>,
}

pub fn on_each_engine(test: impl Fn(&Payments)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&Payments::on(kind));
    }
}

/// The wallet's account on the chain.
pub fn account() -> String {
    Seed::from_bytes(SEED).secret_key(0).public_key().address()
}

/// Somebody to be paid.
pub fn payee() -> Address {
    Address::from_canonical(Seed::from_bytes([9; 32]).secret_key(1).public_key().address())
}

fn recorder(name: &str) -> Recorder {
    Recorder::new(name, SaltKey::new([5; 32]))
}

impl Payments {
    fn on(kind: EngineKind) -> Payments {
        let scene = Scene::on(kind);
        scene.test.set_time(machine_time());
        let node = NodeServer::start(Node::new(NodeSettings::easy(1)), ([127, 0, 0, 1], 0).into()).unwrap();
        let payouts = payouts(&scene, &node);
        payouts.register(rules(DESK));
        let variables = vec![
            ("BURSAR_DESKS", DESK.to_owned()),
            ("FAUCET_SEAL_KEY", SEAL.to_owned()),
            ("BANANO_NODE_RPC", node.base_url()),
            ("FAUCET_WORK_THRESHOLD", "f000000000000000".to_owned()),
        ];
        let wallet = KeyId::parse("hot").unwrap();
        let mut payments = Payments { scene, node, payouts, wallet, treasury: AccountId(0), variables };
        for table in [ConfigTable::FAUCET, ConfigTable::PLATFORM] {
            let rows = [("payouts_halted", "off".to_owned(), "", false)];
            payments.write(|tx, now| settings::seed(tx, table, &rows, now));
        }
        payments.add_wallet();
        payments.treasury = payments.write(|tx, now| {
            let mut book = Book::default();
            let world = book.open("world", Asset::Banano, Overdraft::Allowed);
            let treasury = book.open("faucet/treasury", Asset::Banano, Overdraft::Forbidden);
            book.transfer(world, treasury, Amount::new(TREASURY), TransferKind(999), 0).unwrap();
            book.number(tx)?;
            book.write(tx, now)?;
            Ok(book.account_id(treasury))
        });
        payments
    }

    fn add_wallet(&self) {
        let [desk, chain, purpose, scheme] = [DESK, "banano", "payouts", "banano_seed"].map(str::to_owned);
        let secret = bursar_keys::KeySecret::from_bytes(SEED.into());
        let id = self.wallet.clone();
        let new = NewKey { id, desk, chain, purpose, scheme, origin: Origin::Import(secret) };
        let (keystore, root) = (keystore(), Actor::cli("root"));
        self.write(|tx, now| keystore.add(tx, &By::new(&root, now), &new)).unwrap();
        self.write(|tx, now| self.payouts.open_wallets(tx, &recorder("test.wallets"), now));
        self.yes("keys policy hot --asset BAN --payment-max 10000 --reason limits");
    }

    pub fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>) -> T {
        let store = self.scene.test.store();
        store.transact("test.write", |tx| tx.reading().and_then(|now| work(tx, now))).unwrap()
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// What a command is told whose journal of payouts is at `journal`.
    pub fn variables_with<'a>(&'a self, journal: &'a Path) -> Vec<(&'a str, &'a str)> {
        let named = [("BURSAR_PAYOUT_JOURNAL", journal.to_str().unwrap())];
        self.variables().into_iter().chain(named).collect()
    }

    /// The answer of a command that must say yes.
    #[track_caller]
    pub fn yes(&self, line: &str) -> Value {
        self.scene.run_with(&self.variables(), line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// The answer and the words of a command that must exit with 1.
    #[track_caller]
    pub fn no(&self, line: &str) -> (Value, String) {
        self.scene.no_with(&self.variables(), line)
    }

    #[track_caller]
    pub fn code(&self, line: &str) -> String {
        self.no(line).0["code"].as_str().unwrap().to_owned()
    }

    /// An accepted payout of the desk, whose own row is `reference`.
    pub fn order_for(&self, desk: &'static str, name: &str, reference: i64, amount: u128) -> IntentId {
        self.payouts.register(rules(desk));
        let replies = self.write(|tx, now| {
            let mut book = Book::default();
            book.load(tx, &[self.treasury])?;
            let order = PayoutOrder {
                desk,
                wallet: self.wallet.clone(),
                key: IdempotencyKey::parse(name).unwrap(),
                destination: payee(),
                amount: Amount::new(amount),
                debit: book.slot(self.treasury).unwrap(),
                reference,
                reason: "kills".to_owned(),
            };
            let prepared = self.payouts.prepare(tx, &mut book, &[order], now)?;
            book.number(tx)?;
            book.write(tx, now)?;
            self.payouts.save(tx, &book, prepared, &recorder("test.desk"), now)
        });
        replies.into_iter().next().unwrap().unwrap().id
    }

    pub fn order(&self, name: &str, amount: u128) -> IntentId {
        self.order_for(DESK, name, 7, amount)
    }

    /// Books something that no payout and no receipt explains: `raw` from this account to the desk's treasury.
    pub fn book_by_hand(&self, path: &str, raw: u128) {
        self.write(|tx, now| {
            let mut book = Book::default();
            let account = account_by_path(tx, path, Asset::Banano)?.unwrap().id;
            book.load(tx, &[account, self.treasury])?;
            let [from, to] = [account, self.treasury].map(|id| book.slot(id).unwrap());
            book.transfer(from, to, Amount::new(raw), TransferKind(999), 0).unwrap();
            book.number(tx)?;
            book.write(tx, now)
        });
    }

    /// Sends money of somebody's to the wallet.
    pub fn fund(&self, raw: u128) {
        self.node.command(Command::Fund { account: account(), raw: raw.to_string() }).unwrap();
    }

    /// Whatever is sent next reaches no node.
    pub fn lose_the_next_payment(&self) {
        let fault =
            Fault { action: Some("process".to_owned()), misbehaviour: Misbehaviour::DropRequest, times: 1 };
        self.node.command(Command::Fault(fault)).unwrap();
    }

    /// Lets the server's sender do what is due, `turns` times at most, passing the time that it waits for.
    pub fn send(&self, turns: u32) {
        let store = self.scene.test.store();
        let now = self.scene.test.now().max(machine_time());
        self.scene.test.set_time(now);
        let wallet = store.read("test.wallet", |tx| self.payouts.wallet(tx, &self.wallet)).unwrap().unwrap();
        let sender = self.payouts.sender(&wallet).unwrap();
        let lease = store.transact("test.lease", |tx| {
            let now = tx.reading()?;
            Lease::take(tx, "test.sender", "one", now, 86_400_000)
        });
        let lease = lease.unwrap().unwrap();
        for _ in 0..turns {
            match sender.turn(&lease).unwrap() {
                Turn::Worked => {}
                Turn::Idle { until: None } => break,
                Turn::Idle { until: Some(until) } | Turn::Waiting { until, .. } => {
                    self.scene.test.set_time(until.max(self.scene.test.now()));
                }
            }
        }
        store.transact("test.release", |tx| lease.release(tx)).unwrap();
    }

    /// Balance and holds of an account of the book.
    pub fn account(&self, path: &str) -> (String, u128) {
        let store = self.scene.test.store();
        let view =
            store.read("test.account", |tx| account_by_path(tx, path, Asset::Banano)).unwrap().unwrap();
        (view.balance().to_string(), view.held.units())
    }

    /// The newest audit event: name, actor and payload.
    pub fn newest_event(&self) -> (String, String, Value) {
        let event = self.scene.events().pop().unwrap();
        (event.event, event.actor, serde_json::from_str(event.payload.as_deref().unwrap()).unwrap())
    }
}

fn rules(desk: &'static str) -> DeskRules {
    DeskRules { desk, table: ConfigTable::FAUCET, switches: vec![PAYOUTS_HALTED], margin: None, ear: None }
}

fn keystore() -> Keystore {
    let ring = KeyRing::new(Kek::from_hexadecimal(&SecretString::from(SEAL)).unwrap(), []);
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard_every_desk(ConfigTable::PLATFORM, &[HALTED])
        .guard(DESK, ConfigTable::FAUCET, &[PAYOUTS_HALTED]);
    let scheme: Arc<dyn bursar_keys::KeyScheme> = Arc::new(BananoSeed);
    Keystore::new(ring, Schemes::new([scheme]), stops, Arc::new(OsEntropy))
}

fn payouts(scene: &Scene, node: &NodeServer) -> Payouts {
    let client = HttpNode::new(&node.base_url(), Duration::from_secs(10)).unwrap();
    let nodes = NodeSet::new(vec![NodeClient::new(client)], 1, Asking::InTurn).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    let chain = Banano::new(nodes, Arc::new(InThread), Settings { thresholds, ..Settings::default() });
    Payouts::new(PayoutsParts {
        store: scene.test.store(),
        keystore: Arc::new(keystore()),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(recorder),
        entropy: Arc::new(OsEntropy),
        chains: vec![ChainRules { chain: Arc::new(chain), stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, HALTED)],
        generation: Arc::new(|_| Ok(0)),
        journal: None,
        metrics: None,
        faults: None,
        settings: SendSettings::default(),
    })
}
