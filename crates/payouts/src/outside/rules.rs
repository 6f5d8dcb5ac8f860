//! What a desk says of callers from outside: whether its wallets pay for them, and whose money that may never be.

/// How a desk lets callers from outside have its wallets pay. A desk without such rules pays for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRules {
    /// The desk.
    pub desk: &'static str,
    /// Path of the account that the funds of its wallets are filled from: the desk's own money.
    pub treasury: &'static str,
    /// Paths of the accounts of what it owes to others. Funds are never filled from what these need.
    pub owed: &'static [&'static str],
    /// Why nothing is accepted now, such as a dry-run; `None` = it is.
    pub closed: Option<&'static str>,
}
