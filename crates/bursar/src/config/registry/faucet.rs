//! Variables of the faucet desk: mode, caps, scheduler, upstreams, sessions.

use super::super::desks::{DeskName, Owner};
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Desk(DeskName::Faucet), kind, default, doc).not_yet()
}

const PER_MINUTE: Kind = Kind::Integer { min: 0, max: 10_000_000 };
const CAP: Kind = Kind::Integer { min: -1, max: 1_000_000_000 };
const KILLS: Kind = Kind::Integer { min: 0, max: 1_000_000_000 };

pub(super) static VARIABLES: &[Variable] = &[
    // Mode and safety.
    var(
        "P2S_DRY_RUN",
        Kind::Flag,
        Some("true"),
        "true pays nothing on chain. false is live, whatever the mode.",
    )
    .used(),
    var(
        "DEMO_MODE",
        Kind::Flag,
        Some("false"),
        "Opens the demo routes. Refused in production and when live.",
    )
    .used(),
    var(
        "FAUCET_ALLOW_LOOPBACK_NODE",
        Kind::Flag,
        Some("false"),
        "A live faucet may use a local node, for tests. Refused in production.",
    )
    .used(),
    var("FAUCET_SIM_KILLS", KILLS, Some("0"), "Kills that the dry-run stand-in adds at each reading.").used(),
    // Sessions and people.
    var(
        "SESSION_SECRET",
        Kind::Secret,
        None,
        "Signs session and admin cookies; at least 32 bytes when live.",
    )
    .live(),
    var("FAUCET_SEAL_KEY", Kind::Secret, None, "Seals the operator seed at rest. Required when live.").live(),
    var(
        "ADMIN_DISCORD_USERNAMES",
        Kind::DiscordIds,
        None,
        "Discord user ids (numbers, in spite of the name) of people who may sign in as administrators.",
    )
    .used(),
    // Caps, rates, retention.
    var("P2S_DAILY_CAP", KILLS, None, "Overrides the daily cap of the payout file.").used(),
    var("P2S_WEEKLY_CAP", KILLS, None, "Overrides the weekly cap of the payout file.").used(),
    var("P2S_LUNAR_NEW_YEAR", Kind::Flag, None, "Switches the lunar new year promotion on during its days.")
        .used(),
    var("FAUCET_CAP_MODE", Kind::Choice(&["kills", "payouts"]), Some("kills"), "What the caps count.").used(),
    var(
        "FAUCET_CAP_WINDOW",
        Kind::Choice(&["rolling", "calendar"]),
        Some("rolling"),
        "How cap windows move.",
    )
    .used(),
    var(
        "FAUCET_ABUSE_ACTION",
        Kind::Choice(&["none", "hold"]),
        Some("none"),
        "What an abuse flag does to payouts.",
    )
    .used(),
    var("FAUCET_MIN_PAYOUT_BAN", Kind::Decimal, Some("0"), "Smallest payout in BAN; less stays open.").used(),
    var(
        "P2S_MIN_OPERATOR_BALANCE_BAN",
        Kind::Decimal,
        Some("50"),
        "No settlement below this balance, in BAN.",
    )
    .used(),
    var("MIN_OPERATOR_BALANCE_BAN", Kind::Decimal, None, "The same under the name that deployments set.")
        .used()
        .alias_of("P2S_MIN_OPERATOR_BALANCE_BAN"),
    var("P2S_OPERATOR_ACCOUNT", Kind::Text, None, "Operator account. Unset: derived from the stored seed."),
    var(
        "FAUCET_RETENTION_DAYS",
        Kind::Integer { min: 8, max: 36_500 },
        Some("90"),
        "Days for which settled accruals and final payouts are kept; the weekly cap needs at least 8.",
    )
    .used(),
    var(
        "RATE_LIMIT_GLOBAL_PER_MINUTE",
        PER_MINUTE,
        Some("300"),
        "Requests a minute to this desk. 0: no limit.",
    )
    .used(),
    var(
        "RATE_LIMIT_PER_IP_PER_MINUTE",
        PER_MINUTE,
        Some("120"),
        "The same for one client address. 0: no limit.",
    )
    .used(),
    // Scheduler, files, logs.
    var(
        "P2S_INTERVAL_SECONDS",
        Kind::Seconds { min: 1, max: 604_800 },
        Some("1200"),
        "Period of both cycles.",
    )
    .used(),
    var(
        "P2S_START_JITTER_SEC",
        Kind::Seconds { min: 0, max: 86_400 },
        Some("0"),
        "Longest random wait before the first cycle.",
    )
    .used(),
    var("P2S_HEARTBEAT_FILE", Kind::Path, None, "Former heartbeat file; the heartbeat is a table now.")
        .ignored(),
    var("P2S_SCHEDULER_CONFIG_FILE", Kind::Path, None, "Former scheduler file; its settings are rows now.")
        .ignored(),
    var(
        "P2S_LOG_BUFFER_SIZE",
        Kind::Integer { min: 1, max: 1_000_000 },
        Some("5000"),
        "Log lines kept for administrators.",
    )
    .used(),
    var(
        "CONFIG_DIR",
        Kind::Path,
        None,
        "Folder of payout.yaml, integrations.yaml and product.yaml. Unset: the folder configs if there is one, else the \
         built-in values.",
    )
    .used(),
    var("PAY2SLAY_METRICS_EXEMPLARS", Kind::Flag, Some("false"), "Trace ids beside histogram samples."),
    // Live settings and switches.
    var(
        "FAUCET_BAN_PER_KILL_E8",
        Kind::Integer { min: 0, max: 1_000_000_000_000 },
        None,
        "Base rate in 10^-8 BAN per kill; 0 leaves it to the payout file. First value of a live setting.",
    )
    .used(),
    var(
        "FAUCET_DAILY_KILL_CAP",
        CAP,
        None,
        "Daily cap; -1 leaves it to P2S_DAILY_CAP. First value of a live setting.",
    )
    .used(),
    var(
        "FAUCET_WEEKLY_KILL_CAP",
        CAP,
        None,
        "Weekly cap; -1 leaves it to P2S_WEEKLY_CAP. First value of a live setting.",
    )
    .used(),
    var(
        "FAUCET_PAYOUTS_HALTED",
        Kind::Flag,
        None,
        "on: nothing more is paid, whatever the stored switch says.",
    )
    .used(),
    var(
        "FAUCET_ACCRUAL_HALTED",
        Kind::Flag,
        None,
        "on: kills are not counted, whatever the stored switch says.",
    )
    .used(),
    var("FAUCET_SCHEDULER_HALTED", Kind::Flag, None, "on: no cycle starts, whatever the stored switch says.")
        .used(),
    var(
        "FAUCET_FORCE_DRY_RUN",
        Kind::Flag,
        None,
        "on: dry-run, whatever the configuration and the stored switch say.",
    )
    .used(),
    // Upstreams.
    var("BANANO_NODE_RPC", Kind::SecretUrl, None, "Banano node. A live faucet needs one that is not local.")
        .used(),
    var(
        "FAUCET_WORK_THRESHOLD",
        Kind::Hex { digits: 16 },
        Some("fffffe0000000000"),
        "Least work of a block.",
    )
    .used(),
    var("DISCORD_API_BASE", Kind::Url, None, "Address of Discord's API. Unset: Discord's own.").used(),
    var("DISCORD_CLIENT_ID", Kind::Text, None, "Discord application.").used(),
    var("DISCORD_CLIENT_SECRET", Kind::Secret, None, "Its secret.").used(),
    var("DISCORD_REDIRECT_URI", Kind::Url, None, "Where Discord sends people back.").used(),
    var("DISCORD_INVITE_URL", Kind::Url, None, "Invitation shown to people outside the guild.").used(),
    var("YUNITE_API_KEY", Kind::Secret, None, "Key of the service that knows Epic ids.").used(),
    var("YUNITE_GUILD_ID", Kind::Text, None, "Guild asked about there.").used(),
    var("YUNITE_BASE_URL", Kind::Url, None, "Address of that service.").used(),
    var("FORTNITE_API_KEY", Kind::Secret, None, "Key of the statistics service.").used(),
    var("FORTNITE_BASE_URL", Kind::Url, None, "Address of that service.").used(),
    var(
        "HODL_BOOST_TOKEN_CA",
        Kind::SolanaAddress,
        Some("7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd"),
        "Token whose holders earn more.",
    )
    .used(),
    var(
        "FAUCET_SOLANA_RPC_URL",
        Kind::SecretUrl,
        None,
        "Solana node of this desk; overrides SOLANA_RPC_URL.",
    )
    .used(),
];
