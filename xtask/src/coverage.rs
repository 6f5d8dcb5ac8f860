//! `cargo xtask coverage`: which lines and regions of the product the tests run, crate by crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::Value;

use crate::Verdict;
use crate::error::ChoreError;
use crate::score::{Shares, report, room};
use crate::tools::{cargo_subcommand, must_succeed, output_of, target_folder};
use crate::workspace::{cargo, read_text};

const TOOL: &str = "cargo-llvm-cov@0.9.1";
/// Rooms that must have their lines run, and how many of a thousand.
const DEMANDED: [&str; 4] = ["crates/money", "crates/ledger", "crates/payouts", "(decide)"];
const LINES_PERMILLE_MIN: u64 = 950;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// A package whose tests are run; all of them without the campaigns when none is named.
    #[arg(long = "package", short = 'p')]
    packages: Vec<String>,
}

/// Runs the tests with instrumented code and prints what they covered. Tests in the files themselves do not count.
pub fn run(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    cargo_subcommand(root, "llvm-cov", TOOL)?;
    let [cov, profdata] = llvm_programs(root)?;
    let tool = |arguments: &[&str]| {
        let mut command = cargo(root);
        command.args(["llvm-cov"]).args(arguments).env("LLVM_COV", &cov).env("LLVM_PROFDATA", &profdata);
        command
    };
    must_succeed(&mut tool(&["clean", "--workspace", "--profraw-only"]))?;
    let mut tests = tool(&["nextest", "--no-report", "--locked"]);
    if options.packages.is_empty() {
        tests.args(["--workspace", "-E", "not test(campaign)"]);
    }
    tests.args(options.packages.iter().flat_map(|package| ["--package", package]));
    must_succeed(&mut tests)?;
    let folder = target_folder(root).join("coverage");
    fs::create_dir_all(&folder).map_err(|source| ChoreError::File { path: folder.clone(), source })?;
    let [lcov, json] = ["lcov.info", "coverage.json"].map(|name| folder.join(name));
    must_succeed(tool(&["report", "--lcov", "--output-path"]).arg(&lcov))?;
    must_succeed(tool(&["report", "--json", "--output-path"]).arg(&json))?;
    let lines = lines(root, &text(&lcov)?)?;
    let regions = regions(root, &text(&json)?)?;
    report("Regions of the product that the tests run:", &regions, &[], 0);
    let is_enough = report("Lines of the product that the tests run:", &lines, &DEMANDED, LINES_PERMILLE_MIN);
    println!("Line by line: {}", lcov.display());
    Ok(if is_enough { Verdict::Good } else { Verdict::Bad })
}

/// `llvm-cov` and `llvm-profdata` of the major version that rustc is built with: other versions read no profile of it.
fn llvm_programs(root: &Path) -> Result<[PathBuf; 2], ChoreError> {
    let version = output_of(Command::new("rustc").current_dir(root).arg("-vV"))?;
    let major = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    let major = major.unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |name: &str| {
        let name = format!("{name}-{major}");
        let found = std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file());
        found.ok_or_else(|| ChoreError::Missing {
            what: name,
            fix: format!("install Debian's llvm-{major}: apt-get install llvm-{major}"),
        })
    };
    Ok([find("llvm-cov")?, find("llvm-profdata")?])
}

fn text(path: &Path) -> Result<String, ChoreError> {
    Ok(read_text(path)?.unwrap_or_default())
}

/// The product code of a file: its room, and the line where its own tests begin.
struct Product {
    room: String,
    end: u64,
}

impl Product {
    fn of(root: &Path, file: &str) -> Result<Option<Product>, ChoreError> {
        let path = Path::new(file);
        let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        let Some(room) = room(&relative) else { return Ok(None) };
        let source = text(path)?;
        let tests = source.lines().position(|line| line == "#[cfg(test)]");
        let end = tests.and_then(|line| u64::try_from(line).ok()).unwrap_or(u64::MAX);
        Ok(Some(Product { room, end }))
    }
}

/// Lines by room, of a report in LCOV's form: `SF:file`, then `DA:line,count`.
fn lines(root: &Path, lcov: &str) -> Result<Shares, ChoreError> {
    let (mut shares, mut product) = (Shares::new(), None);
    for line in lcov.lines() {
        if let Some(file) = line.strip_prefix("SF:") {
            product = Product::of(root, file)?;
        }
        let Some((number, count)) = line.strip_prefix("DA:").and_then(|pair| pair.split_once(',')) else {
            continue;
        };
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        if let Some(product) = product.as_ref().filter(|product| number <= product.end) {
            shares.entry(product.room.clone()).or_default().count(count != "0");
        }
    }
    Ok(shares)
}

/// Regions by room, of LLVM's JSON: each file's segments are line, column, count, whether it has a count, whether a
/// region begins there, and whether that is a gap.
fn regions(root: &Path, json: &str) -> Result<Shares, ChoreError> {
    let unreadable = |reason: String| ChoreError::Answer { program: "cargo llvm-cov".to_owned(), reason };
    let found: Value = serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))?;
    let files = found.pointer("/data/0/files").and_then(Value::as_array);
    let mut shares = Shares::new();
    for file in files.ok_or_else(|| unreadable("it names no files".to_owned()))? {
        let Some(product) = Product::of(root, file["filename"].as_str().unwrap_or_default())? else {
            continue;
        };
        for segment in file["segments"].as_array().into_iter().flatten() {
            let number = segment[0].as_u64().unwrap_or(u64::MAX);
            let begins = segment[3] == true && segment[4] == true && segment[5] == false;
            if begins && number <= product.end {
                shares.entry(product.room.clone()).or_default().count(segment[2] != 0);
            }
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Share;

    /// A folder with one product file of three lines, whose tests begin on the third.
    fn folder(name: &str) -> (PathBuf, String) {
        let root = std::env::temp_dir().join(format!("bursar-coverage-{name}-{}", std::process::id()));
        let file = root.join("crates/money/src/amount.rs");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "fn one() {}\nfn two() {}\n#[cfg(test)]\nmod tests {}\n").unwrap();
        (root, file.to_string_lossy().into_owned())
    }

    #[test]
    fn lines_count_up_to_the_tests_of_their_file() {
        let (root, file) = folder("lines");
        let lcov = format!("SF:{file}\nDA:1,4\nDA:2,0\nDA:4,9\nend_of_record\nSF:/elsewhere.rs\nDA:1,1\n");
        let expected = Shares::from([("crates/money".to_owned(), Share { good: 1, all: 2 })]);
        assert_eq!(lines(&root, &lcov).unwrap(), expected);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn regions_count_where_they_begin() {
        let (root, file) = folder("regions");
        let segments = "[[1,1,4,true,true,false],[1,9,0,true,false,false],[2,1,0,true,true,false],[4,1,1,true,true,false]]";
        let json = format!(r#"{{"data":[{{"files":[{{"filename":"{file}","segments":{segments}}}]}}]}}"#);
        let expected = Shares::from([("crates/money".to_owned(), Share { good: 1, all: 2 })]);
        assert_eq!(regions(&root, &json).unwrap(), expected);
        assert!(regions(&root, "{}").is_err());
        fs::remove_dir_all(root).unwrap();
    }
}
