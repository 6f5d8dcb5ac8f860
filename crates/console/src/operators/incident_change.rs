//! What the forms of incidents do: the acts of `bursar ops incident`, by an operator who has the right.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::{Act as Asked, Actor, By as Admitted, Permission, Rejection, admit, authorize};
use bursar_desk::incident::{
    Act, By, Class, ExpectedEnd, Incidents, News, Opening, Outcome, PLATFORM, Refusal, incident,
};
use bursar_store::{StoreError, Tx};
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Auth, Call, Operation};

use super::incidents::PATH;
use super::session::{Visitor, refused};
use super::{Operators, refusal};
use crate::form::Form;
use crate::response::see;
use crate::wording::sentence;

/// The longest time until an end that is accepted: 366 days.
const MINUTES_MAX: i64 = 366 * 1_440;
/// What the log says of acts that come from here.
const REASON: &str = "at the console";

pub(super) fn operation() -> Operation {
    Operation::new("console_change_incident", "Open, update, resolve or review.", Auth::Cookie(super::COOKIE))
        .describe(
            "A form with act (open, acknowledge, update, resolve, reopen, review), proof (from the page), id unless it \
             opens, and what the act takes: title, class, desk, message, minutes, withdraw, note.",
        )
        .answer_as(StatusCode::SEE_OTHER, "Done: the incident's page.", "text/html", bursar_web::schema::string())
        .refusal(StatusCode::BAD_REQUEST, "A field is missing or out of bounds.")
        .refusal(StatusCode::CONFLICT, "The incident is too far for it, or not far enough.")
}

/// What an operator wants.
#[derive(Clone, Debug)]
enum Wish {
    Open(Opening),
    Act(i64, Act),
}

/// Why it was not done.
enum Failed {
    /// The operator may not.
    Rejected(Rejection),
    /// The incident does not allow it.
    Refused(Refusal),
}

pub(super) async fn change(
    operators: Arc<Operators>,
    visitor: Visitor,
    mut call: Call,
) -> Result<Response, ApiError> {
    let form = operators.form(&visitor, &mut call).await?;
    let wish = Wish::of(&form)?;
    if let Err(rejection) = authorize(&visitor.actor, Permission::ManageIncident, PLATFORM) {
        operators.record(refused(&visitor, &call, rejection.code())).await;
        return Err(refusal(&rejection));
    }
    match operators.do_incident(visitor.actor.clone(), wish.clone()).await? {
        Ok(id) => Ok(see(&format!("{PATH}/{id}"))),
        Err(Failed::Rejected(rejection)) => {
            operators.record(refused(&visitor, &call, rejection.code())).await;
            Err(refusal(&rejection))
        }
        Err(Failed::Refused(why)) => operators.incident_refused(&visitor, &wish, &why).await,
    }
}

impl Wish {
    fn of(form: &Form) -> Result<Wish, ApiError> {
        let note = form.field("note").to_owned();
        let act = match form.field("act") {
            "open" => return opening(form).map(Wish::Open),
            "acknowledge" => Act::Acknowledge { note },
            "update" => Act::Update(news(form)?),
            "resolve" => Act::Resolve { note },
            "reopen" => Act::Reopen { note },
            "review" => Act::Review { text: note },
            _ => return Err(invalid("Use the buttons of the page.")),
        };
        let id = form.field("id").parse().map_err(|_| invalid("Use the buttons of the page."))?;
        Ok(Wish::Act(id, act))
    }

    /// The act as policies and approvals name it. `desk` is that of the incident.
    fn asked(&self, desk: &str) -> Asked {
        let (action, subject, payload) = match self {
            Wish::Open(opening) => {
                ("incident.open", opening.title.clone(), format!("class={}", opening.class))
            }
            Wish::Act(id, act) => {
                let action = match act {
                    Act::Acknowledge { .. } => "incident.acknowledge",
                    Act::Update(_) => "incident.update",
                    Act::Resolve { .. } => "incident.resolve",
                    Act::Reopen { .. } => "incident.reopen",
                    Act::Review { .. } => "incident.review",
                };
                (action, id.to_string(), format!("{act:?}"))
            }
        };
        Asked {
            action: action.to_owned(),
            desk: desk.to_owned(),
            // An act's subject is bounded in bytes, a title in characters.
            subject: subject.chars().take(60).collect(),
            payload: payload.chars().take(4_000).collect(),
            permission: Permission::ManageIncident,
        }
    }
}

