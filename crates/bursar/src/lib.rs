//! The Bursar server: its configuration, its wiring and its command line.

pub mod config;
