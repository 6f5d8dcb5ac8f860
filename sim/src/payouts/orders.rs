//! What was asked for, what was answered, and what may yet become of it: no restore takes back what was asked.

use std::collections::BTreeMap;

use bursar_payouts::Rejection;
use bursar_store::lane::LaneFault;

use super::obligations::{Obligation, OrderReply};
use super::rows::Intent;
use super::wiring::{self, PAYMENT_MAX};
use crate::chain::Family;
use crate::gate::Gate;
use crate::invariant::{Breach, require};

/// A moment before a batch, to tell what the batch brought.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// Commits that had been looked at.
    pub commits: u64,
    /// Things that operators had begun or been told.
    pub acts: u64,
}

/// An order with the requests for it that a lane has in hand, or that nobody knows the outcome of.
#[derive(Debug)]
struct Asked {
    obligation: Obligation,
    in_hand: u32,
}

/// Every order that was ever asked for, by key.
#[derive(Debug, Default)]
pub struct Orders {
    asked: BTreeMap<String, Vec<Asked>>,
}

/// The orders that lanes have in hand at a moment, by key, and how often.
pub type InHand = Vec<(Obligation, u32)>;

/// What is on record under an order's key as its answer comes.
pub struct Stored<'a> {
    /// The intent; `None` = there is none.
    pub intent: Option<&'a Intent>,
    /// Whether a commit of the answering node made it since the batch was taken in hand.
    pub is_made_here: bool,
    /// Whether nothing else in the batch has its key.
    pub is_alone: bool,
    /// Whether no stop was acknowledged, tried or lifted since the batch was taken in hand, and none stands.
    pub is_open: bool,
}

impl Orders {
    /// A lane takes orders in hand.
    pub fn take_in_hand<'a>(&mut self, orders: impl IntoIterator<Item = &'a Obligation>) {
        for order in orders {
            let asked = self.asked.entry(order.key.clone()).or_default();
            match asked.iter_mut().find(|asked| asked.obligation == *order) {
                Some(asked) => asked.in_hand += 1,
                None => asked.push(Asked { obligation: order.clone(), in_hand: 1 }),
            }
        }
    }

    /// A lane has answered an order; unless it does not know the outcome itself nothing comes of it any more.
    pub fn put_down(&mut self, order: &Obligation, reply: &OrderReply) {
        if matches!(reply, Err(LaneFault::UnknownOutcome(_))) {
            return;
        }
        let asked = self.asked.get_mut(&order.key).into_iter().flatten();
        let same = asked.filter(|asked| asked.obligation == *order);
        same.for_each(|asked| asked.in_hand = asked.in_hand.saturating_sub(1));
    }

    /// Everything has started again, and what is not on record now was never accepted.
    pub fn drop_all(&mut self) {
        self.asked.values_mut().flatten().for_each(|asked| asked.in_hand = 0);
    }

    /// What lanes have in hand.
    pub fn in_hand(&self) -> InHand {
        let waiting = self.asked.values().flatten().filter(|asked| asked.in_hand > 0);
        waiting.map(|asked| (asked.obligation.clone(), asked.in_hand)).collect()
    }

    /// A backup has come back, made while lanes had these in hand: it may hold what they committed as they died.
    pub fn go_back_to(&mut self, in_hand: &InHand) {
        for asked in self.asked.values_mut().flatten() {
            let then = in_hand.iter().find(|(obligation, _)| *obligation == asked.obligation);
            asked.in_hand = then.map_or(0, |(_, times)| *times);
        }
    }

    /// An intent has come to be: somebody asked for it, it can be paid, and it was not answered as refused.
    pub fn check_asked(&self, intent: &Intent) -> Result<(), Breach> {
        let mut asked = self.asked.get(&intent.key).into_iter().flatten();
        let Some(asked) = asked.find(|asked| is_same(&asked.obligation, intent)) else {
            require!(RefusedNoTrace, false, "nobody asked for {intent:?}");
            return Ok(());
        };
        let flaw = flaw(&asked.obligation);
        require!(RefusedNoTrace, flaw.is_none(), "{intent:?} is accepted, not refused: {flaw:?}");
        let is_in_hand = asked.in_hand > 0;
        require!(
            RefusedNoTrace,
            is_in_hand,
            "{} was answered as not accepted, and is {intent:?}",
            intent.key
        );
        Ok(())
    }
}

