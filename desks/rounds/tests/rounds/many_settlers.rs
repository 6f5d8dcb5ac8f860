//! Several processes at once: each round is settled once, and nobody waits for somebody who waits for him.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_rounds::market::Market;
use bursar_rounds::settings::PAUSE_JOINS;
use bursar_rounds::settle::{FEE, MERGE, PAYOUT, REFUND, Settler, SettlerParts};
use bursar_rounds::timing::Round;
use bursar_store::fault::Step;
use bursar_store::lane::run_batch;
use bursar_store::{EngineKind, Store};

use crate::fixture::{Bet, Desk, Prices, down, flip, for_each_desk, join_work, round, up};

/// Six rounds: three that UP wins, one tie, one with UP only and one with DOWN only; eight entries each.
fn six_rounds(desk: &Desk, cycle: i64) -> [Round; 6] {
    let rounds = Market::ALL.map(|market| round(market, cycle));
    let both =
        |round| (0..4).flat_map(move |wallet| [up(wallet, 10).round(round), down(wallet, 25).round(round)]);
    let mut bets: Vec<Bet> = rounds[..4].iter().flat_map(|round| both(*round)).collect();
    bets.extend((0..8).flat_map(|wallet| [up(wallet, 5).round(rounds[4]), down(wallet, 5).round(rounds[5])]));
    desk.at(rounds[0].start_ms()).accept(&bets);
    rounds[..3].iter().for_each(|round| desk.prices.rise(*round));
    desk.prices.tie(rounds[3]);
    rounds
}

fn settle_at_once(desk: &Desk, stores: &[Arc<Store>]) -> Vec<String> {
    let settlers = stores.iter().enumerate().map(|(index, store)| {
        Settler::new(desk.settler_parts(store, &format!("settler {index}"))).paying_in_chunks_of(3)
    });
    let settlers: Vec<Settler> = settlers.collect();
    let reports = std::thread::scope(|threads| {
        let running: Vec<_> =
            settlers.iter().map(|settler| threads.spawn(|| settler.run_due(None).unwrap().settled)).collect();
        running.into_iter().flat_map(|settler| settler.join().unwrap()).collect::<Vec<_>>()
    });
    // One that came late may have left before another one was done; the next run meets what is left, if anything.
    reports.into_iter().chain(settlers[0].run_due(None).unwrap().settled).collect()
}

fn assert_each_settled_once(desk: &Desk, rounds: &[Round], mut settled: Vec<String>) {
    let mut ids: Vec<String> = rounds.iter().map(|round| round.id()).collect();
    settled.sort_unstable();
    ids.sort_unstable();
    assert_eq!(settled, ids);
    let sixes = i64::try_from(rounds.len() / 6).unwrap();
    let counts = [PAYOUT, REFUND, FEE, MERGE].map(|kind| desk.transfers(kind));
    assert_eq!(counts, [12 * sixes, 24 * sixes, 3 * sixes, 3 * sixes]);
    // 14000 cents in each of the three pools that were won.
    assert_eq!(desk.treasury(), 3 * 840 * i128::from(sixes));
    assert_eq!(desk.summary(100).recent_settlements.len(), rounds.len());
    desk.assert_all_settled();
}

#[test]
fn four_processes_on_postgres_settle_each_round_once() {
    let desk = Desk::on(EngineKind::Postgres);
    let rounds: Vec<Round> = (0..3).flat_map(|cycle| six_rounds(&desk, cycle)).collect();
    desk.at(rounds[17].end_ms());
    let stores: Vec<_> = (0..4).map(|_| desk.test.another(|options| options.faults = None)).collect();
    let settled = settle_at_once(&desk, &stores);
    assert_each_settled_once(&desk, &rounds, settled);
}

#[test]
fn two_settlers_on_sqlite_settle_each_round_once_in_one_process_or_in_two() {
    let desk = Desk::on(EngineKind::Sqlite);
    let mut rounds = six_rounds(&desk, 0).to_vec();
    desk.at(rounds[5].end_ms());
    let mut settled = settle_at_once(&desk, &[desk.store.clone(), desk.store.clone()]);
    rounds.extend(six_rounds(&desk, 3));
    desk.at(rounds[11].end_ms());
    settled.extend(settle_at_once(&desk, &[desk.store.clone(), desk.test.another(|_| {})]));
    assert_each_settled_once(&desk, &rounds, settled);
}

#[test]
fn a_settler_without_prices_leaves_alone_what_another_one_has_settled_meanwhile() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        desk.accept(&[up(1, 10), down(2, 25)]);
        desk.at(sol.end_ms());
        let prices = Arc::new(Prices::default());
        prices.rise(sol);
        let faster = desk.test.another(|options| options.faults = None);
        let faster = Settler::new(SettlerParts { prices, ..desk.settler_parts(&faster, "faster") });
        let id = sol.id();
        desk.hook.set(move |unit, step| {
            if unit == "rounds.price_miss" && step == Step::Begin {
                assert_eq!(faster.run_due(None).unwrap().settled, [id.as_str()]);
            }
            None
        });
        assert_eq!(desk.settle().unwrap().settled, Vec::<String>::new());
        desk.hook.clear();
        assert_eq!((desk.next_due(), desk.outcome(1)), (None, ("WIN", 3_290)));
        assert_eq!(desk.count_events("sim_settle.price_unavailable"), 0);
        assert!(!desk.dump().iter().any(|row| row.starts_with("rounds_price_retry")));
    });
}

#[test]
fn joins_settlements_switches_and_reads_at_once_never_wait_for_each_other_in_a_circle() {
    let desk = Desk::on(EngineKind::Postgres);
    let old: Vec<Round> = (0..2).flat_map(|cycle| six_rounds(&desk, cycle)).collect();
    let open = round(Market::Sol, 4);
    desk.at(open.start_ms());
    let stores: Vec<_> = (0..5).map(|_| desk.test.another(|options| options.faults = None)).collect();
    let is_done = AtomicBool::new(false);
    let (settled, joined) = std::thread::scope(|threads| {
        let joiners: Vec<_> = (0..2)
            .map(|process: u32| {
                let (store, desk) = (&stores[2], &desk);
                let mut work = join_work(&desk.switchboard, &format!("joins {process}"));
                threads.spawn(move || {
                    let batch =
                        |_| (0..7).map(|wallet| up(wallet, 5).round(open).command()).collect::<Vec<_>>();
                    let replies = (0..30).map(batch).flat_map(|bets| run_batch(store, &mut work, &bets));
                    replies.filter(|reply| reply.as_ref().unwrap().is_ok()).count()
                })
            })
            .collect();
        let (operator, reader, now) = (&stores[3], &desk, desk.test.now());
        let is_done = &is_done;
        threads.spawn(move || {
            while !is_done.load(Ordering::SeqCst) {
                [true, false].iter().for_each(|stop| flip(operator, PAUSE_JOINS, *stop, now));
            }
        });
        threads.spawn(move || {
            while !is_done.load(Ordering::SeqCst) {
                (0..7).for_each(|wallet| reader.assert_totals(wallet));
            }
        });
        let settled = settle_at_once(&desk, &stores[..2]);
        let joined: usize = joiners.into_iter().map(|joiner| joiner.join().unwrap()).sum();
        is_done.store(true, Ordering::SeqCst);
        (settled, joined)
    });
    assert_eq!(desk.stats(open).entries, i64::try_from(joined).unwrap());
    assert_each_settled_once(&desk, &old, settled);
    drop(stores);
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(desk.read(|tx| tx.query_first(sql, &[], |row| row.get::<i64>(0))), Some(0));
}
