//! `bursar secrets` as an operator uses it.

use serde_json::{Value, json};

use crate::files::{Files, reload};
use crate::harness::{Place, Setup, Tool};

/// The entry of `name` in a list of secrets.
#[track_caller]
fn of<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|secret| secret["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn f34_generate_prints_32_random_bytes_under_both_names() {
    let place = Place::sqlite();
    let tool = Tool::of(&Setup::rounds(&place));
    let mut seen = Vec::new();
    for verb in ["secret", "secrets", "secrets"] {
        let output = tool.run(&[verb, "generate"]);
        let secret = output.stdout.trim_end().to_owned();
        assert_eq!((output.status, secret.len()), (0, 64), "{output:?}");
        assert!(secret.bytes().all(|digit| digit.is_ascii_hexdigit()) && !seen.contains(&secret));
        seen.push(secret);
    }
}

#[test]
fn v8_the_list_tells_what_is_in_force_where_it_came_from_and_what_waits_in_a_file() {
    Place::for_each_engine(|place| {
        let files = Files::new();
        let setup = files.secret(Setup::rounds(place).env("METRICS_TOKEN", "token"), "OPS_API_KEY", "key-1");
        let setup = setup.env("SOLANA_RPC_URL", "https://node.example/token");
        let server = setup.start();
        let list = || Tool::beside(&server).json(&["secrets", "list"]);
        let before = list();
        let in_force = &before["servers"][0]["secrets"];
        let key = of(in_force, "OPS_API_KEY");
        assert_eq!((&key["origin"], &key["takesEffect"]), (&json!("OPS_API_KEY_FILE"), &json!("live")));
        assert_eq!(key["previous"], json!(null));
        assert_eq!(of(in_force, "METRICS_TOKEN")["origin"], "METRICS_TOKEN");
        assert_eq!(of(in_force, "SOLANA_RPC_URL")["takesEffect"], "restart");
        assert_eq!(of(&before["here"], "OPS_API_KEY")["fingerprint"], key["fingerprint"]);
        files.rotate("OPS_API_KEY", "key-1", "key-2");
        let waiting = list();
        assert_eq!(of(&waiting["servers"][0]["secrets"], "OPS_API_KEY"), key);
        assert_ne!(of(&waiting["here"], "OPS_API_KEY")["fingerprint"], key["fingerprint"]);
        reload(&server);
        let after = list();
        let rotated = of(&after["servers"][0]["secrets"], "OPS_API_KEY");
        assert_eq!(rotated["fingerprint"], of(&waiting["here"], "OPS_API_KEY")["fingerprint"]);
        assert_eq!(rotated["previous"], key["fingerprint"]);
        assert!(rotated["loadedAtMs"].as_i64() > key["loadedAtMs"].as_i64());
    });
}

/// Secrets that nobody can be shown yet, in this build: the desks that check them come later.
#[test]
fn v8_the_keys_of_desks_to_come_are_replaced_like_the_others() {
    let (place, files) = (Place::sqlite(), Files::new());
    let names = ["SETTLE_API_KEY", "SESSION_SECRET"];
    let mut setup = Setup::rounds(&place).env("BURSAR_DESKS", "rounds,faucet");
    for name in names {
        setup = files.secret(setup, name, &format!("{name} one"));
    }
    let server = setup.start();
    for name in names {
        files.rotate(name, &format!("{name} one"), &format!("{name} two"));
    }
    let rotated = reload(&server)["servers"][0]["rotated"].clone();
    for name in names {
        let secret = of(&rotated, name);
        assert_eq!(secret["previous"], secret["was"], "{name}");
    }
}

#[test]
fn v8_a_request_that_no_server_hears_is_no_success() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place);
    Tool::of(&setup).json(&["migrate", "up"]);
    let output = Tool::of(&setup).run(&["secrets", "reload", "--reason", "drill"]);
    assert_eq!((output.status, &output.json()["code"]), (1, &json!("no_server")));
    let server = setup.start();
    assert_eq!(reload(&server)["request"], 2);
    assert!(server.stop().success());
    // Whoever ends in order is not waited for.
    let output = Tool::of(&setup).run(&["secrets", "reload", "--reason", "drill"]);
    assert_eq!(output.json()["code"], "no_server");
}

#[test]
fn v8_a_changed_secret_that_only_a_start_takes_is_told_so() {
    let (place, files) = (Place::sqlite(), Files::new());
    let setup = files.url(Setup::rounds(&place), "SOLANA_RPC_URL", "https://node.example/a");
    let server = setup.start();
    files.put("SOLANA_RPC_URL", "https://node.example/b");
    let output = Tool::beside(&server).run(&["secrets", "reload", "--reason", "drill"]);
    assert_eq!(output.status, 1);
    assert!(
        output.stderr.contains("SOLANA_RPC_URL has changed, and the server takes it only when it starts")
    );
}
