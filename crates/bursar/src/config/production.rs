//! What production refuses before anything binds (V3, V5). State that a row wants served is not refused here.

use std::collections::BTreeMap;

use super::configuration::Configuration;
use super::desks::Owner;
use super::problem::{Failure, Problem};
use super::registry::{self, Kind, Status, Variable};
use super::warnings::COMMAND_LINE_KEYS;

/// Flags that must be off in production, with the reason.
const FORBIDDEN_FLAGS: [(&str, &str); 4] = [
    ("DEMO_MODE", "opens demo routes that pay and grant without proof"),
    ("FAUCET_ALLOW_LOOPBACK_NODE", "lets a live faucet trust a local node"),
    ("CTS_MOCK_MODE", "keeps commitments in memory"),
    ("CTS_CANARY_REWARD_VOTING", "lets any holder vote"),
];

/// Everything that production refuses about the platform, the rounds desk, and the variables that several
/// desks share. Further desks add their own lists. Listed whatever the mode is; only production acts on them.
#[must_use]
pub fn production_failures(configuration: &Configuration) -> Vec<Failure> {
    let mut failures = Vec::new();
    if configuration.database.named_by.is_none() {
        failures.push(Problem::new(
            Owner::Platform,
            "DATABASE_URL",
            "is required in production",
            "set it to postgres://USER:PASSWORD@HOST/DATABASE or sqlite:PATH",
        ));
    }
    equal_secrets(configuration, &mut failures);
    for (name, reason) in FORBIDDEN_FLAGS {
        let Some(variable) = registry::variable(name) else { continue };
        if configuration.values.flag(name) == Some(true) {
            let rule = format!("must be off in production: it {reason}");
            failures.push(Problem::new(variable.desk, name, rule, "remove it, or set it to false"));
        }
    }
    for (name, desk) in COMMAND_LINE_KEYS {
        if configuration.runs(desk) && configuration.values.secret(name).is_some() {
            failures.push(Problem::new(
                Owner::Desk(desk),
                name,
                "must not be in the environment of a production server: only the command line signs with it",
                "remove it here and keep it where the command line runs",
            ));
        }
    }
    failures.sort_by_key(|failure| failure.desk);
    failures
}

/// Secrets must be pairwise different, and a chain key belongs to one desk, however it is written (V3).
fn equal_secrets(configuration: &Configuration, failures: &mut Vec<Failure>) {
    let mut seen: BTreeMap<Vec<u8>, (String, Owner)> = BTreeMap::new();
    for (variable, name, text) in configuration.values.secret_texts() {
        if !is_compared(variable) {
            continue;
        }
        let meaning = key_bytes(text);
        let Some((first, first_owner)) = seen.get(&meaning) else {
            seen.insert(meaning, (name, variable.desk));
            continue;
        };
        let rule = if *first_owner == variable.desk {
            format!("is the same secret as {first}")
        } else {
            format!("is the same secret as {first} of {first_owner}; desks share no secret and no wallet")
        };
        failures.push(Problem::new(variable.desk, name, rule, "give each its own secret"));
    }
}

fn is_compared(variable: &Variable) -> bool {
    variable.kind == Kind::Secret && variable.status != Status::Ignored
}

/// The bytes that a text stands for, so that one key in two spellings is seen to be one key: a JSON array,
/// base58 or hex of a 32-byte seed, or of a 64-byte pair whose first half is the seed. Any other text stands
/// for itself.
fn key_bytes(text: &str) -> Vec<u8> {
    let trimmed = text.trim();
    let decoded = json_bytes(trimmed).or_else(|| hex_bytes(trimmed)).or_else(|| base58_bytes(trimmed));
    match decoded {
        Some(bytes) if bytes.len() == 64 => bytes.into_iter().take(32).collect(),
        Some(bytes) if bytes.len() == 32 => bytes,
        _ => trimmed.as_bytes().to_vec(),
    }
}

fn json_bytes(text: &str) -> Option<Vec<u8>> {
    if text.starts_with('[') { serde_json::from_str(text).ok() } else { None }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !matches!(text.len(), 64 | 128) || !text.is_ascii() {
        return None;
    }
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn base58_bytes(text: &str) -> Option<Vec<u8>> {
    // Longer texts can't be 64 bytes, and decoding takes quadratic time.
    if text.len() > 90 { None } else { bs58::decode(text).into_vec().ok() }
}

#[cfg(test)]
mod tests;
