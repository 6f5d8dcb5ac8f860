//! A running `bursar serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use super::{Answer, Place, START_MS, program};

/// The longest wait for a line or an exit. Real time; only a broken server reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a server is to be started. Nothing of the test's own environment reaches it but `PATH`.
#[derive(Clone)]
pub struct Setup {
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Setup {
    /// The rounds desk in dev mode on `place`, with a manual clock at [`START_MS`], a free port and raised address
    /// limits left at their defaults.
    pub fn rounds(place: &Place) -> Setup {
        Setup::bare(place).env("BURSAR_DESKS", "rounds").manual_clock(START_MS)
    }

    /// Only the database and a free port.
    pub fn bare(place: &Place) -> Setup {
        let setup = Setup { environment: Vec::new(), arguments: vec!["serve".to_owned()] };
        let setup = setup.env("DATABASE_URL", &place.url()).env("BURSAR_LISTEN", "127.0.0.1:0");
        setup.env("BACKUP_DIR", place.backups().to_str().unwrap_or_default())
    }

    /// Sets (or replaces) a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Setup {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Adds command-line arguments after `serve`.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Setup {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// A frozen clock.
    #[must_use]
    pub fn manual_clock(self, start_ms: i64) -> Setup {
        self.env("BURSAR_CLOCK", &format!("manual:{start_ms}"))
    }

    /// Production, as far as a test can be: the mode and the real clock.
    #[must_use]
    pub fn production(self) -> Setup {
        self.without("BURSAR_CLOCK").env("BURSAR_ENV", "production")
    }

    /// The variables, for a command line beside the server.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Starts the server and waits until it listens.
    #[track_caller]
    pub fn start(&self) -> Server {
        self.spawn().wait_until_listening()
    }

    /// Starts a server that is expected to refuse, and waits for its end: exit status, stdout, stderr.
    #[track_caller]
    pub fn refuse(&self) -> (ExitStatus, String, String) {
        self.spawn().ended()
    }

    /// Starts the server's program without waiting for anything.
    #[track_caller]
    pub fn spawn(&self) -> Server {
        let mut command = program(&self.arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.envs(self.environment.iter().cloned());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's program starts");
        let stdout = Lines::follow(child.stdout.take().unwrap());
        let stderr = Lines::follow(child.stderr.take().unwrap());
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Server { setup: self.clone(), child, base: String::new(), agent: agent.into(), stdout, stderr }
    }
}

/// A server. Dropping it kills it.
pub struct Server {
    setup: Setup,
    child: Child,
    base: String,
    agent: Agent,
    stdout: Lines,
    stderr: Lines,
}

impl Server {
    /// Waits until a server that was spawned listens.
    #[track_caller]
    pub fn wait_until_listening(mut self) -> Server {
        let line = self.stdout.wait_for("bursar: listening on ");
        let Some(line) = line else {
            let status = self.wait();
            panic!("the server did not start ({status}): {}\n{}", self.stderr.text(), self.stdout.text());
        };
        self.base = line.trim_start_matches("bursar: listening on ").to_owned();
        self
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How it was started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has written to stdout: JSON log lines, and the line with its address.
    pub fn log(&self) -> String {
        self.stdout.text()
    }

    /// All that it has written to stderr.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits for a line on stdout that contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        self.stdout.wait_for(text).unwrap_or_else(|| panic!("no line with {text:?} in\n{}", self.log()))
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// `GET` with headers.
    #[track_caller]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().expect("an answer").into()
    }

    /// `POST` of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], &body.to_string())
    }

    /// `POST` of any text with headers.
    #[track_caller]
    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base));
        let mut request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body).expect("an answer").into()
    }

    /// `POST` of a form, as a page's button sends it, with headers.
    #[track_caller]
    pub fn post_form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send_form(fields.iter().copied()).expect("an answer").into()
    }

    /// `PUT` of JSON with headers.
    #[track_caller]
    pub fn put_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let request = self.agent.put(format!("{}{path}", self.base));
        let mut request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body.to_string()).expect("an answer").into()
    }

    /// Moves the manual clock; everything due on the way has run when this returns.
    #[track_caller]
    pub fn move_clock(&self, now_ms: i64) {
        let answer = self.post("/dev/clock", &json!({"nowMs": now_ms}));
        assert_eq!(answer.expect(200), json!({"nowMs": now_ms}));
    }

    /// What the rules' clock shows.
    #[track_caller]
    pub fn now_ms(&self) -> i64 {
        self.get("/dev/clock").expect(200)["nowMs"].as_i64().unwrap()
    }

    /// Kills it at once, as a power cut does to a process.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it and starts it again in the same way, on another free port.
    #[track_caller]
    pub fn restart(self) -> Server {
        let setup = self.setup.clone();
        self.kill();
        setup.start()
    }

    /// Tells it to stop and waits for its end.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end: exit status, stdout, stderr.
    #[track_caller]
    pub fn ended(mut self) -> (ExitStatus, String, String) {
        let status = self.wait();
        (status, self.stdout.ended(), self.stderr.ended())
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < patience, "the server does not end: {}", self.stderr.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where coverage is measured: a program that is killed leaves no profile.
        if std::env::var_os("LLVM_PROFILE_FILE").is_some() && self.is_running() {
            self.terminate();
            let patience = Instant::now() + Duration::from_secs(5);
            while self.is_running() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of an output, read by a thread so that the server never waits for the test.
#[derive(Clone, Default)]
struct Lines(Arc<(Mutex<Read>, Condvar)>);

#[derive(Default)]
struct Read {
    lines: Vec<String>,
    has_ended: bool,
}

impl Lines {
    fn follow(output: impl std::io::Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let shared = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                shared.0.0.lock().unwrap().lines.push(line);
                shared.0.1.notify_all();
            }
            shared.0.0.lock().unwrap().has_ended = true;
            shared.0.1.notify_all();
        });
        lines
    }

    /// The first line that contains `text`; `None` when the output ends (or patience does) without it.
    fn wait_for(&self, text: &str) -> Option<String> {
        let patience = Instant::now() + PATIENCE;
        let mut read = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = read.lines.iter().find(|line| line.contains(text)) {
                return Some(line.clone());
            }
            let left = patience.checked_duration_since(Instant::now())?;
            if read.has_ended {
                return None;
            }
            read = self.0.1.wait_timeout(read, left).unwrap().0;
        }
    }

    fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }

    /// Everything, once the output has ended.
    fn ended(&self) -> String {
        let mut read = self.0.0.lock().unwrap();
        while !read.has_ended {
            read = self.0.1.wait(read).unwrap();
        }
        read.lines.join("\n")
    }
}
