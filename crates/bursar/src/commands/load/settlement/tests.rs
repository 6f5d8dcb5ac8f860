//! What the checks find in rounds that were settled wrong.

use serde_json::{Number, json};

use super::super::breach::Breach;
use super::*;
use bursar_rounds::market::Market;

const ROUND: &str = "SOL-1700000040-5m";

fn entry(number: usize, side: Side, bucks: u64) -> Entry {
    Entry { number, market: Market::Sol, side, bucks, wallet: format!("wallet-{number}") }
}

/// Example C1: the newest winner, number 5, gets the remainder of 1.
fn entries() -> Vec<Entry> {
    let up = [25, 10, 100, 100, 10, 5].map(|bucks| (Side::Up, bucks));
    let down = [50, 25, 10, 5].map(|bucks| (Side::Down, bucks));
    up.into_iter().chain(down).enumerate().map(|(number, (side, bucks))| entry(number, side, bucks)).collect()
}

const PAYOUTS: [u64; 10] = [3_196, 1_278, 12_784, 12_784, 1_278, 640, 0, 0, 0, 0];

fn settled(mode: &str, winner: Option<&str>, reason: Option<&str>, start: u32, end: u32) -> Option<Settled> {
    Some(Settled {
        mode: mode.to_owned(),
        winner_side: winner.map(str::to_owned),
        reason: reason.map(str::to_owned),
        start_price: Number::from(start),
        end_price: Number::from(end),
        settled_at_ms: 5,
    })
}

fn result(entry: &Entry, payout: u64, settlement: &Option<Settled>) -> EntryResult {
    let is_refund = settlement.as_ref().is_some_and(|settled| settled.mode == "REFUND");
    let status = match (is_refund, payout) {
        (true, _) => "REFUND",
        (false, 0) => "LOSS",
        (false, _) => "WIN",
    };
    EntryResult {
        round_id: ROUND.to_owned(),
        joined_at_ms: i64::try_from(entry.number).unwrap(),
        direction: entry.side.word().to_owned(),
        entry_signature: String::new(),
        stake_lamports: entry.cents(),
        status: status.to_owned(),
        payout_lamports: payout,
        pnl_lamports: Some(i64::try_from(payout).unwrap() - i64::try_from(entry.cents()).unwrap()),
        settlement: settlement.clone(),
    }
}

/// The breaches of a round that pays `payouts`, after `spoil`.
fn checked(
    entries: &[Entry],
    payouts: &[u64],
    settlement: &Option<Settled>,
    spoil: impl FnOnce(&mut Vec<EntryResult>),
) -> (Vec<Check>, Money) {
    checked_with_fee(entries, payouts, settlement, None, spoil)
}

fn checked_with_fee(
    entries: &[Entry],
    payouts: &[u64],
    settlement: &Option<Settled>,
    fee: Option<u64>,
    spoil: impl FnOnce(&mut Vec<EntryResult>),
) -> (Vec<Check>, Money) {
    let mut results: Vec<EntryResult> =
        entries.iter().zip(payouts).map(|(entry, payout)| result(entry, *payout, settlement)).collect();
    spoil(&mut results);
    let sent: Vec<&Entry> = entries.iter().collect();
    let seen: Vec<(&Entry, &EntryResult)> = entries.iter().zip(&results).collect();
    let mut breaches = Breaches::default();
    let money = Round { id: ROUND, sent: &sent, seen: &seen, fee }.check(&mut breaches);
    (breaches.list().iter().map(|breach: &Breach| breach.check).collect(), money)
}

fn rise() -> Option<Settled> {
    settled("WIN", Some("UP"), None, 100, 101)
}

#[test]
fn a_round_that_is_settled_right_has_no_breach() {
    let (breaches, money) = checked_with_fee(&entries(), &PAYOUTS, &rise(), Some(2_040), |_| ());
    assert_eq!(breaches, []);
    assert_eq!(money, Money { pool: 34_000, fee: 2_040, paid: 31_960 });
}

#[test]
fn a_cent_too_much_or_too_little_is_found() {
    let one_more = |index: usize| {
        checked(&entries(), &PAYOUTS, &rise(), |seen| {
            seen[index].payout_lamports += 1;
            seen[index].pnl_lamports = seen[index].pnl_lamports.map(|gain| gain + 1);
        })
    };
    for index in [0, 5, 7] {
        assert_eq!(one_more(index).0, [Check::PayoutWrong, Check::PoolNotConserved], "{index}");
    }
    let (breaches, _) = checked(&entries(), &PAYOUTS, &rise(), |seen| {
        seen[5].payout_lamports -= 1;
        seen[5].pnl_lamports = seen[5].pnl_lamports.map(|gain| gain - 1);
    });
    assert_eq!(breaches, [Check::PayoutWrong, Check::PoolNotConserved]);
}

