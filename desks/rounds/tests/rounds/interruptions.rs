//! Whatever goes wrong before any step of a settlement or of a batch of joins: done again, it ends the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use bursar_rounds::join::Joined;
use bursar_rounds::market::Market;
use bursar_rounds::settle::{FEE, MERGE, PAYOUT, REFUND};
use bursar_rounds::timing::Round;
use bursar_store::EngineKind;

use crate::fixture::{Bet, Desk, STRIKES, Strike, down, round, up};

/// Runs `act` with `strike` before its step number `step`, then again undisturbed. Says whether there was such a step.
fn strike<T>(desk: &Desk, step: usize, strike: Strike, act: impl Fn() -> T) -> (bool, T) {
    let struck = desk.hook.strike_at(step, strike);
    // Only the strike of this test unwinds; what it leaves behind is what a dead process leaves.
    drop(catch_unwind(AssertUnwindSafe(&act)));
    desk.hook.clear();
    (struck.load(Ordering::SeqCst), act())
}

/// Rounds in a row, six for each start; each has three entries on UP and one on DOWN.
struct Rounds<'a> {
    desk: &'a Desk,
    made: Vec<Round>,
}

impl Rounds<'_> {
    /// A fresh round, due now and the only one that is.
    fn next_due(&mut self, is_won: bool) -> Round {
        let index = self.made.len();
        let cycle = i64::try_from(index / 6).unwrap() * 3;
        let round = round(Market::ALL[index % 6], cycle);
        if index.is_multiple_of(6) {
            let of = |market| {
                let round = crate::fixture::round(market, cycle);
                [up(1, 5), up(2, 10), down(3, 10), up(1, 25)].map(|bet| bet.round(round))
            };
            self.desk.at(round.start_ms()).accept(&Market::ALL.map(of).concat());
        }
        if is_won {
            self.desk.prices.rise(round)
        } else {
            self.desk.prices.tie(round)
        }
        self.desk.at(round.end_ms());
        self.made.push(round);
        round
    }
}

/// Settles one round after another, each struck before one step later than the last, until none is left to strike;
/// once for each of `passes`, whose strikes take turns.
fn settlement_survives(kind: EngineKind, is_won: bool, passes: &[&[Strike]]) {
    let desk = Desk::on(kind);
    let mut rounds = Rounds { desk: &desk, made: Vec::new() };
    let mut steps = 0;
    for strikes in passes {
        for step in 0.. {
            let kind = strikes[step % strikes.len()];
            let round = rounds.next_due(is_won);
            let settle = || desk.settler().paying_in_chunks_of(2).run_due(Some(1)).is_ok();
            let (struck, is_settled) = strike(&desk, step, kind, || is_done(&desk, round) || settle());
            assert!(is_settled && is_done(&desk, round), "{kind:?} before step {step}");
            if !struck {
                break;
            }
            steps += 1;
        }
    }
    assert!(steps > passes.len() * 50, "a settlement has many steps, struck were {steps}");
    // What was joined in advance and not used.
    while desk.next_due().is_some() {
        desk.at(desk.test.now().ms() + 960_000).settle().unwrap();
    }
    assert_outcomes(&desk, &rounds.made, is_won);
}

fn is_done(desk: &Desk, round: Round) -> bool {
    desk.settlement(round).is_some_and(|settlement| settlement.cursor.is_none())
}

