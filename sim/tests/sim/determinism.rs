//! The same seed gives the same run, to the byte.

use bursar_sim::{Room, Scenario, run};

#[test]
fn a_seed_played_twice_leaves_the_same_trace_and_another_seed_another() {
    let mut hashes = Vec::new();
    for seed in 100..104 {
        let (first, second) = (run(&Scenario::new(seed)), run(&Scenario::new(seed)));
        assert_eq!(first, second);
        assert!(first.trace_lines > 100, "seed {seed} has a trace of {} lines", first.trace_lines);
        hashes.push(first.trace_hash);
    }
    for seed in 100..102 {
        let faucet = || run(&Scenario::new(seed).playing(Room::Faucet));
        assert_eq!(faucet(), faucet());
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
}
