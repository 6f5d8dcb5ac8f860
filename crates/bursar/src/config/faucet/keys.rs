//! Every key of the faucet's three files: what it may hold, and where its value goes.

use bursar_banano::PublicKey;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::cap_window::CapWindow;

use super::super::registry::Kind;

/// A key of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// With its section: `rate_limits.fortnite_per_min`.
    pub name: &'static str,
    pub meaning: Meaning,
}

/// Where a key's value goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    /// To this variable of the environment while nobody sets that, nor any of the others.
    Variable(&'static str, &'static [&'static str]),
    /// To the faucet's own configuration.
    Own(Shape),
    /// Another name of this key.
    OtherName(&'static str, Shape),
    /// Nowhere: what decides instead.
    Nothing(&'static str),
}

/// What a key of its own may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Any text; blank is a text too.
    Text,
    /// An amount in BAN with at most eight decimals.
    Ban,
    Number {
        min: u32,
        max: u32,
    },
    Flag,
    /// Blank, or an http or https URL with a host.
    Link,
    /// The name of a time zone.
    Zone,
    /// Digits of a Discord id.
    DiscordId,
    /// Exactly this word.
    Only(&'static str),
    /// What visitors allow Discord to tell; who they are and their guilds at the least.
    Scopes,
    /// Banano addresses.
    Addresses,
}

/// A file of `CONFIG_DIR`.
pub(super) struct FileKeys {
    pub file: &'static str,
    pub keys: &'static [Key],
}

const fn variable(name: &'static str, variable: &'static str) -> Key {
    Key { name, meaning: Meaning::Variable(variable, &[]) }
}

const fn own(name: &'static str, shape: Shape) -> Key {
    Key { name, meaning: Meaning::Own(shape) }
}

const fn nothing(name: &'static str, instead: &'static str) -> Key {
    Key { name, meaning: Meaning::Nothing(instead) }
}

const CAP: Shape = Shape::Number { min: 0, max: 1_000_000_000 };
const PER_MINUTE: Shape = Shape::Number { min: 1, max: 1_000_000 };

pub(super) const FILES: [FileKeys; 3] = [
    FileKeys {
        file: "payout.yaml",
        keys: &[
            own("payout_amount_ban_per_kill", Shape::Ban),
            nothing("scheduler_minutes", "P2S_INTERVAL_SECONDS is the time between runs"),
            own("daily_payout_cap", CAP),
            own("weekly_payout_cap", CAP),
            own("reset_tz", Shape::Zone),
            own("settlement_order", Shape::Only("random")),
            own("batch_size", Shape::Number { min: 0, max: 1_000_000 }),
            own("seed_fund_ban", Shape::Ban),
            own("hodl_boost_enabled", Shape::Flag),
            variable("hodl_boost_token_ca", "HODL_BOOST_TOKEN_CA"),
            Key {
                name: "hodl_boost_solana_rpc",
                meaning: Meaning::Variable("FAUCET_SOLANA_RPC_URL", &["SOLANA_RPC_URL"]),
            },
            own("donation_exclude_addresses", Shape::Addresses),
        ],
    },
    FileKeys {
        file: "integrations.yaml",
        keys: &[
            nothing("chain_env", "the node of node_rpc decides on which chain payments are"),
            variable("node_rpc", "BANANO_NODE_RPC"),
            variable("min_operator_balance_ban", "P2S_MIN_OPERATOR_BALANCE_BAN"),
            variable("dry_run", "P2S_DRY_RUN"),
            variable("yunite_api_key", "YUNITE_API_KEY"),
            variable("yunite_guild_id", "YUNITE_GUILD_ID"),
            variable("yunite_base_url", "YUNITE_BASE_URL"),
            own("discord_guild_id", Shape::DiscordId),
            variable("discord_oauth_client_id", "DISCORD_CLIENT_ID"),
            variable("discord_oauth_client_secret", "DISCORD_CLIENT_SECRET"),
            variable("discord_redirect_uri", "DISCORD_REDIRECT_URI"),
            own("oauth_scopes", Shape::Scopes),
            variable("fortnite_api_key", "FORTNITE_API_KEY"),
            variable("fortnite_base_url", "FORTNITE_BASE_URL"),
            own("rate_limits.fortnite_per_min", PER_MINUTE),
            Key {
                name: "rate_limits.fortnite_per_minute",
                meaning: Meaning::OtherName("rate_limits.fortnite_per_min", PER_MINUTE),
            },
            variable("rate_limits.global_per_minute", "RATE_LIMIT_GLOBAL_PER_MINUTE"),
            variable("rate_limits.per_ip_per_minute", "RATE_LIMIT_PER_IP_PER_MINUTE"),
            own("abuse_heuristics.kill_rate_per_min", Shape::Number { min: 0, max: 1_000_000 }),
        ],
    },
    FileKeys {
        file: "product.yaml",
        keys: &[
            own("app_name", Shape::Text),
            own("org_name", Shape::Text),
            own("banner_url", Shape::Link),
            own("media_kit_url", Shape::Link),
            own("default_locale", Shape::Text),
            variable("discord_invite_url", "DISCORD_INVITE_URL"),
            nothing("feature_flags.dry_run_banner", "the banner shows whether this is a dry run"),
            variable("feature_flags.lunar_new_year", "P2S_LUNAR_NEW_YEAR"),
        ],
    },
];

impl Shape {
    /// Whether a blank text is a value of its own rather than the same as none.
    pub const fn keeps_blank(self) -> bool {
        matches!(self, Shape::Text | Shape::Link)
    }

    /// Whether it is a list.
    pub const fn is_list(self) -> bool {
        matches!(self, Shape::Scopes | Shape::Addresses)
    }

    /// The canonical spelling of `text`, or of an item of a list; `None` when it is not of this shape.
    pub fn check(self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        let kept = |is_good: bool| is_good.then(|| trimmed.to_owned());
        match self {
            Shape::Text => kept(trimmed.chars().count() <= 200 && !trimmed.chars().any(char::is_control)),
            Shape::Ban => trimmed.parse::<BanE8>().ok().map(|amount| amount.to_string()),
            Shape::Number { min, max } => {
                trimmed.parse().ok().filter(|n| (min..=max).contains(n)).map(|n: u32| n.to_string())
            }
            Shape::Flag => Kind::Flag.check(trimmed),
            Shape::Link if trimmed.is_empty() => Some(String::new()),
            Shape::Link => Kind::Url.check(trimmed),
            Shape::Zone => kept(CapWindow::calendar(trimmed).is_ok()),
            Shape::DiscordId => Kind::DiscordIds.check(trimmed).filter(|id| !id.contains(',')),
            Shape::Only(word) => kept(trimmed == word),
            Shape::Scopes => kept(is_scope(trimmed)),
            Shape::Addresses => PublicKey::from_address(trimmed).ok().map(|key| key.address()),
        }
    }

    /// What a good value is, to complete the sentence "it must be ...".
    pub fn expectation(self) -> String {
        match self {
            Shape::Text => "a text of at most 200 characters".to_owned(),
            Shape::Ban => "an amount of BAN such as 0.05, with at most eight decimals".to_owned(),
            Shape::Number { min, max } => format!("a whole number from {min} to {max}"),
            Shape::Flag => Kind::Flag.expectation(),
            Shape::Link => "an http:// or https:// URL, or blank".to_owned(),
            Shape::Zone => "the name of a time zone such as UTC or Europe/Berlin".to_owned(),
            Shape::DiscordId => "a Discord id, which is a number".to_owned(),
            Shape::Only(word) => word.to_owned(),
            Shape::Scopes => {
                "a list of Discord's scopes, with identify and guilds, which sign-in needs".to_owned()
            }
            Shape::Addresses => "a list of Banano addresses (ban_...)".to_owned(),
        }
    }
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'))
}
