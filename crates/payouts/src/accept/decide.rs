//! The pure rule: whether an order becomes an intent, is one already, or is refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bursar_chain::{Address, Chain};
use bursar_keys::{KeyId, KeyRecord};
use bursar_ledger::{AccountSlot, Book, HoldSlot, LedgerRefusal};
use bursar_money::{Amount, Asset};
use uuid::Uuid;

use super::order::PayoutOrder;
use crate::ids::{IdempotencyKey, IntentId, IntentState};
use crate::outside::is_outside;
use crate::{PAYOUT, Rejection};

/// An order that stands as an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its number.
    pub id: IntentId,
    /// The id that the public sees.
    pub public_id: Uuid,
    /// Where it stands; of one that was accepted before, where it has got to.
    pub state: IntentState,
    /// Whether it became an intent now; else it is the intent of the first time, and nothing was held.
    pub is_new: bool,
}

/// Who asked for an order, as the audit log names them, and with which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub actor: bursar_audit::Actor,
    pub request_id: Option<String>,
    pub correlation_id: Option<String>,
}

/// What a caller from outside says besides.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What they want to be paid in.
    pub asset: Asset,
    /// Why the desk accepts nothing new from outside now.
    pub closed: Option<&'static str>,
    pub author: Author,
}

/// An order, and what is known of whoever asked for it from outside; `None` = a desk did.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub order: PayoutOrder,
    pub asked: Option<Asked>,
}

/// An intent that this batch makes.
#[derive(Clone, Debug)]
pub(crate) struct NewIntent {
    pub id: IntentId,
    pub public_id: Uuid,
    pub desk: &'static str,
    pub wallet: KeyId,
    pub destination: Address,
    pub amount: Amount,
    pub asset: Asset,
    pub reference: i64,
    pub reason: String,
    pub key: IdempotencyKey,
    pub request_hash: [u8; 32],
    pub hold: HoldSlot,
    /// `None` = the machine.
    pub author: Option<Author>,
}

/// An intent that is there already.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub accepted: Accepted,
    pub request_hash: Vec<u8>,
}

/// A wallet as accepting sees it.
pub(super) struct AcceptWallet {
    pub desk: String,
    pub asset: Asset,
    pub address: Address,
    pub account: AccountSlot,
    pub chain: Arc<dyn Chain>,
    /// Its signing key; `None` = it is gone.
    pub key: Option<KeyRecord>,
    /// The switch that stops its payouts now.
    pub stopped: Option<&'static str>,
    /// Whether all is known that it ever signed.
    pub knows_its_past: bool,
}

/// What a batch of orders is decided on.
pub(super) struct AcceptState<'b> {
    pub book: &'b mut Book,
    pub known: HashMap<(&'static str, String), Known>,
    pub wallets: BTreeMap<KeyId, AcceptWallet>,
    /// Ids for new intents, in order.
    pub ids: std::vec::IntoIter<(IntentId, Uuid)>,
    pub new: Vec<NewIntent>,
}

