//! The exact bytes that the chain covers: every column of an event but payload and salt, each with its length.

use bursar_store::Timestamp;
use sha2::{Digest, Sha256};

use crate::event::StoredEvent;

/// The columns of one event in their fixed order.
pub struct Columns<'a> {
    pub id: i64,
    pub at: Timestamp,
    pub level: i64,
    pub texts: [&'a str; 4],
    pub request_id: Option<&'a str>,
    pub correlation_id: Option<&'a str>,
    pub target: [&'a str; 2],
    pub payload_digest: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Those of an event as it is stored.
    pub fn of(event: &'a StoredEvent) -> Columns<'a> {
        Columns {
            id: event.id,
            at: event.at,
            level: event.level.code(),
            texts: [&event.desk, &event.event, &event.actor_kind, &event.actor],
            request_id: event.request_id.as_deref(),
            correlation_id: event.correlation_id.as_deref(),
            target: [&event.target_type, &event.target_id],
            payload_digest: &event.payload_digest,
        }
    }
}

/// The hash of a link: domain, chain, number, the hash before it, and its events in order.
pub struct LinkHasher(Sha256);

impl LinkHasher {
    pub fn new(chain: &str, number: i64, previous: &[u8]) -> LinkHasher {
        let mut hasher = Sha256::new();
        put(&mut hasher, b"bursar audit link 1");
        put(&mut hasher, chain.as_bytes());
        put(&mut hasher, &number.to_be_bytes());
        put(&mut hasher, previous);
        LinkHasher(hasher)
    }

    pub fn add(&mut self, event: &Columns<'_>) {
        let hasher = &mut self.0;
        hasher.update(event.id.to_be_bytes());
        hasher.update(event.at.ms().to_be_bytes());
        hasher.update(event.level.to_be_bytes());
        event.texts.iter().for_each(|text| put(hasher, text.as_bytes()));
        put_optional(hasher, event.request_id);
        put_optional(hasher, event.correlation_id);
        event.target.iter().for_each(|text| put(hasher, text.as_bytes()));
        put(hasher, event.payload_digest);
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 of the salt and the payload, each with its length.
pub fn payload_digest(salt: &[u8], payload: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    put(&mut hasher, salt);
    put(&mut hasher, payload.as_bytes());
    hasher.finalize().into()
}

fn put(hasher: &mut Sha256, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    hasher.update(length.to_be_bytes());
    hasher.update(bytes);
}

fn put_optional(hasher: &mut Sha256, text: Option<&str>) {
    match text {
        Some(text) => {
            hasher.update([1]);
            put(hasher, text.as_bytes());
        }
        None => hasher.update([0]),
    }
}
