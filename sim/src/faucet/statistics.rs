//! What the game knows of kills, and what its statistics say of them: also late, wrong, or nothing at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_faucet::upstream::{
    DryRunIdentity, DryRunLinks, DryRunTokens, KillQuestion, KillStats, NoData, Problem, Reading,
    Unavailable, Upstream, Upstreams,
};
use parking_lot::Mutex;

use crate::random::{Random, hash};

/// How far behind statistics are that lag, ms.
const LAG_MS: i64 = 600_000;

/// How statistics fail for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing answers.
    Silent,
    /// Most questions are too many.
    Throttles,
    /// Our own limit on questions is used up before everybody was asked about.
    UsedUp,
    /// Answers hold something else, or hide what they hold.
    Garbage,
    /// They are minutes behind.
    Lags,
    /// Now and then a count is smaller than it was.
    Regresses,
}

/// Every trouble with its name.
pub const TROUBLES: [(Trouble, &str); 6] = [
    (Trouble::Silent, "statistics: silent"),
    (Trouble::Throttles, "statistics: throttle"),
    (Trouble::UsedUp, "statistics: our limit used up"),
    (Trouble::Garbage, "statistics: garbage"),
    (Trouble::Lags, "statistics: lag"),
    (Trouble::Regresses, "statistics: regress"),
];

/// Lifetime kills by account.
pub type Truth = BTreeMap<String, i64>;

/// The game: lifetime kills by account, with their times.
#[derive(Debug, Default)]
pub struct Game {
    kills: BTreeMap<String, Vec<(i64, u64)>>,
    trouble: Option<(Trouble, i64)>,
    runs: i64,
}

impl Game {
    /// An account has so many more kills.
    pub fn play(&mut self, account: &str, kills: u64, now_ms: i64) {
        let history = self.kills.entry(account.to_owned()).or_default();
        let before = history.last().map_or(0, |(_, kills)| *kills);
        history.push((now_ms, before + kills));
    }

    /// The statistics fail until then.
    pub fn fail(&mut self, random: &mut Random, now_ms: i64) -> (&'static str, i64) {
        let (trouble, name) = *random.pick(&TROUBLES);
        let span_ms = random.between(30_000, 900_000);
        self.trouble = Some((trouble, now_ms + span_ms));
        (name, span_ms)
    }

    /// They are well.
    pub fn be_well(&mut self) {
        self.trouble = None;
    }

    /// Lifetime kills by account.
    pub fn truth(&self) -> Truth {
        let last =
            |history: &Vec<(i64, u64)>| history.last().and_then(|(_, kills)| i64::try_from(*kills).ok());
        let kills =
            self.kills.iter().filter_map(|(account, history)| Some((account.clone(), last(history)?)));
        kills.collect()
    }

    /// What one run of an accrual will be told: whatever order and threads it asks in.
    pub fn page(&mut self, now_ms: i64) -> Page {
        self.runs += 1;
        let trouble = self.trouble.filter(|(_, until_ms)| now_ms < *until_ms).map(|(trouble, _)| trouble);
        let at = |history: &Vec<(i64, u64)>, at_ms: i64| {
            let seen = history.iter().rev().find(|(when_ms, _)| *when_ms <= at_ms);
            seen.map(|(_, kills)| *kills)
        };
        let kills = self.kills.iter().filter_map(|(account, history)| {
            let lag_ms = if trouble == Some(Trouble::Lags) { LAG_MS } else { 0 };
            let first = history.first().map(|(_, kills)| *kills);
            Some((account.clone(), at(history, now_ms - lag_ms).or(first)?))
        });
        Page { kills: kills.collect(), trouble, run: self.runs }
    }
}

/// See [`Game::page`].
#[derive(Clone, Debug, Default)]
pub struct Page {
    kills: BTreeMap<String, u64>,
    trouble: Option<Trouble>,
    run: i64,
}

impl Page {
    /// Every count that the run will be told.
    pub fn told(&self) -> impl Iterator<Item = (&str, i64)> {
        self.kills.keys().filter_map(|account| match self.answer(account) {
            Reading::Found(kills) => Some((account.as_str(), i64::try_from(kills).ok()?)),
            _ => None,
        })
    }

    fn answer(&self, account: &str) -> Reading<u64> {
        let Some(kills) = self.kills.get(account).copied() else { return Reading::NotFound };
        let digest = account.bytes().fold(0_i64, |sum, byte| sum.wrapping_mul(31) + i64::from(byte));
        let draw = hash(&[digest, self.run]) % 12;
        let unavailable = |problem| {
            Reading::Unavailable(Unavailable { upstream: Upstream::Fortnite, problem, retry_after: None })
        };
        match self.trouble {
            Some(Trouble::Silent) => unavailable(Problem::Timeout),
            Some(Trouble::Throttles) if draw < 8 => unavailable(Problem::RateLimited),
            Some(Trouble::UsedUp) if draw < 8 => unavailable(Problem::LocallyLimited),
            Some(Trouble::Garbage) => match draw {
                0..4 => unavailable(Problem::Invalid("it is no number")),
                4..6 => Reading::NoData(NoData::Private),
                6 => Reading::NoData(NoData::NoKills),
                7 => Reading::NotFound,
                _ => Reading::Found(kills),
            },
            Some(Trouble::Regresses) if draw < 4 => Reading::Found(kills.saturating_sub(draw * 9)),
            _ => Reading::Found(kills),
        }
    }
}

/// The statistics as one process reaches them.
#[derive(Clone, Default)]
pub struct Statistics(Arc<Mutex<Page>>);

impl Statistics {
    /// What the next run will be told.
    pub fn show(&self, page: Page) {
        *self.0.lock() = page;
    }

    /// The services of a process: only kills are asked for.
    pub fn services(&self) -> Upstreams {
        Upstreams {
            identity: Arc::new(DryRunIdentity),
            links: Arc::new(DryRunLinks),
            kills: Arc::new(self.clone()),
            tokens: Arc::new(DryRunTokens::default()),
        }
    }
}

impl KillStats for Statistics {
    fn lifetime_kills_unless(
        &self,
        question: KillQuestion<'_>,
        _: Duration,
        _: &dyn Fn() -> bool,
    ) -> Reading<u64> {
        self.0.lock().answer(question.account)
    }
}
