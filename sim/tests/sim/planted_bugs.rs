//! Each planted bug is found, as a breach of the rule that it breaks.

use bursar_sim::{Bug, Invariant, Scenario, run};

/// Within 120 seeds `bug` must show, and at first as a breach of its rule.
fn find(bug: Bug) {
    find_from(bug, 0);
}

/// The same, beginning with a seed not far from the first that finds it (`--bugs` begins with 0).
fn find_from(bug: Bug, first: u64) {
    let violation = (first..first + 120).find_map(|seed| run(&Scenario::new(seed).with_bug(bug)).violation);
    let found = violation.as_ref().map(|violation| violation.invariant);
    assert_eq!(found, Some(bug.breaks()), "{bug:?} shows as {violation:?}");
}

#[test]
fn an_answer_before_the_commit_is_found_as_a_join_that_is_lost() {
    find(Bug::AnswersBeforeCommit);
}

#[test]
fn a_retry_with_a_new_id_is_found_as_a_wish_that_is_entered_twice() {
    find(Bug::RetriesWithNewId);
}

#[test]
fn a_retry_after_an_unknown_commit_without_a_look_is_found_as_a_wrong_answer() {
    find_from(Bug::RetriesBlindly, 10);
}

#[test]
fn a_settler_that_does_not_look_again_is_found_as_an_entry_that_is_paid_twice() {
    find(Bug::PaysFromStaleList);
}

#[test]
fn a_cached_switch_is_found_as_a_join_after_a_stop() {
    find(Bug::CachesSwitch);
}

#[test]
fn a_switch_that_only_the_front_door_looks_at_is_found_as_a_join_after_a_stop() {
    find(Bug::ChecksSwitchAtDoor);
}

#[test]
fn a_limit_that_is_checked_without_taking_from_it_is_found_as_joins_above_it() {
    find(Bug::LimitsWithoutTaking);
}

#[test]
fn a_remainder_that_the_house_keeps_is_found_as_money_that_does_not_add_up() {
    find(Bug::KeepsRemainder);
}

#[test]
fn a_remainder_that_nobody_gets_is_found_by_the_desk_itself_which_stops() {
    find(Bug::LosesRemainder);
}

#[test]
fn a_total_that_grows_without_a_transfer_is_found_as_a_book_that_does_not_balance() {
    find_from(Bug::CreditsWithoutTransfer, 2);
}

#[test]
fn a_round_that_every_settler_leaves_for_later_is_found_as_one_that_is_never_settled() {
    find(Bug::LeavesRounds);
}

#[test]
fn an_audit_log_that_is_rewritten_is_found_as_a_link_that_does_not_fit() {
    find(Bug::RewritesAuditLog);
}

#[test]
fn a_refusal_that_opens_an_account_is_found_as_an_account_of_nobody() {
    find(Bug::RefusalOpensAccount);
}

#[test]
fn a_batch_on_its_nodes_own_clock_is_found_as_time_that_goes_back() {
    find(Bug::TrustsOwnClock);
}

#[test]
fn a_late_clock_that_joins_a_settled_round_is_found_as_an_entry_after_its_settlement() {
    find(Bug::JoinsSealedRound);
}

#[test]
fn a_payment_that_is_sent_before_it_is_recorded_is_found_as_bytes_that_leave_first() {
    find(Bug::SendsBeforeRecord);
}

#[test]
fn a_payment_whose_fate_is_unknown_and_taken_for_dead_is_found_as_one_that_is_final_after_all() {
    find(Bug::UnknownIsDead);
}

#[test]
fn a_payment_that_one_node_knows_and_is_taken_for_final_is_found_as_one_that_the_chain_does_not_have() {
    find(Bug::TakesWordForFinal);
}

#[test]
fn a_payout_that_is_debited_twice_is_found_as_money_come_in_that_nobody_sent() {
    find(Bug::DebitsTwice);
}

#[test]
fn a_signature_past_the_stop_is_found_as_a_payment_that_is_signed_after_it() {
    find(Bug::SignsPastStop);
}

#[test]
fn a_key_that_is_forgotten_after_a_day_is_found_as_an_order_that_is_accepted_twice() {
    find(Bug::KeyForgotten);
}

