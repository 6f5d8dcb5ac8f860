//! What is said once: the greeting with everything that can be tried, and the farewell.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use super::super::faucet::FaucetFigures;
use super::super::figures::{Money, Rounds};
use super::text::{amount_of_cents, grouped};

/// Said when the server answers.
pub(in super::super) struct Greeting<'a> {
    /// `http://ADDRESS`.
    pub base: &'a str,
    /// Pages that the server has: what each is, and its path.
    pub pages: &'a [(&'static str, &'static str)],
    pub operator: &'a str,
    /// The operator's token at the first start; later it is unknown to everybody but its owner.
    pub token: Option<&'a str>,
    /// How this program is called on the command line.
    pub program: &'a str,
    pub database: &'a str,
    pub log: &'a Path,
}

impl Display for Greeting<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Greeting { base, operator, program, database, .. } = self;
        writeln!(
            f,
            "Bursar plays: invented prices, simulated players, play money, a Banano chain of its own, time that runs fast.\n"
        )?;
        for (name, path) in self.pages {
            writeln!(f, "  {name:<10} {base}{path}")?;
        }
        match self.token {
            Some(token) => {
                writeln!(f, "  {:<10} {operator}, with this token, shown this once:", "operator")?;
                writeln!(f, "  {:<10} {token}", "")?;
            }
            None => {
                writeln!(
                    f,
                    "  {:<10} {operator}, with the token that the first start showed; a new one:",
                    "operator"
                )?;
                writeln!(f, "  {:<10} {program} operators token {operator} --database {database}", "")?;
            }
        }
        writeln!(f, "  {:<10} {}", "log", self.log.display())?;
        writeln!(f, "\nTo try in another terminal:\n")?;
        writeln!(f, "  {program} ops pause joins --reason \"a try\" --database {database}")?;
        writeln!(f, "  {program} ops resume joins --reason \"over\" --database {database}")?;
        writeln!(f, "  {program} ledger trial --database {database}")?;
        writeln!(f, "  {program} payouts list --database {database}")?;
        writeln!(f, "\nCtrl-C ends it in order; the next start goes on from there.")
    }
}

/// Said when everything has ended.
pub(in super::super) struct Farewell<'a> {
    pub rounds: &'a Rounds,
    pub money: &'a Money,
    pub faucet: &'a FaucetFigures,
    pub folder_of: &'a str,
}

impl Display for Farewell<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Farewell { rounds, money, faucet, folder_of } = self;
        let [staked, paid, fee] = [money.staked, money.paid, money.fee].map(amount_of_cents);
        writeln!(
            f,
            "\nStopped. {} entries, {} rounds settled, {} under way; {staked} staked, {paid} paid, {fee} fee.",
            grouped(rounds.entries),
            grouped(rounds.settled),
            rounds.running + rounds.due
        )?;
        writeln!(f, "Faucet: {}.", faucet.line())?;
        writeln!(f, "Chain: {}.", faucet.chain())?;
        writeln!(f, "Ledger: {}.", money.ledger())?;
        write!(f, "Everything is in {folder_of}; start again to go on.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(token: Option<&str>) -> String {
        let greeting = Greeting {
            base: "http://127.0.0.1:8080",
            pages: &[("rounds", "/rounds"), ("interface", "/docs")],
            operator: "demo-admin",
            token,
            program: "bursar",
            database: "sqlite:data/demo.db",
            log: Path::new("data/demo.log"),
        };
        greeting.to_string()
    }

    #[test]
    fn it_tells_the_address_and_the_token_while_there_is_one() {
        let first = greeting(Some("bur_1_2"));
        assert!(first.contains("rounds     http://127.0.0.1:8080/rounds\n"), "{first}");
        assert!(
            first.contains("demo-admin, with this token, shown this once:\n             bur_1_2\n"),
            "{first}"
        );
        let second = greeting(None);
        assert!(!second.contains("this once"), "{second}");
        assert!(
            second.contains("bursar operators token demo-admin --database sqlite:data/demo.db"),
            "{second}"
        );
    }
}