/// Whether an intent is what was asked for.
pub fn is_same(order: &Obligation, intent: &Intent) -> bool {
    (order.key.as_str(), order.to.as_str(), order.wallet.as_str(), order.amount)
        == (intent.key.as_str(), intent.to.as_str(), intent.wallet.as_str(), intent.amount)
}

/// The code that an order must be refused with, whatever else holds.
pub fn flaw(order: &Obligation) -> Option<&'static str> {
    let family = Family::ALL.into_iter().find(|family| wiring::wallet(*family) == order.wallet);
    let Some(family) = family else { return Some("wallet_not_found") };
    match order {
        _ if order.to.as_str() == "nobody" => Some("invalid_address"),
        _ if order.amount == 0 => Some("invalid_body"),
        _ if order.to == wiring::address(family) => Some("own_wallet"),
        _ if order.amount > PAYMENT_MAX => Some("above_payment_max"),
        _ => None,
    }
}

/// Whether the answer to an order is true.
pub fn check_reply(order: &Obligation, reply: &OrderReply, stored: &Stored<'_>) -> Result<(), Breach> {
    let (key, intent) = (&order.key, stored.intent);
    let is_it = intent.is_some_and(|intent| is_same(order, intent));
    match reply {
        Ok(Ok(accepted)) => {
            let is_true = is_it && intent.is_some_and(|intent| intent.id == accepted.id.0);
            require!(Durable, is_true, "{key} is acknowledged as {accepted:?}, and stored is {intent:?}");
            let (is_new, is_made_here) = (accepted.is_new, stored.is_made_here);
            require!(Once, !is_new || is_made_here, "{key} is called new, and its batch did not make it");
            let is_hidden = !is_new && is_made_here && stored.is_alone;
            require!(Once, !is_hidden, "{key} is called known, although its own batch made it");
        }
        Ok(Err(rejection)) => {
            let is_left = is_it && stored.is_made_here && stored.is_alone;
            require!(RefusedNoTrace, !is_left, "{key} is refused as {}, and is {intent:?}", rejection.code());
            check_rejection(order, rejection, stored, is_it)?;
        }
        Err(LaneFault::UnknownOutcome(_)) => {}
        Err(LaneFault::Unavailable(_) | LaneFault::Poison(_) | LaneFault::Closed) => {
            let is_left = is_it && stored.is_made_here && stored.is_alone;
            require!(RefusedNoTrace, !is_left, "{key} is there after the answer {reply:?}");
        }
    }
    Ok(())
}

/// An order is refused for what is wrong with it, for its key, or for a stop.
fn check_rejection(
    order: &Obligation,
    rejection: &Rejection,
    stored: &Stored<'_>,
    is_it: bool,
) -> Result<(), Breach> {
    let (key, code, intent) = (&order.key, rejection.code(), stored.intent);
    let was_there = is_it && !stored.is_made_here;
    require!(Once, !was_there, "{key} was accepted before, and is refused as {code}");
    match rejection {
        Rejection::Stopped { .. } => {
            require!(StopBinds, !stored.is_open, "{key} is refused as {code}, and nothing is stopped");
        }
        Rejection::KeyReused { .. } => {
            require!(Once, intent.is_some(), "{key} is refused as {code}, and nothing is stored");
        }
        _ => {
            let flaw = flaw(order);
            require!(PaidOnce, flaw == Some(code), "{order:?} is refused as {code}, wrong is {flaw:?}");
        }
    }
    Ok(())
}

impl Since {
    /// Whether nothing stands in the way, and nobody touched it meanwhile.
    pub fn is_open(self, gates: [Gate; 2], acts: u64) -> bool {
        self.acts == acts && gates == [Gate::Open; 2]
    }
}
