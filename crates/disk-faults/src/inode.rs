//! One file's bytes: what readers see, what is durable, and the changes in between.

use crate::crash::Odds;
use crate::random::Random;

/// The unit in which a power cut keeps, loses or tears data, bytes.
pub(crate) const SECTOR: usize = 512;
/// Unsynced bytes of one file after which the system writes them back by itself.
const WRITE_BACK: usize = 64 << 20;

/// A change since the last sync; written bytes lie in the arena.
#[derive(Debug)]
enum Change {
    Write { offset: usize, start: usize, len: usize },
    Resize { len: usize },
}

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
    arena: Vec<u8>,
    /// A nameless file: nothing of it outlives a crash, so nothing is remembered.
    temporary: bool,
    /// Open handles of the running process.
    pub(crate) handles: u32,
}

impl Inode {
    pub(crate) fn new(temporary: bool) -> Inode {
        Inode { temporary, ..Inode::default() }
    }

    /// A file that has all of `content` on the platter.
    pub(crate) fn durable(content: Vec<u8>) -> Inode {
        Inode { durable: content.clone(), content, ..Inode::default() }
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Copies the bytes from `offset` into `target` and gives how many there were; the rest becomes zero.
    pub(crate) fn read(&self, offset: usize, target: &mut [u8]) -> usize {
        let available = self.content.get(offset..).unwrap_or(&[]);
        let count = available.len().min(target.len());
        target[..count].copy_from_slice(&available[..count]);
        target[count..].fill(0);
        count
    }

    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.content, offset, bytes);
        if self.temporary {
            return;
        }
        self.changes.push(Change::Write { offset, start: self.arena.len(), len: bytes.len() });
        self.arena.extend_from_slice(bytes);
        if self.arena.len() > WRITE_BACK {
            self.sync();
        }
    }

    /// A write that readers see and no sync ever keeps.
    pub(crate) fn write_unkept(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.content, offset, bytes);
    }

    pub(crate) fn resize(&mut self, len: usize) {
        self.content.resize(len, 0);
        if !self.temporary {
            self.changes.push(Change::Resize { len });
        }
    }

    pub(crate) fn sync(&mut self) {
        for change in self.changes.drain(..) {
            match change {
                Change::Write { offset, start, len } => {
                    put(&mut self.durable, offset, &self.arena[start..start + len]);
                }
                Change::Resize { len } => self.durable.resize(len, 0),
            }
        }
        self.arena.clear();
    }

    /// Changes existing bytes for readers and on the platter; false when they do not exist.
    pub(crate) fn rot(&mut self, offset: usize, bytes: &[u8]) -> bool {
        let exists = offset.checked_add(bytes.len()).is_some_and(|end| end <= self.content.len());
        if exists {
            put(&mut self.content, offset, bytes);
            self.changes.push(Change::Write { offset, start: self.arena.len(), len: bytes.len() });
            self.arena.extend_from_slice(bytes);
            if let Some(platter) = self.durable.get_mut(offset..) {
                let count = platter.len().min(bytes.len());
                platter[..count].copy_from_slice(&bytes[..count]);
            }
        }
        exists
    }

    /// A sync that failed: each waiting change is, by chance, dropped for good although readers still see it.
    pub(crate) fn fail_sync(&mut self, random: &mut Random) {
        self.changes.retain(|_| random.chance(1, 2));
    }

    /// Back to the durable bytes plus whatever `odds` let through of the waiting changes.
    pub(crate) fn power_cut(&mut self, random: &mut Random, odds: Odds) {
        for change in self.changes.drain(..) {
            match change {
                Change::Resize { len } => {
                    if odds.keeps(random) {
                        self.durable.resize(len, 0);
                    }
                }
                Change::Write { offset, start, len } => {
                    let bytes = &self.arena[start..start + len];
                    for (at, sector) in sectors(offset, bytes) {
                        if odds.keeps(random) {
                            put(&mut self.durable, at, odds.torn(random, sector));
                        }
                    }
                }
            }
        }
        self.arena.clear();
        self.content.clone_from(&self.durable);
    }
}

/// Writes `bytes` at `offset`, zero-filling any gap before them.
fn put(target: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if target.len() == offset {
        target.extend_from_slice(bytes);
        return;
    }
    if target.len() < end {
        target.resize(end, 0);
    }
    target[offset..end].copy_from_slice(bytes);
}

/// Cuts a write at sector boundaries: each part with its own offset.
fn sectors(mut offset: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let (part, rest) = bytes.split_at(bytes.len().min(SECTOR - offset % SECTOR));
        let at = offset;
        offset += part.len();
        bytes = rest;
        (!part.is_empty()).then_some((at, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(inode: &mut Inode, odds: Odds) {
        inode.power_cut(&mut Random::new(1), odds);
    }

    #[test]
    fn synced_bytes_survive_and_unsynced_bytes_go_when_nothing_is_let_through() {
        let mut inode = Inode::new(false);
        inode.write(0, b"kept");
        inode.sync();
        inode.write(0, b"gone");
        inode.resize(2);
        cut(&mut inode, Odds::NOTHING);
        assert_eq!(inode.content(), b"kept");
    }

    #[test]
    fn a_lost_write_is_readable_and_survives_no_sync() {
        let mut inode = Inode::new(false);
        inode.write(0, b"aaaa");
        inode.write_unkept(2, b"bb");
        inode.sync();
        assert_eq!(inode.content(), b"aabb");
        cut(&mut inode, Odds::NOTHING);
        assert_eq!(inode.content(), b"aaaa");
    }

    #[test]
    fn a_write_is_cut_at_sector_boundaries() {
        let bytes = vec![7; 1200];
        let parts: Vec<_> = sectors(500, &bytes).map(|(at, part)| (at, part.len())).collect();
        assert_eq!(parts, [(500, 12), (512, 512), (1024, 512), (1536, 164)]);
    }

    #[test]
    fn a_power_cut_never_changes_bytes_outside_unsynced_writes() {
        let mut random = Random::new(9);
        for _ in 0..200 {
            let mut inode = Inode::durable(vec![1; 4096]);
            inode.write(700, &[2; 1000]);
            let odds = Odds::draw(&mut random);
            inode.power_cut(&mut random, odds);
            assert!(inode.content()[..700].iter().chain(&inode.content()[1700..]).all(|byte| *byte == 1));
        }
    }
}
