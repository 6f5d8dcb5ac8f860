//! What the services say that the faucet asks.

use std::time::Duration;

use bursar_faucet::upstream::{Link, Reading, fuzz};

use crate::input::{first, text};

const STATUSES: [u16; 5] = [200, 400, 403, 404, 503];

fn answer(bytes: &[u8]) -> (u16, &[u8]) {
    let (choice, body) = first(bytes);
    (STATUSES[usize::from(choice) % STATUSES.len()], body)
}

/// Kills that are believed are a number that somebody can have, and come with a yes.
pub fn statistics(bytes: &[u8]) {
    let (status, body) = answer(bytes);
    let kills = fuzz::kills(status, body, "4735ce9132924caf8a5b17789b40f79c");
    assert!(kills.is_none_or(|kills| status == 200 && kills <= 1_000_000_000));
}

/// Each id that was asked for has one answer; an account that is linked has an id that fits a path.
pub fn links(bytes: &[u8]) {
    let (status, body) = answer(bytes);
    let Some(links) = fuzz::links(status, body, &["1", "22"]) else { return };
    assert_eq!(links.len(), 2);
    for link in links {
        if let Reading::Found(Link::Linked(account)) = link {
            assert!(status == 200 && !account.id.is_empty());
            assert!(account.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }
    }
}

/// A balance comes with a yes alone.
pub fn tokens(bytes: &[u8]) {
    let (status, body) = answer(bytes);
    assert!(fuzz::tokens(status, body, "wallet", "mint").is_none() || status == 200);
}

/// A visitor's id is a number that has one text, and the name holds nothing that breaks a line.
pub fn visitor(bytes: &[u8]) {
    let (status, body) = answer(bytes);
    let Some((id, name)) = fuzz::visitor(status, body) else { return };
    assert_eq!(id.parse::<u64>().unwrap().to_string(), id);
    assert!(!name.is_empty() && !name.chars().any(char::is_control));
}

/// Nobody makes us wait for more than an hour.
pub fn retry_after(bytes: &[u8]) {
    let hour = Duration::from_secs(3_600);
    for header in [None, text(bytes)] {
        assert!(fuzz::retry_after(header, bytes).is_none_or(|wait| wait <= hour));
    }
}
