//! The four questions as traits, live or not.

use std::time::Duration;

use super::reading::Reading;

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Discord's id: digits when live. At most 30 characters.
    pub discord_user_id: String,
    /// At most 100 characters.
    pub username: String,
    /// Whether the visitor is in the configured guild.
    pub guild_member: bool,
}

/// Who a visitor is (Discord).
pub trait Identity: Send + Sync {
    /// Redeems the code that the visitor came back with. `NotFound`: the code is not valid, or not any more.
    fn identify(&self, code: &str) -> Reading<Visitor>;
}

/// An Epic account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpicAccount {
    /// Letters, digits, `_` and `-`; at most 64.
    pub id: String,
    /// The name shown in the game, at most 100 characters.
    pub name: Option<String>,
}

/// What is known of a Discord user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// In the guild and linked.
    Linked(EpicAccount),
    /// In the guild, and not linked.
    NotLinked,
    /// Not in the guild.
    NotInGuild,
}

/// Which Epic account a Discord user has (Yunite).
pub trait Links: Send + Sync {
    /// A reading for each id, in their order. Many ids take few calls. `NotFound` means what `Link::NotInGuild` or
    /// `Link::NotLinked` means: the service does not tell which.
    fn look_up(&self, discord_ids: &[&str]) -> Vec<Reading<Link>>;
}

/// A question about kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillQuestion<'a> {
    /// The Epic account.
    pub account: &'a str,
    /// The kills that are known already; `None` for the first reading.
    pub cursor: Option<u64>,
}

/// Lifetime kills (the Fortnite statistics).
pub trait KillStats: Send + Sync {
    /// The account's lifetime kills. Waits for its turn and for retries as long as `patience` allows; a turn that would
    /// come later is `Unavailable` with [`super::Problem::LocallyLimited`]. Calls under way are not cut short by it.
    /// `NotFound`: no such account, or none that ever played.
    fn lifetime_kills(&self, question: KillQuestion<'_>, patience: Duration) -> Reading<u64> {
        self.lifetime_kills_unless(question, patience, &|| false)
    }

    /// The same, and no longer than until `is_over`: whoever still waits then is left as if its turn came too late.
    fn lifetime_kills_unless(
        &self,
        question: KillQuestion<'_>,
        patience: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Reading<u64>;
}

/// Balances of the token whose holders get a boost (a Solana node).
pub trait TokenBalances: Send + Sync {
    /// Whole tokens of a wallet: each of its token accounts rounded down, then added up. A wallet without such accounts
    /// holds 0; anything else than an answer leaves the known balance as it is.
    fn whole_tokens(&self, wallet: &str) -> Reading<u64>;
}
