//! Asking for the prices of due rounds, for as long as the price service has anything to give in this run.

use bursar_store::Timestamp;

use super::retry::{Retry, wait_ms};
use super::turns::Turns;
use crate::market::Market;
use crate::oracle::{
    AcceptPolicy, Exhausted, MissReason, PriceEvidence, PriceSource, UpstreamError, find_price,
};
use crate::timing::Round;

/// Markets that may time out before nothing more is asked: every question waits for seconds.
const SILENT_MARKETS_MAX: usize = 2;
/// Tries that must fail before a round is voided: one that is first asked for long after its end, because settlement
/// was paused or the server down, gets them too, and no single bad answer decides it.
const VOID_TRIES: i64 = 5;
/// Wait for a service that limits our rate and does not say how long.
const LIMITED_WAIT_MS: i64 = 15_000;
/// More is not believed of a service that says how long: stakes are locked meanwhile, and a refund takes its tries.
const LIMITED_WAIT_MAX_MS: i64 = 120_000;

/// One run's questions.
pub(super) struct Asking<'a> {
    source: &'a dyn PriceSource,
    policy: AcceptPolicy,
    turns: &'a Turns,
    silent: Vec<(Market, Miss)>,
    limited: Option<Miss>,
    /// Markets that come too late in this run.
    passed_over: Vec<Market>,
    has_answered: bool,
}

/// Why a round has no prices now.
#[derive(Clone, Debug)]
pub(super) struct Miss {
    asked: Asked,
    /// How long a service that limits our rate is left alone.
    limited_ms: Option<i64>,
    why: String,
}

/// Whose question a miss comes from. Only a round's own can void it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The round was asked for.
    Round,
    /// An older round of its market was, and the service was silent.
    Market,
    /// Nothing of its market was; `is_next` for the round with which the market comes first in its turn.
    Nothing { is_next: bool },
}

impl<'a> Asking<'a> {
    pub fn new(source: &'a dyn PriceSource, policy: AcceptPolicy, turns: &'a Turns) -> Asking<'a> {
        let (silent, passed_over) = (Vec::new(), Vec::new());
        Asking { source, policy, turns, silent, limited: None, passed_over, has_answered: false }
    }

    /// The prices of a round's lock and end, or why there are none; may know that without asking.
    pub fn prices(&mut self, round: Round) -> Result<(PriceEvidence, PriceEvidence), Miss> {
        match self.known_miss(round.market()) {
            Some(miss) => Err(miss),
            None => Ok((self.price(round, round.start_price_s())?, self.price(round, round.end_price_s())?)),
        }
    }

    fn known_miss(&mut self, market: Market) -> Option<Miss> {
        let of_market = self.silent.iter().find(|(silent, _)| *silent == market);
        if let (Some((_, miss)), None) = (of_market, &self.limited) {
            return Some(Miss { asked: Asked::Market, ..miss.clone() });
        }
        let last_asked = self.silent.get(SILENT_MARKETS_MAX - 1).map(|(_, miss)| miss);
        let miss = self.limited.as_ref().or(last_asked)?.clone();
        let is_next = !self.passed_over.contains(&market);
        self.passed_over.push(market);
        Some(Miss { asked: Asked::Nothing { is_next }, ..miss })
    }

    fn price(&mut self, round: Round, second: i64) -> Result<PriceEvidence, Miss> {
        let found = find_price(self.source, round.market(), second, self.policy);
        match found {
            Ok(evidence) => {
                self.has_answered = true;
                self.turns.put_first(round.market());
                Ok(evidence)
            }
            Err(exhausted) => Err(self.miss(round.market(), &exhausted)),
        }
    }

    fn miss(&mut self, market: Market, exhausted: &Exhausted) -> Miss {
        let mut miss = Miss { asked: Asked::Round, limited_ms: None, why: exhausted.to_string() };
        match exhausted.misses.last().map(|miss| &miss.reason) {
            Some(MissReason::Upstream(UpstreamError::RateLimited { retry_after_s })) => {
                let said = retry_after_s.map_or(0, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
                miss.limited_ms =
                    Some(said.saturating_mul(1_000).clamp(LIMITED_WAIT_MS, LIMITED_WAIT_MAX_MS));
                self.limited = Some(miss.clone());
                self.turns.put_last(market);
            }
            Some(MissReason::Upstream(error)) if error.is_silence() => {
                self.silent.push((market, miss.clone()));
                self.turns.put_last(market);
            }
            _ => {
                self.has_answered |= !exhausted.upstream_was_down();
                self.turns.put_first(market);
            }
        }
        miss
    }

    /// How a round is tried again that failed `misses` times in a row before, or `None` when it is not: the deadline
    /// has passed and its prices will not come.
    pub fn retry(
        &self,
        round: Round,
        miss: Miss,
        misses: i64,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Option<Retry> {
        let misses = match miss.asked {
            // A service that answers others is no outage, so nobody's tries end in a refund because of it.
            _ if miss.limited_ms.is_some() && self.has_answered => 0,
            Asked::Round | Asked::Market => misses + 1,
            Asked::Nothing { .. } => misses,
        };
        if miss.asked == Asked::Round && now >= deadline && misses >= VOID_TRIES {
            return None;
        }
        // One round suffices to give its market its turn soon; all of them might crowd out others.
        let waited = if miss.asked == (Asked::Nothing { is_next: true }) { 1 } else { misses };
        // Rounds of a limited service wait alike: one that was refused more often must not find its share used up.
        let wait_ms = miss.limited_ms.unwrap_or_else(|| wait_ms(waited));
        Some(Retry { round, misses, wait_ms, deadline, why: miss.why })
    }
}
