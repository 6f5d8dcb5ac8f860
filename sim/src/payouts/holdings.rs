//! What the records say that wallets hold, held against the book, and against the chain.

use rusqlite::{Connection, Params};

use super::rows::{Signed, amount};
use crate::chain::Truth;
use crate::invariant::{Breach, require};

/// A wallet as its row and its account have it.
struct Holding {
    expected: u128,
    standing: i64,
    debits: u128,
    credits: u128,
}

/// Money that was booked as come in, oldest first: the sender's transaction, or where it was seen, and how much.
type Receipts = Vec<(String, u128)>;

const WALLET: &str = "SELECT w.expected_balance, w.standing, a.debits, a.credits FROM payout_wallet w \
    JOIN ledger_account a ON a.id = w.account WHERE w.name = ?1";
const RECEIPTS: &str =
    "SELECT source, amount FROM payout_receipt WHERE wallet = ?1 AND state > 0 ORDER BY id";
const LIVE: &str = "SELECT wallet || ': ' || CASE kind WHEN 0 THEN 'payment ' ELSE 'upkeep ' END || transaction_id || \
    ' is ' || standing || ', sent ' || broadcasts || ' times' FROM payout_attempt WHERE state < 2 ORDER BY id LIMIT 3";
const STILL: &str = "SELECT COUNT(*) FROM payout_wallet WHERE standing <> 0";
const MARK: &str = "SELECT w.restored_mark FROM payout_attempt a JOIN payout_wallet w ON w.name = a.wallet \
    WHERE a.id = ?1";

/// Whether no wallet stands still.
pub fn wallets_run(connection: &Connection) -> bool {
    count(connection, STILL, []) == 0
}

/// Some of what was signed and is not over, for people.
pub fn live(connection: &Connection) -> Vec<String> {
    let mut live = connection.prepare_cached(LIVE).expect("the witness can read");
    let rows = live.query_map([], |row| row.get(0)).expect("the witness can read");
    rows.collect::<Result<_, _>>().expect("the witness can read")
}

fn count<P: Params>(connection: &Connection, sql: &str, of: P) -> i64 {
    let counted = connection.prepare_cached(sql).and_then(|mut count| count.query_row(of, |row| row.get(0)));
    counted.expect("the witness can read")
}

/// After a restore nothing is signed from a wallet until it has been matched with its chain. The attempt is new.
pub fn check_matched(connection: &Connection, attempt: &Signed, restores: u64) -> Result<(), Breach> {
    if restores == 0 || attempt.is_imported {
        return Ok(());
    }
    let mark = count(connection, MARK, [attempt.id]);
    let is_matched = u64::try_from(mark).is_ok_and(|mark| mark == restores);
    require!(
        RestoreNeverRepays,
        is_matched,
        "{attempt:?} was signed, and its wallet was last matched after restore {mark} of {restores}"
    );
    Ok(())
}

/// At any time the wallet's row says what the book says.
pub fn check_booked(connection: &Connection, wallet: &str) -> Result<(), Breach> {
    let Holding { expected, debits, credits, .. } = read(connection, wallet);
    require!(
        ChainIsBook,
        debits == credits + expected,
        "{wallet} must hold {expected}, booked is {debits} - {credits}"
    );
    Ok(())
}

/// At rest the wallet runs and its row says what the chain says, but for what came since anybody had to look; what was booked
/// as come in did come in.
pub fn check_rest(
    connection: &Connection,
    (wallet, truth): (&str, &Truth),
    restores: u64,
) -> Result<(), Breach> {
    check_booked(connection, wallet)?;
    let Holding { expected, standing, .. } = read(connection, wallet);
    require!(ChainIsBook, standing == 0, "{wallet} stands still although nothing is wrong");
    let newest = truth.gifts.iter().rev().take(truth.unseen).map(|gift| gift.amount);
    let mut missed = newest.scan(0, |sum, amount| {
        *sum += amount;
        Some(*sum)
    });
    let is_told = expected == truth.holds || missed.any(|missed| expected + missed == truth.holds);
    require!(
        ChainIsBook,
        is_told,
        "{wallet} must hold {expected}, the chain has {} with {} gifts that nobody need have seen",
        truth.holds,
        truth.unseen
    );
    let receipts = || -> rusqlite::Result<Receipts> {
        let mut receipts = connection.prepare_cached(RECEIPTS)?;
        receipts.query_map([wallet], |row| Ok((row.get(0)?, amount(row, 1)?)))?.collect()
    };
    check_receipts((wallet, truth), &receipts().expect("the witness can read"), restores > 0)
}

