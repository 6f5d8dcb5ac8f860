//! The six markets (docs/spec/rounds.md 2.1).

use std::fmt;

/// A market one can bet on. All prices are in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Market {
    /// Solana, the default market.
    #[default]
    Sol,
    /// Bitcoin.
    Btc,
    /// Ether.
    Eth,
    /// XRP.
    Xrp,
    /// A thousand PEPE.
    Pepe,
    /// BONK.
    Bonk,
}

struct Row {
    key: &'static str,
    asset: &'static str,
    feed_id: &'static str,
    code: u8,
}

const fn row(key: &'static str, asset: &'static str, code: u8, feed_id: &'static str) -> Row {
    Row { key, asset, feed_id, code }
}

const SOL: Row = row("SOL", "SOL/USD", 0, "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d");
const BTC: Row = row("BTC", "BTC/USD", 1, "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43");
const ETH: Row = row("ETH", "ETH/USD", 2, "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace");
const XRP: Row = row("XRP", "XRP/USD", 3, "ec5d399846a9209f3fe5881d70aae9268c94339ff9817e8d18ff19fa05eea1c8");
const PEPE: Row =
    row("PEPE", "1000PEPE/USD", 4, "7f3febb69d47fd18c6e29697fc2c19ee70b9877111410238d8587f2cffacb232");
const BONK: Row =
    row("BONK", "BONK/USD", 5, "72b021217ca3fe68922a19aaf990109cb9d84e9ad004b4d2025ad6f529314419");

impl Market {
    /// All markets in the order of their codes.
    pub const ALL: [Market; 6] =
        [Market::Sol, Market::Btc, Market::Eth, Market::Xrp, Market::Pepe, Market::Bonk];

    const fn row(self) -> &'static Row {
        match self {
            Market::Sol => &SOL,
            Market::Btc => &BTC,
            Market::Eth => &ETH,
            Market::Xrp => &XRP,
            Market::Pepe => &PEPE,
            Market::Bonk => &BONK,
        }
    }

    /// The key in URLs, round ids and bodies, e.g. `SOL`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.row().key
    }

    /// The label shown to people, e.g. `SOL/USD`.
    #[must_use]
    pub const fn asset(self) -> &'static str {
        self.row().asset
    }

    /// The Pyth feed: 64 lower-case hexadecimal digits without `0x`.
    #[must_use]
    pub const fn feed_id(self) -> &'static str {
        self.row().feed_id
    }

    /// The number that stands for the market in storage; never reassigned.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.row().code
    }

    /// The market with exactly this upper-case key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Market> {
        Market::ALL.into_iter().find(|market| market.key() == key)
    }

    /// The market with this storage code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Market> {
        Market::ALL.into_iter().find(|market| market.code() == code)
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_exactly_in_upper_case() {
        assert_eq!(Market::from_key("SOL"), Some(Market::Sol));
        assert_eq!(Market::from_key("BONK"), Some(Market::Bonk));
        for key in ["sol", "Sol", "SOL ", "", "DOGE"] {
            assert_eq!(Market::from_key(key), None, "{key:?}");
        }
    }

    #[test]
    fn codes_are_stable_and_in_table_order() {
        assert_eq!(Market::ALL.map(Market::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Market::ALL.map(Market::key), ["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"]);
        assert_eq!(Market::from_code(4), Some(Market::Pepe));
        assert_eq!(Market::from_code(6), None);
    }

    #[test]
    fn only_pepe_is_priced_by_the_thousand() {
        let labels = Market::ALL.map(Market::asset);
        assert_eq!(labels, ["SOL/USD", "BTC/USD", "ETH/USD", "XRP/USD", "1000PEPE/USD", "BONK/USD"]);
    }

    #[test]
    fn feed_ids_are_distinct_and_canonical() {
        let canonical =
            |id: &str| id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        assert!(Market::ALL.iter().all(|market| canonical(market.feed_id())));
        let distinct: std::collections::BTreeSet<_> = Market::ALL.map(Market::feed_id).into();
        assert_eq!(distinct.len(), 6);
    }

    #[test]
    fn the_default_market_is_sol() {
        assert_eq!(Market::default().to_string(), "SOL");
    }
}
