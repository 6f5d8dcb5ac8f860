//! The Bursar server: its configuration, its wiring and its command line.

pub mod command;
pub mod commands;
pub mod config;
mod host;
mod jobs;
pub mod replay;
pub mod schema;
mod secrets;
mod serve;
