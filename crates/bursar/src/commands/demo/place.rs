//! The demo's folder: its database, its log, and the lock against a second demo in it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::DemoFault;

/// A folder for one demo at a time. Its database is not the server's `bursar.db`, whose time a fast clock would spoil.
#[derive(Clone, Debug)]
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    pub fn new(folder: &Path) -> Place {
        Place { folder: folder.to_owned() }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.join("demo.db")
    }

    /// For `DATABASE_URL` and `--database`.
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.database().display())
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("demo.log")
    }

    /// Blocks of the demo's Banano chain.
    pub fn chain(&self) -> PathBuf {
        self.folder.join("demo-chain.jsonl")
    }

    /// What only this demo knows.
    pub fn secrets(&self) -> PathBuf {
        self.folder.join("demo-secrets.json")
    }

    /// For `BACKUP_DIR`.
    pub fn backups(&self) -> String {
        self.folder.join("demo-backups").display().to_string()
    }

    /// Makes the folder and tries to write in it, before anything that would explain less.
    pub fn prepare(&self) -> Result<(), DemoFault> {
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| tempfile::tempfile_in(&self.folder))
            .map(drop)
            .map_err(|cause| self.unusable(cause))
    }

    /// Takes the folder for this process; the system gives it free when the process ends, however it ends.
    pub fn take(&self) -> Result<File, DemoFault> {
        let lock = File::create(self.folder.join("demo.lock")).map_err(|cause| self.unusable(cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(DemoFault::Running(self.folder.clone())),
            Err(TryLockError::Error(cause)) => Err(self.unusable(cause)),
        }
    }

    fn unusable(&self, cause: std::io::Error) -> DemoFault {
        DemoFault::Folder { folder: self.folder.clone(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_a_file_cannot_be_used_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = Place::new(&file.join("data")).prepare().unwrap_err().to_string();
        assert!(refused.contains("file/data cannot be written") && refused.contains("--data"), "{refused}");
    }

    #[test]
    fn a_folder_is_one_demo_s_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("new"));
        place.prepare().unwrap();
        let turn = place.take().unwrap();
        assert!(place.take().unwrap_err().to_string().contains("another demo already runs in"));
        drop(turn);
        place.take().unwrap();
    }
}
