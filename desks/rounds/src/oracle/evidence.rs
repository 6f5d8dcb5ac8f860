//! The proof of a price that a settlement keeps, enough to ask the oracle again and compare (W31).

use bursar_money::Price;

use super::search::Found;

/// One price as the settlement record stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceEvidence {
    /// The second the oracle was asked for, Unix seconds.
    pub requested_second: i64,
    /// When the oracle published the price, Unix seconds.
    pub publish_time: i64,
    /// Integer part of the price.
    pub mantissa: i64,
    /// Power of ten of the price.
    pub exponent: i32,
    /// Half-width of the confidence interval, in units of the mantissa.
    pub confidence: u64,
}

impl PriceEvidence {
    /// The price, which compares by value across exponents (W24).
    #[must_use]
    pub const fn price(&self) -> Price {
        Price::new(self.mantissa, self.exponent)
    }
}

impl From<&Found> for PriceEvidence {
    fn from(found: &Found) -> PriceEvidence {
        PriceEvidence {
            requested_second: found.asked_s,
            publish_time: found.sample.publish_time_s,
            mantissa: found.sample.price.mantissa,
            exponent: found.sample.price.exponent,
            confidence: found.sample.confidence,
        }
    }
}
