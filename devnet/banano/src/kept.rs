//! A node whose blocks are in a file, so that it goes on where an earlier process stopped.
//!
//! A block is on disk before anybody is told that it was taken in: what a wallet has seen accepted is never forgotten.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use bursar_banano::SignedBlock;

use crate::command::Command;
use crate::node::{Node, NodeSettings};

/// A file of blocks, one JSON object a line, in order of arrival.
pub(crate) struct BlockFile {
    file: File,
    /// A line may be half written: nothing is taken in behind it.
    is_broken: bool,
}

impl BlockFile {
    /// Appends a block and waits until it is on disk.
    pub(crate) fn append(&mut self, block: &SignedBlock) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("an earlier block could not be written"));
        }
        let mut line = serde_json::to_vec(block).map_err(io::Error::other)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        self.is_broken = written.is_err();
        written
    }
}

impl Node {
    /// The node of these settings with every block of the file, all final, which from now on keeps the file up to date.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds blocks that do not follow one another on this network. A last line
    /// without an end was being written when the process died: nobody was told of it, and it is cut off.
    pub fn reopen(settings: NodeSettings, path: &Path) -> io::Result<Node> {
        let mut node = Node::new(settings);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut lines = BufReader::new(&file);
        let (mut line, mut kept) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line)?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            let block: SignedBlock = serde_json::from_slice(&line).map_err(io::Error::other)?;
            node.command(Command::Gossip(Box::new(block))).map_err(io::Error::other)?;
            kept += u64::try_from(read).unwrap_or(u64::MAX);
        }
        drop(lines);
        node.command(Command::ConfirmAll).map_err(io::Error::other)?;
        file.set_len(kept)?;
        let mut file = file;
        file.seek(SeekFrom::End(0))?;
        node.keep(BlockFile { file, is_broken: false });
        Ok(node)
    }
}
