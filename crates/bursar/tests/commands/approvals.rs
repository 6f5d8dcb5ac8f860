//! Four eyes from the command line: whoever asks and whoever approves is an operator whose token is given.

use std::io::Write;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::payment_scene::{Payments, on_each_engine};
use crate::scene::parse;

/// Approval of the payment itself.
const PAYMENT: &str = "--payment-approval";

/// An operator with a token in a file.
struct Person(NamedTempFile);

impl Person {
    fn with(token: &Value) -> Person {
        let mut file = NamedTempFile::new().unwrap();
        writeln!(file, "{}", token.as_str().unwrap()).unwrap();
        Person(file)
    }

    /// `line` as this person.
    fn says(&self, line: &str) -> String {
        format!("{line} --token-file {}", self.0.path().display())
    }
}

/// Admins of these names, added while that takes nobody's approval.
fn admins<const N: usize>(payments: &Payments, names: [&str; N]) -> [Person; N] {
    names.map(|name| {
        payments.yes(&format!("operators add {name} --role admin"));
        Person::with(&payments.yes(&format!("operators token {name}"))["token"])
    })
}

/// The number of the request that was just filed.
fn number(filed: &Value) -> i64 {
    filed["request"]["id"].as_i64().unwrap()
}

/// A payout of 100 that its key holds, since one other person must approve more than 50.
fn held(payments: &Payments) {
    payments.yes(
        "keys policy hot --asset BAN --payment-max 10000 --approval-above 50 --approvals 1 --reason limits",
    );
    payments.fund(1_000);
    payments.send(20);
    payments.order("large", 100);
    payments.send(10);
}

fn state(payments: &Payments) -> (Value, Value) {
    let shown = payments.yes("payouts show 1 --json")["payout"].clone();
    (shown["state"].clone(), shown["why"].clone())
}

#[test]
fn a_large_payment_is_held_until_another_operator_has_approved_it_and_then_it_is_sent() {
    on_each_engine(|payments| {
        let [ann, bob] = admins(payments, ["ann", "bob"]);
        held(payments);
        let listed = payments.yes("payouts list --state held");
        assert!(listed.as_str().unwrap().ends_with("  approval_needed"), "{listed}");
        let request = "approvals request payout 1 --reason refund --json";
        assert_eq!(payments.code(request), "operator_needed");
        let filed = payments.yes(&ann.says(request));
        let id = number(&filed);
        assert_eq!(
            (&filed["request"]["action"], &filed["request"]["requesterName"]),
            (&json!("keys.payment.approve"), &json!("ann"))
        );
        let payload = filed["request"]["payload"].as_str().unwrap();
        assert!(payload.contains("destination=ban_") && payload.ends_with(" amount=100"), "{payload}");
        let retry = format!("payouts retry 1 {PAYMENT} {id} --reason refund --json");
        assert_eq!(payments.code(&ann.says(&retry)), "approval_needed");
        let approve = format!("approvals approve {id} --json");
        assert_eq!(payments.code(&approve), "operator_needed");
        assert_eq!(payments.code(&ann.says(&approve)), "own_request");
        assert_eq!(payments.yes(&bob.says(&approve))["request"]["approvals"], 1);
        // Bringing it is for whoever asked, and for nobody by name.
        assert_eq!(payments.code(&format!("{retry} --actor ann")), "operator_needed");
        assert_eq!(payments.code(&bob.says(&retry)), "approval_mismatch");
        assert_eq!(payments.yes(&ann.says(&retry))["payout"]["state"], "accepted");
        payments.send(20);
        assert_eq!(state(payments).0, "final");
        assert_eq!(payments.code(&ann.says(&retry)), "approval_ended");
        let names: Vec<String> = payments.scene.events().into_iter().map(|event| event.event).collect();
        let kept = ["access.approval_requested", "access.approved"];
        assert!(kept.iter().all(|name| names.iter().any(|event| event == name)), "{names:?}");
    });
}

