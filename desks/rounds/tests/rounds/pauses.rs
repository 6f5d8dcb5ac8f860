//! Settlement under a stop: nothing moves, reads stay up, and resuming completes (docs/spec/rounds.md 4.13, R7, R33, R34).

use bursar_control::{ControlFile, RecordedStop, Switchboard};
use bursar_rounds::join::JoinRejection;
use bursar_rounds::market::Market;
use bursar_rounds::settings::{PAUSE_SIM_SETTLEMENTS, SWITCHES};
use bursar_rounds::settle::{PAYOUT, SettleError, Settler, SettlerParts};
use bursar_rounds::timing::Round;
use bursar_store::EngineKind;
use bursar_store::fault::Step;

use crate::fixture::{Desk, START, down, flip, for_each_desk, round, up};

/// Five UP entries by wallets 1 to 5 and one DOWN by wallet 6, in a round that UP wins.
fn won_by_five(desk: &Desk) -> Round {
    let sol = round(Market::Sol, 0);
    let ups = (1..=5).map(|wallet| up(wallet, 10));
    desk.accept(&ups.chain([down(6, 25)]).collect::<Vec<_>>());
    desk.prices.rise(sol);
    sol
}

fn is_paused<T>(result: &Result<T, SettleError>) -> bool {
    matches!(result, Err(SettleError::Paused))
}

#[test]
fn r33_nothing_is_settled_under_a_pause_and_everything_after_it_at_the_prices_of_lock_and_end() {
    for_each_desk(|desk| {
        let sol = won_by_five(desk);
        desk.stop(PAUSE_SIM_SETTLEMENTS);
        desk.at(sol.end_ms());
        let before = desk.dump();
        assert!(is_paused(&desk.settle()));
        assert_eq!((desk.dump(), desk.prices.take_asked()), (before, vec![]));
        assert_eq!(desk.outcome(1), ("PENDING", 0));
        assert_eq!((desk.status().status, desk.status().pending_due_rounds), ("paused", 1));
        desk.resume(PAUSE_SIM_SETTLEMENTS);
        assert_eq!(desk.settle_at(sol.end_ms() + 3_600_000), [sol.id()]);
        let (lock, end) = (sol.start_price_s(), sol.end_price_s());
        assert_eq!(desk.prices.take_asked(), [(Market::Sol, lock), (Market::Sol, end)]);
        // 7500 - 450 = 7050 for 5000 staked: 1410 each.
        assert_eq!((desk.outcome(1), desk.treasury()), (("WIN", 1_410), 450));
        assert_eq!(desk.status().status, "ok");
    });
}

#[test]
fn a_pause_amid_the_payouts_stops_before_the_next_chunk_and_resuming_completes_them() {
    for_each_desk(|desk| {
        let sol = won_by_five(desk);
        desk.at(sol.end_ms());
        let (operator, now) = (desk.test.another(|options| options.faults = None), desk.test.now());
        let mut posted = 0;
        desk.hook.set(move |unit, step| {
            posted += usize::from(unit == "rounds.post" && step == Step::Committed);
            if posted == 2 && step == Step::Committed {
                flip(&operator, PAUSE_SIM_SETTLEMENTS, true, now);
            }
            None
        });
        assert!(is_paused(&desk.settler().paying_in_chunks_of(1).run_due(None)));
        desk.hook.clear();
        assert_eq!(desk.transfers(PAYOUT), 2);
        assert_eq!(desk.pools(sol)[0], 3 * 1_410);
        let readings = desk.readings(1..7);
        assert!(is_paused(&desk.settle()));
        desk.resume(PAUSE_SIM_SETTLEMENTS);
        assert_eq!(desk.settle().unwrap().settled, [sol.id()]);
        assert_eq!((desk.transfers(PAYOUT), desk.readings(1..7)), (5, readings));
        desk.assert_all_settled();
    });
}

