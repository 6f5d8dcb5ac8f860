//! One moment of the demo as text: a table for a terminal, one line for a log. Pure.

use bursar_faucet::rules::ban::BanE8;
use bursar_money::Price;
use bursar_rounds::market::Market;
use bursar_rounds::settle::{Settlement, Verdict};
use bursar_rounds::status::Pauses;

use super::super::faucet::FaucetFigures;
use super::super::figures::{Money, Rounds};
use super::super::tally::Counts;
use super::text::{amount_of_cents, ban, grouped, time};

/// Everything that is shown at one moment.
pub(in super::super) struct Picture {
    pub rounds: Rounds,
    pub money: Money,
    pub faucet: FaucetFigures,
    pub prices: Vec<(Market, Price)>,
    pub counts: Counts,
    /// Entries in the last second, by real time.
    pub entries_per_second: u64,
    pub speed: u32,
}

impl Picture {
    /// For a terminal, redrawn in place.
    pub fn table(&self) -> Vec<String> {
        let rounds = &self.rounds;
        let mut lines = vec![
            format!("time     {}, {} times as fast as yours", time(rounds.now), self.speed),
            format!("rounds   {}", self.round_counts()),
            format!(
                "entries  {} in all, {} a second{}",
                grouped(rounds.entries),
                self.entries_per_second,
                self.refusals()
            ),
            format!("money    {}", self.money_line()),
            format!("faucet   {}", self.faucet.line()),
            format!("chain    {}", self.faucet.chain()),
            format!("ledger   {}", self.ledger()),
            format!("stops    {}", self.stops()),
            String::new(),
            format!("{:<6} {:>16} {:>14}   last settled round", "market", "price", "staked so far"),
        ];
        lines.extend(Market::ALL.map(|market| self.market(market)));
        lines
    }

    /// For a log.
    pub fn line(&self) -> String {
        let prices: Vec<String> =
            self.prices.iter().map(|(market, price)| format!("{} {price}", market.key())).collect();
        let rounds = &self.rounds;
        format!(
            "{} | rounds {} | entries {}, {}/s{} | {} | faucet {} | chain {} | ledger {} | stops {} | {}",
            time(rounds.now),
            self.round_counts(),
            rounds.entries,
            self.entries_per_second,
            self.refusals(),
            self.money_line(),
            self.faucet.line(),
            self.faucet.chain(),
            self.ledger(),
            self.stops(),
            prices.join(", ")
        )
    }

    fn round_counts(&self) -> String {
        let Rounds { running, due, settled, .. } = &self.rounds;
        format!("{running} open or locked, {due} due, {} settled", grouped(*settled))
    }

    /// Players' requests that made no entry; nothing while there are none.
    fn refusals(&self) -> String {
        let mut parts: Vec<String> =
            self.counts.refused.iter().map(|(code, count)| format!("{count} refused as {code}")).collect();
        if self.counts.unanswered > 0 {
            parts.push(format!("{} unanswered", self.counts.unanswered));
        }
        if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
    }

    fn money_line(&self) -> String {
        let [staked, paid, fee] = [self.money.staked, self.money.paid, self.money.fee].map(amount_of_cents);
        format!("{staked} staked, {paid} paid, {fee} fee")
    }

    fn ledger(&self) -> String {
        self.money.ledger()
    }

    /// Everything that is stopped, of both desks.
    fn stops(&self) -> String {
        let Pauses { joins, sim_settlements, settle_api } = self.rounds.pauses;
        let named = [(joins, "joins"), (sim_settlements, "sim-settlement"), (settle_api, "settle-api")];
        let mut on: Vec<&str> = named.into_iter().filter_map(|(is_on, name)| is_on.then_some(name)).collect();
        on.extend(&self.faucet.stops);
        if on.is_empty() { "none".to_owned() } else { on.join(", ") }
    }

    fn market(&self, market: Market) -> String {
        let price = self.prices.iter().find(|(of, _)| *of == market);
        let price = price.map_or_else(|| "-".to_owned(), |(_, price)| price.to_string());
        let total = self.rounds.markets.iter().find(|(of, _)| *of == market);
        let staked = grouped(total.map_or(0, |(_, total)| total.stake_bucks));
        let last = self.rounds.newest.iter().find(|settlement| settlement.plan.round.market() == market);
        let last = last.map_or_else(|| "none yet".to_owned(), outcome);
        format!("{:<6} {price:>16} {staked:>14}   {last}", market.key())
    }
}

impl FaucetFigures {
    /// What was earned and paid.
    pub fn line(&self) -> String {
        let [open, on_the_way, paid] = [self.open, self.on_the_way, self.paid].map(ban);
        let last = self.last.as_ref().map(|(block, amount)| {
            format!(", newest {} in block {}", ban(*amount), block.get(..12).unwrap_or(block))
        });
        format!(
            "{} players, {} kills; {open} BAN open, {on_the_way} on its way, {paid} paid{}",
            self.players,
            grouped(self.kills),
            last.unwrap_or_default()
        )
    }

    /// What the chain says.
    pub fn chain(&self) -> String {
        let warning = if self.agrees { "" } else { ": NOT WHAT THE BOOK SAYS" };
        let holds =
            BanE8::from_raw_floor(self.holds).map_or_else(|_| "too much".to_owned(), |(whole, _)| ban(whole));
        format!("{} payouts sent, the wallet holds {holds} BAN{warning}", grouped(self.sends))
    }
}

