//! Where a key-encryption key comes from: a file, the environment, or the output of a command.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::Kek;
use crate::kek_command;

/// Most bytes that a source may give.
pub(crate) const OUTPUT_MAX: usize = 4_096;
/// How long a command may take.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// A place that gives 64 hexadecimal digits. As text: `file:PATH`, `env:NAME` or `command:PROGRAM ARGUMENT...`.
#[derive(Clone, PartialEq, Eq)]
pub enum KekSource {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A program and its arguments, run without a shell, for 10 s at most. It inherits the environment, from which
    /// clients of key services take their settings; what it writes to stderr is thrown away.
    Command {
        /// The program's absolute path.
        program: PathBuf,
        /// What it is given.
        arguments: Vec<String>,
    },
}

/// Why a key-encryption key cannot be had. Says where from, never what was found there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KekError {
    /// No source is named.
    #[error("no key-encryption key is named; name at least one source, the current one first")]
    Empty,
    /// The text names no source. It is not repeated: it may be the key itself.
    #[error(
        "a key-encryption key comes from file:PATH, env:NAME or command:/PROGRAM ARGUMENTS, and this is none of them"
    )]
    Source,
    /// The source gave nothing.
    #[error("the key-encryption key of {place} cannot be had: {why}; put it there, or name another source")]
    Unavailable {
        /// Which source.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// The source gave something else.
    #[error("what {place} gives is not 64 hexadecimal digits; make a key with: openssl rand -hex 32")]
    Malformed {
        /// Which source.
        place: String,
    },
}

impl KekSource {
    pub(crate) fn read(&self, environment: &dyn Fn(&str) -> Option<SecretString>) -> Result<Kek, KekError> {
        let unavailable = |why| KekError::Unavailable { place: self.to_string(), why };
        let text = match self {
            KekSource::File(path) => file(path).map_err(|error| unavailable(error.kind().to_string())),
            KekSource::Environment(name) => {
                environment(name).ok_or_else(|| unavailable("it is not set".to_owned()))
            }
            KekSource::Command { program, arguments } => {
                kek_command::output(program, arguments, COMMAND_TIME)
                    .map_err(|error| unavailable(error.to_string()))
            }
        };
        Kek::from_hexadecimal(&text?).ok_or_else(|| KekError::Malformed { place: self.to_string() })
    }
}

/// The text that a source gave, or `None` when it is not text.
pub(crate) fn text_of(bytes: &Zeroizing<Vec<u8>>) -> Option<SecretString> {
    std::str::from_utf8(bytes).ok().map(SecretString::from)
}

fn file(path: &PathBuf) -> std::io::Result<SecretString> {
    // Read into one allocation: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(OUTPUT_MAX + 1));
    let most = u64::try_from(OUTPUT_MAX).unwrap_or(u64::MAX);
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    text_of(&bytes).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

impl FromStr for KekSource {
    type Err = KekError;

    fn from_str(text: &str) -> Result<KekSource, KekError> {
        let (kind, rest) = text.trim().split_once(':').ok_or(KekError::Source)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match kind {
            "file" if !rest.is_empty() => Ok(KekSource::File(PathBuf::from(rest))),
            "env" if !rest.is_empty() && rest.bytes().all(is_name) => {
                Ok(KekSource::Environment(rest.to_owned()))
            }
            "command" if rest.starts_with('/') => {
                let mut words = rest.split_whitespace();
                let program = words.next().map(PathBuf::from).ok_or(KekError::Source)?;
                Ok(KekSource::Command { program, arguments: words.map(str::to_owned).collect() })
            }
            _ => Err(KekError::Source),
        }
    }
}

impl fmt::Display for KekSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KekSource::File(path) => write!(f, "file:{}", path.display()),
            KekSource::Environment(name) => write!(f, "env:{name}"),
            // Arguments may hold a token.
            KekSource::Command { program, .. } => write!(f, "command:{}", program.display()),
        }
    }
}

impl fmt::Debug for KekSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KekSource({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> KekSource {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_is_a_file_a_variable_or_an_absolute_program() {
        assert_eq!(source("file:/run/kek"), KekSource::File("/run/kek".into()));
        assert_eq!(source("env:KEK_2"), KekSource::Environment("KEK_2".into()));
        let expected =
            KekSource::Command { program: "/bin/kms".into(), arguments: vec!["a".into(), "b".into()] };
        assert_eq!(source("command:/bin/kms a  b"), expected);
        for bad in ["", "file:", "env:", "env:A-B", "command:kms", "command:", "http://x", &"1".repeat(64)] {
            assert_eq!(bad.parse::<KekSource>(), Err(KekError::Source), "{bad}");
        }
    }

    #[test]
    fn each_source_gives_the_key_and_a_bad_one_is_named_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let digits = "5e".repeat(32);
        let [good, bad] = ["good", "bad"].map(|name| folder.path().join(name));
        std::fs::write(&good, format!("{digits}\n")).unwrap();
        std::fs::write(&bad, "hunter2").unwrap();
        let variable = |name: &str| (name == "KEK").then(|| SecretString::from(digits.clone()));
        let read = |text: &str| source(text).read(&variable);
        let file = read(&format!("file:{}", good.display())).unwrap();
        assert_eq!(file.id(), read("env:KEK").unwrap().id());
        assert_eq!(file.id(), read(&format!("command:/bin/cat {}", good.display())).unwrap().id());
        let refused = read(&format!("file:{}", bad.display())).unwrap_err();
        assert!(matches!(refused, KekError::Malformed { .. }));
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        let missing = read("env:OTHER").unwrap_err().to_string();
        assert!(missing.starts_with("the key-encryption key of env:OTHER cannot be had: it is not set;"));
    }

    #[test]
    fn a_file_of_any_size_is_read_to_the_limit_only() {
        assert!(matches!(source("file:/dev/zero").read(&|_| None), Err(KekError::Malformed { .. })));
    }
}
