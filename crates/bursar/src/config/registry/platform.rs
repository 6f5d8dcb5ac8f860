//! Variables of the platform: mode, listeners, database, logs, backups, audit delivery, shared upstreams.

use super::super::desks::Owner;
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Platform, kind, default, doc)
}

const LEVELS: Kind = Kind::Choice(&["trace", "debug", "info", "warn", "warning", "error", "critical"]);

pub(super) static VARIABLES: &[Variable] = &[
    // Mode and scope.
    var(
        "BURSAR_ENV",
        Kind::Choice(&["dev", "test", "production"]),
        None,
        "Mode. dev migrates by itself, test waits for `migrate up`, production refuses whatever is unsafe.",
    ),
    var(
        "APP_ENV",
        Kind::Choice(&["dev", "test", "prod", "production"]),
        None,
        "Mode when BURSAR_ENV is unset.",
    ),
    var(
        "NODE_ENV",
        Kind::Text,
        None,
        "Mode when the two above are unset: production or test; anything else is dev.",
    ),
    var(
        "SERVER_NAME",
        Kind::Text,
        Some("prod"),
        "Name of this server in backups; says nothing about the mode.",
    ),
    var("BURSAR_DESKS", Kind::Desks, None, "The desks that run, of those that this build has. Unset: all."),
    var(
        "BURSAR_CONFIG",
        Kind::Path,
        None,
        "TOML file of NAME = \"value\" lines; the environment overrides it.",
    ),
    var("BURSAR_CLOCK", Kind::Clock, Some("system"), "Clock of all rules. Only system in production."),
    var(
        "BURSAR_FAILPOINTS",
        Kind::Path,
        None,
        "Folder of failpoints for crash tests: the server stands still at each step that has a file there. Refused in \
         production.",
    ),
    // Pages.
    var(
        "BURSAR_RL_PAGE_IP_LIMIT",
        Kind::Integer { min: 0, max: 10_000_000 },
        Some("60"),
        "Views of public pages per window and address. First value of a live setting.",
    ),
    var(
        "BURSAR_RL_PAGE_IP_WINDOW_MS",
        Kind::Millis { min: 1, max: 86_400_000 },
        Some("10000"),
        "Window of page views. First value of a live setting.",
    ),
    var(
        "BURSAR_RL_SIGN_IN_IP_LIMIT",
        Kind::Integer { min: 0, max: 10_000_000 },
        Some("10"),
        "Attempts to sign in at the console per window and address. First value of a live setting.",
    ),
    var(
        "BURSAR_RL_SIGN_IN_IP_WINDOW_MS",
        Kind::Millis { min: 1, max: 86_400_000 },
        Some("60000"),
        "Window of attempts to sign in. First value of a live setting.",
    ),
    // Alerts.
    var(
        "BURSAR_ALERT_INTERNAL_ERRORS",
        Kind::Integer { min: 1, max: 1_000_000 },
        Some("1"),
        "Answers of 500 since the last alert that raise the next. First value of a live setting.",
    ),
    var(
        "BURSAR_ALERT_MISSED_INTERVALS",
        Kind::Integer { min: 1, max: 1_000 },
        Some("2"),
        "Intervals of a job without success, while work is due, that raise an alert. First value of a live setting.",
    ),
    var(
        "BURSAR_ROLLUP_DAYS",
        Kind::Integer { min: 2, max: 400 },
        Some("14"),
        "Days for which counts by minute are kept. First value of a live setting.",
    ),
    // Incidents.
    var(
        "BURSAR_INCIDENT_RESPOND_MINUTES",
        Kind::Integer { min: 1, max: 10_080 },
        Some("15"),
        "Minutes until somebody takes care of an incident. First value of a live setting.",
    ),
    var(
        "BURSAR_INCIDENT_COMMUNICATE_MINUTES",
        Kind::Integer { min: 1, max: 10_080 },
        Some("15"),
        "Minutes until users are told of an incident. First value of a live setting.",
    ),
    var(
        "BURSAR_INCIDENT_REPEAT_MINUTES",
        Kind::Integer { min: 1, max: 10_080 },
        Some("120"),
        "Minutes from one word to users about an incident until the next. First value of a live setting.",
    ),
    var(
        "BURSAR_INCIDENT_REVIEW_MINUTES",
        Kind::Integer { min: 1, max: 43_200 },
        Some("1440"),
        "Minutes from the end of an incident until its review. First value of a live setting.",
    ),
    // Listeners.
    var("BURSAR_LISTEN", Kind::Socket, None, "Address and port of the public listener. Overrides PORT."),
    var(
        "PORT",
        Kind::Integer { min: 0, max: 65_535 },
        None,
        "Port on all interfaces. Unset: 127.0.0.1:3000, or port 5000 when arena is the only desk.",
    ),
    var("BURSAR_OPS_LISTEN", Kind::Socket, None, "Second listener for health, readiness and metrics only."),
    var(
        "P2S_METRICS_PORT",
        Kind::Integer { min: 1, max: 65_535 },
        None,
        "The same second listener, by port on all interfaces. Unset: none.",
    ),
    var("TRUSTED_PROXIES", Kind::Networks, None, "Peers whose forwarded client address is believed."),
    var(
        "TRUSTED_PROXY_COUNT",
        Kind::Integer { min: 0, max: 32 },
        Some("0"),
        "Number of proxies in front; above 0 the forwarded address is believed, at most this many hops back.",
    ),
    var(
        "BURSAR_CLIENT_IP_HEADER",
        Kind::HeaderName,
        Some("X-Forwarded-For"),
        "Header with the client's address.",
    ),
    var(
        "BURSAR_CORS_ORIGINS",
        Kind::List,
        None,
        "Origins that may call desks other than arena from a browser.",
    ),
    var("METRICS_TOKEN", Kind::Secret, None, "Bearer token of /metrics.").live(),
    var(
        "BURSAR_METRICS_ALLOW",
        Kind::Networks,
        None,
        "Networks that may read /metrics in production without a token.",
    ),
    // Payouts.
    var(
        "BURSAR_PAYOUTS_HALTED",
        Kind::Flag,
        None,
        "on: nothing is signed or sent for any desk, whatever the stored switch says.",
    ),
    var(
        "BURSAR_PAYOUT_JOURNAL",
        Kind::Path,
        None,
        "Append-only file of signed payouts. Unset: beside an embedded database; none with PostgreSQL. After a restore payouts \
         go on by themselves only where all servers wrote to one and the same file.",
    ),
    var(
        "BURSAR_BANANO_NODES",
        Kind::Secret,
        None,
        "Further Banano nodes beside BANANO_NODE_RPC, a comma list of addresses; two nodes at least in production.",
    ),
    var(
        "BURSAR_BANANO_AGREE",
        Kind::Integer { min: 1, max: 7 },
        None,
        "Banano nodes that must say the same before it is believed. Unset: two, or one when there is only one.",
    ),
    var(
        "BURSAR_BANANO_WORK_PEERS",
        Kind::Secret,
        None,
        "Servers that compute Banano's work (`work_generate`), a comma list of addresses. This machine computes it where \
         none is named or none answers.",
    ),
    var(
        "BURSAR_BANANO_RECEIPT_MIN",
        Kind::Decimal,
        Some("0.0001"),
        "Smallest arrival that a Banano wallet accepts, in BAN. Less is dust: it is never accepted.",
    ),
    var(
        "BURSAR_PAYOUTS_WEBHOOK_URL",
        Kind::SecretUrl,
        None,
        "Receives every change of the payouts that were asked for over the API. Unset: none are sent.",
    )
    .live(),
    var(
        "BURSAR_PAYOUTS_WEBHOOK_SECRET",
        Kind::Secret,
        None,
        "Signs those deliveries (HMAC-SHA256); at least 32 bytes. Required with BURSAR_PAYOUTS_WEBHOOK_URL.",
    )
    .live(),
    var(
        "BURSAR_RL_PAYOUTS_IP_LIMIT",
        Kind::Integer { min: 0, max: 10_000_000 },
        Some("600"),
        "Calls of the payouts API per window and address. First value of a live setting.",
    ),
    var(
        "BURSAR_RL_PAYOUTS_IP_WINDOW_MS",
        Kind::Millis { min: 1, max: 86_400_000 },
        Some("60000"),
        "Window of calls of the payouts API. First value of a live setting.",
    ),
    // Operators at the command line.
    var(
        "BURSAR_OPERATOR_TOKEN",
        Kind::Secret,
        None,
        "An operator's token, by which a command acts as that operator. Needed where a policy asks for other people's \
         approval; the server does not read it.",
    )
    .by_command(),
    // Database.
    var(
        "DATABASE_URL",
        Kind::Database,
        None,
        "The database. Required in production; elsewhere the file data/bursar.db when unset.",
    )
    .live(),
    var(
        "TRADES_DATABASE_URL",
        Kind::Database,
        None,
        "Stands in for DATABASE_URL; both must name one database.",
    )
    .live(),
    var(
        "SUPABASE_DATABASE_URL",
        Kind::Database,
        None,
        "Stands in for DATABASE_URL; both must name one database.",
    )
    .live(),
    var("DB_PATH", Kind::Path, None, "SQLite file; stands in for DATABASE_URL; both must name one database."),
    var(
        "DATABASE_SSL",
        Kind::Choice(&["require", "verify-full", "disable"]),
        None,
        "TLS to PostgreSQL, always verified. Unset: used in production unless the server is local.",
    ),
    var(
        "PG_POOL_MAX",
        Kind::Integer { min: 1, max: 1_000 },
        None,
        "Most connections to PostgreSQL. Unset: 3 in production, 5 elsewhere.",
    ),
    var(
        "PG_POOL_CONNECTION_TIMEOUT_MS",
        Kind::Millis { min: 1, max: 600_000 },
        Some("10000"),
        "Longest wait for a connection.",
    ),
    var(
        "PG_POOL_IDLE_TIMEOUT_MS",
        Kind::Millis { min: 1, max: 86_400_000 },
        Some("10000"),
        "An idle connection is closed after this.",
    ),
    var(
        "BURSAR_PG_STATEMENT_CACHE",
        Kind::Flag,
        Some("true"),
        "Keep prepared statements. Switch off behind a pooler in transaction mode.",
    ),
    var(
        "BURSAR_SQLITE_READERS",
        Kind::Integer { min: 1, max: 64 },
        Some("4"),
        "Reads of an embedded database that run at the same time.",
    ),
    var(
        "PAY2SLAY_AUTO_MIGRATE",
        Kind::Flag,
        Some("false"),
        "Migrate at start in every mode, under the migration lock.",
    ),
    var("MONGO_URI", Kind::Database, None, "Former arena database; Bursar keeps nothing there.").ignored(),
    var("MONGODB_URI", Kind::Database, None, "Former arena database, for its scripts.").ignored(),
    var("REDIS_URL", Kind::Database, None, "Former shared limiter; limits are shared through the database.")
        .ignored(),
    // Logs and traces.
    var("LOG_LEVEL", LEVELS, Some("info"), "Least level that is logged."),
    var("P2S_LOG_LEVEL", LEVELS, None, "The same under the faucet's name.").alias_of("LOG_LEVEL"),
    var("TRADES_LOG_FILE", Kind::Path, None, "File to which log lines are also written."),
    var("ENABLE_FILE_LOGGING", Kind::Flag, Some("false"), "Also write log lines to a file under LOG_DIR."),
    var("LOG_DIR", Kind::Path, Some("./logs"), "Folder of that file."),
    var("IMAGE_TAG", Kind::Text, Some("dev"), "Version that /healthz names."),
    var("OTEL_EXPORTER_OTLP_ENDPOINT", Kind::SecretUrl, None, "Collector of traces. Unset: none are sent.")
        .not_yet(),
    var("PAY2SLAY_OTLP_ENDPOINT", Kind::SecretUrl, None, "The same under the faucet's name.")
        .alias_of("OTEL_EXPORTER_OTLP_ENDPOINT")
        .not_yet(),
    // Backups.
    var("BACKUP_DIR", Kind::Path, Some("data/backups"), "Folder of backups."),
    var(
        "PANCHO_D1_BACKUP_DIR",
        Kind::Path,
        None,
        "The same under the rounds' name; two different folders are refused.",
    ),
    var(
        "BACKUP_TARGET",
        Kind::Text,
        None,
        "Bucket of backups instead of the folder: s3://BUCKET/PREFIX. A command's --dir overrides it.",
    ),
    var(
        "BACKUP_S3_ENDPOINT",
        Kind::Url,
        None,
        "Server of the bucket, such as https://objects.example.com. Unset: that of Amazon in the region.",
    ),
    var("BACKUP_S3_REGION", Kind::Text, Some("us-east-1"), "Region of the bucket."),
    var("BACKUP_S3_ACCESS_KEY_ID", Kind::Text, None, "Key of the bucket. Required with BACKUP_TARGET."),
    var(
        "BACKUP_S3_SECRET_ACCESS_KEY",
        Kind::Secret,
        None,
        "Secret of that key. Required with BACKUP_TARGET.",
    ),
    var(
        "BACKUP_MINUTE_INTERVAL",
        Kind::Integer { min: 1, max: 10_080 },
        Some("240"),
        "Minutes between backups, counted from 02:00 UTC.",
    ),
    var(
        "BACKUP_KEY_FILE",
        Kind::Path,
        None,
        "File with the key that encrypts backups: 64 hex digits. Unset: they are not encrypted.",
    ),
    var("CHECK_BACKUP", Kind::Flag, Some("false"), "Verify the newest backup at start.").not_yet(),
    var("RESTORE_FROM_BACKUP", Kind::Flag, Some("false"), "Restore once into an empty store at start.")
        .not_yet(),
    var("RESTORE_VERSION", Kind::Text, Some("latest"), "Which backup that restore takes.").not_yet(),
    var("RESTIC_PASSWORD", Kind::Secret, None, "Password of the off-site backup repository.").not_yet(),
    var("RESTIC_REPO_PATH", Kind::Text, None, "Off-site backup repository.").not_yet(),
    // Audit.
    var(
        "AUDIT_WEBHOOK_URL",
        Kind::SecretUrl,
        None,
        "Receives warning, error and admin events. Unset: none are sent.",
    )
    .live(),
    var("AUDIT_WEBHOOK_SECRET", Kind::Secret, None, "Signs those deliveries (HMAC-SHA256).").live(),
    var(
        "BURSAR_AUDIT_RETENTION_DAYS",
        Kind::Integer { min: 1, max: 36_500 },
        None,
        "Age in days at which sealed stretches of the audit log are archived. Unset: never.",
    )
    .not_yet(),
    // Shared upstreams.
    var(
        "SOLANA_RPC_URL",
        Kind::SecretUrl,
        None,
        "Solana node of every desk that has none of its own. Unset: each desk's public default.",
    ),
];
