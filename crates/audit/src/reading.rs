//! Reading events: one by one for verification and delivery, and pages of those that fit a filter.

use bursar_store::{Param, Row, StoreError, Timestamp, Tx};

use crate::event::{Level, StoredEvent};

/// The longest page of [`events`].
const PAGE_MAX: i64 = 1_000;
/// Past every time that both engines can hold; stands for no end.
const NEVER: Timestamp = Timestamp::from_ms(253_402_300_800_000);

/// The columns of an event in the order that [`read_event`] expects.
macro_rules! event_columns {
    () => {
        "id, at, level, desk, event, actor_kind, actor, request_id, correlation_id, target_type, target_id, \
         payload, salt, payload_digest"
    };
}
pub(crate) use event_columns;

/// Which events to read. The default is the oldest 100 of all.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// Only this desk's.
    pub desk: Option<String>,
    /// Only those whose name starts so.
    pub event_prefix: Option<String>,
    /// Only this level or worse.
    pub level: Option<Level>,
    /// Only those of this actor's id.
    pub actor: Option<String>,
    /// Only those at or after this time.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
    /// The newest first, else the oldest.
    pub newest_first: bool,
    /// The last number of the page before, to go on behind it.
    pub after_id: Option<i64>,
    /// How many at most; held between 1 and 1,000.
    pub limit: i64,
}

impl Default for EventFilter {
    fn default() -> EventFilter {
        EventFilter {
            desk: None,
            event_prefix: None,
            level: None,
            actor: None,
            since: None,
            until: None,
            newest_first: false,
            after_id: None,
            limit: 100,
        }
    }
}

/// An empty text stands for "any": no desk, name or actor is empty.
macro_rules! filter_query {
    ($after:literal, $order:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM audit_events WHERE id ",
            $after,
            " $1 AND ($2 = '' OR desk = $2) AND ($3 = '' OR substr(event, 1, length($3)) = $3) AND level >= $4 ",
            "AND ($5 = '' OR actor = $5) AND at >= $6 AND at < $7 ORDER BY id ",
            $order,
            " LIMIT $8"
        )
    };
}

/// The events that fit `filter`, in the order of their numbers. A page that is not full is the last one.
pub fn events(tx: &mut Tx<'_>, filter: &EventFilter) -> Result<Vec<StoredEvent>, StoreError> {
    let (sql, start) = match filter.newest_first {
        true => (filter_query!("<", "DESC"), i64::MAX),
        false => (filter_query!(">", "ASC"), 0),
    };
    let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (desk, prefix, actor) = (text(&filter.desk), text(&filter.event_prefix), text(&filter.actor));
    let params = [
        Param::Int(filter.after_id.unwrap_or(start)),
        Param::Text(&desk),
        Param::Text(&prefix),
        Param::Int(filter.level.unwrap_or(Level::Info).code()),
        Param::Text(&actor),
        Param::Time(filter.since.unwrap_or(Timestamp::from_ms(0))),
        Param::Time(filter.until.unwrap_or(NEVER)),
        Param::Int(filter.limit.clamp(1, PAGE_MAX)),
    ];
    tx.query(sql, &params, read_event)
}

/// The events of level WARN or worse about one of four types of target, from `since` until right before `until`, the
/// oldest first and at most `limit` (held between 1 and 1,000). However many ordinary events there are, it is quick.
pub fn attention(
    tx: &mut Tx<'_>,
    targets: [&str; 4],
    (since, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = concat!(
        "SELECT ",
        event_columns!(),
        " FROM audit_events WHERE level > 0 AND at >= $1 AND at < $2 AND target_type IN ($3, $4, $5, $6) ",
        "ORDER BY at, id LIMIT $7"
    );
    let [one, two, three, four] = targets.map(Param::Text);
    let params = [since.into(), until.into(), one, two, three, four, limit.clamp(1, PAGE_MAX).into()];
    tx.query(sql, &params, read_event)
}

/// Reads an event from a row of [`event_columns`].
pub(crate) fn read_event(row: &Row<'_>) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        id: row.get(0)?,
        at: row.get(1)?,
        level: Level::from_code(row.get(2)?)?,
        desk: row.get(3)?,
        event: row.get(4)?,
        actor_kind: row.get(5)?,
        actor: row.get(6)?,
        request_id: row.get(7)?,
        correlation_id: row.get(8)?,
        target_type: row.get(9)?,
        target_id: row.get(10)?,
        payload: row.get(11)?,
        salt: row.get(12)?,
        payload_digest: row.get(13)?,
    })
}
