//! `bursar backup` in a bucket: the same verbs and answers as in a folder.

use bursar_test_stores::object_server::{ACCESS_KEY_ID, BUCKET, Misdeed, ObjectServer, SECRET_ACCESS_KEY};
use serde_json::json;

use crate::harness::{Join, Place, START_MS, Setup, Tool};

/// The command line of a server whose backups go to `objects`; the secret comes from a file.
fn tool(place: &Place, objects: &ObjectServer, setup: Setup) -> (Setup, Tool) {
    let secret = place.folder().join("secret");
    std::fs::write(&secret, format!("{SECRET_ACCESS_KEY}\n")).unwrap();
    let setup = setup
        .env("BACKUP_TARGET", &format!("s3://{BUCKET}/bursar"))
        .env("BACKUP_S3_ENDPOINT", &objects.endpoint())
        .env("BACKUP_S3_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("BACKUP_S3_SECRET_ACCESS_KEY_FILE", secret.to_str().unwrap());
    let tool = Tool::of(&setup);
    (setup, tool)
}

#[test]
fn a_backup_is_made_listed_verified_restored_and_pruned_in_a_bucket_by_command() {
    Place::for_each_engine(|place| {
        let objects = ObjectServer::start();
        let (setup, tool) = tool(place, &objects, Setup::rounds(place));
        let server = setup.start();
        (1..=5).for_each(|number| Join::new(&format!("e{number}")).wallet(number).accepted(&server));
        let made = tool.json(&["backup", "create"]);
        let name = made["name"].as_str().unwrap();
        assert_eq!(made["outputFile"], format!("s3://{BUCKET}/bursar/{name}"));
        assert!(!place.backups().exists(), "nothing lies in the folder");
        let listed = tool.json(&["backup", "list"]);
        assert_eq!(
            (&listed["backups"][0]["name"], &listed["backups"][0]["sizeBytes"]),
            (&made["name"], &made["sizeBytes"])
        );
        assert_eq!(tool.json(&["backup", "verify"])["findings"], json!([]));
        let to = format!("sqlite:{}", place.folder().join("restored.db").display());
        let restored = tool.json(&["backup", "restore", "--to", &to]);
        assert_eq!(restored["ledger"], made["ledger"]);
        server.move_clock(START_MS + 1_000);
        tool.json(&["backup", "create"]);
        tool.json(&["backup", "verify"]);
        assert_eq!(
            tool.json(&["backup", "prune", "--keep", "1", "--reason", "room"])["removed"],
            json!([name])
        );
        let metrics = server.get("/metrics").text;
        assert!(!metrics.contains(SECRET_ACCESS_KEY) && !server.log().contains(SECRET_ACCESS_KEY));
    });
}

#[test]
fn the_timer_puts_backups_into_the_bucket_and_tells_when_it_cannot() {
    let (place, objects) = (Place::sqlite(), ObjectServer::start());
    let (setup, tool) = tool(&place, &objects, Setup::rounds(&place));
    let server = setup.start();
    let two = crate::timer::TWO;
    server.move_clock(two);
    assert_eq!(tool.json(&["backup", "list"])["backups"][0]["takenAtMs"], two);
    objects.misbehave("PUT", "manifest.json", Misdeed::Refuse(403), 1);
    server.move_clock(two + 4 * 3_600_000);
    assert_eq!(tool.json(&["backup", "list"])["backups"].as_array().unwrap().len(), 1);
    let line = "bursar_backup_failures_total{work=\"create\"} 1";
    crate::campaign::wait_until(line, || server.get("/metrics").text.lines().any(|shown| shown == line));
}

#[test]
fn a_create_that_is_killed_leaves_no_backup_in_the_bucket_or_a_whole_one() {
    let (place, objects) = (Place::sqlite(), ObjectServer::start());
    let (setup, tool) = tool(&place, &objects, Setup::rounds(&place));
    let server = setup.start();
    (1..=50).for_each(|number| _ = Join::new(&format!("e{number}")).wallet(number % 7 + 1).send(&server));
    let mut random = crate::campaign::Random::of_campaign();
    for _ in 0..8 {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bursar"))
            .args(["backup", "create"])
            .env_clear()
            .envs(setup.environment().iter().cloned())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(random.shorter_than(std::time::Duration::from_millis(600)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in tool.json(&["backup", "list"])["backups"].as_array().unwrap() {
            assert_eq!(tool.json(&["backup", "verify", line["name"].as_str().unwrap()])["ok"], true);
        }
    }
}
