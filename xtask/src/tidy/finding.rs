//! What a rule reports.

use std::fmt;

/// One breach of one rule. Sorts by file, line, rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub path: String,
    /// Line number, from 1.
    pub line: usize,
    /// The rule's short name.
    pub rule: &'static str,
    /// What was found and why it is not wanted.
    pub why: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: [{}] {}. {}.", self.path, self.line, self.rule, self.why, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_which_why_and_what_to_do() {
        let finding = Finding {
            path: "a.rs".to_owned(),
            line: 3,
            rule: "file-length",
            why: "501 lines".to_owned(),
            remedy: "Split it",
        };
        assert_eq!(finding.to_string(), "a.rs:3: [file-length] 501 lines. Split it.");
    }
}
