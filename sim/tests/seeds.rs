//! Fifty seeds of the real platform, each an hour of trouble: no rule is broken.

use bursar_sim::{Figures, Scenario, run};

fn figures_of(seeds: std::ops::Range<u64>) -> Figures {
    let mut figures = Figures::default();
    for seed in seeds {
        let outcome = run(Scenario { seed, bug: None, prints_trace: false });
        assert_eq!(outcome.violation, None, "replay: cargo run -p bursar-sim -- --seed {seed} --trace");
        let Figures { commands, simulated_ms, .. } = outcome.figures;
        assert!(commands >= 200, "seed {seed} is idle: {commands} joins");
        assert!(outcome.figures.fault_count() >= 10, "seed {seed} has it easy: {:?}", outcome.figures.faults);
        assert!(simulated_ms >= 3_600_000, "seed {seed} ends after {simulated_ms} ms");
        figures.add(&outcome.figures);
    }
    figures
}

#[test]
fn no_rule_breaks_in_25_seeds_that_between_them_meet_every_kind_of_trouble() {
    let figures = figures_of(0..25);
    for kind in [
        "clock: back",
        "clock: forward",
        "disk: everything dies at a step",
        "disk: full",
        "disk: sync fails",
        "disk: write fails",
        "disk: write tears",
        "machine: all processes killed",
        "machine: power cut",
        "network: answer lost",
        "network: request doubled",
        "network: request lost",
        "node: dies after a commit",
        "node: dies before a commit",
        "node: dies before a transaction",
        "node: dies between two steps",
        "node: dies while it looks up a commit",
        "node: dies within a transaction",
        "store: answer lost after a commit",
        "store: answer lost before a commit",
        "store: conflict",
        "store: connection lost",
        "store: disk full",
        "store: statement fails",
    ] {
        assert!(figures.faults.contains_key(kind), "{kind} never struck in {figures}");
    }
    let prices = figures.faults.keys().filter(|kind| kind.starts_with("prices: ")).count();
    assert_eq!(prices, 13, "{figures}");
}

#[test]
fn nor_in_25_seeds_more_in_which_joins_get_every_answer() {
    let figures = figures_of(25..50);
    for code in [
        "created",
        "entry_id_conflict",
        "invalid_direction",
        "invalid_market",
        "invalid_payload",
        "invalid_round_end",
        "invalid_round_id",
        "invalid_round_start",
        "invalid_stake_tier",
        "invalid_wallet",
        "joins_paused",
        "known",
        "malformed_json",
        "market_feed_mismatch",
        "outside_open_window",
        "unavailable",
    ] {
        assert!(figures.answers.contains_key(code), "{code} was never answered in {figures}");
    }
}
