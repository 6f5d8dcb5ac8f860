//! Database URLs: `sqlite:` files and `postgres:` servers, repaired where the meaning is plain.

use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;

use super::backup::tidy;

/// Where the database is. Never shows a password.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// An embedded database in this file.
    Sqlite {
        /// The file; relative to the working directory unless it begins with `/`.
        path: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// The connection URL, `postgres://...`, without `sslmode`: TLS is decided apart.
        url: SecretString,
    },
}

/// A text that is no database URL of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid DATABASE_URL")]
pub struct DatabaseUrlError;

/// What a URL says besides the place.
#[derive(Clone, Debug)]
pub(super) struct ParsedUrl {
    pub(super) url: DatabaseUrl,
    pub(super) identity: Identity,
    /// `sslmode` asks for TLS (`Some(true)`), forbids it (`Some(false)`), or is silent.
    pub(super) tls: Option<bool>,
}

/// Which database it is, whoever signs in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    File(PathBuf),
    Server { host: String, port: String, database: String },
}

impl Identity {
    /// Whether bytes to it stay on this machine.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Identity::File(_) => true,
            Identity::Server { host, .. } => host.split(',').all(is_local_host),
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        parse(text).map(|parsed| parsed.url)
    }
}

/// Reads a URL: surrounding quotes are trimmed, a missing `//` after `postgres:` is repaired.
pub(super) fn parse(text: &str) -> Result<ParsedUrl, DatabaseUrlError> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let (scheme, rest) = text.split_once(':').ok_or(DatabaseUrlError)?;
    if text.chars().any(char::is_control) {
        return Err(DatabaseUrlError);
    }
    match scheme {
        "sqlite" => sqlite(rest),
        "postgres" | "postgresql" => postgres(rest),
        _ => Err(DatabaseUrlError),
    }
}

/// The database in this file, for names that hold a bare path.
pub(super) fn file(path: &str) -> ParsedUrl {
    let path = PathBuf::from(path.trim_matches(['"', '\'']));
    let identity = Identity::File(tidy(&path.to_string_lossy()));
    ParsedUrl { url: DatabaseUrl::Sqlite { path }, identity, tls: None }
}

/// `///x` and `////x` are `/x`, `x` is relative. `//x` is refused: some read it as `/x`, others as `x`.
fn sqlite(rest: &str) -> Result<ParsedUrl, DatabaseUrlError> {
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    let path = match slashes {
        0 => rest.to_owned(),
        2 => return Err(DatabaseUrlError),
        _ => format!("/{}", rest.trim_start_matches('/')),
    };
    let is_file = !matches!(path.as_str(), "" | "/" | ":memory:") && !path.contains('?');
    if is_file { Ok(file(&path)) } else { Err(DatabaseUrlError) }
}

fn postgres(rest: &str) -> Result<ParsedUrl, DatabaseUrlError> {
    let rest = rest.strip_prefix("//").unwrap_or_else(|| rest.trim_start_matches('/'));
    if rest.chars().any(char::is_whitespace) {
        return Err(DatabaseUrlError);
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let (mut host, mut port) = split_hosts(hosts)?;
    let (mut database, mut tls, mut kept) = (path.to_owned(), None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(DatabaseUrlError)?;
        match name {
            "sslmode" => {
                tls = ssl_mode(value)?;
                continue;
            }
            "host" => host = value.to_ascii_lowercase(),
            "port" => port = value.to_owned(),
            "dbname" => database = value.to_owned(),
            _ => {}
        }
        kept.push(pair);
    }
    if host.is_empty() {
        return Err(DatabaseUrlError);
    }
    let question = if kept.is_empty() { "" } else { "?" };
    let url = format!("postgres://{place}{question}{}", kept.join("&")).into();
    let identity = Identity::Server { host, port, database };
    Ok(ParsedUrl { url: DatabaseUrl::Postgres { url }, identity, tls })
}

/// Splits `host:port,host:port` into hosts in lower case and ports, 5432 where none is named.
fn split_hosts(list: &str) -> Result<(String, String), DatabaseUrlError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for entry in list.split(',') {
        let after_bracket = entry.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match entry.get(after_bracket..).and_then(|tail| tail.rfind(':')) {
            Some(colon) => entry.split_at(after_bracket + colon),
            None => (entry, ":5432"),
        };
        let port = port.trim_start_matches(':');
        port.parse::<u16>().map_err(|_| DatabaseUrlError)?;
        hosts.push(host.to_ascii_lowercase());
        ports.push(port);
    }
    Ok((hosts.join(","), ports.join(",")))
}

