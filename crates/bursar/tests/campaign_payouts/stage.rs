//! A live faucet of one or two servers that are killed and come back, behind the customs, with players who keep playing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use bursar_store::Timestamp;

use crate::campaign::{Book, Connection, Failpoints};
use crate::customs::Customs;
use crate::harness::faucet::{Outside, Player, RAW_PER_E8};
use crate::harness::{LiveFaucet, Place, Server, Setup, Tool};
use crate::proof;
use crate::rows::Rows;
use crate::weather::heal;

/// How often accrual and settlement run, and how far a cycle moves the clock. Kills of one minute are one accrual.
pub const CYCLE_MS: i64 = 60_000;
/// What the wallet begins with, in BAN.
const FUNDS_BAN: u128 = 40;
/// What is put on top of what is owed, so that the last payment has its margin.
const SPARE_E8: u128 = 5 * 100_000_000;
/// Cycles after which everything that is owed must be paid, once the node behaves.
const REST_CYCLES: usize = 40;

/// Everything of one campaign but its choices.
pub struct Stage {
    #[allow(dead_code, reason = "dropping it deletes the database")]
    pub place: Place,
    pub outside: Outside,
    pub customs: Customs,
    pub failpoints: Failpoints,
    pub players: Vec<Player>,
    pub servers: Vec<Server>,
    pub book: Book,
    /// Kills of each Epic account since its sign-in.
    pub grown: BTreeMap<String, u64>,
    /// Blocks that somebody else signed with the operator's key.
    pub rivals: BTreeSet<String>,
    /// How each server is started.
    setups: Vec<Setup>,
}

impl Stage {
    /// `servers` servers on `place`, each with a journal of its own, and so many players.
    pub fn start(place: Place, servers: usize, players: u32) -> Stage {
        let journals: Vec<PathBuf> =
            (0..servers).map(|number| place.folder().join(format!("journal-{number}"))).collect();
        let mut kept = None;
        let faucet = LiveFaucet::start_with(&place, FUNDS_BAN, |setup| {
            let node = setup.environment().iter().find(|(name, _)| name == "BANANO_NODE_RPC").unwrap();
            let customs = Customs::start(&node.1);
            let (failpoints, setup) = Failpoints::beside(&place, setup);
            let setup = setup
                .env("BANANO_NODE_RPC", &customs.url())
                .env("P2S_INTERVAL_SECONDS", &(CYCLE_MS / 1_000).to_string())
                .env("P2S_MIN_OPERATOR_BALANCE_BAN", "0")
                .env("P2S_DAILY_CAP", "1000000000")
                .env("P2S_WEEKLY_CAP", "1000000000");
            let setups: Vec<Setup> = journals
                .iter()
                .map(|path| setup.clone().env("BURSAR_PAYOUT_JOURNAL", path.to_str().unwrap()))
                .collect();
            let first = setups[0].clone();
            kept = Some((customs, failpoints, setups));
            first
        });
        let (customs, failpoints, setups) = kept.unwrap();
        customs.look_into(Book::of(&place), journals);
        let players = (1..=players).map(|number| faucet.player(number, 1_000)).collect();
        let LiveFaucet { outside, server, .. } = faucet;
        let mut stage = Stage {
            book: Book::of(&place),
            place,
            outside,
            customs,
            failpoints,
            players,
            servers: vec![server],
            grown: BTreeMap::new(),
            rivals: BTreeSet::new(),
            setups,
        };
        stage.grown = stage.players.iter().map(|player| (player.epic.clone(), 0)).collect();
        stage.restore();
        stage
    }

    /// Starts as many servers as there are to be.
    pub fn restore(&mut self) {
        while self.servers.len() < self.setups.len() {
            let setup = self.free_setup();
            self.servers.push(setup.start());
        }
    }

    /// How a server is started that does not run.
    pub fn free_setup(&self) -> Setup {
        let journal = |setup: &Setup| {
            setup.environment().iter().find(|(name, _)| name == "BURSAR_PAYOUT_JOURNAL").unwrap().1.clone()
        };
        let running: Vec<String> = self.servers.iter().map(|server| journal(server.setup())).collect();
        self.setups.iter().find(|setup| !running.contains(&journal(setup))).unwrap().clone()
    }

    /// Kills the server at `index`.
    pub fn kill(&mut self, index: usize) {
        self.servers.swap_remove(index).kill();
    }

