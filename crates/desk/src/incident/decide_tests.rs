//! The rules of incidents, as a specification.

use bursar_store::Timestamp;
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_ms(minutes * MINUTE)
}

fn opening(class: Class) -> Opening {
    Opening {
        desk: "rounds".to_owned(),
        class,
        title: " Feed is down ".to_owned(),
        message: "Prices are late.".to_owned(),
        expected_end: ExpectedEnd::After(30 * MINUTE),
        is_acknowledged: false,
    }
}

fn opened(class: Class) -> Incident {
    open(&opening(class), "cli:ann", at(10)).unwrap().incident
}

fn resolved() -> Incident {
    decide(&opened(Class::P1), &Act::Resolve { note: "feed is back".to_owned() }, at(40)).unwrap().incident
}

fn note(text: &str) -> News {
    News { note: text.to_owned(), ..News::default() }
}

#[test]
fn opening_keeps_the_class_and_tells_users_until_when() {
    let step = open(&opening(Class::S2), "cli:ann", at(10)).unwrap();
    let incident = &step.incident;
    assert_eq!((incident.class, incident.state, &*incident.title), (Class::S2, State::Open, "Feed is down"));
    assert_eq!((incident.expected_end, incident.told_at), (Some(at(40)), Some(at(10))));
    assert_eq!((incident.acknowledged_at, step.halts_payouts), (None, false));
    let quiet = Opening { message: " ".to_owned(), is_acknowledged: true, ..opening(Class::P3) };
    let quiet = open(&quiet, "cli:ann", at(10)).unwrap();
    assert_eq!((quiet.message, quiet.incident.told_at), (None, None));
    assert_eq!(quiet.incident.acknowledged_at, Some(at(10)));
}

#[test]
fn p0_and_s1_halt_payouts_when_they_are_opened_reopened_or_become_one() {
    for class in Class::ALL {
        let is_critical = matches!(class, Class::P0 | Class::S1);
        assert_eq!(open(&opening(class), "a", at(0)).unwrap().halts_payouts, is_critical, "{class}");
        let worse = Act::Update(News { class: Some(class), ..note("worse") });
        assert_eq!(decide(&opened(Class::P1), &worse, at(11)).unwrap().halts_payouts, is_critical, "{class}");
    }
    // What was halted already is not halted again: an operator may have resumed it knowing why.
    let renamed = Act::Update(News { class: Some(Class::S1), ..note("same, in other words") });
    assert!(!decide(&opened(Class::P0), &renamed, at(11)).unwrap().halts_payouts);
    let over =
        decide(&opened(Class::P0), &Act::Resolve { note: "over".to_owned() }, at(11)).unwrap().incident;
    assert!(decide(&over, &Act::Reopen { note: "back".to_owned() }, at(12)).unwrap().halts_payouts);
}

#[test]
fn any_act_of_a_person_acknowledges_and_the_first_one_counts() {
    let acts = [
        Act::Acknowledge { note: String::new() },
        Act::Update(note("looking")),
        Act::Resolve { note: "over".to_owned() },
    ];
    for act in acts {
        let after = decide(&opened(Class::P1), &act, at(12)).unwrap().incident;
        assert_eq!(after.acknowledged_at, Some(at(12)), "{act:?}");
    }
    let first = decide(&opened(Class::P1), &Act::Acknowledge { note: String::new() }, at(12)).unwrap();
    let then = decide(&first.incident, &Act::Update(note("looking")), at(13)).unwrap();
    assert_eq!(then.incident.acknowledged_at, Some(at(12)));
    let again = decide(&first.incident, &Act::Acknowledge { note: String::new() }, at(13));
    assert!(matches!(again, Err(Refusal::State { state: State::Open, .. })), "{again:?}");
}

#[test]
fn users_count_as_told_by_words_or_by_a_new_end_beside_them_and_not_by_notes_or_silence() {
    let told = |news: News| {
        let after = decide(&opened(Class::P1), &Act::Update(news), at(20)).unwrap().incident;
        (after.told_at, after.message, after.expected_end)
    };
    let before = "Prices are late.".to_owned();
    assert_eq!(told(note("looking")), (Some(at(10)), before.clone(), Some(at(40))));
    let words = News { message: Some("Nearly there.".to_owned()), ..News::default() };
    assert_eq!(told(words), (Some(at(20)), "Nearly there.".to_owned(), Some(at(40))));
    let later = News { expected_end: ExpectedEnd::After(MINUTE), ..News::default() };
    assert_eq!(told(later), (Some(at(20)), before.clone(), Some(at(21))));
    let unknown = News { expected_end: ExpectedEnd::Unknown, ..News::default() };
    assert_eq!(told(unknown), (Some(at(20)), before, None));
    let silence = News { message: Some(String::new()), ..News::default() };
    assert_eq!(told(silence), (Some(at(10)), String::new(), Some(at(40))));
}

