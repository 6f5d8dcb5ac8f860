//! The secrets that desks and the platform use, by the names of their variables. Where they come from is not theirs to know.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_web::{CallerSecret, LiveSecret};

/// Every secret there may be, as it stands now. Clones follow the same ones.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<BTreeMap<&'static str, LiveSecret>>);

impl Secrets {
    /// These secrets; a name without a value is unset.
    pub fn new(secrets: impl IntoIterator<Item = (&'static str, Option<CallerSecret>)>) -> Secrets {
        let live = secrets.into_iter().map(|(name, secret)| (name, LiveSecret::new(secret)));
        Secrets(Arc::new(live.collect()))
    }

    /// The secret of the variable `name`, such as `SESSION_SECRET`. Keep it, and ask it at each use: it follows changes,
    /// so that a new value counts at once and the old one no longer than it should. An unknown name is unset for good.
    #[must_use]
    pub fn get(&self, name: &str) -> LiveSecret {
        debug_assert!(self.0.is_empty() || self.0.contains_key(name), "{name} is no secret");
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Puts a secret in force for everybody who holds it. Only whoever loads secrets calls this.
    pub fn replace(&self, name: &str, secret: CallerSecret) {
        if let Some(live) = self.0.get(name) {
            live.replace(Some(secret));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hasher};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use bursar_web::KeyCheck;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn whoever_holds_a_secret_follows_its_replacement() {
        let secret = |text: &str| CallerSecret { current: text.into(), previous: None };
        let secrets = Secrets::new([("SESSION_SECRET", Some(secret("a"))), ("OPS_API_KEY", None)]);
        let (session, unset) = (secrets.get("SESSION_SECRET"), secrets.get("OPS_API_KEY"));
        assert_eq!(session.check(Some("a")), KeyCheck::Accepted);
        assert_eq!(unset.check(Some("a")), KeyCheck::Unset);
        secrets.clone().replace("SESSION_SECRET", secret("b"));
        assert_eq!(
            (session.check(Some("a")), session.check(Some("b"))),
            (KeyCheck::Wrong, KeyCheck::Accepted)
        );
    }

    /// Stands for the signature of a cookie.
    fn sign(secret: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(secret);
        hasher.finish()
    }

    /// Ends the callers, also when the test fails.
    struct End<'a>(&'a AtomicBool);

    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn v8_cookies_pass_while_the_session_secret_is_replaced_under_load_and_old_ones_end_with_the_predecessor()
    {
        let secret = |current: &str, previous: Option<&str>| CallerSecret {
            current: current.into(),
            previous: previous.map(Into::into),
        };
        let secrets = Secrets::new([("SESSION_SECRET", Some(secret("0", None)))]);
        let session = secrets.get("SESSION_SECRET");
        let issue = || sign(session.get().unwrap().current.expose_secret().as_bytes());
        let passes = |cookie: u64| session.accepts(|secret| sign(secret) == cookie);
        let (is_over, checked) = (AtomicBool::new(false), [(); 4].map(|()| AtomicU64::new(0)));
        let check = |checked: &AtomicU64| {
            while !is_over.load(Ordering::SeqCst) {
                assert!(passes(issue()));
                checked.fetch_add(1, Ordering::SeqCst);
            }
        };
        let counts = || checked.each_ref().map(|checked| checked.load(Ordering::SeqCst));
        let let_pass = || {
            let before = counts();
            while counts().iter().zip(before).any(|(now, before)| *now < before + 2) {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            for checked in &checked {
                scope.spawn(|| check(checked));
            }
            let _end = End(&is_over);
            for generation in 1..=20 {
                let (old, new) = ((generation - 1).to_string(), generation.to_string());
                let cookie = issue();
                secrets.replace("SESSION_SECRET", secret(&new, Some(&old)));
                let_pass();
                assert!(passes(cookie) && passes(issue()));
                secrets.replace("SESSION_SECRET", secret(&new, None));
                assert!(!passes(cookie) && passes(issue()));
                let_pass();
            }
        });
    }
}
