//! `POST /admin/donations/rebuild`: booking what the chain shows and the ledger lacks.

use std::sync::Arc;

use bursar_store::Tx;
use bursar_web::ApiError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{Act, Done};
use super::super::public::donations::{milestone, next_milestone};
use super::super::{RebuildRefusal, RebuildWish, Rebuilt, Routes, codes};
use crate::record::{Donation, Totals};
use crate::rules::milestone::current;

/// Donors in the answer.
const TOP: usize = 15;

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    force: bool,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn rebuild(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let Wish { force, dry_run } = act.json()?;
    let done = act.event(&Done {
        action: "rebuild_donations",
        target: ("donation_ledger", "faucet"),
        summary: format!("donations rebuilt, force={force} dry_run={dry_run}"),
        detail: Value::Null,
    });
    let rebuild = Arc::clone(&routes.rebuild_donations);
    let work = move || rebuild(RebuildWish { force, dry_run });
    let rebuilt = routes.faucet.platform.off_thread.run(work).await?.map_err(refused)?;
    routes.record(done).await?;
    let read = move |tx: &mut Tx<'_>| {
        let donated = Totals::peek(tx, false)?.donated;
        let donors = Donation::donors(tx)?;
        let Rebuilt { found, inserted } = rebuilt;
        Ok(json!({
            "status": if dry_run { "dry_run" } else { "rebuilt" }, "found": found, "inserted": inserted,
            "total_donated_ban": donated, "distinct_senders": Donation::senders(tx)?,
            "top_donors": donors.iter().take(TOP).collect::<Vec<_>>(),
            "current_milestone": milestone(&current(donated)), "next_milestone": next_milestone(donated)?,
        }))
    };
    routes.faucet.platform.off_thread.read("faucet.rebuilt", read).await
}

fn refused(refusal: RebuildRefusal) -> ApiError {
    match refusal {
        RebuildRefusal::NoAccount => ApiError::of(&codes::NO_ACCOUNT),
        RebuildRefusal::Exists => ApiError::of(&codes::DONATIONS_EXIST),
        RebuildRefusal::Node => ApiError::of(&codes::NODE_UNAVAILABLE),
        RebuildRefusal::Store(error) => ApiError::fault(&error),
    }
}
