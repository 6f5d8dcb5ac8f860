//! `cargo xtask api-fuzz`: calls every operation of our own OpenAPI file with generated requests, good and bad, and
//! compares what a development server answers with what the file promises.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use clap::Args;

use crate::Verdict;
use crate::error::ChoreError;
use crate::tools::{must_succeed, python_program, target_folder};
use crate::workspace::{cargo, spoken};

const TOOL: &str = "schemathesis==4.32.5";
const LISTENING: &str = "bursar: listening on ";
/// No 5xx, status, type and body as the file says. That a request is refused is not asked for: where the rules say so,
/// odd parameters are put right or left alone.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// Keys of the server, which every request carries, so that what is behind them is reached.
const KEYS: [(&str, &str, &str); 3] = [
    ("OPS_API_KEY", "x-ops-key", "api-fuzz-operations"),
    ("SIM_SETTLE_API_KEY", "x-sim-settle-key", "api-fuzz-settlement"),
    ("METRICS_TOKEN", "authorization", "api-fuzz-metrics"),
];

/// Rate limits that would answer most requests, were they not raised.
const LIMITS: [&str; 11] = [
    "PANCHO_RL_SIM_ENTRIES_IP_LIMIT",
    "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT",
    "PANCHO_RL_SIM_RESULTS_IP_LIMIT",
    "PANCHO_RL_SIM_RESULTS_WALLET_LIMIT",
    "PANCHO_RL_ORACLE_IP_LIMIT",
    "PANCHO_RL_STATUS_IP_LIMIT",
    "PANCHO_RL_OPS_HEALTH_IP_LIMIT",
    "PANCHO_RL_OPS_SUMMARY_IP_LIMIT",
    "PANCHO_RL_OPS_SWITCHES_IP_LIMIT",
    "PANCHO_RL_SIM_POOL_IP_LIMIT",
    "PANCHO_RL_SIM_SETTLE_IP_LIMIT",
];

/// How much is tried.
#[derive(Args)]
pub struct Options {
    /// Generated requests of each operation.
    #[arg(long, default_value_t = 50)]
    examples: u32,
    /// Repeats the requests of an earlier run, which printed this number.
    #[arg(long)]
    seed: Option<u128>,
}

/// Starts a server of its own on the loopback address, with a fresh database and a frozen clock, and lets the tool at it.
pub fn run(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    let folder = target_folder(root).join("api-fuzz");
    let tool = python_program(&folder, TOOL, "schemathesis")?;
    must_succeed(cargo(root).args(["build", "--locked", "-p", "bursar"]))?;
    let server = Server::start(&target_folder(root).join("debug/bursar"), &folder)?;
    let status = fuzzing(root, &tool, &server, options).status();
    let program = tool.display().to_string();
    let status = status.map_err(|source| ChoreError::Start { program, source })?;
    let lives = server.stop();
    if !lives {
        println!("The server ended by itself; its log is in {}.", folder.join("server.log").display());
    }
    Ok(if status.success() && lives { Verdict::Good } else { Verdict::Bad })
}

fn fuzzing(root: &Path, tool: &Path, server: &Server, options: &Options) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(root).arg("--config-file").arg(root.join("xtask/schemathesis.toml"));
    command.args(["run", "docs/openapi.json", "--url", &server.url]);
    command.args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--checks", CHECKS]);
    command.args(["--generation-database", "none", "--warnings", "off"]);
    command.args(["--max-examples", &options.examples.to_string()]);
    for (_, header, key) in KEYS {
        let scheme = if header == "authorization" { "Bearer " } else { "" };
        command.args(["--header", &format!("{header}: {scheme}{key}")]);
    }
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command
}

/// A development server; dropping it ends it.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path, folder: &Path) -> Result<Server, ChoreError> {
        let data = folder.join("data");
        // What an earlier run left behind.
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).map_err(|source| ChoreError::File { path: data.clone(), source })?;
        let mut command = command(program, &data);
        let said = spoken(&command);
        let log = folder.join("server.log");
        let file = fs::File::create(&log).map_err(|source| ChoreError::File { path: log, source })?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn();
        let mut child = child.map_err(|source| ChoreError::Start { program: said.clone(), source })?;
        let Some(stdout) = child.stdout.take() else {
            return Err(ChoreError::Answer { program: said, reason: "it has no output".to_owned() });
        };
        let mut lines = BufReader::new(stdout);
        let url = listening(&mut lines);
        let server = Server { child, url: url.unwrap_or_default() };
        if server.url.is_empty() {
            let reason = format!("it did not listen; see {}", folder.join("server.log").display());
            return Err(ChoreError::Answer { program: said, reason });
        }
        // The pipe must not fill up.
        thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(server)
    }

    /// Ends it, and says whether it was still alive.
    fn stop(mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line that says so; `None` when the output ends before it.
fn listening(lines: &mut BufReader<impl Read>) -> Option<String> {
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
        if let Some(url) = line.trim_end().strip_prefix(LISTENING) {
            return Some(url.to_owned());
        }
        line.clear();
    }
    None
}

/// Nothing of our own environment but the path reaches the server, and nothing of the server leaves the machine: its
/// price service is a port that nobody listens on.
fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("serve").current_dir(data).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    let folder = |name: &str| -> PathBuf { data.join(name) };
    command.env("DATABASE_URL", format!("sqlite:{}", folder("bursar.db").display()));
    command.env("BACKUP_DIR", folder("backups"));
    command.env("BURSAR_LISTEN", "127.0.0.1:0").env("BURSAR_CLOCK", "manual:1700000040000");
    command.env("HERMES_URL", "http://127.0.0.1:9");
    command.envs(KEYS.map(|(variable, _, key)| (variable, key)));
    command.envs(LIMITS.map(|variable| (variable, "1000000")));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_says_it() {
        let mut lines = BufReader::new("{}\nbursar: listening on http://127.0.0.1:3000\nmore\n".as_bytes());
        assert_eq!(listening(&mut lines).as_deref(), Some("http://127.0.0.1:3000"));
        assert_eq!(listening(&mut BufReader::new("refused\n".as_bytes())), None);
    }
}
