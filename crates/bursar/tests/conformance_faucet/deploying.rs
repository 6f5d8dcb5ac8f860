//! A new release beside the old one, and back.
//!
//! There is one release so far. It stands for both: under two version names at once, and as the one before on a schema that
//! was extended as a newer release would.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use bursar_devnet_banano::{Command, Misbehaviour};
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::faucet::{Outside, Player};
use crate::harness::{LiveFaucet, Place, Server, Setup, Tool};

const PATIENCE: Duration = Duration::from_secs(30);

/// A release under the system's clock.
fn release<'a>(version: &'a str) -> impl FnOnce(Setup) -> Setup + 'a {
    move |setup| setup.without("BURSAR_CLOCK").env("IMAGE_TAG", version)
}

/// What a release after this one would leave behind: its steps added a table, columns and an index.
fn newer_release_ran(place: &Place) {
    Evidence::of(place).execute(
        "CREATE TABLE faucet_newer (id BIGINT PRIMARY KEY, note TEXT); \
         ALTER TABLE faucet_user ADD COLUMN newer TEXT; \
         ALTER TABLE faucet_reward_accrual ADD COLUMN newer BIGINT DEFAULT 7; \
         ALTER TABLE faucet_payout ADD COLUMN newer TEXT; \
         CREATE INDEX faucet_payout_newer ON faucet_payout (newer); \
         INSERT INTO store_migrations (name, checksum, epoch, applied_ms) VALUES ('faucet/9999_newer', 'x', 1, 0)",
    );
}

#[test]
fn f26_migrate_up_tells_the_version_and_exits_0_twice() {
    Place::for_each_engine(|place| {
        let tool = Tool::of(&Outside::start().setup(place));
        let [first, second] = [(); 2].map(|()| tool.run(&["migrate", "up"]));
        assert_eq!((first.status, second.status), (0, 0), "{first:?} {second:?}");
        let (first, second) = (first.json(), second.json());
        let applied = first["applied"].as_array().unwrap();
        assert!(applied.contains(&json!("faucet/0001_faucet")), "{first}");
        assert_eq!(second["applied"], json!([]));
        let newest = applied.iter().rfind(|step| step.as_str().unwrap().starts_with("faucet/")).unwrap();
        let version = first["version"]["faucet"].as_str().unwrap();
        assert_eq!(*newest, json!(format!("faucet/{version}")));
        let state = tool.json(&["migrate", "status"]);
        assert_eq!((&second["version"], &state["version"]), (&first["version"], &first["version"]));
        assert_eq!((&state["ok"], &state["pending"]), (&json!(true), &json!([])));
    });
}

/// Hands each call to a server that takes calls, in turn.
#[derive(Default)]
struct Balancer {
    servers: RwLock<Vec<Arc<Server>>>,
    is_over: AtomicBool,
    calls: AtomicU64,
}

impl Balancer {
    fn add(&self, server: Arc<Server>) {
        self.servers.write().unwrap().push(server);
    }

