//! What an accepted join leaves behind, replays, and stops that bind at once (docs/spec/rounds.md 4.1, 4.13).

use bursar_control::{ControlFile, RecordedStop, Switchboard};
use bursar_rounds::join::{JoinCommand, JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::settings::{JOINS_BY_WALLET, PAUSE_JOINS};
use bursar_store::EngineKind;
use bursar_store::fault::Step;
use bursar_store::lane::run_batch;
use bursar_test_stores::TestStore;

use crate::fixture::{Bet, Desk, START, down, flip, for_each_desk, join_work, round, up};

const CREATED: Result<Joined, JoinRejection> = Ok(Joined { created: true });
const SEEN: Result<Joined, JoinRejection> = Ok(Joined { created: false });

fn commands(bets: &[Bet]) -> Vec<JoinCommand> {
    bets.iter().map(Bet::command).collect()
}

#[test]
fn a_stake_moves_from_the_wallet_into_the_pool_of_its_side() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 25), down(1, 10), up(2, 250)]);
        let sol = round(Market::Sol, 0);
        assert_eq!(desk.pools(sol), [27_500, 1_000]);
        let stats = desk.stats(sol);
        assert_eq!((stats.total_bucks, stats.up_bucks, stats.down_bucks), (285, 275, 10));
        assert_eq!((stats.market.as_str(), stats.round_id), ("SOL", sol.id()));
        assert_eq!(desk.results(1).totals.pnl_lamports, 0);
        desk.assert_books();
    });
}

#[test]
fn players_are_distinct_wallets_of_each_round_whatever_batches_they_come_in() {
    for_each_desk(|desk| {
        let btc = round(Market::Btc, 0);
        desk.accept(&[up(1, 5), up(1, 5), down(1, 5), up(2, 5), up(1, 5).round(btc)]);
        desk.accept(&[up(2, 5), up(3, 5), up(1, 5).round(btc), up(3, 5).round(btc)]);
        let players = |round| (desk.stats(round).players, desk.stats(round).entries);
        assert_eq!((players(round(Market::Sol, 0)), players(btc)), ((3, 6), (2, 3)));
        let next = round(Market::Sol, 1);
        desk.at(next.start_ms()).accept(&[up(1, 5).round(next), up(1, 5).round(next), up(4, 5).round(next)]);
        assert_eq!(players(next), (2, 3));
    });
}

#[test]
fn a_replay_is_recognised_in_the_window_after_it_and_after_the_settlement_and_changes_nothing() {
    for_each_desk(|desk| {
        let (bet, sol) = (up(1, 10), round(Market::Sol, 0));
        desk.accept(&[bet.clone(), down(2, 25)]);
        desk.prices.rise(sol);
        for ms in [START, sol.lock_ms(), sol.end_ms(), sol.end_ms() + 86_400_000] {
            desk.settle_at(ms);
            let before = desk.dump();
            assert_eq!(desk.join(&bet), SEEN);
            assert_eq!(desk.dump(), before);
        }
        assert_eq!(desk.outcome(1), ("WIN", 3_290));
    });
}

#[test]
fn a_known_id_with_any_other_content_is_a_conflict_also_after_the_window() {
    for_each_desk(|desk| {
        let bet = up(1, 10).id("mine");
        desk.accept(std::slice::from_ref(&bet));
        let others = [
            Bet { bucks: 25, ..bet.clone() },
            Bet { wallet: 2, ..bet.clone() },
            Bet { side: bursar_rounds::stake::Side::Down, ..bet.clone() },
            bet.clone().round(round(Market::Btc, 0)),
            bet.clone().round(round(Market::Sol, 1)),
        ];
        for ms in [START, START + 60_000] {
            desk.at(ms);
            let replies = desk.batch(&commands(&others));
            assert!(replies.iter().all(|reply| *reply == Err(JoinRejection::IdConflict)), "{replies:?}");
        }
        assert_eq!(JoinRejection::IdConflict.status(), 409);
    });
}

#[test]
fn within_one_batch_the_first_use_of_an_id_counts() {
    for_each_desk(|desk| {
        let bet = up(1, 10);
        let replies = desk.batch(&commands(&[bet.clone(), bet.clone(), Bet { bucks: 5, ..bet }]));
        assert_eq!(replies, [CREATED, SEEN, Err(JoinRejection::IdConflict)]);
        assert_eq!(desk.pools(round(Market::Sol, 0)), [1_000, 0]);
    });
}

#[test]
fn a_replay_is_not_charged_to_the_wallet() {
    for_each_desk(|desk| {
        desk.set(JOINS_BY_WALLET.limit, 2);
        let bet = up(1, 5);
        desk.accept(std::slice::from_ref(&bet));
        (0..5).for_each(|_| assert_eq!(desk.join(&bet), SEEN));
        assert_eq!(desk.join(&up(1, 5)), CREATED);
    });
}

#[test]
fn time_never_goes_back_from_one_join_or_settlement_to_the_next() {
    for_each_desk(|desk| {
        let (sol, btc) = (round(Market::Sol, 0), round(Market::Btc, 0));
        [10_000, 30_000, 20_000].iter().for_each(|ms| desk.at(START + ms).accept(&[up(1, 5)]));
        let joined: Vec<i64> = desk.results(1).rounds.iter().map(|entry| entry.joined_at_ms).collect();
        assert_eq!(joined, [START + 30_000, START + 30_000, START + 10_000]);
        desk.settle_at(sol.end_ms());
        for bet in [up(2, 5), up(2, 5).round(btc)] {
            assert_eq!(desk.at(START).join(&bet), Err(JoinRejection::OutsideOpenWindow));
        }
    });
}

