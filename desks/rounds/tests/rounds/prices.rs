//! Prices that decide, prices that are missing, and an oracle that fails (docs/spec/rounds.md 3.2).

use bursar_devnet::prices::{PriceFeed, Scripted};
use bursar_money::Price;
use bursar_rounds::market::Market;
use bursar_rounds::oracle::{HermesClient, HermesConfig, OFFSETS_S, UpstreamError};
use bursar_rounds::settings::CONFIDENCE_MAX_BPS;
use bursar_rounds::settle::{Settler, SettlerParts, Verdict};
use bursar_rounds::timing::Round;

use crate::fixture::{Desk, down, for_each_desk, reply, round, up};

const NONE: [String; 0] = [];

/// A round with 10 on UP by wallet 1 and 25 on DOWN by wallet 2.
fn two_sided(desk: &Desk, round: Round) -> Round {
    desk.at(round.start_ms()).accept(&[up(1, 10).round(round), down(2, 25).round(round)]);
    round
}

#[test]
fn a_round_without_prices_stays_due_and_is_tried_again_after_5_10_20_40_and_60_seconds() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        assert_eq!(desk.next_due(), Some(sol.end_ms()));
        let mut now = sol.end_ms();
        for wait_s in [5, 10, 20, 40, 60, 60] {
            assert_eq!(desk.settle_at(now), NONE);
            let asked: Vec<i64> = desk.prices.take_asked().into_iter().map(|(_, second)| second).collect();
            assert_eq!(asked, OFFSETS_S.map(|offset| sol.start_price_s() + offset));
            now += wait_s * 1_000;
            assert_eq!(desk.next_due(), Some(now));
            assert_eq!((desk.settle_at(now - 1), desk.prices.take_asked()), (vec![], vec![]));
        }
        assert_eq!((desk.outcome(1), desk.pools(sol)), (("PENDING", 0), [1_000, 2_500]));
        assert_eq!(desk.count_events("sim_settle.price_unavailable"), 1);
        desk.prices.rise(sol);
        assert_eq!(desk.settle_at(now), [sol.id()]);
        assert_eq!((desk.outcome(1), desk.next_due()), (("WIN", 3_290), None));
        desk.assert_all_settled();
    });
}

#[test]
fn at_the_void_deadline_a_round_without_prices_is_refunded_for_good() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        let deadline = sol.end_ms() + 900_000;
        let mut now = sol.end_ms();
        while now < deadline {
            assert_eq!(desk.settle_at(now), NONE);
            now = desk.next_due().unwrap();
        }
        assert_eq!(now, deadline, "the last try is made right at the deadline");
        assert_eq!(desk.settle_at(now), [sol.id()]);
        assert_eq!((desk.outcome(1), desk.outcome(2)), (("REFUND", 1_000), ("REFUND", 2_500)));
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!((facts.mode, facts.winner_side), ("REFUND", None));
        assert_eq!((facts.reason, facts.settled_at_ms), (Some("oracle_unavailable"), deadline));
        assert_eq!((facts.start_price.get(), facts.end_price.get(), desk.treasury()), ("0", "0", 0));
        desk.assert_all_settled();

        let before = desk.dump();
        desk.prices.rise(sol);
        assert_eq!((desk.settle_at(now + 60_000), desk.dump()), (vec![], before));
    });
}

#[test]
fn both_prices_are_needed_one_alone_leaves_the_round_due() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        desk.prices.say(Market::Sol, sol.start_price_s(), 10_000, -2);
        assert_eq!(desk.settle_at(sol.end_ms()), NONE);
        desk.prices.say(Market::Sol, sol.end_price_s(), 9_000, -2);
        assert_eq!(desk.settle_at(sol.end_ms() + 5_000), [sol.id()]);
        assert_eq!(desk.outcome(2), ("WIN", 3_290));
    });
}

#[test]
fn r33_prices_are_those_of_lock_and_end_however_late_the_settlement() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        desk.prices.fall(sol);
        let a_day_later = sol.end_ms() + 86_400_000;
        desk.prices.say(Market::Sol, a_day_later / 1_000, 99_999_999, -2);
        assert_eq!(desk.settle_at(a_day_later), [sol.id()]);
        let (start, end) = (sol.start_price_s(), sol.end_price_s());
        assert_eq!(desk.prices.take_asked(), [(Market::Sol, start), (Market::Sol, end)]);
        assert_eq!(desk.outcome(2), ("WIN", 3_290));
    });
}

#[test]
fn the_settlement_keeps_the_evidence_of_both_prices() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        let feed = Market::Sol.feed_id();
        let second = sol.start_price_s() - 2;
        desk.prices.answer(Market::Sol, second, Ok(reply(feed, 20_000, 150, -2, second + 3)));
        desk.prices.say(Market::Sol, sol.end_price_s(), 200_001, -3);
        desk.settle_at(sol.end_ms());
        let plan = desk.settlement(sol).unwrap().plan;
        let (start, end) = plan.evidence.unwrap();
        assert_eq!((start.requested_second, start.publish_time, start.confidence), (second, second + 3, 150));
        assert_eq!((start.mantissa, start.exponent, end.mantissa, end.exponent), (20_000, -2, 200_001, -3));
        assert_eq!((plan.settled_at.ms(), plan.total.units()), (sol.end_ms(), 3_500));
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!((facts.start_price.get(), facts.end_price.get()), ("200", "200.001"));
    });
}