    /// Hands no more calls to `server`, and waits until those that it has are answered.
    fn drain(&self, server: &Arc<Server>) {
        self.servers.write().unwrap().retain(|other| !Arc::ptr_eq(other, server));
        let patience = Instant::now() + PATIENCE;
        while Arc::strong_count(server) > 1 {
            assert!(Instant::now() < patience, "a call does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn server(&self, number: usize) -> Arc<Server> {
        let servers = self.servers.read().unwrap();
        Arc::clone(&servers[number % servers.len()])
    }

    /// Calls until the end; every call must be answered well.
    fn call(&self, player: &Player) {
        let cookie = [("cookie", player.cookie.as_str())];
        let link = json!({"banano_address": player.address}).to_string();
        for number in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let server = self.server(number);
            let answers = [
                server.get_with("/me/status", &cookie),
                server.get("/api/leaderboard"),
                server.post_with("/link/wallet", &cookie, &link),
            ];
            for answer in answers {
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            self.calls.fetch_add(3, Ordering::SeqCst);
        }
    }

    /// Waits until so many more calls were answered.
    fn let_pass(&self, calls: u64) {
        let (until, patience) = (self.calls.load(Ordering::SeqCst) + calls, Instant::now() + PATIENCE);
        while self.calls.load(Ordering::SeqCst) < until {
            assert!(Instant::now() < patience, "the callers stand still");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Ends the load also when the script fails.
struct End<'a>(&'a Balancer);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

fn trigger(server: &Server, cookie: &str) {
    server.post_with("/admin/scheduler/trigger", &[("cookie", cookie)], "{}").expect(200);
}

/// The process that signs and sends.
fn sender(place: &Place) -> String {
    let sql = "SELECT holder FROM store_leases WHERE name = 'job:payouts.send.faucet-operator'";
    Evidence::of(place).column::<String>(sql, &[]).pop().unwrap()
}

#[test]
fn f27_two_versions_side_by_side_under_load_fail_no_call_and_pay_nobody_twice_as_the_lease_moves() {
    let place = Place::postgres();
    let faucet = LiveFaucet::start_with(&place, 99, release("blue"));
    let players: Vec<Player> = (1..=6).map(|number| faucet.player(number, 0)).collect();
    let admin = faucet.admin();
    let LiveFaucet { outside, server, .. } = faucet;
    let (setup, blue) = (server.setup().clone().env("IMAGE_TAG", "green"), Arc::new(server));
    let paid = |players: &[Player]| players.iter().map(|player| outside.paid_e8(player)).collect::<Vec<_>>();
    let earn = |players: &[Player]| {
        for player in players {
            outside.stats.grow_kills(&player.epic, 7);
        }
    };
    let wait_until_paid = |players: &[Player]| {
        let patience = Instant::now() + PATIENCE;
        while paid(players).iter().any(Vec::is_empty) {
            assert!(Instant::now() < patience, "nobody pays");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let balancer = Balancer::default();
    balancer.add(Arc::clone(&blue));
    std::thread::scope(|scope| {
        let end = End(&balancer);
        for player in &players[..3] {
            scope.spawn(|| balancer.call(player));
        }
        earn(&players[..2]);
        trigger(&blue, &admin);
        wait_until_paid(&players[..2]);
        let before = sender(&place);

        let green = Arc::new(setup.start());
        assert_eq!(green.get("/readyz").status, 200);
        assert_eq!(green.get("/healthz").expect(200)["version"], "green");
        balancer.add(Arc::clone(&green));
        earn(&players[2..4]);
        std::thread::scope(|both| {
            for server in [&blue, &green] {
                both.spawn(|| trigger(server, &admin));
            }
        });
        balancer.let_pass(30);
        wait_until_paid(&players[2..4]);

        earn(&players[4..]);
        trigger(&blue, &admin);
        balancer.drain(&blue);
        let blue = Arc::into_inner(blue).unwrap();
        assert!(blue.stop().success());
        wait_until_paid(&players[4..]);
        balancer.let_pass(30);
        let after = sender(&place);
        assert_ne!(before, after, "the other one sends now");
        trigger(&green, &admin);
        drop(end);
    });
    assert_eq!(paid(&players), vec![vec![70_000_000]; 6]);
    assert_eq!(outside.sends().len(), 6);
}

#[test]
fn f28_after_a_deployment_healthz_names_the_new_version_and_readyz_is_200() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, release("a1b2c3"));
    let seen = |server: &Server| (server.get("/healthz").expect(200), server.get("/readyz").status);
    assert_eq!(seen(&faucet.server).0, json!({"status": "ok", "version": "a1b2c3"}));
    let setup = faucet.server.setup().clone().env("IMAGE_TAG", "d4e5f6");
    assert!(faucet.server.stop().success());
    let (health, ready) = seen(&setup.start());
    assert_eq!((&health["version"], &health["status"], ready), (&json!("d4e5f6"), &json!("ok"), 200));
}

#[test]
fn f29_the_payout_histogram_grows_with_a_settlement() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    let counted = || faucet.metric("payout_amount_ban_count");
    let before = counted();
    faucet.cycle();
    assert_eq!(counted(), before, "nothing is due");
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.trigger();
    assert_eq!(counted(), before + 1.0);
}

#[test]
fn f30_sigterm_ends_requests_in_flight_leaves_no_payout_unrecorded_and_exits_0_within_10_s() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 99, release("a"));
        let players: Vec<Player> = (1..=3).map(|number| faucet.player(number, 0)).collect();
        for player in &players {
            faucet.outside.stats.grow_kills(&player.epic, 7);
        }
        // The node takes each block at once and answers late; so does Discord.
        faucet.outside.node_fault("process", Misbehaviour::Delay(1_000), 10);
        faucet.trigger();
        faucet.wait_until("a block on the chain", || !faucet.outside.sends().is_empty());
        let delay = bursar_devnet_faucet::Misbehaviour::Delay(1_000);
        faucet.outside.discord.fail_next_of("token", delay, 1);
        let began = Instant::now();
        let cookie = std::thread::scope(|scope| {
            let asked = faucet.outside.discord.calls_of("token");
            let in_flight = scope.spawn(|| faucet.sign_in(players[0].id, &[]));
            faucet.wait_until("a request under way", || faucet.outside.discord.calls_of("token") > asked);
            faucet.server.terminate();
            in_flight.join().unwrap()
        });
        let LiveFaucet { outside, mut server, .. } = faucet;
        assert!(server.wait().success(), "{}", server.stderr());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let recorded: Vec<String> =
            Evidence::of(place).column("SELECT tx_hash FROM faucet_payout WHERE tx_hash IS NOT NULL", &[]);
        for sent in outside.sends() {
            assert!(recorded.contains(&sent.hash), "{} is not in {recorded:?}", sent.hash);
        }
        outside.node.command(Command::ClearFaults).unwrap();
        let faucet = LiveFaucet::around(outside, server.setup().start());
        let is_paid = |player: &Player| faucet.accruals(player).iter().all(|row| row["settled"] == true);
        faucet.wait_until("the rest", || players.iter().all(is_paid));
        for player in &players {
            assert_eq!(faucet.outside.paid_e8(player), [70_000_000]);
        }
        assert_eq!(faucet.server.get_with("/me/status", &[("cookie", &cookie)]).status, 200);
    });
}

