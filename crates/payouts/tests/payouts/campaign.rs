//! Dying at every step there is, and starting again: each intent is paid once, and the book is what the chain is.

use std::collections::BTreeSet;

use bursar_devnet_banano::Misbehaviour;
use bursar_store::EngineKind;

use crate::scene::{Scene, payee};

/// Code of the final state.
const FINAL: i64 = 4;

/// Pays two intents and accepts an arrival, dying before step `n` of all that; whether there was such a step. `run` is
/// one run's alone.
fn die_at(scene: &Scene, run: u32, n: u32, places: &mut BTreeSet<String>) -> bool {
    scene.fund(5);
    scene.pass(scene.test.now().after_ms(3_600_001));
    scene.order(&format!("a{run}"), &payee(1), 10).unwrap();
    scene.order(&format!("b{run}"), &payee(1), 10).unwrap();
    // A request is lost on its way, so that bytes are sent again.
    scene.misbehave("process", Misbehaviour::DropRequest, 1);
    scene.strikes.after(n);
    let lease = scene.lease("one").unwrap();
    let mut payouts = scene.restarted();
    let mut sender = scene.sender_of(&payouts);
    for _ in 0..80 {
        use bursar_payouts::Turn;
        match sender.turn(&lease) {
            Ok(Turn::Worked) => {}
            Ok(Turn::Idle { until: None }) => break,
            Ok(Turn::Idle { until: Some(until) } | Turn::Waiting { until, .. }) => scene.pass(until),
            Err(_) => {
                // The process is gone, and another starts with nothing but the store and the journal.
                payouts = scene.restarted();
                sender = scene.sender_of(&payouts);
                scene.check_nothing_doubled();
            }
        }
    }
    let struck = scene.strikes.struck();
    scene.check();
    let has_struck = struck.is_some();
    places.extend(struck);
    has_struck
}

/// Deaths that one database sees: each look at everything takes longer than the one before.
const RUNS_EACH: u32 = 40;

/// Dies at each step from the one that has its turn on in run `first`; the next run, `None` = there is no such step.
fn some_deaths(kind: EngineKind, first: u32, places: &mut BTreeSet<String>) -> Option<u32> {
    let scene = Scene::on(kind);
    scene.funded(100_000);
    let mut runs: u32 = 0;
    // Each step twice: what happens in a run depends a little on the run before it.
    let mut is_more = true;
    while is_more && runs < RUNS_EACH {
        is_more = die_at(&scene, runs, (first + runs) / 2, places);
        runs += 1;
    }
    assert!(scene.states().iter().all(|state| *state == FINAL), "{:?}", scene.states());
    assert_eq!(scene.paid(1), u128::from(runs) * 20);
    is_more.then_some(first + runs)
}

fn campaign(kind: EngineKind) {
    let mut places = BTreeSet::new();
    let mut runs: u32 = 0;
    while let Some(next) = some_deaths(kind, runs, &mut places) {
        runs = next;
        assert!(runs < 2_000, "it never ends");
    }
    println!("{runs} deaths at {places:#?}");
    for place in [
        "payouts.sign Begin",
        "payouts.sign Statement",
        "payouts.sign Commit",
        "payouts.signed Begin",
        "payouts.journal Begin",
        "payouts.journal Committed",
        "payouts.broadcast Begin",
        "payouts.broadcast Committed",
        "payouts.look_up Begin",
        "payouts.look_up Committed",
        "payouts.conclude Begin",
        "payouts.conclude Statement",
        "payouts.conclude Commit",
        "payouts.concluded Begin",
        "payouts.count Commit",
        "payouts.receive Commit",
        "payouts.match Commit",
    ] {
        assert!(places.contains(place), "nobody died at {place}");
    }
}

#[test]
fn campaign_dying_at_every_step_pays_each_intent_once_on_sqlite() {
    campaign(EngineKind::Sqlite);
}

#[test]
fn campaign_dying_at_every_step_pays_each_intent_once_on_postgres() {
    campaign(EngineKind::Postgres);
}
