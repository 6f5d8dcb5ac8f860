//! Everything that the price feed of the devnet can do wrong, and what a round makes of it (docs/spec/rounds.md 3.2).

use std::sync::Arc;
use std::time::Duration;

use bursar_devnet::prices::{BodyFault, Failing, Faults, PriceFeed, Scripted};
use bursar_money::Price;
use bursar_rounds::market::Market;
use bursar_rounds::oracle::{HermesClient, HermesConfig};
use bursar_rounds::settle::{Settler, SettlerParts};
use bursar_rounds::timing::Round;
use bursar_store::EngineKind;

use crate::fixture::{Desk, down, round, up};

/// A fault, the questions that one try costs, and how long the round then waits, in milliseconds.
struct Case {
    name: &'static str,
    faults: Faults,
    questions: u64,
    wait_ms: i64,
}

fn always(status: u16) -> Faults {
    Faults { fail: Some(Failing { status, requests: u32::MAX }), ..Faults::default() }
}

fn body(body: BodyFault) -> Faults {
    Faults { body, ..Faults::default() }
}

/// Nine questions for the first price, unless asking on is useless: a feed that is silent twice, or limits our rate.
fn cases() -> Vec<Case> {
    let case = |name, faults, questions, wait_ms| Case { name, faults, questions, wait_ms };
    let healthy = Faults::default;
    vec![
        case("goes silent", Faults { silent: true, ..healthy() }, 2, 5_000),
        case("lags beyond the time limit", Faults { lag_ms: 60_000, ..healthy() }, 2, 5_000),
        case("limits our rate for 60 s", always(429), 1, 60_000),
        case("fails with 500", always(500), 9, 5_000),
        case("fails with 503", always(503), 9, 5_000),
        case("redirects to the latest price", always(302), 9, 5_000),
        case("wants a key", Faults { required_key: Some("key".into()), ..healthy() }, 9, 5_000),
        case("answers about another feed", Faults { wrong_id: true, ..healthy() }, 9, 5_000),
        case("is stale by more than 10 s", Faults { stale_by_seconds: 21, ..healthy() }, 9, 5_000),
        case("is unsure by more than 100 bps", Faults { confidence_bps: Some(101), ..healthy() }, 9, 5_000),
        case("sends no JSON", body(BodyFault::Garbage), 9, 5_000),
        case("sends half of its JSON", body(BodyFault::CutJson), 9, 5_000),
        case("breaks off", body(BodyFault::CutTransfer), 9, 5_000),
        case("sends a megabyte", body(BodyFault::Oversized), 9, 5_000),
    ]
}

/// A feed at which SOL falls from 217.1251 to 217.1250 in the first round, and stands at 999.9999 at all other times.
fn falling_feed(sol: Round) -> PriceFeed {
    let script = Scripted::new();
    script.set_always(Market::Sol.feed_id(), Price::new(9_999_999, -4));
    // At the seconds around the instants too, so that no offset ever helps a fault out.
    for offset in -10..=10 {
        let feed = Market::Sol.feed_id();
        script.set(feed, sol.start_price_s() + offset, Price::new(2_171_251, -4));
        script.set(feed, sol.end_price_s() + offset, Price::new(2_171_250, -4));
    }
    PriceFeed::start(script, "127.0.0.1:0".parse().unwrap()).unwrap()
}

fn settler(desk: &Desk, feed: &PriceFeed, timeout: Duration) -> Settler {
    let config = HermesConfig { timeout, ..HermesConfig::new(feed.base_url()) };
    let prices = Arc::new(HermesClient::new(config).unwrap());
    Settler::new(SettlerParts { prices, ..desk.settler_parts(&desk.store, "settler") })
}

/// Short where the feed is never to answer in time, else long enough for a busy machine.
fn timeout(faults: &Faults) -> Duration {
    let is_silent = faults.silent || faults.lag_ms > 1_000;
    if is_silent { Duration::from_millis(100) } else { Duration::from_secs(30) }
}

/// A round of 10 UP against 25 DOWN on a fresh desk, due.
fn due() -> (Desk, Round, PriceFeed) {
    let desk = Desk::on(EngineKind::Sqlite);
    let sol = round(Market::Sol, 0);
    desk.accept(&[up(1, 10), down(2, 25)]);
    desk.at(sol.end_ms());
    let feed = falling_feed(sol);
    (desk, sol, feed)
}

#[test]
fn a_feed_that_fails_leaves_the_round_due_and_once_it_recovers_decides_by_the_prices_of_its_instants() {
    for Case { name, faults, questions, wait_ms } in cases() {
        let (desk, sol, feed) = due();
        feed.set_faults(faults.clone());
        let report = settler(&desk, &feed, timeout(&faults)).run_due(None).unwrap();
        assert_eq!((report.checked, report.settled), (1, vec![]), "{name}");
        assert_eq!(feed.request_count(), questions, "{name}");
        assert!(!feed.asked().contains(&"latest".to_owned()), "{name}");
        assert_eq!(desk.next_due(), Some(sol.end_ms() + wait_ms), "{name}");
        assert_eq!((desk.outcome(1), desk.pools(sol)), (("PENDING", 0), [1_000, 2_500]), "{name}");

        feed.set_faults(Faults::default());
        desk.at(sol.end_ms() + wait_ms);
        let report = settler(&desk, &feed, Duration::from_secs(30)).run_due(None).unwrap();
        assert_eq!(report.settled, [sol.id()], "{name}");
        assert_eq!((desk.outcome(1), desk.outcome(2)), (("LOSS", 0), ("WIN", 3_290)), "{name}");
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!((facts.start_price.get(), facts.end_price.get()), ("217.1251", "217.125"), "{name}");
        desk.assert_all_settled();
    }
}

#[test]
fn a_feed_that_only_lags_settles_the_round() {
    let (desk, sol, feed) = due();
    feed.set_faults(Faults { lag_ms: 300, ..Faults::default() });
    let report = settler(&desk, &feed, Duration::from_secs(30)).run_due(None).unwrap();
    assert_eq!((report.settled, desk.outcome(2)), (vec![sol.id()], ("WIN", 3_290)));
}

#[test]
fn a_feed_that_never_recovers_ends_in_refunds_at_the_void_deadline() {
    for Case { name, faults, .. } in cases() {
        let (desk, sol, feed) = due();
        feed.set_faults(faults.clone());
        let settler = settler(&desk, &feed, timeout(&faults));
        let mut now = sol.end_ms();
        while now < sol.end_ms() + 900_000 {
            assert!(desk.at(now).test.now().ms() == now && settler.run_due(None).unwrap().settled.is_empty());
            now = desk.next_due().unwrap();
        }
        desk.at(now);
        assert_eq!(
            (now, settler.run_due(None).unwrap().settled.len()),
            (sol.end_ms() + 900_000, 1),
            "{name}"
        );
        assert_eq!((desk.outcome(1), desk.outcome(2)), (("REFUND", 1_000), ("REFUND", 2_500)), "{name}");
        let facts = desk.results(1).rounds.remove(0).settlement.unwrap();
        assert_eq!(facts.reason, Some("oracle_unavailable"), "{name}");
        assert_eq!(
            (facts.start_price.get(), facts.end_price.get(), desk.treasury()),
            ("0", "0", 0),
            "{name}"
        );
        desk.assert_all_settled();
    }
}
