//! Odd movements of the operator's wallet (docs/spec/faucet.md 3.13, F48).

use bursar_money::Amount;

use super::ban::BanE8;

/// Days over which payouts are averaged.
const AVERAGED_DAYS: u128 = 7;
/// Days that the balance must last.
const RUNWAY_DAYS: u128 = 3;

/// The wallet as the chain and the books show it at the same block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletView {
    /// Raw on the chain at the wallet's frontier.
    pub on_chain: Amount,
    /// Raw that the blocks we booked up to that frontier add up to.
    pub booked: Amount,
    /// Below this the wallet is low.
    pub floor: BanE8,
    /// What live payouts sent in the last seven days.
    pub sent_in_7_days: BanE8,
}

/// Something odd about a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletAnomaly {
    /// Chain and books differ, if only by one raw. Payouts halt.
    UnexplainedDelta {
        /// The difference in raw.
        raw: Amount,
        /// Whether the chain has less than the books.
        is_deficit: bool,
    },
    /// The balance is below the floor.
    BelowFloor,
    /// At the pace of the last seven days the balance lasts less than three.
    RunwayShort,
}

impl WalletAnomaly {
    /// The name in `faucet_wallet_anomaly{kind}`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            WalletAnomaly::UnexplainedDelta { .. } => "unexplained_delta",
            WalletAnomaly::BelowFloor => "below_floor",
            WalletAnomaly::RunwayShort => "runway_short",
        }
    }

    /// Whether payouts stop until an operator has looked.
    #[must_use]
    pub const fn halts_payouts(self) -> bool {
        match self {
            WalletAnomaly::UnexplainedDelta { .. } => true,
            WalletAnomaly::BelowFloor | WalletAnomaly::RunwayShort => false,
        }
    }
}

/// What is odd about a wallet; nothing when all is well.
#[must_use]
pub fn anomalies(wallet: &WalletView) -> Vec<WalletAnomaly> {
    let (on_chain, booked) = (wallet.on_chain.units(), wallet.booked.units());
    let delta = WalletAnomaly::UnexplainedDelta {
        raw: Amount::new(on_chain.abs_diff(booked)),
        is_deficit: on_chain < booked,
    };
    // Rounded down; more e8 than fit are far above any floor or pace.
    let balance = BanE8::from_raw_floor(wallet.on_chain).map_or(BanE8::MAX, |(balance, _)| balance);
    let lasts = u128::from(balance.units()) * AVERAGED_DAYS;
    let spends = u128::from(wallet.sent_in_7_days.units()) * RUNWAY_DAYS;
    [
        (on_chain != booked).then_some(delta),
        (balance < wallet.floor).then_some(WalletAnomaly::BelowFloor),
        (lasts < spends).then_some(WalletAnomaly::RunwayShort),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(balance: &str) -> WalletView {
        let raw = balance.parse::<BanE8>().unwrap().to_raw().unwrap();
        let sent_in_7_days = "140".parse().unwrap();
        WalletView { on_chain: raw, booked: raw, floor: BanE8::of_ban(50), sent_in_7_days }
    }

    fn kinds(view: WalletView) -> Vec<&'static str> {
        anomalies(&view).into_iter().map(WalletAnomaly::kind).collect()
    }

    #[test]
    fn one_raw_too_few_or_too_many_is_unexplained_and_halts_payouts() {
        let right = view("100");
        assert_eq!(anomalies(&right), []);
        let one = Amount::new(1);
        let less = WalletView { on_chain: right.on_chain.minus(one).unwrap(), ..right };
        let more = WalletView { on_chain: right.on_chain.plus(one).unwrap(), ..right };
        assert_eq!(anomalies(&less), [WalletAnomaly::UnexplainedDelta { raw: one, is_deficit: true }]);
        assert_eq!(anomalies(&more), [WalletAnomaly::UnexplainedDelta { raw: one, is_deficit: false }]);
        assert!(anomalies(&less)[0].halts_payouts());
    }

    #[test]
    fn a_low_floor_and_a_runway_under_three_days_are_named_and_halt_nothing() {
        // 140 in seven days are 20 a day: 60 last exactly three days.
        assert_eq!(kinds(view("60")), [] as [&str; 0]);
        assert_eq!(kinds(view("59.99999999")), ["runway_short"]);
        assert_eq!(kinds(view("49.99999999")), ["below_floor", "runway_short"]);
        assert_eq!(kinds(WalletView { sent_in_7_days: BanE8::ZERO, ..view("49") }), ["below_floor"]);
        assert_eq!(kinds(WalletView { sent_in_7_days: BanE8::ZERO, ..view("50") }), [] as [&str; 0]);
        assert!(!WalletAnomaly::BelowFloor.halts_payouts() && !WalletAnomaly::RunwayShort.halts_payouts());
    }
}
