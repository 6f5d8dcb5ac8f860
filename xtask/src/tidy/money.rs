//! The rule on money code: no floats, nothing that ends the process by accident, nothing unsafe.

use super::finding::Finding;
use super::rust_source::{RustSource, is_name_byte};
use super::test_code::test_ranges;

/// Money code keeps to exact and total operations.
pub const RULE: &str = "money-code";

const FOLDERS: [&str; 8] = [
    "chains/",
    "crates/chain/",
    "crates/money/",
    "crates/store/",
    "crates/ledger/",
    "crates/control/",
    "crates/audit/",
    "desks/",
];

/// What is banned, why, and what to do instead.
const BANNED: [(&str, &str, &str); 6] = [
    ("f32", "a float cannot hold money exactly", "Use an integer or an exact ratio"),
    ("f64", "a float cannot hold money exactly", "Use an integer or an exact ratio"),
    (".unwrap()", "it ends the process at the first surprise", "Return an error with `?`"),
    (".expect(", "it ends the process at the first surprise", "Return an error with `?`"),
    ("panic!", "it ends the process with work in flight", "Return an error, or use the invariant macro"),
    ("unsafe", "the compiler no longer vouches for the code", "Write it in safe Rust"),
];

/// Finds the banned words in shipped money code. Code that only tests compile is free to use them.
pub fn check(path: &str, rust: &RustSource) -> Vec<Finding> {
    if !FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let tests = test_ranges(rust);
    let mut findings = Vec::new();
    for (word, why, remedy) in BANNED {
        let offsets =
            occurrences(rust, word).filter(|offset| !tests.iter().any(|range| range.contains(offset)));
        findings.extend(offsets.map(|offset| Finding {
            path: path.to_owned(),
            line: rust.line_of(offset),
            rule: RULE,
            why: format!("`{word}`: {why}"),
            remedy,
        }));
    }
    findings
}

/// Places where the word stands by itself; a digit before a float type (`1.0f64`) hides nothing.
fn occurrences<'a>(rust: &'a RustSource, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = rust.code.as_bytes();
    let joins = |byte: &u8| is_name_byte(byte) && !byte.is_ascii_digit();
    rust.code.match_indices(word).map(|(offset, _)| offset).filter(move |&offset| {
        let before = offset.checked_sub(1).and_then(|index| bytes.get(index));
        let after = bytes.get(offset + word.len());
        let open_left = word.starts_with('.') || !before.is_some_and(joins);
        let open_right = word.ends_with(['(', ')', '!']) || !after.is_some_and(is_name_byte);
        open_left && open_right
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(path, &RustSource::read(text)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn each_banned_word_is_found() {
        for line in
            ["x as f32", "1.0f64", "a().unwrap()", "a().expect(\"b\")", "core::panic!()", "unsafe { a() }"]
        {
            let text = format!("fn f() {{\n    {line}\n}}\n");
            assert_eq!(found("crates/ledger/src/a.rs", &text), [2], "{line}");
            assert_eq!(found("desks/rounds/src/a.rs", &text), [2], "{line}");
        }
    }

    #[test]
    fn other_crates_comments_strings_and_longer_names_are_left_alone() {
        assert_eq!(found("crates/web/src/a.rs", "fn f() { a().unwrap() }"), [0; 0]);
        let innocent = "// a panic! here\nconst A: &str = \"unsafe\";\n#![deny(unsafe_code)]\nlet pdf64 = b.unwrap_or(c);";
        assert_eq!(found("crates/money/src/a.rs", innocent), [0; 0]);
    }

    #[test]
    fn test_modules_may_use_them_and_code_after_them_may_not() {
        let text = "#[cfg(test)]\nmod tests {\n    fn f() { a().unwrap() }\n}\nfn g() { b().unwrap() }\n";
        assert_eq!(found("crates/money/src/a.rs", text), [5]);
    }
}
