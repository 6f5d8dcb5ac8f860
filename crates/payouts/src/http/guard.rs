//! Whose token a call carries: counted first, then looked up, and refused with a record of it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use bursar_access::{Actor, Permission, UseStamp, Via, authenticate_token, authorize, stamp_uses};
use bursar_audit::{Actor as Author, Event, Level, Target};
use bursar_desk::limits::Charge;
use bursar_store::Tx;
use bursar_web::platform_codes::{FORBIDDEN, UNAUTHORIZED};
use bursar_web::{ApiError, Call};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Routes;
use super::codes::refused;
use super::limits::CALLS;
use crate::{Rejection, Request};

/// What a call says of its caller.
pub(super) struct Asking {
    route: &'static str,
    client: IpAddr,
    token: Option<SecretString>,
    request: Request,
}

/// Somebody who may ask for payouts of one desk.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    pub actor: Actor,
    pub desk: &'static str,
    pub request: Request,
}

impl Asking {
    pub fn of(call: &Call, route: &'static str) -> Asking {
        let identity = call.identity();
        let (id, correlation) = (identity.request_id(), identity.correlation_id());
        Asking {
            route,
            client: call.client(),
            token: call.bearer().map(SecretString::from),
            request: Request {
                id: Some(id.to_owned()),
                correlation_id: (correlation != id).then(|| correlation.to_owned()),
            },
        }
    }
}

impl Routes {
    /// Counts the call and finds out who it is. Whether they may do what they ask for is decided where it is done.
    pub(super) async fn admit(self: &Arc<Self>, asking: Asking) -> Result<Payer, ApiError> {
        let charge = Charge { limits: vec![(CALLS, asking.client.to_string())] };
        self.platform.limits.pass(asking.route, charge).await?;
        let known = match asking.token.clone() {
            Some(token) => {
                let read = move |tx: &mut Tx<'_>| {
                    let now = tx.reading()?;
                    authenticate_token(tx, token.expose_secret(), now)
                };
                self.platform.off_thread.read("payouts.token", read).await?.ok()
            }
            None => None,
        };
        let Some(known) = known else {
            self.record(&asking, None, "unauthorized").await;
            let scheme = HeaderValue::from_static("Bearer");
            return Err(ApiError::of(&UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, scheme));
        };
        if let Some(stamp) = known.stamp {
            self.stamp(stamp);
        }
        let actor = known.actor;
        match self.payer(&actor, &asking.request) {
            Ok(payer) => Ok(payer),
            Err(error) => {
                self.record(&asking, Some(&actor), error.code()).await;
                Err(error)
            }
        }
    }

    fn payer(&self, actor: &Actor, request: &Request) -> Result<Payer, ApiError> {
        let Via::Payer { desk, .. } = &actor.via else {
            let text = "This takes a payer's token. Make a payer with `bursar operators add NAME --role payer --desk DESK`.";
            return Err(ApiError::because(&FORBIDDEN, text));
        };
        authorize(actor, Permission::ReadPayouts, desk)
            .map_err(|rejection| refused(&Rejection::Access(rejection)))?;
        let closed =
            || refused(&Rejection::NotOpen("its desk is off, or has not opened its wallets to them"));
        let rules = self.payouts.outside(desk).ok_or_else(closed)?;
        Ok(Payer { actor: actor.clone(), desk: rules.desk, request: request.clone() })
    }

    /// Notes that a token is in use, behind the answer.
    fn stamp(&self, stamp: UseStamp) {
        let off_thread = self.platform.off_thread.clone();
        tokio::spawn(async move {
            let written = off_thread.transact("payouts.stamp", move |tx| stamp_uses(tx, &[stamp])).await;
            if let Err(error) = written {
                tracing::warn!(%error, "the use of a token was not noted");
            }
        });
    }

    /// Records a refusal. When that fails the caller is refused all the same.
    async fn record(&self, asking: &Asking, actor: Option<&Actor>, code: &'static str) {
        let who = match actor {
            Some(actor) => Author { kind: "operator", id: actor.audit_id() },
            None => Author { kind: "client", id: String::new() },
        };
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: "payouts_api.refused",
            actor: who,
            target: Target { kind: "route", id: asking.route.to_owned() },
            request_id: asking.request.id.clone(),
            correlation_id: asking.request.correlation_id.clone(),
            payload: json!({ "code": code, "client": asking.client.to_string() }).to_string(),
        };
        if let Err(error) = self.platform.journal.record(event).await {
            tracing::error!(%error, "a refusal could not be recorded");
        }
    }
}

/// The status of a room's rejection.
pub(super) fn status_of(rejection: &Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::CONFLICT)
}
