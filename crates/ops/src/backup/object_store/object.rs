//! Reading an object piece by piece: a connection that breaks costs one piece, and memory holds one.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use super::Store;
use super::request::Ask;

/// Bytes that are asked for at a time.
const PIECE: u64 = 8 << 20;

/// An object on its way here.
pub struct ObjectReader {
    store: Arc<Store>,
    key: String,
    /// Of the version that is read; a part that is replaced meanwhile is found.
    etag: String,
    size: u64,
    /// Bytes asked for so far.
    asked: u64,
    piece: Vec<u8>,
    /// Bytes of the piece that were read.
    read: usize,
}

impl ObjectReader {
    /// Looks at the object of this key.
    pub fn begin(store: Arc<Store>, key: String) -> io::Result<ObjectReader> {
        let head = store.bucket.head_object(Some(&store.credentials), &key);
        let head = store.client.ask(&head, Ask::SMALL)?.good()?;
        let told = head.length.zip(head.etag.clone());
        let (size, etag) = told.ok_or_else(|| io::Error::other("it does not say how large the object is"))?;
        Ok(ObjectReader { store, key, etag, size, asked: 0, piece: Vec::new(), read: 0 })
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let wanted = PIECE.min(self.size.saturating_sub(self.asked));
        let last = self.asked.saturating_add(wanted).saturating_sub(1);
        let get = self.store.bucket.get_object(Some(&self.store.credentials), &self.key);
        let ask =
            Ask { body: None, range: Some((self.asked, last, &self.etag)), most: wanted.saturating_add(1) };
        let answer = self.store.client.ask(&get, ask)?.good()?;
        // Not every server looks at the tag that it was asked for.
        if answer.etag.as_ref() != Some(&self.etag) {
            return Err(io::Error::new(ErrorKind::InvalidData, "it was changed while it was read"));
        }
        let is_whole = answer.status == 206 || wanted == self.size;
        if !is_whole || u64::try_from(answer.body.len()).ok() != Some(wanted) {
            return Err(io::Error::other("it answered other bytes than those that it was asked for"));
        }
        self.asked = self.asked.saturating_add(wanted);
        (self.piece, self.read) = (answer.body, 0);
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.read >= self.piece.len() {
            if self.asked >= self.size || target.is_empty() {
                return Ok(0);
            }
            self.next_piece()?;
        }
        let mut rest = self.piece.get(self.read..).unwrap_or_default();
        let count = rest.read(target)?;
        self.read = self.read.saturating_add(count);
        Ok(count)
    }
}
