//! Work for others.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use bursar_banano::work::{self, Root, Threshold, Work};
use serde_json::json;

use super::{Answer, Request};
use crate::node::Node;

pub(super) fn generate(root: &Root, threshold: Threshold) -> Option<Work> {
    work::generate(root, threshold, NonZeroUsize::MIN, &AtomicBool::new(false))
}

fn asked_threshold(node: &Node, request: &Request) -> Result<Threshold, String> {
    match request.text("difficulty") {
        Some(text) => text.parse().map_err(|_| "Bad difficulty".to_owned()),
        None => Ok(node.settings.thresholds.hardest()),
    }
}

pub(super) fn generated(node: &Node, request: &Request) -> Answer {
    let root = Root(request.hash()?.0);
    let threshold = asked_threshold(node, request)?;
    // More would keep the caller waiting for as long as it likes.
    if threshold > node.settings.thresholds.hardest() {
        return Err("Difficulty above config limit".to_owned());
    }
    let work = generate(&root, threshold).ok_or("Cancelled")?;
    let difficulty = format!("{:016x}", work.value(&root));
    Ok(json!({ "hash": request.hash()?, "work": work, "difficulty": difficulty, "multiplier": "1" }))
}

pub(super) fn validated(node: &Node, request: &Request) -> Answer {
    let root = Root(request.hash()?.0);
    let work: Work = request.text("work").and_then(|text| text.parse().ok()).ok_or("Bad work")?;
    let thresholds = node.settings.thresholds;
    let mark = |threshold: Threshold| if threshold.admits(&root, work) { "1" } else { "0" };
    let asked = asked_threshold(node, request)?;
    Ok(json!({
        "valid": mark(asked),
        "valid_all": mark(thresholds.hardest()),
        "valid_receive": mark(thresholds.receive),
        "difficulty": format!("{:016x}", work.value(&root)),
    }))
}
