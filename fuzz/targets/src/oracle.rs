//! Replies of the price service.

use bursar_rounds::market::Market;
use bursar_rounds::oracle::{AcceptPolicy, accept, parse};

use crate::input::text;

/// A price that is accepted is of the feed asked for, above zero, near in time and sure enough.
pub fn reply(bytes: &[u8]) {
    let Some(body) = text(bytes) else { return };
    let Ok(sample) = parse(body) else { return };
    assert!(
        sample.feed_id.len() == 64 && sample.feed_id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    );
    let wanted_s = 1_700_000_039;
    for market in Market::ALL {
        for policy in [AcceptPolicy::default(), AcceptPolicy { max_distance_s: 0, max_confidence_bps: 0 }] {
            let Ok(accepted) = accept(sample.clone(), market, wanted_s, policy) else { continue };
            assert_eq!(accepted.feed_id, market.feed_id());
            assert!(accepted.price.mantissa > 0);
            assert!(accepted.publish_time_s.abs_diff(wanted_s) <= policy.max_distance_s);
            let parts = u128::from(accepted.confidence) * 10_000;
            let most =
                u128::from(accepted.price.mantissa.unsigned_abs()) * u128::from(policy.max_confidence_bps);
            assert!(policy.max_confidence_bps == 0 || parts <= most);
        }
    }
    assert!(!sample.price.to_string().is_empty());
    assert_eq!(sample.price.cmp(&sample.price), std::cmp::Ordering::Equal);
}
