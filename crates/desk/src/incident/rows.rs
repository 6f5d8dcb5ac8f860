//! The rows of incidents and their timelines.

use bursar_store::{Param, Row, Sequence, StoreError, Timestamp, Tx};

use super::class::Class;
use super::decide::Step;
use super::record::{ActKind, Entry, Incident, State};

const NUMBERS: Sequence = Sequence("incidents");
/// The desk of incidents that concern all desks.
pub const PLATFORM: &str = "platform";
/// The longest page of [`incidents`].
const PAGE_MAX: i64 = 200;
/// The most lines of a timeline that are read.
const TIMELINE_MAX: i64 = 1_000;
/// The most incidents that are looked at for what is overdue.
const UNFINISHED_MAX: i64 = 1_000;

macro_rules! columns {
    () => {
        "id, desk, class, state, title, message, expected_end, opened_at, opened_by, open_since, acknowledged_at, \
         told_at, resolved_at, reviewed_at, entries"
    };
}

/// Which incidents to list, the newest first.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Only this desk's.
    pub desk: Option<String>,
    /// Only those that far.
    pub state: Option<State>,
    /// Only those with a smaller number: the page after the one that ended there.
    pub before: Option<i64>,
    /// How many at most; held between 1 and 200.
    pub limit: i64,
}

/// Those that fit `filter`, the newest first.
pub fn incidents(tx: &mut Tx<'_>, filter: &IncidentFilter) -> Result<Vec<Incident>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE id < $1 AND ($2 = '' OR desk = $2) AND ($3 < 0 OR state = $3) ",
        "ORDER BY id DESC LIMIT $4"
    );
    let params = [
        Param::Int(filter.before.unwrap_or(i64::MAX)),
        Param::Text(filter.desk.as_deref().unwrap_or_default()),
        Param::Int(filter.state.map_or(-1, State::code)),
        Param::Int(filter.limit.clamp(1, PAGE_MAX)),
    ];
    tx.query(sql, &params, read)
}

/// The incident of this number.
pub fn incident(tx: &mut Tx<'_>, id: i64) -> Result<Option<Incident>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM incident WHERE id = $1");
    tx.query_first(sql, &[id.into()], read)
}

/// The lines of an incident's timeline, the oldest first.
pub fn timeline(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT number, at, act, actor, note, message, expected_end, class FROM incident_entry \
               WHERE incident = $1 ORDER BY number LIMIT $2";
    tx.query(sql, &[id.into(), TIMELINE_MAX.into()], |row| {
        let act = row.get::<String>(2)?;
        Ok(Entry {
            number: row.get(0)?,
            at: row.get(1)?,
            act: ActKind::from_name(&act).ok_or_else(|| unreadable("act", &act))?,
            actor: row.get(3)?,
            note: row.get(4)?,
            message: row.get(5)?,
            expected_end: row.get(6)?,
            class: row.get::<Option<String>>(7)?.map(|name| class(&name)).transpose()?,
        })
    })
}

/// The open incidents of a desk whose words its users see, the worst first and of those the one told last.
pub(super) fn told(tx: &mut Tx<'_>, desks: [&str; 2]) -> Result<Vec<Incident>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE state = 0 AND message <> '' AND desk IN ($1, $2) ",
        "ORDER BY severity, told_at DESC, id DESC LIMIT 100"
    );
    tx.query(sql, &desks.map(Param::Text), read)
}

/// The newest open incident of a desk.
pub(super) fn newest_open(tx: &mut Tx<'_>, desk: &str) -> Result<Option<Incident>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE state = 0 AND desk = $1 ORDER BY id DESC LIMIT 1"
    );
    tx.query_first(sql, &[desk.into()], read)
}

/// The incidents that wait for something: open ones, and resolved ones of a class that is to be reviewed. The oldest
/// first.
pub fn unfinished(tx: &mut Tx<'_>) -> Result<Vec<Incident>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE state = 0 OR (state = 1 AND severity < 3) ORDER BY id LIMIT $1"
    );
    tx.query(sql, &[UNFINISHED_MAX.into()], read)
}

