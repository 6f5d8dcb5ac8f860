//! Incidents on both engines: rows, timeline, events, what users are told, and the stop of payouts.

use std::sync::{Arc, Barrier};

use bursar_audit::{Level, Recorder, SaltKey};
use bursar_control::{ConfigTable, SwitchState, Switchboard};
use bursar_desk::incident::{
    Act, By, Class, Done, ExpectedEnd, Incident, IncidentFilter, Incidents, News, Notice, Opening,
    PayoutStop, Refusal, State, incident, incidents, notice, timeline, unfinished,
};
use bursar_store::{Store, Timestamp, Tx};
use bursar_test_stores::{START_MS, TestStore};
use serde_json::Value;

use crate::rooms::{STOP, audit, on_each_engine};

const ANN: By<'static> = By { actor: "cli:ann", reason: "drill" };
const MINUTE: i64 = 60_000;

fn room() -> Incidents {
    let stop = PayoutStop { table: ConfigTable::ROUNDS, switch: STOP };
    Incidents::new(Recorder::new("test", SaltKey::new([1; 32])), vec![stop])
}

fn opening(desk: &str, class: Class, message: &str) -> Opening {
    Opening {
        desk: desk.to_owned(),
        class,
        title: "Feed is down".to_owned(),
        message: message.to_owned(),
        expected_end: ExpectedEnd::After(30 * MINUTE),
        is_acknowledged: false,
    }
}

fn open(store: &Store, opening: &Opening) -> Done {
    store.transact("test.open", |tx| room().open(tx, opening, ANN)).unwrap().unwrap()
}

fn act(store: &Store, id: i64, act: &Act) -> Result<Done, Refusal> {
    store.transact("test.act", |tx| room().act(tx, (id, None), act, ANN)).unwrap()
}

fn told(store: &Store, desk: &str) -> Option<String> {
    store.read("test.told", |tx| notice(tx, desk)).unwrap().map(|notice| notice.message)
}

fn list(store: &Store, filter: &IncidentFilter) -> Vec<i64> {
    let found = store.read("test.list", |tx| incidents(tx, filter)).unwrap();
    found.into_iter().map(|incident| incident.id).collect()
}

fn resolve() -> Act {
    Act::Resolve { note: "feed is back".to_owned() }
}

#[test]
fn an_incident_reads_back_as_it_was_decided_with_every_line_of_its_timeline() {
    on_each_engine(|test| {
        let store = test.store();
        let opened = open(&store, &opening("rounds", Class::P1, "Prices are late.")).incident;
        test.advance_ms(MINUTE);
        let news = News {
            note: "asked the provider".to_owned(),
            message: Some("Nearly there.".to_owned()),
            expected_end: ExpectedEnd::At(Timestamp::from_ms(START_MS + 40 * MINUTE)),
            class: Some(Class::S3),
        };
        act(&store, opened.id, &Act::Update(news)).unwrap();
        test.advance_ms(MINUTE);
        act(&store, opened.id, &resolve()).unwrap();
        test.advance_ms(MINUTE);
        let last =
            act(&store, opened.id, &Act::Review { text: "a second feed".to_owned() }).unwrap().incident;
        let (read, lines) =
            store.read("test", |tx| Ok((incident(tx, opened.id)?, timeline(tx, opened.id)?))).unwrap();
        assert_eq!(read.as_ref(), Some(&last));
        let minutes = |at: Option<Timestamp>| at.map(|at| (at.ms() - START_MS) / MINUTE);
        let Incident { id, class, state, entries, .. } = last.clone();
        assert_eq!((id, class, state, entries), (1, Class::S3, State::Reviewed, 4));
        assert_eq!(
            [last.acknowledged_at, last.told_at, last.resolved_at, last.reviewed_at, last.expected_end]
                .map(minutes),
            [Some(1), Some(1), Some(2), Some(3), Some(40)]
        );
        let shown: Vec<_> = lines
            .iter()
            .map(|line| {
                (line.number, line.act.name(), line.note.as_str(), line.message.as_deref(), line.class)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (1, "opened", "Feed is down", Some("Prices are late."), Some(Class::P1)),
                (2, "updated", "asked the provider", Some("Nearly there."), Some(Class::S3)),
                (3, "resolved", "feed is back", None, None),
                (4, "reviewed", "a second feed", None, None),
            ]
        );
        assert_eq!([minutes(lines[0].expected_end), minutes(lines[1].expected_end)], [Some(30), Some(40)]);
        assert!(lines.iter().all(|line| line.actor == "cli:ann"));
    });
}

