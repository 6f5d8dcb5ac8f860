//! A stop that is recorded while an older one is being turned into its row.

use std::sync::mpsc::channel;

use crate::campaign::{Failpoints, wait_until};
use crate::hanging::{pause, record};
use crate::harness::{Join, Place};
use crate::stage::{Stage, setup};

const UNIT: &str = "desk.adopt_stops";

#[test]
fn campaign_of_races_a_stop_recorded_after_a_resume_is_not_forgotten_with_the_stop_before_it() {
    let place = Place::sqlite();
    let (_prices, setup) = setup(&place);
    let (failpoints, setup) = Failpoints::beside(&place, setup);
    let stage = Stage::start(place, &setup, 1);

    // The server has set the row of a recorded stop, and has yet to take the record away.
    failpoints.arm(UNIT, "committed");
    record(&stage);
    failpoints.wait_until_held(UNIT, "committed");
    stage.resume();
    assert_eq!(stage.book.joins_switch(), "off");

    // Joins are stopped again, while somebody else keeps the database busy.
    let (tell, told) = channel::<()>();
    std::thread::scope(|threads| {
        let (holds, held) = channel();
        let book = &stage.book;
        threads.spawn(move || {
            let hold = book.store().transact("test.hold", |_| {
                holds.send(()).unwrap();
                told.recv().unwrap();
                Ok(())
            });
            hold.unwrap();
        });
        held.recv().unwrap();
        let output = pause(&stage);
        tell.send(()).unwrap();
        assert_eq!(output.json()["state"], "recorded", "{output:?}");
    });
    failpoints.release(UNIT, "committed");

    wait_until("the second stop is a row", || stage.book.joins_switch() == "on");
    assert_eq!(Join::new("late").send(&stage.servers[0]).expect_code(503), "joins_paused");
}
