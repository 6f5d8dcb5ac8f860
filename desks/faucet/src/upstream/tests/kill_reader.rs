//! Reading kills at the pace that is allowed, by a manual clock.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bursar_devnet_faucet::{Misbehaviour, StandIn, Stats as StatsService};
use parking_lot::Mutex;

use super::{LONG, ManualPace, Recorder, problem, unavailable};
use crate::upstream::{
    KillQuestion, KillReader, KillStats, NoData, Pace, PendingRead, Problem, Reading, Stats, StatsConfig,
    StatsSource, Step, SystemPace, ThrottleSettings, Unavailable, Unobserved, Upstream, Waiting,
    reading_order,
};

const FOREVER: Duration = Duration::from_secs(1_000_000);

/// Answers as it was told to, in order; then with 7 kills.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<VecDeque<Reading<u64>>>>, Arc<Mutex<Vec<String>>>);

impl StatsSource for Script {
    fn ask(&self, account: &str) -> Reading<u64> {
        self.1.lock().push(account.to_owned());
        self.0.lock().pop_front().unwrap_or(Reading::Found(7))
    }
}

struct Scene {
    script: Script,
    pace: Arc<ManualPace>,
    observer: Arc<Recorder>,
    reader: KillReader,
}

impl Scene {
    fn new(settings: ThrottleSettings) -> Scene {
        let (script, pace, observer) = (Script::default(), ManualPace::new(), Arc::new(Recorder::default()));
        let source = Box::new(script.clone());
        let reader = KillReader::new(source, settings, Arc::clone(&pace) as _, Arc::clone(&observer) as _);
        Scene { script, pace, observer, reader }
    }

    /// The limit never changes.
    fn at(per_minute: u32) -> Scene {
        Scene::new(ThrottleSettings { per_minute, floor: per_minute, ceiling: per_minute, concurrent: 4 })
    }

    fn answers(&self, readings: impl IntoIterator<Item = Reading<u64>>) {
        self.script.0.lock().extend(readings);
    }

    fn read(&self, patience: Duration) -> Reading<u64> {
        self.reader.lifetime_kills(KillQuestion { account: "ep1c", cursor: Some(7) }, patience)
    }

    fn asked(&self) -> usize {
        self.script.1.lock().len()
    }
}

fn failing(problem: Problem, retry_after: Option<Duration>) -> Reading<u64> {
    Reading::Unavailable(Unavailable { upstream: Upstream::Fortnite, problem, retry_after })
}

fn busy() -> Reading<u64> {
    failing(Problem::Status(503), None)
}

#[test]
fn a_passing_failure_is_tried_three_times_with_growing_waits() {
    let scene = Scene::at(60);
    scene.answers([busy(), failing(Problem::Timeout, None), Reading::Found(9)]);
    assert_eq!(scene.read(FOREVER), Reading::Found(9));
    assert_eq!(scene.pace.slept_ms(), [250, 500]);
    scene.answers([busy(), busy(), busy()]);
    assert_eq!(problem(scene.read(FOREVER)), Problem::Status(503));
    assert_eq!(scene.asked(), 6);
}

#[test]
fn an_answer_is_an_answer_and_a_refusal_stays_one() {
    let scene = Scene::at(60);
    let readings = [
        Reading::NotFound,
        Reading::NoData(NoData::Private),
        failing(Problem::KeyRefused(401), None),
        failing(Problem::Status(302), None),
        failing(Problem::TooLarge, None),
    ];
    scene.answers(readings.clone());
    assert_eq!([(); 5].map(|()| scene.read(FOREVER)), readings);
    assert_eq!((scene.asked(), scene.pace.slept_ms()), (5, vec![]));
}

#[test]
fn w12_who_must_wait_is_read_later_and_not_taken_for_idle() {
    let scene = Scene::at(1);
    assert_eq!(scene.read(Duration::ZERO), Reading::Found(7));
    let failure = unavailable(scene.read(Duration::from_secs(59)));
    assert_eq!(
        (failure.problem, failure.retry_after),
        (Problem::LocallyLimited, Some(Duration::from_secs(60)))
    );
    assert_eq!((scene.asked(), scene.pace.slept_ms()), (1, vec![]));
    assert_eq!(scene.read(Duration::from_secs(60)), Reading::Found(7));
    assert_eq!(scene.pace.slept_ms(), [60_000]);
    assert_eq!(scene.observer.limited.load(Ordering::Relaxed), 2);
}