/// What a release must be able to do, on whatever schema it finds: from a sign-in to a payout, and all upkeep.
fn works(faucet: &LiveFaucet, number: u32) {
    let player = faucet.player(number, 100);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
    assert_eq!(faucet.accruals(&player)[0]["settled"], true);
    assert_eq!(faucet.payouts(&player)[0]["status"], "sent");
    // More than the rule about spikes allows, and more than the day's cap.
    faucet.outside.stats.grow_kills(&player.epic, 151);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.accruals(&player).len(), 3, "one was split");
    let flag = faucet.admin_get("/admin/flags")["flags"][0]["id"].clone();
    let verdict = json!({"verdict": "confirmed", "reason": "a test"});
    faucet.admin_post(&format!("/admin/flags/{flag}/review"), &verdict).expect(200);
    // Below the first milestone, which would raise the rate.
    faucet.outside.fund_e8(10 * 100_000_000);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.admin_get("/admin/reconcile")["mismatches"]["missing"], 0);
    let prune = json!({"reason": "a test", "retention_days": 90});
    faucet.admin_post("/admin/prune", &prune).expect(200);
    let id = faucet.admin_get("/admin/stats")["users_total"].as_i64().unwrap();
    assert!(id >= 2);
    let reverified = json!({"discord_id": player.id.to_string()});
    faucet.admin_post("/admin/reverify", &reverified).expect(200);
}

#[test]
fn f31_this_release_starts_on_a_schema_that_a_newer_one_extended_and_pays() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 0);
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.switch("payouts_halted", "on");
        faucet.cycle();
        newer_release_ran(place);
        let state = Tool::beside(&faucet.server).json(&["migrate", "status"]);
        assert_eq!((&state["ok"], &state["newer"]), (&json!(true), &json!(["faucet/9999_newer"])));
        let faucet = faucet.restart();
        assert_eq!(faucet.server.get("/readyz").status, 200);
        assert_eq!(faucet.metric("faucet_switch{name=\"payouts_halted\"}"), 1.0);
        faucet.switch("payouts_halted", "off");
        faucet.pass_ms(120_000);
        assert_eq!(faucet.outside.paid_e8(&player), [70_000_000], "what was owed before");
    });
}

#[test]
fn f33_this_release_does_everything_on_a_schema_that_a_newer_one_extended_that_it_does_on_its_own() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 70, |setup| setup);
        works(&faucet, 1);
        newer_release_ran(place);
        let faucet = faucet.restart();
        works(&faucet, 2);
        assert_eq!(faucet.admin_get("/admin/reconcile")["mismatches"]["duplicate"], 0);
    });
}

