//! Encryption of a part: chunks under XChaCha20-Poly1305 in the STREAM construction, so that a cut, a swap or an edit of
//! any chunk shows. The key and the associated data are of this backup and this file only.

use std::io::{self, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::{KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305};
use rand::TryRngCore;
use rand::rngs::OsRng;

/// Bytes of one chunk before encryption.
const CHUNK: usize = 1 << 16;
const TAG: usize = 16;
const NONCE: usize = 19;

/// What a file is encrypted with and bound to.
pub struct Seal {
    /// The key of this file alone.
    pub key: [u8; 32],
    /// Backup and file, authenticated with each chunk.
    pub binding: String,
}

/// Encrypts what is written to it. [`SealWriter::finish`] writes the last chunk; without it the file does not open.
pub struct SealWriter<W> {
    encryptor: EncryptorBE32<XChaCha20Poly1305>,
    binding: String,
    chunk: Vec<u8>,
    out: W,
}

impl<W: Write> SealWriter<W> {
    /// Begins the file with its random nonce.
    pub fn begin(seal: Seal, mut out: W) -> io::Result<SealWriter<W>> {
        let mut nonce = [0; NONCE];
        OsRng.try_fill_bytes(&mut nonce).map_err(io::Error::other)?;
        out.write_all(&nonce)?;
        let encryptor = EncryptorBE32::from_aead(cipher(&seal.key), &nonce.into());
        Ok(SealWriter { encryptor, binding: seal.binding, chunk: Vec::with_capacity(CHUNK), out })
    }

    /// Writes the last chunk and gives the file back.
    pub fn finish(mut self) -> io::Result<W> {
        let last = Payload { msg: &self.chunk, aad: self.binding.as_bytes() };
        let last =
            self.encryptor.encrypt_last(last).map_err(|_| io::Error::other("it cannot be encrypted"))?;
        self.out.write_all(&last)?;
        Ok(self.out)
    }

    fn encrypt_chunk(&mut self) -> io::Result<()> {
        let chunk = Payload { msg: &self.chunk, aad: self.binding.as_bytes() };
        let sealed = self.encryptor.encrypt_next(chunk);
        self.out.write_all(&sealed.map_err(|_| io::Error::other("it cannot be encrypted"))?)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until more comes, since the last one is marked.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.encrypt_chunk()?;
        }
        let (taken, _) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Decrypts what it reads; fails where anything is not as it was written.
pub struct SealReader<R> {
    decryptor: Option<DecryptorBE32<XChaCha20Poly1305>>,
    binding: String,
    /// The chunk after the open one, still encrypted; empty = there is none.
    next: Vec<u8>,
    open: Vec<u8>,
    read: usize,
    source: R,
}

impl<R: Read> SealReader<R> {
    /// Reads the nonce and the first chunk.
    pub fn begin(seal: Seal, mut source: R) -> io::Result<SealReader<R>> {
        let mut nonce = [0; NONCE];
        source.read_exact(&mut nonce)?;
        let next = read_chunk(&mut source)?;
        let decryptor = DecryptorBE32::from_aead(cipher(&seal.key), &nonce.into());
        let (binding, open) = (seal.binding, Vec::new());
        Ok(SealReader { decryptor: Some(decryptor), binding, next, open, read: 0, source })
    }

    /// Opens the next chunk; false = the last one is open.
    fn advance(&mut self) -> io::Result<bool> {
        let altered =
            |_| io::Error::new(io::ErrorKind::InvalidData, "it does not decrypt: it was altered or cut");
        let Some(mut decryptor) = self.decryptor.take() else { return Ok(false) };
        let following = read_chunk(&mut self.source)?;
        let chunk = Payload { msg: &self.next, aad: self.binding.as_bytes() };
        if following.is_empty() {
            self.open = decryptor.decrypt_last(chunk).map_err(altered)?;
        } else {
            self.open = decryptor.decrypt_next(chunk).map_err(altered)?;
            self.decryptor = Some(decryptor);
        }
        (self.next, self.read) = (following, 0);
        Ok(true)
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.read >= self.open.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let mut rest = self.open.get(self.read..).unwrap_or_default();
        let count = rest.read(target)?;
        self.read += count;
        Ok(count)
    }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// The next encrypted chunk, shorter only at the end.
fn read_chunk(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let most = u64::try_from(CHUNK + TAG).unwrap_or(u64::MAX);
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    source.take(most).read_to_end(&mut chunk)?;
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: u8, binding: &str) -> Seal {
        Seal { key: [key; 32], binding: binding.to_owned() }
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut writer = SealWriter::begin(seal(1, "a"), Vec::new()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap()
    }

    fn opened(seal: Seal, file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        SealReader::begin(seal, file)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn content_of_any_number_of_chunks_is_read_back_and_does_not_show() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let content = vec![b'x'; length];
            let file = sealed(&content);
            assert_eq!(opened(seal(1, "a"), &file).unwrap(), content, "{length}");
            assert!(!file.windows(8).any(|window| window == b"xxxxxxxx"));
        }
        assert_ne!(sealed(b"same"), sealed(b"same"), "each file has a nonce of its own");
    }

    #[test]
    fn another_key_another_place_a_cut_and_a_flipped_bit_are_found() {
        let file = sealed(&vec![7; 2 * CHUNK + 5]);
        assert!(opened(seal(2, "a"), &file).is_err());
        assert!(opened(seal(1, "b"), &file).is_err());
        // Cut at the border of a chunk, too: what is the last chunk then was not written as the last.
        for cut in [0, 5, NONCE, NONCE + CHUNK + TAG, NONCE + 2 * (CHUNK + TAG), file.len() - 1] {
            assert!(opened(seal(1, "a"), &file[..cut]).is_err(), "{cut}");
        }
        for place in [0, NONCE, NONCE + CHUNK, file.len() - 1] {
            let mut flipped = file.clone();
            flipped[place] ^= 1;
            assert!(opened(seal(1, "a"), &flipped).is_err(), "{place}");
        }
        let chunks: Vec<&[u8]> = file[NONCE..].chunks(CHUNK + TAG).collect();
        let swapped = [&file[..NONCE], chunks[1], chunks[0], chunks[2]].concat();
        assert!(opened(seal(1, "a"), &swapped).is_err());
    }
}