#[test]
fn w12_everybody_is_read_though_a_cycle_has_room_for_a_few() {
    let scene = Scene::at(10);
    let mut users: Vec<(usize, Option<i64>)> = (0..35).map(|user| (user, None)).collect();
    let mut found = 0;
    for cycle in 1..=4 {
        scene.pace.now_ms.fetch_add(60_000, Ordering::Relaxed);
        for user in reading_order(&users) {
            match scene.reader.lifetime_kills(
                KillQuestion { account: &format!("epic{user}"), cursor: None },
                Duration::ZERO,
            ) {
                Reading::Unavailable(Unavailable { problem: Problem::LocallyLimited, .. }) => break,
                reading => found += reading.found().map_or(0, |_| 1),
            }
            users[user].1 = Some(cycle);
        }
    }
    assert_eq!(found, 40);
    assert_eq!(users.iter().filter(|(_, asked)| *asked == Some(4)).count(), 10);
    assert!(users.iter().all(|(_, asked)| asked.is_some()));
}

#[test]
fn a_retry_needs_a_turn_as_well() {
    let scene = Scene::at(1);
    scene.answers([busy()]);
    assert_eq!(scene.read(FOREVER), Reading::Found(7));
    assert_eq!(scene.pace.slept_ms(), [250, 59_750]);
}

#[test]
fn whoever_has_no_patience_for_retries_gets_the_failure() {
    let scene = Scene::at(60);
    scene.answers([busy()]);
    assert_eq!(scene.read(Duration::from_millis(249)), busy());
    assert_eq!(scene.asked(), 1);
}

#[test]
fn a_long_pause_is_kept_by_all_reads_and_a_short_one_within_the_read() {
    let scene = Scene::at(60);
    scene.answers([failing(Problem::RateLimited, Some(Duration::from_secs(30)))]);
    assert_eq!(problem(scene.read(FOREVER)), Problem::RateLimited);
    let held = unavailable(scene.read(Duration::from_secs(29)));
    assert_eq!((held.problem, held.retry_after), (Problem::LocallyLimited, Some(Duration::from_secs(30))));
    assert_eq!(scene.read(Duration::from_secs(30)), Reading::Found(7));
    scene.answers([failing(Problem::RateLimited, Some(Duration::from_secs(2)))]);
    assert_eq!(scene.read(FOREVER), Reading::Found(7));
    assert_eq!(scene.pace.slept_ms(), [30_000, 2_000]);
}

#[test]
fn the_limit_follows_growth_and_only_growth() {
    let scene = Scene::new(ThrottleSettings::default());
    let limit_after = |reading: Reading<u64>, cursor: Option<u64>| {
        scene.answers([reading]);
        let _ = scene.reader.lifetime_kills(KillQuestion { account: "ep1c", cursor }, Duration::ZERO);
        scene.reader.limit_milli_per_minute()
    };
    assert_eq!(limit_after(Reading::Found(7), None), 60_000);
    assert_eq!(limit_after(Reading::NoData(NoData::Private), Some(7)), 60_000);
    assert_eq!(limit_after(busy(), Some(7)), 60_000);
    assert_eq!(limit_after(Reading::Found(7), Some(7)), 57_000);
    assert_eq!(limit_after(Reading::Found(6), Some(7)), 54_150);
    assert_eq!(limit_after(Reading::Found(8), Some(7)), 57_857);
}

#[test]
fn a_step_asks_once_at_most_and_returns_its_wait() {
    let scene = Scene::at(1);
    scene.answers([busy()]);
    let mut read = PendingRead::new(KillQuestion { account: "ep1c", cursor: None });
    let retry = Step::Wait { wait: Duration::from_millis(250), what_for: Waiting::Retry };
    assert_eq!(scene.reader.step(&mut read), retry);
    let turn = Step::Wait { wait: Duration::from_secs(60), what_for: Waiting::Turn };
    assert_eq!([(); 2].map(|()| scene.reader.step(&mut read)), [turn.clone(), turn]);
    assert_eq!((scene.asked(), scene.observer.limited.load(Ordering::Relaxed)), (1, 1));
    scene.pace.now_ms.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(scene.reader.step(&mut read), Step::Done(Reading::Found(7)));
    assert!(scene.pace.slept.lock().is_empty());
}

