//! The four questions without the world: fixed answers, so that a dry run can go through everything.

use std::time::Duration;

use super::http::is_plain_id;
use super::questions::{EpicAccount, Identity, KillQuestion, KillStats, Link, Links, TokenBalances, Visitor};
use super::reading::{NoData, Reading};

/// With `discord_` in front, a longer code would not fit a Discord id.
const CODE_LIMIT: usize = 22;

/// Code `c` is user `discord_c` named `user_c`, a member. A code is 1 to 22 letters, digits, `_` and `-`; others are
/// refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRunIdentity;

impl Identity for DryRunIdentity {
    fn identify(&self, code: &str) -> Reading<Visitor> {
        if code.len() > CODE_LIMIT || !is_plain_id(code) {
            return Reading::NotFound;
        }
        Reading::Found(Visitor {
            discord_user_id: format!("discord_{code}"),
            username: format!("user_{code}"),
            guild_member: true,
        })
    }
}

/// Discord id `d` has Epic account `epic_d`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRunLinks;

impl Links for DryRunLinks {
    fn look_up(&self, discord_ids: &[&str]) -> Vec<Reading<Link>> {
        let link = |id: &&str| {
            let epic = format!("epic_{id}");
            if !is_plain_id(&epic) {
                return Reading::NoData(NoData::NoEpicAccount);
            }
            Reading::Found(Link::Linked(EpicAccount { id: epic, name: None }))
        };
        discord_ids.iter().map(link).collect()
    }
}

/// Each reading is the cursor and so many kills more; by default none, which leaves the cursor unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRunKills {
    /// `FAUCET_SIM_KILLS`.
    pub kills_per_read: u64,
}

impl KillStats for DryRunKills {
    fn lifetime_kills_unless(
        &self,
        question: KillQuestion<'_>,
        _: Duration,
        _: &dyn Fn() -> bool,
    ) -> Reading<u64> {
        Reading::Found(question.cursor.unwrap_or(0).saturating_add(self.kills_per_read))
    }
}

/// Every wallet holds the same; by default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRunTokens {
    /// Whole tokens of each wallet.
    pub balance: u64,
}

impl TokenBalances for DryRunTokens {
    fn whole_tokens(&self, _: &str) -> Reading<u64> {
        Reading::Found(self.balance)
    }
}
