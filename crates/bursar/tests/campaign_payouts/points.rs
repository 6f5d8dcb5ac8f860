//! Every named point of the payout path at which a server can be killed.

/// What makes a server come by a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Players are owed something.
    Paying,
    /// More is owed than the wallet holds.
    Short,
    /// Somebody sends money to the wallet.
    Receiving,
    /// A payment does not arrive, and an operator asks for its slot to be freed.
    Freeing,
    /// A server starts.
    Starting,
}

/// A point: before one step of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub unit: &'static str,
    pub step: &'static str,
}

/// Steps of a transaction that writes.
const WRITE: &[&str] = &["begin", "statement", "commit", "committed"];
/// Steps of one that reads.
const READ: &[&str] = &["statement"];
/// A call that leaves the process: before it, and when it is over.
const CALL: &[&str] = &["begin", "committed"];
/// A question to a node.
const ASK: &[&str] = &["before", "after"];

/// Every unit of the path with its steps and what leads there, in the order of a payout's life.
const PATH: &[(Occasion, &[&str], &[&str])] = &[
    (Occasion::Starting, WRITE, &["faucet.open", "payouts.open_wallets", "desk.job_enter"]),
    (Occasion::Paying, WRITE, &["desk.move_clock", "desk.job_begin", "faucet.lease", "faucet.accrue"]),
    (Occasion::Paying, READ, &["faucet.settlement_plan", "faucet.wallet"]),
    (Occasion::Paying, ASK, &["banano.account_balance"]),
    (Occasion::Paying, WRITE, &["faucet.resume", "faucet.settle", "faucet.release", "faucet.heartbeat"]),
    (Occasion::Paying, WRITE, &["desk.job_end", "payouts.import", "payouts.match"]),
    (Occasion::Paying, READ, &["payouts.view", "payouts.slot"]),
    (Occasion::Paying, CALL, &["payouts.state"]),
    (Occasion::Paying, ASK, &["banano.account_info"]),
    (Occasion::Paying, WRITE, &["payouts.sign"]),
    (Occasion::Paying, &["begin"], &["payouts.signed"]),
    (Occasion::Paying, CALL, &["payouts.journal"]),
    (Occasion::Paying, READ, &["payouts.journal_facts", "payouts.last_look"]),
    (Occasion::Paying, CALL, &["payouts.broadcast"]),
    (Occasion::Paying, ASK, &["banano.process"]),
    (Occasion::Paying, CALL, &["payouts.look_up"]),
    (Occasion::Paying, ASK, &["banano.block_info"]),
    (Occasion::Paying, WRITE, &["payouts.conclude"]),
    (Occasion::Paying, &["begin"], &["payouts.concluded"]),
    (Occasion::Paying, WRITE, &["payouts.count"]),
    (Occasion::Short, WRITE, &["payouts.hold"]),
    (Occasion::Receiving, &["begin"], &["payouts.incoming"]),
    (Occasion::Receiving, ASK, &["banano.receivable"]),
    (Occasion::Receiving, WRITE, &["payouts.receive"]),
    (Occasion::Freeing, WRITE, &["payouts.free"]),
];

/// Every point with what leads there.
pub fn all() -> Vec<(Point, Occasion)> {
    let mut points = Vec::new();
    for (occasion, steps, units) in PATH {
        for unit in *units {
            points.extend(steps.iter().map(|step| (Point { unit, step }, *occasion)));
        }
    }
    points
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.unit, self.step)
    }
}
