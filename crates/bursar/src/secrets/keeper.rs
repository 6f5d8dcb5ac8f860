//! Reading the secrets anew and putting in force what a start would accept.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_keys::keys_beyond;
use bursar_store::clock::machine_time;
use bursar_store::{SignInRefusal, Store, Timestamp};
use serde::Serialize;

use super::inventory::{Held, Salt, inventory};
use crate::config::{Change, Configuration, Problem, Wanted, read_anew};
use crate::host::{SEAL_KEY, seal_ring, url};

/// Keys that a refusal names at most.
const NAMED_MAX: usize = 3;

/// Keeps the secrets of a process.
pub(crate) struct SecretKeeper {
    in_force: Configuration,
    store: Arc<Store>,
    salt: Salt,
    started_at: Timestamp,
    /// When those that were replaced took effect.
    loaded_at: BTreeMap<&'static str, Timestamp>,
}

/// What came of reading them anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// Secrets that took effect.
    pub rotated: Vec<Rotated>,
    /// Secrets that did not; those in force stay.
    pub refused: Vec<Problem>,
}

/// A secret that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rotated {
    /// Its variable.
    pub name: &'static str,
    /// Fingerprint of the one before.
    pub was: String,
    /// Its own.
    pub fingerprint: String,
    /// That of its predecessor, while that one is valid.
    pub previous: Option<String>,
}

impl SecretKeeper {
    /// Keeps those of `configuration`.
    pub fn new(configuration: &Configuration, store: &Arc<Store>, salt: Salt) -> SecretKeeper {
        SecretKeeper {
            in_force: configuration.clone(),
            store: Arc::clone(store),
            salt,
            started_at: machine_time(),
            loaded_at: BTreeMap::new(),
        }
    }

    /// What is in force.
    pub fn inventory(&self) -> Vec<Held> {
        let mut held = inventory(&self.in_force, self.salt);
        for secret in &mut held {
            let loaded_at = self.loaded_at.get(secret.name).unwrap_or(&self.started_at);
            secret.loaded_at_ms = Some(loaded_at.ms());
        }
        held
    }

    /// Whether the database has refused our password since this was last asked.
    pub fn is_refused_by_database(&self) -> bool {
        self.store.was_refused()
    }

    /// Reads them anew. Each is judged by itself, beside those in force by then.
    pub fn read_anew(&mut self, wanted: Wanted) -> Outcome {
        let reading = read_anew(&self.in_force, wanted);
        let mut outcome = Outcome { refused: reading.refused, ..Outcome::default() };
        for change in &reading.changes {
            match self.put_in_force(change) {
                Ok(rotated) => outcome.rotated.push(rotated),
                Err(problem) => outcome.refused.push(problem),
            }
        }
        outcome
    }

    fn put_in_force(&mut self, change: &Change) -> Result<Rotated, Problem> {
        let name = change.variable.name;
        let next = change.judge(&self.in_force)?;
        if change.is_of_database() {
            self.sign_in(change, &next)?;
        } else if name == SEAL_KEY {
            self.check_seal(change)?;
        }
        self.in_force.secrets.replace(name, change.secret.clone());
        let was = self.in_force.values.secret(name).map(|secret| self.salt.fingerprint(name, secret));
        let (fingerprint, previous) = self.salt.fingerprints(name, &change.secret);
        self.in_force = next;
        self.loaded_at.insert(name, machine_time());
        Ok(Rotated { name, was: was.unwrap_or_default(), fingerprint, previous })
    }

    /// Refuses a seal key by which, with its predecessor, this server could not sign as it does now.
    fn check_seal(&self, change: &Change) -> Result<(), Problem> {
        let problem =
            |rule: String, fix: &str| Problem::new(change.variable.desk, change.variable.name, rule, fix);
        let ring = seal_ring(&change.secret);
        let beyond = self.store.read("secrets.seal", |tx| keys_beyond(tx, &ring)).map_err(|error| {
            problem(format!("cannot be compared with what is sealed ({error})"), "reload again")
        })?;
        if beyond.is_empty() {
            return Ok(());
        }
        let names = beyond.iter().take(NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let rule =
            format!("and its predecessor do not open {} of the signing keys, such as {names}", beyond.len());
        Err(problem(
            rule,
            "keep the former one as FAUCET_SEAL_KEY_PREVIOUS until `bursar keys rotate` has moved them all",
        ))
    }

    fn sign_in(&self, change: &Change, next: &Configuration) -> Result<(), Problem> {
        let problem =
            |rule: String, fix: &str| Problem::new(change.variable.desk, change.variable.name, rule, fix);
        let url = url(next).map_err(|fault| problem(format!("cannot be used: {fault}"), "correct it"))?;
        self.store.sign_in_with(&url).map_err(|refusal| {
            let fix = match refusal {
                SignInRefusal::OtherPlace => "restart the server to change more than user and password",
                SignInRefusal::Store(_) => "correct it, or the database's user, and reload again",
                SignInRefusal::Rights(_) => "grant the user what is missing and reload again",
            };
            problem(refusal.to_string(), fix)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use bursar_store::DatabaseUrl;
    use bursar_test_stores::TestStore;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::{Source, load};

    #[test]
    fn a_database_url_that_was_replaced_is_among_the_live_secrets_so_that_it_can_be_hidden() {
        let test = TestStore::sqlite();
        let DatabaseUrl::Sqlite(path) = test.url() else { panic!("no file") };
        // Two ways to write one place.
        let [first, second] = ["sqlite://", "sqlite:///"].map(|scheme| format!("{scheme}{}", path.display()));
        let file = Arc::new(Mutex::new(first.clone()));
        let read = Arc::clone(&file);
        let names = [("DATABASE_URL_FILE".to_owned(), "/run/url".to_owned())];
        let source = Source::new(names.into())
            .with_files(move |_| Ok(read.lock().unwrap_or_else(PoisonError::into_inner).clone()));
        let configuration = load(&source).unwrap();
        let live = configuration.secrets.get("DATABASE_URL");
        let shown = || live.get().map(|secret| secret.current.expose_secret().to_owned());
        assert_eq!(shown(), Some(first));

        let mut keeper = SecretKeeper::new(&configuration, &test.store(), Salt([7; 32]));
        *file.lock().unwrap() = second.clone();
        let outcome = keeper.read_anew(Wanted::All);
        assert_eq!((outcome.refused, outcome.rotated.len()), (Vec::new(), 1));
        assert_eq!(shown(), Some(second));
    }
}