#[test]
fn a_wallet_that_pays_after_a_restore_without_a_look_is_found_as_one_that_signs_before_it_is_matched() {
    find(Bug::RepaysAfterRestore);
}

#[test]
fn an_order_past_the_stop_is_found_as_one_that_is_accepted_after_it() {
    find(Bug::AcceptsPastStop);
}

#[test]
fn a_refused_order_that_is_kept_is_found_as_one_that_was_answered_as_not_accepted() {
    find(Bug::TakesUpRefused);
}

#[test]
fn a_stop_that_is_taken_for_a_refusal_is_found_as_somebody_who_is_never_paid() {
    find(Bug::TakesStopForRefusal);
}

#[test]
fn a_new_signature_that_counts_as_imported_is_found_as_one_that_was_never_signed_before() {
    find(Bug::SignsAsImported);
}

#[test]
fn a_final_transaction_that_is_forgotten_is_found_as_one_that_is_gone() {
    find(Bug::ForgetsAttempts);
}

#[test]
fn a_payout_that_nobody_took_back_is_found_as_one_that_is_over_unpaid() {
    find(Bug::CancelsUnasked);
}

#[test]
fn totals_without_a_transfer_are_found_although_they_sum_to_zero() {
    find(Bug::MovesWithoutTransfer);
}

#[test]
fn a_process_that_stops_for_a_disk_which_has_not_failed_is_found() {
    find(Bug::BlamesDisk);
}

#[test]
fn an_accrual_that_stays_open_while_a_payout_reserves_it_is_found_as_one_that_two_payouts_pay() {
    find(Bug::ReservesTwice);
}

#[test]
fn a_cursor_that_moves_without_a_row_is_found_as_kills_that_nothing_accounts_for() {
    find(Bug::MovesCursorAlone);
}

#[test]
fn a_cap_window_that_begins_too_late_is_found_as_a_payout_above_the_caps() {
    find(Bug::MisplacesCapWindow);
}

#[test]
fn rows_of_dry_run_that_are_taken_for_real_ones_are_found_as_modes_that_mix() {
    find(Bug::PaysDryRunRows);
}

#[test]
fn a_pruned_row_that_was_not_settled_is_found_as_an_accrual_that_is_gone() {
    find(Bug::PrunesOpenRows);
}

#[test]
fn a_desk_that_is_deaf_to_a_lost_journal_is_found_as_kills_that_are_paid_again_after_a_restore() {
    find(Bug::DeafToBlindness);
}

#[test]
fn a_payout_to_a_wallet_that_was_replaced_is_found_as_one_to_nobody_s_wallet() {
    find(Bug::PaysOldWallet);
}

#[test]
fn a_baseline_of_zero_for_want_of_an_answer_is_found_as_kills_that_nobody_told() {
    find(Bug::SilenceIsZero);
}

#[test]
fn an_account_that_earns_anew_is_found_as_a_baseline_where_statistics_are_no_more() {
    find(Bug::BeginsAccountAnew);
}

#[test]
fn a_player_who_is_left_out_is_found_as_one_who_is_owed_what_nothing_keeps_back() {
    find(Bug::LeavesPlayerOut);
}

#[test]
fn a_failed_payout_that_is_pruned_at_once_is_found_as_a_row_that_is_gone() {
    find(Bug::ForgetsFailedPayouts);
}

#[test]
fn a_final_payment_whose_bytes_change_is_found_although_nobody_sends_it_any_more() {
    find(Bug::RewritesAttempts);
}

#[test]
fn a_payment_that_an_adoption_overlooks_is_found_as_one_that_the_desk_takes_for_unpaid() {
    find(Bug::OverlooksPayment);
}

#[test]
fn every_rule_is_shown_to_be_found_by_some_planted_bug() {
    let unproven: Vec<_> = Invariant::ALL
        .into_iter()
        .filter(|rule| !Bug::ALL.iter().any(|(_, _, breaks)| breaks == rule))
        .collect();
    assert_eq!(unproven, []);
}

#[test]
fn every_planted_bug_has_a_test() {
    let tests = include_str!("planted_bugs.rs");
    for (name, bug, _) in Bug::ALL {
        let finds = ["find(", "find_from("].map(|find| format!("{find}Bug::{bug:?}"));
        assert!(finds.iter().any(|find| tests.contains(find)), "{name} has no test");
    }
}