/// Holds every question until it is let go.
struct Gate(Arc<Barrier>, Arc<Barrier>);

impl StatsSource for Gate {
    fn ask(&self, _: &str) -> Reading<u64> {
        self.0.wait();
        self.1.wait();
        Reading::Found(7)
    }
}

#[test]
fn a_fifth_question_waits_for_a_place() {
    let (entered, leave) = (Arc::new(Barrier::new(5)), Arc::new(Barrier::new(5)));
    let gate = Box::new(Gate(Arc::clone(&entered), Arc::clone(&leave)));
    let reader = KillReader::new(gate, ThrottleSettings::default(), ManualPace::new(), Arc::new(Unobserved));
    let question = KillQuestion { account: "ep1c", cursor: None };
    thread::scope(|scope| {
        let four = [(); 4].map(|()| scope.spawn(|| reader.step(&mut PendingRead::new(question))));
        entered.wait();
        let fifth = reader.step(&mut PendingRead::new(question));
        assert!(matches!(fifth, Step::Wait { what_for: Waiting::Place, .. }), "{fifth:?}");
        leave.wait();
        for step in four {
            assert_eq!(step.join().unwrap(), Step::Done(Reading::Found(7)));
        }
    });
}

/// Panics at the first question.
struct Faint(Mutex<bool>);

impl StatsSource for Faint {
    fn ask(&self, _: &str) -> Reading<u64> {
        assert!(std::mem::replace(&mut *self.0.lock(), true), "the first question");
        Reading::Found(7)
    }
}

#[test]
fn a_question_that_panics_gives_its_place_back() {
    let settings = ThrottleSettings { concurrent: 1, ..ThrottleSettings::default() };
    let source = Box::new(Faint(Mutex::new(false)));
    let reader = KillReader::new(source, settings, ManualPace::new(), Arc::new(Unobserved));
    let question = KillQuestion { account: "ep1c", cursor: None };
    let step = || reader.step(&mut PendingRead::new(question));
    assert!(catch_unwind(AssertUnwindSafe(step)).is_err());
    assert_eq!(step(), Step::Done(Reading::Found(7)));
}

#[test]
fn over_http_a_busy_service_is_asked_again_and_every_call_is_told() {
    let service = StandIn::start(StatsService::new("k3y")).unwrap();
    service.set_kills("ep1c", 1_208);
    let (pace, observer) = (ManualPace::new(), Arc::new(Recorder::default()));
    let config =
        StatsConfig { base_url: service.base_url(), timeout: LONG, ..StatsConfig::new("k3y".into()) };
    let stats = Box::new(Stats::new(config, Arc::clone(&observer) as _).unwrap());
    let reader = KillReader::new(stats, ThrottleSettings::default(), pace, Arc::clone(&observer) as _);
    let question = KillQuestion { account: "ep1c", cursor: Some(1_200) };
    service.fail_next(Misbehaviour::Status(503), 1);
    service.fail_next(Misbehaviour::Garbage, 1);
    assert_eq!(reader.lifetime_kills(question, FOREVER), Reading::Found(1_208));
    let told: Vec<bool> = observer.calls.lock().iter().map(|(_, error)| error.is_some()).collect();
    assert_eq!((told, service.calls()), (vec![true, true, false], 3));
    assert_eq!(reader.limit_milli_per_minute(), 64_000);
}

#[test]
fn f30_a_read_that_waits_for_its_turn_ends_when_the_process_stops_and_is_not_taken_for_idle() {
    let scene = Scene::at(1);
    assert_eq!(scene.read(FOREVER), Reading::Found(7));
    let question = KillQuestion { account: "ep1c", cursor: Some(7) };
    let given_up = scene.reader.lifetime_kills_unless(question, FOREVER, &|| true);
    assert_eq!(problem(given_up), Problem::LocallyLimited);
    assert_eq!((scene.asked(), scene.pace.slept_ms()), (1, vec![]));
}

#[test]
fn f30_the_machines_pace_sleeps_no_longer_than_until_it_is_over() {
    let (began, looks) = (std::time::Instant::now(), std::cell::Cell::new(0));
    let is_over = || {
        looks.set(looks.get() + 1);
        looks.get() > 2
    };
    SystemPace::new().sleep_unless(Duration::from_secs(3_600), &is_over);
    assert_eq!(looks.get(), 3);
    assert!(began.elapsed() < Duration::from_secs(60));
}
