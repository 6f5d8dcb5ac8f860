//! The worked examples of docs/spec/rounds.md section 12, number by number.

use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::oracle::UpstreamError;
use bursar_rounds::settings::SETTLE_LIMIT;
use bursar_rounds::settle::{SettleError, SettleReport, Settler, SettlerParts, TreasuryGuard};
use bursar_store::lane::{Lane, LaneOptions};

use crate::fixture::{Bet, Desk, START, down, for_each_desk, join_work, round, up};

const CREATED: Result<Joined, JoinRejection> = Ok(Joined { created: true });
const SEEN: Result<Joined, JoinRejection> = Ok(Joined { created: false });

/// The entries of example C1 in their order: wallets 1 to 6 UP, 7 to 10 DOWN.
fn c1() -> Vec<Bet> {
    let ups = (1..).zip([25, 10, 100, 100, 10, 5]).map(|(wallet, bucks)| up(wallet, bucks));
    let downs = (7..).zip([50, 25, 10, 5]).map(|(wallet, bucks)| down(wallet, bucks));
    ups.chain(downs).collect()
}

fn assert_c1(desk: &Desk) {
    let sol = round(Market::Sol, 0);
    desk.prices.rise(sol);
    assert_eq!(desk.settle_at(sol.end_ms()), ["SOL-1700000040-5m"]);
    let won = [3_196, 1_278, 12_784, 12_784, 1_278, 640];
    (1..).zip(won).for_each(|(wallet, payout)| assert_eq!(desk.outcome(wallet), ("WIN", payout)));
    (7..=10).for_each(|wallet| assert_eq!(desk.outcome(wallet), ("LOSS", 0)));
    assert_eq!((desk.treasury(), desk.pools(sol)), (2_040, [0, 0]));
    desk.assert_all_settled();
}

#[test]
fn c1_winners_share_the_pool_less_the_fee_and_the_newest_of_them_gets_the_remainder() {
    for_each_desk(|desk| {
        desk.accept(&c1());
        assert_c1(desk);
    });
}

#[test]
fn c1_holds_also_when_every_entry_comes_in_a_batch_of_its_own_and_sides_alternate() {
    for_each_desk(|desk| {
        let bets = c1();
        let (ups, downs) = bets.split_at(6);
        for index in 0..6 {
            desk.accept(&downs[index.min(4)..(index + 1).min(4)]);
            desk.accept(&ups[index..=index]);
        }
        assert_c1(desk);
    });
}

#[test]
fn c3_ten_up_against_twenty_five_down_pays_3290_either_way_and_the_treasury_gets_210() {
    for_each_desk(|desk| {
        let (rising, falling) = (round(Market::Sol, 0), round(Market::Btc, 0));
        desk.accept(&[up(1, 10), down(2, 25), up(3, 10).round(falling), down(4, 25).round(falling)]);
        desk.prices.rise(rising);
        desk.prices.fall(falling);
        assert_eq!(desk.settle_at(rising.end_ms()).len(), 2);
        let pnl = |wallet: u32| desk.results(wallet).totals.pnl_lamports;
        assert_eq!((desk.outcome(1), pnl(1)), (("WIN", 3_290), 2_290));
        assert_eq!((desk.outcome(2), pnl(2)), (("LOSS", 0), -2_500));
        assert_eq!((desk.outcome(3), pnl(3)), (("LOSS", 0), -1_000));
        assert_eq!((desk.outcome(4), pnl(4)), (("WIN", 3_290), 790));
        assert_eq!(desk.treasury(), 420);
        desk.assert_all_settled();
    });
}

#[test]
fn c8_one_side_alone_is_refunded_at_its_end_also_while_the_oracle_is_down() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        desk.accept(&[up(1, 5), up(2, 10)]);
        desk.prices.fail(&Market::ALL, &UpstreamError::Timeout);
        assert_eq!(desk.settle_at(sol.end_ms() - 1), Vec::<String>::new());
        assert_eq!(desk.settle_at(sol.end_ms()), [sol.id()]);
        assert_eq!(desk.prices.take_asked(), []);
        for (wallet, stake) in [(1, 500), (2, 1_000)] {
            assert_eq!(desk.outcome(wallet), ("REFUND", stake));
            let entry = desk.results(wallet).rounds.remove(0);
            let facts = entry.settlement.unwrap();
            assert_eq!((entry.pnl_lamports, facts.mode, facts.winner_side), (Some(0), "REFUND", None));
            assert_eq!(
                (facts.reason, facts.start_price.get(), facts.end_price.get()),
                (Some("one_sided"), "0", "0")
            );
        }
        assert_eq!(desk.treasury(), 0);
        desk.assert_all_settled();
    });
}

#[test]
fn c13_joins_are_accepted_from_the_start_up_to_the_last_millisecond_before_the_lock() {
    for_each_desk(|desk| {
        let join_at = |ms: i64| desk.at(ms).join(&up(1, 5));
        assert_eq!(join_at(1_700_000_039_999), Err(JoinRejection::OutsideOpenWindow));
        assert_eq!(join_at(1_700_000_040_000), CREATED);
        assert_eq!(join_at(1_700_000_099_999), CREATED);
        assert_eq!(join_at(1_700_000_100_000), Err(JoinRejection::OutsideOpenWindow));
        assert_eq!(JoinRejection::OutsideOpenWindow.status(), 400);
        assert_eq!(desk.stats(round(Market::Sol, 0)).entries, 2);
    });
}

