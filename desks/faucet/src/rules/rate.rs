//! What a kill earns: an exact product, rounded down once to eight decimals (docs/spec/faucet.md 3.3).

use std::fmt;

use bursar_money::U256;

use super::ban::{BanE8, BanError};

/// What is paid out before anything is donated, from the payout file: 0.05 BAN per kill.
pub const DEFAULT_BASE: BanE8 = match BanE8::new(5_000_000) {
    Ok(base) => base,
    Err(_) => BanE8::ZERO,
};
/// What the operator put in at first, from the payout file.
pub const DEFAULT_SEED_FUND: BanE8 = BanE8::of_ban(1_336);

/// A factor in hundredths: 105 is 1.05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Multiplier(u32);

impl Multiplier {
    /// No change.
    pub const ONE: Multiplier = Multiplier(100);

    /// A factor of `hundredths / 100`.
    #[must_use]
    pub const fn from_hundredths(hundredths: u32) -> Multiplier {
        Multiplier(hundredths)
    }

    /// The factor times 100.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }
}

/// Two places: `1.05`.
impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// How what came in compares with what was paid out, held between 0.1 and 2; an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sustainability {
    numerator: u64,
    denominator: u64,
}

impl Sustainability {
    /// The most: twice the rate.
    pub const MOST: Sustainability = Sustainability { numerator: 2, denominator: 1 };
    /// The least: a tenth of the rate.
    pub const LEAST: Sustainability = Sustainability { numerator: 1, denominator: 10 };

    /// `(seed_fund + donated) / paid`, held between 0.1 and 2; 2 while nothing has been paid.
    ///
    /// `donated` and `paid` leave out dry-run and demo rows.
    #[must_use]
    pub fn new(seed_fund: BanE8, donated: BanE8, paid: BanE8) -> Sustainability {
        let (income, paid) = (u128::from(seed_fund.units()) + u128::from(donated.units()), paid.units());
        if income >= u128::from(paid) * 2 {
            return Sustainability::MOST;
        }
        if income * 10 <= u128::from(paid) {
            return Sustainability::LEAST;
        }
        // Below twice a paid sum of 60 bits, so this conversion cannot fail; the most is never reached by it.
        u64::try_from(income)
            .map_or(Sustainability::MOST, |numerator| Sustainability { numerator, denominator: paid })
    }

    /// The factor in hundred-millionths, rounded down, for showing.
    pub fn floor_e8(self) -> Result<BanE8, BanError> {
        let factors = RateFactors { base: BanE8::of_ban(1), sustainability: self, ..RateFactors::plain() };
        factors.rate()
    }
}

/// The base that counts: a live override above zero, else the configured one.
#[must_use]
pub fn base(configured: BanE8, live_override: Option<BanE8>) -> BanE8 {
    live_override.filter(|base| !base.is_zero()).unwrap_or(configured)
}

/// Everything that a kill's worth depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateFactors {
    /// BAN per kill before any factor; see [`base`].
    pub base: BanE8,
    /// Of the donation milestone; see [`super::milestone::current`].
    pub milestone: Multiplier,
    /// Of income against payouts.
    pub sustainability: Sustainability,
    /// Of the promotion that runs, else one.
    pub promo: Multiplier,
    /// Of the player's token tier; see [`super::hodl::tier`].
    pub hodl: Multiplier,
}

impl RateFactors {
    const fn plain() -> RateFactors {
        RateFactors {
            base: BanE8::ZERO,
            milestone: Multiplier::ONE,
            sustainability: Sustainability { numerator: 1, denominator: 1 },
            promo: Multiplier::ONE,
            hodl: Multiplier::ONE,
        }
    }

