//! Which database the server uses: `DATABASE_URL` or one of its stand-ins, its TLS and its pool.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::database_url::{self, DatabaseUrl, ParsedUrl};
use super::desks::Owner;
use super::mode::Mode;
use super::problem::Problem;
use super::values::Values;

/// The database, and how to talk to it.
#[derive(Clone, Debug)]
pub struct DatabaseConfiguration {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The variable that named it; `None` = nobody did, and it is the default file.
    pub named_by: Option<&'static str>,
    /// Whether the connection is encrypted. Always plain for a file.
    pub tls: DatabaseTls,
    /// Sizes and waits of the PostgreSQL pool.
    pub pool: PoolSizes,
    /// Reads of an embedded database that run at the same time.
    pub sqlite_readers: usize,
    /// Whether prepared statements may be kept between uses; off behind a transaction-mode pooler.
    pub statement_cache: bool,
}

/// Encryption of the connection to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseTls {
    /// TLS, with the server's certificate verified.
    Verified,
    /// No TLS: only to this machine, or outside production.
    Plain,
}

/// The one pool's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSizes {
    /// Most connections.
    pub max: u32,
    /// Longest wait for one.
    pub connection_timeout: Duration,
    /// An idle one is closed after this.
    pub idle_timeout: Duration,
}

/// The database when nothing names one, outside production.
const DEFAULT_FILE: &str = "data/bursar.db";

/// Names that say where the database is, in the order in which they count.
const NAMES: [&str; 4] = ["DATABASE_URL", "TRADES_DATABASE_URL", "SUPABASE_DATABASE_URL", "DB_PATH"];

