//! What was asked, what was acknowledged, and what is still in doubt.

use std::collections::BTreeMap;

use bursar_rounds::settings::{JOINS_BY_WALLET, STAKE_MAX, VOID_AFTER_MS};

use crate::gate::Gate;
use crate::rounds::operators::{Act, Stoppable};
use crate::rounds::wish::{Attempt, Content};

/// Everything known of one id.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What it was sent with, and for which wish.
    pub contents: Vec<(usize, Content)>,
    /// Requests with it that a lane has in hand, or died with.
    pub in_hand: u32,
    /// What was acknowledged.
    pub acknowledged: Option<Content>,
    /// How often it was acknowledged as created.
    pub created: u32,
}

/// What the platform owes an answer's truth to.
#[derive(Clone, Debug)]
pub struct Promises {
    /// By id.
    pub asked: BTreeMap<String, Asked>,
    /// Joins.
    pub joins: Gate,
    /// Settlements.
    pub settlements: Gate,
    /// The highest stake that an acknowledged setting lets pass, in bucks.
    pub stake_max: i64,
    /// The most joins of one wallet in a window that an acknowledged setting lets pass.
    pub wallet_joins_max: i64,
    /// The shortest void deadline that was ever set, ms.
    pub void_after_min_ms: i64,
    /// Things that operators began.
    pub acts: u64,
}

impl Promises {
    /// Nothing asked yet.
    pub fn new() -> Promises {
        Promises {
            asked: BTreeMap::new(),
            joins: Gate::Open,
            settlements: Gate::Open,
            stake_max: STAKE_MAX.default,
            wallet_joins_max: JOINS_BY_WALLET.limit.default,
            void_after_min_ms: VOID_AFTER_MS.default,
            acts: 0,
        }
    }

    /// The gates of joins and settlements.
    pub fn gates(&self) -> [Gate; 2] {
        [self.joins, self.settlements]
    }

    /// An operator tries something.
    pub fn begin(&mut self, act: Act) {
        self.acts += 1;
        match act {
            Act::Stop(what, until_ms) => self.gate(what).begin_stop(until_ms),
            Act::TypeStop(what, _) => self.gate(what).begin_stop(None),
            Act::Resume(what) | Act::TypeResume(what) => *self.gate(what) = Gate::Unknown,
            Act::Set(setting, value) if setting == STAKE_MAX => self.stake_max = self.stake_max.max(value),
            Act::Set(setting, value) if setting == JOINS_BY_WALLET.limit => {
                self.wallet_joins_max = self.wallet_joins_max.max(value);
            }
            Act::Set(setting, value) if setting == VOID_AFTER_MS => {
                self.void_after_min_ms = self.void_after_min_ms.min(value);
            }
            Act::Set(..) => {}
        }
    }

    /// The operator was told that it is done.
    pub fn done(&mut self, act: Act) {
        self.acts += 1;
        match act {
            Act::Stop(what, until_ms) => *self.gate(what) = Gate::Stopped { until_ms },
            Act::TypeStop(what, _) => *self.gate(what) = Gate::Stopped { until_ms: None },
            Act::Resume(what) | Act::TypeResume(what) => *self.gate(what) = Gate::Open,
            Act::Set(setting, value) if setting == STAKE_MAX => self.stake_max = value,
            Act::Set(setting, value) if setting == JOINS_BY_WALLET.limit => self.wallet_joins_max = value,
            Act::Set(..) => {}
        }
    }

    /// A lane takes requests in hand.
    pub fn take_in_hand(&mut self, batch: &[Attempt]) {
        for attempt in batch {
            let asked = self.asked.entry(attempt.id.clone()).or_default();
            asked.in_hand += 1;
            let content = attempt.content.map(|content| (attempt.wish, content));
            asked.contents.extend(content.filter(|content| !asked.contents.contains(content)));
        }
    }

    /// A lane has answered them, and they are no longer in doubt.
    pub fn put_down(&mut self, batch: &[Attempt]) {
        for attempt in batch {
            if let Some(asked) = self.asked.get_mut(&attempt.id) {
                asked.in_hand -= 1;
            }
        }
    }

    /// A join is acknowledged unseen; says for which wish.
    pub fn promise(&mut self, id: &str, content: Content) -> Option<usize> {
        let asked = self.asked.get_mut(id)?;
        asked.acknowledged = Some(content);
        asked.contents.iter().find(|(_, sent)| *sent == content).map(|(wish, _)| *wish)
    }

    fn gate(&mut self, what: Stoppable) -> &mut Gate {
        match what {
            Stoppable::Joins => &mut self.joins,
            Stoppable::Settlements => &mut self.settlements,
        }
    }
}
