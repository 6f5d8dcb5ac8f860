//! What an operator can do in an incident: look, stop a part of the faucet, and give the database more room.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bursar_devnet_banano::Command;
use serde_json::{Value, json};

use crate::harness::{LiveFaucet, Place};

const MINUTE_MS: i64 = 60_000;

/// Series with their values, without those that a look at the metrics changes by itself.
fn series(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let of_looking = ["http_", "bursar_http_", "process_", "bursar_process_"];
    let kept = lines.filter(|line| !of_looking.iter().any(|prefix| line.starts_with(prefix)));
    kept.filter_map(|line| line.rsplit_once(' ')).collect()
}

fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect()
}

#[test]
fn f43_a_snapshot_of_the_metrics_is_a_file_with_its_time_and_the_content_of_the_metrics() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.pass_ms(2 * MINUTE_MS);
    let cookie = faucet.admin();
    let path = "/admin/metrics/snapshot";
    assert_eq!(faucet.server.get(path).status, 401);
    // 2023-11-14T22:16:01Z.
    assert_eq!(faucet.server.now_ms(), 1_700_000_161_000);
    let now = faucet.server.get("/metrics").text;
    let snapshot = faucet.server.get_with(path, &[("cookie", &cookie)]);
    assert_eq!(snapshot.status, 200);
    let disposition = snapshot.header("content-disposition").unwrap();
    assert_eq!(disposition, "attachment; filename=\"metrics-20231114T221601Z.txt\"");
    assert_eq!(names(&snapshot.text), names(&now));
    assert_eq!(series(&snapshot.text), series(&now));
    assert_eq!(series(&now)["payout_amount_ban_count"], "1");
}

/// What administrators did, newest first: action, target and who.
fn audited(faucet: &LiveFaucet) -> Vec<Value> {
    let audit = faucet.admin_get("/admin/audit?action=set_switch");
    audit["events"].as_array().unwrap().clone()
}

#[test]
fn f44_dry_run_that_is_turned_on_at_runtime_sends_nothing_from_the_next_cycle_on_and_is_audited() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 0);
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.pass_ms(2 * MINUTE_MS);
        assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
        faucet.switch("force_dry_run", "on");
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.pass_ms(2 * MINUTE_MS);
        assert_eq!(faucet.outside.sends().len(), 1);
        assert_eq!(faucet.server.get("/config/product").expect(200)["feature_flags"]["dry_run_banner"], true);
        let newest = &audited(&faucet)[0];
        assert_eq!(
            (&newest["target_type"], &newest["target_id"]),
            (&json!("switch"), &json!("force_dry_run"))
        );
        assert_eq!(newest["summary"], "force_dry_run on: a test");
        assert!(newest["actor_email"].as_str().unwrap().ends_with("@discord"), "{newest}");
    });
}

#[test]
fn f45_a_halted_scheduler_starts_no_cycle_and_what_is_under_way_ends_and_http_goes_on() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        faucet.pass_ms(MINUTE_MS);
        let [under_way, accepted] = [1, 2].map(|number| faucet.player(number, 0));
        // One is on the chain and not final, the other is accepted and not signed.
        faucet.outside.node.command(Command::ConfirmationLag(None)).unwrap();
        faucet.outside.stats.grow_kills(&under_way.epic, 7);
        faucet.trigger();
        faucet.pass_ms(1_000);
        assert_eq!(faucet.outside.paid_e8(&under_way), [70_000_000]);
        assert_eq!(faucet.accruals(&under_way)[0]["settled"], false);
        faucet.outside.stats.grow_kills(&accepted.epic, 5);
        faucet.trigger();
        faucet.switch("scheduler_halted", "on");
        let runs = "SELECT COUNT(*) FROM faucet_reward_accrual";
        let ran = ["accrual", "settlement"].map(|job| last_run(&faucet, job));
        faucet.outside.node.command(Command::ConfirmAll).unwrap();
        faucet.outside.node.command(Command::ConfirmationLag(Some(0))).unwrap();
        faucet.outside.stats.grow_kills(&under_way.epic, 3);
        faucet.pass_ms(3 * MINUTE_MS);
        for player in [&under_way, &accepted] {
            assert_eq!(faucet.accruals(player)[0]["settled"], true);
            assert_eq!(faucet.payouts(player)[0]["status"], "sent");
        }
        assert_eq!(faucet.outside.paid_e8(&accepted), [50_000_000]);
        assert_eq!(["accrual", "settlement"].map(|job| last_run(&faucet, job)), ran);
        assert_eq!(faucet.stored(place, runs), 2, "the growth of 3 waits");
        let refused = faucet.admin_post("/admin/scheduler/trigger", &json!({}));
        assert_eq!(refused.expect_code(409), "scheduler_halted");
        for path in ["/healthz", "/readyz", "/api/leaderboard"] {
            faucet.server.get(path).expect(200);
        }
        faucet.switch("scheduler_halted", "off");
        faucet.pass_ms(2 * MINUTE_MS);
        assert_eq!(faucet.outside.paid_e8(&under_way), [70_000_000, 30_000_000]);
    });
}

