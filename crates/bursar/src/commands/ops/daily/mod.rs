//! `bursar ops daily`: what an operator looks at each day, in one answer (docs/spec/rounds.md R29, R50 to R53).
//!
//! All of it is read from the database: what every server counted is there by the minute, over restarts.

mod figures;
mod text;
mod window;

use bursar_ops::backup::work_rows;
use bursar_ops::rollup::daily as read_counts;
use bursar_rounds::status;
use bursar_rounds::summary::summary as read_summary;
use serde_json::Value;

use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use figures::Figures;
use text::text;
use window::Window;

/// Newest settlements that are read for the totals; none of them is shown.
const SETTLEMENTS: i64 = 10;

/// Options of `bursar ops daily`.
#[derive(Clone, Debug, clap::Args)]
pub struct DailyOptions {
    /// How many hours: the last ones, or those from --since on; 24 unless --since is given.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=9_600))]
    pub hours: Option<i64>,
    /// Since when: an instant such as 2026-01-31T00:00:00Z, or how long ago, such as 90m. With --hours, that many from
    /// there on; else until now.
    #[arg(long, value_name = "WHEN", value_parser = window::since)]
    pub since: Option<window::Since>,
    /// How many of the most refused wallets are listed.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub top: u16,
    /// Print a text for people instead of JSON.
    #[arg(long)]
    pub text: bool,
}

/// Everything that there is to look at; what is out of the ordinary stands under `lookAt`.
pub(super) fn daily(options: &DailyOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let store = context.open_ready(&configuration, Patience::Ordinary)?;
    let figures = store.read("command.daily", |tx| {
        let now = tx.reading()?;
        let window = Window::new(options.since, options.hours, now);
        Ok(Figures {
            now,
            window,
            counts: read_counts(tx, window.from, window.until, usize::from(options.top))?,
            health: status::health(tx, now)?,
            summary: read_summary(tx, SETTLEMENTS, now)?,
            works: work_rows(tx)?,
        })
    })?;
    for word in figures.look_at() {
        context.say(&word);
    }
    Ok(if options.text { Value::String(text(&figures)) } else { figures.answer() })
}