#[test]
fn a_pause_that_comes_after_the_prices_were_asked_for_still_binds() {
    for_each_desk(|desk| {
        let sol = won_by_five(desk);
        desk.at(sol.end_ms());
        let before =
            desk.dump().into_iter().filter(|row| !row.starts_with("rounds_config")).collect::<Vec<_>>();
        let (operator, now) = (desk.test.another(|options| options.faults = None), desk.test.now());
        desk.hook.set(move |unit, step| {
            if unit == "rounds.freeze" && step == Step::Begin {
                flip(&operator, PAUSE_SIM_SETTLEMENTS, true, now);
            }
            None
        });
        assert!(is_paused(&desk.settle()));
        desk.hook.clear();
        assert_eq!(desk.prices.take_asked().len(), 2);
        let after = desk.dump().into_iter().filter(|row| !row.starts_with("rounds_config"));
        assert!(after.eq(before));
    });
}

#[test]
fn a_stop_recorded_in_the_control_file_amid_the_payouts_binds_the_chunk_that_is_under_way() {
    let desk = Desk::on(EngineKind::Sqlite);
    let file = ControlFile::beside(&desk.test.folder().unwrap().join("test.db"));
    let switchboard = Switchboard::new([], Some(file.clone()));
    switchboard.guard(&desk.store);
    let sol = won_by_five(&desk);
    desk.at(sol.end_ms());
    let (recording, mut begun) = (file.clone(), 0);
    desk.hook.set(move |unit, step| {
        begun += usize::from(unit == "rounds.post" && step == Step::Begin);
        if begun == 3 && step == Step::Statement {
            let [desk, actor, reason] = ["rounds", "cli", "drill"].map(str::to_owned);
            let key = PAUSE_SIM_SETTLEMENTS.key.to_owned();
            recording
                .record(&[RecordedStop { desk, key, actor, reason, at_ms: START, expires_at_ms: None }])
                .unwrap();
        }
        None
    });
    let parts = SettlerParts { switchboard, ..desk.settler_parts(&desk.store, "settler") };
    let settler = Settler::new(parts).paying_in_chunks_of(1);
    assert!(is_paused(&settler.run_due(None)));
    desk.hook.clear();
    assert_eq!(desk.transfers(PAYOUT), 2);
    file.forget(&[PAUSE_SIM_SETTLEMENTS]).unwrap();
    assert_eq!(settler.run_due(None).unwrap().settled, [sol.id()]);
    assert_eq!(desk.transfers(PAYOUT), 5);
}

#[test]
fn a_switch_whose_row_is_missing_or_unreadable_stops_what_it_guards() {
    for_each_desk(|desk| {
        let sol = won_by_five(desk);
        desk.write(|tx| tx.execute("DELETE FROM rounds_config WHERE key = 'pause_joins'", &[]));
        let sql = "UPDATE rounds_config SET value = 'OFF' WHERE key = 'pause_sim_settlements'";
        desk.write(|tx| tx.execute(sql, &[]));
        assert_eq!(desk.join(&up(9, 5)), Err(JoinRejection::Paused));
        assert!(is_paused(&desk.at(sol.end_ms()).settle()));
        let status = desk.status();
        assert!(status.joins_paused && status.settlement_paused && !status.settle_api_paused);
    });
}

#[test]
fn r34_reads_stay_up_while_everything_is_paused() {
    for_each_desk(|desk| {
        let sol = won_by_five(desk);
        SWITCHES.iter().for_each(|switch| desk.stop(*switch));
        desk.at(sol.end_ms() + 7_000);
        let status = desk.status();
        assert_eq!((status.ok, status.status, status.max_settlement_lag_ms), (false, "paused", 7_000));
        assert!(status.joins_paused && status.settlement_paused && status.settle_api_paused);
        assert_eq!((desk.stats(sol).entries, desk.outcome(1)), (6, ("PENDING", 0)));
        assert_eq!((desk.health().status, desk.summary(10).totals.pending_due_rounds), ("degraded", 1));
    });
}