/// Each receipt is of gifts, and each gift is in one receipt at most; without a restore none is left out.
fn check_receipts(
    (wallet, truth): (&str, &Truth),
    receipts: &Receipts,
    is_restored: bool,
) -> Result<(), Breach> {
    let mut left = &truth.gifts[..];
    for (source, amount) in receipts {
        if truth.is_accepted_singly {
            let is_gift = truth.gifts.iter().any(|gift| gift.id == *source && gift.amount == *amount);
            require!(ChainIsBook, is_gift, "{wallet} booked {amount} of {source}, which nobody sent");
            continue;
        }
        // What a restore forgot was matched without a receipt.
        let skipped_max = if is_restored { left.len() } else { 0 };
        let found = (0..=skipped_max).find_map(|skipped| Some(skipped + run(&left[skipped..], *amount)?));
        require!(ChainIsBook, found.is_some(), "{wallet} booked {amount} at {source}, left are {left:?}");
        left = &left[found.unwrap_or(0)..];
    }
    Ok(())
}

/// How many of the first gifts make up an amount, if any do.
fn run(gifts: &[crate::chain::Gift], amount: u128) -> Option<usize> {
    let mut sum = 0;
    let full = gifts.iter().position(|gift| {
        sum += gift.amount;
        sum >= amount
    });
    full.filter(|_| sum == amount).map(|last| last + 1)
}

fn read(connection: &Connection, wallet: &str) -> Holding {
    let row = connection.prepare_cached(WALLET).and_then(|mut wallets| {
        wallets.query_row([wallet], |row| {
            Ok(Holding {
                expected: amount(row, 0)?,
                standing: row.get(1)?,
                debits: amount(row, 2)?,
                credits: amount(row, 3)?,
            })
        })
    });
    row.expect("the witness can read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Gift;

    fn broken(
        amounts: &[u128],
        receipts: &[(&str, u128)],
        is_accepted_singly: bool,
        is_restored: bool,
    ) -> bool {
        let gift = |(place, amount): (usize, &u128)| {
            let (id, to) = (format!("g{place}"), "wallet".to_owned());
            Gift { id, to, amount: *amount, at_ms: 0 }
        };
        let gifts = amounts.iter().enumerate().map(gift).collect();
        let truth = Truth { holds: 0, gifts, unseen: 0, is_accepted_singly };
        let receipts = receipts.iter().map(|(source, amount)| ((*source).to_owned(), *amount)).collect();
        check_receipts(("wallet", &truth), &receipts, is_restored).is_err()
    }

    #[test]
    fn a_receipt_of_one_gift_names_it_and_has_its_amount() {
        assert!(!broken(&[5, 7], &[("g1", 7), ("g0", 5)], true, false));
        assert!(broken(&[5, 7], &[("g0", 7)], true, false));
        assert!(broken(&[5, 7], &[("slot at 12", 12)], true, false));
    }

    #[test]
    fn receipts_of_what_simply_appeared_take_up_gifts_one_after_another() {
        assert!(!broken(&[5, 7, 9], &[("a", 12), ("b", 9)], false, false));
        assert!(broken(&[5, 7, 9], &[("a", 7)], false, false));
        assert!(broken(&[5, 7, 9], &[("a", 5), ("b", 5)], false, false));
        assert!(!broken(&[5, 7, 9], &[("b", 9)], false, true));
        assert!(broken(&[5, 7, 9], &[("b", 9), ("c", 7)], false, true));
    }
}
