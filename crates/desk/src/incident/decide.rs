//! What may be done with an incident, and what it then is: pure rules.

use bursar_store::Timestamp;

use super::act::{Act, ExpectedEnd, News, Opening};
use super::class::{Class, Severity};
use super::record::{ActKind, Incident, State};
use super::refusal::Refusal;

/// Longest text for users, in characters.
pub const MESSAGE_CHARACTERS_MAX: usize = 500;
/// Longest title, in characters.
pub const TITLE_CHARACTERS_MAX: usize = 120;
/// Longest note or review, in characters.
pub const NOTE_CHARACTERS_MAX: usize = 4_000;
/// An incident that was resolved can be opened again for this long (docs/spec/trades.md T28); later it is a new one.
pub const WATCH_MS: i64 = 30 * 60_000;
/// The last instant that is taken: the end of the year 9999, which both engines hold.
const LAST: Timestamp = Timestamp::from_ms(253_402_300_799_999);

/// What an act makes of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The incident from now on.
    pub incident: Incident,
    /// What was done.
    pub act: ActKind,
    /// In words for operators.
    pub note: String,
    /// What users are told by it, when it speaks to them.
    pub message: Option<String>,
    /// The class from now on, when it is new.
    pub class: Option<Class>,
    /// The expected end, when it speaks of it and it is known.
    pub expected_end: Option<Timestamp>,
    /// Whether it is as bad as can be from now on, and was not before: payouts of its desk are to be halted.
    pub halts_payouts: bool,
}

/// The incident that `opening` makes; its number and timeline are still to come.
///
/// # Errors
/// [`Refusal::Invalid`] for texts and times out of bounds.
pub fn open(opening: &Opening, actor: &str, at: Timestamp) -> Result<Step, Refusal> {
    let title = TITLE.read(&opening.title)?;
    let message = MESSAGE.read(&opening.message)?;
    let expected_end = end(opening.expected_end, None, at)?;
    let is_told = !message.is_empty();
    let incident = Incident {
        id: 0,
        desk: opening.desk.clone(),
        class: opening.class,
        state: State::Open,
        title: title.clone(),
        message: message.clone(),
        expected_end,
        opened_at: at,
        opened_by: actor.to_owned(),
        open_since: at,
        acknowledged_at: opening.is_acknowledged.then_some(at),
        told_at: is_told.then_some(at),
        resolved_at: None,
        reviewed_at: None,
        entries: 0,
    };
    let message = is_told.then_some(message);
    let (class, halts_payouts) = (Some(opening.class), is_critical(opening.class));
    Ok(Step { message, class, expected_end, halts_payouts, ..step(incident, ActKind::Opened, title) })
}

/// What `act` makes of `incident`.
///
/// # Errors
/// [`Refusal::State`] unless it fits how far the incident is, [`Refusal::WatchOver`], [`Refusal::Invalid`].
pub fn decide(incident: &Incident, act: &Act, at: Timestamp) -> Result<Step, Refusal> {
    match (incident.state, act) {
        (State::Open, Act::Acknowledge { note }) => acknowledge(incident, note, at),
        (State::Open, Act::Update(news)) => update(incident, news, at),
        (State::Open, Act::Resolve { note }) => {
            let note = TEXT.read(note)?;
            let (state, acknowledged_at) = (State::Resolved, incident.acknowledged_at.or(Some(at)));
            let after = Incident { state, acknowledged_at, resolved_at: Some(at), ..incident.clone() };
            Ok(step(after, ActKind::Resolved, note))
        }
        (State::Resolved, Act::Reopen { note }) => reopen(incident, note, at),
        (State::Resolved, Act::Review { text }) => {
            let text = TEXT.read(text)?;
            let after = Incident { state: State::Reviewed, reviewed_at: Some(at), ..incident.clone() };
            Ok(step(after, ActKind::Reviewed, text))
        }
        (state, act) => {
            Err(Refusal::State { id: incident.id, state, wanted: act.wanted(), hint: hint(state) })
        }
    }
}

fn acknowledge(incident: &Incident, note: &str, at: Timestamp) -> Result<Step, Refusal> {
    if incident.acknowledged_at.is_some() {
        let (wanted, hint) = ("acknowledged again", "somebody takes care of it already");
        return Err(Refusal::State { id: incident.id, state: incident.state, wanted, hint });
    }
    let note = NOTE.read(note)?;
    Ok(step(Incident { acknowledged_at: Some(at), ..incident.clone() }, ActKind::Acknowledged, note))
}

