//! The database's password and user, on a PostgreSQL that asks for them, while players join and look.

use std::sync::atomic::{AtomicU64, Ordering};

use postgres::Client;

use crate::cluster::Cluster;
use crate::files::{Files, hang_up, reload, wait_until};
use crate::harness::{Join, Place, Server, Setup, Tool};
use crate::under_load::{Caller, Meter, under_load};

const ROUND: &str = "SOL-1700000040-5m";

struct Scene {
    cluster: Cluster,
    files: Files,
    server: Server,
    /// Only its folder is used.
    _place: Place,
}

impl Scene {
    /// A server that signs in as `bursar` with the password `one`.
    fn start() -> Scene {
        let (cluster, files, place) = (Cluster::start("one"), Files::new(), Place::sqlite());
        let setup = Setup::rounds(&place).env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "1000000");
        let setup = setup.env("PANCHO_RL_STATUS_IP_LIMIT", "1000000");
        let setup = setup.env("PANCHO_RL_SIM_POOL_IP_LIMIT", "1000000");
        let server = files.url(setup, "DATABASE_URL", &cluster.url("bursar", "one")).start();
        Scene { cluster, files, server, _place: place }
    }

    fn put(&self, user: &str, password: &str) {
        self.files.put("DATABASE_URL", &self.cluster.url(user, password));
    }

    /// Runs `script` while four players join without a pause and two look; nothing may fail, and every join that was
    /// acknowledged is there.
    #[track_caller]
    fn under_load(&self, script: impl FnOnce(&Meter)) {
        let (server, joined) = (&self.server, AtomicU64::new(0));
        let joined = &joined;
        let player = |player: u64| -> Caller<'_> {
            Box::new(move |call| {
                let join = Join::new(&format!("{player}-{call}")).wallet(1_000 * player + call / 10);
                match join.send(server) {
                    answer if answer.status == 200 => joined.fetch_add(1, Ordering::SeqCst),
                    answer => return Err(format!("{} {}", answer.status, answer.text)),
                };
                Ok(())
            })
        };
        let looker = |path: &'static str| -> Caller<'_> {
            Box::new(move |_| match server.get(path) {
                answer if answer.status == 200 => Ok(()),
                answer => Err(format!("{} {}", answer.status, answer.text)),
            })
        };
        let pool = "/api/sim/pool?roundId=SOL-1700000040-5m";
        let callers = (1..=4).map(player).chain([looker("/api/status"), looker(pool)]).collect();
        under_load(callers, script);
        assert_eq!(server.pool(ROUND)["entries"].as_u64(), Some(joined.load(Ordering::SeqCst)));
    }
}

/// Sessions of the server as this user.
fn sessions(admin: &mut Client, user: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = 'bursar'";
    admin.query_one(sql, &[&user]).unwrap().get(0)
}

/// Sessions that were opened before the last change of the password that `mark` stands for.
fn older_than(admin: &mut Client, mark: std::time::SystemTime) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bursar' AND backend_start < $1";
    admin.query_one(sql, &[&mark]).unwrap().get(0)
}

fn database_time(admin: &mut Client) -> std::time::SystemTime {
    admin.query_one("SELECT clock_timestamp()", &[]).unwrap().get(0)
}

#[test]
fn v8_the_databases_password_changes_under_load_and_no_request_fails() {
    let scene = Scene::start();
    let mut admin = scene.cluster.admin("bursar");
    scene.under_load(|meter| {
        for (password, by_signal) in [("two", false), ("three", true)] {
            meter.let_pass(5);
            // From here until the file is read the server can open no session with what it has.
            admin.batch_execute(&format!("ALTER ROLE bursar PASSWORD '{password}'")).unwrap();
            let changed_at = database_time(&mut admin);
            meter.let_pass(5);
            scene.put("bursar", password);
            if by_signal {
                hang_up(&scene.server);
            } else {
                reload(&scene.server);
            }
            wait_until("the last session of the old password", || older_than(&mut admin, changed_at) == 0);
            meter.let_pass(5);
        }
    });
    assert!(sessions(&mut admin, "bursar") > 0);
}

