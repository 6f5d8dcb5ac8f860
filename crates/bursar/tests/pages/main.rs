//! The pages: the public one of the rounds desk, the operators' console, and both in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod browser;
mod console;
mod forms;
mod incidents;
mod jobs;
mod operator;
mod sign_in;
mod stops;
mod terminal;
mod webdriver;
