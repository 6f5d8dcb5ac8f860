//! The options of `bursar ops incident`.

use bursar_desk::incident::{Class, State};
use bursar_rounds::DESK;
use bursar_rounds::incident::CLASS;

use crate::commands::duration;

/// A verb of `bursar ops incident`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum IncidentVerb {
    /// Open an incident. P0 and S1 halt the payouts of its desk in the same step.
    Open(OpenOptions),
    /// Say that somebody takes care of it.
    #[command(visible_alias = "ack")]
    Acknowledge(NoteOptions),
    /// Add what is new: a note for operators, words for users, an expected end, another class.
    Update(UpdateOptions),
    /// It is over; users are told nothing of it any more.
    Resolve(TextOptions),
    /// It is not over after all; within 30 minutes of its end.
    Reopen(TextOptions),
    /// Write down what happened, what showed it and what changes. That closes it for good.
    Review(TextOptions),
    /// List incidents, the newest first.
    List(ListOptions),
    /// Show an incident with its timeline, its timers and what happened meanwhile; without a number, what users are
    /// told now.
    Show {
        /// Which one.
        id: Option<i64>,
        /// Whose users, when no number is given.
        #[arg(long, value_name = "DESK", default_value = DESK)]
        desk: String,
    },
    /// Tell users at once: as part of the desk's open incident, or of one that is opened with it.
    Tell(TellOptions),
    /// Resolve the incidents of the desk that users are told of; resuming its last switch does the same.
    Clear(ClearOptions),
}

/// Who does it and why.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Who {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Options of `bursar ops incident open`.
#[derive(Clone, Debug, clap::Args)]
pub struct OpenOptions {
    /// How bad it is: P0 to P3, or S1 to S3.
    #[arg(value_name = "CLASS", value_parser = class)]
    pub class: Class,
    /// What is wrong, in words for operators.
    #[arg(value_name = "TITLE")]
    pub title: String,
    /// Which desk, or `platform` for all of them.
    #[arg(long, value_name = "DESK", default_value = DESK)]
    pub desk: String,
    /// What users are told.
    #[arg(long, value_name = "TEXT")]
    pub tell: Option<String>,
    /// When it is expected to be over, counted from now, such as 30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar ops incident acknowledge`.
#[derive(Clone, Debug, clap::Args)]
pub struct NoteOptions {
    /// Which one.
    pub id: i64,
    /// In words for operators.
    #[arg(value_name = "NOTE", default_value = "")]
    pub note: String,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of the verbs that take a number and a text.
#[derive(Clone, Debug, clap::Args)]
pub struct TextOptions {
    /// Which one.
    pub id: i64,
    /// In words for operators.
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar ops incident update`.
#[derive(Clone, Debug, clap::Args)]
pub struct UpdateOptions {
    /// Which one.
    pub id: i64,
    /// In words for operators.
    #[arg(value_name = "NOTE")]
    pub note: Option<String>,
    /// What users are told from now on; an empty text takes the words away.
    #[arg(long, value_name = "TEXT")]
    pub tell: Option<String>,
    /// When it is expected to be over, counted from now, such as 30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
    /// Nobody knows when it will be over.
    #[arg(long, conflicts_with = "for_ms")]
    pub end_unknown: bool,
    /// How bad it is by now.
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub class: Option<Class>,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar ops incident list`.
#[derive(Clone, Debug, clap::Args)]
pub struct ListOptions {
    /// Only those that far: open, resolved or reviewed.
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub state: Option<State>,
    /// Only this desk's.
    #[arg(long, value_name = "DESK")]
    pub desk: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    pub limit: i64,
    /// Only those with a smaller number: the next page.
    #[arg(long, value_name = "ID")]
    pub before: Option<i64>,
}

/// Options of `bursar ops incident tell`.
#[derive(Clone, Debug, clap::Args)]
pub struct TellOptions {
    /// What happened, in words for users.
    #[arg(value_name = "TEXT")]
    pub message: String,
    /// When it is expected to be over, counted from now, such as 30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
    /// How bad it is, when it has to be opened.
    #[arg(long, value_name = "CLASS", value_parser = class, default_value_t = CLASS)]
    pub class: Class,
    /// Whose users, or `platform` for all of them.
    #[arg(long, value_name = "DESK", default_value = DESK)]
    pub desk: String,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar ops incident clear`.
#[derive(Clone, Debug, clap::Args)]
pub struct ClearOptions {
    /// Whose users, or `platform` for all of them.
    #[arg(long, value_name = "DESK", default_value = DESK)]
    pub desk: String,
    /// Who does it and why.
    #[command(flatten)]
    pub who: Who,
}

fn class(name: &str) -> Result<Class, String> {
    Class::from_name(name).ok_or_else(|| "it is P0 to P3 or S1 to S3".to_owned())
}

fn state(name: &str) -> Result<State, String> {
    State::from_name(name).ok_or_else(|| "it is open, resolved or reviewed".to_owned())
}
