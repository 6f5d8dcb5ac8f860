//! The program under test, started as if nothing of this process's environment were there.

use std::process::Command;

/// Without any variable, but for where a measurement of coverage wants its counts.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.args(arguments).env_clear();
    if let Some(counts) = std::env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", counts);
    }
    command
}
