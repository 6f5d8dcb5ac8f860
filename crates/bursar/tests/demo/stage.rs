//! A demo in a folder of its own, run as a process with few players and plain lines.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Place, Setup, Tool, program};

/// Only a demo that is broken takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A folder that outlives the demos that play in it.
pub struct Stage {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// A running demo. Dropping it kills it.
pub struct Demo {
    child: Child,
    base: String,
    lines: Arc<Mutex<Vec<String>>>,
}

/// How a demo ended: exit code, stdout, stderr.
pub struct End {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    pub fn new() -> Stage {
        Stage { folder: TempDir::new().unwrap(), environment: Vec::new() }
    }

    pub fn env(mut self, name: &'static str, value: &str) -> Stage {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command line on the demo's database.
    pub fn tool(&self) -> Tool {
        let url = format!("sqlite:{}", self.data().join("demo.db").display());
        Tool::of(&Setup::bare(&Place::sqlite()).env("DATABASE_URL", &url))
    }

    /// Starts one and waits until it plays.
    #[track_caller]
    pub fn start(&self) -> Demo {
        let mut child = self.command(&["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let lines = follow(child.stdout.take().unwrap());
        let mut demo = Demo { child, base: String::new(), lines };
        let line = demo.wait_for("/docs");
        demo.base = line.split_whitespace().last().unwrap().trim_end_matches("/docs").to_owned();
        demo
    }

    /// Starts one that ends by itself.
    pub fn refuse(&self, arguments: &[&str]) -> End {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        End { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(&["demo", "--plain"]);
        let data = self.data().display().to_string();
        for (option, value) in [("--players", "40"), ("--speed", "240"), ("--data", data.as_str())] {
            if !arguments.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Demo {
    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path)).unwrap()
    }

    /// What is served at `path`, as text.
    #[track_caller]
    pub fn page(&self, path: &str) -> String {
        ureq::get(format!("{}{path}", self.base)).call().unwrap().into_body().read_to_string().unwrap()
    }

    /// What the rules' clock shows.
    #[track_caller]
    pub fn now_ms(&self) -> i64 {
        self.get("/dev/clock")["nowMs"].as_i64().unwrap()
    }

    /// The newest settlements, at most 120.
    #[track_caller]
    pub fn settlements(&self) -> Vec<Value> {
        self.get("/api/ops/summary?limit=120")["recentSettlements"].as_array().unwrap().clone()
    }

    /// Waits for a line on stdout.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        let find = || self.lines.lock().unwrap().iter().find(|line| line.contains(text)).cloned();
        until(&format!("a line with {text:?}"), find, || self.text())
    }

    /// Waits until `found` says something about the demo.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, found: impl Fn(&Demo) -> Option<T>) -> T {
        until(what, || found(self), || self.text())
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Ctrl-C, and the wait for its end.
    #[track_caller]
    pub fn interrupt(self) -> End {
        self.signal("-INT")
    }

    /// SIGTERM, and the wait for its end.
    #[track_caller]
    pub fn terminate(self) -> End {
        self.signal("-TERM")
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[track_caller]
    fn signal(mut self, signal: &str) -> End {
        assert!(
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success()
        );
        let status = until("its end", || self.child.try_wait().unwrap(), String::new);
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let said_last = |demo: &Demo| demo.text().contains("start again to go on").then_some(());
        self.wait("its last words", said_last);
        End { code: status.code(), stdout: self.text(), stderr }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[track_caller]
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>, told: impl Fn() -> String) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}\n{}", told());
        std::thread::sleep(LOOK);
    }
}

fn follow(output: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    lines
}
