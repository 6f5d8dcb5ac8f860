//! `bursar jobs`: the background jobs as their rows show them, which the console and the metrics show as well.

mod condition;
mod table;

use bursar_desk::job::{JobRow, job_rows};
use bursar_store::Timestamp;
use serde_json::{Value, json};

use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};
use crate::config::{Configuration, DeskName};
use condition::{Condition, Moment, condition, desk};
use table::{span, table};

/// `bursar jobs`.
#[derive(Clone, Debug, clap::Args)]
pub struct Jobs {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// Every job that ever ran, with how it is doing.
///
/// # Errors
/// A job is dead, late or hanging, or no server has ever run; else whatever makes the exit 1.
pub fn run(options: &Jobs, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let store = context.open_ready(&configuration, Patience::Ordinary)?;
    let (now, rows) = store.read("command.jobs", |tx| Ok((tx.reading()?, job_rows(tx)?)))?;
    let moment = Moment::of(store.clock(), now);
    let is_on = |desk: &str| is_on(desk, &configuration);
    let jobs: Vec<(&JobRow, Condition)> =
        rows.iter().map(|row| (row, condition(row, &rows, is_on, moment))).collect();
    let complaints = complaints(&jobs);
    let answer = match options.json {
        true => document(&jobs, &complaints, moment),
        false => Value::String(table(&jobs, moment)),
    };
    match complaints.is_empty() {
        true => Ok(answer),
        false => Err(CommandError::No { answer, why: complaints.join("\n") }),
    }
}

/// Rooms of the platform, such as the ledger, have jobs as well, and are always on.
fn is_on(desk: &str, configuration: &Configuration) -> bool {
    DeskName::ALL.into_iter().find(|name| name.as_str() == desk).is_none_or(|name| configuration.runs(name))
}

fn document(jobs: &[(&JobRow, Condition)], complaints: &[String], moment: Moment) -> Value {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::ms);
    let line = |(job, condition): &(&JobRow, Condition)| {
        json!({
            "name": job.name, "desk": desk(job), "state": condition.word(), "leaseHolder": job.leased_by,
            "lastHolder": job.holder, "heartbeatAgeMs": job.checked_at.map(|at| moment.since(at)),
            "lastStartedAtMs": ms(job.started_at), "lastSuccessAtMs": ms(job.succeeded_at),
            "lastFailureAtMs": ms(job.failed_at), "lastFailure": job.last_error, "nextAtMs": ms(job.next_at),
            "lagMs": job.lag_ms, "runs": job.runs, "failures": job.failures,
        })
    };
    json!({
        "ok": complaints.is_empty(), "nowMs": moment.now.ms(), "jobs": jobs.iter().map(line).collect::<Vec<_>>(),
        "complaints": complaints,
    })
}

/// What somebody has to look at, in words.
fn complaints(jobs: &[(&JobRow, Condition)]) -> Vec<String> {
    if jobs.is_empty() {
        return vec!["No job has ever run: no server has started on this database.".to_owned()];
    }
    let complaint = |(job, condition): &(&JobRow, Condition)| match condition {
        Condition::Dead(i64::MAX) => Some(format!("{} was never followed: start a server.", job.name)),
        Condition::Dead(ms) => Some(format!(
            "{} is dead: no living server has followed it for {}. Start a server.",
            job.name,
            span(*ms)
        )),
        Condition::Late(ms) => Some(format!(
            "{} is late: it has been due for {} and nobody runs it. Look at the server's log.",
            job.name,
            span(*ms)
        )),
        Condition::Hanging(ms) => Some(format!(
            "{} hangs: one run has taken {}. Look at the server's log, or restart the server.",
            job.name,
            span(*ms)
        )),
        Condition::Idle | Condition::Running | Condition::Failing | Condition::Retired | Condition::Off => {
            None
        }
    };
    jobs.iter().filter_map(complaint).collect()
}
