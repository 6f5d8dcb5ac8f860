//! `bursar demo`: the whole server on an embedded database, with invented prices, simulated players, a Banano chain of
//! its own and a fast clock, watched from the terminal. The first thing a stranger runs.

mod bet;
mod crowd;
mod faucet;
mod figures;
mod halt;
mod place;
mod sampling;
mod scene;
mod settings;
mod tally;
mod view;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::command::local_prices::LocalPrices;
use crate::config::Source;
use crate::host::begin_clock;
use crate::serve::{StartFault, serve_beside};
use faucet::Outside;
use place::Place;
use scene::Scene;

/// `bursar demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Demo {
    /// The folder of the database and the log; a second run on it goes on where the first one stopped.
    #[arg(long, value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,
    /// Address and port to listen on. Without it BURSAR_LISTEN, else PORT on all interfaces, else 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// How many players there are.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub players: u32,
    /// How many seconds of the rounds' time pass in one real second.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=240))]
    pub speed: u32,
    /// Decides who the players are, how they bet and which way the prices go.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print lines instead of redrawing the view in place, as is done without a terminal.
    #[arg(long)]
    pub plain: bool,
}

/// Why the demo does not start, or does not end well.
#[derive(Debug, thiserror::Error)]
enum DemoFault {
    /// Somebody's real money may be near.
    #[error(
        "the demo invents prices and lets time run fast, which production refuses; run it where BURSAR_ENV, APP_ENV \
         and NODE_ENV do not say production"
    )]
    Production,
    /// The folder cannot be used.
    #[error("the folder {folder} cannot be written: {cause}; correct that, or choose another with --data")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Another demo has the folder.
    #[error(
        "another demo already runs in {0}; stop that one with Ctrl-C, or choose another folder with --data and another \
         port with --listen"
    )]
    Running(PathBuf),
    /// The faucet's services or its chain.
    #[error(
        "what the demo's faucet asks cannot be started: {0}; if a file of the demo is damaged, start afresh in another \
         folder with --data"
    )]
    Outside(std::io::Error),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The configuration is refused.
    #[error(transparent)]
    Configuration(#[from] crate::config::ConfigurationErrors),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] crate::host::OpenFault),
    /// The book could not be read, or does not balance.
    #[error("{0}")]
    Book(String),
}

/// Runs the demo until it is told to stop.
#[must_use]
pub fn run(options: &Demo) -> ExitCode {
    match play(options, Source::from_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // The last words: when stderr is gone there is nobody to tell.
            _ = writeln!(std::io::stderr(), "bursar demo: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn play(options: &Demo, source: Source) -> Result<(), DemoFault> {
    let place = Place::new(&options.data);
    // Whatever refuses the demo does so before anything is written.
    let listen = settings::configuration(options, &place, source.clone())?.listen;
    place.prepare()?;
    let _turn = place.take()?;
    let outside = Arc::new(Outside::start(&place, options.seed, listen).map_err(DemoFault::Outside)?);
    let mut configuration = settings::configuration(options, &place, outside.point(source))?;
    let clock = begin_clock(&configuration)?;
    let prices = LocalPrices::new(options.seed, clock.clone())?;
    let feed = prices.publish(&mut configuration)?;
    let scene = Scene::new(options, place, &configuration, clock.clone(), (prices, outside));
    let served = serve_beside(configuration, clock, &scene);
    let ended = scene.end(served.is_ok());
    drop(feed);
    served?;
    ended
}
