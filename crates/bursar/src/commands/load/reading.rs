//! Reading what became of entries, as their wallets and everybody else can see it.

use std::time::{Duration, Instant};

use bursar_rounds::market::Market;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::clock::ClockFault;
use super::crowd::each;
use super::entries::Entry;
use super::patience::{NoAnswer, insist};
use super::progress::Bar;
use super::run::Run;
use super::server::{Connection, Reply};
use super::window::Window;

/// An entry in its wallet's results; money in cents.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryResult {
    pub round_id: String,
    pub joined_at_ms: i64,
    pub direction: String,
    pub entry_signature: String,
    pub stake_lamports: u64,
    pub status: String,
    pub payout_lamports: u64,
    pub pnl_lamports: Option<i64>,
    pub settlement: Option<Settled>,
}

/// A settlement in results.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    pub mode: String,
    pub winner_side: Option<String>,
    pub reason: Option<String>,
    pub start_price: Number,
    pub end_price: Number,
    pub settled_at_ms: i64,
}

/// The pool of a round; stakes in whole bucks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStats {
    pub total_bucks: u64,
    pub up_bucks: u64,
    pub down_bucks: u64,
    pub players: u64,
    pub entries: u64,
}

/// What a wallet's results show of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// The entry.
    Entry(Box<EntryResult>),
    /// Nothing of it.
    Missing,
    /// The results could not be read, and why.
    Unread(String),
}

/// What came of reading the results of a set of entries.
pub struct Read {
    /// What each shows, in the order they were given.
    pub seen: Vec<Seen>,
    /// How long each answer took.
    pub took: Vec<Duration>,
    /// Answers that said to come later.
    pub postponed: u64,
    /// From the first to the last, without the pauses between batches.
    pub elapsed: Duration,
}

/// Reads the results of the wallets of `entries`, in batches.
pub fn read(run: &Run, window: Window, entries: &[&Entry], what: &str) -> Result<Read, ClockFault> {
    let bar = Bar::of(format!("{what} {}", window.start_ms() / 1_000), entries.len());
    let mut read = Read { seen: Vec::new(), took: Vec::new(), postponed: 0, elapsed: Duration::ZERO };
    for (number, batch) in entries.chunks(run.profile.batch_size).enumerate() {
        if number > 0 {
            run.clock.pause(run.profile.batch_delay_ms)?;
        }
        let begun = Instant::now();
        let outcomes = each(&run.server, run.profile.read_workers, &bar, batch, |connection, entry| {
            let path = format!("/api/sim/results?wallet={}", entry.wallet);
            let outcome = insist(&run.clock, None, || connection.get(&path));
            (entry.id(run.seed, window), outcome)
        });
        read.elapsed += begun.elapsed();
        for (id, outcome) in outcomes {
            read.postponed += outcome.postponed;
            read.took.extend(outcome.answer.as_ref().ok().map(|reply| reply.took));
            read.seen.push(match outcome.answer {
                Ok(reply) => find(&id, &reply),
                Err(NoAnswer::Network(error)) => Seen::Unread(format!("network: {error}")),
                Err(NoAnswer::TooLate { said }) => {
                    Seen::Unread(said.unwrap_or_else(|| "there was no time".to_owned()))
                }
            });
        }
    }
    Ok(read)
}

fn find(id: &str, reply: &Reply) -> Seen {
    let Some(rounds) = reply.body["rounds"].as_array().filter(|_| reply.is_good()) else {
        return Seen::Unread(reply.outcome());
    };
    let Some(entry) = rounds.iter().find(|entry| entry["entrySignature"] == id) else {
        return Seen::Missing;
    };
    match EntryResult::deserialize(entry) {
        Ok(entry) => Seen::Entry(Box::new(entry)),
        Err(error) => Seen::Unread(format!("not as an entry looks: {error}")),
    }
}

/// The pool of a market's round.
pub fn pool(run: &Run, connection: &Connection, round_id: &str) -> Result<PoolStats, String> {
    let path = format!("/api/sim/pool?roundId={round_id}");
    let reply = match insist(&run.clock, None, || connection.get(&path)).answer {
        Ok(reply) if reply.is_good() => reply,
        Ok(reply) => return Err(reply.outcome()),
        Err(why) => return Err(format!("{why:?}")),
    };
    PoolStats::deserialize(&reply.body["stats"]).map_err(|error| error.to_string())
}

/// The fees in cents that the server has booked for the rounds of `window`, as far as it tells: only operators may ask.
pub fn fees(run: &Run, connection: &Connection, window: Window) -> Vec<(Market, u64)> {
    let key = run.ops_key.as_ref().map(|key| ("x-ops-key", key));
    let summary = connection.get_with_key("/api/ops/summary?limit=120", key);
    let Some(summary) = summary.ok().filter(Reply::is_good) else { return Vec::new() };
    let settlements = summary.body["recentSettlements"].as_array().map_or(&[][..], Vec::as_slice);
    let fee = |market: Market| {
        let id = window.round_id(market);
        let settlement = settlements.iter().find(|settlement| settlement["roundId"] == id.as_str());
        settlement.and_then(|settlement| settlement.get("feeCents")).and_then(Value::as_u64)
    };
    Market::ALL.into_iter().filter_map(|market| Some((market, fee(market)?))).collect()
}
