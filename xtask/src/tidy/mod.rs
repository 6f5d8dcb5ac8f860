//! The style gate: rules over the tracked files that a machine can check.
//!
//! Each rule is a pure function from a file's text to findings, so that its tests can show it failing.

mod architecture;
mod finding;
mod header;
mod length;
mod manifest;
mod money;
mod names;
mod rust_source;
mod sql_amounts;
mod sql_tokens;
mod test_code;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use self::finding::Finding;
use self::rust_source::RustSource;
use crate::Verdict;
use crate::error::ChoreError;
use crate::workspace::{read_text, tracked_files};

/// A tracked text file, with its Rust source taken apart where it is one.
struct TextFile {
    path: String,
    text: String,
    rust: Option<RustSource>,
}

/// Checks every tracked text file, prints the findings on stdout, and is good when there are none.
pub fn run(root: &Path) -> Result<Verdict, ChoreError> {
    let files = read_all(root)?;
    let mut findings = check(&files);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings in {} files", findings.len(), files.len());
    Ok(if findings.is_empty() { Verdict::Good } else { Verdict::Bad })
}

fn read_all(root: &Path) -> Result<Vec<TextFile>, ChoreError> {
    let mut files = Vec::new();
    for path in tracked_files(root)? {
        if let Some(text) = read_text(&root.join(&path))? {
            let rust = path.ends_with(".rs").then(|| RustSource::read(&text));
            files.push(TextFile { path, text, rust });
        }
    }
    Ok(files)
}

fn check(files: &[TextFile]) -> Vec<Finding> {
    let test_files = test_code::test_only_files(files);
    let amounts = amount_columns(files);
    let mut findings = architecture::check(files);
    for file in files {
        findings.extend(names::check(&file.path));
        findings.extend(words::check(&file.path, &file.text));
        if file.path.ends_with("Cargo.toml") {
            findings.extend(manifest::check(&file.path, &file.text));
        }
        if file.path.ends_with(".sql") {
            findings.extend(sql_amounts::check(&file.path, 1, &file.text, &amounts));
        }
        if let Some(rust) = &file.rust {
            findings.extend(check_rust(file, rust, &test_files, &amounts));
        }
    }
    findings
}

fn check_rust(
    file: &TextFile,
    rust: &RustSource,
    test_files: &BTreeSet<String>,
    amounts: &BTreeSet<String>,
) -> Vec<Finding> {
    let is_test_file = test_files.contains(&file.path) || test_code::is_under_tests(&file.path);
    let mut findings = header::check(&file.path, &file.text);
    findings.extend(length::check_file(&file.path, &file.text));
    findings.extend(length::check_functions(&file.path, rust));
    if !is_test_file {
        findings.extend(header::check_docs_are_asked_for(&file.path, rust));
        findings.extend(money::check(&file.path, rust));
    }
    // This crate's own tests hold bad SQL on purpose.
    if !file.path.starts_with("xtask/") {
        for literal in rust.literals.iter().filter(|literal| sql_amounts::is_sql(&literal.text)) {
            findings.extend(sql_amounts::check(&file.path, literal.line, &literal.text, amounts));
        }
    }
    findings
}

/// The amount columns that any migration declares, in SQL files or in SQL inside Rust.
fn amount_columns(files: &[TextFile]) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    for file in
        files.iter().filter(|file| file.path.starts_with("crates/") || file.path.starts_with("desks/"))
    {
        if file.path.ends_with(".sql") && file.path.contains("/migrations/") {
            columns.extend(sql_amounts::declared_columns(&file.text));
        }
        for literal in file.rust.iter().flat_map(|rust| &rust.literals) {
            if literal.text.contains("CREATE TABLE") || literal.text.contains("ADD COLUMN") {
                columns.extend(sql_amounts::declared_columns(&literal.text));
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        let rust = path.ends_with(".rs").then(|| RustSource::read(text));
        TextFile { path: path.to_owned(), text: text.to_owned(), rust }
    }

    fn rules(files: &[TextFile]) -> Vec<&'static str> {
        check(files).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_tidy_tree_has_no_findings() {
        let files = [
            file("crates/money/src/lib.rs", "//! Money.\n\n/// One.\npub fn one() -> u8 {\n    1\n}\n"),
            file("crates/store/migrations/0001.sql", "CREATE TABLE t (debits NUMERIC(39,0) NOT NULL);\n"),
        ];
        assert_eq!(rules(&files), [""; 0]);
    }

    #[test]
    fn a_column_declared_in_a_migration_is_guarded_in_rust_too() {
        let files = [
            file("crates/store/migrations/0001.sql", "CREATE TABLE t (debits NUMERIC(39,0) NOT NULL);\n"),
            file(
                "crates/ledger/src/totals.rs",
                "//! Totals.\nconst Q: &str = \"SELECT SUM(debits) FROM t\";\n",
            ),
        ];
        assert_eq!(rules(&files), [sql_amounts::RULE]);
    }

    #[test]
    fn test_files_may_unwrap_and_other_money_code_may_not() {
        let text = "//! One.\nfn one() {\n    two().unwrap()\n}\n";
        assert_eq!(rules(&[file("crates/store/tests/one.rs", text)]), [""; 0]);
        assert_eq!(rules(&[file("crates/store/src/one.rs", text)]), [money::RULE]);
        let with_module = [
            file("crates/store/src/lib.rs", "//! Store.\n#[cfg(test)]\nmod one;\n"),
            file("crates/store/src/one.rs", text),
        ];
        assert_eq!(rules(&with_module), [""; 0]);
    }
}
