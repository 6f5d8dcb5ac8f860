//! The `bursar` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    bursar::command::main(std::env::args_os())
}
