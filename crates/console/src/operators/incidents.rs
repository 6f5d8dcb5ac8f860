//! Incidents: the list, and each with its timeline, what it waits for, what happened meanwhile, and forms without
//! scripts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::{Permission, authorize};
use bursar_desk::incident::{ActKind, Entry, Incident, IncidentFilter, PLATFORM, State, incidents};
use bursar_ops::incidents::{Linked, Report, Timer, report};
use bursar_store::{Timestamp, Tx};
use bursar_web::platform_codes::NOT_FOUND;
use bursar_web::{ApiError, Call};
use maud::{Markup, html};

use super::incident_forms::Forms;
use super::session::Visitor;
use super::switches::names;
use super::{Operators, shown};
use crate::response::{Keeping, page};
use crate::wording::{left, moment};

pub(super) const PATH: &str = "/console/incidents";
pub(super) const ONE: &str = "/console/incidents/{id}";
/// Incidents on a page of the list.
const LISTED: i64 = 50;

/// Names of operators by what the log calls them.
type Names = HashMap<String, String>;

pub(super) async fn show(
    operators: Arc<Operators>,
    visitor: Visitor,
    call: Call,
) -> Result<Response, ApiError> {
    let before = call.query("before").and_then(|id| id.parse().ok());
    operators.incident_list(&visitor, before, StatusCode::OK, None).await
}

pub(super) async fn show_one(
    operators: Arc<Operators>,
    visitor: Visitor,
    call: Call,
) -> Result<Response, ApiError> {
    let id: i64 = call.parameter("id").parse().map_err(|_| ApiError::of(&NOT_FOUND))?;
    operators.incident_page(&visitor, id, StatusCode::OK, None).await
}

impl Operators {
    /// The list with the form to open one, and after a refused form with why.
    pub(super) async fn incident_list(
        &self,
        visitor: &Visitor,
        before: Option<i64>,
        status: StatusCode,
        refused: Option<&str>,
    ) -> Result<Response, ApiError> {
        let filter = IncidentFilter { before, limit: LISTED, ..IncidentFilter::default() };
        let read = move |tx: &mut Tx<'_>| Ok((tx.reading()?, incidents(tx, &filter)?));
        let (now, found) = self.platform.off_thread.read("console.incidents", read).await?;
        let may = authorize(&visitor.actor, Permission::ManageIncident, PLATFORM);
        let body = html! {
            (banner(refused))
            h1 { "Incidents" }
            @if let Err(refused) = &may { p.banner.warn { (refused) } }
            section.card {
                @if found.is_empty() { p { "There are none." } } @else { (list(&found)) }
                @if let Some(last) = found.last().filter(|_| found.len() >= usize::try_from(LISTED).unwrap_or(0)) {
                    p { a href={ (PATH) "?before=" (last.id) } { "Older ones" } }
                }
            }
            @if may.is_ok() { (Forms { proof: &visitor.proof }.open(&self.config.desks)) }
        };
        let markup = shown(visitor, ("Incidents", PATH), now.ms(), false, body);
        Ok(page(status, Keeping::Never, markup))
    }

    /// One incident, and after a refused form with why.
    pub(super) async fn incident_page(
        &self,
        visitor: &Visitor,
        id: i64,
        status: StatusCode,
        refused: Option<&str>,
    ) -> Result<Response, ApiError> {
        let read = move |tx: &mut Tx<'_>| Ok((report(tx, id)?, names(tx)?));
        let (found, names) = self.platform.off_thread.read("console.incident", read).await?;
        let report = found.ok_or_else(|| ApiError::because(&NOT_FOUND, "There is no such incident."))?;
        let may = authorize(&visitor.actor, Permission::ManageIncident, &report.incident.desk);
        let title = format!("Incident {id}");
        let body = html! {
            (banner(refused))
            (summary(&report))
            (timeline(&report.timeline, &names))
            (meanwhile(&report.linked, &names))
            @match &may {
                Ok(()) => (Forms { proof: &visitor.proof }.acts(&report.incident, report.now)),
                Err(refused) => p.banner.warn { (refused) },
            }
        };
        let markup = shown(visitor, (&title, PATH), report.now.ms(), false, body);
        Ok(page(status, Keeping::Never, markup))
    }
}

