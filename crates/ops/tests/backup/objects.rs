//! Backups in an object store that checks every signature, on good days and on bad ones.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, SystemTime};

use bursar_ops::backup::{
    BackupError, BackupName, Draft, Finding, Lock, MANIFEST, ObjectStore, ObjectStoreSettings, Patience,
    Retention, SEAL, Target, VerifyRequest, removable, remove, verify,
};
use bursar_store::EngineKind;
use bursar_test_stores::object_server::{ACCESS_KEY_ID, BUCKET, Misdeed, ObjectServer, SECRET_ACCESS_KEY};

use crate::town::{ENGINES, Empty, Town, with_program};

const MIB: usize = 1 << 20;
/// No wait is longer than a test's reader has patience.
const QUICK: Patience =
    Patience { attempt: Duration::from_secs(20), attempts: 3, pause: Duration::from_millis(1) };

fn settings(server: &ObjectServer) -> ObjectStoreSettings {
    ObjectStoreSettings {
        place: format!("s3://{BUCKET}/bursar/here").parse().unwrap(),
        endpoint: Some(server.endpoint()),
        region: "us-east-1".to_owned(),
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: SECRET_ACCESS_KEY.to_owned().into(),
        patience: QUICK,
    }
}

fn store(server: &ObjectServer) -> ObjectStore {
    ObjectStore::new(&settings(server), false).unwrap()
}

fn name(second: u32) -> BackupName {
    format!("bursar-2026-01-01T02-00-{second:02}-000Z-1a2b3c4d").parse().unwrap()
}

fn write(draft: &mut dyn Draft, file: &str, content: &[u8]) -> std::io::Result<()> {
    let mut out = draft.create(file)?;
    out.write_all(content)?;
    out.close()
}

/// A backup of two small files.
fn put(target: &ObjectStore, name: &BackupName) -> Result<(), BackupError> {
    let mut draft = target.begin(name)?;
    write(&mut *draft, "a.rows", b"rows").unwrap();
    write(&mut *draft, MANIFEST, b"{}").unwrap();
    draft.complete()
}

fn read(target: &ObjectStore, name: &BackupName, file: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    target.open(name, file)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes in which no piece is like another.
fn content(length: usize) -> Vec<u8> {
    (0_u64..)
        .flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(length)
        .collect()
}

fn findings(town: &Town, target: &ObjectStore, name: &BackupName) -> Result<Vec<&'static str>, BackupError> {
    let lock = town.lock();
    let verified =
        with_program(|program| verify(&VerifyRequest { program, target, name, lock, scratch: None }))?;
    Ok(verified.findings.iter().map(Finding::code).collect())
}

/// All that lies in the bucket, as paths behind the prefix.
fn objects(server: &ObjectServer) -> Vec<String> {
    fn walk(folder: &std::path::Path, beginning: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = format!("{beginning}{}", entry.file_name().into_string().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }
    let mut found = Vec::new();
    walk(&server.bucket().join("bursar/here"), "", &mut found);
    found.sort_unstable();
    found
}

#[test]
fn a_backup_is_made_listed_verified_restored_and_pruned_in_a_bucket() {
    for kind in ENGINES {
        let (server, town) = (ObjectServer::start(), Town::on(kind));
        let target = store(&server);
        assert_eq!(target.names().unwrap(), []);
        let made = town.try_back_up(&target, &|| true).unwrap();
        assert_eq!(target.names().unwrap(), std::slice::from_ref(&made.name));
        assert_eq!(target.place_of(&made.name), format!("s3://backups/bursar/here/{}", made.name));
        let in_folder = town.back_up();
        let (mut here, mut there) = (made.manifest.tables.clone(), in_folder.manifest.tables.clone());
        here.iter_mut().chain(&mut there).for_each(|part| part.serial = None);
        assert_eq!(here, there, "the same parts as in a folder");
        assert_eq!(findings(&town, &target, &made.name).unwrap(), [""; 0]);
        let empty = Empty::on(kind);
        let restored = town.try_restore_from(&target, &made.name, town.lock(), &empty.url).unwrap();
        assert_eq!(restored.manifest, made.manifest);
        let second = town.try_back_up(&target, &|| true).unwrap();
        let removed = removable(&target, Retention::Plain { newest: 1, since: None }).unwrap();
        remove(&target, &removed).unwrap();
        let [older, newer] =
            if made.name < second.name { [made.name, second.name] } else { [second.name, made.name] };
        assert_eq!((removed, target.names().unwrap()), (vec![older], vec![newer.clone()]));
        assert!(objects(&server).iter().all(|object| object.starts_with(newer.as_str())), "nothing is left");
    }
}

#[test]
fn an_encrypted_backup_shows_nothing_to_whoever_keeps_the_bucket() {
    let (server, town) = (ObjectServer::start(), Town::with_key(EngineKind::Sqlite, '7'));
    let target = store(&server);
    let made = town.try_back_up(&target, &|| true).unwrap();
    assert_eq!(findings(&town, &target, &made.name).unwrap(), [""; 0]);
    let part =
        server.bucket().join("bursar/here").join(made.name.as_str()).join("ledger_account.rows.sealed");
    let bytes = fs::read(part).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"town/till"));
}

