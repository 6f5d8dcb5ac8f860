//! A release that can be checked before use (docs/spec/faucet.md F25): the program, its bill of materials and the recipe
//! of its image, with checksums of all of them and a signature over the checksums.

mod bill;
mod keys;
mod sources;
mod sums;

#[cfg(test)]
mod conformance_faucet;

use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use self::sources::{Origin, clean_commit, must_still_be};
use crate::Verdict;
use crate::error::ChoreError;
use crate::tools::{must_succeed, target_folder};
use crate::workspace::cargo;

/// The program's name in a release.
const PROGRAM: &str = "bursar";
/// The bill of materials, CycloneDX in JSON.
const BILL: &str = "bursar.cdx.json";
/// The recipe of the image; the release's folder is its build context.
const RECIPE: &str = "Dockerfile";
const RECIPE_SOURCE: &str = "deploy/Dockerfile";
/// What a release consists of, beside checksums and signature.
const FILES: [&str; 3] = [PROGRAM, BILL, RECIPE];
/// The private key when no file is named: the PEM text.
const KEY_VARIABLE: &str = "BURSAR_RELEASE_KEY";

/// Make, or check, a signed release.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Write a fresh signing key to this file and its public half beside it, with `.pub`; make no release.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "binary", "to"])]
    new_key: Option<PathBuf>,
    /// The signing key, PEM; without it the text of `BURSAR_RELEASE_KEY`.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A program that was built already, which the bill says; without it one is built.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The folder of the release; without it one under the target folder, named after the commit.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Check a release: exit 1 unless every file is the one that was signed.
    Verify {
        /// The release.
        folder: PathBuf,
        /// The public key, PEM, which must have come another way than the release.
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
    },
}

/// Does what the options say.
pub fn run(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    if let Some(Verb::Verify { folder, public_key }) = &options.verb {
        return verify(folder, public_key);
    }
    if let Some(file) = &options.new_key {
        let public = keys::create(file)?;
        println!("Keep {} secret, and hand {} to whoever checks releases.", file.display(), public.display());
        return Ok(Verdict::Good);
    }
    make(root, options)
}

fn make(root: &Path, options: &Options) -> Result<Verdict, ChoreError> {
    let key = match &options.key {
        Some(file) => keys::signing_key(&read(file)?, &file.display().to_string())?,
        None => {
            let text = std::env::var(KEY_VARIABLE).map_err(|_| ChoreError::Missing {
                what: "the signing key".to_owned(),
                fix: format!("name its file with --key, or set {KEY_VARIABLE}; --new-key makes one"),
            })?;
            keys::signing_key(&text, KEY_VARIABLE)?
        }
    };
    let commit = clean_commit(root)?;
    let folder = match &options.to {
        Some(folder) => folder.clone(),
        None => target_folder(root).join("releases").join(&commit),
    };
    if folder.exists() {
        return Err(ChoreError::Unreleasable(format!(
            "{} exists, and a release is never made over. Remove it, or name another folder with --to",
            folder.display()
        )));
    }
    let (program, origin) = match &options.binary {
        Some(binary) => (binary.clone(), Origin::Given),
        None => (build(root)?, Origin::Built),
    };
    must_still_be(root, &commit)?;
    // Under its name there is either a whole release or none.
    let unfinished = beginnings_of(&folder)?;
    let filled = fill(&unfinished, root, &program, (&commit, origin), &key).and_then(|()| {
        fs::rename(&unfinished, &folder).map_err(|source| ChoreError::File { path: folder.clone(), source })
    });
    if let Err(error) = filled {
        // Whatever is left of it has another name than a release.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error);
    }
    println!("{}", folder.display());
    Ok(Verdict::Good)
}

/// A new folder beside that of the release, which is renamed once everything is in it.
fn beginnings_of(folder: &Path) -> Result<PathBuf, ChoreError> {
    let name = folder.file_name().ok_or_else(|| {
        ChoreError::Unreleasable(format!(
            "{} is no name for a folder. Name another with --to",
            folder.display()
        ))
    })?;
    let mut unfinished = name.to_owned();
    unfinished.push(".unfinished");
    let unfinished = folder.with_file_name(unfinished);
    let parents = unfinished.parent().map_or(Ok(()), fs::create_dir_all);
    let made = parents.and_then(|()| fs::create_dir(&unfinished));
    made.map_err(|source| ChoreError::File { path: unfinished.clone(), source })?;
    Ok(unfinished)
}

/// Puts everything into the folder, and the signature last.
fn fill(
    folder: &Path,
    root: &Path,
    program: &Path,
    (commit, origin): (&str, Origin),
    key: &SigningKey,
) -> Result<(), ChoreError> {
    copy(program, &folder.join(PROGRAM))?;
    copy(&root.join(RECIPE_SOURCE), &folder.join(RECIPE))?;
    let bill = bill::of_program(root, commit, origin, &sums::digest_of(&folder.join(PROGRAM))?)?;
    write(&folder.join(BILL), bill.as_bytes())?;
    sums::sign(folder, &FILES, key)
}

fn verify(folder: &Path, public_key: &Path) -> Result<Verdict, ChoreError> {
    let key = keys::verifying_key(&read(public_key)?, &public_key.display().to_string())?;
    let wrong = sums::check(folder, &FILES, &key)?;
    for line in &wrong {
        println!("{line}");
    }
    if wrong.is_empty() {
        println!("{}: every file is the one that was signed.", folder.display());
        return Ok(Verdict::Good);
    }
    println!("Do not use this release.");
    Ok(Verdict::Bad)
}

fn build(root: &Path) -> Result<PathBuf, ChoreError> {
    must_succeed(cargo(root).args(["build", "--release", "--locked", "-p", "bursar"]))?;
    Ok(target_folder(root).join("release").join(PROGRAM))
}

fn read(file: &Path) -> Result<String, ChoreError> {
    fs::read_to_string(file).map_err(|source| ChoreError::File { path: file.to_path_buf(), source })
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), ChoreError> {
    fs::write(file, bytes).map_err(|source| ChoreError::File { path: file.to_path_buf(), source })
}

fn copy(from: &Path, to: &Path) -> Result<(), ChoreError> {
    let copied = fs::copy(from, to).map(|_| ());
    copied.map_err(|source| ChoreError::File { path: from.to_path_buf(), source })
}
