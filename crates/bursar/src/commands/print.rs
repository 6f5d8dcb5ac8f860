//! Showing what came of a command: the answer on stdout, words on stderr, and the exit.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use super::CommandError;

/// Shows it and says how the process exits: 0 for an answer, 1 for an error.
#[must_use]
pub fn print(result: &Result<Value, CommandError>) -> ExitCode {
    let is_terminal = io::stdout().is_terminal();
    // Whoever has closed stdout or stderr does not want to read it.
    match result {
        Ok(answer) => {
            _ = writeln!(io::stdout(), "{}", text(answer, is_terminal));
            ExitCode::SUCCESS
        }
        Err(error) => {
            _ = writeln!(io::stderr(), "{error}");
            _ = writeln!(io::stdout(), "{}", text(&error.answer(), is_terminal));
            ExitCode::FAILURE
        }
    }
}

/// A bare text for a string; else JSON, on one line unless a person looks at it.
fn text(answer: &Value, for_people: bool) -> String {
    match answer {
        Value::String(text) => text.trim_end().to_owned(),
        other if for_people => format!("{other:#}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn programs_get_one_line_of_json_and_documents_come_bare() {
        assert_eq!(text(&json!({"ok": true, "n": [1]}), false), r#"{"n":[1],"ok":true}"#);
        assert_eq!(text(&json!({"ok": true}), true), "{\n  \"ok\": true\n}");
        assert_eq!(text(&json!("# Title\n\nText.\n"), false), "# Title\n\nText.");
    }
}