fn opening(form: &Form) -> Result<Opening, ApiError> {
    Ok(Opening {
        desk: form.field("desk").to_owned(),
        class: class(form.field("class"))?,
        title: form.field("title").to_owned(),
        message: form.field("message").to_owned(),
        expected_end: end(form, ExpectedEnd::Unknown)?,
        // Whoever fills in a form sits at the desk, and still has to say that they take care of it.
        is_acknowledged: false,
    })
}

fn news(form: &Form) -> Result<News, ApiError> {
    let message = match (form.field("withdraw"), form.field("message")) {
        ("yes", "") => Some(String::new()),
        ("yes", _) => return Err(invalid("Either tell users something, or take the words away.")),
        (_, "") => None,
        (_, words) => Some(words.to_owned()),
    };
    let class = Some(form.field("class")).filter(|name| !name.is_empty()).map(class).transpose()?;
    let expected_end = end(form, ExpectedEnd::Same)?;
    Ok(News { note: form.field("note").to_owned(), message, expected_end, class })
}

fn class(name: &str) -> Result<Class, ApiError> {
    Class::from_name(name).ok_or_else(|| invalid("A class is P0 to P3 or S1 to S3."))
}

fn end(form: &Form, when_empty: ExpectedEnd) -> Result<ExpectedEnd, ApiError> {
    let text = form.field("minutes");
    if text.is_empty() {
        return Ok(when_empty);
    }
    let minutes = text.parse::<i64>().ok().filter(|minutes| (1..=MINUTES_MAX).contains(minutes));
    let minutes = minutes.ok_or_else(|| invalid("The end lies 1 minute to 366 days away, in minutes."))?;
    Ok(ExpectedEnd::After(minutes.saturating_mul(60_000)))
}

fn invalid(text: &'static str) -> ApiError {
    ApiError::because(&INVALID_BODY, text)
}

impl Operators {
    async fn do_incident(&self, actor: Actor, wish: Wish) -> Result<Result<i64, Failed>, ApiError> {
        let room = Incidents::new(self.recorder.clone(), self.config.payout_stops.clone());
        let work = move |tx: &mut Tx<'_>| do_as(tx, &actor, &wish, &room);
        self.platform.off_thread.transact("console.incident", work).await
    }

    /// The page of a form that was refused, with why.
    async fn incident_refused(
        &self,
        visitor: &Visitor,
        wish: &Wish,
        why: &Refusal,
    ) -> Result<Response, ApiError> {
        let status = match why {
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::State { .. } | Refusal::WatchOver(_) => StatusCode::CONFLICT,
            Refusal::NoDesk(_) | Refusal::Invalid { .. } => StatusCode::BAD_REQUEST,
        };
        let text = sentence(&why.to_string());
        match wish {
            Wish::Act(id, _) if !matches!(why, Refusal::NotFound(_)) => {
                self.incident_page(visitor, *id, status, Some(&text)).await
            }
            Wish::Act(..) | Wish::Open(_) => self.incident_list(visitor, None, status, Some(&text)).await,
        }
    }
}

/// Does it in the transaction that is open, if the operator is still allowed to. Says which incident it is.
fn do_as(
    tx: &mut Tx<'_>,
    actor: &Actor,
    wish: &Wish,
    room: &Incidents,
) -> Result<Result<i64, Failed>, StoreError> {
    let now = tx.reading()?;
    let desk = match wish {
        Wish::Open(opening) => opening.desk.clone(),
        Wish::Act(id, _) => match incident(tx, *id)? {
            Some(found) => found.desk,
            None => return Ok(Err(Failed::Refused(Refusal::NotFound(*id)))),
        },
    };
    let admission = match admit(tx, &Admitted::new(actor, now), &wish.asked(&desk))? {
        Ok(admission) => admission,
        Err(rejection) => return Ok(Err(Failed::Rejected(rejection))),
    };
    let by = admission.spend(tx)?.actor.audit_id();
    let by = By { actor: &by, reason: REASON };
    let done: Outcome<_> = match wish {
        Wish::Open(opening) => room.open(tx, opening, by),
        Wish::Act(id, act) => room.act(tx, (*id, None), act, by),
    };
    Ok(done?.map(|done| done.incident.id).map_err(Failed::Refused))
}
