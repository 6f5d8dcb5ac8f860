//! Operators from the command line: changes and their audit rows are one transaction; secrets are shown once.

use bursar_access::{OsEntropy, authenticate_token, exchange_bootstrap};
use bursar_store::clock::machine_time;
use serde_json::json;

use crate::scene::{Scene, on_each_engine};

fn names(scene: &Scene) -> Vec<String> {
    scene.events().into_iter().map(|event| event.event).collect()
}

fn is_accepted(scene: &Scene, token: &str) -> bool {
    let read = |tx: &mut bursar_store::Tx<'_>| authenticate_token(tx, token, machine_time());
    scene.test.store().read("test.sign_in", read).unwrap().is_ok()
}

#[test]
fn an_operator_is_added_gets_a_token_and_is_listed_without_it() {
    on_each_engine(|scene| {
        assert_eq!(scene.yes("operators add bea --role operator")["role"], "operator");
        let token = scene.yes("operators token bea --label laptop --for 90d")["token"].clone();
        let token = token.as_str().unwrap();
        assert!(is_accepted(scene, token));
        let listed = scene.yes("operators list")["operators"].clone();
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        assert_eq!((&listed[0]["name"], &listed[0]["createdBy"]), (&json!("bea"), &json!("cli:ann")));
        let shown = &listed[0]["tokens"][0];
        assert_eq!(shown["label"], "laptop");
        let lifetime = shown["expiresAtMs"].as_i64().unwrap() - shown["issuedAtMs"].as_i64().unwrap();
        assert_eq!(lifetime, 90 * 86_400_000);
        assert_eq!(names(scene), ["access.operator_added", "access.token_issued"]);
        let secret = token.rsplit('_').next().unwrap();
        let logged = scene.events().iter().all(|event| !event.payload.as_deref().unwrap().contains(secret));
        assert!(logged && !listed.to_string().contains(secret) && !scene.words().contains(secret));
        assert!(scene.words().contains("shown this once"), "{}", scene.words());
    });
}

#[test]
fn a_disabled_operators_tokens_are_refused() {
    on_each_engine(|scene| {
        scene.yes("operators add bea");
        let token = scene.yes("operators token bea")["token"].clone();
        let done = scene.yes("operators disable bea")["change"].clone();
        assert_eq!(done["tokensRevoked"], 1);
        assert!(!is_accepted(scene, token.as_str().unwrap()));
        let listed = scene.yes("operators list")["operators"].clone();
        assert_eq!((&listed[0]["enabled"], &listed[0]["role"]), (&json!(false), &json!("viewer")));
        assert!(listed[0]["tokens"][0]["revokedAtMs"].is_i64());
    });
}

#[test]
fn every_audit_row_names_the_person_at_the_command_line() {
    on_each_engine(|scene| {
        scene.yes("operators add bea");
        let [event] = &scene.events()[..] else { panic!("one event") };
        assert_eq!((event.actor.as_str(), event.actor_kind.as_str()), ("cli:ann", "operator"));
        assert_eq!((event.desk.as_str(), event.target_type.as_str()), ("platform", "operator"));
        let chains: Vec<String> = scene.column("SELECT chain FROM audit_links");
        assert!(chains.iter().all(|chain| chain.starts_with("cli/")), "{chains:?}");
    });
}

#[test]
fn what_is_refused_is_named_by_code_and_leaves_no_audit_row() {
    on_each_engine(|scene| {
        scene.yes("operators add bea --role admin");
        for (line, code) in [
            ("operators add bea", "operator_exists"),
            ("operators add B", "invalid_body"),
            ("operators token nobody", "operator_not_found"),
            ("operators disable nobody", "operator_not_found"),
            ("operators disable bea", "last_admin"),
            ("operators bootstrap", "bootstrap_over"),
            ("operators bootstrap --replace", "bootstrap_over"),
        ] {
            assert_eq!(scene.no(line).0["code"], code, "{line}");
        }
        assert_eq!(names(scene), ["access.operator_added"]);
    });
}

#[test]
fn the_one_time_token_makes_the_first_admin_and_a_lost_one_can_be_replaced() {
    on_each_engine(|scene| {
        let lost = scene.yes("operators bootstrap")["token"].clone();
        assert_eq!(scene.no("operators bootstrap").0["code"], "bootstrap_over");
        let token = scene.yes("operators bootstrap --replace")["token"].clone();
        let exchange = |token: &serde_json::Value| {
            let store = scene.test.store();
            let token = token.as_str().unwrap();
            store.transact("test.exchange", |tx| {
                Ok(exchange_bootstrap(tx, &OsEntropy, token, "first", machine_time())?.is_ok())
            })
        };
        assert_eq!((exchange(&lost).unwrap(), exchange(&token).unwrap()), (false, true));
        assert_eq!(names(scene), ["access.bootstrap_issued", "access.bootstrap_issued"]);
    });
}
