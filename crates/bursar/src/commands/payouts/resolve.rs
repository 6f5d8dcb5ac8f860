//! `bursar payouts resolve`: what the nodes do not say of a payout that is under way, decided on evidence.

use bursar_chain::TransactionId;
use bursar_money::Amount;
use bursar_payouts::{Afterwards, Resolution};
use serde_json::Value;

use super::ActOptions;
use super::act::{Deed, act};
use super::room::{Room, rejected};
use crate::commands::{CommandError, Context};

/// Options of `bursar payouts resolve`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("decision").required(true).args(["free_slot", "paid", "dead"]))]
pub struct ResolveOptions {
    /// Which payout, who and why.
    #[command(flatten)]
    pub act: ActOptions,
    /// Let a transaction that moves no money take the payment's slot; whichever wins is found out. The safe way.
    #[arg(long, requires = "then")]
    pub free_slot: bool,
    /// This transaction is final, which the nodes that are asked here do not say.
    #[arg(long, value_name = "TRANSACTION", requires = "evidence", conflicts_with = "then")]
    pub paid: Option<String>,
    /// Beside --paid: what the chain took beyond the payment, in base units. Needed where a transaction costs something.
    #[arg(long, value_name = "UNITS", requires = "paid", conflicts_with_all = ["free_slot", "dead"])]
    pub fee: Option<Amount>,
    /// This transaction can never become final, as something else took its slot. Wrong, and the payout is paid twice.
    #[arg(long, value_name = "TRANSACTION", requires_all = ["evidence", "then", "paid_twice_if_wrong"])]
    pub dead: Option<String>,
    /// How that is known, for whoever asks later: 1 to 2,000 characters.
    #[arg(long, value_name = "TEXT")]
    pub evidence: Option<String>,
    /// What becomes of the payout once all its transactions are dead.
    #[arg(long, value_enum)]
    pub then: Option<Then>,
    /// Beside --dead: you know what happens if you are wrong.
    #[arg(long, requires = "dead")]
    pub paid_twice_if_wrong: bool,
}

/// What becomes of a payout whose transactions are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Then {
    /// It is tried again; not one that was given up.
    Retry,
    /// It has failed, and its money is free. It is held instead where another transaction may have paid it.
    Fail,
}

pub(super) fn resolve(
    room: &Room,
    options: &ResolveOptions,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let resolution = options.resolution(room)?;
    act(room, &options.act, &Deed::Resolve(resolution), json, context)
}

impl ResolveOptions {
    fn resolution(&self, room: &Room) -> Result<Resolution, CommandError> {
        let then = self.then.map(|then| match then {
            Then::Retry => Afterwards::Retry,
            Then::Fail => Afterwards::Fail,
        });
        let transaction = |text: &String| TransactionId::from_canonical(text.trim().to_owned());
        let evidence = || self.evidence.clone().unwrap_or_default();
        match (self.free_slot, &self.paid, &self.dead, then) {
            (true, None, None, Some(then)) => Ok(Resolution::FreeSlot { then }),
            (false, Some(paid), None, None) => {
                Ok(Resolution::Paid { transaction: transaction(paid), fee: self.fee, evidence: evidence() })
            }
            (false, None, Some(dead), Some(then)) if self.paid_twice_if_wrong => {
                // Nobody's word kills a transaction that nobody has looked at.
                let sight = room.payouts().look_at(&transaction(dead))?;
                let sight = Box::new(sight.map_err(|rejection| rejected(&rejection))?);
                Ok(Resolution::Dead { sight, evidence: evidence(), then })
            }
            _ => Err(CommandError::Usage(
                "say one of --free-slot --then .., --paid TRANSACTION --evidence .., and --dead TRANSACTION --evidence \
                 .. --then .. --paid-twice-if-wrong"
                    .to_owned(),
            )),
        }
    }
}
