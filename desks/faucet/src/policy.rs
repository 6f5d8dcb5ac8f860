//! What the operator configured, fixed while the process runs (docs/spec/faucet.md 8).

use bursar_store::{StoreError, Timestamp, Tx};

use crate::record::{Payout, Totals};
use crate::rules::abuse::AbuseAction;
use crate::rules::ban::{BanE8, BanError};
use crate::rules::cap_window::{CapWindow, CapWindowError, WindowStarts};
use crate::rules::caps::{CapMode, CapSources, Caps, CountedPayout, NamedCaps, Used, used};
use crate::rules::donation::Totals as RateTotals;
use crate::rules::promo::{Promo, REGISTRY, active};
use crate::rules::rate::{Multiplier, base};
use crate::settings::Values;

/// The faucet's configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether no real money moves.
    pub dry_run: bool,
    /// BAN per kill before any factor.
    pub base_rate: BanE8,
    /// Caps of the payout file.
    pub file_caps: Caps,
    /// Caps of the environment.
    pub environment_caps: NamedCaps,
    /// What caps count.
    pub cap_mode: CapMode,
    /// Over which time.
    pub cap_window: CapWindow,
    /// The smallest payout; zero = none.
    pub minimum: BanE8,
    /// What the operator put in at first.
    pub seed_fund: BanE8,
    /// The operator's balance below which nothing is settled.
    pub floor: BanE8,
    /// Payouts that a cycle makes; 0 = no limit.
    pub batch_size: u32,
    /// Flags of promotions that are on, by the name of their variable.
    pub promo_flags: Vec<String>,
    /// Whether token holders earn more.
    pub is_boost_on: bool,
    /// Kills a minute above which a player is flagged; 0 = never.
    pub kill_rate_per_minute: u32,
    /// What a flag does.
    pub abuse_action: AbuseAction,
}

/// The caps of one moment: what is allowed, and since when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapTerms {
    /// The caps in force.
    pub caps: Caps,
    /// What they count.
    pub mode: CapMode,
    /// Where the windows begin.
    pub starts: WindowStarts,
}

impl CapTerms {
    /// What these payouts of one player use of the caps.
    #[must_use]
    pub fn used(&self, payouts: &[Payout]) -> Used {
        let counted: Vec<CountedPayout> = payouts.iter().map(Payout::counted).collect();
        used(self.mode, self.starts, &counted)
    }

    /// The earliest payout that can count.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.starts.daily.min(self.starts.weekly)
    }
}

impl Policy {
    /// The promotion that runs now.
    #[must_use]
    pub fn promo(&self, now: Timestamp) -> Option<&'static Promo> {
        active(&REGISTRY, now, |flag| self.promo_flags.iter().any(|on| on == flag))
    }

    /// The caps in force now.
    pub fn cap_terms(&self, live: &Values, now: Timestamp) -> Result<CapTerms, CapWindowError> {
        let sources =
            CapSources { file: self.file_caps, environment: self.environment_caps, live: live.caps() };
        let caps = sources.effective(self.cap_mode, self.promo(now));
        Ok(CapTerms { caps, mode: self.cap_mode, starts: self.cap_window.starts(now)? })
    }

    /// What everybody's rate depends on now. Donations and payouts of dry-run count for nothing in either mode.
    pub fn rate_totals(
        &self,
        tx: &mut Tx<'_>,
        live: &Values,
        now: Timestamp,
    ) -> Result<RateTotals, StoreError> {
        let real = Totals::peek(tx, false)?;
        Ok(RateTotals {
            base: base(self.base_rate, live.base_rate()),
            seed_fund: self.seed_fund,
            donated: real.donated,
            paid: real.paid,
            promo: self.promo(now).map_or(Multiplier::ONE, |promo| promo.multiplier),
        })
    }
}

/// Windows that no calendar holds.
pub(crate) fn unusable_caps(error: &CapWindowError) -> StoreError {
    StoreError::Decode(format!("the faucet's caps: {error}"))
}

/// A sum that does not fit is a damaged row: nothing that was ever written adds up to it.
pub(crate) fn damaged(error: BanError) -> StoreError {
    StoreError::Decode(format!("the faucet's sums: {error}"))
}
