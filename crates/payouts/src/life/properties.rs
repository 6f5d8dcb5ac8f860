//! Whatever happens in whatever order: never two ways to be paid, never failed with a way to be paid left.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const SLOTS: [&str; 3] = ["1", "2", "3"];

fn any_id() -> impl Strategy<Value = TransactionId> {
    prop::sample::select(&NAMES[..]).prop_map(|name| TransactionId::from_canonical(name.to_owned()))
}

fn any_slot() -> impl Strategy<Value = Slot> {
    prop::sample::select(&SLOTS[..]).prop_map(|name| Slot::from_canonical(name.to_owned()))
}

/// Everything but imports, which are past events and not decisions.
fn any_event() -> impl Strategy<Value = Event> {
    let wish =
        prop::sample::select(vec![Wish::Nothing, Wish::GiveUp, Wish::FreeAndRetry, Wish::FreeAndGiveUp]);
    prop_oneof![
        Just(Event::Hold),
        Just(Event::Release),
        Just(Event::Cancel),
        Just(Event::Refuse),
        wish.prop_map(Event::Wish),
        (any_id(), any_slot()).prop_map(|(id, slot)| Event::Sign { id, slot }),
        (any_id(), any_slot()).prop_map(|(id, slot)| Event::Free { id, slot }),
        any_id().prop_map(Event::Broadcast),
        any_id().prop_map(Event::Confirm),
        any_id().prop_map(Event::Die),
    ]
}

/// A chain that finalizes one transaction a slot at most, and proves death only once another has taken the slot.
fn can_be(life: &Life, event: &Event) -> bool {
    let of = |id: &TransactionId| life.attempts.iter().find(|attempt| attempt.id == *id);
    let taken_by_another = |attempt: &AttemptFacts| {
        life.attempts.iter().any(|other| {
            other.id != attempt.id && other.slot == attempt.slot && other.state == AttemptState::Final
        })
    };
    match event {
        Event::Confirm(id) => of(id).is_some_and(|attempt| !taken_by_another(attempt)),
        _ => true,
    }
}

fn new(is_unclear: bool) -> Life {
    Life { state: IntentState::Accepted, wish: Wish::Nothing, attempts: Vec::new(), is_unclear }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn no_two_living_attempts_but_a_payment_and_what_frees_its_slot(
        events in prop::collection::vec(any_event(), 0..40),
        is_unclear: bool,
    ) {
        let mut life = new(is_unclear);
        for event in events {
            let before = life.clone();
            if life.apply(event).is_err() {
                prop_assert_eq!(&life, &before);
            }
            let living: Vec<_> = life.attempts.iter().filter(|attempt| attempt.state.is_alive()).collect();
            prop_assert!(life.living_payments().count() <= 1);
            prop_assert!(living.windows(2).all(|pair| pair[0].slot == pair[1].slot));
            prop_assert!(living.len() <= 2);
        }
    }

    #[test]
    fn an_intent_is_paid_at_most_once_and_only_final_ones_are_paid(
        events in prop::collection::vec(any_event(), 0..60),
        is_unclear: bool,
    ) {
        let mut life = new(is_unclear);
        for event in events {
            if can_be(&life, &event) {
                let _ = life.apply(event);
            }
            let paid = |attempt: &&AttemptFacts| {
                attempt.kind == AttemptKind::Payment && attempt.state == AttemptState::Final
            };
            let paid = life.attempts.iter().filter(paid).count();
            prop_assert_eq!(paid, usize::from(life.state == IntentState::Final));
        }
    }

    #[test]
    fn failed_after_a_signature_means_that_all_attempts_are_over(
        events in prop::collection::vec(any_event(), 0..60),
        is_unclear: bool,
    ) {
        let mut life = new(is_unclear);
        for event in events {
            let _ = life.apply(event);
            let is_waiting = matches!(life.state, IntentState::Accepted | IntentState::Held);
            if is_waiting || matches!(life.state, IntentState::Failed | IntentState::Cancelled) {
                let over = |attempt: &AttemptFacts| match attempt.kind {
                    AttemptKind::Payment => attempt.state == AttemptState::Dead,
                    AttemptKind::Freeing | AttemptKind::Receipt => !attempt.state.is_alive(),
                };
                prop_assert!(life.attempts.iter().all(over));
            }
            prop_assert!(life.state != IntentState::Cancelled || !life.was_signed());
        }
    }

    #[test]
    fn what_was_given_up_gets_no_further_attempt_unless_another_wish_follows(
        events in prop::collection::vec(any_event(), 0..60),
        is_unclear: bool,
    ) {
        let mut life = new(is_unclear);
        let mut is_given_up = false;
        for event in events {
            let signs = matches!(event, Event::Sign { .. });
            let wish = if let Event::Wish(wish) = event { Some(wish) } else { None };
            if life.apply(event).is_ok() {
                prop_assert!(!signs || !is_given_up);
                is_given_up = wish.map_or(is_given_up, Wish::gives_up);
            }
        }
    }

    #[test]
    fn what_has_ended_stays_as_it_is_but_for_the_end_of_what_would_have_freed_its_slot(
        events in prop::collection::vec(any_event(), 0..60),
        is_unclear: bool,
    ) {
        let mut life = new(is_unclear);
        for event in events {
            let before = life.state;
            let _ = life.apply(event);
            prop_assert!(!before.is_ended() || life.state == before);
        }
    }

    #[test]
    fn what_may_have_been_paid_unknown_to_the_records_ends_its_way_paid_or_held(
        events in prop::collection::vec(any_event(), 0..60),
    ) {
        let mut life = new(true);
        for event in events {
            let before = life.is_under_way();
            let _ = life.apply(event);
            let can_follow = life.is_under_way() || matches!(life.state, IntentState::Final | IntentState::Held);
            prop_assert!(!before || can_follow);
        }
    }
}