#[test]
fn a_file_of_any_size_is_read_back_and_large_ones_go_in_parts() {
    let server = ObjectServer::start();
    let target = store(&server);
    let sizes = [0, 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 16 * MIB + 1, 40 * MIB];
    let mut draft = target.begin(&name(1)).unwrap();
    for size in sizes {
        write(&mut *draft, &format!("{size}.rows"), &content(size)).unwrap();
    }
    write(&mut *draft, MANIFEST, b"{}").unwrap();
    draft.complete().unwrap();
    for size in sizes {
        let read = read(&target, &name(1), &format!("{size}.rows")).unwrap();
        assert!(read == content(size), "{size}: {} bytes", read.len());
    }
    let asked = server.asked();
    let parts = |size: usize| {
        let start = format!("PUT /{BUCKET}/bursar/here/{}/{size}.rows&partNumber=", name(1));
        asked.iter().filter(|asked| asked.starts_with(&start)).count()
    };
    assert_eq!(sizes.map(parts), [0, 0, 0, 0, 0, 2, 3]);
}

#[test]
fn what_has_no_manifest_is_no_backup_and_the_manifest_comes_last() {
    let server = ObjectServer::start();
    let target = store(&server);
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, MANIFEST, b"{}").unwrap();
    write(&mut *draft, "a.rows", b"rows").unwrap();
    assert_eq!((target.names().unwrap().len(), objects(&server).len()), (0, 1));
    draft.complete().unwrap();
    assert_eq!(target.names().unwrap(), [name(1)]);
    let puts: Vec<String> = server.asked().into_iter().filter(|asked| asked.starts_with("PUT")).collect();
    assert!(puts.last().unwrap().ends_with(MANIFEST) && puts.len() == 2, "{puts:?}");
}

#[test]
fn a_draft_that_is_given_up_leaves_nothing() {
    let server = ObjectServer::start();
    let target = store(&server);
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "a.rows", b"rows").unwrap();
    let mut large = draft.create("b.rows").unwrap();
    large.write_all(&content(17 * MIB)).unwrap();
    drop(large);
    drop(draft);
    assert_eq!(objects(&server), [""; 0]);
    let asked = server.asked();
    assert!(
        asked.iter().any(|asked| asked.starts_with("DELETE") && asked.contains("b.rows&uploadId=")),
        "{asked:?}"
    );
}

#[test]
fn what_a_dead_process_left_is_removed_a_day_later_and_what_a_living_one_writes_is_not() {
    let server = ObjectServer::start();
    let target = store(&server);
    put(&target, &name(1)).unwrap();
    let folder = |second| server.bucket().join("bursar/here").join(name(second).as_str());
    for (second, hours) in [(2, 25), (3, 23)] {
        fs::create_dir_all(folder(second)).unwrap();
        let path = folder(second).join("a.rows");
        fs::write(&path, "rows").unwrap();
        let written = SystemTime::now() - Duration::from_secs(hours * 3_600);
        fs::File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
    }
    let old = SystemTime::now() - Duration::from_secs(400 * 86_400);
    fs::File::options().append(true).open(folder(1).join("a.rows")).unwrap().set_modified(old).unwrap();
    fs::write(server.bucket().join("bursar/here/someone-elses"), "file").unwrap();
    drop(target.begin(&name(4)).unwrap());
    let left: Vec<String> =
        objects(&server).into_iter().map(|object| object.replace("bursar-2026-01-01T02-00-", "")).collect();
    let expected = [
        "01-000Z-1a2b3c4d/a.rows",
        "01-000Z-1a2b3c4d/manifest.json",
        "03-000Z-1a2b3c4d/a.rows",
        "someone-elses",
    ];
    assert_eq!(left, expected);
}

