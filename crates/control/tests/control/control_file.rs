//! The control file beside an embedded database stops a transaction that is under way.

use std::sync::mpsc::channel;

use bursar_control::{ConfigTable, RecordedStop, StopSource, Switch, SwitchState, Switchboard};
use bursar_store::EngineKind;

use crate::stage::{JOINS, SETTLE, control_file, joins, seeded, set_joins, state, transact};

pub fn stop_of(switch: Switch) -> RecordedStop {
    let [desk, key, actor, reason] = [switch.desk, switch.key, "cli", "drill"].map(str::to_owned);
    RecordedStop { desk, key, actor, reason, at_ms: 1, expires_at_ms: None }
}

#[test]
fn a_stop_recorded_while_a_transaction_runs_makes_it_run_again_and_see_the_stop() {
    let store = seeded(EngineKind::Sqlite);
    let file = control_file(&store);
    let board = Switchboard::new([], Some(file.clone()));
    board.guard(&store.store());
    let (say_read, read) = channel();
    let (say_recorded, recorded) = channel::<()>();
    let (server, now) = (store.store(), store.now());
    let runs = std::thread::spawn(move || {
        let mut seen = Vec::new();
        transact(&server, |tx| {
            seen.push(board.read(tx, ConfigTable::ROUNDS, &[JOINS], now)?[0]);
            if seen.len() == 1 {
                say_read.send(()).unwrap();
                recorded.recv().unwrap();
            }
            Ok(())
        });
        seen
    });
    read.recv().unwrap();
    file.record(&[stop_of(JOINS)]).unwrap();
    say_recorded.send(()).unwrap();
    let stopped = SwitchState::Stopped(StopSource::ControlFile);
    assert_eq!(runs.join().unwrap(), [SwitchState::Running, stopped]);
}

#[test]
fn what_a_held_back_transaction_wrote_before_the_stop_is_gone() {
    let store = seeded(EngineKind::Sqlite);
    let file = control_file(&store);
    let board = Switchboard::new([], Some(file.clone()));
    board.guard(&store.store());
    let mut runs = 0;
    transact(&store.store(), |tx| {
        runs += 1;
        if !board.read(tx, ConfigTable::ROUNDS, &[JOINS], store.now())?[0].is_stopped() {
            tx.batch_execute("INSERT INTO rounds_config (key, value) VALUES ('joined', '1')")?;
            file.record(&[stop_of(JOINS)])?;
        }
        Ok(())
    });
    assert_eq!(runs, 2);
    let joined = transact(&store.store(), |tx| {
        tx.query("SELECT value FROM rounds_config WHERE key = 'joined'", &[], |row| row.get::<String>(0))
    });
    assert_eq!(joined, [""; 0]);
}

#[test]
fn a_stop_that_became_a_row_goes_on_after_the_file_forgets_it() {
    let store = seeded(EngineKind::Sqlite);
    let file = control_file(&store);
    let board = Switchboard::new([], Some(file.clone()));
    file.record(&[stop_of(JOINS), stop_of(SETTLE)]).unwrap();
    set_joins(&store, true, None);
    file.forget(&[JOINS]).unwrap();
    assert_eq!(state(&store, &board, JOINS), SwitchState::Stopped(StopSource::Row));
    assert_eq!(state(&store, &board, SETTLE), SwitchState::Stopped(StopSource::ControlFile));
    // Whoever does not look at the file, such as a tool, still sees the row.
    assert_eq!(joins(&store), SwitchState::Stopped(StopSource::Row));
}

#[test]
fn the_epoch_is_another_for_every_content_and_the_same_for_the_same() {
    let store = seeded(EngineKind::Sqlite);
    let file = control_file(&store);
    let mut epochs = vec![file.epoch()];
    for switch in [JOINS, SETTLE] {
        file.record(&[stop_of(switch)]).unwrap();
        epochs.push(file.epoch());
    }
    file.forget(&[SETTLE]).unwrap();
    assert_eq!(file.epoch(), epochs[1]);
    // The same stop by somebody whose name is as long.
    file.record(&[RecordedStop { actor: "cLi".into(), ..stop_of(JOINS) }]).unwrap();
    epochs.push(file.epoch());
    file.forget(&[JOINS]).unwrap();
    assert_eq!(file.epoch(), 0);
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 4);
}
