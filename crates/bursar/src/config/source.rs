//! Where values come from: config file, environment and command-line flags, each layer over the one before.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::desks::Owner;
use super::file;
use super::problem::Problem;
use super::registry;

/// The layer that supplied a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Nobody set it.
    Default,
    /// The config file named by `BURSAR_CONFIG`.
    File,
    /// The process environment.
    Environment,
    /// A command-line flag.
    Flag,
}

/// The largest config or secret file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

type ReadFile = Arc<dyn Fn(&Path) -> io::Result<String> + Send + Sync>;

/// The raw texts of one start, not yet checked. Files are read at each load.
#[derive(Clone)]
pub struct Source {
    environment: BTreeMap<String, String>,
    flags: BTreeMap<String, String>,
    not_text: Vec<String>,
    read_file: ReadFile,
}

/// All layers laid over each other.
pub(super) struct Merged {
    /// The winning text of each name, and the layer it came from.
    pub(super) texts: BTreeMap<String, (String, Layer)>,
}

impl Merged {
    /// The text of `name` and its layer, unless it is blank.
    pub(super) fn filled(&self, name: &str) -> Option<(&str, Layer)> {
        self.texts
            .get(name)
            .filter(|(text, _)| !text.trim().is_empty())
            .map(|(text, layer)| (text.as_str(), *layer))
    }
}

impl Source {
    /// The environment of this process. The only place that reads it.
    #[must_use]
    pub fn from_process() -> Source {
        let mut source = Source::new(BTreeMap::new());
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(text) => _ = source.environment.insert(name.to_owned(), text),
                Err(_) => source.not_text.push(name.to_owned()),
            }
        }
        source
    }

    /// A given environment, reading files from the file system.
    #[must_use]
    pub fn new(environment: BTreeMap<String, String>) -> Source {
        Source {
            environment,
            flags: BTreeMap::new(),
            not_text: Vec::new(),
            read_file: Arc::new(read_limited),
        }
    }

    /// Lets a command-line flag decide `name`, over file and environment (`--listen` is `BURSAR_LISTEN`, and
    /// so on).
    #[must_use]
    pub fn with_flag(mut self, name: &str, text: impl Into<String>) -> Source {
        self.flags.insert(name.to_owned(), text.into());
        self
    }

    /// Reads files through `read` instead of the file system.
    #[must_use]
    pub fn with_files(
        mut self,
        read: impl Fn(&Path) -> io::Result<String> + Send + Sync + 'static,
    ) -> Source {
        self.read_file = Arc::new(read);
        self
    }

    /// The text of a config or secret file.
    pub(super) fn read(&self, path: &str) -> io::Result<String> {
        (self.read_file)(Path::new(path.trim()))
    }

    /// Whether there is a folder of this path.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.read(path).is_err_and(|error| error.kind() == io::ErrorKind::IsADirectory)
    }

    /// Lays file, environment and flags over each other, in this order.
    pub(super) fn merge(&self, problems: &mut Vec<Problem>) -> Merged {
        for name in &self.not_text {
            if registry::lookup(name).is_some() || registry::prefix_owner(name).is_some() {
                let owner = registry::lookup(name).map_or(Owner::Platform, |(variable, _)| variable.desk);
                problems.push(Problem::new(owner, name, "is not UTF-8 text", "write it as UTF-8"));
            }
        }
        let chosen = self.flags.get("BURSAR_CONFIG").or_else(|| self.environment.get("BURSAR_CONFIG"));
        let from_file = match chosen.map(|path| path.trim()).filter(|path| !path.is_empty()) {
            Some(path) => file::read(self, path, problems),
            None => BTreeMap::new(),
        };
        let mut texts = BTreeMap::new();
        let layers =
            [(&from_file, Layer::File), (&self.environment, Layer::Environment), (&self.flags, Layer::Flag)];
        for (layer_texts, layer) in layers {
            for (name, text) in layer_texts {
                texts.insert(name.clone(), (text.clone(), layer));
            }
        }
        Merged { texts }
    }
}

impl fmt::Debug for Source {
    /// Texts may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Source").finish_non_exhaustive()
    }
}

fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::super::testing::{source, with_files};
    use super::*;

    #[test]
    fn a_flag_overrides_the_environment_and_that_overrides_the_file() {
        let file = ("bursar.toml", "PANCHO_SIM_SETTLE_LIMIT = 11\nPORT = 1111\nOPS_SUMMARY_LIMIT = \"55\"\n");
        let environment =
            [("BURSAR_CONFIG", "bursar.toml"), ("PORT", "2222"), ("PANCHO_SIM_SETTLE_LIMIT", "22")];
        let source = with_files(&environment, &[file]).with_flag("PANCHO_SIM_SETTLE_LIMIT", "33");
        let configuration = load(&source).unwrap();
        assert_eq!(configuration.value("PANCHO_SIM_SETTLE_LIMIT"), Some("33"));
        assert_eq!(configuration.value("PORT"), Some("2222"));
        assert_eq!(configuration.value("OPS_SUMMARY_LIMIT"), Some("55"));
        let layers = ["PANCHO_SIM_SETTLE_LIMIT", "PORT", "OPS_SUMMARY_LIMIT", "PANCHO_STATUS_CACHE_MS"]
            .map(|name| configuration.values.layer(name));
        assert_eq!(layers, [Layer::Flag, Layer::Environment, Layer::File, Layer::Default]);
    }

    #[test]
    fn a_config_file_that_cannot_be_read_is_a_problem() {
        let errors = load(&source(&[("BURSAR_CONFIG", "missing.toml")])).unwrap_err();
        assert_eq!(errors.problems[0].variable, "BURSAR_CONFIG");
        assert_eq!(errors.problems[0].rule, "names a file that cannot be read (entity not found)");
    }

    #[test]
    fn files_are_read_from_the_file_system_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "x".repeat(1024 * 1024)).unwrap();
        assert_eq!(read_limited(&path).unwrap().len(), 1024 * 1024);
        std::fs::write(&path, "x".repeat(1024 * 1024 + 1)).unwrap();
        assert_eq!(read_limited(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn the_environment_of_the_process_is_read_by_one_function() {
        let source = Source::from_process();
        assert_eq!(source.environment.get("CARGO_PKG_NAME").map(String::as_str), Some("bursar"));
    }
}
