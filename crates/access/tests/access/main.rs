//! Operators, tokens, sessions, the first admin and four-eyes, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bootstrap;
mod four_eyes;
mod operators;
mod payers;
mod scene;
mod secrecy;
mod sessions;
mod tokens;
