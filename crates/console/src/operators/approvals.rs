//! Requests for other people's approval that wait, with the forms to approve and decline them: the operation that
//! `bursar approvals` does, by the operator who is signed in.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::{
    Actor, ApprovalId, ApprovalRequest, By, Done, Rejection, approve, decide_vote, decline_approval,
    open_approvals,
};
use bursar_audit::Recorder;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Auth, Call, Operation};
use maud::{Markup, html};

use super::session::{Visitor, refused};
use super::switches::Outcome;
use super::{Operators, shown};
use crate::form::Form;
use crate::response::{Keeping, page};
use crate::wording::moment;

pub(super) const PATH: &str = "/console/approvals";
/// Requests on the page.
const SHOWN: i64 = 100;

/// What an operator makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vote {
    Approve,
    Decline,
}

pub(super) fn operation() -> Operation {
    Operation::new(
        "console_vote",
        "Approve or decline a request of somebody else's.",
        Auth::Cookie(super::COOKIE),
    )
    .describe("A form with request (its number), vote (approve, decline) and proof (from the page).")
    .refusal(StatusCode::BAD_REQUEST, "No number of a request, or no vote.")
    .refusal(StatusCode::NOT_FOUND, "No such request.")
    .refusal(StatusCode::CONFLICT, "The request has ended, or this operator has approved it already.")
}

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    operators.approvals(&visitor, StatusCode::OK, None).await
}

pub(super) async fn vote(
    operators: Arc<Operators>,
    visitor: Visitor,
    mut call: Call,
) -> Result<Response, ApiError> {
    let form = operators.form(&visitor, &mut call).await?;
    let (id, vote) = read(&form)?;
    let (actor, recorder) = (visitor.actor.clone(), operators.recorder.clone());
    let work = move |tx: &mut Tx<'_>| vote_as(tx, &actor, id, vote, &recorder);
    let came = operators.platform.off_thread.transact("console.vote", work).await?;
    let (status, outcome) = match came {
        Ok(_) if vote == Vote::Approve => (StatusCode::OK, Outcome::Done(format!("Approved: request {id}."))),
        Ok(_) => (StatusCode::OK, Outcome::Done(format!("Declined: request {id}."))),
        Err(rejection) => {
            let event = refused(&visitor, &call, rejection.code());
            operators.record(event).await;
            let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::FORBIDDEN);
            (status, Outcome::Refused(rejection.to_string()))
        }
    };
    operators.approvals(&visitor, status, Some(outcome)).await
}

fn read(form: &Form) -> Result<(ApprovalId, Vote), ApiError> {
    let invalid =
        || ApiError::because(&INVALID_BODY, "Name a request and a vote; use the buttons of the page.");
    let id = form.field("request").parse().map_err(|_| invalid())?;
    let vote = match form.field("vote") {
        "approve" => Vote::Approve,
        "decline" => Vote::Decline,
        _ => return Err(invalid()),
    };
    Ok((ApprovalId(id), vote))
}

/// Votes in the transaction that is open, with its event in it.
fn vote_as(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: ApprovalId,
    vote: Vote,
    recorder: &Recorder,
) -> Result<Result<Done, Rejection>, StoreError> {
    let by = By::new(actor, tx.reading()?);
    let done = match vote {
        Vote::Approve => approve(tx, &by, id)?,
        Vote::Decline => decline_approval(tx, &by, id)?,
    };
    if let Ok(done) = &done {
        recorder.record(tx, &[done.audit_event()], by.now)?;
    }
    Ok(done)
}

impl Operators {
    /// The page, after a form with what it came to.
    async fn approvals(
        &self,
        visitor: &Visitor,
        status: StatusCode,
        outcome: Option<Outcome>,
    ) -> Result<Response, ApiError> {
        let read = |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            Ok((now, open_approvals(tx, now, None, SHOWN)?))
        };
        let (now, requests) = self.platform.off_thread.read("console.approvals", read).await?;
        let body = html! {
            @match &outcome {
                Some(Outcome::Done(text)) => p.banner.ok role="status" { (text) },
                Some(Outcome::Refused(text)) => p.banner.stop role="alert" { (text) },
                None => {}
            }
            h1 { "Approvals" }
            p.quiet { "What other operators want to do, and may not do alone. Nothing happens before they do it." }
            @if requests.is_empty() { p { "Nobody asks for approval." } }
            div.switches { @for request in &requests { (card(visitor, request, now)) } }
        };
        let markup = shown(visitor, ("Approvals", PATH), now.ms(), false, body);
        Ok(page(status, Keeping::Never, markup))
    }
}

fn card(visitor: &Visitor, request: &ApprovalRequest, now: Timestamp) -> Markup {
    let names: Vec<&str> = request.votes.iter().map(|vote| vote.name.as_str()).collect();
    html! {
        section.card {
            h2 { (request.id) ": " (request.action) }
            p { (request.desk) " " code { (request.subject) } }
            p { code.hash { (request.payload) } }
            p {
                "asked by " b { (request.requester_name) } " " small.quiet { (moment(request.requested_at.ms())) }
                br; "until " (moment(request.expires_at.ms()))
                br; "approved by " @if names.is_empty() { "nobody" } @else { (names.join(", ")) }
            }
            @match decide_vote(request, &visitor.actor, now) {
                Err(refused) => p.quiet { (refused) },
                Ok(_) => {
                    form method="post" action=(PATH) {
                        input type="hidden" name="proof" value=(visitor.proof);
                        input type="hidden" name="request" value=(request.id);
                        button.go.calm type="submit" name="vote" value="approve" { "Approve " (request.id) }
                        " "
                        button.go.danger type="submit" name="vote" value="decline" { "Decline " (request.id) }
                    }
                }
            }
        }
    }
}
