//! Settings of the load profiles (docs/spec/rounds.md section 5); what nobody sets is the profile's own.

use crate::config::values::Values;

/// What the environment says about load; `None` = as the profile has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StressSettings {
    /// Server under load.
    pub base_url: Option<String>,
    /// Entries to send.
    pub total: Option<u64>,
    /// Joins in flight of the entry profile.
    pub concurrency: Option<u64>,
    /// Joins in flight of the profiles that go on over many windows.
    pub workers: Option<u64>,
    /// Joins in flight of the settlement profiles.
    pub entry_concurrency: Option<u64>,
    /// Reads of results in flight.
    pub results_concurrency: Option<u64>,
    /// Milliseconds for one request.
    pub timeout_ms: Option<u64>,
    /// Milliseconds before the lock in which nothing is sent.
    pub min_open_buffer_ms: Option<u64>,
    /// Milliseconds from the end to the reading of results.
    pub settle_grace_ms: Option<u64>,
    /// Wallets that are read twice; 0 = all.
    pub verify_sample: Option<u64>,
    /// Milliseconds before the second reading.
    pub verify_recheck_delay_ms: Option<u64>,
    /// Wallets that are read; 0 = all.
    pub results_wallet_limit: Option<u64>,
    /// Wallets in one batch of reads.
    pub results_batch_size: Option<u64>,
    /// Milliseconds between batches.
    pub results_batch_delay_ms: Option<u64>,
    /// Entries of each stage, a comma list that the command reads.
    pub stage_targets: Option<String>,
    /// Entries sent in one window at most.
    pub per_round_attempts: Option<u64>,
}

impl StressSettings {
    pub(super) fn from_values(values: &Values) -> StressSettings {
        let text = |name: &str| values.value(name).map(str::to_owned);
        // The registry has checked that these are numbers in their bounds.
        let number = |name: &str| values.value(name).and_then(|text| text.parse().ok());
        StressSettings {
            base_url: text("STRESS_BASE"),
            total: number("STRESS_TOTAL"),
            concurrency: number("STRESS_CONCURRENCY"),
            workers: number("STRESS_WORKERS"),
            entry_concurrency: number("STRESS_ENTRY_CONCURRENCY"),
            results_concurrency: number("STRESS_RESULTS_CONCURRENCY"),
            timeout_ms: number("STRESS_TIMEOUT_MS"),
            min_open_buffer_ms: number("STRESS_MIN_OPEN_BUFFER_MS"),
            settle_grace_ms: number("STRESS_SETTLE_GRACE_MS"),
            verify_sample: number("STRESS_VERIFY_SAMPLE"),
            verify_recheck_delay_ms: number("STRESS_VERIFY_RECHECK_DELAY_MS"),
            results_wallet_limit: number("STRESS_RESULTS_WALLET_LIMIT"),
            results_batch_size: number("STRESS_RESULTS_BATCH_SIZE"),
            results_batch_delay_ms: number("STRESS_RESULTS_BATCH_DELAY_MS"),
            stage_targets: text("STRESS_STAGE_TARGETS"),
            per_round_attempts: number("STRESS_PER_ROUND_ATTEMPTS"),
        }
    }
}