fn banner(refused: Option<&str>) -> Markup {
    html! { @if let Some(why) = refused { p.banner.stop role="alert" { (why) } } }
}

fn list(found: &[Incident]) -> Markup {
    html! {
        div.wide {
            table {
                caption.hidden { "Newest first" }
                thead { tr {
                    th scope="col" { "Incident" } th scope="col" { "Class" } th scope="col" { "Desk" }
                    th scope="col" { "State" } th scope="col" { "Opened" } th scope="col" { "Expected end" }
                } }
                tbody {
                    @for one in found {
                        tr {
                            td { a href={ (PATH) "/" (one.id) } { (one.id) ": " (one.title) } }
                            td { (one.class) }
                            td { (one.desk) }
                            td { (state(one)) }
                            td { (moment(one.opened_at.ms())) }
                            td { (at(one.expected_end)) }
                        }
                    }
                }
            }
        }
    }
}

fn summary(report: &Report) -> Markup {
    let incident = &report.incident;
    html! {
        section.card {
            h1 { "Incident " (incident.id) ": " (incident.title) }
            p { b { (incident.class) } " on " (incident.desk) ", " (state(incident)) ", opened " (moment(incident.opened_at.ms())) " UTC" }
            @if incident.state == State::Open {
                @if incident.message.is_empty() { p.quiet { "Users are told nothing." } } @else {
                    p { "Users are told: " q { (incident.message) } }
                }
                p { "Expected end: " (at(incident.expected_end)) }
            }
            @for (timer, due) in &report.timers {
                p { (waits(*timer)) " " @if report.now >= *due {
                    b.bad { "overdue since " (moment(due.ms())) }
                } @else {
                    "until " (moment(due.ms())) " (" (left(due.ms() - report.now.ms())) " left)"
                } }
            }
        }
    }
}

fn waits(timer: Timer) -> &'static str {
    match timer {
        Timer::Respond => "Somebody has to take care of it",
        Timer::Communicate => "Users have to hear of it",
        Timer::Review => "It has to be reviewed",
    }
}

fn timeline(entries: &[Entry], names: &Names) -> Markup {
    html! {
        section.card {
            h2 { "Timeline" }
            ol {
                @for entry in entries {
                    li {
                        (moment(entry.at.ms())) " " b { (entry.act.name()) } " by " (who(&entry.actor, names))
                        @if let Some(class) = entry.class.filter(|_| entry.act != ActKind::Opened) { ", now " b { (class) } }
                        @if !entry.note.is_empty() { br; (entry.note) }
                        @match entry.message.as_deref() {
                            None => {}
                            Some("") => { br; i { "Users are told nothing from now on." } },
                            Some(words) => { br; "Users: " q { (words) } },
                        }
                        @if let Some(end) = entry.expected_end { br; "Expected end " (moment(end.ms())) }
                    }
                }
            }
        }
    }
}

fn meanwhile(linked: &[Linked], names: &Names) -> Markup {
    html! {
        section.card {
            h2 { "Meanwhile" }
            p.quiet { "Switches, settings and alerts of its desk and the platform, from 15 minutes before until its end." }
            @if linked.is_empty() { p { "Nothing." } }
            ul {
                @for one in linked {
                    li {
                        (moment(one.at.ms())) " " (one.name) " " code { (one.target) }
                        @if !one.actor.is_empty() { " by " (who(&one.actor, names)) }
                    }
                }
            }
        }
    }
}

fn state(incident: &Incident) -> Markup {
    html! {
        @match incident.state {
            State::Open => b.bad { "open" },
            State::Resolved => "resolved",
            State::Reviewed => "reviewed",
        }
    }
}

fn at(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "unknown".to_owned(), |at| moment(at.ms()))
}

fn who<'a>(actor: &'a str, names: &'a Names) -> &'a str {
    names.get(actor).map_or(actor, String::as_str)
}
