//! The pure rule of whether a wallet's state on the chain permits building on it.

use bursar_chain::{SenderState, TransactionId};
use bursar_money::Amount;

use crate::wallet::Wallet;

/// What a state of the chain says, compared with our records. Nothing of the wallet is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// The chain holds what it must.
    Yes,
    /// Nodes are behind, or mixed up: ask again.
    NotYet(String),
    /// The chain holds more than it must: money came.
    More(Amount),
    /// The chain holds less than it must by this much, and nothing of ours explains it.
    Less(Amount),
    /// The account's newest transaction, which the records do not know.
    Outrun(TransactionId),
}

/// `slot_used_by` is the transaction that we once signed for the state's slot.
pub(super) fn judge(wallet: &Wallet, state: &SenderState, slot_used_by: Option<&str>) -> Ready {
    if state.account != wallet.address {
        return Ready::NotYet("the nodes answered for another account".to_owned());
    }
    // A state from before a transaction of ours: building on it would contest that transaction's slot.
    if let Some(transaction) = slot_used_by {
        return Ready::NotYet(format!("the nodes do not show {transaction} yet, which took the slot"));
    }
    match (state.spendable.minus(wallet.expected), wallet.expected.minus(state.spendable)) {
        (Ok(more), _) if more.is_zero() => Ready::Yes,
        (Ok(more), _) => Ready::More(more),
        (Err(_), Ok(less)) => Ready::Less(less),
        (Err(error), Err(_)) => Ready::NotYet(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bursar_chain::{Address, Slot};
    use bursar_keys::KeyId;
    use bursar_ledger::AccountId;
    use bursar_money::Asset;
    use bursar_store::Timestamp;

    use crate::wallet::{Doubt, Standing};

    fn judged(account: &str, spendable: u128, slot_used_by: Option<&str>) -> Ready {
        let wallet = Wallet {
            name: KeyId::parse("hot").unwrap(),
            desk: "faucet".to_owned(),
            chain: "banano".to_owned(),
            asset: Asset::Banano,
            address: Address::from_canonical("ours".to_owned()),
            standing: Standing::Running,
            why: String::new(),
            since: Timestamp::from_ms(0),
            account: AccountId(1),
            suspense: AccountId(2),
            funds: AccountId(3),
            fees: AccountId(4),
            expected: Amount::new(100),
            restored_mark: 0,
            matched_at: None,
            doubt: Doubt::Nothing,
            unclear_through: crate::IntentId(0),
        };
        let state = SenderState {
            account: Address::from_canonical(account.to_owned()),
            slot: Slot::from_canonical("1".to_owned()),
            newest: None,
            spendable: Amount::new(spendable),
            details: Vec::new(),
        };
        judge(&wallet, &state, slot_used_by)
    }

    #[test]
    fn the_chain_must_hold_what_our_records_say() {
        assert_eq!(judged("ours", 100, None), Ready::Yes);
        assert_eq!(judged("ours", 130, None), Ready::More(Amount::new(30)));
        assert_eq!(judged("ours", 99, None), Ready::Less(Amount::new(1)));
    }

    #[test]
    fn a_slot_that_was_signed_for_before_is_an_old_state_whatever_it_holds() {
        for spendable in [99, 100, 130] {
            assert!(matches!(judged("ours", spendable, Some("tx")), Ready::NotYet(_)));
        }
        assert!(matches!(judged("theirs", 100, None), Ready::NotYet(_)));
    }
}
