//! The rule on words that do not belong in the repository: hosts of registries, paths of one machine, open ends.

use super::finding::Finding;

/// No tracked text holds a forbidden word.
pub const RULE: &str = "forbidden-word";

/// Where a forbidden word may still be part of something longer.
#[derive(Clone, Copy)]
enum Match {
    /// Anywhere.
    Anywhere,
    /// Not as the continuation of a name or path.
    AtStart,
    /// Only as a word of its own.
    Whole,
}

const REGISTRY: (&str, &str) =
    ("the repository must build from any registry", "Leave the host to each person's own configuration");
const PLACE: (&str, &str) =
    ("it names a place that only one machine has", "Refer to docs/spec, or to a path in this repository");
const OPEN_END: (&str, &str) = ("it marks work that is not done", "Do the work, or leave the remark out");

/// Split in the source, so that this file does not break its own rule.
const FORBIDDEN: [(&str, Match, (&str, &str)); 10] = [
    (concat!("crates", ".io"), Match::Anywhere, REGISTRY),
    (concat!("npm", "js.org"), Match::Anywhere, REGISTRY),
    (concat!("npm", "js.com"), Match::Anywhere, REGISTRY),
    (concat!("py", "pi.org"), Match::Anywhere, REGISTRY),
    (concat!("proxy.go", "lang.org"), Match::Anywhere, REGISTRY),
    (concat!("python", "hosted.org"), Match::Anywhere, REGISTRY),
    (concat!("/wo", "rk/"), Match::AtStart, PLACE),
    (concat!("shared", "/specs"), Match::Anywhere, PLACE),
    (concat!("TO", "DO"), Match::Whole, OPEN_END),
    (concat!("FIX", "ME"), Match::Whole, OPEN_END),
];

/// Lock files are written by package managers and name registries by necessity.
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Checks every line of a text file.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if LOCK_FILES.contains(&name) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let here = FORBIDDEN.iter().filter(|(word, how, _)| holds(line, word, *how));
        findings.extend(here.map(|(word, _, (why, remedy))| Finding {
            path: path.to_owned(),
            line: index + 1,
            rule: RULE,
            why: format!("`{word}`: {why}"),
            remedy,
        }));
    }
    findings
}

fn holds(line: &str, word: &str, how: Match) -> bool {
    let is_name = |mark: char| mark.is_ascii_alphanumeric() || "_-.".contains(mark);
    line.match_indices(word).any(|(offset, _)| {
        let before = line.get(..offset).and_then(|text| text.chars().next_back());
        let after = line.get(offset + word.len()..).and_then(|text| text.chars().next());
        match how {
            Match::Anywhere => true,
            Match::AtStart => !before.is_some_and(is_name),
            Match::Whole => {
                let is_letter = |mark: char| mark.is_alphanumeric() || mark == '_';
                !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_word_is_found_with_its_line() {
        for (word, _, _) in FORBIDDEN {
            let findings = check("docs/a.md", &format!("first\nsee {word} there\n"));
            assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2], "{word}");
        }
    }

    #[test]
    fn parts_of_longer_words_and_paths_are_fine() {
        let innocent = format!("a{}list and docs{}x", concat!("TO", "DO"), concat!("/wo", "rk/"));
        assert!(check("docs/a.md", &innocent).is_empty());
    }

    #[test]
    fn lock_files_may_name_their_registry() {
        let text = format!("source = \"registry+{}\"", concat!("crates", ".io-index"));
        assert!(check("Cargo.lock", &text).is_empty());
        assert_eq!(check("Cargo.toml", &text).len(), 1);
    }
}