#[test]
fn each_act_fits_one_state_and_the_refusal_says_what_to_do_instead() {
    let reviewed =
        decide(&resolved(), &Act::Review { text: "the lesson".to_owned() }, at(50)).unwrap().incident;
    let acts = || {
        [
            Act::Acknowledge { note: "n".to_owned() },
            Act::Update(note("n")),
            Act::Resolve { note: "n".to_owned() },
            Act::Reopen { note: "n".to_owned() },
            Act::Review { text: "n".to_owned() },
        ]
    };
    let fits = |incident: &Incident| acts().map(|act| decide(incident, &act, at(51)).is_ok());
    assert_eq!(fits(&opened(Class::P1)), [true, true, true, false, false]);
    assert_eq!(fits(&resolved()), [false, false, false, true, true]);
    assert_eq!(fits(&reviewed), [false; 5]);
    let refused = decide(&resolved(), &Act::Update(note("n")), at(51)).unwrap_err();
    let text =
        "incident 0 is resolved, so it cannot be updated; review it, or open it again within 30 minutes";
    assert_eq!((refused.to_string().as_str(), refused.code()), (text, "incident_state"));
}

#[test]
fn a_resolved_incident_opens_again_within_30_minutes_with_its_timers_from_then() {
    let reopen = Act::Reopen { note: "late again".to_owned() };
    let again = decide(&resolved(), &reopen, at(70)).unwrap().incident;
    assert_eq!((again.state, again.opened_at, again.open_since), (State::Open, at(10), at(70)));
    assert_eq!((again.acknowledged_at, again.told_at, again.resolved_at), (None, None, None));
    assert_eq!(again.message, "", "users hear of it when somebody tells them");
    let late = decide(&resolved(), &reopen, at(70).after_ms(1));
    assert_eq!(late, Err(Refusal::WatchOver(0)));
}

#[test]
fn texts_and_times_out_of_bounds_are_refused() {
    let long = |characters: usize| "é".repeat(characters);
    let opens = |change: fn(&mut Opening, String), text: String| {
        let mut wanted = opening(Class::P1);
        change(&mut wanted, text);
        open(&wanted, "a", at(0)).is_ok()
    };
    let title: fn(&mut Opening, String) = |opening, text| opening.title = text;
    let message: fn(&mut Opening, String) = |opening, text| opening.message = text;
    assert_eq!(
        [long(1), long(120), long(121), " ".to_owned(), "a\0".to_owned()].map(|text| opens(title, text)),
        [true, true, false, false, false]
    );
    assert_eq!(
        [String::new(), long(500), long(501), "a\0".to_owned()].map(|text| opens(message, text)),
        [true, true, false, false]
    );
    let reviews = |text: String| decide(&resolved(), &Act::Review { text }, at(50)).is_ok();
    assert_eq!([long(4_000), long(4_001), "\n".to_owned()].map(reviews), [true, false, false]);
    let ends = |ms| {
        let news = News { expected_end: ExpectedEnd::At(Timestamp::from_ms(ms)), ..News::default() };
        decide(&opened(Class::P1), &Act::Update(news), at(20)).is_ok()
    };
    assert_eq!(
        [-1, 0, 253_402_300_799_999, 253_402_300_800_000, i64::MAX].map(ends),
        [false, true, true, false, false]
    );
    let nothing = decide(&opened(Class::P1), &Act::Update(News::default()), at(20)).unwrap_err();
    assert_eq!(nothing.code(), "invalid_incident");
    let same = Act::Update(News { class: Some(Class::P1), ..News::default() });
    assert!(decide(&opened(Class::P1), &same, at(20)).is_err(), "the class it has is nothing new");
}

fn any_act() -> impl Strategy<Value = Act> {
    let text = || prop::sample::select(vec!["", "n", "so"]).prop_map(str::to_owned);
    let end = prop::sample::select(vec![ExpectedEnd::Same, ExpectedEnd::Unknown, ExpectedEnd::After(MINUTE)]);
    let class = prop::option::of(prop::sample::select(Class::ALL.to_vec()));
    let news =
        (text(), prop::option::of(text()), end, class).prop_map(|(note, message, expected_end, class)| {
            Act::Update(News { note, message, expected_end, class })
        });
    prop_oneof![
        text().prop_map(|note| Act::Acknowledge { note }),
        news,
        text().prop_map(|note| Act::Resolve { note }),
        text().prop_map(|note| Act::Reopen { note }),
        text().prop_map(|text| Act::Review { text }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_moments_stand_in_order_and_belong_to_the_state(
        acts in prop::collection::vec((any_act(), 0_i64..60), 1..30),
    ) {
        let (mut incident, mut now) = (opened(Class::P1), 10);
        for (act, pause) in acts {
            now += pause;
            let before = incident.clone();
            match decide(&incident, &act, at(now)) {
                Ok(step) => incident = step.incident,
                Err(_) => prop_assert_eq!(&incident, &before),
            }
            let Incident { state, opened_at, open_since, resolved_at, reviewed_at, .. } = incident.clone();
            prop_assert_eq!(resolved_at.is_some(), state != State::Open);
            prop_assert_eq!(reviewed_at.is_some(), state == State::Reviewed);
            prop_assert!(opened_at <= open_since && open_since <= at(now));
            for moment in [incident.acknowledged_at, incident.told_at, resolved_at, reviewed_at] {
                prop_assert!(moment.is_none_or(|moment| open_since <= moment && moment <= at(now)));
            }
            prop_assert!(state == State::Open || incident.acknowledged_at.is_some());
        }
    }
}