fn update(incident: &Incident, news: &News, at: Timestamp) -> Result<Step, Refusal> {
    let note = NOTE.read(&news.note)?;
    let message = news.message.as_deref().map(|words| MESSAGE.read(words)).transpose()?;
    let class = news.class.filter(|class| *class != incident.class);
    let speaks_of_end = news.expected_end != ExpectedEnd::Same;
    if note.is_empty() && message.is_none() && !speaks_of_end && class.is_none() {
        let rule = "says something new: a note, words for users, an expected end, or another class";
        return Err(Refusal::Invalid { field: "an update", rule });
    }
    let expected_end = end(news.expected_end, incident.expected_end, at)?;
    let words = message.clone().unwrap_or_else(|| incident.message.clone());
    // Taking the words away tells users nothing; a new end beside words that stand does.
    let is_told = !words.is_empty() && (message.is_some() || speaks_of_end);
    let after = Incident {
        class: class.unwrap_or(incident.class),
        message: words,
        expected_end,
        acknowledged_at: incident.acknowledged_at.or(Some(at)),
        told_at: if is_told { Some(at) } else { incident.told_at },
        ..incident.clone()
    };
    let halts_payouts = class.is_some_and(is_critical) && !is_critical(incident.class);
    let expected_end = expected_end.filter(|_| speaks_of_end);
    Ok(Step { message, class, expected_end, halts_payouts, ..step(after, ActKind::Updated, note) })
}

fn reopen(incident: &Incident, note: &str, at: Timestamp) -> Result<Step, Refusal> {
    if incident.resolved_at.is_none_or(|resolved| at > resolved.after_ms(WATCH_MS)) {
        return Err(Refusal::WatchOver(incident.id));
    }
    let note = TEXT.read(note)?;
    // What users heard last is that it is over: the words from before are not shown to them again by themselves.
    let after = Incident {
        state: State::Open,
        message: String::new(),
        expected_end: None,
        open_since: at,
        acknowledged_at: None,
        told_at: None,
        resolved_at: None,
        ..incident.clone()
    };
    let halts_payouts = is_critical(after.class);
    Ok(Step { halts_payouts, ..step(after, ActKind::Reopened, note) })
}

/// A step that says nothing to users.
fn step(incident: Incident, act: ActKind, note: String) -> Step {
    Step { incident, act, note, message: None, class: None, expected_end: None, halts_payouts: false }
}

fn is_critical(class: Class) -> bool {
    class.severity() == Severity::Critical
}

fn end(wanted: ExpectedEnd, before: Option<Timestamp>, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let end = match wanted {
        ExpectedEnd::Same => return Ok(before),
        ExpectedEnd::Unknown => return Ok(None),
        ExpectedEnd::At(end) => end,
        ExpectedEnd::After(ms) => at.after_ms(ms),
    };
    let rule = "lies between 1970 and 9999, in Unix milliseconds";
    let is_taken = (Timestamp::from_ms(0)..=LAST).contains(&end);
    if is_taken { Ok(Some(end)) } else { Err(Refusal::Invalid { field: "the expected end", rule }) }
}

/// Bounds of a text, in characters without the blanks around it.
struct Bounds {
    field: &'static str,
    min: usize,
    max: usize,
    rule: &'static str,
}

const TITLE: Bounds =
    Bounds { field: "the title", min: 1, max: TITLE_CHARACTERS_MAX, rule: "takes 1 to 120 characters" };
const MESSAGE: Bounds = Bounds {
    field: "the text for users",
    min: 0,
    max: MESSAGE_CHARACTERS_MAX,
    rule: "takes up to 500 characters",
};
const NOTE: Bounds =
    Bounds { field: "the note", min: 0, max: NOTE_CHARACTERS_MAX, rule: "takes up to 4000 characters" };
const TEXT: Bounds =
    Bounds { field: "the text", min: 1, max: NOTE_CHARACTERS_MAX, rule: "takes 1 to 4000 characters" };

impl Bounds {
    fn read(&self, text: &str) -> Result<String, Refusal> {
        let text = text.trim();
        let is_taken = (self.min..=self.max).contains(&text.chars().count()) && !text.contains('\0');
        if is_taken {
            return Ok(text.to_owned());
        }
        Err(Refusal::Invalid { field: self.field, rule: self.rule })
    }
}

fn hint(state: State) -> &'static str {
    match state {
        State::Open => "resolve it first",
        State::Resolved => "review it, or open it again within 30 minutes",
        State::Reviewed => "open a new one that names it",
    }
}
