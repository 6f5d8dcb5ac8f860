//! A folder of backups: complete or not there, whatever happens in between.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn name(second: u32) -> BackupName {
    format!("bursar-2026-01-01T02-00-{second:02}-000Z-1a2b3c4d").parse().unwrap()
}

fn write(draft: &mut dyn Draft, file: &str, content: &[u8]) {
    let mut out = draft.create(file).unwrap();
    out.write_all(content).unwrap();
    out.close().unwrap();
}

fn entries(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_backup_is_listed_once_it_is_complete() {
    let folder = TempDir::new().unwrap();
    let target = Folder::new(folder.path());
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "part", b"rows");
    assert_eq!(target.names().unwrap(), []);
    draft.complete().unwrap();
    assert_eq!(target.names().unwrap(), [name(1)]);
    assert_eq!(target.files(&name(1)).unwrap(), [StoredFile { name: "part".into(), bytes: 4 }]);
    assert_eq!(entries(&folder), [name(1).as_str()]);
}

#[test]
fn nobody_but_the_owner_reads_a_backup() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("backups");
    let target = Folder::new(&root);
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "part", b"rows");
    draft.complete().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let backup = root.join(name(1).as_str());
    assert_eq!([mode(&root), mode(&backup), mode(&backup.join("part"))], [0o700, 0o700, 0o600]);
}

#[test]
fn a_draft_that_is_given_up_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let target = Folder::new(folder.path());
    let mut draft = target.begin(&name(1)).unwrap();
    write(&mut *draft, "part", b"rows");
    drop(draft);
    assert!(entries(&folder).is_empty());
}

#[test]
fn what_a_dead_process_left_is_swept_and_what_a_living_one_writes_is_not() {
    let folder = TempDir::new().unwrap();
    let target = Folder::new(folder.path());
    let dead = [format!("{DRAFT}{}", name(1)), format!("{REMOVED}{}", name(2))];
    for dead in &dead {
        fs::create_dir(folder.path().join(dead)).unwrap();
        fs::write(folder.path().join(dead).join("part"), "rows").unwrap();
    }
    assert_eq!(target.names().unwrap(), [], "neither is a backup");
    let living = target.begin(&name(3)).unwrap();
    let other = target.begin(&name(4)).unwrap();
    assert_eq!(entries(&folder), [format!("{DRAFT}{}", name(3)), format!("{DRAFT}{}", name(4))]);
    living.complete().unwrap();
    drop(other);
    assert_eq!(entries(&folder), [name(3).as_str()]);
}

#[test]
fn a_removed_backup_is_gone_and_others_stay() {
    let folder = TempDir::new().unwrap();
    let target = Folder::new(folder.path());
    for second in [2, 1, 3] {
        target.begin(&name(second)).unwrap().complete().unwrap();
    }
    target.remove(&name(2)).unwrap();
    assert_eq!(target.names().unwrap(), [name(1), name(3)], "oldest first");
    assert!(matches!(target.remove(&name(2)), Err(BackupError::NotFound { .. })));
    assert!(matches!(target.files(&name(2)), Err(BackupError::NotFound { .. })));
    fs::create_dir(folder.path().join("something else")).unwrap();
    assert_eq!(target.names().unwrap().len(), 2);
}

#[test]
fn a_folder_that_is_not_there_holds_no_backup() {
    let folder = TempDir::new().unwrap();
    assert_eq!(Folder::new(&folder.path().join("none")).names().unwrap(), []);
}

#[test]
fn a_full_disk_is_told_apart() {
    let error = BackupError::file("/backups", io::Error::from(io::ErrorKind::StorageFull));
    assert_eq!(error.code(), "disk_full");
    assert!(error.to_string().contains("bursar backup prune"), "{error}");
}
