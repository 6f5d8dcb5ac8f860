//! Payouts: how many orders are accepted, how fast attempts are signed and stored, how many payments are sent over a
//! node's HTTP at a test's work threshold and at the network's, and how long an order takes from acceptance to broadcast.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bursar_banano::rpc::{HttpNode, NodeClient, PeerWork};
use bursar_banano::work::{InThread, PoolSettings, Threshold, Thresholds, WorkPool, WorkSource};
use bursar_banano::{Asking, Banano, NodeSet, Seed, Settings};
use bursar_chain::Address;
use bursar_devnet_banano::{Command, Node, NodeServer, NodeSettings};
use bursar_ledger::{AccountId, Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset};
use bursar_payouts::{Debit, IdempotencyKey, Journal, LaneOrder, PayoutLane, Sender, Turn};
use bursar_store::fault::{Faults, Injected, Step};
use bursar_store::lane::LaneOptions;
use bursar_store::lease::Lease;
use bursar_store::{Clock, Store};
use clap::Args;
use crossbeam_channel::bounded;
use parking_lot::Mutex;

use crate::database::{Database, Opened};
use crate::machine::percentile;
use crate::payment_room::{self, Extras};

/// How much one payment pays, in raw.
const PAYMENT: u128 = 1_000;
/// What the operator's wallet and the account that pays hold, in raw.
const FUNDS: u128 = 1 << 100;
/// What work costs in tests: 16 trials on average.
const EASY: Threshold = Threshold(0xf000_0000_0000_0000);

/// Sizes.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Orders that are accepted, per number of callers.
    #[arg(long, default_value_t = 100_000)]
    pub orders: usize,
    /// How many orders wait for their answer at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 512])]
    pub waiting: Vec<usize>,
    /// Payments that are sent at the test's threshold.
    #[arg(long, default_value_t = 2_000)]
    pub sends: usize,
    /// Payments that are sent at the network's threshold, with each source of work; 0 = none.
    #[arg(long, default_value_t = 8)]
    pub hard_sends: usize,
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    for waiting in &options.waiting {
        accept(options, *waiting);
    }
    let easy = Bench::start(options, EASY, &|_| Arc::new(InThread));
    easy.send_all(options.sends, "work threshold of tests");
    easy.one_by_one(options.sends / 4);
    drop(easy);
    if options.hard_sends == 0 {
        return;
    }
    let pool = |threads: usize| {
        let threads = NonZeroUsize::new(threads).expect("a thread");
        let settings = PoolSettings { threads, accounts_max: NonZeroUsize::MIN };
        Arc::new(WorkPool::start(settings).expect("threads"))
    };
    let local = Bench::start(options, Threshold::BANANO, &|_| pool(2));
    local.send_all(options.hard_sends, "Banano's work threshold, local pool of two threads");
    drop(local);
    // The peer computes on the same processors, which is the best that a peer of the same size can do.
    let peer = Bench::start(options, Threshold::BANANO, &|node| {
        Arc::new(PeerWork::new(vec![client(node, Duration::from_secs(120))]))
    });
    peer.send_all(options.hard_sends, "Banano's work threshold, a work_generate peer with one thread");
}