#[test]
fn r31_a_pause_binds_the_very_next_join_and_leaves_accepted_entries_alone() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 5)]);
        desk.stop(PAUSE_JOINS);
        let paused = desk.join(&up(2, 5)).unwrap_err();
        assert_eq!((paused.status(), paused.code()), (503, "joins_paused"));
        assert_eq!(desk.outcome(1), ("PENDING", 0));
        assert_eq!(desk.status().status, "paused");
        desk.resume(PAUSE_JOINS);
        assert_eq!(desk.join(&up(2, 5)), CREATED);
    });
}

#[test]
fn a_stop_by_environment_holds_whatever_the_row_says() {
    let switchboard = Switchboard::new([PAUSE_JOINS.variable], None);
    let desk = Desk::with(EngineKind::Sqlite, switchboard);
    desk.resume(PAUSE_JOINS);
    assert_eq!(desk.join(&up(1, 5)), Err(JoinRejection::Paused));
}

#[test]
fn a_stop_that_is_recorded_while_a_batch_runs_binds_this_batch() {
    let desk = Desk::on(EngineKind::Sqlite);
    let file = ControlFile::beside(&desk.test.folder().unwrap().join("test.db"));
    let switchboard = Switchboard::new([], Some(file.clone()));
    switchboard.guard(&desk.store);
    let recording = file.clone();
    let mut is_recorded = false;
    desk.hook.set(move |_, step| {
        if step == Step::Statement && !std::mem::replace(&mut is_recorded, true) {
            let [desk, actor, reason] = ["rounds", "cli", "drill"].map(str::to_owned);
            let key = PAUSE_JOINS.key.to_owned();
            recording
                .record(&[RecordedStop { desk, key, actor, reason, at_ms: START, expires_at_ms: None }])
                .unwrap();
        }
        None
    });
    let replies = run_batch(&desk.store, &mut join_work(&switchboard, "guarded"), &commands(&[up(1, 5)]));
    assert_eq!(replies, [Ok(Err(JoinRejection::Paused))]);
    file.forget(&[PAUSE_JOINS]).unwrap();
    let replies = run_batch(&desk.store, &mut join_work(&switchboard, "guarded"), &commands(&[up(1, 5)]));
    assert_eq!(replies, [Ok(CREATED)]);
}

#[test]
fn on_postgres_a_stop_waits_for_the_batch_that_read_the_switch_and_binds_the_next() {
    let desk = Desk::on(EngineKind::Postgres);
    let other = desk.test.another(|options| options.faults = None);
    let (at_commit, go_on) = (std::sync::mpsc::channel::<()>(), std::sync::mpsc::channel::<()>());
    let (reached, resume) = (at_commit.0, go_on.1);
    let mut is_first = true;
    desk.hook.set(move |_, step| {
        if step == Step::Commit && std::mem::take(&mut is_first) {
            reached.send(()).unwrap();
            resume.recv().unwrap();
        }
        None
    });
    let now = desk.test.now();
    let (store, switchboard) = (desk.store.clone(), desk.switchboard.clone());
    std::thread::scope(|threads| {
        let batch = threads.spawn(move || {
            run_batch(&store, &mut join_work(&switchboard, "held"), &commands(&[up(1, 5)])).remove(0)
        });
        at_commit.1.recv().unwrap();
        let stop = threads.spawn(move || flip(&other, PAUSE_JOINS, true, now));
        wait_for_a_lock(&desk.test);
        assert!(!stop.is_finished(), "nothing commits after a stop has: the stop waits");
        go_on.0.send(()).unwrap();
        assert_eq!(batch.join().unwrap(), Ok(CREATED));
        stop.join().unwrap();
    });
    desk.hook.clear();
    assert_eq!(desk.join(&up(2, 5)), Err(JoinRejection::Paused));
}

/// Returns once a session of the test's database waits for another one's lock.
fn wait_for_a_lock(test: &TestStore) {
    let store = test.another(|options| options.faults = None);
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting =
        || store.read("test.locks", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0))).unwrap();
    while waiting() == Some(0) {
        std::thread::yield_now();
    }
}

#[test]
fn two_processes_that_join_at_once_lose_nothing_and_make_no_entry_twice() {
    for_each_desk(|desk| {
        let stores = [desk.store.clone(), desk.test.another(|_| {})];
        let bets: Vec<Bet> = (0..60).map(|index| up(index % 7, 5)).collect();
        let created: usize = std::thread::scope(|threads| {
            let process = |(index, store): (usize, &std::sync::Arc<bursar_store::Store>)| {
                let (store, switchboard, bets) = (store.clone(), desk.switchboard.clone(), bets.clone());
                threads.spawn(move || {
                    let mut work = join_work(&switchboard, &format!("process {index}"));
                    let replies =
                        bets.chunks(4).flat_map(|bets| run_batch(&store, &mut work, &commands(bets)));
                    replies.filter(|reply| *reply.as_ref().unwrap() == CREATED).count()
                })
            };
            let running: Vec<_> = stores.iter().enumerate().map(process).collect();
            running.into_iter().map(|process| process.join().unwrap()).sum()
        });
        let stats = desk.stats(round(Market::Sol, 0));
        assert_eq!((created, stats.entries, stats.players, stats.up_bucks), (60, 60, 7, 300));
        assert_eq!(desk.pools(round(Market::Sol, 0)), [30_000, 0]);
        assert_eq!(desk.health().totals.entries, 60);
        desk.assert_books();
    });
}