#[test]
fn v8_another_user_takes_over_under_load_and_the_former_can_be_locked_out() {
    let scene = Scene::start();
    let mut admin = scene.cluster.admin("bursar");
    let grants = "CREATE ROLE bursar_b LOGIN PASSWORD 'b'; GRANT ALL ON ALL TABLES IN SCHEMA public TO bursar_b; \
                  GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO bursar_b";
    admin.batch_execute(grants).unwrap();
    scene.under_load(|meter| {
        meter.let_pass(5);
        scene.put("bursar_b", "b");
        reload(&scene.server);
        wait_until("the last session of the former user", || sessions(&mut admin, "bursar") == 0);
        admin.batch_execute("ALTER ROLE bursar NOLOGIN").unwrap();
        meter.let_pass(5);
    });
    assert!(sessions(&mut admin, "bursar_b") > 0);
    let tool = Tool::beside(&scene.server);
    assert_eq!(tool.json(&["ops", "pause", "joins", "--reason", "drill"])["state"], "binding");
    let role = "SELECT db_role FROM control_changes ORDER BY id DESC LIMIT 1";
    assert_eq!(admin.query_one(role, &[]).unwrap().get::<_, String>(0), "bursar_b");
}

#[test]
fn v8_a_password_that_the_database_refuses_is_looked_up_in_its_file_before_a_request_fails() {
    let scene = Scene::start();
    let mut admin = scene.cluster.admin("bursar");
    scene.put("bursar", "two");
    admin.batch_execute("ALTER ROLE bursar PASSWORD 'two'").unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'bursar'";
    admin.query_one(cut, &[]).unwrap();
    // Nobody has told the server to read anything.
    Join::new("after").accepted(&scene.server);
    wait_until("its event", || scene.server.log().contains("refused_by_database"));
}

#[test]
fn v8_a_url_that_does_not_work_is_refused_and_the_one_in_force_stays() {
    let scene = Scene::start();
    let mut admin = scene.cluster.admin("bursar");
    let roles = "CREATE ROLE less LOGIN PASSWORD 'less'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO less; \
                 CREATE ROLE numberless LOGIN PASSWORD 'none'; \
                 GRANT ALL ON ALL TABLES IN SCHEMA public TO numberless; \
                 GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO numberless; \
                 CREATE ROLE hasty LOGIN PASSWORD 'hasty' IN ROLE bursar; ALTER ROLE hasty SET synchronous_commit = off; \
                 CREATE DATABASE elsewhere OWNER bursar";
    roles.split("; ").for_each(|role| admin.batch_execute(role).unwrap());
    // The command line has a password that works; only the server's file is wrong.
    let tool = Tool::beside(&scene.server);
    let good = scene.cluster.url("bursar", "one");
    let elsewhere = good.replace("/bursar", "/elsewhere").replace("//elsewhere", "//bursar");
    for (url, rule) in [
        (scene.cluster.url("bursar", "wrong"), "DATABASE_URL does not work: "),
        (scene.cluster.url("less", "less"), "may not do what the former could: DELETE on "),
        (scene.cluster.url("numberless", "none"), "may not do what the former could: USAGE on "),
        (
            scene.cluster.url("hasty", "hasty"),
            "DATABASE_URL does not work: the database is unavailable: synchronous_commit is off",
        ),
        (elsewhere, "DATABASE_URL names another server, database or option than the one in use"),
        ("postgres://nonsense".to_owned() + ":x/y", "DATABASE_URL is no database URL"),
    ] {
        scene.files.put("DATABASE_URL", &url);
        let output = tool.run(&["secrets", "reload", "--reason", "drill", "--database", &good]);
        assert_eq!(output.status, 1, "{output:?}");
        assert!(output.stderr.contains(rule), "{rule}: {}", output.stderr);
        Join::new(&format!("after {}", rule.len())).accepted(&scene.server);
    }
    let log = scene.server.log();
    assert!(!log.contains(":one@") && !log.contains("wrong@"), "{log}");
}
