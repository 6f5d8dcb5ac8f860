//! Each planted bug is found, as a breach of the rule that it breaks.

use bursar_sim::{Bug, Invariant, Scenario, run};

/// Within 60 seeds `bug` must show, and at first as a breach of `rule`.
fn find(bug: Bug, rule: Invariant) {
    let scenario = |seed| Scenario { seed, bug: Some(bug), prints_trace: false };
    let violation = (0..60).find_map(|seed| run(scenario(seed)).violation);
    let found = violation.as_ref().map(|violation| violation.invariant);
    assert_eq!(found, Some(rule), "{bug:?} shows as {violation:?}");
}

#[test]
fn an_answer_before_the_commit_is_found_as_a_join_that_is_lost() {
    find(Bug::AnswersBeforeCommit, Invariant::Durable);
}

#[test]
fn a_retry_with_a_new_id_is_found_as_a_wish_that_is_entered_twice() {
    find(Bug::RetriesWithNewId, Invariant::Once);
}

#[test]
fn a_settler_that_does_not_look_again_is_found_as_an_entry_that_is_paid_twice() {
    find(Bug::PaysFromStaleList, Invariant::Once);
}

#[test]
fn a_cached_switch_is_found_as_a_join_after_a_stop() {
    find(Bug::CachesSwitch, Invariant::StopBinds);
}

#[test]
fn a_remainder_that_the_house_keeps_is_found_as_money_that_does_not_add_up() {
    find(Bug::KeepsRemainder, Invariant::RoundExact);
}

#[test]
fn a_batch_on_its_nodes_own_clock_is_found_as_time_that_goes_back() {
    find(Bug::TrustsOwnClock, Invariant::TimeMonotone);
}

#[test]
fn every_planted_bug_has_a_test() {
    let tests = include_str!("planted_bugs.rs");
    for (name, bug) in Bug::ALL {
        assert!(tests.contains(&format!("find(Bug::{bug:?}")), "{name} has no test");
    }
}