fn ssl_mode(value: &str) -> Result<Option<bool>, DatabaseUrlError> {
    match value {
        "require" | "verify-ca" | "verify-full" => Ok(Some(true)),
        "disable" => Ok(Some(false)),
        "prefer" | "allow" => Ok(None),
        _ => Err(DatabaseUrlError),
    }
}

fn is_local_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_socket = bare.starts_with('/') || bare.starts_with("%2f");
    is_socket || bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn shown(text: &str) -> Option<String> {
        match text.parse().ok()? {
            DatabaseUrl::Sqlite { path } => Some(path.display().to_string()),
            DatabaseUrl::Postgres { url } => Some(url.expose_secret().to_owned()),
        }
    }

    #[test]
    fn c30_urls_are_read_and_repaired() {
        for (text, meaning) in [
            ("sqlite:///x", "/x"),
            ("sqlite:////x", "/x"),
            ("sqlite:/x/y.db", "/x/y.db"),
            ("sqlite:x", "x"),
            ("sqlite:./data/x.db", "./data/x.db"),
            ("'sqlite:x'", "x"),
            ("postgres://u:p@h/d", "postgres://u:p@h/d"),
            ("postgresql://h:6432/d", "postgres://h:6432/d"),
            ("\"postgres://h/d\"", "postgres://h/d"),
            ("postgres:u@h/d", "postgres://u@h/d"),
            ("postgres:/u@h/d", "postgres://u@h/d"),
            ("postgres://h/d?sslmode=require&application_name=x", "postgres://h/d?application_name=x"),
            ("postgres:///d?host=/run/postgresql", "postgres:///d?host=/run/postgresql"),
            ("postgres://[::1]:5433/d", "postgres://[::1]:5433/d"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(meaning), "{text}");
        }
    }

    #[test]
    fn c30_what_cannot_be_read_is_an_invalid_database_url() {
        for text in [
            "",
            "x",
            "/x",
            "mysql://h/d",
            "mongodb://h/d",
            "sqlite:",
            "sqlite:///",
            "sqlite://x",
            "sqlite::memory:",
            "sqlite:x?mode=ro",
            "postgres:",
            "postgres://",
            "postgres:///d",
            "postgres://h:port/d",
            "postgres://h/d?sslmode=sometimes",
            "postgres://h h/d",
            "POSTGRES://h/d",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
        assert_eq!("x".parse::<DatabaseUrl>().unwrap_err().to_string(), "Invalid DATABASE_URL");
    }

    #[test]
    fn two_urls_name_one_database_when_host_port_and_name_agree_whoever_signs_in() {
        let same = |left: &str, right: &str| parse(left).unwrap().identity == parse(right).unwrap().identity;
        assert!(same("postgres://a:x@h/d", "postgresql://b:y@H:5432/d?sslmode=require"));
        assert!(same("sqlite:////data/x.db", "sqlite:/data/./x.db"));
        assert!(same("sqlite:x.db", "sqlite:./x.db"));
        assert!(!same("postgres://h/d", "postgres://h/e"));
        assert!(!same("postgres://h/d", "postgres://h:6432/d"));
        assert!(!same("postgres://h/d", "postgres://g/d"));
        assert!(!same("sqlite:x.db", "sqlite:/x.db"));
    }

    #[test]
    fn only_loopback_and_sockets_are_local() {
        let local = |text: &str| parse(text).unwrap().identity.is_local();
        for near in [
            "sqlite:x",
            "postgres://localhost/d",
            "postgres://127.0.0.9:1/d",
            "postgres://[::1]/d",
            "postgres:///d?host=/run",
            "postgres://%2Frun%2Fpg/d",
        ] {
            assert!(local(near), "{near}");
        }
        for far in [
            "postgres://db/d",
            "postgres://10.0.0.1/d",
            "postgres://localhost,db/d",
            "postgres://localhost.evil/d",
        ] {
            assert!(!local(far), "{far}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://me:hunter2@db/x".parse().unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