#[test]
fn one_operator_with_two_tokens_is_one_vote() {
    on_each_engine(|payments| {
        let [ann, bob, cay] = admins(payments, ["ann", "bob", "cay"]);
        let second = Person::with(&payments.yes("operators token bob --label second")["token"]);
        payments.yes("approvals policy keys.retire --approvals 2 --reason four-eyes");
        let act = ann.says("approvals request act --reason old --json");
        let id = number(&payments.yes(&format!("{act} -- keys retire hot --reason old")));
        let approve = format!("approvals approve {id} --json");
        assert_eq!(payments.yes(&bob.says(&approve))["request"]["approvals"], 1);
        assert_eq!(payments.code(&second.says(&approve)), "nothing_to_change");
        let retire = ann.says(&format!("keys retire hot --reason old --approval {id} --json"));
        assert_eq!(payments.code(&retire), "approval_needed");
        assert_eq!(payments.yes(&cay.says(&approve))["request"]["approvals"], 2);
        assert_eq!(payments.yes(&retire)["key"]["state"], "retired");
        let (name, actor, payload) = payments.newest_event();
        assert!(actor.starts_with("operator:"), "{actor}");
        assert_eq!((name.as_str(), payload["approvers"].as_array().map(Vec::len)), ("keys.retired", Some(2)));
        assert_eq!(payments.yes(&format!("approvals show {id} --json"))["request"]["state"], "spent");
    });
}

#[test]
fn a_name_at_the_command_line_does_nothing_that_a_policy_binds() {
    on_each_engine(|payments| {
        let [ann, _] = admins(payments, ["ann", "bob"]);
        payments.order("a", 10);
        payments.yes("payouts hold 1 --reason drill --actor bob");
        payments.yes("approvals policy payouts.release --approvals 1 --reason four-eyes");
        let (answer, why) = payments.no("payouts release 1 --reason drill --actor bob");
        assert_eq!(answer["code"], "operator_needed");
        assert!(why.contains("--token-file") && why.contains("BURSAR_OPERATOR_TOKEN"), "{why}");
        assert_eq!(payments.code(&ann.says("payouts release 1 --reason drill")), "approval_needed");
        assert_eq!(payments.code(&ann.says("payouts release 1 --reason drill --actor bob")), "usage");
        // Whatever no policy binds takes no token.
        payments.yes("payouts cancel 1 --reason drill --actor bob");
        let wrong = Person::with(&json!("bur_0000000000000000_00"));
        assert_eq!(payments.code(&wrong.says("payouts hold 1 --reason r")), "unauthorized");
        assert!(parse("approvals approve 1 --actor bob").is_err());
        assert!(parse("approvals approve 1 --token bur_1").is_err(), "a token is no argument");
    });
}

#[test]
fn adopting_payments_of_the_chain_is_asked_for_before_the_chain_is() {
    on_each_engine(|payments| {
        let [ann, _] = admins(payments, ["ann", "bob"]);
        payments.yes("approvals policy faucet.adopt --approvals 1 --reason four-eyes");
        let command = "faucet adopt-payments --reason restored";
        let ask = format!("{} -- {command}", ann.says("approvals request act --reason looked --json"));
        assert_eq!(payments.code(&ask), "usage", "nothing is missing");
        let sql = "INSERT INTO faucet_finding (kind, count, detail, since, checked_at) VALUES ('payout.blind', 1, '', $1, $1)";
        payments.write(|tx, now| tx.execute(sql, &[now.into()]));
        assert_eq!(payments.code(command), "operator_needed");
        assert_eq!(payments.code(&ann.says(command)), "approval_needed");
        let filed = payments.yes(&ask);
        let since = payments.scene.column::<bursar_store::Timestamp>("SELECT since FROM faucet_finding")[0];
        let payload = format!("wholeHistory=false blind=true sinceMs={since} why=restored");
        assert_eq!(filed["request"]["payload"], json!(payload));
        assert_eq!(payments.code("faucet resume payouts --reason over"), "payments_unadopted");
        assert_eq!(payments.yes("faucet resume payouts --reason over --force")["state"], "running");
        assert!(parse("faucet resume payouts --force").is_err(), "why?");
    });
}