#[test]
fn the_remainder_belongs_to_a_newest_winner() {
    let mut payouts = PAYOUTS;
    (payouts[0], payouts[5]) = (3_197, 639);
    assert_eq!(checked(&entries(), &payouts, &rise(), |_| ()).0, [Check::PayoutWrong]);
    let same_instant = |seen: &mut Vec<EntryResult>| seen.iter_mut().for_each(|one| one.joined_at_ms = 9);
    assert_eq!(checked(&entries(), &payouts, &rise(), same_instant).0, []);
    payouts[5] = 640;
    assert_eq!(
        checked(&entries(), &payouts, &rise(), same_instant).0,
        [Check::PayoutWrong, Check::PoolNotConserved]
    );
}

#[test]
fn status_gain_and_content_have_to_fit() {
    let spoiled =
        |spoil: fn(&mut EntryResult)| checked(&entries(), &PAYOUTS, &rise(), |seen| spoil(&mut seen[0])).0;
    assert_eq!(spoiled(|one| one.status = "LOSS".to_owned()), [Check::PayoutWrong]);
    assert_eq!(spoiled(|one| one.pnl_lamports = Some(0)), [Check::PayoutWrong]);
    assert_eq!(spoiled(|one| one.pnl_lamports = None), [Check::PayoutWrong]);
    assert_eq!(spoiled(|one| one.direction = "DOWN".to_owned()), [Check::EntryDiffers]);
    assert_eq!(spoiled(|one| one.stake_lamports = 1), [Check::EntryDiffers]);
    assert_eq!(spoiled(|one| one.round_id = "BTC-1700000040-5m".to_owned()), [Check::EntryDiffers]);
    let another_time = |one: &mut EntryResult| {
        if let Some(settled) = &mut one.settlement {
            settled.settled_at_ms += 1;
        }
    };
    assert_eq!(
        checked(&entries(), &PAYOUTS, &rise(), |seen| another_time(&mut seen[3])).0,
        [Check::SettlementsDiffer]
    );
}

#[test]
fn the_winner_follows_from_the_prices_and_a_two_sided_round() {
    let wrong = |settlement: Option<Settled>| checked(&entries(), &PAYOUTS, &settlement, |_| ()).0;
    for settlement in [settled("WIN", Some("UP"), None, 101, 100), settled("WIN", Some("UP"), None, 100, 100)]
    {
        assert_eq!(wrong(settlement), [Check::SettlementWrong]);
    }
    for settlement in [
        settled("WIN", None, None, 100, 101),
        settled("REFUND", None, Some("one_sided"), 0, 0),
        settled("REFUND", None, Some("tie"), 100, 101),
        settled("REFUND", None, None, 0, 0),
        settled("WIN", Some("EVEN"), None, 100, 101),
    ] {
        assert!(wrong(settlement.clone()).contains(&Check::SettlementWrong), "{settlement:?}");
    }
    let one_sided = [entry(0, Side::Up, 5), entry(1, Side::Up, 10)];
    assert!(checked(&one_sided, &[470, 940], &rise(), |_| ()).0.contains(&Check::SettlementWrong));
}

#[test]
fn a_refund_is_everybodys_own_stake_without_a_fee() {
    let one_sided = [entry(0, Side::Up, 5), entry(1, Side::Up, 10)];
    let refund = settled("REFUND", None, Some("one_sided"), 0, 0);
    let (breaches, money) = checked_with_fee(&one_sided, &[500, 1_000], &refund, Some(0), |_| ());
    assert_eq!((breaches, money), (vec![], Money { pool: 1_500, fee: 0, paid: 1_500 }));
    let swapped = checked(&one_sided, &[1_000, 500], &refund, |_| ()).0;
    assert_eq!(swapped, [Check::PayoutWrong]);
    let tie = settled("REFUND", None, Some("tie"), 100, 100);
    let stakes: Vec<u64> = entries().iter().map(Entry::cents).collect();
    assert_eq!(checked(&entries(), &stakes, &tie, |_| ()).0, []);
}

#[test]
fn a_booked_fee_that_is_another_is_found() {
    let (breaches, _) = checked_with_fee(&entries(), &PAYOUTS, &rise(), Some(2_039), |_| ());
    assert_eq!(breaches, [Check::FeeDiffers]);
}

#[test]
fn the_expected_pool_counts_stakes_by_side_and_wallets() {
    let entries = entries();
    let sent: Vec<&Entry> = entries.iter().collect();
    let pool = Round { id: ROUND, sent: &sent, seen: &[], fee: None }.expected_pool();
    let expected = PoolStats { total_bucks: 340, up_bucks: 250, down_bucks: 90, players: 10, entries: 10 };
    assert_eq!(pool, expected);
    let read: PoolStats = serde_json::from_value(json!({
        "roundId": ROUND, "market": "SOL", "totalBucks": 340, "upBucks": 250, "downBucks": 90, "players": 10, "entries": 10
    }))
    .unwrap();
    assert_eq!(read, expected);
}
