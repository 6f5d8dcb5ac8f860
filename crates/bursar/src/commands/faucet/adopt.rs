//! `bursar faucet adopt-payments`: after a restore, what the chain shows as paid is recorded, so that nobody is paid twice.

use bursar_faucet::adoption::{Adoption, Payment, Report, Verdict};
use bursar_faucet::operator_key::OPERATOR;
use bursar_keys::KeyId;
use serde_json::{Value, json};

use crate::commands::payouts::Who;
use crate::commands::payouts::room::{Room, refused};
use crate::commands::{CommandError, Context};

/// What lets payouts go on.
const RESUME: &str = "bursar faucet resume payouts --reason TEXT";

/// Options of `bursar faucet adopt-payments`.
#[derive(Clone, Debug, clap::Args)]
pub struct AdoptOptions {
    /// Show what would be recorded, and record nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Look through the whole history of the wallet, and take every send that is not recorded for a payment of this faucet:
    /// where the database knows no block from before the restore, or where payments below those that it knows are missing.
    /// Wrong, and players are not paid what they are owed.
    #[arg(long)]
    pub from_the_beginning: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

pub(super) fn adopt(options: &AdoptOptions, context: &Context) -> Result<Value, CommandError> {
    let room = Room::open(context)?;
    let who = options.who.signed(&room, context)?;
    let operator =
        KeyId::parse(OPERATOR).map_err(|rejection| refused(rejection.code(), rejection.to_string()))?;
    let adoption = Adoption {
        store: &room.store,
        payouts: room.payouts(),
        operator: &operator,
        recorder: &room.recorder,
        actor: &who.actor,
        approval: who.approval,
        draft: who.draft.as_deref(),
        reason: &who.reason,
        is_dry_run: options.dry_run,
        is_whole_history: options.from_the_beginning,
    };
    let report = adoption.run(room.payments.nodes.as_ref())?;
    let report = report.map_err(|refusal| refused(refusal.code(), refusal.to_string()))?;
    answer(&report, options.dry_run, context)
}

/// What came of it; exit 1 while something is left, so that no script resumes payouts.
fn answer(report: &Report, is_dry_run: bool, context: &Context) -> Result<Value, CommandError> {
    let payments: Vec<Value> = report.payments.iter().map(document).collect();
    let left = report.payments.iter().filter(|(_, verdict)| !verdict.is_settled()).count();
    if is_dry_run {
        return Ok(json!({"ok": true, "dryRun": true, "left": left, "payments": payments}));
    }
    if report.is_complete() {
        context.say(&format!(
            "Nothing is left that was signed and is not recorded. Let payouts go on: {RESUME}"
        ));
        return Ok(json!({"ok": true, "left": 0, "next": RESUME, "payments": payments}));
    }
    let why = format!(
        "{left} payments are left, each with what it waits for. Let accruals run where kills are missing, and repeat this; \
         what nobody but you can judge stays listed, and `{RESUME} --force` pays on without it."
    );
    let code = "payments_left";
    Err(CommandError::No {
        answer: json!({"ok": false, "code": code, "error": why, "left": left, "payments": payments}),
        why,
    })
}

fn document((payment, verdict): &(Payment, Verdict)) -> Value {
    let mut shown = json!({
        "transaction": payment.transaction, "to": payment.to, "raw": payment.raw.to_string(),
        "state": payment.state.word(),
        "intent": payment.intent.map(|intent| intent.0), "verdict": word(verdict), "why": why(payment, verdict),
    });
    match verdict {
        Verdict::Adopted { player, payout, kills, amount } => {
            (shown["player"], shown["payout"]) = (json!(player), json!(payout));
            (shown["kills"], shown["ban"]) = (json!(kills), json!(amount.to_string()));
        }
        Verdict::WaitsForKills { player, missing, kills } => {
            shown["player"] = json!(player);
            (shown["missingBan"], shown["missingKills"]) = (json!(missing.to_string()), json!(kills));
        }
        Verdict::SeveralPlayers(players) => shown["players"] = json!(players),
        Verdict::Known | Verdict::NoPlayer | Verdict::NotWhole => {}
    }
    shown
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Adopted { .. } => "adopted",
        Verdict::Known => "known",
        Verdict::WaitsForKills { .. } => "waits_for_kills",
        Verdict::NoPlayer => "no_player",
        Verdict::SeveralPlayers(_) => "several_players",
        Verdict::NotWhole => "no_payout",
    }
}

fn why(payment: &Payment, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Adopted { player, kills, .. } if payment.state.is_final() => {
            format!("paid {kills} kills of player {player}")
        }
        Verdict::Adopted { player, kills, .. } => {
            format!("pays {kills} kills of player {player} once payouts go on")
        }
        Verdict::Known => "it is recorded already".to_owned(),
        Verdict::WaitsForKills { player, kills: Some(kills), .. } => {
            format!("waits for kills: needs {kills} more of player {player}")
        }
        Verdict::WaitsForKills { player, missing, kills: None } => {
            format!("waits for kills: needs some worth {missing} BAN of player {player}")
        }
        Verdict::NoPlayer => {
            "no player whom it may have paid had linked its address when the wallet was matched".to_owned()
        }
        Verdict::SeveralPlayers(players) => {
            format!("players {players:?} had linked its address; find out whom it paid")
        }
        Verdict::NotWhole => {
            "it is no whole number of hundred-millionths, so no payout of the faucet's".to_owned()
        }
    }
}
