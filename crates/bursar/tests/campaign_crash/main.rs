//! Crash campaigns: the real server is killed hard in the middle of joins and of settlements, and nothing is lost,
//! made up, or paid twice. `BURSAR_CAMPAIGN_KILLS` says how many random kills there are; 200 is the long form.

#[path = "../campaign/mod.rs"]
mod campaign;
#[path = "../harness/mod.rs"]
mod harness;

mod chunks;
mod fleet;
mod kills;
mod soak;
mod steps;
