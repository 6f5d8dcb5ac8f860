//! The secrets of a serving process while it serves: read anew when somebody asks, put in force, told (V8).
//!
//! Entry points: [`SecretFollower`] is the thread that reads them, [`inventory()`] says what is in force without saying
//! what it is.

mod cause;
mod follower;
mod inventory;
mod keeper;

pub(crate) use follower::{Hangups, SecretFollower, Waiting};
pub(crate) use inventory::{Salt, inventory};
