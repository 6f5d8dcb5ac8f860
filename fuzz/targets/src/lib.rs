//! What every parser that meets the outside must keep, whatever bytes it is given.
//!
//! A target is a function of bytes that panics when a rule is broken. `cargo fuzz` searches for such bytes with
//! coverage for a guide; the test of this crate replays the corpus and tries mutations of it on every run of `./test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod amounts;
mod backup;
mod banano;
mod config;
mod control_file;
mod credentials;
mod faucet;
mod http;
mod input;
mod json;
mod names;
mod oracle;
mod payouts;

/// One parser, or a few that read the same kind of input.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Panics when `bytes` break a rule.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 27] = [
    Target { name: "amounts", run: amounts::amounts },
    Target { name: "audit_anchor", run: json::audit_anchor },
    Target { name: "backup_manifest", run: backup::manifest },
    Target { name: "backup_part", run: backup::part },
    Target { name: "backup_rows", run: backup::rows },
    Target { name: "banano_answer", run: banano::answer },
    Target { name: "banano_block", run: banano::block },
    Target { name: "client_address", run: http::client_address },
    Target { name: "config_file", run: config::file },
    Target { name: "config_value", run: config::value },
    Target { name: "control_file", run: control_file::control_file },
    Target { name: "cookies", run: http::cookies },
    Target { name: "credentials", run: credentials::presented },
    Target { name: "faucet_links", run: faucet::links },
    Target { name: "faucet_retry_after", run: faucet::retry_after },
    Target { name: "faucet_statistics", run: faucet::statistics },
    Target { name: "faucet_tokens", run: faucet::tokens },
    Target { name: "faucet_visitor", run: faucet::visitor },
    Target { name: "http_request", run: http::request },
    Target { name: "join_body", run: json::join_body },
    Target { name: "journal_line", run: payouts::journal_line },
    Target { name: "key_sources", run: credentials::key_sources },
    Target { name: "names", run: names::names },
    Target { name: "oracle_reply", run: oracle::reply },
    Target { name: "remote_signer", run: credentials::remote_signer },
    Target { name: "sealed_key", run: credentials::sealed_key },
    Target { name: "strict_json", run: json::strict_json },
];

/// Runs the target called `name`.
///
/// # Panics
/// There is no such target, or `bytes` break one of its rules.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.run)(bytes);
}
