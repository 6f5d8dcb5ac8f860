//! Backups in a bucket of an object store that speaks the protocol of S3: `PREFIX/BACKUP/FILE`.
//!
//! Nothing there can be renamed, so the manifest is written last, and only what has one is a backup. It is removed
//! first for the same reason. Whatever has none for a day was left by a process that died, and is removed with the next
//! backup. Parts of uploads that a dead process left are not listed anywhere: a rule of the bucket should end them.

mod object;
mod place;
mod request;
mod settings;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use bursar_store::clock::machine_time;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials};

use super::error::BackupError;
use super::manifest::MANIFEST;
use super::name::BackupName;
use super::target::{Draft, StoredFile, Target};
use object::ObjectReader;
use request::{Ask, Client};
use upload::ObjectDraft;

pub use place::{ObjectPlace, ObjectPlaceError};
pub use settings::{ObjectStoreRefusal, ObjectStoreSettings, Patience};

/// Pages of one list: a million objects.
const PAGES_MAX: usize = 1_000;
/// Whoever has written nothing for so long is dead: a single file takes no longer.
const ABANDONED_MS: i64 = 86_400_000;

/// A place in a bucket.
pub struct ObjectStore {
    store: Arc<Store>,
    place: String,
}

/// What requests are made with.
struct Store {
    bucket: Bucket,
    credentials: Credentials,
    client: Client,
    prefix: String,
}

/// An object of ours: which backup, which file, its size, and when it was written.
struct Object {
    backup: String,
    file: String,
    bytes: u64,
    written_ms: Option<i64>,
}

impl ObjectStore {
    /// The place that `settings` lead to; nothing is asked yet. `is_encrypted` says whether backups are.
    ///
    /// # Errors
    /// The settings lead nowhere, or to where anybody could read what is sent.
    pub fn new(
        settings: &ObjectStoreSettings,
        is_encrypted: bool,
    ) -> Result<ObjectStore, ObjectStoreRefusal> {
        let store = Store {
            bucket: settings.bucket(is_encrypted)?,
            credentials: settings.credentials(),
            client: Client::new(settings.patience),
            prefix: settings.place.prefix.clone(),
        };
        Ok(ObjectStore { store: Arc::new(store), place: settings.place.to_string() })
    }

    fn fault(&self, name: &BackupName, cause: io::Error) -> BackupError {
        BackupError::file(self.place_of(name), cause)
    }

    /// The objects of a backup, by name.
    fn objects_of(&self, name: &BackupName) -> Result<Vec<StoredFile>, BackupError> {
        let objects = self.store.list(&format!("{name}/")).map_err(|cause| self.fault(name, cause))?;
        let stored = |object: Object| StoredFile { name: object.file, bytes: object.bytes };
        let mut files: Vec<StoredFile> = objects.into_iter().map(stored).collect();
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Removes the manifest, which makes it no backup, and then the rest.
    fn remove_objects(&self, name: &BackupName) -> Result<(), BackupError> {
        let fault = |cause| self.fault(name, cause);
        self.store.delete(&self.store.key(name, MANIFEST)).map_err(fault)?;
        for file in self.objects_of(name)? {
            self.store.delete(&self.store.key(name, &file.name)).map_err(fault)?;
        }
        Ok(())
    }

    /// Removes what a process left that died over it.
    fn sweep(&self) -> Result<(), BackupError> {
        let objects = self.store.list("").map_err(|cause| BackupError::file(&self.place, cause))?;
        let mut written: BTreeMap<&str, Option<i64>> = BTreeMap::new();
        for object in &objects {
            let last = written.entry(&object.backup).or_insert(object.written_ms);
            // Of an unknown time, nothing is known to be old.
            *last = (*last).zip(object.written_ms).map(|(a, b)| a.max(b));
        }
        let whole: BTreeSet<&str> = whole(&objects);
        let before = machine_time().ms().saturating_sub(ABANDONED_MS);
        let is_abandoned = |(backup, last): &(&str, Option<i64>)| {
            !whole.contains(backup) && last.is_some_and(|last| last < before)
        };
        for (backup, _) in written.into_iter().filter(is_abandoned) {
            if let Ok(name) = backup.parse::<BackupName>() {
                tracing::warn!(backup, "what is left of an unfinished backup is removed");
                self.remove_objects(&name)?;
            }
        }
        Ok(())
    }
}

/// The backups that have a manifest.
fn whole(objects: &[Object]) -> BTreeSet<&str> {
    objects.iter().filter(|object| object.file == MANIFEST).map(|object| &*object.backup).collect()
}

impl Target for ObjectStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn place_of(&self, name: &BackupName) -> String {
        format!("{}/{name}", self.place.trim_end_matches('/'))
    }

