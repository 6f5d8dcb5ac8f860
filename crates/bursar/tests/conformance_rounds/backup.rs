//! Backups (docs/spec/rounds.md R42, R43, R53): consistent under load, told good from bad, restored to the same totals.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, Place, START_MS, Server, Tool};
use crate::scene::{END_MS, MARKETS, Scene, play};

/// The next 02:00 UTC, when the timer makes a backup, and the 08:17 after it, when it proves one.
const TWO: i64 = START_MS + 13_560_000;
const PROOF: i64 = TWO + 22_620_000;

fn unlimited(scene: &Scene) -> Server {
    let limits = ["PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT"];
    limits.iter().fold(scene.setup(), |setup, limit| setup.env(limit, "1000000")).start()
}

#[test]
fn r42_a_backup_taken_while_players_join_is_one_snapshot_and_names_its_file_and_size() {
    Scene::for_each_engine(|scene| {
        let server = unlimited(scene);
        let (tool, is_over) = (Tool::beside(&server), AtomicBool::new(false));
        let backup = std::thread::scope(|threads| {
            let players: Vec<_> = (0..3)
                .map(|player| {
                    let (server, is_over) = (&server, &is_over);
                    threads.spawn(move || {
                        let mut number = 0;
                        while !is_over.load(Ordering::SeqCst) {
                            number += 1;
                            Join::new(&format!("{player}-{number}")).wallet(player + 1).accepted(server);
                        }
                    })
                })
                .collect();
            while Evidence::of(&scene.place).transfers() < 20 {}
            let backup = tool.json(&["ops:backup:d1"]);
            is_over.store(true, Ordering::SeqCst);
            players.into_iter().for_each(|player| player.join().unwrap());
            backup
        });
        let file = Path::new(backup["outputFile"].as_str().unwrap());
        let bytes: u64 =
            std::fs::read_dir(file).unwrap().map(|part| part.unwrap().metadata().unwrap().len()).sum();
        assert_eq!(
            (&backup["ok"], &backup["sizeBytes"], &backup["backupsInDir"]),
            (&json!(true), &json!(bytes), &json!(1))
        );
        assert!(backup["dbName"].as_str().unwrap().starts_with("bursar"), "{backup}");

        // One moment: every entry with its transfer, its audit event and its place in the pool's counts.
        let to = Place::sqlite();
        tool.json(&["backup", "restore", "--to", &to.url()]);
        let evidence = Evidence::of(&to);
        let count = |sql: &str| evidence.column::<i64>(sql, &[]).iter().sum::<i64>();
        let entries = count("SELECT COUNT(*) FROM rounds_entry");
        assert!(entries >= 20);
        for sql in [
            "SELECT COUNT(*) FROM ledger_transfer",
            "SELECT COUNT(*) FROM audit_events WHERE event = 'join.accepted'",
            "SELECT entries FROM rounds_pool",
            "SELECT entries FROM rounds_market_total",
        ] {
            assert_eq!(count(sql), entries, "{sql}");
        }
    });
}

#[test]
fn r42_a_backup_that_fails_exits_1() {
    let scene = Scene::sqlite();
    let server = scene.start();
    std::fs::write(scene.place.backups(), "in the way").unwrap();
    let failed = Tool::beside(&server).run(&["ops:backup:d1"]);
    assert_eq!((failed.status, &failed.json()["ok"]), (1, &json!(false)));
}

/// The biggest part of the newest backup.
fn part(verified: &Value) -> PathBuf {
    Path::new(verified["latestFile"].as_str().unwrap()).join("audit_events.rows")
}

