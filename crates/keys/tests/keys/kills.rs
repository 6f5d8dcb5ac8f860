//! The process is killed between any two steps of a rotation: every secret opens, and the next process goes on.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bursar_store::fault::{Faults, Injected, Step};
use bursar_store::{DatabaseUrl, EngineKind, OpenMode, Store, StoreOptions};

use crate::rotation::{add_keys, rotate, sealed_with};
use crate::scene::{Scene, keystore};

const URL: &str = "BURSAR_KEYS_TEST_URL";
const RING: &str = "BURSAR_KEYS_TEST_RING";
const KILL_AT: &str = "BURSAR_KEYS_TEST_KILL_AT";
const ABORTED: i32 = 6;

struct KillAt(AtomicI64);

impl Faults for KillAt {
    fn before(&self, unit: &'static str, _: Step) -> Option<Injected> {
        let is_due = unit.starts_with("keys.rotate") && self.0.fetch_sub(1, Ordering::SeqCst) == 1;
        is_due.then_some(Injected::Kill)
    }
}

/// The process that is killed: this same test program, told by its environment. Without that it does nothing.
#[test]
fn child_that_rotates() {
    let (Ok(url), Ok(ring), Ok(kill_at)) = (std::env::var(URL), std::env::var(RING), std::env::var(KILL_AT))
    else {
        return;
    };
    let mut options = StoreOptions::new(OpenMode::Tool);
    options.faults = Some(Arc::new(KillAt(AtomicI64::new(kill_at.parse().unwrap()))));
    let store = Store::open(&url.parse().unwrap(), options).unwrap();
    rotate(&keystore(&ring), &store).unwrap();
}

/// Whether the child was killed before its step number `nth`.
fn is_killed(scene: &Scene, ring: &str, nth: usize) -> bool {
    let url = match scene.test.url() {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url,
    };
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "kills::child_that_rotates"]).stdout(Stdio::null()).stderr(Stdio::null());
    let status = child.env(URL, url).env(RING, ring).env(KILL_AT, nth.to_string()).status().unwrap();
    assert!(status.success() || status.signal() == Some(ABORTED), "{status}");
    !status.success()
}

fn kill_before_each_step(scene: &Scene) -> usize {
    add_keys(scene);
    let mut ring = "21";
    for nth in 1_usize.. {
        let killed = is_killed(scene, ring, nth);
        let both = keystore(ring);
        let checks = scene.read(|tx| both.verify(tx));
        assert!(checks.iter().all(|check| check.finding.is_sound()), "step {nth}: {checks:?}");
        assert_eq!(checks.len(), 7);
        rotate(&both, &scene.store()).unwrap();
        assert_eq!(sealed_with(scene, ring.chars().next().unwrap()), 7, "step {nth}");
        if !killed {
            return nth - 1;
        }
        ring = if ring == "21" { "12" } else { "21" };
    }
    0
}

#[test]
fn a_kill_before_any_step_on_the_embedded_engine_leaves_every_secret_open() {
    let kills = kill_before_each_step(&Scene::on(EngineKind::Sqlite));
    assert!(kills > 30, "{kills} kills");
}

#[test]
fn a_kill_before_any_step_on_postgresql_leaves_every_secret_open() {
    let kills = kill_before_each_step(&Scene::on(EngineKind::Postgres));
    assert!(kills > 30, "{kills} kills");
}
