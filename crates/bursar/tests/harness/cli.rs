//! The command line beside a server.

use serde_json::Value;

use super::{Server, Setup, program};

/// The program with the environment of a server.
#[derive(Clone)]
pub struct Tool {
    environment: Vec<(String, String)>,
}

/// What a command printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit status.
    pub status: i32,
    /// What it printed for programs.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
}

impl Tool {
    /// With the environment of `setup`.
    pub fn of(setup: &Setup) -> Tool {
        let environment = setup.environment().iter().filter(|(name, _)| name != "BURSAR_LISTEN");
        Tool { environment: environment.cloned().collect() }
    }

    /// With the environment of a running server, which network commands talk to.
    pub fn beside(server: &Server) -> Tool {
        Tool::of(server.setup()).env("OPS_BASE", server.base())
    }

    /// Sets (or replaces) a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Tool {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = program(arguments);
        command.envs(self.environment.iter().cloned());
        let output = command.output().expect("the program starts");
        Output {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed, and reads its JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(output.status, 0, "{arguments:?}: {output:?}");
        output.json()
    }
}

impl Output {
    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
