//! Secrets from a variable or from the file that `<NAME>_FILE` names, and their predecessors (V1).

use std::io::ErrorKind;

use super::problem::Problem;
use super::registry::Variable;
use super::source::{Layer, Merged, Source};

pub use bursar_web::CallerSecret;

/// A secret as it was found.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) layer: Layer,
    /// The name that gave it: its own, or that of its file.
    pub(super) origin: String,
}

/// The secret of `variable`, from itself or from its file. Problems never quote a value, nor the file's path: somebody
/// who confuses the two names puts the secret there.
pub(super) fn read(
    variable: &Variable,
    source: &Source,
    merged: &Merged,
    problems: &mut Vec<Problem>,
) -> Option<Found> {
    let name = variable.name;
    match named(variable, name, source, merged) {
        Ok(Some(File::Blank(file))) => {
            let fix = "write the secret into it";
            problems.push(Problem::new(variable.desk, file, "names an empty file", fix));
            None
        }
        Ok(Some(File::Unread(file, why))) => {
            let rule = format!("names a file that cannot be read ({why})");
            problems.push(Problem::new(variable.desk, file, rule, "name a file that the server may read"));
            None
        }
        Ok(Some(File::Text(found))) => Some(found),
        Ok(None) => None,
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// The predecessor of `variable`'s secret. Its file comes and goes with a rotation, so that none and an empty one mean
/// that there is no predecessor.
pub(super) fn read_previous(
    variable: &Variable,
    source: &Source,
    merged: &Merged,
    problems: &mut Vec<Problem>,
) -> Option<Found> {
    let name = format!("{}_PREVIOUS", variable.name);
    match named(variable, &name, source, merged) {
        Ok(Some(File::Text(found))) => Some(found),
        Ok(None | Some(File::Blank(_) | File::Unread(_, ErrorKind::NotFound))) => None,
        Ok(Some(File::Unread(file, why))) => {
            let rule = format!("names a file that cannot be read ({why})");
            let fix = "let the server read it, or remove the file when the old secret is over";
            problems.push(Problem::new(variable.desk, file, rule, fix));
            None
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// What a name gives.
enum File {
    Text(Found),
    Blank(String),
    Unread(String, ErrorKind),
}

fn named(variable: &Variable, name: &str, source: &Source, merged: &Merged) -> Result<Option<File>, Problem> {
    let file_name = format!("{name}_FILE");
    let value = merged.filled(name);
    let Some((path, layer)) = merged.filled(&file_name) else {
        let found =
            value.map(|(text, layer)| Found { text: text.to_owned(), layer, origin: name.to_owned() });
        return Ok(found.map(File::Text));
    };
    if value.is_some() {
        let rule = format!("is set beside {file_name}");
        return Err(Problem::new(variable.desk, name, rule, "keep one of the two"));
    }
    Ok(Some(match source.read(path) {
        Ok(text) if text.trim().is_empty() => File::Blank(file_name),
        Ok(text) => {
            let text = text.trim_end_matches(['\r', '\n']).to_owned();
            File::Text(Found { text, layer, origin: file_name })
        }
        Err(error) => File::Unread(file_name, error.kind()),
    }))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::load;
    use super::super::testing::{accepted, refused, with_files};

    #[test]
    fn v1_a_secret_comes_from_its_variable_or_from_its_file_without_the_line_break() {
        let environment = [
            ("SETTLE_API_KEY", " spaces stay "),
            ("OPS_API_KEY_FILE", "/run/ops"),
            ("OPS_API_KEY_PREVIOUS_FILE", "/run/ops-old"),
            ("DATABASE_URL_FILE", "/run/db"),
        ];
        let files = [("/run/ops", "new\r\n"), ("/run/ops-old", "old\n"), ("/run/db", "sqlite:x.db\n")];
        let configuration = load(&with_files(&environment, &files)).unwrap();
        assert_eq!(configuration.rounds.settle_key.clone().unwrap().current.expose_secret(), " spaces stay ");
        let ops_key = configuration.rounds.ops_key.clone().unwrap();
        assert_eq!(ops_key.current.expose_secret(), "new");
        assert_eq!(ops_key.previous.unwrap().expose_secret(), "old");
        assert_eq!(configuration.database.named_by, Some("DATABASE_URL"));
    }

    #[test]
    fn v1_value_and_file_together_are_refused() {
        let errors = refused(&[("SETTLE_API_KEY", "a"), ("SETTLE_API_KEY_FILE", "/run/a")]);
        assert_eq!(
            errors.to_string(),
            "The configuration is refused:\n\
             - rounds: SETTLE_API_KEY is set beside SETTLE_API_KEY_FILE. To fix: keep one of the two"
        );
        assert!(
            accepted(&[("SETTLE_API_KEY", "a"), ("SETTLE_API_KEY_FILE", "")]).rounds.settle_key.is_some()
        );
    }

    #[test]
    fn v1_a_file_that_is_missing_or_empty_is_refused_without_showing_what_was_written() {
        let environment = [("SETTLE_API_KEY_FILE", "hunter2"), ("OPS_API_KEY_FILE", "/run/empty")];
        let errors = load(&with_files(&environment, &[("/run/empty", "\n")])).unwrap_err();
        let rules: Vec<(&str, &str)> = errors
            .problems
            .iter()
            .map(|problem| (problem.variable.as_str(), problem.rule.as_str()))
            .collect();
        assert_eq!(
            rules,
            [
                ("SETTLE_API_KEY_FILE", "names a file that cannot be read (entity not found)"),
                ("OPS_API_KEY_FILE", "names an empty file"),
            ]
        );
        assert!(!errors.to_string().contains("hunter2"));
    }

    #[test]
    fn v1_without_a_successor_a_previous_secret_is_refused() {
        let errors = refused(&[("OPS_API_KEY_PREVIOUS", "old")]);
        assert_eq!(errors.problems[0].variable, "OPS_API_KEY_PREVIOUS");
        assert_eq!(errors.problems[0].rule, "is set although OPS_API_KEY is not");
    }

    #[test]
    fn v1_an_empty_or_missing_file_of_a_predecessor_means_that_there_is_none() {
        for files in [vec![("/run/ops", "new")], vec![("/run/ops", "new"), ("/run/ops-old", "\n")]] {
            let environment =
                [("OPS_API_KEY_FILE", "/run/ops"), ("OPS_API_KEY_PREVIOUS_FILE", "/run/ops-old")];
            let configuration = load(&with_files(&environment, &files)).unwrap();
            assert!(configuration.rounds.ops_key.unwrap().previous.is_none());
        }
    }

    #[test]
    fn v1_names_that_merely_end_in_file_are_ordinary() {
        let configuration = accepted(&[("BACKUP_KEY_FILE", "/run/key"), ("TRADES_LOG_FILE", "/var/log/x")]);
        assert_eq!(configuration.value("BACKUP_KEY_FILE"), Some("/run/key"));
        assert_eq!(configuration.value("TRADES_LOG_FILE"), Some("/var/log/x"));
    }

    #[test]
    fn a_blank_secret_is_no_secret() {
        assert!(accepted(&[("OPS_API_KEY", "  ")]).rounds.ops_key.is_none());
    }
}