#[test]
fn each_act_is_one_event_of_level_warn_with_actor_and_reason_and_a_refused_one_is_none() {
    on_each_engine(|test| {
        let store = test.store();
        let id = open(&store, &opening("faucet", Class::S3, "Payouts are slow.")).incident.id;
        assert!(act(&store, id, &Act::Review { text: "too early".to_owned() }).is_err());
        act(&store, id, &resolve()).unwrap();
        assert_eq!(act(&store, 99, &resolve()), Err(Refusal::NotFound(99)));
        let events = audit(&store);
        let names: Vec<_> = events.iter().map(|event| (event.event.as_str(), event.desk.as_str())).collect();
        assert_eq!(names, [("incident.opened", "faucet"), ("incident.resolved", "faucet")]);
        for event in &events {
            let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
            assert_eq!(
                (event.level, event.actor.as_str(), event.target_id.as_str()),
                (Level::Warn, "cli:ann", "1")
            );
            assert_eq!((&payload["actor"], &payload["reason"]), (&"cli:ann".into(), &"drill".into()));
        }
    });
}

#[test]
fn users_see_the_worst_open_incident_of_their_desk_or_the_platform_and_of_those_the_last_words() {
    on_each_engine(|test| {
        let store = test.store();
        assert_eq!(told(&store, "rounds"), None);
        open(&store, &opening("rounds", Class::P2, "slow"));
        open(&store, &opening("faucet", Class::P0, "not ours"));
        open(&store, &opening("rounds", Class::P0, ""));
        assert_eq!(told(&store, "rounds").as_deref(), Some("slow"));
        test.advance_ms(MINUTE);
        let all = open(&store, &opening("platform", Class::P1, "all desks")).incident.id;
        let worse = open(&store, &opening("rounds", Class::S2, "worse")).incident.id;
        assert_eq!(told(&store, "rounds").as_deref(), Some("worse"));
        test.advance_ms(MINUTE);
        let news = News { message: Some("all desks still".to_owned()), ..News::default() };
        act(&store, all, &Act::Update(news)).unwrap();
        assert_eq!(told(&store, "rounds").as_deref(), Some("all desks still"));
        assert_eq!(told(&store, "arena").as_deref(), Some("all desks still"));
        act(&store, all, &resolve()).unwrap();
        assert_eq!(told(&store, "rounds").as_deref(), Some("worse"));
        act(&store, worse, &resolve()).unwrap();
        assert_eq!(told(&store, "rounds").as_deref(), Some("slow"));
    });
}

fn tell(store: &Store, message: &str, eta_ms: Option<i64>) -> Done {
    let told = Notice { message: message.to_owned(), eta_ms };
    store.transact("test.tell", |tx| room().tell(tx, "rounds", (Class::P2, &told), ANN)).unwrap().unwrap()
}

#[test]
fn telling_opens_an_incident_that_counts_as_taken_care_of_or_becomes_part_of_the_open_one() {
    on_each_engine(|test| {
        let store = test.store();
        let first = tell(&store, "Prices are late.", Some(START_MS)).incident;
        assert_eq!((first.id, first.class, &*first.title), (1, Class::P2, "Prices are late."));
        assert_eq!(first.acknowledged_at, Some(test.now()));
        let second = tell(&store, "Still late.", None).incident;
        assert_eq!((second.id, &*second.message, second.expected_end), (1, "Still late.", None));
        open(&store, &opening("platform", Class::P0, "all desks"));
        assert_eq!(
            tell(&store, "Our own part.", None).incident.id,
            1,
            "the platform's is not the desk's to change"
        );
        act(&store, 1, &resolve()).unwrap();
        let quiet = open(&store, &opening("rounds", Class::P1, "")).incident.id;
        assert_eq!(tell(&store, "Now you know.", None).incident.id, quiet);
    });
}

#[test]
fn ending_what_is_told_resolves_the_desks_incidents_with_words_and_no_other() {
    on_each_engine(|test| {
        let store = test.store();
        let end = || store.transact("test.end", |tx| room().end_told(tx, "rounds", "resumed", ANN)).unwrap();
        assert_eq!(end(), [0_i64; 0]);
        let [told_one, quiet, other, platform] =
            [("rounds", "late"), ("rounds", ""), ("faucet", "slow"), ("platform", "all")]
                .map(|(desk, words)| open(&store, &opening(desk, Class::P2, words)).incident.id);
        assert_eq!((end(), end()), (vec![told_one], vec![]));
        let open = IncidentFilter { state: Some(State::Open), limit: 10, ..IncidentFilter::default() };
        assert_eq!(list(&store, &open), [platform, other, quiet]);
    });
}

#[test]
fn two_people_who_tell_users_at_once_make_one_incident() {
    on_each_engine(|test| {
        let store = test.store();
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let (store, barrier) = (Arc::clone(&store), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    tell(&store, name, None);
                });
            }
        });
        let all = IncidentFilter { limit: 10, ..IncidentFilter::default() };
        assert_eq!(list(&store, &all), [1]);
        let lines = store.read("test", |tx| timeline(tx, 1)).unwrap();
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    });
}

fn is_stopped(tx: &mut Tx<'_>) -> Result<bool, bursar_store::StoreError> {
    let now = tx.reading()?;
    let states = Switchboard::new([], None).peek(tx, ConfigTable::ROUNDS, &[STOP], now)?;
    Ok(states.into_iter().any(SwitchState::is_stopped))
}