/// Writes a new incident with the first line of its timeline.
pub(super) fn insert(tx: &mut Tx<'_>, step: Step, actor: &str) -> Result<Incident, StoreError> {
    let mut step = step;
    step.incident.id = tx.allocate(NUMBERS, 1)?;
    step.incident.entries = 1;
    let sql = "INSERT INTO incident (id, desk, class, severity, state, title, message, expected_end, opened_at, \
               opened_by, open_since, acknowledged_at, told_at, resolved_at, reviewed_at, entries) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let after = &step.incident;
    let params = [
        &[after.id.into(), Param::Text(&after.desk)][..],
        &standing(after)[..],
        &[
            Param::Text(&after.title),
            Param::Text(&after.message),
            after.expected_end.into(),
            after.opened_at.into(),
            Param::Text(&after.opened_by),
        ],
        &moments(after)[..],
        &[after.entries.into()],
    ]
    .concat();
    tx.execute(sql, &params)?;
    insert_entry(tx, &step, actor, after.opened_at)?;
    Ok(step.incident)
}

/// Writes what became of an incident, with the next line of its timeline.
pub(super) fn advance(
    tx: &mut Tx<'_>,
    step: Step,
    actor: &str,
    at: Timestamp,
) -> Result<Incident, StoreError> {
    let mut step = step;
    let before = step.incident.entries;
    step.incident.entries = before.saturating_add(1);
    let after = &step.incident;
    let sql = "UPDATE incident SET class = $2, severity = $3, state = $4, message = $5, expected_end = $6, \
               open_since = $7, acknowledged_at = $8, told_at = $9, resolved_at = $10, reviewed_at = $11, \
               entries = $12 WHERE id = $1 AND entries = $13";
    let params = [
        &[after.id.into()][..],
        &standing(after)[..],
        &[Param::Text(&after.message), after.expected_end.into()],
        &moments(after)[..],
        &[after.entries.into(), before.into()],
    ]
    .concat();
    if tx.execute(sql, &params)? != 1 {
        return Err(StoreError::Conflict(format!("incident {} was changed by somebody else", after.id)));
    }
    insert_entry(tx, &step, actor, at)?;
    Ok(step.incident)
}

fn insert_entry(tx: &mut Tx<'_>, step: &Step, actor: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO incident_entry (incident, number, at, act, actor, note, message, expected_end, class) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let params = [
        step.incident.id.into(),
        step.incident.entries.into(),
        at.into(),
        Param::Text(step.act.name()),
        Param::Text(actor),
        Param::Text(&step.note),
        step.message.as_deref().into(),
        step.expected_end.into(),
        step.class.map(Class::name).into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn standing(incident: &Incident) -> [Param<'_>; 3] {
    let class = incident.class;
    [Param::Text(class.name()), class.severity().rank().into(), incident.state.code().into()]
}

fn moments(incident: &Incident) -> [Param<'_>; 5] {
    [
        incident.open_since.into(),
        incident.acknowledged_at.into(),
        incident.told_at.into(),
        incident.resolved_at.into(),
        incident.reviewed_at.into(),
    ]
}

fn read(row: &Row<'_>) -> Result<Incident, StoreError> {
    let code = row.get::<i64>(3)?;
    let state = State::ALL.into_iter().find(|state| state.code() == code);
    Ok(Incident {
        id: row.get(0)?,
        desk: row.get(1)?,
        class: class(&row.get::<String>(2)?)?,
        state: state.ok_or_else(|| unreadable("state", &code.to_string()))?,
        title: row.get(4)?,
        message: row.get(5)?,
        expected_end: row.get(6)?,
        opened_at: row.get(7)?,
        opened_by: row.get(8)?,
        open_since: row.get(9)?,
        acknowledged_at: row.get(10)?,
        told_at: row.get(11)?,
        resolved_at: row.get(12)?,
        reviewed_at: row.get(13)?,
        entries: row.get(14)?,
    })
}

fn class(name: &str) -> Result<Class, StoreError> {
    Class::from_name(name).ok_or_else(|| unreadable("class", name))
}

fn unreadable(what: &str, text: &str) -> StoreError {
    StoreError::Decode(format!("an incident's {what} {text:?}"))
}
