//! A real server for black-box tests: started on a free port with its own database, killed, restarted, asked by HTTP
//! and by command line. Each test file says `mod harness;` and uses a part of it.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests; each test file uses a part of it"
)]

mod answer;
mod cli;
pub mod faucet;
mod place;
mod prices;
mod program;
mod rounds;
mod server;
mod webhook;

pub use answer::Answer;
pub use cli::{Output, Tool};
pub use faucet::LiveFaucet;
pub use place::Place;
pub use prices::Prices;
pub use program::program;
pub use rounds::{Join, START_MS, feed_id, wallet};
pub use server::{Server, Setup};
pub use webhook::{Delivered, Webhook};
