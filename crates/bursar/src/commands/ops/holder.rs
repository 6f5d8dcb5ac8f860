//! Which process a command waits for: the one that holds the write lock of an embedded database, else its server.
//!
//! Linux lists every file lock with its process in `/proc/locks`; elsewhere nobody is named.

use std::fs::{Metadata, metadata, read_to_string};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The byte of the `-shm` file that a writer of a write-ahead log locks (SQLite documentation, "WAL-mode File Format").
const WRITE_LOCK_BYTE: u64 = 120;

/// The process that writes, or may write, the database at `path`; `None` = nobody, or it cannot be told.
pub(super) fn writing_process(path: &Path) -> Option<u32> {
    let locks = read_to_string("/proc/locks").ok()?;
    let holder = |ending: &str, kind: &str, byte: u64| {
        let file = metadata(beside(path, ending)).ok()?;
        find(&locks, kind, &name_of(&file), byte)
    };
    holder("-shm", "POSIX", WRITE_LOCK_BYTE).or_else(|| holder(".server-lock", "FLOCK", 0))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Device and inode as `/proc/locks` writes them.
fn name_of(file: &Metadata) -> String {
    let device = file.dev();
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & !0xfff);
    let minor = (device & 0xff) | ((device >> 12) & !0xff);
    format!("{major:02x}:{minor:02x}:{}", file.ino())
}

/// The process that holds a lock for writing on `byte` of `file`, in lines such as
/// `2: POSIX ADVISORY WRITE 4711 fe:00:1234 120 120`. Those that wait for a lock have `->` in second place.
fn find(locks: &str, kind: &str, file: &str, byte: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let [_, of_kind, _, "WRITE", process, of_file, first, last] =
            line.split_whitespace().collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let covers = first.parse().is_ok_and(|first: u64| first <= byte)
            && (last == "EOF" || last.parse().is_ok_and(|last: u64| byte <= last));
        let process = process.parse().ok().filter(|process| *process > 0);
        process.filter(|_| of_kind == kind && of_file == file && covers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_the_process_with_a_write_lock_on_that_byte_of_that_file() {
        let locks = "1: FLOCK  ADVISORY  WRITE 10 fe:00:7 0 EOF\n\
                     2: POSIX  ADVISORY  READ 11 fe:00:8 120 120\n\
                     2: -> POSIX ADVISORY WRITE 12 fe:00:8 120 120\n\
                     3: POSIX  ADVISORY  WRITE 13 fe:00:8 121 127\n\
                     4: POSIX  ADVISORY  WRITE 14 fe:00:8 120 120\n\
                     5: POSIX  ADVISORY  WRITE -1 fe:00:9 120 120\n\
                     nonsense";
        assert_eq!(find(locks, "POSIX", "fe:00:8", 120), Some(14));
        assert_eq!(find(locks, "POSIX", "fe:00:8", 124), Some(13));
        assert_eq!(find(locks, "FLOCK", "fe:00:7", 0), Some(10));
        for (kind, file) in [("POSIX", "fe:00:7"), ("FLOCK", "fe:00:8"), ("POSIX", "fe:00:9")] {
            assert_eq!(find(locks, kind, file, 120), None, "{kind} {file}");
        }
    }
}
