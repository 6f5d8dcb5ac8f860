//! Chores that another crate carries out.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Verdict;
use crate::error::ChoreError;
use crate::workspace::{cargo, read_text, spoken};

const OPENAPI_FILE: &str = "docs/openapi.json";
/// Where campaigns of the simulator keep their next seed and their totals, each room's apart.
const SIM_STATES: &str = "target/sim";
/// Arguments of the simulator with which it runs no campaign that could go on, or one with a state of its own.
const NOT_A_CAMPAIGN: [&str; 7] = ["--seed", "--from", "--bug", "--bugs", "--state", "--help", "-h"];

/// Runs the release build of `bursar-bench` with the given arguments; its exit status is the verdict.
pub fn bench(root: &Path, arguments: &[String]) -> Result<Verdict, ChoreError> {
    verdict_of(bench_command(root, arguments))
}

/// Runs the release build of `bursar-sim` with the given arguments; its exit status is the verdict. A campaign of plain
/// seeds keeps its state under `target/`, so that the next one goes on with the seeds that were not run yet.
pub fn sim(root: &Path, arguments: &[String]) -> Result<Verdict, ChoreError> {
    verdict_of(sim_command(root, arguments))
}

fn verdict_of(mut command: Command) -> Result<Verdict, ChoreError> {
    let status =
        command.status().map_err(|source| ChoreError::Start { program: spoken(&command), source })?;
    Ok(if status.success() { Verdict::Good } else { Verdict::Bad })
}

/// Writes the server's OpenAPI description to `docs/openapi.json`, or with `check` compares the two.
pub fn openapi(root: &Path, check: bool) -> Result<Verdict, ChoreError> {
    let fresh = described_by_server(root)?;
    let path = root.join(OPENAPI_FILE);
    if check {
        let stored = if path.is_file() { read_text(&path)? } else { None };
        return Ok(compare(stored.as_deref(), &fresh));
    }
    fs::write(&path, fresh).map_err(|source| ChoreError::File { path, source })?;
    eprintln!("wrote {OPENAPI_FILE}");
    Ok(Verdict::Good)
}

fn bench_command(root: &Path, arguments: &[String]) -> Command {
    let mut command = cargo(root);
    command.args(["run", "--release", "-p", "bursar-bench", "--"]).args(arguments);
    command
}

fn sim_command(root: &Path, arguments: &[String]) -> Command {
    let mut command = cargo(root);
    command.args(["run", "--release", "--quiet", "-p", "bursar-sim", "--"]).args(arguments);
    let goes_on = arguments.iter().all(|word| !NOT_A_CAMPAIGN.contains(&word.as_str()));
    if goes_on {
        command.args(["--state", &format!("{SIM_STATES}/campaign{}.json", room_of(arguments))]);
    }
    command
}

/// The room that a campaign plays alone, as `-faucet`; empty for the mixture.
fn room_of(arguments: &[String]) -> String {
    let mut words = arguments.iter().flat_map(|word| word.split('='));
    let room = words.find(|word| *word == "--room").and_then(|_| words.next());
    room.map(|room| format!("-{room}")).unwrap_or_default()
}

fn described_by_server(root: &Path) -> Result<String, ChoreError> {
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "bursar", "--", "openapi"]).stderr(Stdio::inherit());
    let program = spoken(&command);
    let output = command.output().map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    if !output.status.success() {
        return Err(ChoreError::Program { program, status: output.status.to_string() });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    normalised(&text).map_err(|error| ChoreError::Answer { program, reason: error.to_string() })
}

/// Valid JSON as it was printed, with exactly one line end after it.
fn normalised(text: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)?;
    Ok(format!("{}\n", text.trim_end()))
}

fn compare(stored: Option<&str>, fresh: &str) -> Verdict {
    match stored {
        Some(text) if text == fresh => Verdict::Good,
        Some(_) => {
            eprintln!("{OPENAPI_FILE} differs from what the server describes. Run `cargo xtask openapi`.");
            Verdict::Bad
        }
        None => {
            eprintln!("{OPENAPI_FILE} does not exist. Run `cargo xtask openapi`.");
            Verdict::Bad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bench_arguments_are_passed_on_unchanged() {
        let command = bench_command(Path::new("/"), &["joins".to_owned(), "--json".to_owned()]);
        assert!(spoken(&command).ends_with("run --release -p bursar-bench -- joins --json"));
    }

    #[test]
    fn a_campaign_goes_on_where_the_last_one_ended_and_a_single_seed_does_not() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let campaign = spoken(&sim_command(Path::new("/"), &words("--minutes 3")));
        assert!(campaign.ends_with("-- --minutes 3 --state target/sim/campaign.json"), "{campaign}");
        for room in ["--room faucet", "--room=faucet"] {
            let alone = spoken(&sim_command(Path::new("/"), &words(&format!("{room} --minutes 3"))));
            assert!(alone.ends_with("--state target/sim/campaign-faucet.json"), "{alone}");
        }
        let replay = spoken(&sim_command(Path::new("/"), &words("--seed 3 --trace")));
        assert!(replay.ends_with("-- --seed 3 --trace"), "{replay}");
    }

    #[test]
    fn a_description_that_is_not_json_is_refused() {
        assert!(normalised("listening on 3000").is_err());
        assert_eq!(normalised("{\"openapi\": \"3.1.0\"}\n\n").unwrap(), "{\"openapi\": \"3.1.0\"}\n");
    }

    #[test]
    fn a_stale_or_absent_file_fails_the_check() {
        assert_eq!(compare(Some("{}\n"), "{}\n"), Verdict::Good);
        assert_eq!(compare(Some("{}\n"), "{\"a\":1}\n"), Verdict::Bad);
        assert_eq!(compare(None, "{}\n"), Verdict::Bad);
    }
}