fn last_run(faucet: &LiveFaucet, job: &str) -> f64 {
    faucet.metric(&format!("faucet_last_cycle_timestamp_seconds{{job=\"{job}\"}}"))
}

/// Reads of the feed that are asked for at the same time, of which each stands still once it has its connection.
const LOAD: usize = 4;
/// How long a read waits for a connection before it is refused; milliseconds.
const PATIENCE_MS: &str = "500";

/// A place at which the next read of the feed stands still, with its connection.
struct Feed(PathBuf);

impl Feed {
    fn in_folder(folder: &Path) -> Feed {
        Feed(folder.join("faucet.feed.statement"))
    }

    /// Asks for one more read, and waits until it stands here or is answered: whether it stands.
    fn takes_one_more<'scope>(
        &self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        faucet: &'scope LiveFaucet,
    ) -> bool {
        std::fs::write(&self.0, "").unwrap();
        let reading = scope.spawn(|| faucet.server.get("/api/feed"));
        let patience = Instant::now() + Duration::from_secs(20);
        while self.0.exists() {
            if reading.is_finished() {
                let refused = reading.join().unwrap();
                assert!(refused.status >= 500, "answered and not held: {}", refused.text);
                faucet.server.wait_for_log("every database connection of this process is busy");
                return false;
            }
            assert!(Instant::now() < patience, "it neither stands nor is answered");
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Lets everybody go on who stands here, and nobody stand here any more.
    fn release(&self) {
        let _ = std::fs::remove_file(&self.0);
        std::fs::remove_file(self.0.with_extension("statement.held")).unwrap();
    }
}

/// How many of the load's reads are under way at the same time with `size` connections for reads; the others are refused
/// because every connection is busy.
fn reads_at_once(place: &Place, name: &str, size: usize) -> usize {
    let folder = place.folder().join(format!("failpoints-{size}"));
    std::fs::create_dir(&folder).unwrap();
    let faucet = LiveFaucet::start_with(place, 99, |setup| {
        let sized = setup.env(name, &size.to_string()).env("PG_POOL_CONNECTION_TIMEOUT_MS", PATIENCE_MS);
        sized.env("BURSAR_FAILPOINTS", folder.to_str().unwrap())
    });
    let feed = Feed::in_folder(&folder);
    let at_once = std::thread::scope(|scope| {
        let at_once = (0..LOAD).filter(|_| feed.takes_one_more(scope, &faucet)).count();
        feed.release();
        at_once
    });
    faucet.server.get("/api/feed").expect(200);
    at_once
}

#[test]
fn f46_of_four_reads_as_many_are_served_at_the_same_time_as_connections_are_configured() {
    for (name, place) in [
        ("BURSAR_SQLITE_READERS", Place::sqlite as fn() -> Place),
        ("PG_POOL_MAX", Place::postgres as fn() -> Place),
    ] {
        assert_eq!([1, 4].map(|size| reads_at_once(&place(), name, size)), [1, 4], "{name}");
    }
}
