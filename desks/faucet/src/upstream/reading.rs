//! What comes of a question: found, definitely not there, no data, or no answer.

use std::fmt;
use std::time::Duration;

/// A service that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upstream {
    /// Discord's sign-in.
    Discord,
    /// Yunite's registration links.
    Yunite,
    /// The Fortnite statistics.
    Fortnite,
    /// A Solana node.
    Solana,
}

impl Upstream {
    /// Every one of them, for metrics.
    pub const ALL: [Upstream; 4] =
        [Upstream::Discord, Upstream::Yunite, Upstream::Fortnite, Upstream::Solana];

    /// The name in metrics and logs, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Upstream::Discord => "discord",
            Upstream::Yunite => "yunite",
            Upstream::Fortnite => "fortnite",
            Upstream::Solana => "solana",
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What comes of a question. Only `Found` holds something to act upon; nothing else ever counts as zero.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reading<T> {
    /// The answer.
    Found(T),
    /// The service knows for certain that there is no such thing.
    NotFound,
    /// The service answered, and the answer tells nothing. Asking at once again would not help.
    NoData(NoData),
    /// The service did not answer, or in a way that cannot be believed.
    Unavailable(Unavailable),
}

impl<T> Reading<T> {
    /// What was found.
    #[must_use]
    pub fn found(self) -> Option<T> {
        match self {
            Reading::Found(value) => Some(value),
            Reading::NotFound | Reading::NoData(_) | Reading::Unavailable(_) => None,
        }
    }
}

/// Why an answer tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoData {
    /// The player shows the statistics to nobody (403).
    #[error("the player's statistics are private; the player must make them public in the game's settings")]
    Private,
    /// The service refuses the account id (400), or it is none.
    #[error(
        "the account id is not one that the statistics know; the player should link the Epic account again"
    )]
    BadAccount,
    /// `overall` is missing or null.
    #[error("the statistics hold no totals for the player yet")]
    NoTotals,
    /// The totals hold no kills.
    #[error("the statistics hold no kills for the player yet")]
    NoKills,
    /// Yunite's answer does not mention the user.
    #[error("Yunite's answer leaves the user out")]
    NotMentioned,
    /// Yunite says two different things of the user.
    #[error("Yunite's answer contradicts itself about the user")]
    Contradiction,
    /// Yunite says that the user is linked, and not to which account.
    #[error("Yunite's answer names no usable Epic account for the user")]
    NoEpicAccount,
    /// Yunite answered 404 to a question about several users, which may as well mean the guild.
    #[error("Yunite found nothing at all (404); check YUNITE_GUILD_ID and YUNITE_BASE_URL")]
    NothingFound,
}

/// A service that gave no answer. Holds neither secrets nor anything that the service wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{upstream} gave no answer that can be used: {problem}")]
pub struct Unavailable {
    /// Which.
    pub upstream: Upstream,
    /// What went wrong.
    pub problem: Problem,
    /// How long it asks us to wait; at most an hour.
    pub retry_after: Option<Duration>,
}

/// What went wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No complete answer in time.
    #[error("no complete answer in time; check its load and the network path to it")]
    Timeout,
    /// No connection, or one that broke before the answer began.
    #[error("it cannot be reached; check its address, name resolution and the network path")]
    Unreachable,
    /// The answer broke off.
    #[error("its answer broke off; a proxy in between may be at fault")]
    Broken,
    /// The answer is longer than 1 MiB.
    #[error("its answer is longer than 1 MiB; its address may point at something else")]
    TooLarge,
    /// The service limits our rate (429).
    #[error("it limits our rate (429); ask less often or get a higher quota")]
    RateLimited,
    /// It was not asked, since our own limit leaves no room within the patience given.
    #[error("our own limit of questions to it is used up; it frees up by itself")]
    LocallyLimited,
    /// The service refuses our key (401, or 403 where that is what it means).
    #[error("it refuses our key ({0}); check the key and what it is good for")]
    KeyRefused(u16),
    /// Any other status; redirects are not followed.
    #[error("it answered with status {0}")]
    Status(u16),
    /// A JSON-RPC error.
    #[error("it answered with JSON-RPC error {0}")]
    Rpc(i64),
    /// The answer is not what the protocol says.
    #[error("its answer is not what the protocol says: {0}")]
    Invalid(&'static str),
}

impl Problem {
    /// The problem that a status means which no question expects.
    pub(super) const fn of_status(status: u16) -> Problem {
        match status {
            401 | 403 => Problem::KeyRefused(status),
            429 => Problem::RateLimited,
            other => Problem::Status(other),
        }
    }

    /// Whether the same question may well be answered a moment later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        match self {
            Problem::Timeout
            | Problem::Unreachable
            | Problem::Broken
            | Problem::RateLimited
            | Problem::LocallyLimited
            | Problem::Invalid(_) => true,
            Problem::Status(status) => status >= 500,
            Problem::TooLarge | Problem::KeyRefused(_) | Problem::Rpc(_) => false,
        }
    }
}

/// Why a configuration cannot be used. Values are not repeated, since they may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamConfigError {
    /// Not a usable address.
    #[error("the address of {0} must be http:// or https:// with a host, and without user name or fragment")]
    Url(Upstream),
    /// The key holds characters that no header may hold.
    #[error("the key for {0} is empty or holds characters that no HTTP header may hold; copy it again")]
    Key(Upstream),
    /// A guild, application or mint is missing or malformed.
    #[error("the {1} for {0} is missing or malformed")]
    Identifier(Upstream, &'static str),
}
