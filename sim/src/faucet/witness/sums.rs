//! What must add up in one snapshot of the desk, computed without the desk's code.

use std::collections::{BTreeMap, HashMap};

use super::rows::{Accrual, Desk, Share, State, Tally, Totals};
use crate::faucet::terms::RAW_OF_E8;
use crate::invariant::{Breach, require};

/// Holds everything that must add up.
pub fn add_up(desk: &Desk) -> Result<(), Breach> {
    let mut by_tally: HashMap<(i64, bool), Vec<&Accrual>> = HashMap::new();
    for row in desk.accruals.values() {
        by_tally.entry((row.user, row.dry_run)).or_default().push(row);
    }
    payouts_have_their_rows(desk)?;
    for tally in &desk.tallies {
        let rows = by_tally.remove(&(tally.user, tally.dry_run)).unwrap_or_default();
        holdings_are_rows(tally, &rows)?;
        kills_are_covered(tally, &rows)?;
    }
    require!(Accrued, by_tally.is_empty(), "rows without a tally: {:?}", by_tally.keys());
    for dry_run in [false, true] {
        everybody_adds_up(desk, dry_run)?;
    }
    let due = desk.totals.get(&false).map_or(0, |totals| totals.open + totals.reserved);
    let due = u128::try_from(due).unwrap_or(0) * RAW_OF_E8;
    require!(LedgerZero, desk.owed == due, "the book owes {}, the desk {due}", desk.owed);
    Ok(())
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Accrual>) -> Share {
    rows.into_iter().fold((0, 0), |sum, row| (sum.0 + row.kills, sum.1 + row.amount))
}

fn payouts_have_their_rows(desk: &Desk) -> Result<(), Breach> {
    let mut of_payout: BTreeMap<i64, Vec<&Accrual>> = BTreeMap::new();
    for row in desk.accruals.values() {
        let is_right = match row.state {
            State::Open | State::WrittenOff => row.payout.is_none(),
            State::Reserved | State::Settled => row.payout.is_some(),
        };
        require!(PaidOnce, is_right, "{row:?} and its payout do not fit");
        require!(Accrued, row.amount == row.kills * row.rate && row.kills == row.to - row.from, "{row:?}");
        if let Some(payout) = row.payout {
            of_payout.entry(payout).or_default().push(row);
        }
    }
    for payout in desk.payouts.values() {
        let rows = of_payout.remove(&payout.id).unwrap_or_default();
        let taken = sum(rows.iter().copied());
        let is_pruned = payout.status == "confirmed" && rows.is_empty();
        let is_whole = match payout.status.as_str() {
            "failed" => rows.is_empty(),
            _ => is_pruned || taken == (payout.kills, payout.amount),
        };
        require!(PaidOnce, is_whole, "{payout:?} has rows of {taken:?}: others pay them too");
        let expected = if payout.is_under_way() { State::Reserved } else { State::Settled };
        let is_same = |row: &&Accrual| row.user == payout.user && row.state == expected;
        require!(PaidOnce, rows.iter().all(is_same), "{payout:?} has {rows:?}");
        let is_apart = rows.iter().all(|row| row.dry_run == payout.dry_run);
        require!(DryRunApart, is_apart, "{payout:?} has rows of the other mode: {rows:?}");
        // What the chain alone shows has no order here.
        let is_ordered = payout.intent.is_some() || payout.is_adopted;
        require!(DryRunApart, payout.dry_run != is_ordered, "{payout:?}");
    }
    require!(PaidOnce, of_payout.is_empty(), "rows of payouts that are not there: {of_payout:?}");
    Ok(())
}

fn holdings_are_rows(tally: &Tally, rows: &[&Accrual]) -> Result<(), Breach> {
    let of = |state: State| sum(rows.iter().copied().filter(|row| row.state == state));
    let folded = |share: Share| (share.0 + tally.folded.0, share.1 + tally.folded.1);
    let parts = [tally.open, tally.reserved, tally.settled, tally.written_off];
    let seen = [of(State::Open), of(State::Reserved), folded(of(State::Settled)), of(State::WrittenOff)];
    require!(Accrued, parts == seen, "{tally:?} has rows of {seen:?}");
    let whole = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    require!(Accrued, tally.total == whole, "{tally:?} adds up to {whole:?}");
    Ok(())
}

/// Every kill between baseline and cursor stands in exactly one row, or is pruned.
fn kills_are_covered(tally: &Tally, rows: &[&Accrual]) -> Result<(), Breach> {
    let Some((baseline, cursor)) = tally.kills else { return Ok(()) };
    let of_it = rows.iter().filter(|row| row.baseline == tally.number).map(|row| (row.from, row.to));
    let mut ranges: Vec<(i64, i64)> = of_it.chain(pruned(&tally.ranges)).collect();
    ranges.sort_unstable();
    let mut reached = baseline;
    for (from, to) in ranges {
        require!(
            KillsOnce,
            from == reached && to > from,
            "{tally:?} has kills {from} to {to} after {reached}"
        );
        reached = to;
    }
    require!(KillsOnce, reached == cursor, "{tally:?} has rows up to {reached}");
    Ok(())
}

/// Ranges of kills as a tally keeps them: `10-20,30-45`.
fn pruned(text: &str) -> impl Iterator<Item = (i64, i64)> + '_ {
    text.split(',').filter_map(|pair| {
        let (from, to) = pair.split_once('-')?;
        from.parse().ok().zip(to.parse().ok())
    })
}

fn everybody_adds_up(desk: &Desk, dry_run: bool) -> Result<(), Breach> {
    let mut whole = Totals::default();
    for tally in desk.tallies.iter().filter(|tally| tally.dry_run == dry_run) {
        whole.kills += tally.total.0;
        whole.accrued += tally.total.1;
        whole.open += tally.open.1;
        whole.reserved += tally.reserved.1;
        whole.paid += tally.settled.1;
    }
    let told = desk.totals.get(&dry_run).copied().unwrap_or_default();
    require!(Accrued, told == whole, "everybody's totals are {told:?}, the players' {whole:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;

    fn row(from: i64, to: i64) -> Accrual {
        let (id, user, kills, rate) = (from, 1, to - from, 5);
        let account = Some("a".to_owned());
        Accrual {
            id,
            user,
            dry_run: false,
            kills,
            amount: kills * rate,
            rate,
            part: 0,
            account,
            baseline: 1,
            from,
            to,
            state: State::Settled,
            payout: Some(1),
            minute: 1,
            settled_ms: Some(1),
        }
    }

    fn tally(ranges: &str) -> Tally {
        let none = (0, 0);
        Tally {
            user: 1,
            dry_run: false,
            number: 1,
            kills: Some((10, 30)),
            total: none,
            open: none,
            reserved: none,
            settled: none,
            written_off: none,
            folded: none,
            ranges: ranges.to_owned(),
        }
    }

    #[test]
    fn kills_from_baseline_to_cursor_stand_in_rows_or_are_pruned_and_each_once() {
        let broken = |ranges: &str, rows: &[Accrual]| {
            let rows: Vec<&Accrual> = rows.iter().collect();
            kills_are_covered(&tally(ranges), &rows).err().map(|breach| breach.invariant)
        };
        assert_eq!(broken("10-20", &[row(20, 25), row(25, 30)]), None);
        assert_eq!(broken("10-20", &[row(21, 30)]), Some(Invariant::KillsOnce));
        assert_eq!(broken("10-20", &[row(19, 30)]), Some(Invariant::KillsOnce));
        assert_eq!(broken("10-20", &[row(20, 29)]), Some(Invariant::KillsOnce));
    }
}
