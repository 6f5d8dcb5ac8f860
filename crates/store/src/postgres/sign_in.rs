//! Signing in to PostgreSQL: where, as whom, and whether somebody else may take over.

use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};

use super::connection::{Connection, describe};
use super::tls;
use crate::{Param, SignInRefusal, StoreError};

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the question about a new user may take.
const PROOF_MAX: Duration = Duration::from_secs(5);
/// Tables and sequences that the role `$1` may use in a way in which the role of this session may not, ten of them.
/// Without its sequence a table that numbers its rows takes none.
const MISSING_RIGHTS: &str = "\
    SELECT asked.right_name || ' on ' || held.relname FROM pg_catalog.pg_roles former \
    CROSS JOIN pg_catalog.pg_class held \
    CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('USAGE')) asked (right_name) \
    WHERE former.rolname = $1 AND held.relnamespace = 'public'::regnamespace AND CASE \
    WHEN held.relkind IN ('r', 'p', 'v') AND asked.right_name <> 'USAGE' \
    THEN has_table_privilege(former.oid, held.oid, asked.right_name) \
    AND NOT has_table_privilege(held.oid, asked.right_name) \
    WHEN held.relkind = 'S' AND asked.right_name IN ('USAGE', 'SELECT') \
    THEN has_sequence_privilege(former.oid, held.oid, asked.right_name) \
    AND NOT has_sequence_privilege(held.oid, asked.right_name) \
    ELSE FALSE END ORDER BY 1 LIMIT 10";

/// Where to sign in and as whom, read from a connection URL.
pub struct SignIn {
    config: Config,
    place: tokio_postgres::Config,
}

/// Why there is no session.
pub struct NoSession {
    pub error: StoreError,
    /// The server answered, and refuses this user or password.
    pub is_refusal: bool,
}

impl SignIn {
    /// Reads `url`.
    pub fn new(url: &str) -> Result<SignIn, StoreError> {
        let unusable = |error: postgres::Error| StoreError::Unavailable(error.to_string());
        let mut config: Config = url.parse().map_err(unusable)?;
        config.connect_timeout(CONNECT_TIMEOUT);
        config.tcp_user_timeout(Duration::from_secs(30));
        // A server that took a question and is gone is noticed within half a minute; by default it takes two hours.
        config.keepalives(true);
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("bursar");
        }
        Ok(SignIn { config, place: place(url.parse().map_err(unusable)?) })
    }

    /// Opens a session.
    pub fn connect(&self) -> Result<Client, NoSession> {
        let config = &self.config;
        let client = match config.get_ssl_mode() {
            SslMode::Disable => config.connect(NoTls),
            _ if is_local(config) => config.connect(NoTls),
            // `prefer` would fall back to plain text on a host that somebody else may answer for.
            _ => {
                let connector = tls::connector().map_err(|error| NoSession { error, is_refusal: false })?;
                config.clone().ssl_mode(SslMode::Require).connect(connector)
            }
        };
        client.map_err(|error| NoSession {
            // Class 28: invalid authorization (PostgreSQL documentation, appendix A).
            is_refusal: error.code().is_some_and(|code| code.code().starts_with("28")),
            error: StoreError::Unavailable(describe(&error)),
        })
    }

    /// Proves that this one can take over from `former`: the same place, a session as every new connection is one, and
    /// every right that it had.
    pub fn prove_instead_of(&self, former: &SignIn) -> Result<(), SignInRefusal> {
        if self.place != former.place {
            return Err(SignInRefusal::OtherPlace);
        }
        match self.missing_rights(former).map_err(SignInRefusal::Store)? {
            none if none.is_empty() => Ok(()),
            missing => Err(SignInRefusal::Rights(missing)),
        }
    }

    fn missing_rights(&self, former: &SignIn) -> Result<Vec<String>, StoreError> {
        let mut connection = Connection::new(self.connect().map_err(|none| none.error)?, false);
        connection.check_durability()?;
        connection.begin(true, PROOF_MAX)?;
        let former = former.config.get_user().map_or(Param::Null, Param::Text);
        connection.query(MISSING_RIGHTS, &[former], |row| row.get(0))
    }
}

/// A session of its own with the server at `url`, set up as the pool's are.
pub fn session(url: &str) -> Result<Client, StoreError> {
    SignIn::new(url)?.connect().map_err(|none| none.error)
}

/// The same without user and password. A database that is not named bears the name of its user.
fn place(mut config: tokio_postgres::Config) -> tokio_postgres::Config {
    if config.get_dbname().is_none()
        && let Some(user) = config.get_user().map(str::to_owned)
    {
        config.dbname(user);
    }
    config.user("").password("");
    config
}

/// Whether every host is a socket of this machine, where encryption protects nothing.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_and_password_may_differ_for_a_place_to_be_the_same() {
        let place = |url: &str| SignIn::new(url).unwrap().place;
        let here = place("postgres://a:1@h:5433/d?sslmode=disable");
        assert!(here == place("postgres://b:2@h:5433/d?sslmode=disable"));
        for other in [
            "postgres://a:1@g:5433/d?sslmode=disable",
            "postgres://a:1@h/d?sslmode=disable",
            "postgres://a:1@h:5433/e?sslmode=disable",
            "postgres://a:1@h:5433/d?sslmode=require",
            "postgres://a:1@h:5433/d?sslmode=disable&options=-csearch_path%3Dx",
        ] {
            assert!(here != place(other), "{other}");
        }
        assert!(place("postgres://a@h") != place("postgres://b@h"), "each has its user's database");
    }
}
