//! `bursar keys policy` and `destination`: what a key may sign. Amounts are whole base units, such as raw.

use bursar_keys::{ApprovalRule, Policy, RollingCap};
use bursar_money::{Amount, Asset};
use serde_json::Value;

use super::{change, commands, fault, key_error, key_id, show, shown};
use crate::commands::approvals::{say_loose_ends, say_too_few};
use crate::commands::duration::parse_ms;
use crate::commands::payouts::Who;
use crate::commands::payouts::room::{Room, refused};
use crate::commands::{CommandError, Context};

/// Options of `bursar keys policy`.
#[derive(Clone, Debug, clap::Args)]
pub struct PolicyOptions {
    /// The key.
    pub key: String,
    /// What it pays in, such as BAN.
    #[arg(long, value_name = "SYMBOL", value_parser = asset)]
    pub asset: Asset,
    /// Most that one payment may be.
    #[arg(long, value_name = "AMOUNT")]
    pub payment_max: Amount,
    /// Most that any window may see, such as 1d:5000; up to four windows of different lengths.
    #[arg(long = "cap", value_name = "WINDOW:AMOUNT", value_parser = cap)]
    pub caps: Vec<RollingCap>,
    /// Pay listed destinations only.
    #[arg(long)]
    pub listed_only: bool,
    /// How long a destination waits after it was first seen, such as 1h.
    #[arg(long, value_name = "DURATION", value_parser = parse_ms, default_value = None)]
    pub first_use_hold: Option<i64>,
    /// Payments above this take other people's approval.
    #[arg(long, value_name = "AMOUNT", requires = "approvals")]
    pub approval_above: Option<Amount>,
    /// How many people beside the one who asks.
    #[arg(long, value_name = "NUMBER", requires = "approval_above")]
    pub approvals: Option<u32>,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Options of `bursar keys destination`.
#[derive(Clone, Debug, clap::Args)]
pub struct DestinationOptions {
    /// The key.
    pub key: String,
    /// The account to be paid.
    pub address: String,
    /// Take it off the list.
    #[arg(long)]
    pub unlist: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

pub(super) fn set(
    room: &Room,
    options: &PolicyOptions,
    context: &Context,
    json: bool,
) -> Result<Value, CommandError> {
    let (who, key) = (options.who.signed(room, context)?, key_id(&options.key)?);
    let policy = options.policy();
    let keystore = &room.payments.keystore;
    change(room, &who, |tx, by| {
        Ok(keystore.set_policy(tx, by, &key, &policy)?.map(|done| (Some(done), ())))
    })?;
    if let Some(rule) = policy.approval {
        say_too_few(&room.store, rule.needed, context)?;
        say_loose_ends(&room.store, context)?;
    }
    Ok(show::answer(&shown(room, &who, &key)?, json))
}

pub(super) fn destination(
    room: &Room,
    options: &DestinationOptions,
    context: &Context,
    json: bool,
) -> Result<Value, CommandError> {
    let (who, id) = (options.who.signed(room, context)?, key_id(&options.key)?);
    let key = commands(room, &who).list().map_err(fault)?.keys.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| key_error(bursar_keys::Rejection::KeyUnknown.into()))?;
    let chain = &room.payments.banano;
    if chain.name() != key.chain {
        let why = format!(
            "The chain {} is not set up here, so the address cannot be checked. Set it up.",
            key.chain
        );
        return Err(refused("chain_unknown", why));
    }
    let to = chain.parse_address(&options.address).map_err(|error| {
        refused(error.code(), format!("The destination cannot be paid: {error}. Correct it and try again."))
    })?;
    let (keystore, is_listed) = (&room.payments.keystore, !options.unlist);
    change(room, &who, |tx, by| {
        Ok(keystore.list_destination(tx, by, &id, &to, is_listed)?.map(|done| (Some(done), ())))
    })?;
    Ok(show::answer(&shown(room, &who, &id)?, json))
}

impl PolicyOptions {
    fn policy(&self) -> Policy {
        Policy {
            asset: self.asset,
            payment_max: self.payment_max,
            is_listed_only: self.listed_only,
            first_use_hold_ms: self.first_use_hold.unwrap_or(0),
            approval: self
                .approval_above
                .zip(self.approvals)
                .map(|(above, needed)| ApprovalRule { above, needed }),
            caps: self.caps.clone(),
        }
    }
}

fn asset(text: &str) -> Result<Asset, String> {
    Asset::from_symbol(text).map_err(|error| error.to_string())
}

fn cap(text: &str) -> Result<RollingCap, String> {
    let (window, max) = text.split_once(':').ok_or("write a window and an amount: 1d:5000")?;
    let max = max.parse().map_err(|error: bursar_money::AmountError| error.to_string())?;
    Ok(RollingCap { window_ms: parse_ms(window)?, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_a_window_and_an_amount() {
        assert_eq!(cap("1d:5000"), Ok(RollingCap { window_ms: 86_400_000, max: Amount::new(5_000) }));
        for bad in ["", "1d", "1d:", ":5", "5000:1d", "1d:-1", "1d:1.5"] {
            assert!(cap(bad).is_err(), "{bad}");
        }
    }
}
