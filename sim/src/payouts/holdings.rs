//! What the records say that wallets hold, held against the book, and against the chain.

use rusqlite::{Connection, Params};

use super::rows::{Signed, amount};
use crate::chain::{Gift, Truth};
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
    is_booked_by_hand: bool,
    forgets_receipts: bool,
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
    let mut receipts = receipts().expect("the witness can read");
    // What was accepted and is forgotten is found again as one sum, in no gift's name.
    receipts.retain(|(source, _)| !forgets_receipts || truth.gifts.iter().any(|gift| gift.id == *source));
    check_receipts((wallet, truth), &receipts, is_booked_by_hand)
}

/// Each receipt is of gifts, and each gift is in one receipt at most; none is left out that its owner must have seen, unless a person has
/// booked what the chain held.
fn check_receipts(
    (wallet, truth): (&str, &Truth),
    receipts: &Receipts,
    is_booked_by_hand: bool,
) -> Result<(), Breach> {
    let left = match truth.is_accepted_singly {
        true => left_singly((wallet, truth), receipts)?,
        false => left_in_runs((wallet, truth), receipts, is_booked_by_hand)?,
    };
    let must_be_seen = left.len() > truth.unseen;
    require!(ChainIsBook, is_booked_by_hand || !must_be_seen, "{wallet} has no receipt of {left:?}");
    Ok(())
}

/// What has been accepted and no receipt is of. Each receipt names its gift.
fn left_singly<'a>((wallet, truth): (&str, &'a Truth), receipts: &Receipts) -> Result<Vec<&'a Gift>, Breach> {
    let mut left: Vec<&Gift> = truth.gifts.iter().filter(|gift| !truth.waiting.contains(&gift.id)).collect();
    for (source, amount) in receipts {
        let found = left.iter().position(|gift| gift.id == *source && gift.amount == *amount);
        let Some(found) = found else {
            require!(ChainIsBook, false, "{wallet} booked {amount} of {source}, left are {left:?}");
            continue;
        };
        left.remove(found);
    }
    Ok(left)
}

/// What simply appeared and no receipt is of. Receipts take up gifts one after another.
fn left_in_runs<'a>(
    (wallet, truth): (&str, &'a Truth),
    receipts: &Receipts,
    is_booked_by_hand: bool,
) -> Result<Vec<&'a Gift>, Breach> {
    let mut left = &truth.gifts[..];
    for (source, amount) in receipts {
        // What a restore forgot was matched without a receipt.
        let skipped_max = if is_booked_by_hand { left.len() } else { 0 };
        let found = (0..=skipped_max).find_map(|skipped| Some(skipped + run(&left[skipped..], *amount)?));
        require!(ChainIsBook, found.is_some(), "{wallet} booked {amount} at {source}, left are {left:?}");
        left = &left[found.unwrap_or(0)..];
    }
    Ok(left.iter().collect())
}

/// How many of the first gifts make up an amount, if any do.
fn run(gifts: &[Gift], amount: u128) -> Option<usize> {
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

    struct Case<'a> {
        gifts: &'a [u128],
        waiting: &'a [&'a str],
        unseen: usize,
        receipts: &'a [(&'a str, u128)],
        is_accepted_singly: bool,
        is_booked_by_hand: bool,
    }

    const SINGLY: Case<'_> = Case {
        gifts: &[5, 7],
        waiting: &[],
        unseen: 0,
        receipts: &[],
        is_accepted_singly: true,
        is_booked_by_hand: false,
    };
    const APPEARED: Case<'_> = Case { gifts: &[5, 7, 9], is_accepted_singly: false, ..SINGLY };

    fn broken(case: &Case<'_>) -> bool {
        let gift = |(place, amount): (usize, &u128)| {
            let (id, to) = (format!("g{place}"), "wallet".to_owned());
            Gift { id, to, amount: *amount, at_ms: 0 }
        };
        let gifts = case.gifts.iter().enumerate().map(gift).collect();
        let waiting = case.waiting.iter().map(|id| (*id).to_owned()).collect();
        let Case { unseen, is_accepted_singly, is_booked_by_hand, .. } = *case;
        let truth = Truth { holds: 0, gifts, waiting, unseen, is_accepted_singly };
        let receipts = case.receipts.iter().map(|(source, amount)| ((*source).to_owned(), *amount)).collect();
        check_receipts(("wallet", &truth), &receipts, is_booked_by_hand).is_err()
    }

    #[test]
    fn a_receipt_of_one_gift_names_it_and_has_its_amount() {
        let both = [("g1", 7), ("g0", 5)];
        assert!(!broken(&Case { receipts: &both, ..SINGLY }));
        assert!(broken(&Case { receipts: &[("g0", 7), ("g1", 5)], ..SINGLY }));
        assert!(broken(&Case { receipts: &[("slot at 12", 12)], is_booked_by_hand: true, ..SINGLY }));
    }

    #[test]
    fn a_gift_is_in_one_receipt_and_none_that_was_accepted_is_left_out_without_a_restore() {
        assert!(broken(&Case { receipts: &[("g0", 5), ("g0", 5)], is_booked_by_hand: true, ..SINGLY }));
        let first = [("g0", 5)];
        assert!(broken(&Case { receipts: &first, ..SINGLY }));
        assert!(!broken(&Case { receipts: &first, is_booked_by_hand: true, ..SINGLY }));
        assert!(!broken(&Case { receipts: &first, waiting: &["g1"], ..SINGLY }));
        let both = [("g0", 5), ("g1", 7)];
        assert!(broken(&Case { receipts: &both, waiting: &["g1"], ..SINGLY }), "nobody has accepted it yet");
    }

    #[test]
    fn receipts_of_what_simply_appeared_take_up_gifts_one_after_another() {
        assert!(!broken(&Case { receipts: &[("a", 12), ("b", 9)], ..APPEARED }));
        assert!(broken(&Case { receipts: &[("a", 7)], unseen: 3, ..APPEARED }));
        assert!(broken(&Case { receipts: &[("a", 5), ("b", 5)], unseen: 3, ..APPEARED }));
        assert!(!broken(&Case { receipts: &[("b", 9)], is_booked_by_hand: true, ..APPEARED }));
        assert!(broken(&Case { receipts: &[("b", 9), ("c", 7)], is_booked_by_hand: true, ..APPEARED }));
    }

    #[test]
    fn what_simply_appeared_and_must_have_been_seen_has_a_receipt() {
        let seen = [("a", 12)];
        assert!(broken(&Case { receipts: &seen, ..APPEARED }));
        assert!(!broken(&Case { receipts: &seen, unseen: 1, ..APPEARED }));
        assert!(broken(&Case { receipts: &[], unseen: 2, ..APPEARED }));
    }
}
