//! New values that are refused: the one in force stays, everybody is told, and nobody is told a secret.

use serde_json::json;

use crate::files::{Files, events, hang_up, reload, wait_until};
use crate::harness::{Place, Setup, Tool};

const FIRST: &str = "ops-key-number-1-0123456789abcdef0123456";
const SECOND: &str = "ops-key-number-2-0123456789abcdef0123456";
const SETTLE: &str = "settle-key-of-the-tests-0123456789abcdef";

#[test]
fn v8_a_bad_file_is_refused_by_name_and_the_secret_in_force_stays() {
    Place::for_each_engine(|place| {
        let files = Files::new();
        let server = files.secret(Setup::rounds(place), "OPS_API_KEY", FIRST).start();
        let health = |key: &str| server.get_with("/api/ops/health", &[("x-ops-key", key)]).status;
        let reload = || Tool::beside(&server).run(&["secrets", "reload", "--reason", "drill"]);
        files.put("OPS_API_KEY", "");
        let output = reload();
        assert_eq!((output.status, &output.json()["code"]), (1, &json!("secrets_refused")));
        assert!(output.stderr.contains("OPS_API_KEY_FILE names an empty file"), "{}", output.stderr);
        files.remove("OPS_API_KEY");
        assert!(reload().stderr.contains("OPS_API_KEY_FILE names a file that cannot be read"));
        assert_eq!([health(FIRST), health("")], [200, 401]);
        let refused = events(place, "secrets.refused");
        assert_eq!(refused.len(), 2);
        assert_eq!(refused[0].1, "OPS_API_KEY_FILE");
        assert_eq!(refused[0].2["rule"], "names an empty file");
        assert!(server.log().contains("a new secret was refused; the one in force stays"));
        // The next good one counts.
        files.put("OPS_API_KEY", SECOND);
        assert_eq!(reload().status, 0);
        assert_eq!([health(FIRST), health(SECOND)], [401, 200]);
    });
}

#[test]
fn v8_production_refuses_a_secret_that_another_variable_has_and_takes_the_others() {
    let (place, files) = (Place::sqlite(), Files::new());
    let setup = files.secret(Setup::rounds(&place).production(), "OPS_API_KEY", FIRST);
    let setup = files.secret(setup, "SIM_SETTLE_API_KEY", SETTLE);
    let setup = files.secret(setup, "METRICS_TOKEN", "metrics-token-1");
    Tool::of(&setup).json(&["migrate", "up"]);
    let server = setup.start();
    files.put("OPS_API_KEY", SETTLE);
    files.put("METRICS_TOKEN", "metrics-token-2");
    let output = Tool::beside(&server).run(&["secrets", "reload", "--reason", "drill"]);
    let told = output.json();
    let told = &told["servers"][0];
    assert_eq!(told["rotated"][0]["name"], "METRICS_TOKEN", "{told}");
    assert_eq!(told["refused"].as_array().unwrap().len(), 1, "{told}");
    assert!(told["refused"][0]["rule"].as_str().unwrap().starts_with("is the same secret as"), "{told}");
    assert_eq!(server.get_with("/api/ops/health", &[("x-ops-key", FIRST)]).status, 200);
    assert_eq!(server.get_with("/metrics", &[("authorization", "Bearer metrics-token-2")]).status, 200);
}

#[test]
fn v8_every_change_leaves_an_event_with_who_and_why_and_no_secret_anywhere() {
    Place::for_each_engine(|place| {
        let files = Files::new();
        let server = files.secret(Setup::rounds(place), "OPS_API_KEY", FIRST).start();
        files.rotate("OPS_API_KEY", FIRST, SECOND);
        let told = reload(&server);
        let asked = events(place, "secrets.reload_requested");
        assert_eq!(
            (asked.len(), asked[0].0.as_str(), &asked[0].2["reason"]),
            (1, "cli:ann", &json!("drill"))
        );
        let rotated = events(place, "secrets.rotated");
        assert_eq!(
            (rotated.len(), rotated[0].0.as_str(), rotated[0].1.as_str()),
            (1, "cli:ann", "OPS_API_KEY")
        );
        let payload = &rotated[0].2;
        assert_eq!((&payload["cause"], &payload["reason"]), (&json!("request"), &json!("drill")));
        assert_eq!(payload["was"], payload["previous"]);
        assert_ne!(payload["was"], payload["fingerprint"]);
        files.remove("OPS_API_KEY_PREVIOUS");
        hang_up(&server);
        wait_until("the second event", || events(place, "secrets.rotated").len() == 2);
        let second = &events(place, "secrets.rotated")[1];
        assert_eq!(
            (second.0.as_str(), &second.2["cause"], &second.2["previous"]),
            ("sighup", &json!("sighup"), &json!(null))
        );
        let listed = Tool::beside(&server).run(&["secrets", "list"]);
        let everything = [
            server.log(),
            server.stderr(),
            listed.stdout,
            told.to_string(),
            format!("{rotated:?}{second:?}"),
        ];
        for secret in [FIRST, SECOND] {
            assert!(everything.iter().all(|text| !text.contains(secret)), "{secret} was told");
        }
    });
}
