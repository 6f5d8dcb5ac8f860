//! The thread that reads secrets anew: at SIGHUP, when an operator asks every server, or when the database refuses us.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_audit::{Event, Level, Recorder, Target};
use bursar_control::secret_roster::{Holder, fingerprint_salt, latest_request, leave, note_alive, report};
use bursar_desk::Platform;
use bursar_store::{Store, StoreError};
use serde_json::json;

use super::cause::Cause;
use super::inventory::Salt;
use super::keeper::{Outcome, SecretKeeper};
use crate::config::Configuration;

/// How often requests are looked for. Real time.
const LOOK: Duration = Duration::from_millis(250);
/// How often the process says that it is alive. Real time.
const BEAT: Duration = Duration::from_secs(5);
/// Events that wait for the database at most; more are in the log only.
const UNTOLD_MAX: usize = 1_000;

/// What the thread is told.
enum Nudge {
    Hangup,
    Stop,
}

/// Tells the thread of SIGHUP, also before there is one.
#[derive(Clone)]
pub(crate) struct Hangups(Sender<Nudge>);

/// The thread.
pub(crate) struct SecretFollower {
    nudges: Sender<Nudge>,
    thread: JoinHandle<()>,
}

/// What waits for a thread that is not there yet.
pub(crate) struct Waiting(Receiver<Nudge>);

impl Hangups {
    /// A pair of which the second part goes to [`SecretFollower::start`].
    pub fn new() -> (Hangups, Waiting) {
        let (tell, told) = channel();
        (Hangups(tell), Waiting(told))
    }

    /// SIGHUP came.
    pub fn tell(&self) {
        // The thread is gone only when the server ends.
        let _ = self.0.send(Nudge::Hangup);
    }
}

impl SecretFollower {
    /// Reports what is in force and follows from then on.
    pub fn start(
        configuration: &Configuration,
        platform: &Platform,
        hangups: &Hangups,
        waiting: Waiting,
    ) -> Result<SecretFollower, StoreError> {
        let mut fresh = [0; 32];
        platform.entropy.fill(&mut fresh);
        let (salt, answered) = platform.store.transact("secrets.join", |tx| {
            Ok((Salt(fingerprint_salt(tx, fresh)?), latest_request(tx)?.number))
        })?;
        let mut follower = Follower {
            keeper: SecretKeeper::new(configuration, &platform.store, salt),
            store: Arc::clone(&platform.store),
            recorder: platform.recorder("secrets"),
            process: platform.process().to_owned(),
            place: place(),
            answered,
            outcome: Outcome::default(),
            untold: Vec::new(),
            is_reported: false,
            seen: Instant::now(),
        };
        // A file may have changed between the start and the request that was answered by it.
        follower.read(&Cause::Start);
        follower.report()?;
        let thread = std::thread::Builder::new().name("secrets".to_owned());
        let thread = thread.spawn(move || follower.follow(&waiting.0));
        let thread =
            thread.map_err(|error| StoreError::Unavailable(format!("no thread for the secrets: {error}")))?;
        Ok(SecretFollower { nudges: hangups.0.clone(), thread })
    }

    /// Ends the thread.
    pub fn stop(self) {
        let _ = self.nudges.send(Nudge::Stop);
        // A panic was reported where it happened.
        let _ = self.thread.join();
    }
}

struct Follower {
    keeper: SecretKeeper,
    store: Arc<Store>,
    recorder: Recorder,
    process: String,
    place: String,
    /// The newest request that was done.
    answered: i64,
    /// What came of the newest reading.
    outcome: Outcome,
    /// Events that are not recorded yet.
    untold: Vec<Event>,
    is_reported: bool,
    seen: Instant,
}