    /// Kills every server. Nobody is alive then, so their leases are ended instead of waited for.
    pub fn kill_all(&mut self) {
        self.servers.drain(..).for_each(Server::kill);
        let sql = "UPDATE store_leases SET until = $1";
        let ended = Timestamp::from_ms(0);
        self.book.store().transact("test.lapse", |tx| tx.execute(sql, &[ended.into()])).unwrap();
    }

    /// Somebody plays.
    pub fn play(&mut self, player: usize, kills: u64) {
        let epic = &self.players[player].epic;
        self.outside.stats.grow_kills(epic, kills);
        *self.grown.get_mut(epic).unwrap() += kills;
    }

    /// What the rules' clock shows.
    pub fn now_ms(&self) -> i64 {
        self.servers[0].now_ms()
    }

    pub fn rows(&self) -> Rows {
        self.book.store().read("test.rows", Rows::load).unwrap()
    }

    /// The command line beside the servers.
    pub fn tool(&self) -> Tool {
        Tool::of(&self.setups[0])
    }

    /// Heals the node, pays in what is missing, and lets time pass until everything owed is paid.
    #[track_caller]
    pub fn come_to_rest(&mut self) -> Rows {
        heal(&self.outside.node);
        for _ in 0..REST_CYCLES {
            let rows = self.rows();
            if self.is_at_rest(&rows) {
                return rows;
            }
            let needed = u128::try_from(rows.unpaid_e8()).unwrap() * 12 / 10 + SPARE_E8;
            let held = self.outside.operator_balance() / RAW_PER_E8;
            if needed > held && self.waiting_e8() == 0 {
                self.outside.fund_e8(needed - held);
            }
            for server in &self.servers {
                let target = server.now_ms() + CYCLE_MS;
                assert_eq!(move_clock(server.base(), target), Some(200), "{}", server.log());
            }
        }
        let logs: Vec<String> = self.servers.iter().map(Server::log).collect();
        panic!("it never comes to rest: {}\n{}", self.rows().what_is_open(), logs.join("\n---\n"));
    }

    fn is_at_rest(&self, rows: &Rows) -> bool {
        let accrued = |epic: &String| -> i64 {
            let user = rows.users[epic];
            rows.accruals.iter().filter(|row| row.user == user).map(|row| row.kills).sum()
        };
        let is_counted =
            self.grown.iter().all(|(epic, kills)| accrued(epic) == i64::try_from(*kills).unwrap());
        let is_received = self.waiting_e8() == 0 && !rows.receipts.contains(&0);
        let is_over = rows.attempts.iter().all(|row| row.state >= crate::rows::FINAL);
        is_counted && is_received && is_over && rows.unpaid_e8() == 0 && rows.wallet.standing == 0
    }

    /// What was sent to the operator and is not received yet.
    fn waiting_e8(&self) -> u128 {
        let operator = crate::harness::faucet::operator();
        self.outside.node.with(|node| {
            node.ledger().waiting(&operator).map(|(_, waiting)| waiting.amount.units() / RAW_PER_E8).sum()
        })
    }

    /// Everything that must hold at rest; says how many payouts there were.
    #[track_caller]
    pub fn prove(&mut self) -> usize {
        let rows = self.come_to_rest();
        let chain = proof::chain(&self.outside);
        proof::check_chain(&chain, &rows, &self.rivals);
        proof::check_payouts(&chain, &rows);
        proof::check_players(&chain, &rows, &self.players, &self.grown);
        proof::check_rest(&self.outside, &rows);
        self.book.check_sums_and_audit();
        self.check_customs(&rows);
        rows.payouts.len()
    }

    /// Nothing left before it was stored, and nothing left that is not stored.
    pub fn check_customs(&self, rows: &Rows) {
        let stored: BTreeSet<&str> = rows.attempts.iter().map(|row| row.transaction.as_str()).collect();
        self.customs.seen(|seen| {
            assert!(seen.smuggled.is_empty(), "{:#?}", seen.smuggled);
            assert!(seen.blocks.iter().all(|hash| stored.contains(hash.as_str())));
        });
    }

    /// Lets `ms` pass on the first server.
    #[track_caller]
    pub fn pass_ms(&self, ms: i64) {
        let server = &self.servers[0];
        server.move_clock(server.now_ms() + ms);
    }
}

/// Asks for a move of the manual clock and does not mind if nobody lives to answer: the status, if there was one.
pub fn move_clock(base: &str, now_ms: i64) -> Option<u16> {
    let body = format!("{{\"nowMs\":{now_ms}}}");
    Connection::open(base)?.post("/dev/clock", "", &body).map(|(status, _)| status)
}

/// Looks until `done` says so, for at most this long; whether it did.
pub fn wait_for(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = std::time::Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if std::time::Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
