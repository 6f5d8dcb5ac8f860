//! What a new reading finds: changes, and everything that keeps a secret as it is.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use super::super::{Source, load};
use super::*;

/// Files that change while the server runs.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<String, String>>>);

impl Files {
    fn put(&self, path: &str, text: &str) {
        self.0.lock().unwrap().insert(path.to_owned(), text.to_owned());
    }

    fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }
}

/// A server that started with `environment`, its files under `/run`.
struct Running {
    files: Files,
    in_force: Configuration,
}

impl Running {
    fn start(environment: &[(&str, &str)], files: &[(&str, &str)]) -> Running {
        let running = Files::default();
        files.iter().for_each(|(path, text)| running.put(path, text));
        let environment: BTreeMap<String, String> =
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let read = running.clone();
        let source = Source::new(environment).with_files(move |path| {
            let text = path.to_str().and_then(|path| read.0.lock().unwrap().get(path).cloned());
            text.ok_or_else(|| io::ErrorKind::NotFound.into())
        });
        let in_force = load(&source).unwrap();
        Running { files: running, in_force }
    }

    fn read(&self) -> Reading {
        read_anew(&self.in_force, Wanted::All)
    }

    /// The one change there is, judged.
    #[track_caller]
    fn change(&self) -> Result<Configuration, Problem> {
        let reading = self.read();
        assert_eq!((reading.changes.len(), reading.refused), (1, Vec::new()));
        reading.changes[0].judge(&self.in_force)
    }

    /// The one refusal there is.
    #[track_caller]
    fn refusal(&self) -> String {
        let reading = self.read();
        assert_eq!((reading.changes.len(), reading.refused.len()), (0, 1), "{:?}", reading.refused);
        reading.refused[0].to_string()
    }
}

const KEY: [(&str, &str); 2] = [("OPS_API_KEY_FILE", "/run/ops"), ("OPS_API_KEY_PREVIOUS_FILE", "/run/old")];

fn key_in_force(configuration: &Configuration) -> (String, Option<String>) {
    let secret = configuration.values.caller_secret("OPS_API_KEY").unwrap();
    let text = |secret: &SecretString| secret.expose_secret().to_owned();
    (text(&secret.current), secret.previous.as_ref().map(text))
}

#[test]
fn v8_a_changed_file_is_a_change_and_an_unchanged_one_is_none() {
    let mut running = Running::start(&KEY, &[("/run/ops", "a\n")]);
    assert!(running.read().changes.is_empty());
    running.files.put("/run/ops", "a");
    assert!(running.read().changes.is_empty(), "a line break is no part of a secret");
    running.files.put("/run/ops", "b");
    running.files.put("/run/old", "a");
    running.in_force = running.change().unwrap();
    assert_eq!(key_in_force(&running.in_force), ("b".to_owned(), Some("a".to_owned())));
    assert!(running.read().changes.is_empty());
    running.files.remove("/run/old");
    running.in_force = running.change().unwrap();
    assert_eq!(key_in_force(&running.in_force), ("b".to_owned(), None));
}

#[test]
fn v8_a_file_that_is_empty_or_gone_is_refused_by_name() {
    let running = Running::start(&KEY, &[("/run/ops", "a")]);
    running.files.put("/run/ops", "\n");
    assert_eq!(
        running.refusal(),
        "rounds: OPS_API_KEY_FILE names an empty file. To fix: write the secret into it"
    );
    running.files.remove("/run/ops");
    assert!(running.refusal().starts_with("rounds: OPS_API_KEY_FILE names a file that cannot be read"));
}

#[test]
fn v8_production_judges_a_new_secret_as_at_its_start() {
    let environment =
        [KEY[0], ("SETTLE_API_KEY", "settle"), ("DATABASE_URL", "sqlite:x.db"), ("BURSAR_ENV", "production")];
    let running = Running::start(&environment, &[("/run/ops", "a")]);
    running.files.put("/run/ops", "settle");
    let refused = running.change().unwrap_err().to_string();
    assert!(refused.contains("is the same secret as SETTLE_API_KEY"), "{refused}");
    running.files.put("/run/ops", "fresh");
    assert!(running.change().is_ok());
    let lenient = Running::start(&environment[..3], &[("/run/ops", "a")]);
    lenient.files.put("/run/ops", "settle");
    assert!(lenient.change().is_ok());
}

