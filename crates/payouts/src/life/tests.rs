//! Single paths through an intent's life.

use super::*;

fn id(name: &str) -> TransactionId {
    TransactionId::from_canonical(name.to_owned())
}

fn slot(name: &str) -> Slot {
    Slot::from_canonical(name.to_owned())
}

fn sign(name: &str, place: &str) -> Event {
    Event::Sign { id: id(name), slot: slot(place) }
}

fn free(name: &str, place: &str) -> Event {
    Event::Free { id: id(name), slot: slot(place) }
}

/// Where these events lead from an accepted intent; the last one that is impossible shows as `None`.
fn after(events: impl IntoIterator<Item = Event>) -> Option<IntentState> {
    let mut life =
        Life { state: IntentState::Accepted, wish: Wish::Nothing, attempts: Vec::new(), is_unclear: false };
    for event in events {
        life.apply(event).ok()?;
    }
    Some(life.state)
}

#[test]
fn a_payment_is_signed_broadcast_and_final() {
    assert_eq!(after([sign("a", "1")]), Some(IntentState::Signed));
    assert_eq!(after([sign("a", "1"), Event::Broadcast(id("a"))]), Some(IntentState::Broadcast));
    assert_eq!(after([sign("a", "1"), Event::Confirm(id("a"))]), Some(IntentState::Final));
}

#[test]
fn while_an_attempt_lives_there_is_no_other_and_no_way_back() {
    for event in [sign("b", "2"), sign("b", "1"), Event::Hold, Event::Cancel, Event::Refuse] {
        assert_eq!(after([sign("a", "1"), event.clone()]), None, "{event:?}");
        assert_eq!(after([sign("a", "1"), Event::Broadcast(id("a")), event]), None);
    }
}

#[test]
fn a_proven_death_permits_the_next_attempt_in_another_slot() {
    let dead = || [sign("a", "1"), Event::Die(id("a"))];
    assert_eq!(after(dead()), Some(IntentState::Accepted));
    assert_eq!(after(dead().into_iter().chain([sign("b", "2")])), Some(IntentState::Signed));
    assert_eq!(after(dead().into_iter().chain([sign("b", "1")])), None);
    assert_eq!(after(dead().into_iter().chain([sign("a", "2")])), None);
}

#[test]
fn nothing_signed_is_cancelled_and_what_was_signed_has_failed() {
    assert_eq!(after([Event::Cancel]), Some(IntentState::Cancelled));
    assert_eq!(after([Event::Hold, Event::Cancel]), Some(IntentState::Cancelled));
    assert_eq!(after([sign("a", "1"), Event::Die(id("a")), Event::Cancel]), Some(IntentState::Failed));
}

#[test]
fn a_freeing_takes_a_living_payments_slot_and_both_must_end() {
    assert_eq!(after([sign("a", "1"), free("f", "2")]), None);
    assert_eq!(after([free("f", "1")]), None);
    let freed = || vec![sign("a", "1"), free("f", "1"), Event::Confirm(id("f"))];
    assert_eq!(after(freed()), Some(IntentState::Signed));
    let dead = || [freed(), vec![Event::Die(id("a"))]].concat();
    assert_eq!(after(dead()), Some(IntentState::Accepted));
    assert_eq!(after([sign("a", "1"), free("f", "1"), Event::Die(id("a"))]), Some(IntentState::Signed));
    assert_eq!(after([sign("a", "1"), free("f", "1"), free("g", "1")]), None);
    assert_eq!(after([sign("a", "1"), free("f", "1"), Event::Confirm(id("a"))]), Some(IntentState::Final));
}

#[test]
fn who_gives_up_fails_once_all_is_dead_and_not_before() {
    let given_up = vec![sign("a", "1"), Event::Wish(Wish::GiveUp)];
    assert_eq!(after(given_up.clone()), Some(IntentState::Signed));
    assert_eq!(after([given_up.clone(), vec![Event::Die(id("a"))]].concat()), Some(IntentState::Failed));
    assert_eq!(after([given_up, vec![Event::Confirm(id("a"))]].concat()), Some(IntentState::Final));
    assert_eq!(after([Event::Wish(Wish::GiveUp)]), None);
}

#[test]
fn what_the_journal_holds_lives_again() {
    let import = || Event::Import { id: id("j"), slot: slot("9"), kind: AttemptKind::Payment };
    assert_eq!(after([import()]), Some(IntentState::Signed));
    assert_eq!(after([Event::Hold, import()]), Some(IntentState::Signed));
    assert_eq!(after([import(), sign("a", "1")]), None);
    assert_eq!(after([Event::Cancel, import()]), None);
}
