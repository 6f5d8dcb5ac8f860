//! Restores that nobody had tried, and logs that somebody edited.

use bursar_disk_faults::Disk;
use rusqlite::Connection;

use super::scene::{Scene, answers};
use crate::inspection::next_anchor;
use crate::invariant::Invariant;
use crate::template::DATABASE;

#[test]
fn a_restore_that_nobody_ever_tried_brings_back_a_book_that_balances_and_settles() {
    let scene = Scene::new(2);
    let [kept, lost] = [scene.wish("kept", 1), scene.wish("lost", 2)];
    assert_eq!(answers(scene.join(0, std::slice::from_ref(&kept))), ["created"]);
    scene.world.back_up();
    assert_eq!(answers(scene.join(1, std::slice::from_ref(&lost))), ["created"]);
    scene.world.restore();
    scene.pass(16_000);
    assert_eq!(answers(scene.join(0, &[kept])), ["known"]);
    assert_eq!(answers(scene.join(1, &[lost])), ["created"]);
    scene.ends_well();
}

#[test]
fn a_backup_restored_after_its_rounds_were_paid_pays_them_once_in_the_restored_book() {
    let scene = Scene::new(1);
    let wishes: Vec<_> = (1..6).map(|player| scene.wish(&format!("entry {player}"), player)).collect();
    assert_eq!(answers(scene.join(0, &wishes)), ["created"; 5]);
    scene.world.back_up();
    scene.pass(20 * 60_000);
    scene.world.restore();
    scene.ends_well();
}

/// What somebody with all rights in the database types.
fn type_sql(disk: &Disk, sql: &str) {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let shell = Connection::open_with_flags_and_vfs(DATABASE, flags, disk.vfs_name()).unwrap();
    shell.execute_batch(sql).unwrap();
}

/// Takes the guards off the audit log's tables.
fn unguard(disk: &Disk) {
    let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'";
    let names: Vec<String> = {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let shell = Connection::open_with_flags_and_vfs(DATABASE, flags, disk.vfs_name()).unwrap();
        let mut statement = shell.prepare(triggers).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert!(!names.is_empty(), "the log is guarded");
    names.iter().for_each(|name| type_sql(disk, &format!("DROP TRIGGER {name}")));
}

#[test]
fn an_audit_log_that_its_database_administrator_edits_says_so() {
    let scene = Scene::new(1);
    assert_eq!(answers(scene.join(0, &[scene.wish("told", 1)])), ["created"]);
    scene.world.examine();
    assert_eq!(scene.world.violation(), None);
    unguard(&scene.world.disk);
    type_sql(&scene.world.disk, "UPDATE audit_events SET level = 1 WHERE event = 'join.accepted'");
    scene.world.examine();
    let found = scene.world.violation().map(|violation| violation.invariant);
    assert_eq!(found, Some(Invariant::AuditChain));
}

#[test]
fn an_audit_log_that_is_hashed_anew_between_two_anchors_is_not_what_the_first_one_says() {
    let scene = Scene::new(1);
    let look = || {
        let read = scene.world.step(0, |process| {
            process.store.read("sim.anchor", |tx| {
                next_anchor(tx, scene.world.anchor.with(|kept| kept.clone()).as_ref())
            })
        });
        scene.world.hold(scene.world.keep_anchor(read.unwrap().unwrap()));
        scene.world.violation().map(|violation| violation.invariant)
    };
    assert_eq!(answers(scene.join(0, &[scene.wish("told", 1)])), ["created"]);
    assert_eq!(look(), None);
    assert_eq!(answers(scene.join(0, &[scene.wish("told later", 2)])), ["created"]);
    assert_eq!(look(), None);
    unguard(&scene.world.disk);
    type_sql(&scene.world.disk, "UPDATE audit_links SET hash = zeroblob(32)");
    assert_eq!(look(), Some(Invariant::AuditChain));
}
