//! `bursar load`: the load profiles with their assertions (docs/spec/rounds.md section 5, rows R23 to R25).
//!
//! Pure: [`entries`] draws what is sent, [`settlement`] recomputes what is due, [`figures`] and [`breach`] put it in
//! words. Around them [`run`] decides what comes next, [`joining`] and [`reading`] talk to the server.

mod breach;
mod clock;
mod crowd;
mod entries;
mod figures;
mod joining;
mod options;
mod patience;
mod profile;
mod progress;
mod reading;
mod run;
mod server;
mod settlement;
mod tally;
mod verify;
mod window;

pub use options::LoadOptions;
pub use profile::ProfileName;

pub(super) use clock::{ClockFault, ServerClock};
pub(super) use patience::{NoAnswer, insist};
pub(super) use server::{Connection, Reply, Server};
pub(super) use window::Window;

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use bursar_access::{Entropy, OsEntropy};
use serde_json::{Value, json};

use super::{CommandError, Context};
use breach::Breach;
use profile::profile;
use run::Run;
use tally::Tally;

/// Puts a server under load; the exit is 0 only when every assertion holds.
///
/// # Errors
/// A breach, each one named; a server that does not answer or whose clock cannot be used; options that make no load.
pub fn run(options: &LoadOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let profile = profile(options, &configuration.rounds.stress)?;
    let base = options.base.as_ref().or(configuration.rounds.stress.base_url.as_ref());
    let base = base.ok_or_else(|| {
        let text = "name the server under load with --base URL or STRESS_BASE, such as http://127.0.0.1:3000";
        CommandError::Usage(text.to_owned())
    })?;
    let server = Server::new(base, Duration::from_millis(profile.timeout_ms));
    let stopped = |fault: ClockFault| CommandError::No {
        answer: json!({"ok": false, "profile": profile.name, "base": server.base(), "error": fault.to_string()}),
        why: fault.to_string(),
    };
    let clock = ServerClock::of(&server, options.advance_clock).map_err(stopped)?;
    if clock.stands_still() {
        return Err(stopped(ClockFault::StandsStill));
    }
    let run = Run {
        seed: options.seed.unwrap_or_else(random_seed),
        ops_key: configuration.rounds.ops_key.map(|key| key.current),
        server: server.clone(),
        clock,
        profile: profile.clone(),
    };
    let tally = run.drive().map_err(stopped)?;
    report(&run, &tally, options.json || !stdout().is_terminal())
}

fn random_seed() -> u64 {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed);
    u64::from_le_bytes(seed)
}

/// The figures, as JSON or for people; an error when an assertion did not hold.
fn report(run: &Run, tally: &Tally, is_json: bool) -> Result<Value, CommandError> {
    let breaches = tally.breaches.list();
    let mut answer = tally.json();
    answer["ok"] = breaches.is_empty().into();
    answer["profile"] = run.profile.name.into();
    answer["base"] = run.server.base().into();
    // A number above 2^53 does not survive every reader of JSON.
    answer["seed"] = run.seed.to_string().into();
    if !is_json {
        let mut lines = vec![format!("{} on {}, seed {}", run.profile.name, run.server.base(), run.seed)];
        lines.extend(tally.lines());
        answer = lines.join("\n").into();
    }
    if breaches.is_empty() {
        return Ok(answer);
    }
    let named: Vec<String> = breaches.iter().map(Breach::line).collect();
    let why = format!("{} assertions did not hold:\n- {}", named.len(), named.join("\n- "));
    Err(CommandError::No { answer, why })
}
