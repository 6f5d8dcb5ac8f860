//! Who is signed in: the session's cookie, and the proof that a form came from one of this session's pages.

use std::time::Duration;

use axum::http::HeaderValue;
use bursar_access::{Actor, Rejection, UseStamp, authenticate_session, stamp_uses};
use bursar_audit::{Actor as Author, Event, Level, Target};
use bursar_store::Tx;
use bursar_web::platform_codes::FORBIDDEN;
use bursar_web::{ApiError, Call};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::Operators;
use crate::form::Form;

/// The cookie of the console's sessions. Desks never see it: its path is the console's.
pub const COOKIE: &str = "bursar_console";
/// Domain of the proofs.
const PROOF_CONTEXT: &str = "bursar console form proof v1";

/// A signed-in operator.
pub(crate) struct Visitor {
    /// Who it is.
    pub actor: Actor,
    /// What this session's forms carry. It follows from the session's secret, which other sites do not know.
    pub proof: String,
}

impl Visitor {
    /// The operator, as `name (role)`.
    pub fn who(&self) -> String {
        format!("{} ({})", self.actor.name, self.actor.role)
    }

    /// Whether `form` came from a page of this session.
    pub fn proves(&self, form: &Form) -> bool {
        bool::from(form.field("proof").as_bytes().ct_eq(self.proof.as_bytes()))
    }
}

impl Operators {
    /// Who holds this session; `None` = the request names none.
    pub(super) async fn visitor(
        &self,
        session: Option<String>,
    ) -> Result<Result<Visitor, Rejection>, ApiError> {
        let Some(session) = session.filter(|session| !session.is_empty()) else {
            return Ok(Err(Rejection::Unauthorized));
        };
        let proof = proof(&session);
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            authenticate_session(tx, &session, now)
        };
        let known = self.platform.off_thread.read("console.session", read).await?;
        Ok(known.map(|known| {
            if let Some(stamp) = known.stamp {
                self.stamp(stamp);
            }
            Visitor { actor: known.actor, proof }
        }))
    }

    /// Notes that a session is in use, behind the answer: reading a page waits for no write.
    fn stamp(&self, stamp: UseStamp) {
        let off_thread = self.platform.off_thread.clone();
        tokio::spawn(async move {
            let written = off_thread.transact("console.stamp", move |tx| stamp_uses(tx, &[stamp])).await;
            if let Err(error) = written {
                tracing::warn!(%error, "the use of a session was not noted; it may end early");
            }
        });
    }

    /// The form of a call, when it came from a page of the visitor's session; else 403, which is recorded.
    pub(super) async fn form(&self, visitor: &Visitor, call: &mut Call) -> Result<Form, ApiError> {
        let refused = refused(visitor, call, "the form did not come from a page of this session");
        let form = Form::read(call).await?;
        if visitor.proves(&form) {
            return Ok(form);
        }
        self.record(refused).await;
        let text = "This form is not of your present session; load the page again and repeat it.";
        Err(ApiError::because(&FORBIDDEN, text))
    }

    /// Records a refusal. When that fails the caller is refused all the same.
    pub(super) async fn record(&self, refused: Event) {
        let name = refused.name;
        if let Err(error) = self.platform.journal.record(refused).await {
            tracing::error!(%error, event = name, "a refusal could not be recorded");
        }
    }

    /// The cookie of a session that lasts for `age` at most; an empty one makes browsers forget it.
    pub(super) fn cookie(&self, session: &str, age: Duration) -> HeaderValue {
        let secure = if self.config.secure_cookies { "; Secure" } else { "" };
        let age_s = age.as_secs();
        let text =
            format!("{COOKIE}={session}; Path=/console; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}");
        // A session is letters, digits and underscores, which every header takes.
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

/// The audit event of an operator who was refused something.
pub(super) fn refused(visitor: &Visitor, call: &Call, why: &str) -> Event {
    Event {
        level: Level::Warn,
        desk: "platform",
        name: "console.refused",
        actor: Author { kind: "operator", id: visitor.actor.audit_id() },
        target: Target { kind: "route", id: call.path().chars().take(128).collect() },
        request_id: Some(call.identity().request_id().to_owned()),
        correlation_id: None,
        payload: json!({"why": why, "client": call.client().to_string()}).to_string(),
    }
}

/// The proof that belongs to a session's secret and does not tell it.
fn proof(session: &str) -> String {
    hex::encode(blake3::derive_key(PROOF_CONTEXT, session.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_belongs_to_one_session_and_does_not_hold_it() {
        assert_eq!(proof("burses_a"), proof("burses_a"));
        assert_ne!(proof("burses_a"), proof("burses_b"));
        assert_eq!(proof("burses_a").len(), 64);
    }
}
