//! A copy of everything on the disk, for restore drills and comparisons.

use std::collections::BTreeMap;
use std::fmt;

/// All files by name, as readers see them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DiskImage {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl DiskImage {
    /// The files' names and bytes, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Takes a file out of the image and gives its bytes, as when a backup lacks it.
    pub fn remove(&mut self, name: &str) -> Option<Vec<u8>> {
        self.files.remove(name)
    }
}

impl fmt::Debug for DiskImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.files.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}
