//! Making a server stand still at a named step (`BURSAR_FAILPOINTS`).

use std::path::PathBuf;

use super::wait_until;
use crate::harness::{Place, Setup};

/// The steps of a unit of work, in their order.
pub const STEPS: [&str; 4] = ["begin", "statement", "commit", "committed"];

/// The failpoints of the servers of one place.
pub struct Failpoints {
    folder: PathBuf,
}

impl Failpoints {
    /// A folder beside the database, and the setup that names it.
    pub fn beside(place: &Place, setup: Setup) -> (Failpoints, Setup) {
        let folder = place.folder().join("failpoints");
        std::fs::create_dir_all(&folder).unwrap();
        let setup = setup.env("BURSAR_FAILPOINTS", folder.to_str().unwrap());
        (Failpoints { folder }, setup)
    }

    /// The next server that comes by stands still before `step` of `unit`.
    pub fn arm(&self, unit: &str, step: &str) {
        std::fs::write(self.folder.join(format!("{unit}.{step}")), "").unwrap();
    }

    /// Waits until one stands there.
    #[track_caller]
    pub fn wait_until_held(&self, unit: &str, step: &str) {
        let held = self.held(unit, step);
        wait_until(&format!("a server stands before {step} of {unit}"), || held.exists());
    }

    /// Whether one stands there.
    pub fn is_held(&self, unit: &str, step: &str) -> bool {
        self.held(unit, step).exists()
    }

    /// Lets everybody go on, and nobody stands still any more.
    pub fn clear(&self) {
        for file in std::fs::read_dir(&self.folder).unwrap() {
            // A server may take up an armed file just now: it is renamed, and goes with the next look.
            let _ = std::fs::remove_file(file.unwrap().path());
        }
    }

    /// Lets it go on; also cleans up after one that was killed there.
    pub fn release(&self, unit: &str, step: &str) {
        std::fs::remove_file(self.held(unit, step)).unwrap();
    }

    fn held(&self, unit: &str, step: &str) -> PathBuf {
        self.folder.join(format!("{unit}.{step}.held"))
    }
}
