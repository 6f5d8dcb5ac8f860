//! Tools that chores need and that are installed once: cargo subcommands, and programs of Python packages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::ChoreError;
use crate::workspace::{cargo, spoken};

/// Where cargo builds, made absolute.
pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Installs `package` unless `cargo subcommand` answers already, whatever its version: nothing is upgraded.
pub fn cargo_subcommand(root: &Path, subcommand: &str, package: &str) -> Result<(), ChoreError> {
    let mut asked = cargo(root);
    asked.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    eprintln!("Installing {package}, because cargo {subcommand} is missing. This takes minutes, once.");
    let mut install = cargo(root);
    install.args(["install", "--locked", package]);
    must_succeed(&mut install)
}

/// The program `name` of the Python package `package` (`name==version`) in an environment of its own in `folder`.
pub fn python_program(folder: &Path, package: &str, name: &str) -> Result<PathBuf, ChoreError> {
    let environment = folder.join(package.replace("==", "-"));
    let program = environment.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("Installing {package} into {}, because it is missing.", environment.display());
    must_succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let mut install = Command::new(environment.join("bin/pip"));
    must_succeed(install.args(["install", "--quiet", "--disable-pip-version-check", package]))?;
    Ok(program)
}

/// Runs a program that must end well; its own words go where ours go.
pub fn must_succeed(command: &mut Command) -> Result<(), ChoreError> {
    let program = spoken(command);
    let status = command.status();
    let status = status.map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    if status.success() { Ok(()) } else { Err(ChoreError::Program { program, status: status.to_string() }) }
}

/// What a program prints; what it says on stderr goes where ours goes.
pub fn output_of(command: &mut Command) -> Result<String, ChoreError> {
    let program = spoken(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|source| ChoreError::Start { program: program.clone(), source })?;
    if !output.status.success() {
        return Err(ChoreError::Program { program, status: output.status.to_string() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