impl Money {
    /// The book's sum, as it was added up.
    pub fn ledger(&self) -> String {
        if self.trial.is_empty() {
            return "empty".to_owned();
        }
        let parts: Vec<String> = self
            .trial
            .iter()
            .map(|asset| format!("{} accounts sum to {} {}", asset.accounts, asset.sum, asset.asset.symbol()))
            .collect();
        let warning = if self.balances() { "" } else { ": NOT ZERO" };
        format!("{}{warning}", parts.join(", "))
    }
}

fn outcome(settlement: &Settlement) -> String {
    let plan = &settlement.plan;
    let prices = plan.evidence.as_ref().map(|(start, end)| {
        let price = |mantissa, exponent| Price::new(mantissa, exponent);
        format!(", {} to {}", price(start.mantissa, start.exponent), price(end.mantissa, end.exponent))
    });
    let word = match plan.verdict {
        Verdict::Win { winner, .. } => format!("{} wins", winner.word()),
        Verdict::Refund(reason) => format!("refund, {}", reason.word()),
    };
    format!("{word}{}", prices.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bursar_ledger::TrialBalance;
    use bursar_money::{Amount, Asset, Balance, Turnover};
    use bursar_rounds::summary::MarketTotal;
    use bursar_store::Timestamp;

    use super::*;

    const RUNNING: Pauses = Pauses { joins: false, sim_settlements: false, settle_api: false };

    fn trial(credits: u128, debits: u128) -> TrialBalance {
        let [credits, debits] = [credits, debits].map(Amount::new);
        let sum = Balance::between(credits, debits);
        let [debits, credits] = [debits, credits].map(Turnover::from);
        TrialBalance { asset: Asset::PanchoBucks, accounts: 9, debits, credits, sum }
    }

    fn picture(pauses: Pauses, trial: TrialBalance) -> Picture {
        let total = MarketTotal { entries: 1_234, stake_bucks: 56_789, rounds: 20, ..MarketTotal::default() };
        let rounds = Rounds {
            now: Timestamp::from_ms(1_700_000_040_000),
            running: 18,
            due: 0,
            settled: 2,
            entries: 1_234,
            markets: vec![(Market::Sol, total)],
            newest: Vec::new(),
            pauses,
        };
        let [staked, paid, fee] = [5_678_900, 100_000, 6_000].map(Amount::new);
        let money = Money { staked, paid, fee, trial: vec![trial] };
        let counts = Counts { accepted: 7, ..Counts::default() };
        let prices = vec![(Market::Sol, Price::new(15_012, -2))];
        let faucet = FaucetFigures {
            players: 12,
            kills: 1_345,
            open: BanE8::of_ban(2),
            on_the_way: BanE8::ZERO,
            paid: "56.70000001".parse().unwrap(),
            last: Some(("AB".repeat(32), "0.3".parse().unwrap())),
            sends: 78,
            holds: Amount::new(4_943 * 10_u128.pow(29)),
            stops: Vec::new(),
            agrees: true,
        };
        Picture { rounds, money, faucet, prices, counts, entries_per_second: 75, speed: 60 }
    }

    #[test]
    fn a_line_tells_everything_at_once() {
        assert_eq!(
            picture(RUNNING, trial(5, 5)).line(),
            "2023-11-14 22:14:00 | rounds 18 open or locked, 0 due, 2 settled | entries 1234, 75/s | 56,789.00 staked, \
             1,000.00 paid, 60.00 fee | faucet 12 players, 1,345 kills; 2.00 BAN open, 0.00 on its way, 56.70000001 \
             paid, newest 0.30 in block ABABABABABAB | chain 78 payouts sent, the wallet holds 4,943.00 BAN | ledger 9 accounts sum to 0 PB | stops none | SOL 150.12"
        );
    }

    #[test]
    fn a_table_has_a_line_for_each_market() {
        let table = picture(RUNNING, trial(5, 5)).table();
        assert_eq!(table.len(), 10 + Market::ALL.len());
        assert_eq!(table[10], "SOL              150.12         56,789   none yet");
        assert_eq!(table[15], "BONK                  -              0   none yet");
    }

    #[test]
    fn stops_are_named() {
        let paused = Pauses { joins: true, settle_api: true, ..RUNNING };
        let mut picture = picture(paused, trial(5, 5));
        assert!(picture.line().contains("| stops joins, settle-api |"));
        picture.faucet.stops = vec!["payouts_halted"];
        assert!(picture.line().contains("| stops joins, settle-api, payouts_halted |"));
    }

    #[test]
    fn a_book_that_does_not_balance_is_told() {
        let line = picture(RUNNING, trial(5, 7)).line();
        assert!(line.contains("9 accounts sum to -2 PB: NOT ZERO"), "{line}");
    }

    #[test]
    fn a_chain_that_says_otherwise_than_the_book_is_told() {
        let mut picture = picture(RUNNING, trial(5, 5));
        picture.faucet.agrees = false;
        assert!(picture.line().contains("4,943.00 BAN: NOT WHAT THE BOOK SAYS |"), "{}", picture.line());
    }

    #[test]
    fn refusals_are_told_by_their_code() {
        let mut picture = picture(RUNNING, trial(5, 5));
        assert_eq!(picture.refusals(), "");
        picture.counts.refused = BTreeMap::from([("joins_paused".to_owned(), 3)]);
        picture.counts.unanswered = 1;
        assert_eq!(picture.refusals(), ", 3 refused as joins_paused, 1 unanswered");
    }
}