/// Every migration of the workspace: path and text.
fn migrations() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for rooms in ["crates", "desks", "chains"] {
        for room in std::fs::read_dir(root.join(rooms)).unwrap() {
            let Ok(files) = std::fs::read_dir(room.unwrap().path().join("migrations")) else { continue };
            for file in files {
                let path = file.unwrap().path();
                found.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The statements that take something away, or give it another name, type or rule.
fn subtracting(sql: &str) -> Vec<String> {
    let without_comments: Vec<&str> =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let text = without_comments.join(" ").to_uppercase();
    let statements =
        text.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "));
    let is_subtracting = |statement: &String| {
        // A trigger or a function is rules and no data; the same step puts the new one in its place.
        let replaces_rule = statement.starts_with("DROP TRIGGER IF EXISTS");
        let takes =
            ["DROP ", "RENAME ", "TRUNCATE ", "DELETE FROM "].iter().any(|word| statement.starts_with(word));
        let alters = statement.starts_with("ALTER ")
            && ["DROP ", "RENAME ", " TYPE ", "SET NOT NULL", "ADD CONSTRAINT"]
                .iter()
                .any(|word| statement.contains(word));
        (takes && !replaces_rule) || alters
    };
    statements.filter(is_subtracting).collect()
}

#[test]
fn f33_no_migration_drops_or_renames_anything() {
    let all = migrations();
    assert!(all.iter().any(|(path, _)| path.ends_with("desks/faucet/migrations/0001_faucet.sql")));
    for (path, sql) in all {
        assert_eq!(subtracting(&sql), [] as [&str; 0], "{}", path.display());
    }
    for sql in [
        "drop table a",
        "ALTER TABLE a\n RENAME COLUMN b TO c",
        "ALTER TABLE a DROP COLUMN b",
        "ALTER TABLE a ALTER COLUMN b TYPE TEXT",
        "ALTER TABLE a ALTER b SET NOT NULL",
        "DELETE FROM a",
    ] {
        assert_eq!(subtracting(&format!("CREATE TABLE x (y INT); {sql};")).len(), 1, "{sql}");
    }
    assert!(subtracting("-- DROP TABLE a;\nALTER TABLE a ADD COLUMN b TEXT;").is_empty());
}

/// The metrics' names with their types, and the keys that all log lines of a kind have.
fn observed(faucet: &LiveFaucet) -> (BTreeMap<String, String>, BTreeMap<String, BTreeSet<String>>) {
    let text = faucet.server.get("/metrics").text;
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let families = families.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let log = faucet.server.log();
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let kind = line["event"].as_str().unwrap_or("other").to_owned();
        let keys: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
        kinds.entry(kind).and_modify(|common| common.retain(|key| keys.contains(key))).or_insert(keys);
    }
    (families, kinds)
}

/// Lines of a name and what was released under it.
fn released(list: &str) -> impl Iterator<Item = (String, String)> {
    list.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
}

/// A request that fails through no doing of the caller's leaves a log line of its own.
fn fails(place: &Place, faucet: &LiveFaucet) {
    let rename =
        |from: &str, to: &str| Evidence::of(place).execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
    rename("faucet_donor", "faucet_away");
    assert_eq!(faucet.server.get("/api/donations").status, 500);
    rename("faucet_away", "faucet_donor");
}

/// Names that the alert rules of the faucet and the rules of its incidents look at.
fn watched() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/faucet.rules.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let expressions = text.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let words =
        expressions.flat_map(|line| line.split(|mark: char| !mark.is_ascii_alphanumeric() && mark != '_'));
    words.filter(|word| word.matches('_').count() >= 2).map(str::to_owned).collect()
}

#[test]
fn f32_metrics_and_log_lines_keep_their_released_names_so_that_alerts_survive_a_rollback() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 70, |setup| setup);
    let observed_at_work = |faucet: &LiveFaucet, number: u32| {
        works(faucet, number);
        fails(&place, faucet);
        observed(faucet)
    };
    let before = observed_at_work(&faucet, 1);
    newer_release_ran(&place);
    let after = observed_at_work(&faucet.restart(), 2);
    assert_eq!(before, after);
    // What was released once stays: an earlier release, or a dashboard, has no other names.
    let (metrics, kinds) = after;
    let released_metrics: BTreeMap<_, _> = released(include_str!("released_metrics.txt")).collect();
    let gone: Vec<_> =
        released_metrics.iter().filter(|(name, kind)| metrics.get(*name) != Some(kind)).collect();
    assert!(gone.is_empty(), "{gone:?}");
    let set = |keys: String| keys.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let released_keys = released(include_str!("released_log_keys.txt"));
    assert_eq!(kinds, released_keys.map(|(kind, keys)| (kind, set(keys))).collect());
    let is_exported = |name: &String| {
        ["", "_bucket", "_count", "_sum"]
            .iter()
            .any(|end| name.strip_suffix(end).is_some_and(|family| released_metrics.contains_key(family)))
    };
    let watched = watched();
    assert!(watched.len() >= 9, "{watched:?}");
    let unknown: Vec<_> = watched.iter().filter(|name| !is_exported(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
