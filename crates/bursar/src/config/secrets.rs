//! Secrets from a variable or from the file that `<NAME>_FILE` names, and their predecessors (V1).

use secrecy::SecretString;

use super::problem::Problem;
use super::registry::Variable;
use super::source::{Layer, Merged, Source};

/// A secret that callers show, and the one it replaces while that one may still be shown.
#[derive(Clone, Debug)]
pub struct CallerSecret {
    /// The secret in force.
    pub current: SecretString,
    /// The former one, valid only while `<NAME>_PREVIOUS` is set.
    pub previous: Option<SecretString>,
}

/// The text of one secret name, from itself or from its file. Problems never quote a value, nor the file's
/// path: somebody who confuses the two names puts the secret there.
pub(super) fn read(
    variable: &Variable,
    name: &str,
    source: &Source,
    merged: &Merged,
    problems: &mut Vec<Problem>,
) -> Option<(String, Layer)> {
    let file_name = format!("{name}_FILE");
    let value = merged.filled(name);
    let Some((path, layer)) = merged.filled(&file_name) else {
        return value.map(|(text, layer)| (text.to_owned(), layer));
    };
    if value.is_some() {
        problems.push(Problem::new(
            variable.desk,
            name,
            format!("is set beside {file_name}"),
            "keep one of the two",
        ));
        return None;
    }
    match source.read(path) {
        Ok(text) if text.trim().is_empty() => {
            problems.push(Problem::new(
                variable.desk,
                file_name,
                "names an empty file",
                "write the secret into it",
            ));
            None
        }
        Ok(text) => Some((text.trim_end_matches(['\r', '\n']).to_owned(), layer)),
        Err(error) => {
            let rule = format!("names a file that cannot be read ({})", error.kind());
            problems.push(Problem::new(
                variable.desk,
                file_name,
                rule,
                "name a file that the server may read",
            ));
            None
        }
    }
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
