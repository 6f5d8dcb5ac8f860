//! Writing events and the link over them, in the transaction that they tell of.

use std::sync::LazyLock;

use bursar_store::Column::{Bytes, Int, Text, Time};
use bursar_store::{Bulk, Param, Sequence, StoreError, Timestamp, Tx};

use crate::canonical::{Columns, LinkHasher, payload_digest};
use crate::event::Event;

const EVENTS: Sequence = Sequence("audit_events");
const SALT_BYTES: usize = 16;

static INSERT_EVENTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("at", Time),
        ("level", Int),
        ("desk", Text),
        ("event", Text),
        ("actor_kind", Text),
        ("actor", Text),
        ("request_id", Text),
        ("correlation_id", Text),
        ("target_type", Text),
        ("target_id", Text),
        ("payload", Text),
        ("salt", Bytes),
        ("payload_digest", Bytes),
    ];
    Bulk::insert("audit_events", &columns)
});
static INSERT_OUTBOX: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::insert("audit_outbox", &[("event", Int), ("attempts", Int), ("next_at", Time)]));

/// The secret from which salts are derived; random at each start, so that digests of erased payloads say nothing.
#[derive(Clone)]
pub struct SaltKey([u8; 32]);

impl SaltKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> SaltKey {
        SaltKey(bytes)
    }

    fn salt(&self, event: i64) -> [u8; SALT_BYTES] {
        let hash = blake3::keyed_hash(&self.0, &event.to_be_bytes());
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&hash.as_bytes()[..SALT_BYTES]);
        salt
    }
}

/// One writer's chain. Writers never share one, so no head is contended.
#[derive(Clone)]
pub struct Recorder {
    chain: String,
    salts: SaltKey,
}

impl Recorder {
    /// The chain of one writer: a name no other running writer uses, such as a process id and a lane.
    #[must_use]
    pub fn new(chain: impl Into<String>, salts: SaltKey) -> Recorder {
        Recorder { chain: chain.into(), salts }
    }

    /// Writes `events` in order under one link and returns the first number; they count on from there.
    pub fn record(&self, tx: &mut Tx<'_>, events: &[Event], now: Timestamp) -> Result<i64, StoreError> {
        if events.is_empty() {
            return Ok(0);
        }
        let count = i64::try_from(events.len()).map_err(|_| StoreError::Decode("event count".into()))?;
        let first = tx.allocate(EVENTS, count)?;
        let sealed: Vec<_> = (first..)
            .zip(events)
            .map(|(id, event)| {
                let salt = self.salts.salt(id);
                (id, event, salt, payload_digest(&salt, &event.payload))
            })
            .collect();
        self.write_link(tx, &sealed, now)?;
        let mut rows = Vec::with_capacity(events.len() * 14);
        let mut outbox = Vec::new();
        for (id, event, salt, digest) in &sealed {
            rows.extend([Param::Int(*id), Param::Time(now), Param::Int(event.level.code())]);
            rows.extend([event.desk, event.name, event.actor.kind, &event.actor.id].map(Param::Text));
            rows.extend([&event.request_id, &event.correlation_id].map(|id| Param::from(id.as_deref())));
            rows.extend([event.target.kind, &event.target.id].map(Param::Text));
            rows.extend([Param::Text(&event.payload), Param::Bytes(salt), Param::Bytes(digest)]);
            if event.is_delivered() {
                outbox.extend([Param::Int(*id), Param::Int(0), Param::Time(now)]);
            }
        }
        tx.execute_many(&INSERT_EVENTS, &rows)?;
        tx.execute_many(&INSERT_OUTBOX, &outbox)?;
        Ok(first)
    }

    fn write_link(
        &self,
        tx: &mut Tx<'_>,
        sealed: &[(i64, &Event, [u8; SALT_BYTES], [u8; 32])],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "SELECT number, hash FROM audit_links WHERE chain = $1 ORDER BY number DESC LIMIT 1";
        let head = tx.query_first(sql, &[(&self.chain).into()], |row| {
            Ok((row.get::<i64>(0)?, row.get::<Vec<u8>>(1)?))
        })?;
        let (number, previous) = head.map_or((1, Vec::new()), |(number, hash)| (number + 1, hash));
        let mut hasher = LinkHasher::new(&self.chain, number, &previous);
        for (id, event, _, digest) in sealed {
            hasher.add(&Columns {
                id: *id,
                at: now,
                level: event.level.code(),
                texts: [event.desk, event.name, event.actor.kind, &event.actor.id],
                request_id: event.request_id.as_deref(),
                correlation_id: event.correlation_id.as_deref(),
                target: [event.target.kind, &event.target.id],
                payload_digest: digest,
            });
        }
        let hash = hasher.finish();
        let (Some(first), Some(last)) = (sealed.first(), sealed.last()) else { return Ok(()) };
        let sql = "INSERT INTO audit_links (chain, number, first_event, last_event, previous, hash, at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let params = [
            Param::Text(&self.chain),
            Param::Int(number),
            Param::Int(first.0),
            Param::Int(last.0),
            Param::Bytes(&previous),
            Param::Bytes(&hash),
            Param::Time(now),
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}