/// Every round has the outcome of an undisturbed one.
fn assert_outcomes(desk: &Desk, rounds: &[Round], is_won: bool) {
    // Pool 5000, fee 300 and 4700 for 4000 staked: 587, 1175, 2937, and the 1 that is left to the newest.
    let payouts = if is_won { [587, 1_175, 0, 2_938] } else { [500, 1_000, 1_000, 2_500] };
    let entries: Vec<_> = (1..=3).flat_map(|wallet| desk.results(wallet).rounds).collect();
    for round in rounds {
        let mut paid: Vec<(i64, u128)> = entries
            .iter()
            .filter(|entry| entry.round_id == round.id())
            .map(|entry| (entry.stake_usd, entry.payout_lamports))
            .collect();
        paid.sort_unstable();
        let mut expected: Vec<_> = [5, 10, 10, 25].into_iter().zip(payouts).collect();
        expected.sort_unstable();
        assert_eq!((paid, desk.pools(*round)), (expected, [0, 0]), "{}", round.id());
    }
    (1..=3).for_each(|wallet| desk.assert_totals(wallet));
    let settled = desk.health().totals.due_round_count;
    let won = i64::try_from(rounds.len()).unwrap() * i64::from(is_won);
    let counts = [PAYOUT, REFUND, FEE, MERGE].map(|kind| desk.transfers(kind));
    assert_eq!(counts, [won * 3, (settled - won) * 4, won, won]);
    assert_eq!(desk.treasury(), i128::from(won) * 300);
    desk.assert_all_settled();
}

#[test]
fn a_won_round_on_sqlite_ends_the_same_after_any_interruption() {
    settlement_survives(EngineKind::Sqlite, true, &STRIKES.each_ref().map(std::slice::from_ref));
}

#[test]
fn a_won_round_on_postgres_ends_the_same_after_any_interruption() {
    settlement_survives(EngineKind::Postgres, true, &[&STRIKES[..1], &STRIKES[1..]]);
}

#[test]
fn a_tied_round_on_sqlite_ends_the_same_after_any_interruption() {
    settlement_survives(EngineKind::Sqlite, false, &[&STRIKES[..1], &STRIKES[1..]]);
}

/// A batch of two wallets, one of them known, with a replay and a refusal in it.
fn batch(index: u32) -> Vec<Bet> {
    let (fresh, known) = (100 + index, 1);
    let first = up(fresh, 5);
    vec![first.clone(), down(known, 10), up(fresh, 25), first.clone(), Bet { bucks: 7, ..first }]
}

fn joins_survive(kind: EngineKind) {
    let desk = Desk::on(kind);
    desk.accept(&[up(1, 5)]);
    let mut batches = 0_u32;
    for kind in STRIKES {
        for step in 0.. {
            let commands: Vec<_> = batch(batches).iter().map(Bet::command).collect();
            let (struck, replies) = strike(&desk, step, kind, || desk.try_batch(&commands));
            let replies: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
            batches += 1;
            assert_eq!(replies[3], Ok(Joined { created: false }), "{kind:?} before step {step}");
            assert!(replies[..3].iter().all(Result::is_ok) && replies[4].is_err(), "{replies:?}");
            let ids: Vec<_> = desk.outcomes(99 + batches).into_iter().map(|(id, ..)| id).collect();
            assert_eq!(ids.len(), 2, "{kind:?} before step {step}: {ids:?}");
            if !struck {
                break;
            }
        }
    }
    assert!(batches > 5 * 15, "a batch has many steps, struck were {batches}");
    let sol = round(Market::Sol, 0);
    let (stats, batches) = (desk.stats(sol), i64::from(batches));
    assert_eq!((stats.entries, stats.players), (1 + 3 * batches, 1 + batches));
    assert_eq!((stats.up_bucks, stats.down_bucks), (5 + 30 * batches, 10 * batches));
    assert_eq!(desk.pools(sol), [i128::from(stats.up_bucks) * 100, i128::from(stats.down_bucks) * 100]);
    assert_eq!(i64::try_from(desk.results(1).rounds.len()).unwrap(), 1 + batches);
    desk.assert_books();
}

#[test]
fn a_batch_of_joins_on_sqlite_is_accepted_once_after_any_interruption() {
    joins_survive(EngineKind::Sqlite);
}

#[test]
fn a_batch_of_joins_on_postgres_is_accepted_once_after_any_interruption() {
    joins_survive(EngineKind::Postgres);
}
