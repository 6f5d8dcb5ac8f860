//! What an operator can do in an incident: look, stop a part of the faucet, and give the database more room.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use bursar_devnet_banano::Command;
use serde_json::{Value, json};

use crate::harness::{Answer, LiveFaucet, Place, Setup};

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

/// A place at which the next read of the feed stands still, with its connection.
struct Feed(PathBuf);

impl Feed {
    fn in_folder(folder: &Path) -> Feed {
        Feed(folder.join("faucet.feed.statement"))
    }

    fn held(&self) -> PathBuf {
        self.0.with_extension("statement.held")
    }

    /// Waits until one more read stands here.
    fn hold<'scope>(
        &self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        faucet: &'scope LiveFaucet,
    ) -> ScopedJoinHandle<'scope, Answer> {
        std::fs::write(&self.0, "").unwrap();
        let reading = scope.spawn(|| faucet.server.get("/api/feed"));
        let patience = Instant::now() + Duration::from_secs(20);
        while self.0.exists() {
            assert!(Instant::now() < patience, "nobody came by");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(self.held().exists());
        reading
    }

    fn release(&self) {
        std::fs::remove_file(self.held()).unwrap();
    }
}

/// With `size` connections for reads: as many reads at the same time, and the next one waits for the first to end.
fn reads_at_once(place: &Place, name: &str, size: usize) {
    let folder = place.folder().join(format!("failpoints-{size}"));
    std::fs::create_dir(&folder).unwrap();
    let sized =
        |setup: Setup| setup.env(name, &size.to_string()).env("BURSAR_FAILPOINTS", folder.to_str().unwrap());
    let faucet = LiveFaucet::start_with(place, 99, sized);
    let feed = Feed::in_folder(&folder);
    std::thread::scope(|scope| {
        let mut held: Vec<_> = (1..size).map(|_| feed.hold(scope, &faucet)).collect();
        for _ in 0..20 {
            faucet.server.get("/api/leaderboard").expect(200);
        }
        held.push(feed.hold(scope, &faucet));
        let next = scope.spawn(|| faucet.server.get("/api/leaderboard"));
        std::thread::sleep(Duration::from_millis(200));
        assert!(!next.is_finished(), "{size} reads stand still, and one more ran");
        feed.release();
        next.join().unwrap().expect(200);
        for reading in held {
            reading.join().unwrap().expect(200);
        }
    });
}

#[test]
fn f46_as_many_reads_run_at_the_same_time_as_the_configuration_says() {
    for size in [1, 4] {
        reads_at_once(&Place::sqlite(), "BURSAR_SQLITE_READERS", size);
        reads_at_once(&Place::postgres(), "PG_POOL_MAX", size);
    }
}