#[test]
fn equal_prices_are_a_tie_whatever_their_exponents_and_are_shown() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        desk.prices.tie(sol);
        desk.settle_at(sol.end_ms());
        assert_eq!((desk.outcome(1), desk.outcome(2)), (("REFUND", 1_000), ("REFUND", 2_500)));
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!(
            (facts.reason, facts.start_price.get(), facts.end_price.get()),
            (Some("tie"), "100", "100")
        );
        desk.assert_all_settled();
    });
}

#[test]
fn a_sample_that_is_stale_of_another_feed_not_positive_or_too_wide_decides_nothing() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        desk.prices.rise(sol);
        let (at, feed) = (sol.end_price_s(), Market::Sol.feed_id());
        let unusable = [
            reply(feed, 10_001, 0, -2, at + 11),
            reply(feed, 10_001, 0, -2, at - 11),
            reply(Market::Btc.feed_id(), 10_001, 0, -2, at),
            reply(feed, 0, 0, -2, at),
            reply(feed, -10_001, 0, -2, at),
            reply(feed, 10_000, 101, -2, at),
            reply(feed, 10_000, u64::MAX, -2, at),
            "{}".into(),
            "not JSON".into(),
        ];
        let mut now = sol.end_ms();
        for body in unusable {
            desk.prices.answer(Market::Sol, at, Ok(body.clone()));
            assert_eq!(desk.settle_at(now), NONE, "{body}");
            now = desk.next_due().unwrap();
        }
        desk.prices.answer(Market::Sol, at, Ok(reply(feed, 10_001, 100, -2, at + 10)));
        assert_eq!(desk.settle_at(now), [sol.id()]);
        assert_eq!(desk.outcome(1), ("WIN", 3_290));
    });
}

#[test]
fn the_bound_on_confidence_follows_its_setting_and_0_switches_it_off_for_any_confidence() {
    for_each_desk(|desk| {
        let (sol, btc) = (round(Market::Sol, 0), round(Market::Btc, 0));
        two_sided(desk, sol);
        two_sided(desk, btc);
        desk.prices.rise(btc);
        desk.prices.rise(sol);
        let wide = reply(Market::Sol.feed_id(), 10_001, u64::MAX, -2, sol.end_price_s());
        desk.prices.answer(Market::Sol, sol.end_price_s(), Ok(wide));
        desk.set(CONFIDENCE_MAX_BPS, 10_000);
        assert_eq!(desk.settle_at(sol.end_ms()), [btc.id()]);
        desk.set(CONFIDENCE_MAX_BPS, 0);
        assert_eq!(desk.settle_at(sol.end_ms() + 5_000), [sol.id()]);
    });
}

#[test]
fn one_market_without_prices_does_not_hold_up_the_others() {
    for_each_desk(|desk| {
        let rounds = Market::ALL.map(|market| two_sided(desk, round(market, 0)));
        rounds[1..].iter().for_each(|round| desk.prices.rise(*round));
        let ids: Vec<String> = rounds[1..].iter().map(|round| round.id()).collect();
        assert_eq!(desk.settle_at(rounds[0].end_ms()), ids);
    });
}

#[test]
fn a_silent_oracle_is_asked_for_two_markets_in_a_run_and_does_not_hold_up_refunds_of_one_sided_rounds() {
    for_each_desk(|desk| {
        let waiting = Market::ALL.map(|market| two_sided(desk, round(market, 0)));
        let alone = round(Market::Bonk, 1);
        desk.at(alone.start_ms()).accept(&[up(3, 5).round(alone)]);
        desk.prices.fail(&Market::ALL, &UpstreamError::Timeout);
        assert_eq!(desk.settle_at(alone.end_ms()), [alone.id()]);
        let (sol, btc) = ((Market::Sol, 1_700_000_100), (Market::Btc, 1_700_000_100));
        let asked = desk.prices.take_asked();
        assert_eq!(asked, [sol, (sol.0, sol.1 - 1), btc, (btc.0, btc.1 - 1)]);
        assert_eq!(desk.next_due(), Some(alone.end_ms() + 5_000), "all others wait for their next try");
        desk.prices.recover();
        waiting.iter().for_each(|round| desk.prices.rise(*round));
        assert_eq!(desk.settle_at(alone.end_ms() + 5_000).len(), 6);
    });
}

