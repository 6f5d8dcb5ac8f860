//! The witness: reads over a connection of its own what each commit left, and holds it against what must be.

mod admit;
mod answers;
mod examine;
mod promises;
mod round;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parking_lot::ReentrantMutexGuard;
use rusqlite::Connection;

use crate::figures::Figures;
use crate::invariant::Breach;
use crate::rounds::upstream::PriceWalk;
use crate::rounds::wish::Attempt;
use crate::watching::{Eye, Snapshot};
use promises::Promises;
use round::Dues;
use rows::{EntryRow, SettlementRow, TransferRow};

/// An entry with the commit that brought it.
#[derive(Clone, Debug)]
struct SeenEntry {
    row: EntryRow,
    /// The node that committed it; `None` when it came to light after a crash.
    node: Option<usize>,
    /// Which commit, by the witness's count.
    commit: u64,
}

/// A settlement with what is still to be paid.
#[derive(Clone, Debug)]
struct SeenSettlement {
    row: SettlementRow,
    dues: Dues,
    /// Entries that were paid.
    paid: BTreeSet<i64>,
    /// Whether fee and losing side's money were moved.
    is_merged: bool,
    is_fee_taken: bool,
}

/// Everything that was ever seen committed.
#[derive(Clone, Debug, Default)]
struct Seen {
    entries: BTreeMap<i64, SeenEntry>,
    by_id: HashMap<String, i64>,
    by_wish: HashMap<usize, i64>,
    by_round: BTreeMap<i64, Vec<i64>>,
    transfers: BTreeMap<i64, TransferRow>,
    settlements: BTreeMap<i64, SeenSettlement>,
    /// Addresses of wallets by their accounts.
    wallets: BTreeMap<i64, Vec<u8>>,
    /// Pool accounts by round and side.
    pools: BTreeMap<(i64, i64), i64>,
    treasury: Option<i64>,
    /// Joins of a wallet in one window of its limit, by the window's start.
    in_window: HashMap<(i64, i64), i64>,
    last_order: i64,
    /// The latest time of any batch of the desk, Unix ms.
    desk_ms: i64,
}

/// A moment before a batch, to tell what the batch brought.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    commit: u64,
    acts: u64,
}

/// What a witness knew at a moment.
pub struct Recollection {
    promises: Promises,
    seen: Seen,
}

/// See the module.
#[derive(Debug)]
pub struct Witness {
    /// What was asked and acknowledged.
    pub promises: Promises,
    seen: Seen,
    walk: PriceWalk,
    commits: u64,
    eye: Option<Eye>,
}

impl Witness {
    /// A witness that has seen nothing yet.
    pub fn new(seed: u64) -> Witness {
        Witness {
            promises: Promises::new(),
            seen: Seen::default(),
            walk: PriceWalk::new(seed),
            commits: 0,
            eye: None,
        }
    }

    /// Looks through `eye` from now on.
    pub fn connect(&mut self, eye: &Eye) {
        self.eye = Some(eye.clone());
    }

    /// Closes its eye.
    pub fn disconnect(&mut self) {
        self.eye = None;
    }

    fn connected(&self) -> ReentrantMutexGuard<'_, Connection> {
        self.eye.as_ref().expect("the witness is connected while nodes run").look()
    }

    /// A lane takes `batch` in hand.
    pub fn begin(&mut self, batch: &[Attempt]) -> Since {
        self.promises.take_in_hand(batch);
        Since { commit: self.commits, acts: self.promises.acts }
    }

    /// A lane has put `batch` down.
    pub fn end(&mut self, batch: &[Attempt]) {
        self.promises.put_down(batch);
    }

    /// Looks at what is new after a commit of `node`, or after a recovery.
    pub fn look(&mut self, node: Option<usize>) -> Result<(), Breach> {
        self.commits += 1;
        let last_entry = self.seen.entries.keys().next_back().copied().unwrap_or(0);
        let last_transfer = self.seen.transfers.keys().next_back().copied().unwrap_or(0);
        let read = || -> rusqlite::Result<_> {
            let connection = self.connected();
            let snapshot = Snapshot::of(&connection)?;
            let entries = rows::all(&snapshot, rows::ENTRIES, last_entry, rows::entry)?;
            let settlements =
                rows::all(&snapshot, rows::SETTLEMENTS, self.seen.last_order, rows::settlement)?;
            let transfers = rows::all(&snapshot, rows::TRANSFERS, last_transfer, rows::transfer)?;
            let mut addresses = BTreeMap::new();
            for entry in entries.iter().filter(|entry| !self.seen.wallets.contains_key(&entry.wallet)) {
                addresses.insert(entry.wallet, rows::address(&snapshot, entry.wallet)?);
            }
            Ok((entries, settlements, transfers, addresses))
        };
        let (entries, settlements, transfers, addresses) = read().expect("the witness can read");
        self.seen.wallets.extend(addresses);
        let mut at_ms = self.seen.desk_ms;
        for entry in entries {
            at_ms = at_ms.max(entry.joined_at);
            self.admit_entry(entry, node)?;
        }
        for settlement in settlements {
            at_ms = at_ms.max(settlement.settled_at);
            self.admit_settlement(settlement)?;
        }
        for transfer in transfers {
            at_ms = at_ms.max(transfer.at);
            self.admit_transfer(transfer)?;
        }
        self.seen.desk_ms = at_ms;
        Ok(())
    }

    /// Whether every round with an entry is settled and paid out.
    pub fn is_at_rest(&self) -> bool {
        self.seen.by_round.keys().all(|round| {
            let settlement = self.seen.settlements.get(round);
            settlement.is_some_and(|settlement| settlement.paid.len() == settlement.dues.payouts.len())
        })
    }

    /// What it knows now.
    pub fn remember(&self) -> Recollection {
        Recollection { promises: self.promises.clone(), seen: self.seen.clone() }
    }

    /// An older state has been restored: what was promised and seen since counts no more.
    pub fn go_back_to(&mut self, recollection: &Recollection) {
        let acts = self.promises.acts + 1;
        self.promises = Promises { acts, ..recollection.promises.clone() };
        self.seen = recollection.seen.clone();
    }

    /// Adds what was seen to the figures of the run.
    pub fn count(&self, figures: &mut Figures) {
        let count = |len: usize| u64::try_from(len).expect("a length fits 64 bits");
        figures.commits += self.commits;
        figures.reach_times("round", "entered", count(self.seen.entries.len()));
        for settlement in self.seen.settlements.values() {
            figures.reach("round", outcome_of(&settlement.dues));
            if settlement.dues.remainder > 0 {
                figures.reach("round", "leaves a remainder");
            }
            if settlement.dues.payouts.len() == settlement.paid.len() {
                figures.reach("round", "paid out");
            }
        }
    }
}

/// How a round ended, for the count of what was reached.
fn outcome_of(dues: &Dues) -> &'static str {
    match (dues.winner, dues.reason) {
        (Some(0), _) => "up wins",
        (Some(_), _) => "down wins",
        (None, Some("one_sided")) => "one side only",
        (None, Some("tie")) => "tie",
        (None, _) => "no price",
    }
}