#[test]
fn f2_a_live_faucet_does_not_rotate_to_a_weak_session_secret() {
    let environment = [("SESSION_SECRET_FILE", "/run/session"), ("P2S_DRY_RUN", "false")];
    let running = Running::start(&environment, &[("/run/session", "0123456789abcdef0123456789abcdef")]);
    running.files.put("/run/session", "change-me-dev-secret");
    let problems = running.refusal();
    assert!(problems.contains("SESSION_SECRET is an example that everybody knows"), "{problems}");
    running.files.put("/run/session", "fedcba9876543210fedcba9876543210");
    assert!(running.change().is_ok());
}

#[test]
fn v8_what_only_a_start_takes_is_refused_and_what_nothing_reads_is_passed_over() {
    let environment = [
        ("SOLANA_RPC_URL_FILE", "/run/node"),
        ("CRON_SECRET_FILE", "/run/cron"),
        ("OPS_ALERT_WEBHOOK_URL_FILE", "/run/alert"),
    ];
    let files = [("/run/node", "https://a"), ("/run/cron", "c"), ("/run/alert", "https://h")];
    let running = Running::start(&environment, &files);
    running.files.put("/run/cron", "d");
    running.files.put("/run/alert", "https://i");
    assert!(running.read().changes.is_empty() && running.read().refused.is_empty());
    running.files.put("/run/node", "https://b");
    assert_eq!(
        running.refusal(),
        "platform: SOLANA_RPC_URL has changed, and the server takes it only when it starts. To fix: restart the server"
    );
}

#[test]
fn v8_a_config_file_may_rotate_a_secret_and_one_that_breaks_changes_nothing() {
    let toml = |key: &str| format!("OPS_API_KEY = \"{key}\"\nPORT = 3000\n");
    let running =
        Running::start(&[("BURSAR_CONFIG", "/run/bursar.toml")], &[("/run/bursar.toml", &toml("a"))]);
    running.files.put("/run/bursar.toml", &toml("b"));
    assert!(running.change().is_ok());
    running.files.put("/run/bursar.toml", "PORT = 3001\n");
    assert!(running.refusal().contains("OPS_API_KEY is not set any more"));
    running.files.put("/run/bursar.toml", "OPS_API_KEY = ");
    assert!(running.refusal().contains("BURSAR_CONFIG"));
}

#[test]
fn v8_the_database_may_be_read_alone_and_brings_its_url_with_it() {
    let environment = [("DATABASE_URL_FILE", "/run/db"), KEY[0]];
    let running = Running::start(&environment, &[("/run/db", "postgres://a:1@h/d"), ("/run/ops", "a")]);
    running.files.put("/run/db", "postgres://a:2@h/d");
    running.files.put("/run/ops", "b");
    let reading = read_anew(&running.in_force, Wanted::Database);
    assert_eq!(reading.changes.len(), 1);
    let next = reading.changes[0].judge(&running.in_force).unwrap();
    let super::super::DatabaseUrl::Postgres { url } = next.database.url else { panic!("not PostgreSQL") };
    assert_eq!(url.expose_secret(), "postgres://a:2@h/d");
    running.files.put("/run/db", "nonsense");
    let reading = read_anew(&running.in_force, Wanted::Database);
    let refused: Vec<&str> = reading.refused.iter().map(|problem| problem.variable.as_str()).collect();
    assert_eq!(refused, ["DATABASE_URL"]);
}

#[test]
fn an_alias_is_judged_under_the_name_it_stands_for() {
    let running = Running::start(&[("EVM_RPC_URL_FILE", "/run/node")], &[("/run/node", "https://a")]);
    running.files.put("/run/node", "");
    assert!(running.refusal().contains("EVM_RPC_URL_FILE names an empty file"));
}

#[test]
fn whoever_holds_a_secret_of_the_configuration_holds_it_by_its_proper_name() {
    let running = Running::start(&[("ADMIN_API_KEY", "token")], &[]);
    let check = |name: &str| running.in_force.secrets.get(name).check(Some("token"));
    assert_eq!(check("ADMIN_TOKEN"), bursar_web::KeyCheck::Accepted);
    assert_eq!(check("ADMIN_API_KEY"), bursar_web::KeyCheck::Unset);
}
