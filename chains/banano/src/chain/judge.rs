//! What may be concluded from evidence. Pure, and suspicious: what cannot be read settles nothing.

use bursar_chain::{Attempt, DeathProof, Evidence, NotProven, Standing, TransactionId};

use super::draft::Stored;
use super::report::{Finding, Holder, Report, Said, Sighting};
use crate::block::BlockHash;
use crate::rpc::Publication;

/// How the attempt stands, when `agree` nodes must say the same.
pub(super) fn classify(attempt: &Attempt, evidence: &Evidence, agree: usize) -> Standing {
    let unknown = |reason: String| Standing::Unknown { reason };
    let (stored, report) = match read(attempt, evidence) {
        Ok(pair) => pair,
        Err(problem) => return unknown(problem),
    };
    match report.finding {
        Finding::Unreadable(problem) => unknown(format!("the attempt's record is damaged: {problem}")),
        Finding::Broadcast(answers) => published(&answers),
        Finding::LookUp(sightings) => sighted(&Count::of(&stored, &sightings), &sightings, agree),
    }
}

/// Proof by `agree` nodes that a final block holds the attempt's slot, with none that shows the attempt as final.
pub(super) fn prove_dead(
    attempt: &Attempt,
    evidence: &Evidence,
    agree: usize,
) -> Result<DeathProof, NotProven> {
    let (stored, report) = read(attempt, evidence).map_err(NotProven)?;
    let Finding::LookUp(sightings) = report.finding else {
        return Err(NotProven("only a look-up shows what holds the slot".to_owned()));
    };
    let count = Count::of(&stored, &sightings);
    if count.confirmed > 0 {
        return Err(NotProven("a node shows the attempt as final".to_owned()));
    }
    let Some(rival) = count.rival else {
        return Err(NotProven("no node shows another final block in the slot".to_owned()));
    };
    if count.two_rivals {
        return Err(NotProven("nodes show different final blocks in the slot".to_owned()));
    }
    if count.rivals < agree {
        let rivals = count.rivals;
        return Err(NotProven(format!("{rivals} nodes show another final block in the slot, {agree} must")));
    }
    Ok(DeathProof {
        attempt: attempt.id.clone(),
        taken_by: Some(TransactionId::from_canonical(rival.to_string())),
        nodes: count.rivals,
        evidence: evidence.clone(),
    })
}

/// The same by one node at least, where none shows the attempt, final or not.
pub(super) fn hint_dead(attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
    let (stored, report) = read(attempt, evidence).map_err(NotProven)?;
    let shows_it = matches!(&report.finding, Finding::LookUp(sightings)
        if Count::of(&stored, sightings).unconfirmed > 0);
    if shows_it {
        return Err(NotProven("a node shows the attempt".to_owned()));
    }
    prove_dead(attempt, evidence, 1)
}

fn read(attempt: &Attempt, evidence: &Evidence) -> Result<(Stored, Report), String> {
    let stored =
        Stored::read(attempt).map_err(|problem| format!("the attempt's record is damaged: {problem}"))?;
    let report = Report::read(evidence).ok_or("the evidence cannot be read")?;
    if report.attempt != attempt.id.as_str() {
        return Err("the evidence is of another attempt".to_owned());
    }
    Ok((stored, report))
}

fn published(answers: &[Said<Publication>]) -> Standing {
    if answers.iter().any(|answer| answer.said.is_there()) {
        return Standing::Pending;
    }
    let reason = words(answers);
    let refused = |answer: &Said<Publication>| matches!(answer.said, Publication::Refused(_));
    if !answers.is_empty() && answers.iter().all(refused) {
        return Standing::Rejected { reason };
    }
    Standing::Unknown { reason }
}

fn sighted(count: &Count, sightings: &[Said<Sighting>], agree: usize) -> Standing {
    let reason = || words(sightings);
    if count.confirmed > 0 && count.rivals > 0 {
        return Standing::Unknown { reason: format!("nodes contradict each other: {}", reason()) };
    }
    if count.confirmed >= agree {
        return Standing::Confirmed;
    }
    if count.rivals >= agree {
        return Standing::Rejected { reason: format!("its slot went to another block: {}", reason()) };
    }
    if count.rivals > 0 {
        return Standing::Unknown { reason: reason() };
    }
    if count.confirmed > 0 || count.unconfirmed > 0 {
        return Standing::Pending;
    }
    if count.absent >= agree {
        return Standing::NotFound;
    }
    Standing::Unknown { reason: reason() }
}

/// How many nodes show what.
#[derive(Default)]
struct Count {
    confirmed: usize,
    unconfirmed: usize,
    absent: usize,
    /// Nodes that show another final block in the slot.
    rivals: usize,
    rival: Option<BlockHash>,
    two_rivals: bool,
}

impl Count {
    fn of(stored: &Stored, sightings: &[Said<Sighting>]) -> Count {
        let mut count = Count::default();
        for sighting in sightings {
            match &sighting.said {
                Sighting::Silent(_) => {}
                Sighting::Confirmed => count.confirmed += 1,
                Sighting::Unconfirmed => count.unconfirmed += 1,
                Sighting::SlotFree | Sighting::NotCovered => count.absent += 1,
                Sighting::SlotTaken(holder) if is_final_rival(stored, holder) => {
                    let rival = holder.block.hash();
                    count.rivals += 1;
                    count.two_rivals |= count.rival.is_some_and(|other| other != rival);
                    count.rival = Some(rival);
                }
                Sighting::SlotTaken(_) => count.absent += 1,
            }
        }
        count
    }
}

/// Whether the holder is another block of the same account in the same slot, signed by it and final on its node. Nobody
/// else can make up such a block, so a lying node could at most show one that we signed ourselves.
fn is_final_rival(stored: &Stored, holder: &Holder) -> bool {
    let (ours, theirs) = (&stored.block.block, &holder.block.block);
    ours.account == theirs.account
        && ours.previous == theirs.previous
        && ours.hash() != theirs.hash()
        && holder.block.verifies()
        && holder.confirmed
        && holder.height <= holder.final_height
}

trait Words {
    fn words(&self) -> String;
}

impl Words for Publication {
    fn words(&self) -> String {
        match self {
            Publication::Accepted => "accepted".to_owned(),
            Publication::AlreadyThere => "already there".to_owned(),
            Publication::Fork => "another block holds the slot".to_owned(),
            Publication::Gap => "it lacks an earlier block".to_owned(),
            Publication::Refused(text) | Publication::Unclear(text) => text.clone(),
            Publication::Silent(problem) => problem.clone(),
        }
    }
}

impl Words for Sighting {
    fn words(&self) -> String {
        match self {
            Sighting::Silent(problem) => problem.clone(),
            Sighting::Confirmed => "final".to_owned(),
            Sighting::Unconfirmed => "there, not final".to_owned(),
            Sighting::SlotFree => "not there, slot empty".to_owned(),
            Sighting::SlotTaken(holder) => {
                let state = if holder.confirmed { "final" } else { "not final" };
                format!("not there, slot held by {} ({state})", holder.block.hash())
            }
            Sighting::NotCovered => "not there, slot unknown".to_owned(),
        }
    }
}

fn words<T: Words>(said: &[Said<T>]) -> String {
    let each: Vec<String> = said.iter().map(|one| format!("{}: {}", one.node, one.said.words())).collect();
    each.join("; ")
}
