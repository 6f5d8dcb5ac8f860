//! The limit lane: exact counts that survive restarts and are shared by processes, with live limits.

use std::sync::Arc;

use bursar_control::{ConfigTable, settings};
use bursar_desk::limits::{Charge, LimitRefusal, Limits, LiveLimit};
use bursar_store::{Store, Timestamp};
use bursar_web::metrics::{Format, Registry};

use crate::rooms::{LIMIT, WINDOW, on_each_engine, write};

const BY_ADDRESS: LiveLimit =
    LiveLimit { table: ConfigTable::ROUNDS, prefix: "results:ip:", limit: LIMIT, window_ms: WINDOW };
const BY_WALLET: LiveLimit = LiveLimit { prefix: "results:wallet:", ..BY_ADDRESS };
const LIMITED: Result<(), LimitRefusal> = Err(LimitRefusal::Limited { retry_after_s: 2 });

fn lane(store: &Arc<Store>) -> (Limits, Registry) {
    let registry = Registry::new();
    (Limits::start(Arc::clone(store), &registry).unwrap(), registry)
}

fn pass(limits: &Limits, charged: &[(LiveLimit, &str)]) -> Result<(), LimitRefusal> {
    let limits_of_call = charged.iter().map(|(limit, who)| (*limit, (*who).to_owned())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(limits.pass("/results", Charge { limits: limits_of_call }))
}

#[test]
fn call_number_limit_passes_and_the_next_is_refused_until_the_window_ends() {
    on_each_engine(|test| {
        test.set_time(Timestamp::from_ms(10_000_000));
        let (limits, _) = lane(&test.store());
        let call = |who| pass(&limits, &[(BY_ADDRESS, who)]);
        assert_eq!([call("a"), call("a"), call("a"), call("a")], [Ok(()), Ok(()), Ok(()), LIMITED]);
        assert_eq!(call("b"), Ok(()));
        test.advance_ms(1_999);
        assert_eq!(call("a"), Err(LimitRefusal::Limited { retry_after_s: 1 }));
        test.advance_ms(1);
        assert_eq!(call("a"), Ok(()));
    });
}

#[test]
fn limits_of_one_call_are_charged_in_turn_until_one_refuses() {
    on_each_engine(|test| {
        let (limits, _) = lane(&test.store());
        let both = |address, wallet| pass(&limits, &[(BY_ADDRESS, address), (BY_WALLET, wallet)]);
        for _ in 0..3 {
            assert_eq!(both("a", "w"), Ok(()));
        }
        // The address refuses before the wallet is charged, so the wallet still refuses only by its own count.
        assert!(both("a", "x").is_err());
        assert!(both("b", "w").is_err());
        for _ in 0..3 {
            assert_eq!(pass(&limits, &[(BY_WALLET, "x")]), Ok(()));
        }
        assert!(pass(&limits, &[(BY_WALLET, "x")]).is_err());
    });
}

#[test]
fn counts_are_shared_by_processes_and_survive_a_restart() {
    on_each_engine(|test| {
        let store = test.store();
        let (one, two) = (lane(&store).0, lane(&test.another(|_| {})).0);
        let call = |limits: &Limits| pass(limits, &[(BY_ADDRESS, "a")]).is_ok();
        assert_eq!([call(&one), call(&two), call(&one), call(&two)], [true, true, true, false]);
        drop((one, two));
        assert!(!call(&lane(&store).0));
    });
}

#[test]
fn a_changed_limit_binds_the_next_call_of_the_running_window() {
    on_each_engine(|test| {
        let store = test.store();
        let (limits, _) = lane(&store);
        let call = || pass(&limits, &[(BY_ADDRESS, "a")]).is_ok();
        let set = |value| {
            write(&store, |tx, now| {
                settings::change(tx, ConfigTable::ROUNDS, LIMIT, value, ("cli:test", "test"), now).map(|_| ())
            });
        };
        assert_eq!([call(), call(), call(), call()], [true, true, true, false]);
        set(5);
        assert_eq!([call(), call()], [true, false]);
        set(0);
        assert!(!call());
    });
}

#[test]
fn many_callers_at_once_are_counted_one_by_one() {
    on_each_engine(|test| {
        let (limits, _) = lane(&test.store());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let limits = limits.clone();
                let charge = Charge { limits: vec![(BY_ADDRESS, "a".to_owned())] };
                runtime.spawn(async move { limits.pass("/results", charge).await.is_ok() })
            })
            .collect();
        let passed =
            calls.into_iter().filter_map(|call| runtime.block_on(call).ok()).filter(|passed| *passed);
        assert_eq!(passed.count(), 3);
    });
}

#[test]
fn every_refusal_is_counted_by_desk_route_and_bucket() {
    on_each_engine(|test| {
        let (limits, registry) = lane(&test.store());
        for _ in 0..5 {
            let _ = pass(&limits, &[(BY_ADDRESS, "a")]);
        }
        let line = "bursar_rate_limited_total{desk=\"rounds\",route=\"/results\",bucket=\"results:ip\"} 2\n";
        assert!(registry.render(Format::Text).contains(line), "{}", registry.render(Format::Text));
    });
}
