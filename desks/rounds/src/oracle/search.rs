//! The order in which seconds around the wanted one are asked for, as a state machine without I/O.

use super::sample::{AcceptPolicy, Refusal, Sample, accept, parse};
use super::source::UpstreamError;
use crate::market::Market;

/// Offsets from the wanted second in the order they are asked; the newest price is never among them.
pub const OFFSETS_S: [i64; 9] = [0, -1, -2, -5, -10, 1, 2, 5, 10];

/// Questions without any answer after which a search gives up: nine timeouts in a row would hold a worker for 45 s.
const SILENCES_MAX: usize = 2;

/// A search for the price of one market at one second. The first usable price ends it.
#[derive(Clone, Debug)]
pub struct Search {
    market: Market,
    wanted_s: i64,
    policy: AcceptPolicy,
    misses: Vec<Miss>,
    found: Option<Found>,
}

/// What a search wants now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the source for this second, then call [`Search::answer`].
    Ask(i64),
    /// A usable price.
    Found(Found),
    /// No usable price; trying again later may find one.
    Exhausted(Exhausted),
}

/// A usable price and the question that brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The second asked for, Unix seconds.
    pub asked_s: i64,
    /// The accepted sample.
    pub sample: Sample,
}

/// One question that brought no usable price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The second asked for, Unix seconds.
    pub asked_s: i64,
    /// Why there was no usable price.
    pub reason: MissReason,
}

/// Why a question brought no usable price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissReason {
    /// The service gave no body.
    #[error(transparent)]
    Upstream(UpstreamError),
    /// The service gave a price that cannot be used.
    #[error(transparent)]
    Refused(Refusal),
}

/// A search that ended without a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no usable {market} price for second {wanted_s} after {} questions; the last: {}", misses.len(), last_reason(misses))]
pub struct Exhausted {
    /// The market.
    pub market: Market,
    /// The second wanted, Unix seconds.
    pub wanted_s: i64,
    /// Every question asked, in order.
    pub misses: Vec<Miss>,
}

impl Exhausted {
    /// Whether any question failed for the service's sake, so that another attempt may well succeed.
    #[must_use]
    pub fn upstream_was_down(&self) -> bool {
        self.misses
            .iter()
            .any(|miss| matches!(&miss.reason, MissReason::Upstream(error) if error.is_outage()))
    }
}

fn last_reason(misses: &[Miss]) -> String {
    misses.last().map_or_else(|| "none".to_owned(), |miss| miss.reason.to_string())
}

impl Search {
    /// A search for `market` at `wanted_s` (Unix seconds).
    #[must_use]
    pub const fn new(market: Market, wanted_s: i64, policy: AcceptPolicy) -> Search {
        Search { market, wanted_s, policy, misses: Vec::new(), found: None }
    }

    /// What to do now; asking again without an answer in between gives the same step.
    #[must_use]
    pub fn next(&self) -> Step {
        if let Some(found) = &self.found {
            return Step::Found(found.clone());
        }
        match self.second_to_ask() {
            Some(second) => Step::Ask(second),
            None => Step::Exhausted(Exhausted {
                market: self.market,
                wanted_s: self.wanted_s,
                misses: self.misses.clone(),
            }),
        }
    }

    /// Takes the reply to the question of the current [`Step::Ask`]; a search that is over ignores it.
    pub fn answer(&mut self, reply: Result<String, UpstreamError>) {
        if self.found.is_some() {
            return;
        }
        let Some(asked_s) = self.second_to_ask() else { return };
        match self.judged(reply) {
            Ok(sample) => self.found = Some(Found { asked_s, sample }),
            Err(reason) => self.misses.push(Miss { asked_s, reason }),
        }
    }

    fn judged(&self, reply: Result<String, UpstreamError>) -> Result<Sample, MissReason> {
        let body = reply.map_err(MissReason::Upstream)?;
        let sample = parse(&body).map_err(|failure| MissReason::Refused(failure.into()))?;
        accept(sample, self.market, self.wanted_s, self.policy).map_err(MissReason::Refused)
    }

    fn second_to_ask(&self) -> Option<i64> {
        let offset = OFFSETS_S.get(self.misses.len()).filter(|_| !self.gives_up())?;
        Some(self.wanted_s.saturating_add(*offset))
    }

    /// Going on asking a service that limits our rate, or that does not answer at all, only makes things worse.
    fn gives_up(&self) -> bool {
        let errors = self.misses.iter().filter_map(|miss| match &miss.reason {
            MissReason::Upstream(error) => Some(error),
            MissReason::Refused(_) => None,
        });
        let limited = errors.clone().any(|error| matches!(error, UpstreamError::RateLimited { .. }));
        limited || errors.filter(|error| error.is_silence()).count() >= SILENCES_MAX
    }
}