/// Chooses the database. Invalid URLs, names that disagree and an unencrypted way out of production are
/// problems.
pub(super) fn choose(values: &Values, mode: Mode, problems: &mut Vec<Problem>) -> DatabaseConfiguration {
    let mut named = Vec::new();
    for name in NAMES {
        match parse(values, name) {
            Some(Ok(parsed)) => named.push((name, parsed)),
            Some(Err(error)) => problems.push(Problem::new(
                Owner::Platform,
                name,
                format!("is no database URL: {error}"),
                "write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            )),
            None => {}
        }
    }
    refuse_disagreement(&named, problems);
    let (named_by, chosen) = named
        .into_iter()
        .next()
        .map_or_else(|| (None, database_url::file(DEFAULT_FILE)), |(name, url)| (Some(name), url));
    let default_max = if mode == Mode::Production { 3 } else { 5 };
    let max = values.value("PG_POOL_MAX").and_then(|text| text.parse().ok()).unwrap_or(default_max);
    DatabaseConfiguration {
        tls: tls(&chosen, values, mode, problems),
        url: chosen.url,
        named_by,
        pool: PoolSizes {
            max,
            connection_timeout: Duration::from_millis(values.integer("PG_POOL_CONNECTION_TIMEOUT_MS")),
            idle_timeout: Duration::from_millis(values.integer("PG_POOL_IDLE_TIMEOUT_MS")),
        },
        sqlite_readers: values.integer("BURSAR_SQLITE_READERS"),
        statement_cache: values.flag("BURSAR_PG_STATEMENT_CACHE") == Some(true),
    }
}

fn parse(values: &Values, name: &str) -> Option<Result<ParsedUrl, database_url::DatabaseUrlError>> {
    match name {
        "DB_PATH" => values.value(name).map(|path| Ok(database_url::file(path))),
        _ => values.secret(name).map(|url| database_url::parse(url.expose_secret())),
    }
}

fn refuse_disagreement(named: &[(&'static str, ParsedUrl)], problems: &mut Vec<Problem>) {
    let Some(((first_name, first), others)) = named.split_first() else { return };
    for (name, other) in others {
        if other.identity != first.identity {
            problems.push(Problem::new(
                Owner::Platform,
                *name,
                format!("names another database than {first_name}"),
                format!("remove {name}, or make both name one host, port and database"),
            ));
        }
    }
}

/// The stricter of `DATABASE_SSL` and `sslmode` counts; silent, production encrypts whatever leaves the
/// machine.
fn tls(chosen: &ParsedUrl, values: &Values, mode: Mode, problems: &mut Vec<Problem>) -> DatabaseTls {
    if matches!(chosen.url, DatabaseUrl::Sqlite { .. }) {
        return DatabaseTls::Plain;
    }
    let by_variable = values.value("DATABASE_SSL").map(|word| word != "disable");
    let wishes = [by_variable, chosen.tls];
    let must_encrypt = mode == Mode::Production && !chosen.identity.is_local();
    if wishes.contains(&Some(true)) {
        return DatabaseTls::Verified;
    }
    if must_encrypt && wishes.contains(&Some(false)) {
        problems.push(Problem::new(
            Owner::Platform,
            "DATABASE_SSL",
            "(or sslmode in the URL) forbids TLS to a database on another machine, which production refuses",
            "set DATABASE_SSL=require, or use a local server or socket",
        ));
    }
    if must_encrypt { DatabaseTls::Verified } else { DatabaseTls::Plain }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused, refused_names};
    use super::*;

    const PRODUCTION: (&str, &str) = ("BURSAR_ENV", "production");

    fn path(environment: &[(&str, &str)]) -> String {
        match accepted(environment).database.url {
            DatabaseUrl::Sqlite { path } => path.display().to_string(),
            DatabaseUrl::Postgres { .. } => panic!("not a file"),
        }
    }

    #[test]
    fn without_a_name_the_database_is_a_file_under_data() {
        assert_eq!(path(&[]), "data/bursar.db");
        assert_eq!(accepted(&[]).database.named_by, None);
    }

    #[test]
    fn stand_ins_count_when_database_url_is_unset() {
        assert_eq!(path(&[("DB_PATH", "/data/p.db")]), "/data/p.db");
        for name in ["TRADES_DATABASE_URL", "SUPABASE_DATABASE_URL"] {
            let database = accepted(&[(name, "postgres://h/d")]).database;
            assert_eq!(database.named_by, Some(name));
        }
        assert_eq!(
            accepted(&[("DB_PATH", "x"), ("BURSAR_DESKS", "rounds")]).database.named_by,
            Some("DB_PATH")
        );
    }

    #[test]
    fn several_names_must_mean_one_database_whoever_signs_in() {
        let same =
            [("DATABASE_URL", "postgres://a:1@h/d"), ("TRADES_DATABASE_URL", "postgresql://b:2@h:5432/d")];
        assert_eq!(accepted(&same).database.named_by, Some("DATABASE_URL"));
        assert_eq!(
            path(&[("DATABASE_URL", "sqlite:////data/p.db"), ("DB_PATH", "/data/p.db")]),
            "/data/p.db"
        );
        let other = [
            ("DATABASE_URL", "postgres://h/d"),
            ("SUPABASE_DATABASE_URL", "postgres://h/e"),
            ("DB_PATH", "x"),
        ];
        assert_eq!(refused_names(&other), ["SUPABASE_DATABASE_URL", "DB_PATH"]);
    }

    #[test]
    fn c30_an_invalid_url_is_named_and_never_shown() {
        let errors =
            refused(&[("DATABASE_URL", "mysql://me:hunter2@h/d"), ("TRADES_DATABASE_URL", "nonsense")]);
        let lines = errors.to_string();
        assert_eq!(lines.matches("Invalid DATABASE_URL").count(), 2, "{lines}");
        assert!(
            lines.contains("platform: DATABASE_URL is no database URL") && !lines.contains("hunter2"),
            "{lines}"
        );
    }

    #[test]
    fn tls_is_used_when_asked_for_and_in_production_whenever_bytes_leave_the_machine() {
        let tls = |environment: &[(&str, &str)]| accepted(environment).database.tls;
        let (far, near) = (("DATABASE_URL", "postgres://db/d"), ("DATABASE_URL", "postgres://127.0.0.1/d"));
        assert_eq!(tls(&[far]), DatabaseTls::Plain);
        assert_eq!(tls(&[far, ("DATABASE_SSL", "require")]), DatabaseTls::Verified);
        assert_eq!(tls(&[("DATABASE_URL", "postgres://db/d?sslmode=require")]), DatabaseTls::Verified);
        assert_eq!(tls(&[far, PRODUCTION]), DatabaseTls::Verified);
        assert_eq!(tls(&[near, PRODUCTION]), DatabaseTls::Plain);
        assert_eq!(tls(&[near, PRODUCTION, ("DATABASE_SSL", "disable")]), DatabaseTls::Plain);
        assert_eq!(tls(&[("DATABASE_URL", "sqlite:x"), ("DATABASE_SSL", "require")]), DatabaseTls::Plain);
        assert_eq!(refused_names(&[far, PRODUCTION, ("DATABASE_SSL", "disable")]), ["DATABASE_SSL"]);
        assert_eq!(
            refused_names(&[("DATABASE_URL", "postgres://db/d?sslmode=disable"), PRODUCTION]),
            ["DATABASE_SSL"]
        );
    }

    #[test]
    fn the_pool_has_5_connections_3_in_production_and_10_s_waits() {
        let pool = accepted(&[]).database.pool;
        let ten = Duration::from_secs(10);
        assert_eq!(pool, PoolSizes { max: 5, connection_timeout: ten, idle_timeout: ten });
        assert_eq!(accepted(&[PRODUCTION]).database.pool.max, 3);
        let set = [("PG_POOL_MAX", "20"), ("PG_POOL_CONNECTION_TIMEOUT_MS", "15000"), PRODUCTION];
        let pool = accepted(&set).database.pool;
        assert_eq!((pool.max, pool.connection_timeout), (20, Duration::from_secs(15)));
        let readers = |set: &[(&str, &str)]| accepted(set).database.sqlite_readers;
        assert_eq!([readers(&[]), readers(&[("BURSAR_SQLITE_READERS", "9")])], [4, 9]);
        assert!(accepted(&[]).database.statement_cache);
        assert!(!accepted(&[("BURSAR_PG_STATEMENT_CACHE", "off")]).database.statement_cache);
    }
}
