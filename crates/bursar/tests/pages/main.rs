//! The pages: the public ones of the rounds desk and of the faucet, the operators' console, and all in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod approvals;
mod browser;
mod console;
mod faucet;
mod faucet_browser;
mod forms;
mod incidents;
mod jobs;
mod operator;
mod sign_in;
mod stops;
mod terminal;
mod webdriver;
