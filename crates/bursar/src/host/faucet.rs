//! The faucet desk as this host runs it: made from the configuration, with the payment room it pays through.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, Switch};
use bursar_desk::alert::AlertRule;
use bursar_desk::incident::IncidentGuard;
use bursar_desk::{Desk, DeskFault, OpenDesk, Platform};
use bursar_faucet::desk::{FaucetConfig, FaucetDesk, FaucetParts};
use bursar_faucet::http::{
    HttpConfig, Logs, PlayersPage, Product, Routes, RoutesParts, incident_guard, surface,
};
use bursar_faucet::operator_key::OPERATOR;
use bursar_faucet::policy::Policy;
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, Caps, NamedCaps};
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::rules::startup::{StartFinding, StartSettings, check};
use bursar_faucet::upstream::{
    DiscordApp, DiscordConfig, LiveUpstreams, SolanaTokensConfig, StatsConfig, ThrottleSettings, YuniteConfig,
};
use bursar_faucet::{DESK, settings, switches};
use bursar_keys::KeyId;
use bursar_payouts::{PayoutMetrics, Payouts};
use bursar_store::{EngineKind, Migration};
use bursar_web::metrics::Unit;
use bursar_web::{DEFAULT_CONTENT_SECURITY_POLICY, HeaderPolicy};
use secrecy::{ExposeSecret, SecretString};

use super::desks::{cors, header_policy};
use super::operator_seed::{rebuild_donations, set_seed};
use super::payment_room::{JournalUse, PaymentRoom, RoomParts};
use crate::config::{Configuration, Mask, Mode};
use crate::serve::newest_log_lines;

/// How long an upstream other than the statistics may take.
const UPSTREAM_TIME: Duration = Duration::from_secs(10);
/// A public Solana node, for token balances.
const SOLANA_RPC: &str = "https://api.mainnet-beta.solana.com";

/// The faucet; nothing of it exists before it is opened.
pub(super) struct Faucet {
    configuration: Configuration,
    desk: OnceLock<FaucetDesk>,
    page: OnceLock<PlayersPage>,
    incidents: OnceLock<IncidentGuard>,
}

impl Faucet {
    pub fn new(configuration: &Configuration) -> Faucet {
        Faucet {
            configuration: configuration.clone(),
            desk: OnceLock::new(),
            page: OnceLock::new(),
            incidents: OnceLock::new(),
        }
    }
}

/// What the pages need of an open faucet.
pub(crate) struct FaucetPages {
    /// What stands on the players' page.
    pub page: PlayersPage,
    /// The payouts room.
    pub payouts: Payouts,
    /// Hosts that its pictures may come from.
    pub picture_origins: Vec<String>,
}

impl Faucet {
    /// Refuses what a live faucet must not start with, all of it at once (F2, F3). Nothing listens yet when this is asked.
    pub fn guard(&self) -> Result<(), DeskFault> {
        guard(&self.configuration).map(|_| ())
    }

    /// What its pages need; `None` until it was opened.
    pub fn pages(&self) -> Option<FaucetPages> {
        let (page, faucet) = (self.page.get()?, self.desk.get()?.faucet()?);
        let picture_origins = self.configuration.faucet.picture_origins();
        Some(FaucetPages { page: page.clone(), payouts: faucet.payouts.clone(), picture_origins })
    }
}