#[test]
fn an_act_that_is_asked_for_is_not_done_and_approval_is_for_exactly_it() {
    on_each_engine(|payments| {
        let [ann, bob] = admins(payments, ["ann", "bob"]);
        for action in ["operators.add", "keys.stop"] {
            let line = format!("approvals policy {action} --approvals 1 --reason r");
            assert_eq!(payments.code(&line), "action_not_found");
        }
        let ask = |command: &str| {
            format!("{} -- {command}", ann.says("approvals request act --reason growth --json"))
        };
        assert_eq!(payments.code(&ask("operators add cay --role admin")), "approval_not_needed");
        payments.yes("approvals policy access.operator.add --approvals 1 --reason four-eyes");
        for command in
            ["keys stop hot --reason r", "payouts stop hot --reason r", "approvals list", "nonsense"]
        {
            assert_eq!(payments.code(&ask(command)), "usage", "{command}");
        }
        let filed = payments.yes(&ask("operators add cay --role admin"));
        let listed = payments.yes("operators list")["operators"].as_array().unwrap().len();
        assert_eq!((listed, &filed["request"]["payload"]), (2, &json!("role=admin")));
        let id = number(&filed);
        payments.yes(&bob.says(&format!("approvals approve {id}")));
        let add =
            |name: &str, role: &str| ann.says(&format!("operators add {name} --role {role} --approval {id}"));
        assert_eq!(payments.code(&add("cay", "viewer")), "approval_mismatch");
        assert_eq!(payments.code(&add("dee", "admin")), "approval_mismatch");
        assert_eq!(payments.yes(&add("cay", "admin"))["name"], "cay");
        assert_eq!(payments.code(&add("cay", "admin")), "approval_ended");
    });
}

#[test]
fn a_token_is_approved_with_its_label_and_lifetime_and_ones_own_is_not_asked_for() {
    on_each_engine(|payments| {
        let [ann, bob] = admins(payments, ["ann", "bob"]);
        payments.yes("operators add vic");
        payments.yes("approvals policy access.token.issue --approvals 1 --reason four-eyes");
        let ask = |command: &str| {
            format!("{} -- {command}", ann.says("approvals request act --reason drill --json"))
        };
        let tokens_of = |number: usize| {
            let listed = payments.yes("operators list")["operators"][number].clone();
            listed["tokens"].as_array().unwrap().len()
        };
        assert_eq!(payments.code(&ask("operators token ann --label mine")), "approval_not_needed");
        assert_eq!(tokens_of(0), 1, "no token was made that nobody saw");
        let filed = payments.yes(&ask("operators token vic --label drill --for 1h"));
        assert_eq!(filed["request"]["payload"], json!("expires_in=3600000ms label=drill"));
        let id = number(&filed);
        payments.yes(&bob.says(&format!("approvals approve {id}")));
        let token = |options: &str| ann.says(&format!("operators token vic {options} --approval {id}"));
        for options in ["--label drill", "--label drill --for 2h", "--for 1h"] {
            assert_eq!(payments.code(&token(options)), "approval_mismatch", "{options}");
        }
        assert_eq!(payments.yes(&token("--label drill --for 1h"))["name"], "vic");
        assert_eq!(tokens_of(2), 1);
    });
}

#[test]
fn a_policy_is_loosened_by_as_many_as_it_asks_for_and_set_only_where_there_are_enough() {
    on_each_engine(|payments| {
        let [ann] = admins(payments, ["ann"]);
        let set = |number: u32| format!("approvals policy keys.retire --approvals {number} --reason r");
        let (answer, why) = payments.no(&set(1));
        assert_eq!(answer["code"], "not_enough_operators");
        assert!(
            why.contains("1 operators beside the one who acts, and 1 have the right rotate_key"),
            "{why}"
        );
        let [bob] = admins(payments, ["bob"]);
        let table = payments.yes(&set(1));
        assert!(table.as_str().unwrap().contains("\nkeys.retire              1  "), "{table}");
        assert!(payments.scene.words().contains("access.operator.add and access.token.issue"));
        assert_eq!(payments.code(&set(0)), "operator_needed");
        assert_eq!(payments.code(&ann.says(&set(0))), "approval_needed");
        let asked = ann.says("approvals request act --reason r --json");
        let id = number(&payments.yes(&format!("{asked} -- {}", set(0))));
        payments.yes(&bob.says(&format!("approvals approve {id}")));
        payments.yes(&ann.says(&format!("{} --approval {id}", set(0))));
        let policies = payments.yes("approvals policy --json")["policies"].as_array().unwrap().clone();
        assert!(policies.iter().all(|policy| policy["approvals"] == 0));
        let (name, _, payload) = payments.newest_event();
        assert_eq!((name.as_str(), &payload["reason"]), ("access.policy_set", &json!("r")));
    });
}

