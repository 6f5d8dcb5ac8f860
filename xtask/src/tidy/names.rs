//! The rule on names of files and folders: a name says what is inside.

use super::finding::Finding;

/// No Rust file or folder has a name that would fit anything.
pub const RULE: &str = "empty-name";

const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "commons", "manager", "managers", "misc", "shared"];

/// Checks the path of a Rust file.
pub fn check(path: &str) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let stems = path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let empty = stems.filter(|stem| EMPTY_NAMES.contains(stem));
    let finding = |stem| Finding {
        path: path.to_owned(),
        line: 1,
        rule: RULE,
        why: format!("the name `{stem}` would fit anything, so it tells nothing"),
        remedy: "Name it after what it holds, or move each part to where it belongs",
    };
    empty.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit_anything_are_found_in_files_and_folders() {
        for path in
            ["a/src/utils.rs", "a/src/helpers.rs", "a/tests/common/mod.rs", "a/src/round_x/manager.rs"]
        {
            assert_eq!(check(path).len(), 1, "{path}");
        }
    }

    #[test]
    fn names_with_a_subject_are_fine() {
        for path in ["a/src/settlement.rs", "a/src/common_stock.rs", "docs/common.md"] {
            assert!(check(path).is_empty(), "{path}");
        }
    }
}
