//! Reading a reply, and which prices may decide a round (docs/spec/rounds.md 3.2).

use bursar_money::Price;
use proptest::prelude::*;

use super::{WANTED_S, body, good_body, good_sample};
use crate::market::Market;
use crate::oracle::{
    AcceptPolicy, BODY_LIMIT_BYTES, ParseFailure, PriceEvidence, Refusal, Sample, accept, parse,
};

const SOL: &str = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d";

fn judged(change: impl FnOnce(&mut Sample)) -> Result<(), Refusal> {
    judged_with(AcceptPolicy::default(), change)
}

fn judged_with(policy: AcceptPolicy, change: impl FnOnce(&mut Sample)) -> Result<(), Refusal> {
    let mut sample = good_sample();
    change(&mut sample);
    accept(sample, Market::Sol, WANTED_S, policy).map(drop)
}

#[test]
fn a_reply_is_read_without_loss() {
    let sample = parse(&body(SOL, "9223372036854775807", "18446744073709551615", -8, 1_700_000_100)).unwrap();
    assert_eq!((sample.price.mantissa, sample.price.exponent), (i64::MAX, -8));
    assert_eq!((sample.confidence, sample.publish_time_s), (u64::MAX, 1_700_000_100));
    assert_eq!(sample.feed_id, SOL);
}

#[test]
fn a_feed_id_may_carry_0x_and_capitals() {
    for id in [SOL.to_owned(), format!("0x{SOL}"), SOL.to_uppercase()] {
        assert_eq!(parse(&body(&id, "1", "0", 0, 0)).unwrap().feed_id, SOL);
    }
}

#[test]
fn the_first_price_of_a_reply_is_the_one_read() {
    let second = r#",{"id":"other","price":{"price":"9","conf":"9","expo":9,"publish_time":9}}]}"#;
    assert_eq!(parse(&good_body(1).replace("]}", second)), parse(&good_body(1)));
}

#[test]
fn a_reply_without_any_price_is_refused() {
    for text in [r#"{"parsed":[]}"#, r#"{"parsed":null}"#, r#"{"binary":{"encoding":"hex","data":[]}}"#] {
        assert_eq!(parse(text), Err(ParseFailure::NoPrice), "{text}");
    }
}

#[test]
fn numbers_must_be_integers_in_range() {
    let failure = |price, conf| parse(&body(SOL, price, conf, -2, 1)).unwrap_err();
    for price in ["", "1.5", "1e3", " 1", "0x10", "9223372036854775808", "NaN"] {
        assert_eq!(failure(price, "0"), ParseFailure::Field("price"), "{price:?}");
    }
    for conf in ["", "-1", "0.1", "18446744073709551616"] {
        assert_eq!(failure("1", conf), ParseFailure::Field("conf"), "{conf:?}");
    }
}

#[test]
fn a_feed_id_must_be_64_hexadecimal_digits() {
    for id in ["", "ab", &SOL[1..], &format!("{SOL}0"), &SOL.replace('e', "g")] {
        assert_eq!(parse(&body(id, "1", "0", 0, 0)), Err(ParseFailure::Field("id")), "{id:?}");
    }
}

