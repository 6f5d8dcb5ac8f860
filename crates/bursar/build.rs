//! Finds the commit that is being built, which the server names in `/health` and in every answer.

use std::path::{Path, PathBuf};

/// Where a release build without a repository says its commit.
const VARIABLE: &str = "BURSAR_BUILD_COMMIT";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let named = std::env::var(VARIABLE).ok();
    let commit = named.filter(|text| is_commit(text)).or_else(commit_of_repository);
    println!("cargo::rustc-env=BURSAR_COMMIT={}", commit.unwrap_or_else(|| "0".repeat(40)));
}

/// Reads the repository's files; a build needs no other program for it.
fn commit_of_repository() -> Option<String> {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let folder = git_folder(manifest.ancestors().find(|folder| folder.join(".git").exists())?)?;
    let head = read(&folder.join("HEAD"))?;
    let Some(branch) = head.strip_prefix("ref: ") else { return Some(head).filter(|text| is_commit(text)) };
    let folders = [folder.clone(), folder.join(read(&folder.join("commondir")).unwrap_or_default())];
    let loose = folders.iter().find_map(|folder| read(&folder.join(branch)));
    let packed = || folders.iter().find_map(|folder| packed(&folder.join("packed-refs"), branch));
    loose.or_else(packed).filter(|text| is_commit(text))
}

fn git_folder(root: &Path) -> Option<PathBuf> {
    let entry = root.join(".git");
    if entry.is_dir() {
        return Some(entry);
    }
    Some(root.join(read(&entry)?.strip_prefix("gitdir: ")?))
}

fn packed(path: &Path, branch: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().find(|line| line.ends_with(branch))?;
    line.split(' ').next().map(str::to_owned)
}

fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
