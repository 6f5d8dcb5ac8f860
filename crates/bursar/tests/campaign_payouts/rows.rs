//! Rows of a live faucet's database, all of one moment.
#![allow(dead_code, reason = "what is only printed is read by people")]

use std::collections::BTreeMap;

use bursar_money::Amount;
use bursar_store::{Row, StoreError, Tx};

/// Codes of an attempt's kind and states in storage.
pub const PAYMENT: i64 = 0;
pub const FREEING: i64 = 1;
pub const RECEIPT: i64 = 2;
pub const FINAL: i64 = 2;
pub const DEAD: i64 = 3;
/// Codes of an intent's states.
pub const BROADCAST: i64 = 3;
pub const PAID: i64 = 4;

#[derive(Clone, Debug)]
pub struct Intent {
    pub id: i64,
    pub destination: String,
    pub raw: u128,
    pub reference: i64,
    pub state: i64,
    pub why: String,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub intent: Option<i64>,
    pub kind: i64,
    pub transaction: String,
    pub state: i64,
    pub standing: String,
    pub has_proof: bool,
}

#[derive(Clone, Debug)]
pub struct Payout {
    pub id: i64,
    pub user: i64,
    pub address: String,
    pub kills: i64,
    pub e8: i64,
    pub transaction: Option<String>,
    pub status: String,
    pub intent: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Accrual {
    pub user: i64,
    pub kills: i64,
    pub e8: i64,
    pub rate_e8: i64,
    pub state: String,
    pub payout: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Wallet {
    pub expected: u128,
    pub standing: i64,
    pub why: String,
}

/// Everything that is looked at.
#[derive(Clone, Debug)]
pub struct Rows {
    pub intents: Vec<Intent>,
    pub attempts: Vec<Attempt>,
    pub payouts: Vec<Payout>,
    pub accruals: Vec<Accrual>,
    /// Numbers of players by their Epic account.
    pub users: BTreeMap<String, i64>,
    /// States of what came in: 0 = being accepted.
    pub receipts: Vec<i64>,
    /// Holds that are neither posted nor voided.
    pub holds: usize,
    pub wallet: Wallet,
    /// What is owed to players by the book, in raw.
    pub owed: u128,
}

impl Rows {
    pub fn load(tx: &mut Tx<'_>) -> Result<Rows, StoreError> {
        let intents = "SELECT id, destination, amount, reference, state, why FROM payout_intent ORDER BY id";
        let attempts = "SELECT intent, kind, transaction_id, state, standing, death_proof FROM payout_attempt ORDER BY id";
        let payouts = "SELECT id, user_id, address, kills, amount_e8, tx_hash, status, intent FROM faucet_payout \
                       WHERE NOT dry_run ORDER BY id";
        let accruals = "SELECT user_id, kills, amount_e8, rate_e8, state, payout_id FROM faucet_reward_accrual \
                        WHERE NOT dry_run ORDER BY id";
        let users = "SELECT epic_account_id, id FROM faucet_user WHERE epic_account_id IS NOT NULL";
        let holds = "SELECT id FROM ledger_hold WHERE state = 0";
        let wallet = "SELECT expected_balance, standing, why FROM payout_wallet";
        let owed = "SELECT credits, debits FROM ledger_account WHERE path = 'faucet/owed'";
        let owed = tx.query_first(owed, &[], |row| {
            Ok(row.get::<Amount>(0)?.units() - row.get::<Amount>(1)?.units())
        })?;
        Ok(Rows {
            intents: tx.query(intents, &[], intent)?,
            attempts: tx.query(attempts, &[], attempt)?,
            payouts: tx.query(payouts, &[], payout)?,
            accruals: tx.query(accruals, &[], accrual)?,
            users: tx.query(users, &[], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect(),
            receipts: tx.query("SELECT state FROM payout_receipt", &[], |row| row.get(0))?,
            holds: tx.query(holds, &[], |row| row.get::<i64>(0))?.len(),
            wallet: tx.query_first(wallet, &[], read_wallet)?.expect("a wallet"),
            owed: owed.unwrap_or_default(),
        })
    }

    /// What is owed and not paid, in e8.
    pub fn unpaid_e8(&self) -> i64 {
        self.accruals.iter().filter(|row| row.state != "settled").map(|row| row.e8).sum()
    }

    /// Everything that is not over, for people.
    pub fn what_is_open(&self) -> String {
        let intents: Vec<_> = self.intents.iter().filter(|row| row.state < PAID).collect();
        let attempts: Vec<_> = self.attempts.iter().filter(|row| row.state < FINAL).collect();
        let payouts: Vec<_> = self.payouts.iter().filter(|row| row.status != "confirmed").collect();
        let accruals: Vec<_> = self.accruals.iter().filter(|row| row.state != "settled").collect();
        format!(
            "intents {intents:#?}\nattempts {attempts:#?}\npayouts {payouts:#?}\naccruals {accruals:#?}\n\
             receipts {:?}\nholds {}\n{:#?}",
            self.receipts, self.holds, self.wallet
        )
    }
}

fn intent(row: &Row<'_>) -> Result<Intent, StoreError> {
    Ok(Intent {
        id: row.get(0)?,
        destination: row.get(1)?,
        raw: row.get::<Amount>(2)?.units(),
        reference: row.get(3)?,
        state: row.get(4)?,
        why: row.get(5)?,
    })
}

fn attempt(row: &Row<'_>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        intent: row.get(0)?,
        kind: row.get(1)?,
        transaction: row.get(2)?,
        state: row.get(3)?,
        standing: row.get(4)?,
        has_proof: row.get::<Option<Vec<u8>>>(5)?.is_some(),
    })
}

fn payout(row: &Row<'_>) -> Result<Payout, StoreError> {
    Ok(Payout {
        id: row.get(0)?,
        user: row.get(1)?,
        address: row.get(2)?,
        kills: row.get(3)?,
        e8: row.get(4)?,
        transaction: row.get(5)?,
        status: row.get(6)?,
        intent: row.get(7)?,
    })
}

fn accrual(row: &Row<'_>) -> Result<Accrual, StoreError> {
    Ok(Accrual {
        user: row.get(0)?,
        kills: row.get(1)?,
        e8: row.get(2)?,
        rate_e8: row.get(3)?,
        state: row.get(4)?,
        payout: row.get(5)?,
    })
}

fn read_wallet(row: &Row<'_>) -> Result<Wallet, StoreError> {
    Ok(Wallet { expected: row.get::<Amount>(0)?.units(), standing: row.get(1)?, why: row.get(2)? })
}