impl Desk for Faucet {
    fn name(&self) -> &'static str {
        DESK
    }

    fn migrations(&self, engine: EngineKind) -> Vec<Migration> {
        bursar_faucet::migrations(engine)
    }

    fn table(&self) -> ConfigTable {
        ConfigTable::FAUCET
    }

    fn switches(&self) -> Vec<Switch> {
        switches::SWITCHES.to_vec()
    }

    fn settings(&self) -> Vec<Setting> {
        settings::SETTINGS.to_vec()
    }

    fn alerts(&self) -> Vec<AlertRule> {
        let mut rules = bursar_faucet::alert_rules();
        rules.extend(bursar_payouts::alerts());
        rules
    }

    fn payout_switch(&self) -> Option<Switch> {
        Some(switches::PAYOUTS_HALTED)
    }

    fn incident_guard(&self, _: &Platform) -> Option<IncidentGuard> {
        self.incidents.get().cloned()
    }

    fn open(&self, platform: &Platform) -> Result<OpenDesk, DeskFault> {
        let uses_loopback_node = guard(&self.configuration)?;
        if uses_loopback_node {
            tracing::warn!("a live faucet trusts a Banano node on this machine; that is for tests alone");
        }
        let help = "1 = a live faucet trusts a Banano node on this machine, which is for tests alone.";
        let loopback = platform.metrics.gauge("faucet_loopback_node", help, [], Unit::ONE)?;
        loopback.with([]).set(i64::from(uses_loopback_node));
        let recorders = platform.clone();
        let room = PaymentRoom::open(
            &self.configuration,
            RoomParts {
                store: Arc::clone(&platform.store),
                switchboard: platform.switchboard.clone(),
                recorders: Arc::new(move |name| recorders.recorder(name)),
                metrics: Some(PayoutMetrics::register(&platform.metrics)?),
                journal: JournalUse::Begun,
            },
        )
        .map_err(|fault| unusable(fault.to_string()))?;
        let operator = KeyId::parse(OPERATOR).map_err(|rejection| unusable(rejection.to_string()))?;
        let parts = FaucetParts {
            config: config(&self.configuration)?,
            payouts: room.payouts.clone(),
            chain: Arc::clone(&room.banano),
            operator: operator.clone(),
        };
        let desk = self.desk.get_or_init(|| FaucetDesk::new(parts));
        let mut open = desk.open(platform)?;
        if let Some(faucet) = desk.faucet() {
            let parts = RoutesParts {
                faucet,
                config: http(&self.configuration),
                set_seed: set_seed(&room, platform.recorder("faucet.seed")),
                rebuild_donations: rebuild_donations(
                    &room,
                    Arc::clone(&platform.store),
                    &self.configuration.faucet.donation_exclude_addresses,
                ),
                logs: logs(&self.configuration),
            };
            let routes = Arc::new(Routes::new(parts).map_err(|fault| unusable(fault.to_string()))?);
            self.page.get_or_init(|| PlayersPage::new(&routes));
            self.incidents.get_or_init(|| incident_guard(&routes));
            open.surface = surface(routes);
        }
        let recorder = platform.recorder("payouts.wallets");
        let wallets = platform.store.transact("payouts.open_wallets", |tx| {
            let now = tx.reading()?;
            room.payouts.open_wallets(tx, &recorder, now)?;
            room.payouts.wallets(tx)
        })?;
        // The operator's wallet is opened whenever its seed is set, which needs no restart.
        let others: Vec<_> = wallets.into_iter().filter(|wallet| wallet.name != operator).collect();
        open.jobs.extend(bursar_payouts::jobs(&room.payouts, &others));
        // In dry-run nothing is signed, sent or received, and what was accepted for real waits.
        if self.configuration.faucet_is_live() {
            open.jobs.push(bursar_payouts::awaited_job(&room.payouts, &operator));
        }
        Ok(open)
    }
}

/// The process's log without the configuration's secrets.
fn logs(configuration: &Configuration) -> Logs {
    let mask = Mask::of(configuration);
    Logs { ring: newest_log_lines(), mask: Arc::new(move |line| mask.hide(line)) }
}

fn unusable(why: String) -> DeskFault {
    DeskFault::Setting { desk: DESK, why }
}

