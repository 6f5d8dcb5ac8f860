//! Lanes: batches are whole, one bad command spoils nobody else's, and every command is answered once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use bursar_store::fault::{Injected, Step};
use bursar_store::lane::{Full, Lane, LaneFault, LaneOptions, Work, run_batch};
use bursar_store::{StoreError, Tx};
use bursar_test_stores::{TestStore, for_each_engine, for_each_engine_with_faults};

use crate::schema::{TABLES, notes, write_note};

/// Writes a note for each command; the note's id is the command.
struct Notes {
    /// The size of each batch that ran, repetitions included.
    runs: Arc<Mutex<Vec<usize>>>,
    /// Waits here before each batch, when the test wants to hold the lane.
    gate: Option<Receiver<()>>,
}

impl Work for Notes {
    type Command = i64;
    type Reply = i64;

    fn unit(&self) -> &'static str {
        "test.notes_lane"
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[i64]) -> Result<Vec<i64>, StoreError> {
        self.runs.lock().unwrap().push(commands.len());
        if let Some(gate) = &self.gate {
            // The test that drops its end lets everything through.
            let _ = gate.recv();
        }
        for id in commands {
            write_note(tx, *id)?;
        }
        Ok(commands.iter().map(|id| id * 10).collect())
    }
}

fn work() -> (Notes, Arc<Mutex<Vec<usize>>>) {
    let runs = Arc::default();
    (Notes { runs: Arc::clone(&runs), gate: None }, runs)
}

fn gated_lane(test: &TestStore, options: LaneOptions) -> (Lane<Notes>, Sender<()>, Arc<Mutex<Vec<usize>>>) {
    let ((mut work, runs), (open, gate)) = (work(), channel());
    work.gate = Some(gate);
    (Lane::start(test.store(), work, options).unwrap(), open, runs)
}

#[test]
fn a_batch_is_one_transaction_with_one_reply_a_command() {
    for_each_engine(&TABLES, |test| {
        let (mut work, runs) = work();
        assert_eq!(run_batch(&test.store(), &mut work, &[3, 1, 2]), [Ok(30), Ok(10), Ok(20)]);
        assert_eq!(run_batch(&test.store(), &mut work, &[]), []);
        assert_eq!((notes(&test.store()), runs.lock().unwrap().clone()), (vec![1, 2, 3], vec![3]));
    });
}

#[test]
fn a_poison_command_is_found_by_halving_and_the_others_are_committed() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        store.transact("test.first", |tx| write_note(tx, 700)).unwrap();
        let commands: Vec<i64> = (1..=64).map(|id| if id == 23 { 700 } else { id }).collect();
        let replies = run_batch(&store, &mut work().0, &commands);
        for (command, reply) in commands.iter().zip(replies) {
            match command {
                700 => assert!(matches!(reply, Err(LaneFault::Poison(_))), "{reply:?}"),
                id => assert_eq!(reply, Ok(id * 10)),
            }
        }
        assert_eq!(notes(&store).len(), 64);
    });
}

#[test]
fn a_full_disk_or_lost_server_is_not_tried_command_by_command() {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        for (id, fault) in [(10, Injected::DiskFull), (20, Injected::ConnectionLost)] {
            faults.plan("test.notes_lane", Step::Commit, fault);
            let (mut work, runs) = work();
            let replies = run_batch(&test.store(), &mut work, &[id, id + 1, id + 2]);
            let refused = |reply: &Result<i64, LaneFault>| matches!(reply, Err(LaneFault::Unavailable(_)));
            assert!(replies.iter().all(refused), "{replies:?}");
            assert_eq!((notes(&test.store()).contains(&id), runs.lock().unwrap().clone()), (false, vec![3]));
            assert_eq!(run_batch(&test.store(), &mut work, &[id]), [Ok(id * 10)]);
        }
    });
}

#[test]
fn a_batch_whose_commit_got_no_answer_is_answered_once_and_written_once() {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        for (id, step) in [(1, Step::Commit), (2, Step::Committed)] {
            faults.plan("test.notes_lane", step, Injected::AnswerLost);
            assert_eq!(run_batch(&test.store(), &mut work().0, &[id]), [Ok(id * 10)]);
            assert_eq!((notes(&test.store()), faults.left()), ((1..=id).collect(), 0));
        }
    });
}

#[test]
fn commands_that_wait_together_share_a_batch_up_to_its_largest_size() {
    for_each_engine(&TABLES, |test| {
        let options = LaneOptions { queue_max: 100, batch_max: 4 };
        let (lane, open, runs) = gated_lane(test, options);
        lane.submit(100, |_| {}).unwrap();
        while runs.lock().unwrap().is_empty() {}
        (1..=10).for_each(|id| lane.submit(id, |_| {}).unwrap());
        drop(open);
        drop(lane);
        assert_eq!(runs.lock().unwrap().clone(), [1, 4, 4, 2]);
        assert_eq!(notes(&test.store()).len(), 11);
    });
}

#[test]
fn a_full_queue_refuses_one_more_and_takes_it_later() {
    for_each_engine(&TABLES, |test| {
        let options = LaneOptions { queue_max: 2, batch_max: 10 };
        let (lane, open, runs) = gated_lane(test, options);
        lane.submit(1, |_| {}).unwrap();
        while runs.lock().unwrap().is_empty() {}
        assert_eq!([2, 3, 4].map(|id| lane.submit(id, |_| {})), [Ok(()), Ok(()), Err(Full)]);
        assert_eq!(lane.waiting(), 2);
        assert!(matches!(lane.call(4), Err(LaneFault::Unavailable(_))));
        drop(open);
        while lane.waiting() > 0 {}
        assert_eq!(lane.call(5), Ok(50));
        drop(lane);
        assert_eq!(notes(&test.store()), [1, 2, 3, 5]);
    });
}

#[test]
fn what_waits_when_a_lane_is_dropped_is_finished_and_each_command_answered_once() {
    const COMMANDS: i64 = 500;
    for_each_engine(&TABLES, |test| {
        let lane = Lane::start(test.store(), work().0, LaneOptions::default()).unwrap();
        let answers: Arc<Vec<AtomicUsize>> = Arc::new((0..COMMANDS).map(|_| AtomicUsize::new(0)).collect());
        for id in 0..COMMANDS {
            let answers = Arc::clone(&answers);
            let index = usize::try_from(id).unwrap();
            lane.submit(id, move |reply| {
                assert_eq!(reply, Ok(id * 10));
                answers[index].fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
        }
        drop(lane);
        assert!(answers.iter().all(|count| count.load(Ordering::SeqCst) == 1));
        assert_eq!(notes(&test.store()), (0..COMMANDS).collect::<Vec<_>>());
    });
}

#[test]
fn a_reply_comes_only_after_its_command_is_durable() {
    for_each_engine(&TABLES, |test| {
        let lane = Lane::start(test.store(), work().0, LaneOptions::default()).unwrap();
        let other = test.another(|_| {});
        for id in 1..=20 {
            lane.call(id).unwrap();
            assert_eq!(notes(&other).last(), Some(&id));
        }
    });
}
