//! Seeds of the real platform, seeds of spoilt ones, and the same seed twice.

mod determinism;
mod planted_bugs;
mod seeds;