#[test]
fn c16_what_is_not_exactly_a_join_is_refused_with_400() {
    for_each_desk(|desk| {
        let bet = up(1, 5);
        let refused = |bend: fn(&mut bursar_rounds::join::JoinRequest)| {
            let rejection = desk.batch(&[bet.bent(bend)]).remove(0).unwrap_err();
            (rejection.status(), rejection.code())
        };
        assert_eq!(refused(|join| join.id = "x".repeat(129)), (400, "invalid_payload"));
        assert_eq!(refused(|join| join.stake_bucks = Some(20)), (400, "invalid_stake_tier"));
        assert_eq!(refused(|join| join.direction = "up".into()), (400, "invalid_direction"));
        assert_eq!(refused(|join| join.market = "sol".into()), (400, "invalid_market"));
        assert_eq!(
            refused(|join| join.feed_id = Market::Btc.feed_id().into()),
            (400, "market_feed_mismatch")
        );
        assert_eq!(desk.join(&bet.clone().id(&"x".repeat(128))), CREATED);
        assert_eq!(desk.join(&bet.clone().id(&"é".repeat(128))), CREATED);
    });
}

#[test]
fn c17_the_same_id_sent_a_hundred_times_at_once_makes_one_entry() {
    for_each_desk(|desk| {
        let work = join_work(&desk.switchboard, "lane");
        let lane =
            Lane::start(desk.store.clone(), work, LaneOptions { queue_max: 200, batch_max: 7 }).unwrap();
        let bet = up(1, 10);
        let replies: Vec<_> = std::thread::scope(|threads| {
            let callers: Vec<_> =
                (0..100).map(|_| threads.spawn(|| lane.call(bet.command()).unwrap())).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let count = |reply| replies.iter().filter(|given| **given == reply).count();
        assert_eq!((count(CREATED), count(SEEN)), (1, 99));
        let stats = desk.stats(round(Market::Sol, 0));
        assert_eq!((stats.entries, stats.players, stats.up_bucks), (1, 1, 10));
        let conflict = desk.join(&Bet { bucks: 25, ..bet }).unwrap_err();
        assert_eq!((conflict.status(), conflict.code()), (409, "entry_id_conflict"));
    });
}

#[test]
fn c23_301_due_rounds_are_settled_300_then_1_then_0_oldest_first() {
    for_each_desk(|desk| {
        let rounds: Vec<_> =
            (0..51).flat_map(|cycle| Market::ALL.map(|market| round(market, cycle))).take(301).collect();
        for rounds in rounds.chunks(6) {
            desk.at(rounds[0].start_ms());
            desk.accept(&rounds.iter().map(|round| up(1, 5).round(*round)).collect::<Vec<_>>());
        }
        desk.at(rounds[300].end_ms());
        assert_eq!((desk.health().status, desk.health().totals.pending_due_rounds), ("degraded", 301));
        let ids: Vec<String> = rounds.iter().map(|round| round.id()).collect();
        assert_eq!(desk.settle().unwrap(), SettleReport { checked: 300, settled: ids[..300].to_vec() });
        assert_eq!(desk.settle().unwrap(), SettleReport { checked: 1, settled: ids[300..].to_vec() });
        assert_eq!(desk.settle().unwrap(), SettleReport::default());
        assert_eq!((desk.health().status, desk.status().status), ("ok", "ok"));
        desk.assert_all_settled();
    });
}

#[test]
fn c28_with_another_treasury_than_expected_nothing_is_posted_until_it_is_corrected() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        desk.accept(&[up(1, 10), down(2, 25)]);
        desk.prices.rise(sol);
        desk.at(sol.end_ms());
        let before = desk.dump();
        let with = |treasury| {
            let parts = desk.settler_parts(&desk.store, "settler");
            Settler::new(SettlerParts { treasury, ..parts }).run_due(None)
        };
        assert!(matches!(with(TreasuryGuard::Mismatch), Err(SettleError::TreasuryMismatch)));
        assert_eq!((desk.dump(), desk.health().totals.pending_due_rounds), (before, 1));
        assert_eq!(with(TreasuryGuard::Matches).unwrap().settled, [sol.id()]);
        assert_eq!(desk.treasury(), 210);
    });
}

#[test]
fn r15_a_settle_call_takes_as_many_rounds_as_the_limit_says_oldest_first() {
    for_each_desk(|desk| {
        let rounds: Vec<_> = (0..5).map(|cycle| round(Market::Eth, cycle)).collect();
        for round in &rounds {
            desk.at(round.start_ms()).accept(&[up(1, 5).round(*round)]);
        }
        desk.set(SETTLE_LIMIT, 2);
        let ids: Vec<String> = rounds.iter().map(|round| round.id()).collect();
        let settled: Vec<_> = (0..4).map(|_| desk.settle_at(START + 3_600_000)).collect();
        assert_eq!(settled, [&ids[..2], &ids[2..4], &ids[4..], &[]]);
    });
}
