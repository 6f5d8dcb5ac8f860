//! Rules on documentation: each file says its subject, and the compiler is left to ask for the rest.

use super::finding::Finding;
use super::rust_source::RustSource;

/// The first line of a file says what it is about.
pub const HEADER_RULE: &str = "file-header";
/// The lint on undocumented public items stays on.
pub const DOCS_RULE: &str = "documented";

/// A Rust file begins with a `//!` line, or with `#!`.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("//!") || first.starts_with("#!") {
        return Vec::new();
    }
    vec![Finding {
        path: path.to_owned(),
        line: 1,
        rule: HEADER_RULE,
        why: "the first line does not say what the file is about".to_owned(),
        remedy: "Begin it with one `//!` sentence on its one subject",
    }]
}

/// Shipped code does not switch off the lint that finds undocumented public items.
pub fn check_docs_are_asked_for(path: &str, rust: &RustSource) -> Vec<Finding> {
    let finding = |offset| Finding {
        path: path.to_owned(),
        line: rust.line_of(offset),
        rule: DOCS_RULE,
        why: "`missing_docs` is switched off here, so public items can stay undocumented".to_owned(),
        remedy: "Remove the attribute and document the items",
    };
    rust.find_word("missing_docs").map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_subject_is_found() {
        assert_eq!(check("a.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(check("a.rs", "").len(), 1);
        assert_eq!(check("a.rs", "/// Not of the file.\n").len(), 1);
    }

    #[test]
    fn a_file_with_a_subject_is_fine() {
        assert!(check("a.rs", "//! Amounts.\n").is_empty());
        assert!(check("a.rs", "#![no_main]\n").is_empty());
    }

    #[test]
    fn switching_off_the_documentation_lint_is_found() {
        let rust = RustSource::read("//! A.\n#![allow(missing_docs)]\n");
        assert_eq!(check_docs_are_asked_for("a.rs", &rust)[0].line, 2);
        let prose = RustSource::read("//! About missing_docs.\n");
        assert!(check_docs_are_asked_for("a.rs", &prose).is_empty());
    }
}
