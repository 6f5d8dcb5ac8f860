//! What the community has given, what that unlocked, and what kills earn because of it (docs/spec/faucet.md 3.10).

use serde::Serialize;

use super::ban::{BanE8, BanError};
use super::caps::Caps;
use super::milestone::{self, GOAL, Milestone};
use super::rate::{Multiplier, RateFactors, Sustainability};

/// Donors that are listed.
pub const DONORS_SHOWN: usize = 50;

/// A donation as totals count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Donation<'a> {
    /// Who sent it; `None` where no block says so: what the wallet held before it was watched, or a row put in by hand.
    pub sender: Option<&'a str>,
    /// How much.
    pub amount: BanE8,
}

/// A donor with everything given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Donor {
    /// The address.
    pub address: String,
    /// BAN in all.
    pub total_donated: BanE8,
    /// In how many donations.
    pub donation_count: u64,
}

/// Whether what came in is a donation: it is worth something, and somebody sent it who is not the operator. What nobody is
/// known to have sent is the operator's own.
#[must_use]
pub fn is_donation(donation: &Donation<'_>, operators_own: &[String]) -> bool {
    let is_foreign = |sender: &str| operators_own.iter().all(|own| own != sender);
    !donation.amount.is_zero() && donation.sender.is_some_and(is_foreign)
}

/// The donors, largest total first and then by address; at most [`DONORS_SHOWN`].
pub fn leaderboard(donations: &[Donation<'_>]) -> Result<Vec<Donor>, BanError> {
    let mut by_sender = std::collections::BTreeMap::<&str, (BanE8, u64)>::new();
    for donation in donations {
        let Some(sender) = donation.sender else { continue };
        let (total, count) = by_sender.entry(sender).or_default();
        *total = total.plus(donation.amount)?;
        *count += 1;
    }
    let donor = |(address, (total_donated, donation_count)): (&str, (BanE8, u64))| Donor {
        address: address.to_owned(),
        total_donated,
        donation_count,
    };
    let mut donors: Vec<Donor> = by_sender.into_iter().map(donor).collect();
    // Stable: equal totals keep the order of their addresses.
    donors.sort_by_key(|donor| std::cmp::Reverse(donor.total_donated));
    donors.truncate(DONORS_SHOWN);
    Ok(donors)
}

/// How far the goal is reached, in hundredths of a percent, `0..=10000`, rounded down.
#[must_use]
pub fn progress_e2(donated: BanE8) -> u16 {
    let parts = u128::from(donated.units()) * 10_000 / u128::from(GOAL.units());
    u16::try_from(parts).unwrap_or(10_000).min(10_000)
}

/// What the rate of everybody depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Base rate in force; see [`super::rate::base`].
    pub base: BanE8,
    /// What the operator put in at first.
    pub seed_fund: BanE8,
    /// Donated, without dry-run and demo rows.
    pub donated: BanE8,
    /// Paid by payouts that were sent, without dry-run and demo rows.
    pub paid: BanE8,
    /// Of the promotion that runs, else one.
    pub promo: Multiplier,
}

/// The faucet's figures for the donations page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Economics {
    /// BAN per kill before any factor.
    pub base_rate: BanE8,
    /// The milestone reached.
    pub milestone: Milestone,
    /// Income against payouts.
    pub sustainability: Sustainability,
    /// BAN per kill for a player without a token boost.
    pub effective_rate: BanE8,
    /// Paid so far.
    pub total_paid_out: BanE8,
    /// What the operator put in at first.
    pub seed_fund: BanE8,
    /// The caps in force.
    pub caps: Caps,
    /// What the daily cap is worth at the effective rate; the caps must count kills.
    pub daily_cap_ban: BanE8,
    /// What the weekly cap is worth.
    pub weekly_cap_ban: BanE8,
}

impl Totals {
    /// What a kill's rate is made of for a player with this token boost: the one way from totals to a rate.
    #[must_use]
    pub fn factors(&self, hodl: Multiplier) -> RateFactors {
        RateFactors {
            base: self.base,
            milestone: milestone::current(self.donated).multiplier,
            sustainability: Sustainability::new(self.seed_fund, self.donated, self.paid),
            promo: self.promo,
            hodl,
        }
    }

    /// The figures to show.
    pub fn economics(&self, caps: Caps) -> Result<Economics, BanError> {
        let factors = self.factors(Multiplier::ONE);
        let effective_rate = factors.rate()?;
        Ok(Economics {
            base_rate: self.base,
            milestone: milestone::current(self.donated),
            sustainability: factors.sustainability,
            effective_rate,
            total_paid_out: self.paid,
            seed_fund: self.seed_fund,
            caps,
            daily_cap_ban: worth(effective_rate, caps.daily),
            weekly_cap_ban: worth(effective_rate, caps.weekly),
        })
    }
}

