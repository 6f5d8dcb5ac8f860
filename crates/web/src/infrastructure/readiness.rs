//! The body of `GET /readyz` (H15).

use serde_json::{Map, Value, json};

/// The scope of findings that concern every desk.
const PROCESS: &str = "process";

/// Something that is missing or not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A desk's name, or `process`.
    pub scope: &'static str,
    /// The check's name.
    pub check: &'static str,
    /// What it means for requests.
    pub weight: Weight,
    /// What was found, for people.
    pub text: String,
}

/// What a finding means for requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// No requests must be sent here: 503.
    Required,
    /// Requests are served, some with less: 200.
    Degraded,
}

/// The finding when the checks themselves do not come back.
pub(super) fn checks_hang() -> Finding {
    let text =
        "the readiness checks gave no answer in 5 s; look at the database and its connections".to_owned();
    Finding { scope: PROCESS, check: "checks", weight: Weight::Required, text }
}

/// Whether to send requests here, and the body. `only` narrows to the process and one desk.
pub(super) fn body(desks: &[&'static str], findings: &[Finding], only: Option<&str>) -> (bool, Value) {
    let concerned = |scope: &str| scope == PROCESS || only.is_none_or(|desk| desk == scope);
    let listed = |weight: Weight| {
        let of_weight = findings.iter().filter(move |found| found.weight == weight && concerned(found.scope));
        of_weight.map(|found| format!("{}.{}: {}", found.scope, found.check, found.text)).collect::<Vec<_>>()
    };
    let reasons = listed(Weight::Required);
    let ready = reasons.is_empty();
    let states: Map<String, Value> = desks
        .iter()
        .filter(|desk| concerned(desk))
        .map(|desk| ((*desk).to_owned(), Value::from(state(desk, findings))))
        .collect();
    let body = json!({
        "status": if ready { "ready" } else { "not_ready" },
        "reasons": reasons,
        "degraded": listed(Weight::Degraded),
        "desks": states,
    });
    (ready, body)
}

fn state(desk: &str, findings: &[Finding]) -> &'static str {
    let has = |weight| findings.iter().any(|found| found.scope == desk && found.weight == weight);
    if has(Weight::Required) {
        "not_ready"
    } else if has(Weight::Degraded) {
        "degraded"
    } else {
        "ready"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(scope: &'static str, check: &'static str, weight: Weight) -> Finding {
        Finding { scope, check, weight, text: "why".to_owned() }
    }

    #[test]
    fn h15_without_findings_every_desk_is_ready() {
        let expected = json!({"status": "ready", "reasons": [], "degraded": [],
                              "desks": {"rounds": "ready", "arena": "ready"}});
        assert_eq!(body(&["rounds", "arena"], &[], None), (true, expected));
    }

    #[test]
    fn h15_degraded_is_ready_and_required_is_not() {
        let degraded = finding("arena", "ton", Weight::Degraded);
        let expected = json!({"status": "ready", "reasons": [], "degraded": ["arena.ton: why"],
                              "desks": {"rounds": "ready", "arena": "degraded"}});
        assert_eq!(body(&["rounds", "arena"], std::slice::from_ref(&degraded), None), (true, expected));
        let findings = [finding("rounds", "treasury", Weight::Required), degraded];
        let expected = json!({"status": "not_ready", "reasons": ["rounds.treasury: why"],
                              "degraded": ["arena.ton: why"],
                              "desks": {"rounds": "not_ready", "arena": "degraded"}});
        assert_eq!(body(&["rounds", "arena"], &findings, None), (false, expected));
    }

    #[test]
    fn h15_one_desk_is_judged_by_the_process_and_itself() {
        let desks = ["rounds", "arena"];
        let of_rounds = [finding("rounds", "treasury", Weight::Required)];
        let expected = json!({"status": "ready", "reasons": [], "degraded": [], "desks": {"arena": "ready"}});
        assert_eq!(body(&desks, &of_rounds, Some("arena")), (true, expected));
        assert!(!body(&desks, &of_rounds, Some("rounds")).0);
        let of_process = [finding("process", "database", Weight::Required)];
        let (ready, told) = body(&desks, &of_process, Some("arena"));
        assert_eq!((ready, &told["reasons"]), (false, &json!(["process.database: why"])));
    }
}