/// Whether a live faucet uses a node on this machine, which it may in tests, or all that it refuses to start with.
fn guard(configuration: &Configuration) -> Result<bool, DeskFault> {
    let secret = |name: &str| configuration.values.secret(name);
    let is_on = |name: &str| configuration.values.flag(name) == Some(true);
    let node = secret("BANANO_NODE_RPC").and_then(|url| url.expose_secret().parse::<Uri>().ok());
    let previous = configuration.values.caller_secret("SESSION_SECRET").and_then(|secret| secret.previous);
    let further = secret("BURSAR_BANANO_NODES").map_or("", |urls| urls.expose_secret());
    let further: Vec<Option<Uri>> = further
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(|url| url.parse::<Uri>().ok())
        .collect();
    let further_hosts: Vec<&str> =
        further.iter().map(|url| url.as_ref().and_then(Uri::host).unwrap_or_default()).collect();
    let check = check(&StartSettings {
        dry_run: !configuration.faucet_is_live(),
        session_secret: secret("SESSION_SECRET"),
        previous_session_secret: previous.as_ref(),
        node_host: node.as_ref().and_then(Uri::host),
        further_node_hosts: &further_hosts,
        allow_loopback_node: is_on("FAUCET_ALLOW_LOOPBACK_NODE"),
        demo_mode: is_on("DEMO_MODE"),
        has_seal_key: secret("FAUCET_SEAL_KEY").is_some(),
        // Whoever opens desks has brought the schema up before.
        has_pending_migrations: false,
    });
    if check.findings.is_empty() {
        return Ok(check.uses_loopback_node);
    }
    let line = |finding: &StartFinding| format!("{} {}; {}", finding.variable, finding.rule, finding.fix);
    Err(unusable(check.findings.iter().map(line).collect::<Vec<_>>().join(". ")))
}

fn config(configuration: &Configuration) -> Result<FaucetConfig, DeskFault> {
    let days = number(configuration, "FAUCET_RETENTION_DAYS").unwrap_or(90);
    Ok(FaucetConfig {
        is_production: configuration.mode == Mode::Production,
        policy: policy(configuration)?,
        sim_kills: number(configuration, "FAUCET_SIM_KILLS").unwrap_or(0),
        upstreams: configuration.faucet_is_live().then(|| upstreams(configuration)),
        donation_exclude_addresses: configuration.faucet.donation_exclude_addresses.clone(),
        retention: Retention::new(days).map_err(|error| unusable(error.to_string()))?,
        start_jitter_s: number(configuration, "P2S_START_JITTER_SEC").unwrap_or(0),
        headers: headers(configuration),
        cors: cors(configuration),
    })
}

/// The common headers, and pictures from the hosts of banner and media kit (H8).
fn headers(configuration: &Configuration) -> HeaderPolicy {
    let common = header_policy(configuration.mode);
    let origins = configuration.faucet.picture_origins();
    let policy = format!("{DEFAULT_CONTENT_SECURITY_POLICY}; img-src 'self' {}", origins.join(" "));
    match HeaderValue::from_str(&policy) {
        Ok(policy) if !origins.is_empty() => common.with_content_security_policy(policy),
        _ => common,
    }
}

fn policy(configuration: &Configuration) -> Result<Policy, DeskFault> {
    let files = &configuration.faucet;
    let cap_mode = match configuration.value("FAUCET_CAP_MODE") {
        Some("payouts") => CapMode::Payouts,
        _ => CapMode::Kills,
    };
    let cap_window = match configuration.value("FAUCET_CAP_WINDOW") {
        Some("calendar") => {
            CapWindow::calendar(&files.reset_tz).map_err(|error| unusable(error.to_string()))?
        }
        _ => CapWindow::Rolling,
    };
    let promo = "P2S_LUNAR_NEW_YEAR";
    let usual = cap_mode.default_caps();
    Ok(Policy {
        dry_run: !configuration.faucet_is_live(),
        base_rate: files.base_rate,
        file_caps: Caps {
            daily: files.caps.daily.unwrap_or(usual.daily),
            weekly: files.caps.weekly.unwrap_or(usual.weekly),
        },
        environment_caps: NamedCaps {
            daily: number(configuration, "P2S_DAILY_CAP"),
            weekly: number(configuration, "P2S_WEEKLY_CAP"),
        },
        cap_mode,
        cap_window,
        minimum: ban(configuration, "FAUCET_MIN_PAYOUT_BAN", BanE8::ZERO)?,
        seed_fund: files.seed_fund,
        floor: ban(configuration, "P2S_MIN_OPERATOR_BALANCE_BAN", BanE8::of_ban(50))?,
        batch_size: files.batch_size,
        promo_flags: configuration
            .values
            .flag(promo)
            .filter(|is_on| *is_on)
            .map(|_| promo.to_owned())
            .into_iter()
            .collect(),
        is_boost_on: files.is_boost_on,
        kill_rate_per_minute: files.kill_rate_per_minute,
        abuse_action: match configuration.value("FAUCET_ABUSE_ACTION") {
            Some("hold") => AbuseAction::Hold,
            _ => AbuseAction::None,
        },
    })
}