impl Follower {
    fn follow(mut self, nudges: &Receiver<Nudge>) {
        loop {
            match nudges.recv_timeout(LOOK) {
                Ok(Nudge::Hangup) => self.read(&Cause::Hangup),
                Ok(Nudge::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.keeper.is_refused_by_database() {
                self.read(&Cause::RefusedByDatabase);
            }
            if let Err(error) = self.answer() {
                tracing::debug!(%error, "requests to read secrets cannot be looked for now");
            }
            if let Err(error) = self.tell() {
                tracing::warn!(%error, "what became of secrets cannot be recorded yet; it is tried again");
            }
        }
        let left = self.store.transact("secrets.leave", |tx| leave(tx, &self.process));
        if let Err(error) = left {
            tracing::debug!(%error, "this process stays listed until it is not seen any more");
        }
    }

    /// Does what the newest request asks for.
    fn answer(&mut self) -> Result<(), StoreError> {
        let newest = self.store.read("secrets.request", latest_request)?;
        if newest.number > self.answered {
            self.answered = newest.number;
            self.read(&Cause::Request(newest));
        }
        Ok(())
    }

    fn read(&mut self, cause: &Cause) {
        let outcome = self.keeper.read_anew(cause.wanted());
        let is_quiet = matches!(cause, Cause::Start | Cause::RefusedByDatabase);
        if is_quiet && outcome.rotated.is_empty() && outcome.refused == self.outcome.refused {
            return;
        }
        note(&outcome, cause);
        let events = self.events(&outcome, cause);
        self.untold.extend(events);
        self.untold.truncate(UNTOLD_MAX);
        self.outcome = outcome;
        self.is_reported = false;
    }

    /// Writes what was not told yet, or that the process is alive.
    fn tell(&mut self) -> Result<(), StoreError> {
        if !self.is_reported || !self.untold.is_empty() {
            return self.report();
        }
        if self.seen.elapsed() >= BEAT {
            self.seen = Instant::now();
            self.is_reported = self.store.transact("secrets.alive", |tx| note_alive(tx, &self.process))?;
        }
        Ok(())
    }

    fn report(&mut self) -> Result<(), StoreError> {
        let holder = Holder {
            process: self.process.clone(),
            place: self.place.clone(),
            answered: self.answered,
            secrets: json!(self.keeper.inventory()).to_string(),
            outcome: json!(self.outcome).to_string(),
        };
        self.store.transact("secrets.report", |tx| {
            let now = tx.reading()?;
            report(tx, &holder)?;
            if !self.untold.is_empty() {
                self.recorder.record(tx, &self.untold, now)?;
            }
            Ok(())
        })?;
        self.untold.clear();
        self.is_reported = true;
        self.seen = Instant::now();
        Ok(())
    }

    /// One event a secret, without a value in it.
    fn events(&self, outcome: &Outcome, cause: &Cause) -> Vec<Event> {
        let common = json!({"cause": cause.word(), "reason": cause.reason(), "place": self.place});
        let event = |name: &'static str, secret: &str, what: serde_json::Value| {
            let mut payload = common.clone();
            if let (Some(payload), serde_json::Value::Object(what)) = (payload.as_object_mut(), what) {
                payload.extend(what);
            }
            Event {
                level: Level::Warn,
                desk: "platform",
                name,
                actor: cause.actor(),
                target: Target { kind: "secret", id: secret.to_owned() },
                request_id: None,
                correlation_id: None,
                payload: payload.to_string(),
            }
        };
        let rotated =
            outcome.rotated.iter().map(|rotated| event("secrets.rotated", rotated.name, json!(rotated)));
        let refused =
            outcome.refused.iter().map(|problem| event("secrets.refused", &problem.variable, json!(problem)));
        rotated.chain(refused).collect()
    }
}

fn note(outcome: &Outcome, cause: &Cause) {
    let cause = cause.word();
    for rotated in &outcome.rotated {
        tracing::warn!(
            secret = rotated.name,
            fingerprint = rotated.fingerprint,
            was = rotated.was,
            previous_is_valid = rotated.previous.is_some(),
            cause,
            "a secret was replaced"
        );
    }
    for problem in &outcome.refused {
        tracing::warn!(
            secret = problem.variable,
            rule = problem.rule,
            fix = problem.fix,
            cause,
            "a new secret was refused; the one in force stays"
        );
    }
    if outcome.rotated.is_empty() && outcome.refused.is_empty() {
        tracing::info!(cause, "secrets were read anew; none has changed");
    }
}

/// Where this process runs, for people.
fn place() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
    format!("{host}:{}", std::process::id())
}
