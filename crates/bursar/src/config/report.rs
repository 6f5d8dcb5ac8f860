//! The production report: every failure at once, for people and for machines (V5).

use serde::Serialize;

use super::problem::Failure;

/// The code under which production refuses to start.
const CODE: &str = "PROD_READINESS_FAILED";

#[derive(Serialize)]
struct Line<'a> {
    level: &'static str,
    code: &'static str,
    details: &'a [Failure],
}

/// The text for stderr: a heading, one `- item` line a failure, the code, and one JSON line with the details.
/// Ends without a line break. Never contains a value.
#[must_use]
pub fn readiness_report(failures: &[Failure]) -> String {
    let items: String = failures.iter().map(|failure| format!("- {failure}\n")).collect();
    let line = Line { level: "error", code: CODE, details: failures };
    let json = serde_json::to_string(&line).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    format!("Production readiness checks failed:\n{items}{CODE}\n{json}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DeskName, Owner, Problem};

    #[test]
    fn v5_the_report_has_a_heading_items_the_code_and_one_json_line() {
        let failures = [
            Problem::new(Owner::Platform, "DATABASE_URL", "is required in production", "set it"),
            Problem::new(Owner::Desk(DeskName::Arena), "ADMIN_EMAIL", "is empty", "name \"one\""),
        ];
        let report = readiness_report(&failures);
        let lines: Vec<&str> = report.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "Production readiness checks failed:",
                "- platform: DATABASE_URL is required in production. To fix: set it",
                "- arena: ADMIN_EMAIL is empty. To fix: name \"one\"",
                "PROD_READINESS_FAILED",
            ]
        );
        assert_eq!(lines.len(), 5);
        let json: serde_json::Value = serde_json::from_str(lines[4]).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"level": "error", "code": "PROD_READINESS_FAILED", "details": [
                {"desk": "platform", "var": "DATABASE_URL", "rule": "is required in production", "fix": "set it"},
                {"desk": "arena", "var": "ADMIN_EMAIL", "rule": "is empty", "fix": "name \"one\""},
            ]})
        );
    }
}
