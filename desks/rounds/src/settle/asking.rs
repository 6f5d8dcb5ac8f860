//! Asking for the prices of due rounds, for as long as the price service has anything to give in this run.

use bursar_store::Timestamp;

use super::retry::{Retry, wait_ms};
use crate::market::Market;
use crate::oracle::{
    AcceptPolicy, Exhausted, MissReason, PriceEvidence, PriceSource, UpstreamError, find_price,
};
use crate::timing::Round;

/// Markets that may time out before nothing more is asked: every question waits for seconds.
const SILENT_MARKETS_MAX: usize = 2;
/// Tries that must fail before an outage, as opposed to a price that does not exist, can void a round: one that is
/// first asked for long after its end, because settlement was paused or the server down, gets them too.
const OUTAGE_TRIES: i64 = 5;
/// Wait for a service that limits our rate and does not say how long.
const LIMITED_WAIT_MS: i64 = 15_000;
/// More is not believed of a service that says how long: stakes are locked meanwhile, and a refund takes its tries.
const LIMITED_WAIT_MAX_MS: i64 = 120_000;

/// One run's questions.
pub(super) struct Asking<'a> {
    source: &'a dyn PriceSource,
    policy: AcceptPolicy,
    silent: Vec<(Market, Miss)>,
    limited: Option<Miss>,
    has_answered: bool,
}

/// Why a round has no prices now.
#[derive(Clone, Debug)]
pub(super) struct Miss {
    cause: Cause,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The service works and has no usable price.
    NoPrice,
    /// It does not work.
    Outage,
    /// It wants to be asked less often.
    Limited { wait_ms: i64 },
}

impl<'a> Asking<'a> {
    pub fn new(source: &'a dyn PriceSource, policy: AcceptPolicy) -> Asking<'a> {
        Asking { source, policy, silent: Vec::new(), limited: None, has_answered: false }
    }

    /// The prices of a round's lock and end, or why there are none; may know that without asking.
    pub fn prices(&mut self, round: Round) -> Result<(PriceEvidence, PriceEvidence), Miss> {
        match self.known_miss(round.market()) {
            Some(miss) => Err(miss),
            None => Ok((self.price(round, round.start_price_s())?, self.price(round, round.end_price_s())?)),
        }
    }

    fn known_miss(&self, market: Market) -> Option<Miss> {
        let is_over = self.silent.len() >= SILENT_MARKETS_MAX;
        let silent = self.silent.iter().find(|(silent, _)| is_over || *silent == market);
        self.limited.clone().or_else(|| silent.map(|(_, miss)| miss.clone()))
    }

    fn price(&mut self, round: Round, second: i64) -> Result<PriceEvidence, Miss> {
        let found = find_price(self.source, round.market(), second, self.policy);
        found.inspect(|_| self.has_answered = true).map_err(|exhausted| self.miss(round.market(), &exhausted))
    }

    fn miss(&mut self, market: Market, exhausted: &Exhausted) -> Miss {
        let why = exhausted.to_string();
        let last = exhausted.misses.last().map(|miss| &miss.reason);
        match last {
            Some(MissReason::Upstream(UpstreamError::RateLimited { retry_after_s })) => {
                let said = retry_after_s.map_or(0, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
                let wait_ms = said.saturating_mul(1_000).clamp(LIMITED_WAIT_MS, LIMITED_WAIT_MAX_MS);
                let miss = Miss { cause: Cause::Limited { wait_ms }, why };
                self.limited = Some(miss.clone());
                miss
            }
            Some(MissReason::Upstream(error)) if error.is_silence() => {
                let miss = Miss { cause: Cause::Outage, why };
                self.silent.push((market, miss.clone()));
                miss
            }
            _ if exhausted.upstream_was_down() => Miss { cause: Cause::Outage, why },
            _ => {
                self.has_answered = true;
                Miss { cause: Cause::NoPrice, why }
            }
        }
    }

    /// How a round is tried again that was asked for `misses` times in vain before, or `None` when it is not: the
    /// deadline has passed and its prices will not come.
    pub fn retry(
        &self,
        round: Round,
        miss: Miss,
        misses: i64,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Option<Retry> {
        let (is_limited, least_ms) = match miss.cause {
            Cause::Limited { wait_ms } => (true, wait_ms),
            Cause::NoPrice | Cause::Outage => (false, 0),
        };
        // A service that answers others is no outage, so nobody's tries end in a refund because of it.
        let misses = if is_limited && self.has_answered { 0 } else { misses + 1 };
        if now >= deadline && (miss.cause == Cause::NoPrice || misses >= OUTAGE_TRIES) {
            return None;
        }
        Some(Retry { round, misses, wait_ms: wait_ms(misses).max(least_ms), deadline, why: miss.why })
    }
}