/// What so many kills are worth, or the most that can be counted: caps may be as high as to mean "no cap".
fn worth(rate: BanE8, kills: u32) -> BanE8 {
    rate.times(u64::from(kills)).unwrap_or(BanE8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rate::{DEFAULT_BASE, DEFAULT_SEED_FUND};

    fn ban(text: &str) -> BanE8 {
        text.parse().unwrap()
    }

    fn donation<'a>(sender: &'a str, amount: &str) -> Donation<'a> {
        Donation { sender: Some(sender), amount: ban(amount) }
    }

    #[test]
    fn progress_goes_up_to_the_goal_of_ten_thousand() {
        for (donated, progress) in [
            ("0", 0),
            ("0.99999999", 0),
            ("1", 1),
            ("1250", 1_250),
            ("9999.99", 9_999),
            ("10000", 10_000),
            ("9999999999", 10_000),
        ] {
            assert_eq!(progress_e2(ban(donated)), progress, "{donated}");
        }
    }

    #[test]
    fn donors_are_listed_by_what_they_gave_in_all() {
        let donations = [
            donation("ban_b", "5"),
            donation("ban_a", "2"),
            donation("ban_a", "3"),
            donation("ban_c", "9"),
            Donation { sender: None, amount: ban("100") },
        ];
        let donors = leaderboard(&donations).unwrap();
        let shown: Vec<_> =
            donors.iter().map(|donor| (donor.address.as_str(), donor.donation_count)).collect();
        assert_eq!(shown, [("ban_c", 1), ("ban_a", 2), ("ban_b", 1)]);
        assert_eq!(donors[1].total_donated, ban("5"));
        let senders: Vec<String> = (0..60).map(|number| format!("ban_{number}")).collect();
        let many: Vec<_> = senders.iter().map(|sender| donation(sender, "1")).collect();
        assert_eq!(leaderboard(&many).unwrap().len(), 50);
    }

    #[test]
    fn the_operators_own_money_and_nothing_at_all_are_no_donations() {
        let own = ["ban_operator".to_owned()];
        assert!(is_donation(&donation("ban_friend", "0.00000001"), &own));
        assert!(!is_donation(&donation("ban_operator", "100"), &own));
        assert!(!is_donation(&donation("ban_friend", "0"), &own));
        for own in [&own[..], &[]] {
            assert!(!is_donation(&Donation { sender: None, amount: ban("1") }, own), "nobody gave it");
        }
    }

    #[test]
    fn economics_multiply_base_milestone_sustainability_and_promotion() {
        let totals = Totals {
            base: DEFAULT_BASE,
            seed_fund: DEFAULT_SEED_FUND,
            donated: ban("664"),
            paid: ban("4000"),
            promo: Multiplier::ONE,
        };
        let economics = totals.economics(Caps { daily: 150, weekly: 750 }).unwrap();
        // 0.05 x 1.1 x (1336 + 664) / 4000
        assert_eq!(economics.effective_rate, ban("0.0275"));
        assert_eq!(economics.milestone.name, "Loot Drop");
        assert_eq!(economics.sustainability.floor_e8(), Ok(ban("0.5")));
        assert_eq!((economics.daily_cap_ban, economics.weekly_cap_ban), (ban("4.125"), ban("20.625")));
        let festive = Totals { promo: Multiplier::from_hundredths(188), ..totals };
        assert_eq!(
            festive.economics(Caps { daily: 200, weekly: 1_000 }).unwrap().effective_rate,
            ban("0.0517")
        );
        assert_eq!(totals.factors(Multiplier::from_hundredths(175)).rate(), Ok(ban("0.048125")));
    }

    #[test]
    fn caps_that_mean_no_cap_are_worth_the_most_that_can_be_counted() {
        let totals = Totals {
            base: ban("10000"),
            seed_fund: DEFAULT_SEED_FUND,
            donated: BanE8::ZERO,
            paid: BanE8::ZERO,
            promo: Multiplier::ONE,
        };
        let economics = totals.economics(Caps { daily: 1_000_000_000, weekly: u32::MAX }).unwrap();
        assert_eq!((economics.daily_cap_ban, economics.weekly_cap_ban), (BanE8::MAX, BanE8::MAX));
    }
}