/// When each named place of sending was passed.
#[derive(Default)]
struct Passed(Mutex<Vec<(&'static str, Step, Instant)>>);

impl Faults for Passed {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        self.0.lock().push((unit, step, Instant::now()));
        None
    }
}

impl Passed {
    /// Milliseconds from each passing of `from` to the next passing of `to`.
    fn between(&self, from: (&str, Step), to: (&str, Step)) -> Vec<f64> {
        let (mut times, mut since) = (Vec::new(), None);
        for (unit, step, at) in self.0.lock().iter() {
            if (*unit, *step) == from {
                since = Some(*at);
            } else if (*unit, *step) == to {
                times.extend(since.take().map(|since: Instant| (*at - since).as_secs_f64() * 1e3));
            }
        }
        times
    }

    fn last(&self, place: (&str, Step)) -> Option<Instant> {
        let passed = self.0.lock();
        passed.iter().rev().find(|(unit, step, _)| (*unit, *step) == place).map(|(_, _, at)| *at)
    }
}

/// A node over HTTP, a wallet full of money, and the machine between them.
struct Bench {
    opened: Opened,
    _node: NodeServer,
    passed: Arc<Passed>,
    lane: PayoutLane,
    lease: Lease,
    sender: Sender,
    debit: AccountId,
}

impl Bench {
    fn start(
        options: &Options,
        threshold: Threshold,
        work: &dyn Fn(&NodeServer) -> Arc<dyn WorkSource>,
    ) -> Bench {
        let settings = NodeSettings { thresholds: Thresholds::both(threshold), ..NodeSettings::easy(1) };
        let node = NodeServer::start(Node::new(settings), ([127, 0, 0, 1], 0).into()).expect("a node");
        let account = payment_room::operator_account();
        node.command(Command::Fund { account, raw: FUNDS.to_string() }).expect("funds");
        let nodes = vec![client(&node, Duration::from_secs(10))];
        let nodes = NodeSet::new(nodes, 1, Asking::InTurn).expect("a node");
        let settings = Settings {
            thresholds: Thresholds::both(threshold),
            work_wait: Duration::from_secs(120),
            ..Settings::default()
        };
        let chain = Arc::new(Banano::new(nodes, work(&node), settings));
        let opened = options.database.open(Clock::System);
        let passed = Arc::new(Passed::default());
        let journal = Arc::new(
            Journal::open(&opened.file("bench.journal"), &bursar_access::OsEntropy).expect("a journal"),
        );
        let observer: Arc<dyn Faults> = Arc::clone(&passed) as _;
        let extras = Extras { journal: Some(journal), observer: Some(observer) };
        let payouts = payment_room::open(&opened.store, chain, extras);
        let debit = fund_book(&opened.store);
        let lane = payouts.start_lane(LaneOptions::default()).expect("a lane");
        let wallet = opened.store.read("bench.wallet", |tx| payouts.wallet(tx, &payment_room::operator()));
        let sender = payouts.sender(&wallet.expect("reads").expect("a wallet")).expect("a chain");
        let lease = opened.store.transact("bench.lease", |tx| {
            let real = tx.real_time()?;
            Lease::take(tx, "bench.sender", "bench", real, i64::from(u32::MAX))
        });
        let lease = lease.expect("a lease").expect("nobody else has it");
        let bench = Bench { opened, _node: node, passed, lane, lease, sender, debit };
        bench.work_until_idle();
        bench
    }

    /// Takes turns until nothing is due, waiting where a turn says so.
    fn work_until_idle(&self) {
        loop {
            match self.sender.turn(&self.lease).expect("a turn") {
                Turn::Worked => {}
                Turn::Idle { .. } => return,
                Turn::Waiting { .. } => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn send_all(&self, count: usize, what: &str) {
        submit(&self.lane, self.debit, count, 512);
        self.passed.0.lock().clear();
        let begun = Instant::now();
        self.work_until_idle();
        let seconds = begun.elapsed().as_secs_f64();
        self.check();
        println!(
            "Banano sends over a node's HTTP, {what}: {count} final in {seconds:.2} s, {:.2}/s",
            count as f64 / seconds
        );
        let mut stored =
            self.passed.between(("payouts.state", Step::Committed), ("payouts.signed", Step::Begin));
        assert_eq!(stored.len(), count, "each payment is signed once");
        let (sum, median) = (stored.iter().sum::<f64>(), percentile(&mut stored, 0.5));
        println!(
            "attempts decided, signed and stored: median {median:.3} ms each, {:.0}/s",
            count as f64 / sum * 1e3
        );
    }

    /// From the call that orders to the first byte towards the node, with nothing else to do.
    fn one_by_one(&self, count: usize) {
        let mut times: Vec<f64> = (0..count)
            .map(|_| {
                let begun = Instant::now();
                let accepted = self.lane.call(order(self.debit)).expect("the lane answers");
                assert!(accepted.expect("accepted").is_new);
                self.work_until_idle();
                let left = self.passed.last(("payouts.broadcast", Step::Begin)).expect("a broadcast");
                (left - begun).as_secs_f64() * 1e3
            })
            .collect();
        self.check();
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("from the order to its broadcast, work ready: median {p50:.2} ms, p99 {p99:.2} ms");
    }

    /// Everything that was ordered is final, and nothing is held any more.
    fn check(&self) {
        let open = self.opened.store.read("bench.open", |tx| {
            let sql = "SELECT count(*) FROM payout_intent WHERE state < 4";
            tx.query_first(sql, &[], |row| row.get::<i64>(0))
        });
        assert_eq!(open.expect("reads"), Some(0), "every payment is final");
    }
}

fn client(node: &NodeServer, patience: Duration) -> NodeClient {
    NodeClient::new(HttpNode::new(&node.base_url(), patience).expect("an address"))
}

/// Orders through the lane that the HTTP API uses, durable when they are answered.
fn accept(options: &Options, waiting: usize) {
    let bench = Bench::start(options, EASY, &|_| Arc::new(InThread));
    let seconds = submit(&bench.lane, bench.debit, options.orders, waiting);
    println!(
        "orders accepted, {waiting} waiting at a time: {:.0}/s (intent, hold and audit durable)",
        options.orders as f64 / seconds
    );
}

/// Submits so many orders, `waiting` at a time; how many seconds it took until the last was answered.
fn submit(lane: &PayoutLane, debit: AccountId, count: usize, waiting: usize) -> f64 {
    let orders: Vec<LaneOrder> = (0..count).map(|_| order(debit)).collect();
    let (give, take) = bounded(waiting);
    let begun = Instant::now();
    let mut answered = 0;
    for (number, order) in orders.into_iter().enumerate() {
        if number - answered == waiting {
            take.recv().expect("an answer");
            answered += 1;
        }
        let give = give.clone();
        let submitted = lane.submit(order, move |reply| {
            let accepted = reply.expect("the lane answers").expect("accepted");
            assert!(accepted.is_new);
            give.send(()).expect("somebody waits");
        });
        submitted.expect("the queue has room");
    }
    for _ in answered..count {
        take.recv().expect("an answer");
    }
    begun.elapsed().as_secs_f64()
}

fn order(debit: AccountId) -> LaneOrder {
    let payee = Seed::from_bytes([9; 32]).secret_key(rand::random_range(0..1_000)).public_key().address();
    let key = IdempotencyKey::parse(&uuid::Uuid::new_v4().to_string()).expect("a key");
    LaneOrder {
        desk: "faucet",
        wallet: payment_room::operator(),
        key,
        destination: Address::from_canonical(payee),
        amount: Amount::new(PAYMENT),
        debit: Debit::Account(debit),
        reference: 0,
        reason: "bench".to_owned(),
    }
}

/// Money that orders are paid from.
fn fund_book(store: &Store) -> AccountId {
    let funded = store.transact("bench.fund", |tx| {
        let now = tx.reading()?;
        let mut book = Book::default();
        let world = book.open("bench/world", Asset::Banano, Overdraft::Allowed);
        let payer = book.open("bench/payer", Asset::Banano, Overdraft::Forbidden);
        book.transfer(world, payer, Amount::new(FUNDS), TransferKind(999), 0).expect("room");
        book.number(tx)?;
        book.write(tx, now)?;
        Ok(book.account_id(payer))
    });
    funded.expect("money in the book")
}