#[test]
fn a_server_that_fails_now_and_then_is_asked_again_and_nothing_is_done_twice() {
    let (server, town) = (ObjectServer::start(), Town::on(EngineKind::Sqlite));
    let target = store(&server);
    for misdeed in
        [Misdeed::Refuse(500), Misdeed::Refuse(429), Misdeed::HangUp, Misdeed::LoseAnswer, Misdeed::CutAnswer]
    {
        for (method, text) in
            [("PUT", ".rows"), ("PUT", MANIFEST), ("GET", "list-type"), ("GET", ".rows"), ("HEAD", SEAL)]
        {
            server.misbehave(method, text, misdeed, 2);
        }
        let made = town.try_back_up(&target, &|| true).unwrap();
        assert_eq!(findings(&town, &target, &made.name).unwrap(), [""; 0], "{misdeed:?}");
        server.misbehave("DELETE", "a", misdeed, 2);
        target.remove(&made.name).unwrap();
        server.behave();
        assert_eq!((target.names().unwrap(), objects(&server)), (vec![], vec![]), "{misdeed:?}");
    }
}

#[test]
fn an_upload_in_parts_survives_a_lost_answer_at_each_of_its_steps() {
    for (method, text) in [("POST", "uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId")] {
        let server = ObjectServer::start();
        let target = store(&server);
        server.misbehave(method, text, Misdeed::LoseAnswer, 1);
        let mut draft = target.begin(&name(1)).unwrap();
        write(&mut *draft, "a.rows", &content(20 * MIB)).unwrap();
        write(&mut *draft, MANIFEST, b"{}").unwrap();
        draft.complete().unwrap();
        assert!(read(&target, &name(1), "a.rows").unwrap() == content(20 * MIB), "{method} {text}");
    }
}

