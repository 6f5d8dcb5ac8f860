//! A folder for a scratch database, which is not encrypted: it is gone after the work, or swept by the next one.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::TempDir;

/// What the name of such a folder begins with.
const PREFIX: &str = "bursar-verify-";

/// A folder that nobody but its owner may list, removed when it is dropped.
pub struct Scratch {
    folder: TempDir,
    /// Held as long as the process lives, so that nobody sweeps the folder; `None` where files take no locks.
    _lock: Option<File>,
}

impl Scratch {
    /// Makes one in `place`, after removing those that a process left there that died over its work.
    pub fn in_folder(place: &Path) -> io::Result<Scratch> {
        sweep(place)?;
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
            let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock)).ok();
            // Whoever sweeps may have taken it for an abandoned one before it was locked.
            if folder.path().is_dir() {
                return Ok(Scratch { folder, _lock: lock });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes folders that no living process holds. What cannot be removed is somebody else's.
fn sweep(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        if let Err(error) = remove_abandoned(&entry.path()) {
            tracing::warn!(%error, folder = %entry.path().display(), "a scratch database that somebody left is still there");
        }
    }
    Ok(())
}

fn remove_abandoned(folder: &Path) -> io::Result<()> {
    let lock = match File::open(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    // The lock is held until the folder is gone: whoever has just made it then makes another.
    if lock.try_lock().is_err() {
        return Ok(());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_holds_stays() {
        let place = tempfile::tempdir().unwrap();
        let left = place.path().join("bursar-verify-left");
        let other = place.path().join("of-somebody-else");
        for folder in [&left, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("scratch.db"), "rows").unwrap();
        }
        let held = Scratch::in_folder(place.path()).unwrap();
        let next = Scratch::in_folder(place.path()).unwrap();
        assert!(!left.exists() && other.exists() && held.path().exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
    }
}
