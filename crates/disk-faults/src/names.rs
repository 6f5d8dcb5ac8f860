//! The directory: which name means which file now, and which after a power cut.

use std::collections::BTreeMap;

use crate::crash::Odds;
use crate::random::Random;

/// A file's number.
pub(crate) type InodeId = u64;

/// Names of files, with the changes that no directory sync has made certain.
#[derive(Debug, Default)]
pub(crate) struct Names {
    now: BTreeMap<String, InodeId>,
    durable: BTreeMap<String, InodeId>,
    changes: Vec<(String, Option<InodeId>)>,
}

impl Names {
    /// Names that are all certain.
    pub(crate) fn durable(now: BTreeMap<String, InodeId>) -> Names {
        Names { durable: now.clone(), now, changes: Vec::new() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<InodeId> {
        self.now.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, InodeId)> {
        self.now.iter().map(|(name, inode)| (name.as_str(), *inode))
    }

    /// Whether any name, certain or not, can still lead to `inode`.
    pub(crate) fn mentions(&self, inode: InodeId) -> bool {
        let known = self.now.values().chain(self.durable.values());
        known.copied().chain(self.changes.iter().filter_map(|(_, to)| *to)).any(|id| id == inode)
    }

    pub(crate) fn link(&mut self, name: &str, inode: InodeId) {
        self.now.insert(name.to_owned(), inode);
        self.changes.push((name.to_owned(), Some(inode)));
    }

    /// Removes a name and gives the file it meant.
    pub(crate) fn unlink(&mut self, name: &str) -> Option<InodeId> {
        let inode = self.now.remove(name)?;
        self.changes.push((name.to_owned(), None));
        Some(inode)
    }

    /// Makes every change in the directory that holds `name` certain.
    pub(crate) fn sync(&mut self, name: &str) {
        let directory = parent(name).to_owned();
        let Names { durable, changes, .. } = self;
        changes.retain(|(changed, to)| {
            let here = parent(changed) == directory;
            if here {
                set(durable, changed, *to);
            }
            !here
        });
    }

    pub(crate) fn power_cut(&mut self, random: &mut Random, odds: Odds) {
        for (name, to) in self.changes.drain(..) {
            if odds.keeps(random) {
                set(&mut self.durable, &name, to);
            }
        }
        self.now.clone_from(&self.durable);
    }
}

fn set(names: &mut BTreeMap<String, InodeId>, name: &str, to: Option<InodeId>) {
    match to {
        Some(inode) => names.insert(name.to_owned(), inode),
        None => names.remove(name),
    };
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsynced_creation_vanishes_and_an_unsynced_deletion_is_undone() {
        let mut names = Names::durable(BTreeMap::from([("old".to_owned(), 1)]));
        names.link("new", 2);
        names.unlink("old");
        names.power_cut(&mut Random::new(1), Odds::NOTHING);
        assert_eq!((names.get("old"), names.get("new")), (Some(1), None));
    }

    #[test]
    fn syncing_a_directory_keeps_its_names_and_no_others() {
        let mut names = Names::default();
        names.link("data/ledger", 1);
        names.link("backup/ledger", 2);
        names.sync("data/ledger-wal");
        names.power_cut(&mut Random::new(1), Odds::NOTHING);
        assert_eq!((names.get("data/ledger"), names.get("backup/ledger")), (Some(1), None));
    }
}
