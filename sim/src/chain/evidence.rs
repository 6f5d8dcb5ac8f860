//! What nodes said of an attempt, and what follows from it: pure.

use bursar_chain::{Attempt, DeathProof, Evidence, NotProven, Standing, TransactionId};
use serde::{Deserialize, Serialize};

use super::transaction::Transaction;
use super::{AGREE, Family};

/// One node's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Says {
    /// It has the transaction.
    pub knows: bool,
    /// It shows it as final.
    pub is_final: bool,
    /// What it shows as final in the slot.
    pub taken_by: Option<String>,
    /// How far it has finalized.
    pub height: u64,
    /// Whether its history reaches back to the attempt.
    pub covers: bool,
}

#[derive(Serialize, Deserialize)]
struct Words {
    of: String,
    nodes: Vec<Option<Says>>,
}

/// The words of all nodes about an attempt.
pub fn evidence(attempt: &Attempt, nodes: Vec<Option<Says>>) -> Evidence {
    let words = Words { of: attempt.id.to_string(), nodes };
    Evidence(serde_json::to_vec(&words).expect("plain data"))
}

fn read(attempt: &Attempt, evidence: &Evidence) -> Option<Vec<Says>> {
    let words: Words = serde_json::from_slice(&evidence.0).ok()?;
    (words.of == attempt.id.as_str()).then(|| words.nodes.into_iter().flatten().collect())
}

/// How an attempt stands by the words of nodes.
pub fn classify(attempt: &Attempt, evidence: &Evidence) -> Standing {
    let unknown = |reason: &str| Standing::Unknown { reason: reason.to_owned() };
    let Some(words) = read(attempt, evidence) else { return unknown("this is of another attempt") };
    let finals = words.iter().filter(|says| says.is_final).count();
    match () {
        () if finals >= AGREE => Standing::Confirmed,
        () if words.iter().any(|says| says.knows) => Standing::Pending,
        () if words.len() >= AGREE => Standing::NotFound,
        () => unknown("too few nodes answered"),
    }
}

/// Proof that an attempt can never become final.
pub fn prove_dead(family: Family, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
    let none = |why: &str| NotProven(why.to_owned());
    let words = read(attempt, evidence).ok_or_else(|| none("this is of another attempt"))?;
    if words.iter().any(|says| says.is_final) {
        return Err(none("a node shows it as final"));
    }
    let (nodes, taken_by) = match family {
        Family::Ordered => {
            let taken = words.iter().filter_map(|says| says.taken_by.clone());
            let other = |id: &String| words.iter().filter(|says| says.taken_by.as_ref() == Some(id)).count();
            let winner = taken.max_by_key(other).ok_or_else(|| none("its slot is open"))?;
            (other(&winner), Some(TransactionId::from_canonical(winner)))
        }
        Family::Expiring => {
            let until =
                Transaction::read_signed(&attempt.bytes).and_then(|transaction| transaction.valid_until);
            let until = until.ok_or_else(|| none("it does not expire"))?;
            let is_past = |says: &&Says| says.covers && !says.knows && says.height > until;
            (words.iter().filter(is_past).count(), None)
        }
    };
    if nodes < AGREE {
        return Err(none("too few nodes say so"));
    }
    Ok(DeathProof { attempt: attempt.id.clone(), taken_by, nodes, evidence: evidence.clone() })
}
