//! `bursar backup` by hand: answers, exits, keys, kills, and targets that are refused.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::campaign::Random;
use crate::evidence::Evidence;
use crate::harness::{Join, Output, Place, Prices, START_MS, Server, Setup, Tool};

/// A server with a few entries.
fn server(place: &Place, prices: &Prices, entries: u64) -> Server {
    let limits = ["PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT"];
    let setup = Setup::rounds(place).env("HERMES_URL", &prices.url());
    let server = limits.iter().fold(setup, |setup, limit| setup.env(limit, "1000000")).start();
    for number in 1..=entries {
        Join::new(&format!("entry-{number}")).wallet(number % 7 + 1).accepted(&server);
    }
    server
}

fn code(output: &Output) -> (i32, String) {
    (output.status, output.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_encrypted_backup_opens_with_the_key_of_its_time_only() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = server(&place, &prices, 3);
    let key = |name: &str, digit: &str| {
        let path = place.folder().join(name);
        std::fs::write(&path, format!("{}\n", digit.repeat(64))).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tool = Tool::beside(&server).env("BACKUP_KEY_FILE", &key("key", "a"));
    assert_eq!(tool.json(&["backup", "create"])["encrypted"], true);
    assert_eq!(tool.json(&["backup", "verify"])["ok"], true);
    let other = tool.clone().env("BACKUP_KEY_FILE", &key("other", "b"));
    assert_eq!(code(&other.run(&["backup", "verify"])), (1, "backup_key_wrong".into()));
    assert_eq!(
        code(&tool.clone().env("BACKUP_KEY_FILE", "").run(&["backup", "verify"])),
        (1, "backup_key_missing".into())
    );
    let broken = tool.clone().env("BACKUP_KEY_FILE", &key("broken", "x"));
    assert_eq!(code(&broken.run(&["backup", "create"])), (1, "backup_key_unusable".into()));
    let gone = tool.env("BACKUP_KEY_FILE", "/nowhere/key").run(&["backup", "create"]);
    assert_eq!(code(&gone), (1, "backup_key_unusable".into()));
    assert!(!gone.stderr.contains(&"a".repeat(64)));
}

#[test]
fn a_create_that_is_killed_at_any_time_leaves_no_backup_or_a_whole_one() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = server(&place, &prices, 500);
    let (tool, mut random) = (Tool::beside(&server), Random::of_campaign());
    for _ in 0..12 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bursar"))
            .args(["backup", "create"])
            .env_clear()
            .envs(server.setup().environment().iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(random.shorter_than(Duration::from_millis(400)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in tool.json(&["backup", "list"])["backups"].as_array().unwrap() {
            assert_eq!(tool.json(&["backup", "verify", line["name"].as_str().unwrap()])["ok"], true);
        }
    }
    tool.json(&["backup", "create"]);
    let left = std::fs::read_dir(place.backups()).unwrap();
    for entry in left {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("bursar-"), "swept: {name}");
    }
}

#[test]
fn a_database_that_is_used_or_served_is_never_restored_into() {
    for (engine, is_shared) in [(Place::sqlite as fn() -> Place, false), (Place::postgres, true)] {
        let (place, prices) = (engine(), Prices::start());
        let server = server(&place, &prices, 2);
        let tool = Tool::beside(&server);
        tool.json(&["backup", "create"]);
        let before = Evidence::of(&place).money();
        let refused = tool.run(&["backup", "restore", "--to", &place.url()]);
        assert_eq!(code(&refused), (1, "target_not_empty".into()), "shared: {is_shared}");
        assert!(refused.stderr.contains("never writes over anything"), "{}", refused.stderr);
        assert_eq!(Evidence::of(&place).money(), before);
    }
}

#[test]
fn a_server_does_not_start_on_a_shared_database_whose_restore_was_cut_short() {
    let (from, to, prices) = (Place::sqlite(), Place::postgres(), Prices::start());
    let server = server(&from, &prices, 2);
    let tool = Tool::beside(&server);
    // Every hash fits, and the proof after the restore fails.
    Evidence::of(&from).execute("UPDATE rounds_entry SET stake_bucks = 50 WHERE id = 'entry-1'");
    tool.json(&["backup", "create"]);
    assert_eq!(code(&tool.run(&["backup", "restore", "--to", &to.url()])), (1, "backup_damaged".into()));
    let (status, _, stderr) = Setup::rounds(&to).refuse();
    assert!(!status.success() && stderr.contains("restore/not-proven"), "{stderr}");
}

#[test]
fn backups_are_listed_and_pruned_by_number_and_age() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = server(&place, &prices, 1);
    let tool = Tool::beside(&server);
    assert_eq!(tool.json(&["backup", "list"])["backups"], json!([]));
    assert_eq!(code(&tool.run(&["backup", "verify"])), (1, "backup_not_found".into()));
    let made: Vec<Value> = (1..=4)
        .map(|step| {
            server.move_clock(START_MS + step * 1_000);
            tool.json(&["backup"])["name"].clone()
        })
        .collect();
    let listed = |tool: &Tool| -> Vec<Value> {
        let answer = tool.json(&["backup", "list"]);
        answer["backups"].as_array().unwrap().iter().map(|line| line["name"].clone()).collect()
    };
    assert_eq!(listed(&tool), made, "oldest first");
    let dry = tool.json(&["backup", "prune", "--keep", "2", "--dry-run"]);
    assert_eq!((&dry["removed"], &dry["backupsInDir"]), (&json!(made[..2]), &json!(4)));
    let prune = |options: &[&str]| {
        tool.json(&[&["backup", "prune", "--reason", "room", "--actor", "Bea"], options].concat())
    };
    assert_eq!(prune(&["--keep", "3"])["removed"], json!(made[..1]));
    // All are years old by the machine's clock; the newest stays whatever is asked.
    assert_eq!(prune(&["--older-than", "1d"])["removed"], json!(made[1..3]));
    assert_eq!(listed(&tool), made[3..]);
    assert_eq!(prune(&[])["removed"], json!([]), "the standard keeps 24");
    // What is gone is in the audit log, with who and why; a run that removes nothing is not.
    let told = tool.json(&["audit", "list", "--event", "backup.pruned", "--oldest"])["events"].clone();
    let events: Vec<(&Value, &Value)> =
        told.as_array().unwrap().iter().map(|one| (&one["actor"], &one["level"])).collect();
    assert_eq!(events, [(&json!("cli:bea"), &json!("WARN")); 2]);
    let payloads: Vec<String> = Evidence::of(&place)
        .column("SELECT payload FROM audit_events WHERE event = 'backup.pruned' ORDER BY id", &[]);
    let first: Value = serde_json::from_str(&payloads[0]).unwrap();
    assert_eq!((&first["removed"], &first["reason"]), (&json!(made[..1]), &json!("room")));
}

#[test]
fn a_backup_is_not_removed_without_a_reason_nor_while_it_is_the_newest_that_was_proven() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = server(&place, &prices, 1);
    let tool = Tool::beside(&server);
    let made: Vec<Value> = (1..=3)
        .map(|step| {
            server.move_clock(START_MS + step * 1_000);
            tool.json(&["backup"])["name"].clone()
        })
        .collect();
    let name = |number: usize| made[number].as_str().unwrap();
    assert_eq!(tool.run(&["backup", "prune", "--keep", "1"]).status, 1, "a reason is needed");
    // An older one that is proven later does not stand in for a newer one.
    tool.json(&["backup", "verify", name(1)]);
    tool.json(&["backup", "verify", name(0)]);
    let prune = || tool.run(&["backup", "prune", "--keep", "1", "--reason", "room"]);
    let refused = prune();
    assert_eq!(code(&refused), (1, "backup_proven".into()));
    assert!(refused.stderr.contains(name(1)), "{}", refused.stderr);
    assert_eq!(tool.json(&["backup", "list"])["backups"].as_array().unwrap().len(), 3);
    tool.json(&["backup", "verify", name(2)]);
    assert_eq!(prune().json()["removed"], json!(made[..2]));
}
