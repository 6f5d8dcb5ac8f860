//! Which rounds are asked for in a run, and what it takes to give one up (docs/spec/rounds.md 3.2).

use bursar_rounds::market::Market;
use bursar_rounds::oracle::{OFFSETS_S, UpstreamError};
use bursar_rounds::settle::{Settler, Verdict};
use bursar_rounds::timing::Round;

use crate::fixture::{Desk, down, for_each_desk, round, up};

const NONE: [String; 0] = [];
const HOURS_LATE_MS: i64 = 7_200_000;

fn two_sided(desk: &Desk, round: Round) -> Round {
    desk.at(round.start_ms()).accept(&[up(1, 10).round(round), down(2, 25).round(round)]);
    round
}

fn run_at(desk: &Desk, settler: &Settler, ms: i64) -> Vec<String> {
    desk.at(ms);
    settler.run_due(None).unwrap().settled
}

/// The markets asked about since the last call, in order.
fn asked(desk: &Desk) -> Vec<Market> {
    let mut markets: Vec<Market> = desk.prices.take_asked().into_iter().map(|(market, _)| market).collect();
    markets.dedup();
    markets
}

#[test]
fn silent_markets_void_no_round_of_a_market_that_answers() {
    for_each_desk(|desk| {
        let rounds = Market::ALL.map(|market| two_sided(desk, round(market, 0)));
        rounds[2..].iter().for_each(|round| desk.prices.rise(*round));
        desk.prices.fail(&[Market::Sol, Market::Btc], &UpstreamError::Timeout);
        // Far past the void deadline, each run by a settler that knows nothing of the others.
        let mut next = Some(rounds[0].end_ms() + HOURS_LATE_MS);
        while let Some(now) = next {
            desk.settle_at(now);
            next = desk.next_due();
        }
        let is_win = |round| matches!(desk.settlement(round).unwrap().plan.verdict, Verdict::Win { .. });
        assert_eq!(rounds.map(is_win), [false, false, true, true, true, true]);
        desk.assert_all_settled();
    });
}

#[test]
fn a_market_that_answers_is_asked_before_those_that_were_silent() {
    for_each_desk(|desk| {
        let rounds = Market::ALL.map(|market| two_sided(desk, round(market, 0)));
        rounds[2..].iter().for_each(|round| desk.prices.rise(*round));
        desk.prices.fail(&[Market::Sol, Market::Btc], &UpstreamError::Timeout);
        let (settler, end) = (desk.settler(), rounds[0].end_ms());
        assert_eq!((run_at(desk, &settler, end), asked(desk)), (vec![], vec![Market::Sol, Market::Btc]));
        assert_eq!(desk.next_due(), Some(end + 5_000));
        let answering: Vec<String> = rounds[2..].iter().map(|round| round.id()).collect();
        assert_eq!(run_at(desk, &settler, end + 5_000), answering);
        assert_eq!(asked(desk)[..4], Market::ALL[2..]);
    });
}

#[test]
fn when_all_are_silent_each_market_is_asked_within_three_runs_of_four_questions() {
    for_each_desk(|desk| {
        let end = Market::ALL.map(|market| two_sided(desk, round(market, 0)))[0].end_ms();
        desk.prices.fail(&Market::ALL, &UpstreamError::Timeout);
        let settler = desk.settler();
        for (run, markets) in (0..).zip(Market::ALL.chunks(2)) {
            assert_eq!(run_at(desk, &settler, end + run * 5_000), NONE);
            let questions = desk.prices.take_asked();
            assert_eq!(questions.len(), 4);
            assert_eq!([questions[0].0, questions[2].0], markets);
        }
    });
}

#[test]
fn rate_limited_markets_take_turns_too() {
    for_each_desk(|desk| {
        let end = Market::ALL.map(|market| two_sided(desk, round(market, 0)))[0].end_ms();
        desk.prices.fail(&Market::ALL, &UpstreamError::RateLimited { retry_after_s: None });
        let settler = desk.settler();
        for (run, market) in (0..).zip(Market::ALL) {
            assert_eq!(run_at(desk, &settler, end + run * 15_000), NONE);
            assert_eq!(asked(desk), [market]);
        }
    });
}

#[test]
fn a_bad_answer_when_an_overdue_round_is_first_asked_for_does_not_void_it() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        for offset in OFFSETS_S {
            let page = Ok("<html>maintenance</html>".into());
            desk.prices.answer(Market::Sol, sol.start_price_s() + offset, page);
        }
        assert_eq!(desk.settle_at(sol.end_ms() + HOURS_LATE_MS), NONE);
        desk.prices.rise(sol);
        assert_eq!(desk.settle_at(sol.end_ms() + HOURS_LATE_MS + 5_000), [sol.id()]);
        assert_eq!(desk.outcome(1), ("WIN", 3_290));
    });
}

#[test]
fn an_overdue_round_whose_price_does_not_exist_is_refunded_at_the_fifth_try() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        let mut now = sol.end_ms() + HOURS_LATE_MS;
        for wait_ms in [5_000, 10_000, 20_000, 40_000] {
            assert_eq!(desk.settle_at(now), NONE);
            now += wait_ms;
            assert_eq!(desk.next_due(), Some(now));
        }
        assert_eq!((desk.settle_at(now), desk.outcome(1)), (vec![sol.id()], ("REFUND", 1_000)));
    });
}

#[test]
fn silence_counts_for_all_rounds_of_a_market_but_each_is_refunded_by_a_question_of_its_own() {
    for_each_desk(|desk| {
        let [older, newer] = [0, 1].map(|cycle| two_sided(desk, round(Market::Sol, cycle)));
        desk.prices.fail(&[Market::Sol], &UpstreamError::Timeout);
        let mut now = newer.end_ms() + HOURS_LATE_MS;
        for settled in [vec![], vec![], vec![], vec![], vec![older.id()]] {
            assert_eq!(desk.settle_at(now), settled);
            assert!(desk.prices.take_asked().iter().all(|(_, second)| *second <= older.start_price_s()));
            now = desk.next_due().unwrap();
        }
        assert_eq!(desk.settle_at(now), [newer.id()]);
        assert_eq!(desk.prices.take_asked()[0], (Market::Sol, newer.start_price_s()));
        desk.assert_all_settled();
    });
}
