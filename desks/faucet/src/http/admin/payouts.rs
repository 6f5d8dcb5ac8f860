//! Looking a player up again, and trying a payout again.

use std::sync::Arc;

use bursar_access::By;
use bursar_payouts::IntentId;
use bursar_store::{StoreError, Tx};
use bursar_web::ApiError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{Act, Admin, Done};
use super::super::refusals::settled;
use super::super::user::verification::accepted;
use super::super::{Routes, codes};
use crate::CLOCK;
use crate::identity::{Source, reverify as look_again};
use crate::record::{Accrual, Payout, User};
use crate::rules::holdings::AccrualState;
use crate::rules::payout_state::{ManualRetry, manual_retry};

#[derive(Deserialize)]
struct Player {
    discord_id: String,
}

#[derive(Deserialize)]
struct Wish {
    payout_id: i64,
}

/// What came of a wish to try again.
enum Retried {
    Shown(Value),
    Refused(ApiError),
}

pub(super) async fn reverify(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let Player { discord_id } = act.json()?;
    let done = act.event(&Done {
        action: "admin_reverify",
        target: ("user", ""),
        summary: "a player was looked up again".to_owned(),
        // Whom the row is about its target says: an erasure could not take a name out of it again.
        detail: Value::Null,
    });
    let faucet = Arc::clone(&routes.faucet);
    let work = move || look_again(&faucet, &discord_id, Source::AdminReverify);
    let found = settled(routes.faucet.platform.off_thread.run(work).await?);
    let result = if found.is_ok() { "accepted" } else { "error" };
    routes.faucet.metrics.admin_reverify.with([result]).increment();
    let user = found?;
    let target = bursar_audit::Target { kind: "user", id: user.id.to_string() };
    routes.record(bursar_audit::Event { target, ..done }).await?;
    Ok(accepted(&user))
}

pub(super) async fn retry(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let Wish { payout_id } = act.json()?;
    let id = payout_id.to_string();
    let done = act.event(&Done {
        action: "admin_payout_retry",
        target: ("payout", &id),
        summary: format!("payout {id} is tried again"),
        detail: Value::Null,
    });
    let refusal = act.event(&Done {
        action: "admin_payout_retry",
        target: ("payout", &id),
        summary: format!("payout {id} was to be tried again and is not"),
        detail: json!({"refused": true}),
    });
    let (admin, shared) = (act.admin.clone(), Arc::clone(&routes));
    let work = move |tx: &mut Tx<'_>| {
        let retried = retried(tx, &shared, &admin, payout_id)?;
        if let Retried::Shown(_) = retried {
            let now = tx.reading()?;
            shared.recorder.record(tx, std::slice::from_ref(&done), now)?;
        }
        Ok(retried)
    };
    let retried = routes.faucet.platform.off_thread.transact("faucet.retry", work).await?;
    let counted = &routes.faucet.metrics.admin_payout_retry;
    match retried {
        Retried::Shown(shown) => {
            counted
                .with([if shown["status"] == "already_sent" { "already_sent" } else { "accepted" }])
                .increment();
            routes.faucet.platform.waker.wake();
            Ok(shown)
        }
        Retried::Refused(error) => {
            counted.with(["refused"]).increment();
            // Nothing changed, but who tried what is worth knowing.
            routes.record(refusal).await?;
            Err(error)
        }
    }
}

fn retried(tx: &mut Tx<'_>, routes: &Routes, admin: &Admin, payout_id: i64) -> Result<Retried, StoreError> {
    let faucet = &routes.faucet;
    let now = tx.open_clock(CLOCK)?;
    // Not locked yet: a sender locks its wallet before a payout, and so does the retry below.
    let Some(payout) = Payout::peek(tx, &[payout_id])?.pop() else {
        return Ok(Retried::Refused(ApiError::of(&codes::UNKNOWN_PAYOUT)));
    };
    let rows = Accrual::of_payouts(tx, &[payout_id])?;
    let owns = !rows.is_empty() && rows.iter().all(|row| row.state == AccrualState::Reserved);
    match manual_retry(payout.state, owns) {
        ManualRetry::AlreadySent => return Ok(Retried::Shown(shown(&payout, "already_sent"))),
        ManualRetry::Superseded => return Ok(Retried::Refused(ApiError::of(&codes::SUPERSEDED))),
        ManualRetry::Proceed => {}
    }
    let players = User::peek(tx, &[payout.user_id])?;
    if players.iter().any(|player| !player.eligibility.may_be_paid()) {
        let why = "the player is held for review or revoked; the payout goes on once they may be paid";
        return Ok(Retried::Refused(ApiError::because(&codes::PAYOUT_REFUSED, why)));
    }
    let intent = payout.intent.filter(|_| !payout.dry_run);
    let (Some(intent), Some(_)) = (intent, faucet.payouts.wallet(tx, &faucet.operator)?) else {
        return Ok(Retried::Refused(ApiError::of(&codes::OPERATOR_SEED_MISSING)));
    };
    let actor = admin.actor();
    let (by, why) = (By::new(&actor, now), "an administrator of the faucet asked for it");
    if let Err(rejection) = faucet.payouts.retry(tx, &by, IntentId(intent), why, &routes.recorder)? {
        return Ok(Retried::Refused(ApiError::because(&codes::PAYOUT_REFUSED, rejection.to_string())));
    }
    let moved = Payout::load(tx, &[payout_id])?.pop().unwrap_or(payout);
    tx.close_clock(CLOCK, now)?;
    Ok(Retried::Shown(shown(&moved, moved.state.public().word())))
}

fn shown(payout: &Payout, status: &str) -> Value {
    json!({
        "status": status, "payout_id": payout.id, "tx_hash": payout.tx_hash, "error_detail": payout.error_detail,
    })
}
