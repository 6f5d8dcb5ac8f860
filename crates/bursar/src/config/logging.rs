//! How much is logged, and where besides stdout.

use std::path::{Path, PathBuf};

use super::values::Values;

/// The least level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps while developing.
    Debug,
    /// What happens; the default.
    Info,
    /// What may need a look.
    Warn,
    /// What went wrong.
    Error,
}

/// The log's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Least level.
    pub level: LogLevel,
    /// A file to which the lines are also written.
    pub file: Option<PathBuf>,
    /// Whether they go to stdout, which the demo keeps for its view.
    pub to_stdout: bool,
    /// Newest lines that are kept for the faucet's administrators.
    pub kept_lines: usize,
}

impl Logging {
    /// `TRADES_LOG_FILE` names the file itself; `ENABLE_FILE_LOGGING` one of ours under `LOG_DIR`.
    pub(super) fn from_values(values: &Values) -> Logging {
        let in_folder = || {
            let wanted = values.flag("ENABLE_FILE_LOGGING") == Some(true);
            wanted.then(|| Path::new(&values.text("LOG_DIR")).join("bursar.log"))
        };
        Logging {
            level: level(values.value("LOG_LEVEL").unwrap_or_default()),
            file: values.value("TRADES_LOG_FILE").map(PathBuf::from).or_else(in_folder),
            to_stdout: true,
            kept_lines: values.integer("P2S_LOG_BUFFER_SIZE"),
        }
    }
}

fn level(text: &str) -> LogLevel {
    match text {
        "trace" => LogLevel::Trace,
        "debug" => LogLevel::Debug,
        "warn" | "warning" => LogLevel::Warn,
        "error" | "critical" => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused_names};
    use super::*;

    #[test]
    fn the_first_of_the_two_level_names_wins_and_info_is_the_default() {
        let level = |environment: &[(&str, &str)]| accepted(environment).logging.level;
        assert_eq!(level(&[]), LogLevel::Info);
        assert_eq!(level(&[("P2S_LOG_LEVEL", "warning")]), LogLevel::Warn);
        assert_eq!(level(&[("LOG_LEVEL", "DEBUG"), ("P2S_LOG_LEVEL", "warning")]), LogLevel::Debug);
        assert_eq!(refused_names(&[("LOG_LEVEL", "loud")]), ["LOG_LEVEL"]);
    }

    #[test]
    fn lines_go_to_a_file_too_when_one_is_named_or_wanted() {
        let file = |environment: &[(&str, &str)]| accepted(environment).logging.file;
        assert_eq!(file(&[("LOG_DIR", "/var/log/b")]), None);
        let wanted = [("LOG_DIR", "/var/log/b"), ("ENABLE_FILE_LOGGING", "true")];
        assert_eq!(file(&wanted), Some("/var/log/b/bursar.log".into()));
        assert_eq!(file(&[("ENABLE_FILE_LOGGING", "1")]), Some("./logs/bursar.log".into()));
        assert_eq!(file(&[("TRADES_LOG_FILE", "/var/log/t.log")]), Some("/var/log/t.log".into()));
    }
}