    fn begin(&self, name: &BackupName) -> Result<Box<dyn Draft + '_>, BackupError> {
        self.sweep()?;
        Ok(Box::new(ObjectDraft::begin(self, name.clone())))
    }

    fn names(&self) -> Result<Vec<BackupName>, BackupError> {
        let objects = self.store.list("").map_err(|cause| BackupError::file(&self.place, cause))?;
        let mut names: Vec<BackupName> =
            whole(&objects).into_iter().filter_map(|name| name.parse().ok()).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn files(&self, name: &BackupName) -> Result<Vec<StoredFile>, BackupError> {
        let files = self.objects_of(name)?;
        match files.is_empty() {
            true => Err(BackupError::NotFound { name: name.clone(), place: self.place() }),
            false => Ok(files),
        }
    }

    fn open(&self, name: &BackupName, file: &str) -> io::Result<Box<dyn Read + Send>> {
        let key = self.store.key(name, file);
        Ok(Box::new(ObjectReader::begin(Arc::clone(&self.store), key)?))
    }

    fn remove(&self, name: &BackupName) -> Result<(), BackupError> {
        self.files(name)?;
        self.remove_objects(name)
    }
}

impl Store {
    fn key(&self, name: &BackupName, file: &str) -> String {
        format!("{}{name}/{file}", self.prefix)
    }

    /// Writes an object at once. Doing it twice does no more than doing it once.
    fn put(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let put = self.bucket.put_object(Some(&self.credentials), key);
        self.client.ask(&put, Ask { body: Some(bytes), ..Ask::SMALL })?.good().map(|_| ())
    }

    /// The size of an object; `None` = it is not there.
    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        let head = self.bucket.head_object(Some(&self.credentials), key);
        let answer = self.client.ask(&head, Ask::SMALL)?;
        if answer.status == 404 { Ok(None) } else { answer.good().map(|answer| answer.length) }
    }

    /// Removes an object; one that is not there is none the less removed.
    fn delete(&self, key: &str) -> io::Result<()> {
        let delete = self.bucket.delete_object(Some(&self.credentials), key);
        let answer = self.client.ask(&delete, Ask::SMALL)?;
        if answer.status == 404 && answer.code() != " NoSuchBucket" {
            Ok(())
        } else {
            answer.good().map(|_| ())
        }
    }

    /// Our objects whose keys begin with `beginning` behind the prefix. Those that have no backup's form are not ours.
    fn list(&self, beginning: &str) -> io::Result<Vec<Object>> {
        let (prefix, mut token, mut objects) = (format!("{}{beginning}", self.prefix), None, Vec::new());
        for _ in 0..PAGES_MAX {
            let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
            list.with_prefix(prefix.clone());
            if let Some(token) = token {
                list.with_continuation_token(token);
            }
            let text = self.text(self.client.ask(&list, Ask::SMALL)?.good()?)?;
            let page = ListObjectsV2::parse_response(&text);
            let page = page.map_err(|_| io::Error::other("it answered a list that does not read"))?;
            for content in page.contents {
                let Some(key) = content.key.strip_prefix(&self.prefix) else { continue };
                let Some((backup, file)) = key.split_once('/') else { continue };
                let written = content.last_modified.and_then(|at| at.parse::<jiff::Timestamp>().ok());
                objects.push(Object {
                    backup: backup.to_owned(),
                    file: file.to_owned(),
                    bytes: content.size.unwrap_or(0),
                    written_ms: written.map(jiff::Timestamp::as_millisecond),
                });
            }
            match page.next_continuation_token {
                None => return Ok(objects),
                next => token = next,
            }
        }
        Err(io::Error::other("its list does not end"))
    }

    /// The text of an answer.
    fn text(&self, answer: request::Answer) -> io::Result<String> {
        String::from_utf8(answer.body).map_err(|_| io::Error::other("it answered something that is no text"))
    }
}
