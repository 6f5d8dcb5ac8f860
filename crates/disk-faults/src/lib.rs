//! A simulated disk under SQLite, for tests and the simulator: every write can fail, tear or get lost.
//!
//! A [`Disk`] holds files in memory and serves them to SQLite as a VFS named [`Disk::vfs_name`]. Open a
//! connection on it with `Connection::open_with_flags_and_vfs`, plan faults by step number with
//! [`Disk::plan`], and end a process or the power with [`Disk::crash`]. Everything that the disk decides
//! follows from its seed.
//!
//! What is modelled:
//! - a write is in the page cache until its file is synced; a power cut keeps any subset of the unsynced
//!   512-byte sectors, each whole, in part or not at all, and never touches bytes outside a write;
//! - a created or deleted name is certain only once its directory is synced, which happens when a new
//!   journal or WAL is first synced, on a delete that asks for it, or by [`Disk::sync_directory`];
//! - after a failed sync the unsynced data is partly lost for good, although a later sync succeeds;
//! - file locks and shared memory work across connections and threads of this process, and end with it.
//!
//! SQLite draws its own random numbers (WAL salts) from one generator for the whole process. Opening a
//! database here reseeds it, so a single-threaded run repeats byte for byte; when several threads use SQLite at
//! once the salts differ from run to run, and nothing else does.

mod crash;
mod disk;
mod faults;
mod file;
mod handle;
mod image;
mod inode;
mod locks;
mod names;
mod random;
mod refusal;
mod registry;
mod shm;
mod state;
mod vfs;
mod waiting;

pub use crash::CrashMode;
pub use disk::Disk;
pub use faults::{Fault, FaultPlan, Fired, Step};
pub use image::DiskImage;
