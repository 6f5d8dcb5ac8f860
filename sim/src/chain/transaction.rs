//! Transactions of the simulated chain and their bytes.

use serde::{Deserialize, Serialize};

use super::scheme::is_signed;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Pays somebody.
    Pay {
        /// Whom.
        to: String,
        /// How much.
        amount: u128,
    },
    /// Takes its slot and moves nothing.
    Free,
    /// Accepts what was sent.
    Accept {
        /// The sender's transaction.
        source: String,
        /// How much.
        amount: u128,
    },
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Whose.
    pub from: String,
    /// The place it takes.
    pub slot: String,
    /// The last height at which it can become final.
    pub valid_until: Option<u64>,
    /// What it does.
    pub kind: Kind,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    body: String,
    signature: Vec<u8>,
}

impl Transaction {
    /// The bytes that are signed.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a transaction is plain data")
    }

    /// The transaction of such bytes.
    pub fn read(bytes: &[u8]) -> Option<Transaction> {
        serde_json::from_slice(bytes).ok()
    }

    /// Its id on the chain.
    pub fn id(&self) -> String {
        blake3::hash(&self.bytes()).to_hex().to_string()
    }

    /// The bytes that are sent.
    pub fn signed(&self, signature: Vec<u8>) -> Vec<u8> {
        let body = String::from_utf8(self.bytes()).expect("JSON is text");
        serde_json::to_vec(&Signed { body, signature }).expect("plain data")
    }

    /// The transaction in bytes that were sent; `None` when they are none, or not signed by its account.
    pub fn read_signed(bytes: &[u8]) -> Option<Transaction> {
        let Signed { body, signature } = serde_json::from_slice(bytes).ok()?;
        let transaction = Transaction::read(body.as_bytes())?;
        is_signed(&transaction.from, body.as_bytes(), &signature).then_some(transaction)
    }
}
