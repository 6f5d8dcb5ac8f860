//! The assets that the ledger keeps, with their base units (docs/spec/platform.md U1).

use std::fmt;

/// An asset whose accounts must sum to zero among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// Play money of the rounds desk, in cents.
    PanchoBucks,
    /// Solana, in lamports.
    Sol,
    /// Banano, in raw.
    Banano,
    /// Ether, in wei.
    Ether,
    /// Arena token, in whole credits.
    Aiba,
    /// Arena's second token, in whole credits.
    Neur,
    /// Arena stars, in whole credits.
    Stars,
    /// Arena diamonds, in whole credits.
    Diamonds,
}

/// A code or symbol that names no asset of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown asset {0:?}; known are PB, SOL, BAN, ETH, AIBA, NEUR, STARS, DIAMONDS")]
pub struct UnknownAsset(pub String);

/// Asset, storage code (never reused), symbol, decimal places of the usual display unit.
const TABLE: [(Asset, i64, &str, u32); 8] = [
    (Asset::PanchoBucks, 1, "PB", 2),
    (Asset::Sol, 2, "SOL", 9),
    (Asset::Banano, 3, "BAN", 29),
    (Asset::Ether, 4, "ETH", 18),
    (Asset::Aiba, 5, "AIBA", 0),
    (Asset::Neur, 6, "NEUR", 0),
    (Asset::Stars, 7, "STARS", 0),
    (Asset::Diamonds, 8, "DIAMONDS", 0),
];

impl Asset {
    /// Every asset, in storage order.
    pub fn all() -> impl Iterator<Item = Asset> {
        TABLE.iter().map(|row| row.0)
    }

    /// The small integer that stands for the asset in storage.
    #[must_use]
    pub fn code(self) -> i64 {
        self.row().1
    }

    /// The symbol that people read.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        self.row().2
    }

    /// How many decimal places the display unit has over the base unit.
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.row().3
    }

    /// The asset of a storage code.
    pub fn from_code(code: i64) -> Result<Asset, UnknownAsset> {
        let found = TABLE.iter().find(|row| row.1 == code);
        found.map(|row| row.0).ok_or_else(|| UnknownAsset(code.to_string()))
    }

    /// The asset of a symbol, upper case.
    pub fn from_symbol(symbol: &str) -> Result<Asset, UnknownAsset> {
        let found = TABLE.iter().find(|row| row.2 == symbol);
        found.map(|row| row.0).ok_or_else(|| UnknownAsset(symbol.to_owned()))
    }

    fn row(self) -> (Asset, i64, &'static str, u32) {
        match self {
            Asset::PanchoBucks => TABLE[0],
            Asset::Sol => TABLE[1],
            Asset::Banano => TABLE[2],
            Asset::Ether => TABLE[3],
            Asset::Aiba => TABLE[4],
            Asset::Neur => TABLE[5],
            Asset::Stars => TABLE[6],
            Asset::Diamonds => TABLE[7],
        }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assets_with_their_symbols_and_decimal_places() {
        let table: Vec<_> = Asset::all().map(|asset| (asset.to_string(), asset.decimals())).collect();
        let expected = [
            ("PB", 2),
            ("SOL", 9),
            ("BAN", 29),
            ("ETH", 18),
            ("AIBA", 0),
            ("NEUR", 0),
            ("STARS", 0),
            ("DIAMONDS", 0),
        ];
        assert_eq!(table, expected.map(|(symbol, places)| (symbol.to_owned(), places)));
    }

    #[test]
    fn codes_and_symbols_name_one_asset_each() {
        for asset in Asset::all() {
            assert_eq!(Asset::from_code(asset.code()), Ok(asset));
            assert_eq!(Asset::from_symbol(asset.symbol()), Ok(asset));
        }
        assert_eq!(Asset::from_code(0), Err(UnknownAsset("0".into())));
        assert_eq!(Asset::from_symbol("pb"), Err(UnknownAsset("pb".into())));
    }
}
