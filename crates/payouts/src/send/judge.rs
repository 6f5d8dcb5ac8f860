//! What evidence comes to: pure but for the chain's own pure judgement.

use bursar_chain::{Attempt, Chain, DeathProof, Evidence, Standing};
use bursar_money::Amount;

/// Longest words of a standing that are stored, in characters.
const WORDS_MAX: usize = 400;

/// What one look at the chain says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub standing: Standing,
    pub evidence: Evidence,
    /// Proof that it can never become final.
    pub death: Option<DeathProof>,
    /// What the chain took beyond the payment, once final.
    pub fee: Amount,
}

/// Judges what nodes said. A proof is taken only for this very attempt, and never against a confirmation.
pub(crate) fn judge(chain: &dyn Chain, attempt: &Attempt, evidence: Evidence) -> Verdict {
    let standing = chain.classify(attempt, &evidence);
    let proof = match standing {
        Standing::Confirmed => None,
        Standing::NotFound | Standing::Pending | Standing::Rejected { .. } | Standing::Unknown { .. } => {
            chain.prove_dead(attempt, &evidence).ok()
        }
    };
    let death = proof.filter(|proof| proof.attempt == attempt.id && proof.nodes > 0);
    let fee = match standing {
        Standing::Confirmed => chain.fee_paid(attempt, &evidence),
        _ => Amount::ZERO,
    };
    Verdict { standing, evidence, death, fee }
}

/// The standing in a word, and what people need besides.
pub(crate) fn words(standing: &Standing) -> String {
    let (word, reason) = match standing {
        Standing::NotFound => ("not_found", ""),
        Standing::Pending => ("pending", ""),
        Standing::Confirmed => ("confirmed", ""),
        Standing::Rejected { reason } => ("rejected", reason.as_str()),
        Standing::Unknown { reason } => ("unknown", reason.as_str()),
    };
    let reason: String = reason.chars().filter(|letter| !letter.is_control()).take(WORDS_MAX).collect();
    if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") }
}

/// The word alone of what [`words`] made.
pub(crate) fn word(words: &str) -> &str {
    words.split(':').next().unwrap_or_default()
}
