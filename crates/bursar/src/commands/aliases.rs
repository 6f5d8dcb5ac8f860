//! Colon names: `ops:pause:joins` is `ops pause joins` (docs/spec/platform.md V5).

use std::ffi::OsString;

/// Rewrites the first argument after the program's name when it is a colon name or another alias of a verb.
#[must_use]
pub fn rewrite(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next();
    let verb = arguments.next();
    let words = verb.as_deref().and_then(|verb| verb.to_str()).and_then(words);
    let verb: Vec<OsString> = match words {
        Some(words) => words.into_iter().map(OsString::from).collect(),
        None => verb.into_iter().collect(),
    };
    program.into_iter().chain(verb).chain(arguments).collect()
}

/// The words of an alias; `None` = it is none.
fn words(verb: &str) -> Option<Vec<&str>> {
    if verb == "check-config" {
        return Some(vec!["config", "check"]);
    }
    match verb {
        "canary:workers" => return Some(vec!["ops", "canary"]),
        "restore" => return Some(vec!["backup", "restore"]),
        "ops:backup:d1" => return Some(vec!["backup", "create"]),
        "ops:backup:verify" => return Some(vec!["backup", "verify"]),
        _ => {}
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
    };
    let words: Vec<&str> = verb.split(':').collect();
    (words.len() > 1 && !verb.starts_with('-') && words.iter().all(|word| is_word(word))).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = rewrite(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn v5_colon_names_are_aliases_of_the_first_argument() {
        for (line, meaning) in [
            ("bursar ops:pause:joins --reason drill", "bursar ops pause joins --reason drill"),
            ("bursar ops:resume:sim-settlement", "bursar ops resume sim-settlement"),
            ("bursar ops:pause:all", "bursar ops pause all"),
            ("bursar ops:health", "bursar ops health"),
            ("bursar migrate:up", "bursar migrate up"),
            ("bursar ops:smoke --wait-settled", "bursar ops smoke --wait-settled"),
            ("bursar canary:workers", "bursar ops canary"),
            ("bursar load:all-wallets", "bursar load all-wallets"),
            ("bursar restore --to sqlite:x", "bursar backup restore --to sqlite:x"),
            ("bursar ops:backup:d1", "bursar backup create"),
            ("bursar ops:backup:verify", "bursar backup verify"),
            ("bursar backup:verify", "bursar backup verify"),
            ("bursar check-config --env dev", "bursar config check --env dev"),
        ] {
            assert_eq!(rewritten(line), meaning);
        }
    }

    #[test]
    fn other_arguments_stay_as_they_are() {
        for line in [
            "bursar",
            "bursar ops pause joins",
            "bursar ops pause a:b",
            "bursar --database sqlite:x",
            "bursar sqlite:/x",
            "bursar ops:",
            "bursar :ops",
        ] {
            assert_eq!(rewritten(line), line);
        }
    }
}
