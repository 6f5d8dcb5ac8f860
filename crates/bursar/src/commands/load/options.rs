//! What one can say about a load on the command line.

use super::profile::ProfileName;

/// `bursar load`: puts a server under load and checks that every entry is accepted, settled and paid exactly.
#[derive(Clone, Debug, clap::Args)]
pub struct LoadOptions {
    /// Which load.
    #[arg(value_enum, value_name = "PROFILE")]
    pub profile: ProfileName,
    /// The server under load; STRESS_BASE unless given.
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// Entries to send.
    #[arg(long, value_name = "COUNT")]
    pub total: Option<u64>,
    /// Entries of each stage of the staged profile.
    #[arg(long, value_name = "LIST", conflicts_with = "total")]
    pub stages: Option<String>,
    /// Entries sent in one window, over all markets, at most.
    #[arg(long, value_name = "COUNT")]
    pub per_round: Option<u64>,
    /// Joins in flight.
    #[arg(long, value_name = "COUNT")]
    pub concurrency: Option<u64>,
    /// Reads of results in flight.
    #[arg(long, value_name = "COUNT")]
    pub results_concurrency: Option<u64>,
    /// Time-out of one request.
    #[arg(long, value_name = "MS")]
    pub timeout_ms: Option<u64>,
    /// Nothing is sent this long before the lock; the entries profile begins only with more than this left.
    #[arg(long, value_name = "MS")]
    pub open_buffer_ms: Option<u64>,
    /// Wait after the end before results are read.
    #[arg(long, value_name = "MS")]
    pub grace_ms: Option<u64>,
    /// Wallets whose results are read; 0 = all.
    #[arg(long, value_name = "COUNT")]
    pub results_wallet_limit: Option<u64>,
    /// Wallets in one batch of reads.
    #[arg(long, value_name = "COUNT")]
    pub batch_size: Option<u64>,
    /// Pause between batches.
    #[arg(long, value_name = "MS")]
    pub batch_delay_ms: Option<u64>,
    /// Wallets that are read twice; 0 = all.
    #[arg(long, value_name = "COUNT")]
    pub verify_sample: Option<u64>,
    /// Pause before the second reading.
    #[arg(long, value_name = "MS")]
    pub recheck_delay_ms: Option<u64>,
    /// Draws the same markets, sides, stakes and wallets again; a random one unless given.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Move the server's manual clock instead of waiting.
    #[arg(long)]
    pub advance_clock: bool,
    /// Print JSON also to a terminal.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
impl LoadOptions {
    /// The profile as it is.
    pub fn of(profile: ProfileName) -> LoadOptions {
        LoadOptions {
            profile,
            base: None,
            total: None,
            stages: None,
            per_round: None,
            concurrency: None,
            results_concurrency: None,
            timeout_ms: None,
            open_buffer_ms: None,
            grace_ms: None,
            results_wallet_limit: None,
            batch_size: None,
            batch_delay_ms: None,
            verify_sample: None,
            recheck_delay_ms: None,
            seed: None,
            advance_clock: false,
            json: false,
        }
    }
}
