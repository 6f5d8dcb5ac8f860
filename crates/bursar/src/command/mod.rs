//! The command line: one program with all verbs. JSON on stdout, words for people on stderr, exit 0 or 1.

mod document;
pub(crate) mod local_prices;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{Context, Verb, aliases, demo, print, run};
use crate::config::Source;

#[derive(Parser)]
#[command(
    name = "bursar",
    about = "The money desk for applications that hold other people's funds.",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(Serve),
    /// Play: a server with invented prices, simulated players and a fast clock. Not in production.
    Demo(demo::Demo),
    /// Print the API as OpenAPI 3.1, as production serves it.
    Openapi,
    /// Write a page for each error code.
    Errors(document::ErrorPages),
    #[command(flatten)]
    Verb(Verb),
}

#[derive(clap::Args)]
struct Serve {
    /// Address and port to listen on, such as 127.0.0.1:3000.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// system, manual:UNIX-MS (stands still until POST /dev/clock moves it) or xN (N times as fast). Not in production.
    #[arg(long, value_name = "CLOCK")]
    clock: Option<String>,
    /// Invent prices inside the server instead of asking HERMES_URL. Not in production.
    #[arg(long)]
    local_prices: bool,
}

/// Runs the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(aliases::rewrite(arguments)) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Whoever has closed the stream does not want to read it.
            _ = usage.print();
            return if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match arguments.command {
        Command::Serve(serve) => {
            let source = Source::from_process();
            let source = with_flag(source, "BURSAR_LISTEN", serve.listen);
            let source = with_flag(source, "BURSAR_CLOCK", serve.clock);
            if serve.local_prices {
                local_prices::serve_with_local_prices(&source)
            } else {
                crate::serve::serve(&source)
            }
        }
        Command::Demo(options) => demo::run(&options),
        Command::Openapi => print(&document::openapi()),
        Command::Errors(pages) => print(&document::errors(&pages)),
        Command::Verb(verb) => {
            let context = Context::from_process().with_database(verb.database());
            print(&run(&verb, &context))
        }
    }
}

fn with_flag(source: Source, name: &str, value: Option<String>) -> Source {
    match value {
        Some(value) => source.with_flag(name, value),
        None => source,
    }
}
