//! A secret that is replaced while it is in use, and its predecessor while both are valid (docs/spec/platform.md V1).

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use crate::keys::KeyCheck;

/// A secret in force, and the one that it replaces while that one is still honoured.
#[derive(Clone, Debug)]
pub struct CallerSecret {
    /// The one to sign and to sign in with.
    pub current: SecretString,
    /// The former one, valid only while `<NAME>_PREVIOUS` is set.
    pub previous: Option<SecretString>,
}

/// A secret as it stands now. Clones follow the same one; each use sees one state, never half of a change.
#[derive(Clone, Default)]
pub struct LiveSecret(Arc<ArcSwapOption<Held>>);

struct Held {
    secret: CallerSecret,
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl LiveSecret {
    /// Holds `secret`; `None` or an empty one is unset, and an empty predecessor is none.
    #[must_use]
    pub fn new(secret: Option<CallerSecret>) -> LiveSecret {
        let live = LiveSecret::default();
        live.replace(secret);
        live
    }

    /// Puts `secret` in force at once, for every clone. Only whoever loads secrets calls this.
    pub fn replace(&self, secret: Option<CallerSecret>) {
        let secret = secret.filter(|secret| !secret.current.expose_secret().is_empty());
        self.0.store(secret.map(|secret| Arc::new(Held::new(secret))));
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load().is_some()
    }

    /// The secret in force and its predecessor, of one moment.
    #[must_use]
    pub fn get(&self) -> Option<CallerSecret> {
        self.0.load().as_ref().map(|held| held.secret.clone())
    }

    /// Judges what a caller shows against every value in force, in a time that tells nothing of them. An empty text
    /// counts as missing.
    #[must_use]
    pub fn check(&self, presented: Option<&str>) -> KeyCheck {
        let held = self.0.load();
        let Some(held) = held.as_ref() else { return KeyCheck::Unset };
        let Some(presented) = presented.filter(|key| !key.is_empty()) else { return KeyCheck::Missing };
        // Digests have one length, so neither the secret's length nor its common prefix shows in the time.
        let presented = digest(presented.as_bytes());
        let previous = held.previous.as_ref().map_or(Choice::from(0), |previous| presented.ct_eq(previous));
        let is_one = presented.ct_eq(&held.current) | previous;
        if bool::from(is_one) { KeyCheck::Accepted } else { KeyCheck::Wrong }
    }

    /// Whether `proves` says yes to any value in force, such as a check of a signature. Every value is tried, so the
    /// time does not tell which one it was; `proves` itself has to compare in constant time.
    #[must_use]
    pub fn accepts(&self, proves: impl Fn(&[u8]) -> bool) -> bool {
        let held = self.0.load();
        let Some(Held { secret, .. }) = held.as_deref() else { return false };
        let tried = |secret: &SecretString| proves(secret.expose_secret().as_bytes());
        let current = tried(&secret.current);
        let previous = secret.previous.as_ref().is_some_and(tried);
        current | previous
    }
}

impl Held {
    fn new(CallerSecret { current, previous }: CallerSecret) -> Held {
        let previous = previous.filter(|secret| !secret.expose_secret().is_empty());
        let of = |secret: &SecretString| digest(secret.expose_secret().as_bytes());
        Held {
            current: of(&current),
            previous: previous.as_ref().map(of),
            secret: CallerSecret { current, previous },
        }
    }
}

impl fmt::Debug for LiveSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.load();
        let word = |is_set: bool| if is_set { "set" } else { "unset" };
        let previous = held.as_ref().is_some_and(|held| held.previous.is_some());
        write!(formatter, "LiveSecret(current {}, previous {})", word(held.is_some()), word(previous))
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    *blake3::hash(text).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(current: &str, previous: &str) -> Option<CallerSecret> {
        Some(CallerSecret { current: current.into(), previous: Some(previous.into()) })
    }

    fn checks(live: &LiveSecret) -> [KeyCheck; 3] {
        ["a", "b", "c"].map(|presented| live.check(Some(presented)))
    }

    #[test]
    fn v1_a_replacement_binds_every_clone_at_once_and_the_old_one_lives_only_as_previous() {
        use KeyCheck::{Accepted, Unset, Wrong};
        let live = LiveSecret::new(secret("a", ""));
        let clone = live.clone();
        for (next, expected) in [
            (secret("b", "a"), [Accepted, Accepted, Wrong]),
            (secret("b", ""), [Wrong, Accepted, Wrong]),
            (secret("c", "b"), [Wrong, Accepted, Accepted]),
            (None, [Unset; 3]),
        ] {
            live.replace(next);
            assert_eq!(checks(&clone), expected);
        }
    }

    #[test]
    fn a_proof_is_tried_with_every_value_in_force() {
        let live = LiveSecret::new(secret("new", "old"));
        for value in ["new", "old"] {
            assert!(live.accepts(|secret| secret == value.as_bytes()), "{value}");
        }
        assert!(!live.accepts(|secret| secret == b"other"));
        live.replace(secret("new", ""));
        assert!(!live.accepts(|secret| secret == b"old" || secret.is_empty()));
        assert!(!LiveSecret::default().accepts(|_| true));
    }

    #[test]
    fn no_value_shows_in_debug_output() {
        let live = LiveSecret::new(secret("s3cret", "f0rmer"));
        assert_eq!(format!("{live:?}"), "LiveSecret(current set, previous set)");
        assert!(!format!("{:?}", live.get()).contains("s3cret"));
    }
}