#[test]
fn a_server_that_fails_for_good_leaves_no_backup_and_says_why() {
    let (server, town) = (ObjectServer::start(), Town::on(EngineKind::Sqlite));
    let target = store(&server);
    for (method, text) in [("GET", "list-type"), ("PUT", "ledger_transfer"), ("PUT", SEAL), ("PUT", MANIFEST)]
    {
        server.misbehave(method, text, Misdeed::Refuse(503), 3);
        let refused = town.try_back_up(&target, &|| true).unwrap_err();
        assert_eq!(refused.code(), "backup_place_unusable");
        assert!(refused.to_string().contains("it answered 503"), "{refused}");
        assert_eq!((target.names().unwrap(), objects(&server)), (vec![], vec![]), "{method} {text}");
    }
    server.misbehave("PUT", "ledger_account", Misdeed::Refuse(507), 3);
    assert_eq!(town.try_back_up(&target, &|| true).unwrap_err().code(), "disk_full");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_without_end() {
    let server = ObjectServer::start();
    let patience = Patience { attempt: Duration::from_secs(1), attempts: 2, pause: Duration::from_millis(1) };
    let target = ObjectStore::new(&ObjectStoreSettings { patience, ..settings(&server) }, false).unwrap();
    server.misbehave("GET", "list-type", Misdeed::Stall(Duration::from_secs(60)), 2);
    let refused = target.names().unwrap_err().to_string();
    assert!(refused.contains("it did not answer within 1 s"), "{refused}");
    assert_eq!(server.asked().len(), 2);
    drop(server);
    assert!(target.names().unwrap_err().to_string().contains("s3://backups/bursar/here cannot be used"));
}

#[test]
fn a_piece_that_was_cut_is_asked_for_again_and_no_other() {
    let server = ObjectServer::start();
    let target = store(&server);
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "a.rows", &content(24 * MIB)).unwrap();
    write(&mut *draft, MANIFEST, b"{}").unwrap();
    draft.complete().unwrap();
    let before = server.asked().len();
    server.misbehave("GET", "a.rows", Misdeed::CutAnswer, 2);
    assert!(read(&target, &name(1), "a.rows").unwrap() == content(24 * MIB));
    assert_eq!(server.asked().len() - before, 1 + 3 + 2, "the size, three pieces, two of them again");
    server.misbehave("GET", "a.rows", Misdeed::CutAnswer, 3);
    assert!(read(&target, &name(1), "a.rows").is_err());
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_noticed() {
    let server = ObjectServer::start();
    let target = store(&server);
    put(&target, &name(1)).unwrap();
    let mut reader = target.open(&name(1), "a.rows").unwrap();
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "a.rows", b"ROWS").unwrap();
    let error = reader.read(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[test]
fn damage_in_the_bucket_and_on_the_way_is_found() {
    let (server, town) = (ObjectServer::start(), Town::on(EngineKind::Sqlite));
    let target = store(&server);
    let made = town.try_back_up(&target, &|| true).unwrap().name;
    let file = |file: &str| server.bucket().join("bursar/here").join(made.as_str()).join(file);
    let found = || findings(&town, &target, &made).unwrap();
    let part = file("ledger_transfer.rows");
    let good = fs::read(&part).unwrap();
    fs::write(&part, &good[..good.len() - 1]).unwrap();
    assert_eq!(found(), ["part_truncated"]);
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    fs::write(&part, flipped).unwrap();
    assert_eq!(found(), ["part_altered"]);
    fs::remove_file(&part).unwrap();
    assert_eq!(found(), ["part_missing"]);
    fs::write(&part, &good).unwrap();
    fs::write(file("more.rows"), "rows").unwrap();
    assert_eq!(found(), ["part_unexpected"]);
    fs::remove_file(file("more.rows")).unwrap();
    for (text, expected) in [("ledger_transfer.rows", "part_altered"), (MANIFEST, "manifest_edited")] {
        server.misbehave("GET", text, Misdeed::FlipBit, 1);
        assert_eq!(found(), [expected]);
    }
    assert_eq!(found(), [""; 0]);
    fs::remove_file(file(MANIFEST)).unwrap();
    assert_eq!((found(), target.names().unwrap()), (vec!["manifest_missing"], vec![]));
}

#[test]
fn a_wrong_key_and_a_missing_bucket_are_told_and_no_secret_shows() {
    let (server, town) = (ObjectServer::start(), Town::on(EngineKind::Sqlite));
    let good = settings(&server);
    let refused = |settings: &ObjectStoreSettings| {
        let target = ObjectStore::new(settings, false).unwrap();
        let refused = town.try_back_up(&target, &|| true).unwrap_err().to_string();
        assert!(!refused.contains("hunter2") && !refused.contains("X-Amz-"), "{refused}");
        refused
    };
    let wrong =
        refused(&ObjectStoreSettings { secret_access_key: "hunter2".to_owned().into(), ..good.clone() });
    assert!(wrong.contains("403 SignatureDoesNotMatch: look at BACKUP_S3_ACCESS_KEY_ID"), "{wrong}");
    let missing = refused(&ObjectStoreSettings { place: "s3://no-such-bucket".parse().unwrap(), ..good });
    assert!(missing.contains("404 NoSuchBucket"), "{missing}");
    assert!(server.asked().iter().all(|asked| !asked.contains(SECRET_ACCESS_KEY)));
}

#[test]
fn a_backup_that_is_not_there_is_told_apart_from_a_place_that_is_not() {
    let (server, town) = (ObjectServer::start(), Town::on(EngineKind::Sqlite));
    let target = store(&server);
    let lock = Lock::default();
    let request = |target| {
        let name = &name(9);
        with_program(|program| verify(&VerifyRequest { program, target, name, lock, scratch: None }))
    };
    assert_eq!(request(&target).unwrap_err().code(), "backup_not_found");
    assert_eq!(target.remove(&name(9)).unwrap_err().code(), "backup_not_found");
    drop((server, town));
    assert_eq!(request(&target).unwrap_err().code(), "backup_place_unusable");
}
