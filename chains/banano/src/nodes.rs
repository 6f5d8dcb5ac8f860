//! Several nodes asked the same question, and how many of them must agree.

use std::collections::BTreeSet;
use std::thread;

use bursar_chain::ChainError;

use crate::rpc::{NodeClient, RpcError};

/// Most nodes in a set.
pub const NODES_MAX: usize = 7;

/// In which way nodes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// All at a time, a thread each: the slowest decides how long it takes.
    AtOnce,
    /// One after another in the calling thread: for simulations, whose order must not depend on threads.
    InTurn,
}

/// Why a set of nodes cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeSetError {
    /// None, or too many.
    #[error("give 1 to {NODES_MAX} Banano nodes")]
    Count,
    /// The same node twice would agree with itself.
    #[error("the Banano node {0} is given twice; each may be counted once")]
    Twice(String),
    /// Nobody, or more than there are.
    #[error("the number of Banano nodes that must agree is at least 1 and at most the number of nodes")]
    Agreement,
}

/// Nodes, of which `agree` must say the same before it is believed.
pub struct NodeSet {
    nodes: Vec<NodeClient>,
    agree: usize,
    asking: Asking,
}

impl NodeSet {
    /// A set of distinct nodes.
    pub fn new(nodes: Vec<NodeClient>, agree: usize, asking: Asking) -> Result<NodeSet, NodeSetError> {
        if nodes.is_empty() || nodes.len() > NODES_MAX {
            return Err(NodeSetError::Count);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = nodes.iter().find(|node| !names.insert(node.name())) {
            return Err(NodeSetError::Twice(twice.name().to_owned()));
        }
        if agree == 0 || agree > nodes.len() {
            return Err(NodeSetError::Agreement);
        }
        Ok(NodeSet { nodes, agree, asking })
    }

    /// How many must agree.
    #[must_use]
    pub fn agree(&self) -> usize {
        self.agree
    }

    /// Every node's name and answer, in the order of the set.
    pub(crate) fn ask<T: Send>(&self, question: impl Fn(&NodeClient) -> T + Sync) -> Vec<(&str, T)> {
        let one = |node| question(node);
        let answers: Vec<T> = match self.asking {
            Asking::InTurn => self.nodes.iter().map(one).collect(),
            Asking::AtOnce => thread::scope(|scope| {
                let asked: Vec<_> = self.nodes.iter().map(|node| scope.spawn(move || one(node))).collect();
                asked
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            }),
        };
        self.nodes.iter().map(NodeClient::name).zip(answers).collect()
    }

    /// The answers that can be used, if they are enough.
    pub(crate) fn ask_enough<T: Send>(
        &self,
        question: impl Fn(&NodeClient) -> Result<T, RpcError> + Sync,
    ) -> Result<Vec<T>, ChainError> {
        let mut usable = Vec::new();
        let mut problem = String::new();
        for (name, answer) in self.ask(question) {
            match answer {
                Ok(answer) => usable.push(answer),
                Err(error) => problem = format!("{name}: {error}"),
            }
        }
        if usable.len() < self.agree {
            return Err(ChainError::TooFewNodes { answered: usable.len(), needed: self.agree, problem });
        }
        Ok(usable)
    }

    /// The one answer that all give who answer usably, and enough do.
    pub(crate) fn ask_alike<T: Send + PartialEq + std::fmt::Debug>(
        &self,
        question: impl Fn(&NodeClient) -> Result<T, RpcError> + Sync,
    ) -> Result<T, ChainError> {
        let mut answers = self.ask_enough(question)?.into_iter();
        let needed = self.agree;
        let none = || ChainError::TooFewNodes { answered: 0, needed, problem: "no answer".to_owned() };
        let first = answers.next().ok_or_else(none)?;
        match answers.find(|other| *other != first) {
            Some(other) => Err(ChainError::Disagreement(format!("{first:?} against {other:?}"))),
            None => Ok(first),
        }
    }
}