#[test]
fn the_approval_that_large_payments_need_is_not_taken_away_by_one_alone() {
    on_each_engine(|payments| {
        let [ann, bob] = admins(payments, ["ann", "bob"]);
        held(payments);
        let open = "keys policy hot --asset BAN --payment-max 10000 --reason open --json";
        assert_eq!(payments.code(open), "operator_needed");
        assert_eq!(payments.code(&ann.says(open)), "approval_needed");
        let asked = ann.says("approvals request act --reason open --json");
        let id = number(&payments.yes(&format!("{asked} -- {open}")));
        payments.yes(&bob.says(&format!("approvals approve {id}")));
        payments.yes(&ann.says(&format!("{open} --approval {id}")));
        payments.yes("payouts retry 1 --reason open");
        payments.send(20);
        assert_eq!(state(payments).0, "final");
    });
}

#[test]
fn a_request_is_listed_shown_declined_or_withdrawn() {
    on_each_engine(|payments| {
        let [ann, bob] = admins(payments, ["ann", "bob"]);
        held(payments);
        let ask = || number(&payments.yes(&ann.says("approvals request payout 1 --reason r --json")));
        let (first, second) = (ask(), ask());
        let table = payments.yes("approvals list");
        let lines: Vec<&str> = table.as_str().unwrap().lines().collect();
        assert!(lines[1].starts_with(&format!("{second}  ")) && lines[2].starts_with(&format!("{first}  ")));
        assert!(lines[1].contains("keys.payment.approve  faucet  payout/1  ann       0"), "{table}");
        assert_eq!(payments.code(&ann.says(&format!("approvals decline {first} --reason r"))), "own_request");
        let declined = payments.yes(&bob.says(&format!("approvals decline {first} --reason odd --json")));
        assert_eq!(declined["request"]["state"], "declined");
        assert_eq!(payments.newest_event().2["reason"], "odd");
        assert_eq!(
            payments.code(&bob.says(&format!("approvals withdraw {second} --reason r"))),
            "approval_mismatch"
        );
        let shown = payments.yes(&ann.says(&format!("approvals withdraw {second} --reason later")));
        assert!(shown.as_str().unwrap().contains("\nstate     withdrawn\n"), "{shown}");
        assert_eq!(payments.yes("approvals list --json")["requests"], json!([]));
        assert_eq!(payments.code("approvals show 99999"), "approval_not_found");
        for (request, code) in [("payout 9", "payout_not_found"), ("payout 1 --for 8d", "usage")] {
            assert_eq!(payments.code(&ann.says(&format!("approvals request {request} --reason r"))), code);
        }
        assert_eq!(state(payments), (json!("held"), json!("approval_needed")));
    });
}

#[test]
fn a_token_comes_from_the_environment_too() {
    on_each_engine(|payments| {
        payments.yes("operators add ann --role admin");
        let token = payments.yes("operators token ann")["token"].as_str().unwrap().to_owned();
        let environment = [("BURSAR_OPERATOR_TOKEN", token.as_str()), ("BURSAR_DESKS", "faucet")];
        payments.scene.run_with(&environment, "operators add bob --role viewer").unwrap();
        let (name, actor, _) = payments.newest_event();
        assert!(name == "access.operator_added" && actor.starts_with("operator:"), "{actor}");
    });
}

#[test]
fn every_command_that_the_page_of_the_alert_names_is_one() {
    let page = include_str!("../../../../runbooks/alerts/payout-held.md");
    let named = page.split('`').filter(|text| text.starts_with("bursar ") && !text.contains("PATH"));
    let lines: Vec<String> = named
        .map(|text| text.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
        .map(|line| line.replace("NUMBER", "1").replace("REQUEST", "2").replace("TEXT", "why"))
        .filter(|line| line.contains(' ') && line != "keys policy")
        .collect();
    assert!(lines.iter().any(|line| line == "approvals request payout 1 --reason why"), "{lines:?}");
    assert_eq!(lines.len(), 7, "{lines:?}");
    for line in lines {
        assert!(parse(&line).is_ok(), "{line}");
    }
}
