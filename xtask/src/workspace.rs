//! Where the workspace is, which files it tracks, and how to call cargo in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ChoreError;

/// The workspace's folder: the parent of this crate's.
pub fn root() -> Result<PathBuf, ChoreError> {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    match crate_folder.parent() {
        Some(parent) => Ok(parent.to_path_buf()),
        None => Err(ChoreError::Answer {
            program: "cargo".to_owned(),
            reason: "the crate folder has no parent".to_owned(),
        }),
    }
}

/// What cargo tells a program that it runs about that program's package, by how the names begin. Build scripts of
/// dependencies watch the same names, so that a cargo called from here with them would build those anew.
const OF_THIS_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// A cargo command that runs in the workspace, as if it was called from a shell.
pub fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    let is_ours = |name: &str| OF_THIS_PACKAGE.iter().any(|start| name.starts_with(start));
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| is_ours(name)).for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// The command line as a person would type it, for messages.
pub fn spoken(command: &Command) -> String {
    let mut words = vec![Path::new(command.get_program()).file_name().map_or_else(
        || command.get_program().to_string_lossy().into_owned(),
        |name| name.to_string_lossy().into_owned(),
    )];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Every file that git tracks or would track, relative to the root, sorted; deleted files are left out.
pub fn tracked_files(root: &Path) -> Result<Vec<String>, ChoreError> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let program = spoken(&command);
    let output = command.output().map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(ChoreError::Program { program, status: output.status.to_string() });
    }
    let mut files: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// A file's text, or `None` when it is not text.
pub fn read_text(path: &Path) -> Result<Option<String>, ChoreError> {
    let bytes = fs::read(path).map_err(|source| ChoreError::File { path: path.to_path_buf(), source })?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}
