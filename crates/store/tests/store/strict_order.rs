//! Checks a history of transactions on registers for strict serialisability.
//!
//! Whoever writes a register reads it first, so the values of each register form a chain, and who must come before whom
//! follows: a writer before its readers, a reader before the next writer, and whoever was answered before whoever asked
//! later. An order that keeps all this exists exactly when nobody must come before himself. The order that is found is
//! then run one by one, which must show every client what it saw.

use std::collections::HashMap;

use crate::registers::{Attempt, BALANCE, Fate, REGISTERS, Run, UNWRITTEN};

/// Why no order of the transactions, one after the other, explains what clients saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// Somebody read what no transaction has committed: refused, undone, or never written.
    Uncommitted { reader: usize, stamp: i64 },
    /// Two transactions replaced the same value of a register: one of them is lost.
    LostUpdate { register: i64, writers: [usize; 2] },
    /// These must each come before the next, and the last before the first.
    Cycle(Vec<usize>),
    /// In the order found it would have read another value, or the sum of all registers would have changed.
    Contradiction(usize),
}

/// A place in `history` of each transaction that took effect, in an order that explains everything.
pub fn check(history: &[Attempt]) -> Result<Vec<usize>, Anomaly> {
    let effective = effective(history)?;
    let next = successors(history, &effective)?;
    let mut graph = Graph::new(history.len());
    for &reader in &effective {
        for value in &run(&history[reader]).reads {
            if let Some(writer) = writer_of(history, value.stamp) {
                graph.edge(writer, reader);
            }
            if let Some(&writer) = next.get(&(value.id, value.stamp)) {
                graph.edge(reader, writer);
            }
        }
    }
    real_time(history, &effective, &mut graph);
    let order = graph.order(&effective)?;
    replay(history, &order)?;
    Ok(order)
}

fn run(attempt: &Attempt) -> &Run {
    attempt.runs.last().expect("an attempt that took effect has run")
}

/// The attempt whose run has this stamp.
fn writer_of(history: &[Attempt], stamp: i64) -> Option<usize> {
    history.iter().position(|attempt| attempt.runs.iter().any(|run| run.stamp == stamp))
}

/// Everything that was committed, and what nobody knew of as far as somebody saw it.
fn effective(history: &[Attempt]) -> Result<Vec<usize>, Anomaly> {
    let committed = |at: &usize| history[*at].fate == Fate::Committed;
    let mut effective: Vec<usize> = (0..history.len()).filter(committed).collect();
    let mut checked = 0;
    while let Some(&reader) = effective.get(checked) {
        checked += 1;
        for value in run(&history[reader]).reads.iter().filter(|value| value.stamp != UNWRITTEN) {
            let uncommitted = Anomaly::Uncommitted { reader, stamp: value.stamp };
            let Some(writer) = writer_of(history, value.stamp) else { return Err(uncommitted) };
            let counted = run(&history[writer]);
            let wrote = counted.stamp == value.stamp && counted.writes.contains(&(value.id, value.balance));
            if history[writer].fate == Fate::Refused || !wrote {
                return Err(uncommitted);
            }
            if !effective.contains(&writer) {
                effective.push(writer);
            }
        }
    }
    Ok(effective)
}

/// Who replaced which value of which register.
fn successors(history: &[Attempt], effective: &[usize]) -> Result<HashMap<(i64, i64), usize>, Anomaly> {
    let mut next = HashMap::new();
    for &writer in effective {
        let run = run(&history[writer]);
        for (register, _) in &run.writes {
            let replaced = run.reads.iter().find(|value| value.id == *register);
            let replaced = replaced.expect("whoever writes a register reads it").stamp;
            if let Some(other) = next.insert((*register, replaced), writer) {
                return Err(Anomaly::LostUpdate { register: *register, writers: [other, writer] });
            }
        }
    }
    Ok(next)
}

