//! Texts that name something: addresses, rounds, backups, series, databases.

use bursar::config;
use bursar_banano::PublicKey;
use bursar_ops::backup::BackupName;
use bursar_ops::rollup::Series;
use bursar_rounds::market::Market;
use bursar_rounds::timing::Round;
use bursar_rounds::wallet::Address;
use bursar_store::DatabaseUrl;

use crate::input::text;

/// What is read as a name is written as the same text: no two texts name one thing.
pub fn names(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    assert!(Address::parse(text).is_none_or(|address| address.to_text() == text));
    assert!(PublicKey::from_address(text).ok().is_none_or(|key| key.address() == text));
    assert!(
        Round::from_id(text)
            .is_none_or(|round| { round.id() == text && Round::from_key(round.key()) == Some(round) })
    );
    assert!(Market::from_key(text).is_none_or(|market| market.key() == text));
    if let Ok(name) = text.parse::<BackupName>() {
        assert_eq!(name.as_str(), text);
        assert!(!text.contains(['/', '\\', '\0']) && !text.contains(".."), "{text:?}");
    }
    if let Some(series) = Series::parse(text) {
        assert!(text.starts_with(&series.name));
    }
    passwords_stay_hidden(text);
}

/// A database URL never shows its password, however it is put together.
fn passwords_stay_hidden(text: &str) {
    const PASSWORD: &str = "hunter2-hunter2";
    if text.contains(['@', ':']) || text.contains("hunter2") {
        return;
    }
    let url = format!("postgres://me:{PASSWORD}@{text}");
    if let Ok(url) = url.parse::<DatabaseUrl>() {
        assert!(!format!("{url} {url:?}").contains(PASSWORD));
    }
    let shown = match url.parse::<config::DatabaseUrl>() {
        Ok(url) => format!("{url:?}"),
        Err(error) => error.to_string(),
    };
    assert!(!shown.contains(PASSWORD), "{shown}");
}
