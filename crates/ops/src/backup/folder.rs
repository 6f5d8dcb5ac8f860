//! Backups in a folder of this machine: one folder a backup, under another name until it is complete.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::BackupError;
use super::name::BackupName;
use super::target::{Draft, DraftFile, StoredFile, Target};

/// What the folder of an unfinished backup begins with.
const DRAFT: &str = ".unfinished-";
/// What the folder of a backup that is being removed begins with.
const REMOVED: &str = ".removed-";

/// Nobody but the owner reads or lists backups.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A folder of backups. It is made with the first backup.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The backups in `path`.
    #[must_use]
    pub fn new(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    fn of(&self, name: &BackupName) -> PathBuf {
        self.path.join(name.as_str())
    }

    fn fault(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
        let path = path.display().to_string();
        move |cause| BackupError::file(path, cause)
    }

    /// Removes what a process left that died over it. One that lives holds a lock.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_remainder = |prefix| name.to_string_lossy().starts_with(prefix);
            if is_remainder(REMOVED) || (is_remainder(DRAFT) && is_abandoned(&entry.path())) {
                tracing::warn!(folder = %entry.path().display(), "what is left of an unfinished backup is removed");
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

fn is_abandoned(draft: &Path) -> bool {
    File::open(draft).is_ok_and(|folder| folder.try_lock().is_ok())
}

impl Target for Folder {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn place_of(&self, name: &BackupName) -> String {
        self.of(name).display().to_string()
    }

    fn begin(&self, name: &BackupName) -> Result<Box<dyn Draft + '_>, BackupError> {
        let fault = || Folder::fault(&self.path);
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.path).map_err(fault())?;
        // While this is held nobody sweeps, so nobody takes a draft that has no lock yet for an abandoned one.
        let turn = File::open(&self.path).and_then(|root| root.lock().map(|()| root)).map_err(fault())?;
        self.sweep().map_err(fault())?;
        let path = self.path.join(format!("{DRAFT}{name}"));
        DirBuilder::new().mode(FOLDER_MODE).create(&path).map_err(Folder::fault(&path))?;
        let mut draft = FolderDraft { target: self, name: name.clone(), path, lock: None };
        let lock = File::open(&draft.path).and_then(|folder| folder.lock().map(|()| folder));
        draft.lock = Some(lock.map_err(Folder::fault(&draft.path))?);
        drop(turn);
        Ok(Box::new(draft))
    }

    fn names(&self) -> Result<Vec<BackupName>, BackupError> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Folder::fault(&self.path))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Folder::fault(&self.path))?;
            names.extend(entry.file_name().to_str().and_then(|name| name.parse::<BackupName>().ok()));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn files(&self, name: &BackupName) -> Result<Vec<StoredFile>, BackupError> {
        let path = self.of(name);
        let entries = fs::read_dir(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::NotFound { name: name.clone(), place: self.place() },
            _ => Folder::fault(&path)(error),
        })?;
        let stored = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok(StoredFile { name, bytes: entry.metadata()?.len() })
        };
        let files: io::Result<Vec<StoredFile>> = entries.map(stored).collect();
        let mut files = files.map_err(Folder::fault(&path))?;
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn open(&self, name: &BackupName, file: &str) -> io::Result<Box<dyn Read + Send>> {
        let path = self.of(name).join(file);
        // A link may lead anywhere, and opening a pipe waits for its writer.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Box::new(File::open(path)?))
    }

    fn remove(&self, name: &BackupName) -> Result<(), BackupError> {
        let (path, aside) = (self.of(name), self.path.join(format!("{REMOVED}{name}")));
        fs::rename(&path, &aside).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::NotFound { name: name.clone(), place: self.place() },
            _ => Folder::fault(&path)(error),
        })?;
        sync_folder(&self.path).map_err(Folder::fault(&self.path))?;
        fs::remove_dir_all(&aside).map_err(Folder::fault(&aside))
    }
}

/// Brings a folder's list of names to disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

struct FolderDraft<'a> {
    target: &'a Folder,
    name: BackupName,
    path: PathBuf,
    lock: Option<File>,
}

impl Draft for FolderDraft<'_> {
    fn create(&mut self, file: &str) -> io::Result<Box<dyn DraftFile>> {
        let path = self.path.join(file);
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
        Ok(Box::new(FolderFile(file)))
    }

    fn complete(self: Box<Self>) -> Result<(), BackupError> {
        let (root, name) = (&self.target.path, self.target.of(&self.name));
        let finish = || -> io::Result<()> {
            sync_folder(&self.path)?;
            fs::rename(&self.path, &name)?;
            // A name that may not outlast a power cut is none: what is given up is removed as a draft.
            sync_folder(root).inspect_err(|_| _ = fs::rename(&name, &self.path))
        };
        finish().map_err(Folder::fault(root))
    }
}

impl Drop for FolderDraft<'_> {
    fn drop(&mut self) {
        // The path is gone once the backup is complete; what cannot be removed now is swept next time.
        if self.path.exists() {
            let _ = fs::remove_dir_all(&self.path);
        }
        drop(self.lock.take());
    }
}

struct FolderFile(File);

impl Write for FolderFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DraftFile for FolderFile {
    fn close(self: Box<Self>) -> io::Result<()> {
        self.0.sync_all()
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