#[test]
fn r43_verifying_the_newest_backup_passes_a_good_one_and_fails_a_bad_one() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        play(&server, "SOL", START_MS);
        let tool = Tool::beside(&server);
        tool.json(&["backup", "create"]);
        server.move_clock(START_MS + 1);
        let newest = tool.json(&["backup", "create"]);
        let verified = tool.json(&["ops:backup:verify"]);
        assert_eq!((&verified["ok"], &verified["latestFile"]), (&json!(true), &newest["outputFile"]));
        assert_eq!(verified["sizeBytes"], newest["sizeBytes"]);
        let all = json!({"hasEntriesTable": true, "hasSettlementsTable": true, "hasInsert": true});
        assert_eq!(verified["checks"], all);

        let part = part(&verified);
        let good = std::fs::read(&part).unwrap();
        let (mut flipped, half) = (good.clone(), good.len() / 2);
        flipped[half] ^= 1;
        for (bad, code) in
            [(&good[..0], "part_empty"), (&good[..half], "part_truncated"), (&flipped[..], "part_altered")]
        {
            std::fs::write(&part, bad).unwrap();
            assert_fails(&tool, code);
        }
        std::fs::remove_file(&part).unwrap();
        assert_fails(&tool, "part_missing");
        std::fs::write(&part, &good).unwrap();
        assert_eq!(tool.json(&["ops:backup:verify"])["ok"], true);
        std::fs::remove_file(part.with_file_name("manifest.json")).unwrap();
        assert_fails(&tool, "manifest_missing");
    });
}

#[track_caller]
fn assert_fails(tool: &Tool, code: &str) {
    let failed = tool.run(&["ops:backup:verify"]);
    let answer = failed.json();
    assert_eq!(
        (failed.status, &answer["ok"], &answer["findings"][0]["code"]),
        (1, &json!(false), &json!(code))
    );
}

#[test]
fn r43_without_any_backup_verifying_fails() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let failed = Tool::beside(&server).run(&["ops:backup:verify"]);
    assert_eq!((failed.status, &failed.json()["code"]), (1, &json!("backup_not_found")));
}

/// Everything about money, people and settings; the marks that making and restoring backups leave are not of it.
fn domain(place: &Place) -> Vec<String> {
    Evidence::of(place).domain().into_iter().filter(|row| !row.starts_with("ops_")).collect()
}

#[test]
fn r53_a_restored_instance_has_the_same_totals_hashes_and_settlements() {
    Scene::for_each_engine(|scene| {
        let server = scene.start();
        for market in MARKETS {
            scene.rises(market, START_MS);
            play(&server, market, START_MS);
        }
        server.move_clock(END_MS);
        let (tool, to) = (
            Tool::beside(&server),
            if scene.place.is_embedded() { Place::sqlite() } else { Place::postgres() },
        );
        let backup = tool.json(&["backup", "create"]);
        let (results, summary) = (server.results(1), server.ops("/api/ops/summary"));
        assert_eq!(summary["recentSettlements"].as_array().unwrap().len(), 6);
        server.kill();
        let restored = tool.json(&["backup", "restore", "--to", &to.url(), "--reason", "drill"]);
        assert_eq!(restored["ledger"], backup["ledger"]);
        let pool_cents = 6 * 3_500;
        let ledger = &backup["ledger"][0];
        assert_eq!((&ledger["asset"], &ledger["debits"]), (&json!("PB"), &ledger["credits"]));
        assert!(ledger["debits"].as_str().unwrap().parse::<i64>().unwrap() > pool_cents);
        assert_eq!(domain(&to), domain(&scene.place), "row for row");
        let links =
            "SELECT chain || number FROM audit_links WHERE chain NOT LIKE 'cli/%' ORDER BY chain, number";
        let hashes = |place: &Place| Evidence::of(place).column::<String>(links, &[]);
        assert_eq!(hashes(&to), hashes(&scene.place));
        assert_eq!(tool.json(&["audit", "verify", "--database", &to.url()])["ok"], true);

        let fresh = Scene { place: to, prices: crate::harness::Prices::start() };
        let server = fresh.setup().manual_clock(END_MS).start();
        assert_eq!(server.results(1), results);
        assert_eq!(server.ops("/api/ops/summary")["totals"], summary["totals"]);
        assert_eq!(server.ops("/api/ops/summary")["recentSettlements"], summary["recentSettlements"]);
    });
}

#[test]
fn r53_the_age_of_the_last_restore_test_is_shown() {
    let scene = Scene::sqlite();
    let server = scene.start();
    let age = |server: &Server| -> Option<String> {
        let metrics = server.get("/metrics").text;
        let line = metrics.lines().find_map(|line| line.strip_prefix("bursar_restore_proof_age_seconds "));
        line.map(str::to_owned)
    };
    assert_eq!(age(&server), None, "nothing was ever proven");
    server.move_clock(TWO);
    server.move_clock(PROOF + 61_000);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while age(&server).as_deref() != Some("61") {
        assert!(std::time::Instant::now() < patience, "{:?}", age(&server));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
