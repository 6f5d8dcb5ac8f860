//! What the load profiles find out about a server that lies (docs/spec/rounds.md section 5).

use serde_json::{Value, json};

use crate::bare::program;
use crate::lying::{Lie, Lying};

/// Exit, report and words of a load of 60 entries with these options.
fn load(lie: Lie, options: &str) -> (i32, Value, String) {
    let server = Lying::start(lie);
    let base = ["--base", server.base.as_str(), "--advance-clock", "--total", "60"];
    ran(&[&["load", "settlement"], &base[..], &options.split_whitespace().collect::<Vec<_>>()].concat(), &[])
}

fn ran(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, Value, String) {
    let output = program(arguments).envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, text(output.stderr))
}

/// The checks that a lie breaks.
fn broken(lie: Lie, options: &str) -> Vec<String> {
    let (exit, report, words) = load(lie, options);
    assert_eq!((exit, &report["ok"]), (1, &json!(false)), "{lie:?}: {words}");
    let breaches = report["breaches"].as_array().unwrap();
    let mut checks: Vec<String> =
        breaches.iter().map(|breach| breach["check"].as_str().unwrap().to_owned()).collect();
    assert!(checks.iter().all(|check| words.contains(check)), "{words}");
    checks.dedup();
    checks
}

#[test]
fn a_server_that_tells_the_truth_passes() {
    let (exit, report, words) = load(Lie::None, "");
    assert_eq!((exit, words.as_str(), &report["breaches"]), (0, "", &json!([])));
    assert_eq!(report["statuses"]["REFUND"], 60);
    // This server has no operators' summary, so that the fees are recomputed only.
    assert_eq!(report["rounds"][0]["feeCompared"], false);
}

#[test]
fn each_lie_is_named() {
    assert_eq!(broken(Lie::Missing, ""), ["results_missing"]);
    assert_eq!(broken(Lie::Changing, "--recheck-delay-ms 0"), ["results_changed", "settlements_differ"]);
    assert_eq!(broken(Lie::FatPool, ""), ["pool_differs"]);
    assert_eq!(broken(Lie::Overpaid, ""), ["payout_wrong", "pool_not_conserved"]);
    assert_eq!(broken(Lie::Faulty, ""), ["results_unread"]);
    assert_eq!(broken(Lie::Swallowed, ""), ["joins_failed"]);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_the_entry_counts_once() {
    let (exit, report, words) = load(Lie::LostAnswers, "");
    assert_eq!(exit, 0, "{words}");
    let entries = &report["entries"];
    assert_eq!((&entries["accepted"], &entries["networkErrors"]), (&json!(60), &json!(60)));
}

#[test]
fn a_server_that_does_not_answer_is_given_up_after_three_tries() {
    let (exit, report, words) = load(Lie::Silent, "--timeout-ms 100 --concurrency 60");
    assert_eq!((exit, &report["entries"]["failed"]), (1, &json!(60)));
    assert_eq!(report["entries"]["networkErrors"], 180);
    assert!(words.contains("joins_failed: 60 cases") && words.contains("timeout"), "{words}");
}

#[test]
fn a_part_of_the_wallets_can_be_read_and_a_part_of_these_twice() {
    let (exit, report, words) = load(Lie::None, "--results-wallet-limit 20 --verify-sample 5");
    assert_eq!(exit, 0, "{words}");
    assert_eq!((&report["reads"]["count"], &report["rereads"]["count"]), (&json!(20), &json!(5)));
    // A lie that only the rest would show stays unknown.
    let seen: i64 =
        report["statuses"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(seen, 20);
}

#[test]
fn the_environment_says_what_the_options_do_not() {
    let server = Lying::start(Lie::None);
    let environment =
        [("STRESS_BASE", server.base.as_str()), ("STRESS_TOTAL", "12"), ("STRESS_VERIFY_SAMPLE", "3")];
    let (exit, report, words) = ran(&["load:entries", "--advance-clock", "--seed", "9"], &environment);
    assert_eq!(exit, 0, "{words}");
    assert_eq!((&report["base"], &report["seed"]), (&json!(server.base), &json!("9")));
    assert_eq!((&report["entries"]["accepted"], &report["rereads"]["count"]), (&json!(12), &json!(3)));
    let staged = [("STRESS_BASE", server.base.as_str()), ("STRESS_STAGE_TARGETS", "4,5")];
    let (exit, report, words) = ran(&["load", "staged", "--advance-clock"], &staged);
    assert_eq!((exit, &report["stages"][1]["accepted"]), (0, &json!(5)), "{words}");
}

#[test]
fn without_a_server_or_with_a_wrong_number_nothing_is_sent() {
    let (exit, report, _) = ran(&["load", "entries"], &[]);
    assert_eq!((exit, &report["code"]), (1, &json!("usage")));
    let (exit, report, words) =
        ran(&["load", "entries", "--base", "http://127.0.0.1:1", "--total", "0"], &[]);
    assert_eq!((exit, &report["code"]), (1, &json!("usage")));
    assert!(words.contains("1 to 10000000"), "{words}");
    let (exit, _, words) = ran(&["load", "everything"], &[]);
    assert_eq!(exit, 1);
    assert!(words.contains("entries, sustained, settlement, staged, all-wallets"), "{words}");
    let (_, report, _) = ran(&["load", "entries"], &[("STRESS_TOTAL", "many")]);
    assert_eq!(report["code"], "configuration_refused");
}
