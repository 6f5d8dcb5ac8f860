//! Writing a backup: large files in parts of a fixed size, the manifest at the very end, since it makes the backup one.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};

use super::request::Ask;
use super::{ObjectStore, Store};
use crate::backup::error::BackupError;
use crate::backup::manifest::MANIFEST;
use crate::backup::name::BackupName;
use crate::backup::target::{Draft, DraftFile, StoredFile};

/// Bytes of each part of an upload but the last; a smaller file is sent at once. Memory holds one part.
pub(super) const PART: usize = 16 << 20;
/// Object stores take no more parts: 156 GiB a table.
const PARTS_MAX: usize = 10_000;

/// What was written so far.
#[derive(Default)]
struct Written {
    /// Files that were brought there whole.
    files: Vec<StoredFile>,
    /// The manifest, which waits for the end.
    manifest: Option<Vec<u8>>,
}

/// A backup that nobody takes for one before its manifest is there.
pub struct ObjectDraft<'a> {
    target: &'a ObjectStore,
    name: BackupName,
    written: Arc<Mutex<Written>>,
    is_complete: bool,
}

impl<'a> ObjectDraft<'a> {
    pub fn begin(target: &'a ObjectStore, name: BackupName) -> ObjectDraft<'a> {
        ObjectDraft { target, name, written: Arc::default(), is_complete: false }
    }

    fn finish(&self) -> Result<(), BackupError> {
        let fault = |cause| self.target.fault(&self.name, cause);
        let (manifest, mut written) = {
            let mut written = self.written.lock();
            (written.manifest.take(), std::mem::take(&mut written.files))
        };
        let missing = || io::Error::other("it has no manifest");
        let manifest = manifest.ok_or_else(missing).map_err(fault)?;
        written.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if self.target.objects_of(&self.name)? != written {
            return Err(fault(io::Error::other("it does not hold the files that were written")));
        }
        let key = self.target.store.key(&self.name, MANIFEST);
        self.target.store.put(&key, &manifest).map_err(fault)
    }
}

impl Draft for ObjectDraft<'_> {
    fn create(&mut self, file: &str) -> io::Result<Box<dyn DraftFile>> {
        Ok(Box::new(ObjectFile {
            store: Arc::clone(&self.target.store),
            key: self.target.store.key(&self.name, file),
            file: file.to_owned(),
            gathered: Vec::new(),
            bytes: 0,
            upload: None,
            written: Arc::clone(&self.written),
        }))
    }

    fn complete(mut self: Box<Self>) -> Result<(), BackupError> {
        self.finish()?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for ObjectDraft<'_> {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        if let Err(error) = self.target.remove_objects(&self.name) {
            tracing::warn!(backup = %self.name, %error, "what is left of an unfinished backup is removed a day later");
        }
    }
}

/// An upload in parts.
struct Upload {
    id: String,
    etags: Vec<String>,
}

struct ObjectFile {
    store: Arc<Store>,
    key: String,
    file: String,
    gathered: Vec<u8>,
    bytes: u64,
    upload: Option<Upload>,
    written: Arc<Mutex<Written>>,
}

impl Write for ObjectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() >= PART && !bytes.is_empty() {
            self.send_part()?;
        }
        let (taken, _) = bytes.split_at(bytes.len().min(PART.saturating_sub(self.gathered.len())));
        self.gathered.extend_from_slice(taken);
        self.bytes = self.bytes.saturating_add(u64::try_from(taken.len()).unwrap_or(0));
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DraftFile for ObjectFile {
    fn close(mut self: Box<Self>) -> io::Result<()> {
        if self.file == MANIFEST {
            self.written.lock().manifest = Some(std::mem::take(&mut self.gathered));
            return Ok(());
        }
        if self.upload.is_some() {
            self.send_part()?;
            self.finish_upload()?;
        } else {
            self.store.put(&self.key, &self.gathered)?;
        }
        let stored = StoredFile { name: std::mem::take(&mut self.file), bytes: self.bytes };
        self.written.lock().files.push(stored);
        Ok(())
    }
}

impl ObjectFile {
    fn send_part(&mut self) -> io::Result<()> {
        let (store, credentials) = (&self.store, &self.store.credentials);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let create = store.bucket.create_multipart_upload(Some(credentials), &self.key);
                let answer = store.client.ask(&create, Ask { body: Some(&[]), ..Ask::SMALL })?.good()?;
                let id = CreateMultipartUpload::parse_response(&store.text(answer)?).map_err(unreadable)?;
                self.upload.insert(Upload { id: id.upload_id().to_owned(), etags: Vec::new() })
            }
        };
        let number = u16::try_from(upload.etags.len().saturating_add(1)).unwrap_or(u16::MAX);
        if usize::from(number) > PARTS_MAX {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "the table is too large for an object"));
        }
        let part = store.bucket.upload_part(Some(credentials), &self.key, number, &upload.id);
        let answer = store.client.ask(&part, Ask { body: Some(&self.gathered), ..Ask::SMALL })?.good()?;
        let etag = answer.etag.ok_or_else(|| io::Error::other("it gave the part no tag"))?;
        upload.etags.push(etag);
        self.gathered.clear();
        Ok(())
    }

    fn finish_upload(&mut self) -> io::Result<()> {
        let Some(upload) = &self.upload else { return Ok(()) };
        let (store, etags) = (&self.store, upload.etags.iter().map(String::as_str));
        let complete =
            store.bucket.complete_multipart_upload(Some(&store.credentials), &self.key, &upload.id, etags);
        let body = complete.clone().body().into_bytes();
        let answer = store.client.ask(&complete, Ask { body: Some(&body), ..Ask::SMALL })?;
        // Of an attempt that was done and whose answer was lost, the next one finds no such upload any more. Nobody else
        // writes under this name.
        if (400..500).contains(&answer.status) && store.size(&self.key)? == Some(self.bytes) {
            self.upload = None;
            return Ok(());
        }
        let text = store.text(answer.good()?)?;
        CompleteMultipartUploadResponse::parse(&text).map_err(unreadable)?;
        self.upload = None;
        Ok(())
    }
}

impl Drop for ObjectFile {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        let abort =
            self.store.bucket.abort_multipart_upload(Some(&self.store.credentials), &self.key, &upload.id);
        if let Err(error) = self.store.client.ask(&abort, Ask::SMALL).and_then(super::request::Answer::good) {
            let key = &self.key;
            tracing::warn!(key, %error, "an upload could not be given up; a rule of the bucket should end it");
        }
    }
}

fn unreadable(_: impl std::fmt::Display) -> io::Error {
    io::Error::other("it answered something that does not read")
}
