//! The background jobs: who runs them, when they last ran and run next, and what failed.

use std::sync::Arc;

use axum::response::Response;
use bursar_desk::job::{JobRow, job_rows};
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use maud::{Markup, html};

use super::session::Visitor;
use super::{Operators, answer, shown};
use crate::wording::{count, moment};

pub(super) const PATH: &str = "/console/jobs";

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    let read = |tx: &mut Tx<'_>| Ok((tx.reading()?, job_rows(tx)?));
    let (now, jobs) = operators.platform.off_thread.read("console.jobs", read).await?;
    let body = html! {
        section.card #jobs data-live {
            h1 { "Jobs" }
            p.quiet {
                "One process at a time runs each job. This page was made by process "
                code { (short(operators.platform.process())) } "."
            }
            div.wide {
                table.dense {
                    caption.hidden { "Every job that ever ran" }
                    thead {
                        tr { th scope="col" { "Job" } th scope="col" { "Held by" } th.number scope="col" { "Last run" }
                             th.number scope="col" { "Last success" } th.number scope="col" { "Next" }
                             th.number scope="col" { "Lag, ms" } th.number scope="col" { "Runs" }
                             th.number scope="col" { "Failed" } }
                    }
                    tbody { @for job in &jobs { (row(job)) } }
                }
            }
        }
    };
    Ok(answer(shown(&visitor, ("Jobs", PATH), now.ms(), true, body)))
}

fn row(job: &JobRow) -> Markup {
    html! {
        tr {
            th scope="row" {
                (job.name)
                @if let Some(error) = &job.last_error {
                    br; span.bad { "failed" @if let Some(at) = job.failed_at { " at " (moment(at.ms())) } ": " (error) }
                }
            }
            td { @match &job.holder { Some(holder) => code title=(holder) { (short(holder)) }, None => "\u{2013}" } }
            td.number { (at(job.started_at)) }
            td.number { (at(job.succeeded_at)) }
            td.number { (at(job.next_at)) }
            td.number { (count(job.lag_ms)) }
            td.number { (count(job.runs)) }
            td.number { @if job.failures > 0 { b.bad { (count(job.failures)) } } @else { "0" } }
        }
    }
}

fn at(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "\u{2013}".to_owned(), |time| moment(time.ms()))
}

/// The end of a process id, which tells processes apart; they begin alike.
fn short(process: &str) -> &str {
    process.rsplit('-').next().unwrap_or(process)
}
