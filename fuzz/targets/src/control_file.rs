//! The control file, which an operator or another process may have written.

use std::sync::LazyLock;

use bursar_control::ControlFile;
use tempfile::TempDir;

/// Stops that are read stay the same when one more is recorded; a file that is no list of stops is an error, never a
/// list without stops.
pub fn control_file(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    let thread = format!("{:?}.db", std::thread::current().id());
    let database = FOLDER.path().join(thread);
    let file = ControlFile::beside(&database);
    let mut path = database.into_os_string();
    path.push(".control");
    std::fs::write(&path, bytes).unwrap();
    let Ok(stops) = file.stops() else { return };
    assert!(!bytes.is_empty());
    if let Some(first) = stops.first() {
        file.record(std::slice::from_ref(first)).unwrap();
        let after = file.stops().unwrap();
        assert!(stops.iter().all(|stop| after.contains(stop)), "{after:?}");
    }
}