    /// BAN per kill: the exact product of all factors, rounded down once. A row's amount is this times its kills.
    ///
    /// The product cannot overflow: base 60 bits, three multipliers of 32, a numerator of 64 make 220 of 256 bits. A rate
    /// above the largest amount is refused.
    pub fn rate(&self) -> Result<BanE8, BanError> {
        let multipliers = [self.milestone, self.promo, self.hodl];
        let numerator = multipliers
            .iter()
            .map(|multiplier| U256::from(multiplier.hundredths()))
            .chain([U256::from(self.sustainability.numerator)])
            .try_fold(U256::from(self.base.units()), U256::checked_mul)
            .ok_or(BanError::Overflow)?;
        let denominator = U256::from(self.sustainability.denominator) * U256::from(1_000_000_u32);
        let floor = numerator.checked_div(denominator).ok_or(BanError::Overflow)?;
        BanE8::new(i64::try_from(floor).map_err(|_| BanError::Overflow)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{hodl, milestone};
    use proptest::prelude::*;

    fn ban(text: &str) -> BanE8 {
        text.parse().unwrap()
    }

    fn sustainability(donated: &str, paid: &str) -> Sustainability {
        Sustainability::new(DEFAULT_SEED_FUND, ban(donated), ban(paid))
    }

    #[test]
    fn sustainability_is_income_over_payouts_between_a_tenth_and_two() {
        for (donated, paid, shown) in [
            ("0", "0", "2.00000000"),
            ("0", "1336", "1.00000000"),
            ("0", "668", "2.00000000"),
            ("0", "668.00000001", "1.99999999"),
            ("0", "667.99999999", "2.00000000"),
            ("664", "4000", "0.50000000"),
            ("0", "13360", "0.10000000"),
            ("0", "13359.99999999", "0.10000000"),
            ("0", "13361", "0.10000000"),
            ("0", "9999999999.99999999", "0.10000000"),
            ("9999999999.99999999", "9999999999.99999999", "1.00000013"),
        ] {
            let factor = sustainability(donated, paid).floor_e8().unwrap();
            assert_eq!(factor.to_string(), shown, "{donated} donated, {paid} paid");
        }
    }

    #[test]
    fn a_live_base_above_zero_wins() {
        assert_eq!(base(DEFAULT_BASE, None), ban("0.05"));
        assert_eq!(base(DEFAULT_BASE, Some(BanE8::ZERO)), ban("0.05"));
        assert_eq!(base(DEFAULT_BASE, Some(ban("2.1"))), ban("2.1"));
    }

    #[test]
    fn the_product_is_rounded_down_once() {
        // 1/3 of income: 0.05 x 1.1 x 1/3 x 1.88 x 1.1 = 0.0379133..., where rounding each step would lose e8.
        let factors = RateFactors {
            base: ban("0.05"),
            milestone: milestone::current(ban("500")).multiplier,
            sustainability: Sustainability::new(BanE8::of_ban(500), BanE8::of_ban(500), BanE8::of_ban(3_000)),
            promo: Multiplier::from_hundredths(188),
            hodl: hodl::tier(10_000).multiplier,
        };
        assert_eq!(factors.rate(), Ok(ban("0.03791333")));
        let start = RateFactors {
            base: DEFAULT_BASE,
            sustainability: sustainability("0", "0"),
            ..RateFactors::plain()
        };
        assert_eq!(start.rate(), Ok(ban("0.1")));
        let f7 = RateFactors {
            milestone: milestone::current(ban("100")).multiplier,
            sustainability: Sustainability::new(ban("1.171"), BanE8::ZERO, ban("1")),
            ..start
        };
        assert_eq!(f7.rate(), Ok(ban("0.0614775")));
        let tiny = RateFactors {
            base: BanE8::new(1).unwrap(),
            sustainability: Sustainability::LEAST,
            ..RateFactors::plain()
        };
        assert_eq!(tiny.rate(), Ok(BanE8::ZERO));
    }

    #[test]
    fn factors_at_their_largest_are_refused_and_do_not_wrap() {
        let most = Multiplier::from_hundredths(u32::MAX);
        let factors = RateFactors {
            base: BanE8::MAX,
            milestone: most,
            sustainability: Sustainability { numerator: u64::MAX, denominator: 1 },
            promo: most,
            hodl: most,
        };
        assert_eq!(factors.rate(), Err(BanError::Overflow));
    }

    #[test]
    fn multipliers_show_two_places() {
        assert_eq!(Multiplier::from_hundredths(105).to_string(), "1.05");
        assert_eq!(Multiplier::ONE.to_string(), "1.00");
    }

    fn amount() -> impl Strategy<Value = BanE8> {
        (0..=BanE8::MAX.e8()).prop_map(|e8| BanE8::new(e8).unwrap())
    }

    proptest! {
        #[test]
        fn a_rate_is_the_floor_of_the_exact_product_and_within_its_bounds(
            base in 0_i64..=210_000_000, donated in amount(), paid in amount(), fund in amount(),
            holding in 0_u64..200_000_000, has_promo: bool,
        ) {
            let base = BanE8::new(base).unwrap();
            let promo = Multiplier::from_hundredths(if has_promo { 188 } else { 100 });
            let (milestone, hodl) = (milestone::current(donated).multiplier, hodl::tier(holding).multiplier);
            let sustainability = Sustainability::new(fund, donated, paid);
            let rate = RateFactors { base, milestone, sustainability, promo, hodl }.rate().unwrap();

            // The same by plain long division, without the code under test.
            let income = fund.units() as u128 + donated.units() as u128;
            let (top, bottom) = match paid.units() as u128 {
                paid if income >= 2 * paid => (2, 1),
                paid if income * 10 <= paid => (1, 10),
                paid => (income, paid),
            };
            let exact = U256::from(base.units()) * U256::from(top) * U256::from(milestone.hundredths())
                * U256::from(promo.hundredths()) * U256::from(hodl.hundredths());
            let unit = U256::from(bottom) * U256::from(1_000_000_u32);
            let floor = U256::from(rate.units()) * unit;
            prop_assert!(floor <= exact && exact - floor < unit);

            // 0.1 to 2 x 1.5 x 1.88 x 1.75 of the base.
            prop_assert!(rate.units() * 10 + 10 > base.units());
            prop_assert!(u128::from(rate.units()) * 1_000 <= u128::from(base.units()) * 9_870);
        }
    }
}
