//! Backups, and the day an older state comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_audit::Anchor;
use bursar_disk_faults::DiskImage;

use crate::workload::Memory;
use crate::world::World;

/// A state that can be gone back to, with what was known of it then.
pub struct Backup {
    image: DiskImage,
    anchor: Option<Anchor>,
    memories: Vec<Memory>,
}

impl World {
    /// Keeps the disk as it is at this instant: what a snapshot of the volume gives, log and all.
    pub fn back_up(&self) {
        let backup = Backup {
            image: self.disk.snapshot(),
            anchor: self.anchor.with(|anchor| anchor.clone()),
            memories: self.rooms.iter().map(|room| room.remember()).collect(),
        };
        self.backup.with(|kept| *kept = Some(backup));
        self.reach("operator", "backup");
        self.note("a backup is made");
    }

    /// All processes end, and the last backup takes the place of everything; without one nothing happens.
    pub fn restore(self: &Arc<World>) {
        let Some(backup) = self.backup.with(Option::take) else { return };
        self.fault("operator: restores an older state");
        self.note("the last backup is restored");
        let ended = self.end_all();
        self.restores.fetch_add(1, Ordering::SeqCst);
        self.disk.restore(backup.image.clone());
        self.anchor.with(|anchor| anchor.clone_from(&backup.anchor));
        for (room, memory) in self.rooms.iter().zip(&backup.memories) {
            room.go_back_to(memory);
        }
        let recovered = self.connect_witnesses();
        if self.disk.halted() {
            self.machine_crash(None);
        } else {
            self.after_recovery(recovered);
            self.restart_all();
        }
        drop(ended);
        self.backup.with(|kept| *kept = Some(backup));
    }
}
