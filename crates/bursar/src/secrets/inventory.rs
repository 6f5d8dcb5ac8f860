//! Which secrets are in force, told by name, origin and fingerprint.

use bursar_web::CallerSecret;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::config::{Configuration, registry};

/// Hexadecimal digits of a fingerprint: enough to tell two secrets apart, too few to find one.
const DIGITS: usize = 8;

/// What fingerprints are keyed with, the same for all servers of a database.
#[derive(Clone, Copy)]
pub(crate) struct Salt(pub [u8; 32]);

/// A secret in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    /// Its variable.
    pub name: &'static str,
    /// The name that gave it, such as `OPS_API_KEY_FILE`.
    pub origin: String,
    /// When a new value takes effect: `live`, `restart`, `command`; `None` = nothing reads it.
    pub takes_effect: Option<&'static str>,
    /// Its fingerprint.
    pub fingerprint: String,
    /// That of its predecessor, while that one is valid.
    pub previous: Option<String>,
    /// When a server put it in force, Unix milliseconds of real time; `None` = this process is no server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_at_ms: Option<i64>,
}

impl Salt {
    /// The fingerprint of the secret of `name`.
    pub fn fingerprint(self, name: &str, secret: &SecretString) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(name.as_bytes()).update(&[0]).update(secret.expose_secret().as_bytes());
        hasher.finalize().to_hex().chars().take(DIGITS).collect()
    }

    /// Those of a secret and its predecessor.
    pub fn fingerprints(self, name: &str, secret: &CallerSecret) -> (String, Option<String>) {
        let of = |secret: &SecretString| self.fingerprint(name, secret);
        (of(&secret.current), secret.previous.as_ref().map(of))
    }
}

/// Every secret that somebody has set, in the order of the registry.
pub(crate) fn inventory(configuration: &Configuration, salt: Salt) -> Vec<Held> {
    let secrets = registry::all().filter(|variable| variable.is_secret());
    secrets
        .filter_map(|variable| {
            let values = &configuration.values;
            let secret = values.caller_secret(variable.name)?;
            let origin = values.origin(variable.name)?.to_owned();
            let (fingerprint, previous) = salt.fingerprints(variable.name, &secret);
            let (name, takes_effect) = (variable.name, variable.takes_effect());
            Some(Held { name, origin, takes_effect, fingerprint, previous, loaded_at_ms: None })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Source, load};

    const SALT: Salt = Salt([7; 32]);

    fn inventory_of(environment: &[(&str, &str)]) -> Vec<Held> {
        let texts: BTreeMap<String, String> =
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        inventory(&load(&Source::new(texts)).unwrap(), SALT)
    }

    #[test]
    fn v8_the_inventory_names_what_is_set_and_shows_no_value() {
        let environment =
            [("OPS_API_KEY", "hunter2"), ("OPS_API_KEY_PREVIOUS", "hunter1"), ("ADMIN_API_KEY", "hunter3")];
        let held = inventory_of(&environment);
        let told: Vec<_> =
            held.iter().map(|held| (held.name, held.origin.as_str(), held.takes_effect)).collect();
        let expected = [("OPS_API_KEY", "OPS_API_KEY", Some("live")), ("ADMIN_TOKEN", "ADMIN_API_KEY", None)];
        assert_eq!(told, expected);
        assert_eq!(held[0].previous, Some(SALT.fingerprint("OPS_API_KEY", &"hunter1".into())));
        assert!(!serde_json::to_string(&held).unwrap().contains("hunter"));
    }

    #[test]
    fn a_fingerprint_depends_on_salt_name_and_value() {
        let first = SALT.fingerprint("A", &"x".into());
        assert_eq!(first.len(), 8);
        assert_eq!(first, SALT.fingerprint("A", &"x".into()));
        let others = [
            SALT.fingerprint("A", &"y".into()),
            SALT.fingerprint("B", &"x".into()),
            Salt([8; 32]).fingerprint("A", &"x".into()),
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
    }
}