#[test]
fn h19_a_critical_incident_halts_the_payouts_of_its_own_desk_only_and_says_why() {
    on_each_engine(|test| {
        let store = test.store();
        let stopped = || store.read("test.stopped", is_stopped).unwrap();
        assert_eq!(open(&store, &opening("faucet", Class::S1, "")).halted, None);
        assert_eq!(open(&store, &opening("platform", Class::P0, "")).halted, None);
        let mild = open(&store, &opening("rounds", Class::S2, "")).incident.id;
        assert!(!stopped());
        assert_eq!(open(&store, &opening("rounds", Class::S1, "")).halted, Some("stop"));
        assert!(stopped());
        let events = audit(&store);
        let halt = events.iter().find(|event| event.event == "control.switch_changed").unwrap();
        let payload: Value = serde_json::from_str(halt.payload.as_deref().unwrap()).unwrap();
        assert_eq!(
            (&payload["reason"], &payload["new"]),
            (&"incident 4 (S1): Feed is down".into(), &"on".into())
        );
        let run =
            |tx: &mut Tx<'_>| tx.batch_execute("UPDATE rounds_config SET value = 'off' WHERE key = 'stop'");
        store.transact("test.run", run).unwrap();
        let worse = Act::Update(News { class: Some(Class::P0), ..News::default() });
        assert_eq!(act(&store, mild, &worse).unwrap().halted, Some("stop"));
        assert!(stopped());
    });
}

#[test]
fn payouts_that_never_had_a_row_are_halted_too() {
    on_each_engine(|test| {
        let store = test.store();
        store
            .transact("test.gone", |tx| tx.batch_execute("DELETE FROM rounds_config WHERE key = 'stop'"))
            .unwrap();
        assert_eq!(open(&store, &opening("rounds", Class::P0, "")).halted, Some("stop"));
        assert!(store.read("test.stopped", is_stopped).unwrap());
    });
}

#[test]
fn a_halt_that_fails_leaves_no_incident_behind() {
    on_each_engine(|test| {
        let store = test.store();
        store.transact("test.drop", |tx| tx.batch_execute("DROP TABLE rounds_config")).unwrap();
        let failed =
            store.transact("test.open", |tx| room().open(tx, &opening("rounds", Class::P0, ""), ANN));
        assert!(failed.is_err());
        assert_eq!(list(&store, &IncidentFilter { limit: 10, ..IncidentFilter::default() }), [0_i64; 0]);
    });
}

#[test]
fn an_incident_of_another_desk_does_not_exist_for_who_is_bound_to_one() {
    on_each_engine(|test| {
        let store = test.store();
        let id = open(&store, &opening("faucet", Class::S2, "")).incident.id;
        let bound = |desk: &str| {
            store.transact("test.act", |tx| room().act(tx, (id, Some(desk)), &resolve(), ANN)).unwrap()
        };
        assert_eq!(bound("trades"), Err(Refusal::NotFound(id)));
        assert!(bound("faucet").is_ok());
        let unknown = opening("casino", Class::P1, "");
        let refused = store.transact("test.open", |tx| room().open(tx, &unknown, ANN)).unwrap();
        assert_eq!(refused, Err(Refusal::NoDesk("casino".to_owned())));
    });
}

#[test]
fn lists_are_filtered_paged_and_newest_first_and_cosmetic_ones_wait_for_no_review() {
    on_each_engine(|test| {
        let store = test.store();
        let ids =
            [("rounds", Class::P3), ("faucet", Class::S1), ("rounds", Class::P1), ("rounds", Class::P2)]
                .map(|(desk, class)| open(&store, &opening(desk, class, "")).incident.id);
        act(&store, ids[0], &resolve()).unwrap();
        act(&store, ids[2], &resolve()).unwrap();
        let filter = IncidentFilter { limit: 2, ..IncidentFilter::default() };
        assert_eq!(list(&store, &filter), [4, 3]);
        assert_eq!(list(&store, &IncidentFilter { before: Some(3), ..filter.clone() }), [2, 1]);
        let ours = IncidentFilter { desk: Some("rounds".to_owned()), limit: 10, ..IncidentFilter::default() };
        assert_eq!(list(&store, &ours), [4, 3, 1]);
        assert_eq!(list(&store, &IncidentFilter { state: Some(State::Resolved), ..ours }), [3, 1]);
        let waiting = store.read("test.unfinished", unfinished).unwrap();
        assert_eq!(waiting.iter().map(|incident| incident.id).collect::<Vec<_>>(), [2, 3, 4]);
    });
}

#[test]
fn time_of_a_timeline_never_goes_back() {
    on_each_engine(|test: &TestStore| {
        let store = test.store();
        let id = open(&store, &opening("rounds", Class::P1, "")).incident.id;
        test.set_time(Timestamp::from_ms(START_MS - MINUTE));
        let after = act(&store, id, &resolve()).unwrap().incident;
        assert_eq!(after.resolved_at, Some(Timestamp::from_ms(START_MS)));
    });
}