/// Decides one order, and holds its money in the book when it is new. ONCE: whatever was accepted under a key is the answer
/// for ever, or the key was used for something else.
pub(super) fn decide(state: &mut AcceptState<'_>, placed: &Placed) -> Result<Accepted, Rejection> {
    let Placed { order, asked } = placed;
    if asked.is_some() != is_outside(order.key.as_str()) {
        let rule = "those that begin with `api/` are for callers from outside alone";
        return Err(Rejection::Invalid { field: "idempotency key", rule });
    }
    let wallet = state.wallets.get(&order.wallet).filter(|wallet| wallet.desk == order.desk);
    let wallet = wallet.ok_or(Rejection::WalletUnknown)?;
    let destination = wallet.chain.parse_address(order.destination.as_str()).map_err(Rejection::Address)?;
    let other_asset = asked.as_ref().map(|asked| asked.asset).filter(|asset| *asset != wallet.asset);
    let request_hash = order.hash(&destination, other_asset);
    let place = (order.desk, order.key.as_str().to_owned());
    // Before every other check: what was accepted once stays so, whatever holds now.
    if let Some(known) = state.known.get(&place) {
        if known.request_hash == request_hash {
            return Ok(Accepted { is_new: false, ..known.accepted });
        }
        let (stored, given) = (hex::encode(&known.request_hash), hex::encode(request_hash));
        return Err(Rejection::KeyReused { stored, given });
    }
    order.check()?;
    if let Some(asked) = asked {
        check_asked(asked, wallet)?;
    }
    check_wallet(wallet, &destination, order.amount)?;
    let account = wallet.account;
    if state.book.account(order.debit).asset != wallet.asset {
        return Err(Rejection::OtherAsset(wallet.asset));
    }
    let asset = wallet.asset;
    let (id, public_id) =
        state.ids.next().unwrap_or_else(|| bursar_store::fail_stop("an order without an id"));
    let hold = state.book.hold(order.debit, account, order.amount, PAYOUT, id.0).map_err(refused)?;
    let accepted = Accepted { id, public_id, state: IntentState::Accepted, is_new: true };
    state.known.insert(place, Known { accepted, request_hash: request_hash.to_vec() });
    state.new.push(NewIntent {
        id,
        public_id,
        desk: order.desk,
        wallet: order.wallet.clone(),
        destination,
        amount: order.amount,
        asset,
        reference: order.reference,
        reason: order.reason.clone(),
        key: order.key.clone(),
        request_hash,
        hold,
        author: asked.as_ref().map(|asked| asked.author.clone()),
    });
    Ok(accepted)
}

/// What holds only for those who ask from outside.
fn check_asked(asked: &Asked, wallet: &AcceptWallet) -> Result<(), Rejection> {
    match asked.closed {
        Some(why) => Err(Rejection::NotOpen(why)),
        None if asked.asset != wallet.asset => Err(Rejection::OtherAsset(wallet.asset)),
        // The key may be that of a payout which the journal is about to bring back; desks look at their wallet themselves.
        None if !wallet.knows_its_past => Err(Rejection::WalletUnmatched),
        None => Ok(()),
    }
}

/// What the wallet and its key say for good. What may pass, such as a cap, is asked when it is signed.
fn check_wallet(wallet: &AcceptWallet, destination: &Address, amount: Amount) -> Result<(), Rejection> {
    if let Some(switch) = wallet.stopped {
        return Err(Rejection::Stopped { switch });
    }
    if *destination == wallet.address {
        return Err(Rejection::OwnWallet);
    }
    let key = wallet.key.as_ref().ok_or(Rejection::Key(bursar_keys::Rejection::KeyUnknown))?;
    if key.key.retired.is_some() {
        return Err(Rejection::Key(bursar_keys::Rejection::KeyRetired));
    }
    let policy = key.policy.as_ref().ok_or(Rejection::Key(bursar_keys::Rejection::NoPolicy))?;
    if policy.asset != wallet.asset {
        return Err(Rejection::Key(bursar_keys::Rejection::OtherAsset(policy.asset)));
    }
    let max = policy.largest_payment();
    if amount > max {
        return Err(Rejection::Key(bursar_keys::Rejection::AbovePaymentMax { max }));
    }
    Ok(())
}

fn refused(refusal: LedgerRefusal) -> Rejection {
    match refusal {
        LedgerRefusal::InsufficientFunds => Rejection::InsufficientFunds,
        LedgerRefusal::SameAccount => {
            Rejection::Invalid { field: "account to be debited", rule: "it is not the wallet's own" }
        }
        LedgerRefusal::AssetMismatch
        | LedgerRefusal::ZeroAmount
        | LedgerRefusal::HoldEnded
        | LedgerRefusal::Amount(_) => Rejection::Invalid {
            field: "amount",
            rule: "it is above zero, and what is held stays below 2^128",
        },
    }
}