#[test]
fn a_silent_oracle_voids_rounds_from_the_deadline_on_two_markets_in_a_run_however_many_wait() {
    for_each_desk(|desk| {
        let waiting = Market::ALL.map(|market| two_sided(desk, round(market, 0)));
        desk.prices.fail(&Market::ALL, &UpstreamError::Unreachable("refused".into()));
        let (settler, deadline) = (desk.settler(), waiting[0].end_ms() + 900_000);
        let settled_at = |ms| {
            desk.at(ms);
            settler.run_due(None).unwrap().settled.len()
        };
        let mut now = waiting[0].end_ms();
        while now < deadline {
            assert_eq!(settled_at(now), 0);
            now = desk.next_due().unwrap();
        }
        let settled = [0, 5_000, 10_000].map(|late_ms| settled_at(deadline + late_ms));
        assert_eq!((now, settled), (deadline, [2, 2, 2]));
        desk.assert_all_settled();
    });
}

#[test]
fn r33_after_a_long_pause_a_service_that_limits_our_rate_makes_rounds_wait_and_voids_none() {
    for_each_desk(|desk| {
        let rounds: Vec<_> =
            (0..4).flat_map(|cycle| Market::ALL.map(|market| round(market, cycle))).collect();
        for round in &rounds {
            two_sided(desk, *round);
            desk.prices.rise(*round);
        }
        // Far past the void deadline of all of them, ten prices a minute and each run asking for as many as it can.
        let mut now = rounds[23].end_ms() + 7_200_000;
        let (mut settled, mut window) = (0, i64::MIN);
        while settled < 24 {
            if now / 60_000 != window {
                window = now / 60_000;
                desk.prices.allow(10);
            }
            settled += desk.settle_at(now).len();
            assert!(desk.prices.take_asked().len() <= 11);
            now = desk.next_due().unwrap_or(now);
        }
        for round in rounds {
            let verdict = desk.settlement(round).unwrap().plan.verdict;
            assert!(matches!(verdict, Verdict::Win { .. }), "{}: {verdict:?}", round.id());
        }
        desk.assert_all_settled();
    });
}

#[test]
fn a_service_that_asks_for_decades_of_patience_is_asked_again_within_2_minutes_and_voids_at_the_deadline() {
    for seconds in [86_400, 1_795_000_000, u64::MAX] {
        for_each_desk(|desk| {
            let sol = two_sided(desk, round(Market::Sol, 0));
            desk.prices.fail(&Market::ALL, &UpstreamError::RateLimited { retry_after_s: Some(seconds) });
            let mut now = sol.end_ms();
            while now < sol.end_ms() + 900_000 {
                assert_eq!(desk.settle_at(now), NONE);
                let next = desk.next_due().unwrap();
                assert!((now + 15_000..=now + 120_000).contains(&next), "{seconds}: {now} to {next}");
                now = next;
            }
            assert_eq!((now - sol.end_ms(), desk.settle_at(now)), (900_000, vec![sol.id()]));
            assert_eq!(desk.outcome(1).0, "REFUND");
        });
    }
}

#[test]
fn an_outage_just_when_an_overdue_round_is_first_asked_for_does_not_void_it() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        desk.prices.rise(sol);
        let mut now = sol.end_ms() + 7_200_000;
        desk.prices.fail(&Market::ALL, &UpstreamError::Status(503));
        for _ in 0..3 {
            assert_eq!(desk.settle_at(now), NONE);
            now = desk.next_due().unwrap();
        }
        desk.prices.recover();
        assert_eq!(desk.settle_at(now), [sol.id()]);
        assert_eq!(desk.outcome(1), ("WIN", 3_290));
    });
}

#[test]
fn a_real_feed_that_fails_and_recovers_decides_the_round_by_its_own_prices() {
    for_each_desk(|desk| {
        let sol = two_sided(desk, round(Market::Sol, 0));
        let script = Scripted::new();
        script.set(Market::Sol.feed_id(), sol.start_price_s(), Price::new(2_171_251, -4));
        script.set(Market::Sol.feed_id(), sol.end_price_s(), Price::new(2_171_250, -4));
        script.set_always(Market::Sol.feed_id(), Price::new(9_999_999, -4));
        let feed = PriceFeed::start(script, "127.0.0.1:0".parse().unwrap()).unwrap();
        let client = HermesClient::new(HermesConfig::new(feed.base_url())).unwrap();
        let prices = std::sync::Arc::new(client);
        let settler = Settler::new(SettlerParts { prices, ..desk.settler_parts(&desk.store, "settler") });
        desk.at(sol.end_ms());
        feed.fail_next(429, 1);
        assert_eq!((settler.run_due(None).unwrap().settled, feed.request_count()), (vec![], 1));
        assert_eq!(desk.next_due(), Some(sol.end_ms() + 60_000), "as long as the service says");
        desk.at(desk.next_due().unwrap());
        assert_eq!(settler.run_due(None).unwrap().settled, [sol.id()]);
        assert_eq!(desk.outcome(2), ("WIN", 3_290));
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!((facts.start_price.get(), facts.end_price.get()), ("217.1251", "217.125"));
    });
}
