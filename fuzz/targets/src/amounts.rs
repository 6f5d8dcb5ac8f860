//! Amounts and the other numbers that people and nodes write.

use bursar::commands::duration::parse_ms;
use bursar_banano::ban;
use bursar_money::{Amount, Asset};

use crate::input::text;

/// What is read as an amount is written as the same digits; what is read as BAN comes back to the last place.
pub fn amounts(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(amount) = text.parse::<Amount>() {
        let digits = text.trim_start_matches('0');
        assert_eq!(amount.to_string(), if digits.is_empty() { "0" } else { digits });
        assert_eq!(Amount::from_be_bytes(amount.to_be_bytes()), amount);
    }
    if let Ok(raw) = ban::from_ban(text) {
        let written = ban::to_ban(raw);
        assert_eq!(ban::from_ban(&written), Ok(raw), "{written}");
        assert_eq!(plain(text), plain(&written));
    }
    if let Ok(asset) = Asset::from_symbol(text) {
        assert_eq!(asset.symbol(), text);
    }
    if let Ok(span) = parse_ms(text) {
        assert!((1..=366 * 86_400_000).contains(&span), "{span}");
    }
}

/// A decimal without the zeros that do not count.
fn plain(text: &str) -> (&str, &str) {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    (whole.trim_start_matches('0'), places.trim_end_matches('0'))
}
