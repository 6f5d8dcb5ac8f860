//! The search order and where a search ends, without I/O.

use super::{WANTED_S, good_body};
use crate::market::Market;
use crate::oracle::{
    AcceptPolicy, Exhausted, Miss, MissReason, OFFSETS_S, ParseFailure, Refusal, Search, Step, UpstreamError,
};

type Reply = Result<String, UpstreamError>;

/// Answers every question by its offset from the wanted second; returns the offsets asked and the last step.
fn run(reply: impl Fn(i64) -> Reply) -> (Vec<i64>, Step) {
    let mut search = Search::new(Market::Sol, WANTED_S, AcceptPolicy::default());
    let mut asked = Vec::new();
    loop {
        match search.next() {
            Step::Ask(second) => {
                asked.push(second - WANTED_S);
                search.answer(reply(second - WANTED_S));
            }
            end => return (asked, end),
        }
    }
}

fn exhausted(reply: impl Fn(i64) -> Reply) -> (usize, Exhausted) {
    match run(reply) {
        (asked, Step::Exhausted(exhausted)) => (asked.len(), exhausted),
        (_, step) => panic!("{step:?}"),
    }
}

#[test]
fn offsets_are_asked_in_the_order_of_the_specification() {
    assert_eq!(OFFSETS_S, [0, -1, -2, -5, -10, 1, 2, 5, 10]);
    let (asked, _) = run(|_| Err(UpstreamError::NotFound));
    assert_eq!(asked, OFFSETS_S);
}

#[test]
fn the_first_usable_price_ends_the_search() {
    for (index, good) in OFFSETS_S.into_iter().enumerate() {
        let (asked, end) = run(|offset| match offset == good {
            true => Ok(good_body(WANTED_S + offset)),
            false => Err(UpstreamError::NotFound),
        });
        let Step::Found(found) = end else { panic!("{end:?}") };
        assert_eq!((asked.len(), found.asked_s), (index + 1, WANTED_S + good));
        assert_eq!(found.sample.publish_time_s, WANTED_S + good);
    }
}

#[test]
fn a_price_is_judged_against_the_wanted_second_and_not_the_one_asked_for() {
    let (asked, end) = run(|offset| Ok(good_body(WANTED_S + offset - 11)));
    assert_eq!(asked, [0, -1, -2, -5, -10, 1], "always 11 s before the second asked for");
    let Step::Found(found) = end else { panic!("{end:?}") };
    assert_eq!((found.asked_s, found.sample.publish_time_s), (WANTED_S + 1, WANTED_S - 10));
}

#[test]
fn misses_are_kept_with_their_second_and_reason() {
    let (_, exhausted) = exhausted(|offset| Ok(good_body(WANTED_S + offset - 30)));
    let reason = MissReason::Refused(Refusal::TooFar { publish_time_s: WANTED_S - 40, wanted_s: WANTED_S });
    assert_eq!(exhausted.misses[4], Miss { asked_s: WANTED_S - 10, reason });
}

#[test]
fn unusable_answers_use_up_all_offsets_and_are_no_outage() {
    let (asked, exhausted) = exhausted(|_| Ok(r#"{"parsed":[]}"#.to_owned()));
    assert_eq!((asked, exhausted.upstream_was_down()), (9, false));
    let reason = MissReason::Refused(Refusal::Unreadable(ParseFailure::NoPrice));
    assert!(exhausted.misses.iter().all(|miss| miss.reason == reason));
}

#[test]
fn missing_prices_are_no_outage() {
    let (_, exhausted) = exhausted(|_| Err(UpstreamError::NotFound));
    assert!(!exhausted.upstream_was_down());
}

#[test]
fn errors_of_the_service_use_up_all_offsets_and_are_an_outage() {
    for error in [UpstreamError::Status(500), UpstreamError::BrokenBody, UpstreamError::BodyTooLarge] {
        let (asked, exhausted) = exhausted(|_| Err(error.clone()));
        assert_eq!((asked, exhausted.upstream_was_down()), (9, true), "{error}");
    }
}

#[test]
fn one_error_among_missing_prices_is_told_as_an_outage() {
    let (_, exhausted) = exhausted(|offset| match offset {
        -5 => Err(UpstreamError::Status(503)),
        _ => Err(UpstreamError::NotFound),
    });
    assert!(exhausted.upstream_was_down());
}

#[test]
fn a_limited_rate_ends_the_search_at_once() {
    let (asked, exhausted) = exhausted(|_| Err(UpstreamError::RateLimited { retry_after_s: Some(60) }));
    assert_eq!((asked, exhausted.upstream_was_down()), (1, true));
}

#[test]
fn two_questions_without_any_answer_end_the_search() {
    let (asked, exhausted) = exhausted(|_| Err(UpstreamError::Timeout));
    assert_eq!((asked, exhausted.upstream_was_down()), (2, true));
    let (asked, _) = run(|offset| match offset {
        0 | -5 => Err(UpstreamError::Unreachable("connection refused".to_owned())),
        _ => Err(UpstreamError::NotFound),
    });
    assert_eq!(asked, [0, -1, -2, -5]);
}

#[test]
fn one_timeout_does_not_end_the_search() {
    let (asked, end) = run(|offset| match offset {
        0 => Err(UpstreamError::Timeout),
        _ => Ok(good_body(WANTED_S + offset)),
    });
    assert_eq!(asked, [0, -1]);
    assert!(matches!(end, Step::Found(_)));
}

#[test]
fn a_search_that_is_over_ignores_further_answers() {
    let mut search = Search::new(Market::Sol, WANTED_S, AcceptPolicy::default());
    search.answer(Ok(good_body(WANTED_S)));
    let end = search.next();
    search.answer(Ok(good_body(WANTED_S + 1)));
    search.answer(Err(UpstreamError::Timeout));
    assert_eq!(search.next(), end);
}

#[test]
fn an_exhausted_search_says_what_happened() {
    let (_, exhausted) = exhausted(|_| Err(UpstreamError::NotFound));
    let expected = "no usable SOL price for second 1700000100 after 9 questions; the last: \
                    the price service has no price for this feed and second (404)";
    assert_eq!(exhausted.to_string(), expected);
}