/// Whoever was answered comes before whoever asked later: along a chain of moments, one for each answer.
fn real_time(history: &[Attempt], effective: &[usize], graph: &mut Graph) {
    let answers = effective.iter().filter(|at| history[**at].fate == Fate::Committed);
    let mut moments: Vec<(u64, usize)> = answers.map(|at| (history[*at].answered, *at)).collect();
    moments.sort_unstable();
    let first = graph.add(moments.len());
    for (place, (_, answered)) in moments.iter().enumerate() {
        graph.edge(*answered, first + place);
        if place > 0 {
            graph.edge(first + place - 1, first + place);
        }
    }
    for &at in effective {
        let before = moments.partition_point(|(answered, _)| *answered < history[at].asked);
        if before > 0 {
            graph.edge(first + before - 1, at);
        }
    }
}

/// Runs the transactions one by one.
fn replay(history: &[Attempt], order: &[usize]) -> Result<(), Anomaly> {
    let mut registers: HashMap<i64, (i64, i64)> =
        (1..=REGISTERS).map(|id| (id, (UNWRITTEN, BALANCE))).collect();
    for &at in order {
        let run = run(&history[at]);
        let sees = run.reads.iter().all(|value| registers[&value.id] == (value.stamp, value.balance));
        registers.extend(run.writes.iter().map(|(id, balance)| (*id, (run.stamp, *balance))));
        let sum: i64 = registers.values().map(|(_, balance)| balance).sum();
        if !sees || sum != REGISTERS * BALANCE {
            return Err(Anomaly::Contradiction(at));
        }
    }
    Ok(())
}

/// Who must come before whom. Nodes beyond the transactions are moments.
struct Graph {
    transactions: usize,
    after: Vec<Vec<usize>>,
}

impl Graph {
    fn new(transactions: usize) -> Graph {
        Graph { transactions, after: vec![Vec::new(); transactions] }
    }

    /// Adds nodes and says where they begin.
    fn add(&mut self, count: usize) -> usize {
        let first = self.after.len();
        self.after.resize(first + count, Vec::new());
        first
    }

    /// A transaction that reads its own write is no constraint.
    fn edge(&mut self, before: usize, after: usize) {
        if before != after {
            self.after[before].push(after);
        }
    }

    /// The transactions of `wanted` in an order that keeps every edge.
    fn order(&self, wanted: &[usize]) -> Result<Vec<usize>, Anomaly> {
        let mut waits_for = vec![0; self.after.len()];
        self.after.iter().flatten().for_each(|after| waits_for[*after] += 1);
        let mut ready: Vec<usize> = (0..self.after.len()).filter(|node| waits_for[*node] == 0).collect();
        let mut order = Vec::new();
        while let Some(node) = ready.pop() {
            order.push(node);
            for &after in &self.after[node] {
                waits_for[after] -= 1;
                if waits_for[after] == 0 {
                    ready.push(after);
                }
            }
        }
        if order.len() < self.after.len() {
            return Err(Anomaly::Cycle(self.cycle(&waits_for)));
        }
        Ok(order.into_iter().filter(|node| wanted.contains(node)).collect())
    }

    /// One cycle among the nodes that still wait: backwards from any of them until one comes again.
    fn cycle(&self, waits_for: &[usize]) -> Vec<usize> {
        let waits = |node: &usize| waits_for[*node] > 0;
        let before = |node: usize| {
            let nodes = (0..self.after.len()).filter(waits);
            nodes.into_iter().find(|other| self.after[*other].contains(&node))
        };
        let mut path: Vec<usize> = (0..self.after.len()).find(waits).into_iter().collect();
        while let Some(node) = path.last().and_then(|last| before(*last)) {
            if let Some(start) = path.iter().position(|known| *known == node) {
                let mut cycle = path.split_off(start);
                cycle.reverse();
                cycle.retain(|node| *node < self.transactions);
                let first = (0..cycle.len()).min_by_key(|place| cycle[*place]).unwrap_or(0);
                cycle.rotate_left(first);
                return cycle;
            }
            path.push(node);
        }
        path
    }
}
