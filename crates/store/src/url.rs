//! Where the database is: a SQLite file or a PostgreSQL server.

use std::fmt;
use std::path::PathBuf;

/// A parsed `DATABASE_URL`. Its `Debug` and `Display` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An embedded database in this file.
    Sqlite(PathBuf),
    /// A server, by its connection URL.
    Postgres(String),
}

/// A text that is no database URL of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid DATABASE_URL: expected sqlite:PATH or postgres://USER@HOST/DATABASE")]
pub struct UrlError;

impl std::str::FromStr for DatabaseUrl {
    type Err = UrlError;

    /// Quotes are trimmed and a missing `//` is repaired (docs/spec/platform.md, table of shared variables).
    fn from_str(text: &str) -> Result<DatabaseUrl, UrlError> {
        let text = text.trim().trim_matches(|c| c == '"' || c == '\'');
        let (scheme, rest) = text.split_once(':').ok_or(UrlError)?;
        match scheme {
            "sqlite" => {
                let path = match rest.strip_prefix("//") {
                    Some(absolute) => format!("/{}", absolute.trim_start_matches('/')),
                    None => rest.to_owned(),
                };
                if path.is_empty() || path == "/" {
                    Err(UrlError)
                } else {
                    Ok(DatabaseUrl::Sqlite(path.into()))
                }
            }
            "postgres" | "postgresql" => {
                let rest = rest.trim_start_matches('/');
                if rest.is_empty() {
                    Err(UrlError)
                } else {
                    Ok(DatabaseUrl::Postgres(format!("postgres://{rest}")))
                }
            }
            _ => Err(UrlError),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => {
                let after_user = url.rsplit_once('@').map_or_else(
                    || url.trim_start_matches("postgres://"),
                    |(_, host_and_database)| host_and_database,
                );
                let plain = after_user.split('?').next().unwrap_or_default();
                write!(f, "postgres://{plain}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_the_platform_rules_say() {
        let sqlite = |text: &str| assert_eq!(text.parse(), Ok(DatabaseUrl::Sqlite("/x".into())), "{text}");
        sqlite("sqlite:///x");
        sqlite("sqlite:////x");
        sqlite("'sqlite:/x'");
        assert_eq!("sqlite:x".parse(), Ok(DatabaseUrl::Sqlite("x".into())));
        assert_eq!("postgres:u@h/d".parse(), Ok(DatabaseUrl::Postgres("postgres://u@h/d".into())));
        for bad in ["", "mysql://x", "sqlite:", "postgres:", "nothing"] {
            assert_eq!(bad.parse::<DatabaseUrl>(), Err(UrlError), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgresql://me:secret@db/x?password=secret".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://db/x postgres://db/x");
    }
}
