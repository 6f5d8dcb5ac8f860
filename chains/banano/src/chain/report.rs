//! Evidence from the inside: what each node said of one attempt.

use bursar_chain::{Attempt, Evidence};
use serde::{Deserialize, Serialize};

use crate::block::SignedBlock;
use crate::rpc::Publication;

pub(super) use super::sighting::Sighting;

/// What was asked about one attempt, and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The attempt's id.
    pub(super) attempt: String,
    pub(super) finding: Finding,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Finding {
    /// The attempt's own record is damaged, so nobody was asked.
    Unreadable(String),
    /// It was handed to nodes.
    Broadcast(Vec<Said<Publication>>),
    /// Nodes were asked for it and for its slot.
    LookUp(Vec<Said<Sighting>>),
}

/// One node's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said<T> {
    pub(super) node: String,
    pub(super) said: T,
}

/// A block that holds a slot on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// The block itself, so that its signature can be judged again.
    pub(super) block: SignedBlock,
    /// Its place in the account's chain.
    pub(super) height: u64,
    /// Whether the node calls it final.
    pub(super) confirmed: bool,
    /// How far the account's chain is final on the node.
    pub(super) final_height: u64,
}

impl Report {
    pub(super) fn unreadable(attempt: &Attempt, problem: String) -> Report {
        Report { attempt: attempt.id.to_string(), finding: Finding::Unreadable(problem) }
    }

    pub(super) fn of_broadcast(attempt: &Attempt, answers: Vec<(&str, Publication)>) -> Report {
        Report { attempt: attempt.id.to_string(), finding: Finding::Broadcast(named(answers)) }
    }

    pub(super) fn of_look_up(attempt: &Attempt, sightings: Vec<(&str, Sighting)>) -> Report {
        Report { attempt: attempt.id.to_string(), finding: Finding::LookUp(named(sightings)) }
    }

    pub(super) fn into_evidence(self) -> Evidence {
        // Text throughout, so it serializes; empty bytes would be judged unknown.
        Evidence(serde_json::to_vec(&self).unwrap_or_default())
    }

    pub(super) fn read(evidence: &Evidence) -> Option<Report> {
        serde_json::from_slice(&evidence.0).ok()
    }
}

fn named<T>(answers: Vec<(&str, T)>) -> Vec<Said<T>> {
    answers.into_iter().map(|(node, said)| Said { node: node.to_owned(), said }).collect()
}