#[test]
fn what_is_no_price_update_is_refused_without_quoting_it() {
    let whole = good_body(1);
    let shapes =
        ["", "null x", "<html>", r#"{"parsed":[{}]}"#, r#"{"parsed":"secret"}"#, &whole[..whole.len() / 2]];
    for text in shapes {
        assert!(matches!(parse(text), Err(ParseFailure::Shape { .. })), "{text}");
    }
    let told = parse(r#"{"parsed":"secret"}"#).unwrap_err().to_string();
    assert_eq!(told, "the reply is no price update (line 1, column 18)");
    let numbers = good_body(1).replace(r#""2171251""#, "2171251");
    assert!(matches!(parse(&numbers), Err(ParseFailure::Shape { .. })), "prices are strings on the wire");
}

#[test]
fn a_reply_of_64_kib_is_read_and_one_byte_more_is_not() {
    let padded = |length: usize| good_body(1) + &" ".repeat(length - good_body(1).len());
    assert!(parse(&padded(BODY_LIMIT_BYTES)).is_ok());
    assert_eq!(parse(&padded(BODY_LIMIT_BYTES + 1)), Err(ParseFailure::TooLong));
}

#[test]
fn a_good_sample_is_accepted_unchanged() {
    let accepted = accept(good_sample(), Market::Sol, WANTED_S, AcceptPolicy::default());
    assert_eq!(accepted, Ok(good_sample()));
}

#[test]
fn a_price_of_another_feed_is_refused() {
    let bitcoin = Market::Btc.feed_id();
    let refusal = judged(|sample| sample.feed_id = bitcoin.to_owned());
    assert_eq!(refusal, Err(Refusal::WrongFeed { got: bitcoin.to_owned() }));
}

#[test]
fn ten_seconds_away_are_near_enough_and_eleven_are_not() {
    for away in [-10, -1, 0, 1, 10] {
        assert_eq!(judged(|sample| sample.publish_time_s += away), Ok(()), "{away}");
    }
    for publish_time_s in [WANTED_S - 11, WANTED_S + 11, 0, i64::MIN, i64::MAX] {
        let refusal = judged(|sample| sample.publish_time_s = publish_time_s);
        assert_eq!(refusal, Err(Refusal::TooFar { publish_time_s, wanted_s: WANTED_S }));
    }
}

#[test]
fn a_price_must_be_above_zero() {
    for mantissa in [0, -1, i64::MIN] {
        assert_eq!(
            judged(|sample| sample.price = Price::new(mantissa, -2)),
            Err(Refusal::NotPositive { mantissa })
        );
    }
    assert_eq!(judged(|sample| (sample.price, sample.confidence) = (Price::new(1, -2), 0)), Ok(()));
}

#[test]
fn confidence_up_to_the_bound_is_sure_enough() {
    assert_eq!(judged(|sample| sample.confidence = 200), Ok(()), "exactly 100 bps of 20000");
    let refusal = Refusal::TooWide { confidence: 201, mantissa: 20_000, max_bps: 100 };
    assert_eq!(judged(|sample| sample.confidence = 201), Err(refusal));
}

#[test]
fn the_confidence_check_is_exact_at_the_ends_of_the_range() {
    let widest = AcceptPolicy { max_confidence_bps: u16::MAX, ..AcceptPolicy::default() };
    let huge = |sample: &mut Sample| {
        (sample.price, sample.confidence) = (Price::new(i64::MAX, 0), u64::MAX);
    };
    assert_eq!(judged_with(widest, huge), Ok(()));
    let double = AcceptPolicy { max_confidence_bps: 20_000, ..AcceptPolicy::default() };
    assert!(judged_with(double, huge).is_err(), "2^64-1 is one more than twice 2^63-1");
}

#[test]
fn a_bound_of_zero_switches_the_confidence_check_off() {
    let off = AcceptPolicy { max_confidence_bps: 0, ..AcceptPolicy::default() };
    assert_eq!(judged_with(off, |sample| sample.confidence = u64::MAX), Ok(()));
}

#[test]
fn w24_equal_prices_with_neighbouring_exponents_are_equal() {
    let evidence = |price: &str, expo| {
        let sample = parse(&body(SOL, price, "0", expo, WANTED_S)).unwrap();
        PriceEvidence::from(&crate::oracle::Found { asked_s: WANTED_S, sample })
    };
    assert_eq!(evidence("3", -1).price(), evidence("30", -2).price());
    assert_ne!(evidence("3", -1), evidence("30", -2), "the evidence keeps the pair as stated");
    assert!(evidence("31", -2).price() > evidence("3", -1).price());
}

proptest! {
    #[test]
    fn parsing_never_panics_on_any_text(text: String) {
        let _ = parse(&text);
    }

    #[test]
    fn parsing_never_panics_on_a_damaged_reply(at in 0usize..300, with: char, cut in 0usize..400) {
        let damaged: String =
            good_body(1).chars().enumerate().map(|(index, c)| if index == at { with } else { c }).take(cut).collect();
        let _ = parse(&damaged);
    }

    #[test]
    fn any_integer_pair_is_read_back_as_it_was(price: i64, conf: u64, expo: i32, time: i64) {
        let sample = parse(&body(SOL, &price.to_string(), &conf.to_string(), expo, time)).unwrap();
        prop_assert_eq!((sample.price.mantissa, sample.price.exponent), (price, expo));
        prop_assert_eq!((sample.confidence, sample.publish_time_s), (conf, time));
    }

    #[test]
    fn accepting_never_panics_and_keeps_its_promise(mantissa: i64, confidence: u64, time: i64, bps: u16) {
        let sample = Sample { price: Price::new(mantissa, -8), confidence, publish_time_s: time, ..good_sample() };
        let policy = AcceptPolicy { max_confidence_bps: bps, ..AcceptPolicy::default() };
        let near = (WANTED_S - 10..=WANTED_S + 10).contains(&time);
        if accept(sample, Market::Sol, WANTED_S, policy).is_ok() {
            prop_assert!(mantissa > 0 && near);
        }
    }
}
