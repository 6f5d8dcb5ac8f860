//! What is wrong with a configuration, in words a person can act on.
//!
//! Values never appear: they may be secrets.

use std::fmt;

use serde::Serialize;

use super::desks::Owner;
use super::report;

/// One thing that stops the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Who reads the variable.
    pub desk: Owner,
    /// The variable's name.
    #[serde(rename = "var")]
    pub variable: String,
    /// What is wrong, to be read after the name.
    pub rule: String,
    /// What to do about it.
    pub fix: String,
}

/// One thing that production refuses (V5).
pub type Failure = Problem;

impl Problem {
    /// A problem with `variable`: `rule` continues the sentence that its name begins, `fix` says what to do.
    pub fn new(
        desk: Owner,
        variable: impl Into<String>,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) -> Problem {
        Problem { desk, variable: variable.into(), rule: rule.into(), fix: fix.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}. To fix: {}", self.desk, self.variable, self.rule, self.fix)
    }
}

/// Something to know that does not stop the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Who reads the variable.
    pub desk: Owner,
    /// The variable's name.
    #[serde(rename = "var")]
    pub variable: String,
    /// What there is to know, to be read after the name.
    pub text: String,
}

impl Warning {
    /// A warning about `variable`: `text` continues the sentence that its name begins.
    pub fn new(desk: Owner, variable: impl Into<String>, text: impl Into<String>) -> Warning {
        Warning { desk, variable: variable.into(), text: text.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.desk, self.variable, self.text)
    }
}

/// Every problem of a configuration at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigurationErrors {
    /// Whether the mode is production; then the failures of production are among the problems.
    pub production: bool,
    /// The problems, platform first.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigurationErrors {
    /// One line a problem; in production the report of V5.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.production {
            return f.write_str(&report::readiness_report(&self.problems));
        }
        f.write_str("The configuration is refused:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}
