//! Benchmarks: each prints its figure with the hardware, an fsync probe and, where there is one, a peer in the same run.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "benchmarks compute rates and stop at the first surprise"
)]

mod backup;
mod database;
mod faucet;
mod faucet_desk;
mod faucet_reads;
mod http;
mod joins;
mod machine;
mod payment_room;
mod payouts;
mod reads;
mod restore;
mod server;
mod settlement;
mod suite;
mod tool;
mod transfers;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure.
#[derive(Parser)]
#[command(about = "Bursar's benchmarks")]
struct Arguments {
    #[command(subcommand)]
    bench: Option<Bench>,
}

#[derive(Subcommand)]
enum Bench {
    /// Everything in one run, peers included; what `cargo xtask bench` runs without arguments.
    Suite(suite::Options),
    /// Joins in process: the full row set with fresh wallets and random ids.
    Joins(joins::Options),
    /// Settlement of one large round while joins go on.
    Settlement(settlement::Options),
    /// Joins over HTTP against the real server.
    Http(http::Options),
    /// Health, summary, status, pool and results over HTTP on a full database.
    Reads(reads::Options),
    /// Bulk transfers with posting chains.
    Transfers(transfers::Options),
    /// An accrual run of the faucet and the settlement after it, up to all intents committed.
    Faucet(faucet::Options),
    /// The leaderboard and a player's status over HTTP, with few and many players.
    FaucetReads(faucet_reads::Options),
    /// Orders accepted, attempts signed and stored, payments sent, and how long an order takes to leave.
    Payouts(payouts::Options),
    /// A backup under a steady load, the server killed right after, and what a restore of it holds.
    Backup(backup::Options),
    /// How long a large backup takes to be made, proven and restored.
    Restore(restore::Options),
}

fn main() {
    machine::print();
    match Arguments::parse().bench.unwrap_or(Bench::Suite(suite::Options::default())) {
        Bench::Suite(options) => suite::run(&options),
        Bench::Joins(options) => joins::run(&options),
        Bench::Settlement(options) => settlement::run(&options),
        Bench::Http(options) => http::run(&options),
        Bench::Reads(options) => reads::run(&options),
        Bench::Transfers(options) => transfers::run(&options),
        Bench::Faucet(options) => faucet::run(&options),
        Bench::FaucetReads(options) => faucet_reads::run(&options),
        Bench::Payouts(options) => payouts::run(&options),
        Bench::Backup(options) => backup::run(&options),
        Bench::Restore(options) => restore::run(&options),
    }
}
