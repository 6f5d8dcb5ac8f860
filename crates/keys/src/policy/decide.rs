//! The pure rule: whether an order may be signed now, and what that costs the key's limits.

use bursar_money::{Amount, U256};
use bursar_store::Timestamp;

use super::authorization::{AUTHORIZATION_LIFETIME_MS, Authorization};
use super::book::{Account, Book, Charge, Known, Sighting, Written};
use super::order::{Order, Work};
use super::{Policy, Window};
use crate::Rejection;

/// What becomes of an order.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It may be signed, and was charged.
    Authorized(Authorization),
    /// Its destination is new: ask again from `until` on. That it was seen is recorded.
    Held {
        /// When the hold ends.
        until: Timestamp,
    },
    /// It may not be signed now. Nothing was recorded.
    Refused(Rejection),
}

/// How the policy's checks end, short of the charge.
enum Checked {
    Passed,
    Held { until: Timestamp },
}

/// Decides one order and books it. `approvals` is how many other people approved it, the requester aside.
pub(crate) fn decide(book: &mut Book, order: &Order, approvals: u32) -> Decision {
    match decide_order(book, order, approvals) {
        Ok(decision) => decision,
        Err(rejection) => Decision::Refused(rejection),
    }
}

fn decide_order(book: &mut Book, order: &Order, approvals: u32) -> Result<Decision, Rejection> {
    order.check()?;
    let account = book.accounts.get_mut(&order.key).ok_or(Rejection::KeyUnknown)?;
    if let Some(halted) = &account.halted {
        return Err(halted.clone());
    }
    let known = book.known.get(&order.intent);
    if known.is_some_and(|known| known.key != order.key || known.work != order.work) {
        return Err(Rejection::IntentReused);
    }
    let policy = account.policy.clone().ok_or(Rejection::NoPolicy)?;
    let approvals = known.map_or(0, |known| known.approvals).max(approvals);
    let lifetime_ms = match &order.work {
        Work::Upkeep => AUTHORIZATION_LIFETIME_MS,
        Work::Payment { .. } => policy.authorization_lifetime_ms(),
    };
    let repeated = known.filter(|known| account.now <= known.at.after_ms(lifetime_ms));
    let mut at = repeated.map_or(account.now, |known| known.at);
    if let Work::Payment { asset, destination, amount } = &order.work {
        if *asset != policy.asset {
            return Err(Rejection::OtherAsset(policy.asset));
        }
        let destination = destination.as_str();
        if let Checked::Held { until } = check(account, &policy, destination, *amount, approvals)? {
            see(account, destination);
            return Ok(Decision::Held { until });
        }
        if repeated.is_none() {
            charge(account, &order.intent, *amount)?;
        }
        see(account, destination);
    } else {
        // Upkeep costs nothing, so there is no first charge to hold on to.
        at = account.now;
    }
    let written = match known.map(|known| known.written) {
        None | Some(Written::New) => Written::New,
        Some(Written::Stored | Written::Changed) => Written::Changed,
    };
    let expires_at = at.after_ms(lifetime_ms);
    let (key, work) = (order.key.clone(), order.work.clone());
    let batch = book.batch;
    let entry = Known { key: key.clone(), work: work.clone(), at, approvals, written };
    book.known.insert(order.intent.clone(), entry);
    let intent = order.intent.clone();
    Ok(Decision::Authorized(Authorization::grant(intent, key, work, expires_at, batch)))
}

/// Everything but the caps, which a repeated order does not pass again.
fn check(
    account: &Account,
    policy: &Policy,
    destination: &str,
    amount: Amount,
    approvals: u32,
) -> Result<Checked, Rejection> {
    let seen = account.destinations.get(destination).copied();
    if policy.is_listed_only && !seen.is_some_and(|seen| seen.is_listed) {
        return Err(Rejection::DestinationNotListed);
    }
    if amount > policy.payment_max {
        return Err(Rejection::AbovePaymentMax { max: policy.payment_max });
    }
    let until = seen.map_or(account.now, |seen| seen.first_seen_at).after_ms(policy.first_use_hold_ms);
    if account.now < until {
        return Ok(Checked::Held { until });
    }
    match policy.approval {
        Some(rule) if amount > rule.above && approvals < rule.needed => {
            Err(Rejection::ApprovalNeeded { needed: rule.needed, given: approvals })
        }
        Some(_) | None => Ok(Checked::Passed),
    }
}

/// Remembers since when a destination is known.
fn see(account: &mut Account, destination: &str) {
    let sighting = Sighting { is_listed: false, first_seen_at: account.now, is_new: true };
    account.destinations.entry(destination.to_owned()).or_insert(sighting);
}

/// Charges an amount against every cap, or none.
fn charge(account: &mut Account, intent: &str, amount: Amount) -> Result<(), Rejection> {
    for window in &account.windows {
        let left = left(window, account.charged);
        if amount > left {
            let (window_ms, max) = (window.cap.window_ms, window.cap.max);
            return Err(Rejection::AboveCap { window_ms, max, left });
        }
    }
    // 2^128 payments of 2^128 units each would be needed to overflow.
    account.charged = account.charged.saturating_add(U256::from(amount.units()));
    account.charges = account.charges.saturating_add(1);
    let (number, at, charged) = (account.charges, account.now, account.charged);
    account.added.push(Charge { number, at, intent: intent.to_owned(), amount, charged });
    Ok(())
}

/// What the window still allows.
fn left(window: &Window, charged: U256) -> Amount {
    let used = charged.saturating_sub(window.charged_before);
    let left = U256::from(window.cap.max.units()).saturating_sub(used);
    // Never above the cap, which is an amount.
    u128::try_from(left).map_or(Amount::ZERO, Amount::new)
}
