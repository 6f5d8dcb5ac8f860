//! What stands on the rounds of all markets, read in one snapshot.

use std::collections::HashMap;

use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_rounds::incident::{self, Incident};
use bursar_rounds::market::Market;
use bursar_rounds::pool::Pool;
use bursar_rounds::settings::STAKE_MAX;
use bursar_rounds::stake::{Side, StakeCounts};
use bursar_rounds::status::{Status, due_rounds, pauses, status};
use bursar_rounds::timing::{CYCLE_MS, LENGTH_MS, Phase, Round};
use bursar_store::{StoreError, Timestamp, Tx};

/// Rounds of one market that are alive at once.
const ALIVE: i64 = LENGTH_MS / CYCLE_MS;

/// The rounds of this moment.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// What the rules' clock shows.
    pub now: Timestamp,
    /// How the desk is doing.
    pub status: Status,
    /// What players are told.
    pub incident: Option<Incident>,
    /// The highest stake tier that is accepted, in bucks.
    pub stake_max_bucks: i64,
    pools: HashMap<Round, Pool>,
}

impl Board {
    /// Reads it.
    pub fn read(tx: &mut Tx<'_>, switchboard: &Switchboard) -> Result<Board, StoreError> {
        let now = tx.reading()?;
        let pauses = pauses(tx, switchboard, now)?;
        let due = due_rounds(tx, now)?;
        let oldest_ms = Round::current(Market::default(), now).start_ms() - (ALIVE - 1) * CYCLE_MS;
        let pools = Pool::starting_from(tx, oldest_ms)?;
        let values = settings::values(tx, ConfigTable::ROUNDS, &[STAKE_MAX])?;
        Ok(Board {
            now,
            status: status(pauses, due, now),
            incident: incident::current(tx)?,
            stake_max_bucks: values.get(STAKE_MAX.key).copied().unwrap_or(STAKE_MAX.default),
            pools: pools.into_iter().map(|pool| (pool.round, pool)).collect(),
        })
    }

    /// The newest round of a market that has started.
    pub fn current(&self, market: Market) -> Round {
        Round::current(market, self.now)
    }

    /// The round of a market that starts next.
    pub fn next(&self, market: Market) -> Round {
        let current = self.current(market);
        // Only at the end of time there is none.
        Round::starting(market, current.start_ms() + CYCLE_MS).unwrap_or(current)
    }

    /// The round of a market that one can join, now or as the next.
    pub fn joinable(&self, market: Market) -> Round {
        let current = self.current(market);
        if current.phase(self.now) == Phase::Open { current } else { self.next(market) }
    }

    /// The rounds of a market that are locked and have not ended, newest first.
    pub fn locked(&self, market: Market) -> Vec<Round> {
        let newest_ms = self.current(market).start_ms();
        let starts = (0..ALIVE).map(|back| newest_ms - back * CYCLE_MS);
        let rounds = starts.filter_map(|start_ms| Round::starting(market, start_ms));
        rounds.filter(|round| round.phase(self.now) == Phase::Locked).collect()
    }

    /// What is staked on a round.
    pub fn stakes(&self, round: Round) -> StakeCounts {
        self.pools.get(&round).map(|pool| pool.stakes.clone()).unwrap_or_default()
    }

    /// Entries and distinct wallets of a round.
    pub fn crowd(&self, round: Round) -> (i64, i64) {
        self.pools.get(&round).map_or((0, 0), |pool| (pool.entries, pool.players))
    }

    /// What is staked on one side of a round, in whole bucks.
    pub fn bucks(&self, round: Round, side: Side) -> i64 {
        self.pools.get(&round).map_or(0, |pool| pool.stakes.bucks(side))
    }
}
