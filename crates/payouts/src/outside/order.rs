//! An order from outside, and the keys under which such orders are kept apart from those of the desks.

use std::fmt;

use bursar_access::Actor;
use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_money::{Amount, Asset};

use crate::accept::Author;
use crate::{IdempotencyKey, Rejection};

/// What every key from outside begins with, and no desk's own.
const PREFIX: &str = "api/";
/// Stands before an account's name, which may be all digits, and before none of its numbers.
const MARK: char = '@';
/// Longest key that a caller may give, in bytes: prefix and account's name stand before it.
const KEY_LENGTH_MAX: usize = 100;

/// A caller's own name for one payout, 1 to 100 visible ASCII characters; each account has names of its own, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideKey(IdempotencyKey);

impl OutsideKey {
    /// Reads the key that the account `payer` gives. Accounts are told apart by name: one that is added anew after a restore
    /// has another number, and would be paid again under it.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub fn parse(payer: &Actor, text: &str) -> Result<OutsideKey, Rejection> {
        let rule = "it is 1 to 100 visible ASCII characters";
        let refused = Rejection::Invalid { field: "idempotency key", rule };
        if text.is_empty() || text.len() > KEY_LENGTH_MAX {
            return Err(refused);
        }
        let key = IdempotencyKey::parse(&format!("{PREFIX}{MARK}{}/{text}", payer.name));
        key.map(OutsideKey).map_err(|_| refused)
    }

    pub(crate) fn stored(&self) -> &IdempotencyKey {
        &self.0
    }
}

impl fmt::Display for OutsideKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(split(self.0.as_str()).map_or("", |(_, key)| key))
    }
}

/// Whether a stored key is one from outside.
pub(crate) fn is_outside(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Name of the account that a stored key belongs to, and the key as that account gave it; `None` = it is a desk's own.
pub(crate) fn split(key: &str) -> Option<(&str, &str)> {
    let (payer, own) = key.strip_prefix(PREFIX)?.split_once('/')?;
    Some((payer.strip_prefix(MARK).unwrap_or(payer), own))
}

/// The key of a payout that the journal brought back while its own key is another's. One from outside stays its payer's,
/// under a name with a space in it, which nobody can give.
pub(crate) fn recovered_key(key: &str, digest: &str) -> String {
    match key.strip_prefix(PREFIX) {
        Some(own) => {
            let payer = own.split('/').next().unwrap_or_default();
            format!("{PREFIX}{payer}/recovered {digest}")
        }
        // What a desk's own key begins with says whom the payout is for.
        None => match key.split('/').collect::<Vec<_>>().as_slice() {
            [desk, whom, ..] if !whom.is_empty() => format!("{desk}/{whom}/recovered/{digest}"),
            _ => format!("recovered/{digest}"),
        },
    }
}

/// The ids of the request that an order came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its own.
    pub id: Option<String>,
    /// The caller's, when it differs.
    pub correlation_id: Option<String>,
}

/// Somebody to be paid, as a caller from outside asks for it.
#[derive(Clone, Debug)]
pub struct OutsideOrder {
    /// Who asks; admitted where the order is accepted.
    pub by: Actor,
    /// The desk whose wallet is to pay.
    pub desk: &'static str,
    /// The wallet.
    pub wallet: KeyId,
    /// The caller's name for it.
    pub key: OutsideKey,
    /// Whom, in any text that the chain reads.
    pub destination: Address,
    /// How much, in base units of the asset; above zero.
    pub amount: Amount,
    /// Of what; refused when the wallet pays in something else.
    pub asset: Asset,
    /// The caller's words for it, at most 200 characters; may be empty.
    pub reference: String,
    /// The request that it came with.
    pub request: Request,
}

impl OutsideOrder {
    /// As the audit log names who asked.
    pub(crate) fn author(&self) -> Author {
        Author {
            actor: crate::operate::audited(&self.by),
            request_id: self.request.id.clone(),
            correlation_id: self.request.correlation_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_accounts_alone_and_reads_back() {
        let [shop, other] = ["shop", "shop2"].map(Actor::cli);
        let key = OutsideKey::parse(&shop, "invoice/1").unwrap();
        assert_eq!((key.stored().as_str(), key.to_string().as_str()), ("api/@shop/invoice/1", "invoice/1"));
        assert_ne!(key, OutsideKey::parse(&other, "invoice/1").unwrap());
        assert_eq!(split("api/@shop/invoice/1"), Some(("shop", "invoice/1")));
        assert_eq!(split("faucet/7/2026/1"), None);
        assert!(is_outside("api/@shop/a") && !is_outside("apis/7") && !is_outside("faucet/api/7"));
    }

    #[test]
    fn a_recovered_key_stays_its_payers_or_its_players_and_nobody_can_give_it() {
        let digest = "f".repeat(64);
        let somebody = Actor::cli(&"n".repeat(40));
        let longest = OutsideKey::parse(&somebody, &"k".repeat(100)).unwrap();
        let key = recovered_key(longest.stored().as_str(), &digest);
        let (payer, own) = split(&key).unwrap();
        assert_eq!((payer, is_outside(&key)), (somebody.name.as_str(), true));
        assert!(OutsideKey::parse(&somebody, own).is_err() && key.len() <= 160);
        assert_eq!(recovered_key("faucet/42/9f86", "d"), "faucet/42/recovered/d");
        assert_eq!(recovered_key("odd", "d"), "recovered/d");
        assert_eq!(recovered_key("odd//9f86", "d"), "recovered/d");
    }

    #[test]
    fn the_longest_key_of_the_longest_name_still_fits() {
        let longest = "k".repeat(100);
        assert!(OutsideKey::parse(&Actor::cli(&"n".repeat(40)), &longest).is_ok());
        for bad in ["", "a b", "é", &"k".repeat(101)] {
            assert_eq!(
                OutsideKey::parse(&Actor::cli("shop"), bad).unwrap_err().code(),
                "invalid_body",
                "{bad:?}"
            );
        }
    }
}