fn http(configuration: &Configuration) -> HttpConfig {
    let texts = configuration.faucet.product.clone();
    let list = |name: &str| {
        configuration.value(name).unwrap_or_default().split(',').map(str::trim).map(str::to_owned)
    };
    HttpConfig {
        product: Product {
            app_name: texts.app_name,
            org_name: texts.org_name,
            banner_url: texts.banner_url,
            media_kit_url: texts.media_kit_url,
            default_locale: texts.default_locale,
            discord_invite_url: configuration.value("DISCORD_INVITE_URL").unwrap_or_default().to_owned(),
        },
        discord: discord_app(configuration),
        admin_discord_ids: list("ADMIN_DISCORD_USERNAMES").filter(|id| !id.is_empty()).collect(),
        is_demo: configuration.values.flag("DEMO_MODE") == Some(true),
        headers: headers(configuration),
        cors: cors(configuration),
    }
}

fn discord_app(configuration: &Configuration) -> DiscordApp {
    let text = |name: &str| configuration.value(name).unwrap_or_default().to_owned();
    let mut app = DiscordApp::new(text("DISCORD_CLIENT_ID"), text("DISCORD_REDIRECT_URI"));
    if let Some(base) = configuration.value("DISCORD_API_BASE") {
        base.clone_into(&mut app.base_url);
    }
    app.scopes.clone_from(&configuration.faucet.oauth_scopes);
    app
}

fn upstreams(configuration: &Configuration) -> LiveUpstreams {
    let text = |name: &str| configuration.value(name).unwrap_or_default().to_owned();
    let secret =
        |name: &str| configuration.values.secret(name).cloned().unwrap_or_else(|| SecretString::from(""));
    let mut discord = DiscordConfig::new(
        discord_app(configuration),
        secret("DISCORD_CLIENT_SECRET"),
        configuration.faucet.discord_guild_id.clone().unwrap_or_else(|| text("YUNITE_GUILD_ID")),
    );
    discord.timeout = UPSTREAM_TIME;
    let mut yunite = YuniteConfig::new(text("YUNITE_GUILD_ID"), secret("YUNITE_API_KEY"));
    if let Some(base) = configuration.value("YUNITE_BASE_URL") {
        base.clone_into(&mut yunite.base_url);
    }
    let mut stats = StatsConfig::new(secret("FORTNITE_API_KEY"));
    if let Some(base) = configuration.value("FORTNITE_BASE_URL") {
        base.clone_into(&mut stats.base_url);
    }
    let node = configuration.values.secret("FAUCET_SOLANA_RPC_URL");
    let node = node.or_else(|| configuration.values.secret("SOLANA_RPC_URL")).cloned();
    let node = node.unwrap_or_else(|| SecretString::from(SOLANA_RPC));
    let tokens = SolanaTokensConfig::new(node, text("HODL_BOOST_TOKEN_CA"));
    LiveUpstreams {
        discord,
        yunite,
        stats,
        throttle: throttle(configuration.faucet.stats_per_minute),
        tokens,
    }
}

/// Whoever asks for fewer questions than the usual floor, or for more than the usual ceiling, gets them.
fn throttle(per_minute: u32) -> ThrottleSettings {
    let usual = ThrottleSettings::default();
    let (floor, ceiling) = (usual.floor.min(per_minute), usual.ceiling.max(per_minute));
    ThrottleSettings { per_minute, floor, ceiling, ..usual }
}

fn number<T: std::str::FromStr>(configuration: &Configuration, name: &str) -> Option<T> {
    configuration.value(name).and_then(|text| text.parse().ok())
}

fn ban(configuration: &Configuration, name: &str, unset: BanE8) -> Result<BanE8, DeskFault> {
    let Some(text) = configuration.value(name) else { return Ok(unset) };
    text.parse().map_err(|error| unusable(format!("{name}: {error}")))
}
