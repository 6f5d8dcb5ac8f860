//! The faucet's three files (`CONFIG_DIR`): what stands in them, below the environment and above the built-in values.
//!
//! Required are all three where `CONFIG_DIR` is set or a folder `configs` stands where the server starts; without either
//! the built-in values hold, which are those of the files that come with Bursar.

mod expand;
mod keys;
mod texts;
mod yaml;

#[cfg(test)]
mod tests;

use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::caps::{CapMode, NamedCaps};
use bursar_faucet::rules::rate::{DEFAULT_BASE, DEFAULT_SEED_FUND};

use super::desks::{DeskName, Owner};
use super::problem::{Problem, Warning};
use super::source::{Merged, Source};
use super::values::Values;
use texts::Texts;

/// Settings of the faucet that no variable carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaucetConfiguration {
    /// BAN per kill before any factor.
    pub base_rate: BanE8,
    /// Caps of the payout file; what is not named there is the cap mode's own.
    pub caps: NamedCaps,
    /// The zone in which calendar windows of the caps begin.
    pub reset_tz: String,
    /// Payouts that a cycle makes; 0 = no limit.
    pub batch_size: u32,
    /// What the operator put in at first.
    pub seed_fund: BanE8,
    /// Whether token holders earn more.
    pub is_boost_on: bool,
    /// The operator's own addresses, whose money is no donation.
    pub donation_exclude_addresses: Vec<String>,
    /// The guild that players have to be in; `None` = the one of `YUNITE_GUILD_ID`.
    pub discord_guild_id: Option<String>,
    /// What visitors allow Discord to tell.
    pub oauth_scopes: Vec<String>,
    /// Questions a minute to the statistics, at first.
    pub stats_per_minute: u32,
    /// Kills a minute above which a player is flagged; 0 = never.
    pub kill_rate_per_minute: u32,
    /// How the pages present themselves.
    pub product: ProductTexts,
}

/// Texts and pictures of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductTexts {
    /// The faucet's name.
    pub app_name: String,
    /// Who runs it.
    pub org_name: String,
    /// A picture; empty = none.
    pub banner_url: String,
    /// Pictures and texts for the press; empty = none.
    pub media_kit_url: String,
    /// Such as `en`.
    pub default_locale: String,
}

impl Default for FaucetConfiguration {
    /// What the files that come with Bursar say.
    fn default() -> FaucetConfiguration {
        FaucetConfiguration {
            base_rate: DEFAULT_BASE,
            caps: NamedCaps::default(),
            reset_tz: "UTC".to_owned(),
            batch_size: 0,
            seed_fund: DEFAULT_SEED_FUND,
            is_boost_on: true,
            donation_exclude_addresses: Vec::new(),
            discord_guild_id: None,
            oauth_scopes: ["identify", "guilds"].map(str::to_owned).into(),
            stats_per_minute: 60,
            kill_rate_per_minute: 10,
            product: ProductTexts {
                app_name: "Pay2Slay Faucet".to_owned(),
                org_name: "Example Org".to_owned(),
                banner_url: String::new(),
                media_kit_url: String::new(),
                default_locale: "en".to_owned(),
            },
        }
    }
}

impl FaucetConfiguration {
    /// Where browsers may load pictures from: the origins of banner and media kit, each once.
    #[must_use]
    pub fn picture_origins(&self) -> Vec<String> {
        let mut origins = Vec::new();
        for url in [&self.product.banner_url, &self.product.media_kit_url] {
            if let Some(origin) = origin(url).filter(|origin| !origins.contains(origin)) {
                origins.push(origin);
            }
        }
        origins
    }
}

/// Scheme, host and port of a URL, as a content security policy names them.
fn origin(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let host = authority.host();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    // Semicolons and quotes would end the directive.
    let port = authority.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    host.bytes().all(is_plain).then(|| format!("{scheme}://{host}{port}"))
}

/// Reads the files where there are to be some: values of variables that nobody sets go to `values`, the rest is answered.
pub(super) fn read(
    source: &Source,
    merged: &Merged,
    values: &mut Values,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> FaucetConfiguration {
    let Some(folder) = texts::folder(source, values) else { return FaucetConfiguration::default() };
    let texts = texts::read(source, merged, &folder, values, problems, warnings);
    let configuration = of(&texts);
    judge(&configuration, values, problems, warnings);
    configuration
}

fn of(texts: &Texts) -> FaucetConfiguration {
    let usual = FaucetConfiguration::default();
    let text = |key: &str, usual: String| texts.text(key).map_or(usual, str::to_owned);
    FaucetConfiguration {
        base_rate: texts.parsed("payout_amount_ban_per_kill").unwrap_or(usual.base_rate),
        caps: NamedCaps {
            daily: texts.parsed("daily_payout_cap"),
            weekly: texts.parsed("weekly_payout_cap"),
        },
        reset_tz: text("reset_tz", usual.reset_tz),
        batch_size: texts.parsed("batch_size").unwrap_or(usual.batch_size),
        seed_fund: texts.parsed("seed_fund_ban").unwrap_or(usual.seed_fund),
        is_boost_on: texts.parsed("hodl_boost_enabled").unwrap_or(usual.is_boost_on),
        donation_exclude_addresses: texts
            .list("donation_exclude_addresses")
            .unwrap_or(usual.donation_exclude_addresses),
        discord_guild_id: texts.text("discord_guild_id").map(str::to_owned),
        oauth_scopes: texts.list("oauth_scopes").unwrap_or(usual.oauth_scopes),
        stats_per_minute: texts.parsed("rate_limits.fortnite_per_min").unwrap_or(usual.stats_per_minute),
        kill_rate_per_minute: texts
            .parsed("abuse_heuristics.kill_rate_per_min")
            .unwrap_or(usual.kill_rate_per_minute),
        product: ProductTexts {
            app_name: text("app_name", usual.product.app_name),
            org_name: text("org_name", usual.product.org_name),
            banner_url: text("banner_url", usual.product.banner_url),
            media_kit_url: text("media_kit_url", usual.product.media_kit_url),
            default_locale: text("default_locale", usual.product.default_locale),
        },
    }
}

/// What single keys cannot tell.
fn judge(
    configuration: &FaucetConfiguration,
    values: &Values,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) {
    let owner = Owner::Desk(DeskName::Faucet);
    let kills = CapMode::Kills.default_caps();
    let counts_payouts = values.value("FAUCET_CAP_MODE") == Some("payouts");
    for (key, variable, cap, of_kills) in [
        ("daily_payout_cap", "P2S_DAILY_CAP", configuration.caps.daily, kills.daily),
        ("weekly_payout_cap", "P2S_WEEKLY_CAP", configuration.caps.weekly, kills.weekly),
    ] {
        if counts_payouts && cap == Some(of_kills) && !values.is_set(variable) {
            let rule =
                format!("is {of_kills}, the usual number of kills, while FAUCET_CAP_MODE counts payouts");
            problems.push(Problem::new(
                owner,
                format!("payout.yaml {key}"),
                rule,
                "write a number of payouts, or leave it blank for the usual one",
            ));
        }
    }
    if configuration.reset_tz != "UTC" && values.value("FAUCET_CAP_WINDOW") != Some("calendar") {
        let text = "decides nothing while the windows of the caps roll; set FAUCET_CAP_WINDOW=calendar";
        warnings.push(Warning::new(owner, "payout.yaml reset_tz", text));
    }
}
