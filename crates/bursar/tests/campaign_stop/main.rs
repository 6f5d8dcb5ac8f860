//! Stop campaigns: players keep joining, joins are stopped by command or by hand-typed SQL, and no join commits later
//! than the stop. `BURSAR_CAMPAIGN_STOPS` says how many trials each way has; 1000 is the long form.

#[path = "../campaign/mod.rs"]
mod campaign;
#[path = "../harness/mod.rs"]
mod harness;

mod hanging;
mod stage;
mod trials;
