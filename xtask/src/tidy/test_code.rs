//! Tells test code from the code that ships.

use std::collections::BTreeSet;
use std::ops::Range;

use super::TextFile;
use super::rust_source::{ItemEnd, RustSource};

const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test"];
const ITEM_WORDS: [&str; 14] = [
    "pub",
    "mod",
    "fn",
    "impl",
    "use",
    "struct",
    "enum",
    "const",
    "static",
    "type",
    "trait",
    "async",
    "macro_rules",
    "let",
];

/// Whether a path lies in a `tests` folder.
pub fn is_under_tests(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| folder == "tests")
}

/// The byte ranges of the code that only tests compile: items marked `#[cfg(test)]`, or the whole file.
pub fn test_ranges(rust: &RustSource) -> Vec<Range<usize>> {
    if rust.code.contains("#![cfg(test)]") {
        return std::iter::once(0..rust.code.len()).collect();
    }
    let starts = MARKS.iter().flat_map(|mark| rust.code.match_indices(mark)).map(|(start, _)| start);
    starts.map(|start| start..marked_end(rust, start)).collect()
}

/// Files that are modules declared only for tests, such as `src/pool/tests.rs` after `#[cfg(test)] mod tests;`.
pub fn test_only_files(files: &[TextFile]) -> BTreeSet<String> {
    let mut folders = Vec::new();
    let mut found = BTreeSet::new();
    for file in files {
        for name in file.rust.iter().flat_map(declared_test_modules) {
            let base = module_folder(&file.path);
            found.insert(format!("{base}{name}.rs"));
            folders.push(format!("{base}{name}/"));
        }
    }
    let below =
        files.iter().filter(|file| folders.iter().any(|folder| file.path.starts_with(folder.as_str())));
    found.extend(below.map(|file| file.path.clone()));
    found
}

/// The offset past the item marked at `start`. Of a marked field or expression only the line counts.
fn marked_end(rust: &RustSource, start: usize) -> usize {
    let item = after_attributes(rust, start);
    let rest = rust.code.get(item..).unwrap_or_default();
    let first = rest.split(|mark: char| !mark.is_alphanumeric() && mark != '_').next().unwrap_or_default();
    match rust.item_end(item) {
        Some(ItemEnd::Brace(end) | ItemEnd::Semicolon(end)) if ITEM_WORDS.contains(&first) => end,
        _ => item + rest.find('\n').unwrap_or(rest.len()),
    }
}

/// The offset of the first mark after the attributes that begin at `start`.
fn after_attributes(rust: &RustSource, start: usize) -> usize {
    let mut at = start;
    loop {
        let rest = rust.code.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with("#[") {
            return at;
        }
        at += attribute_length(trimmed);
    }
}

fn attribute_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 1 => return index + 1,
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.len()
}

fn declared_test_modules(rust: &RustSource) -> Vec<String> {
    let items = test_ranges(rust).into_iter().filter_map(|range| rust.code.get(range));
    let names = items.filter_map(|item| {
        let declaration = item.rsplit(']').next()?.trim();
        let name = declaration.strip_suffix(';')?.trim().split_once("mod ")?.1;
        Some(name.trim().to_owned())
    });
    names.collect()
}

/// The folder in which the modules declared by a file lie, with a slash at its end.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => format!("{folder}/"),
        _ => format!("{folder}/{}/", name.trim_end_matches(".rs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_code(text: &str) -> Vec<String> {
        let rust = RustSource::read(text);
        test_ranges(&rust).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn a_test_module_reaches_to_its_closing_brace() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() {} }\nfn c() {}";
        assert_eq!(test_code(text), ["#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() {} }"]);
        assert_eq!(
            test_code("#[cfg(all(test, unix))]\nfn d() {}\nfn e() {}"),
            ["#[cfg(all(test, unix))]\nfn d() {}"]
        );
    }

    #[test]
    fn a_marked_field_hides_no_more_than_its_line() {
        let text = "struct S {\n    #[cfg(test)]\n    a: u8,\n    b: u8,\n}\nfn f() { g() }";
        assert_eq!(test_code(text), ["#[cfg(test)]\n    a: u8,"]);
    }

    #[test]
    fn ordinary_code_and_quoted_marks_are_no_test_code() {
        assert_eq!(test_code("#[cfg(unix)]\nfn a() {}\nconst B: &str = \"#[cfg(test)]\";"), [""; 0]);
    }

    #[test]
    fn a_module_declared_for_tests_makes_its_files_test_files() {
        let file = |path: &str, text: &str| TextFile {
            path: path.to_owned(),
            text: String::new(),
            rust: Some(RustSource::read(text)),
        };
        let files = [
            file("crates/store/src/lib.rs", "pub mod lane;\n#[cfg(test)]\nmod simulated;"),
            file("crates/store/src/lane.rs", "#[cfg(test)]\nmod tests;"),
            file("crates/store/src/simulated/disk.rs", ""),
        ];
        let found: Vec<String> = test_only_files(&files).into_iter().collect();
        assert_eq!(
            found,
            [
                "crates/store/src/lane/tests.rs",
                "crates/store/src/simulated.rs",
                "crates/store/src/simulated/disk.rs"
            ]
        );
    }

    #[test]
    fn only_folders_called_tests_count() {
        assert!(is_under_tests("crates/store/tests/both/lanes.rs"));
        assert!(!is_under_tests("crates/store/src/tests.rs"));
    }
}
