//! Reading the secrets anew while the server runs: what has changed, and whether it may take effect (V8).

use std::collections::BTreeSet;

use bursar_desk::Secrets;
use bursar_web::CallerSecret;
use secrecy::{ExposeSecret, SecretString};

use super::configuration::Configuration;
use super::mode::Mode;
use super::problem::Problem;
use super::production::production_failures;
use super::registry::{self, Kind, Reload, Status, Variable};
use super::values::Values;
use super::{database, load};

/// Which secrets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    All,
    /// Those that say where the database is and who signs in.
    Database,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Reading {
    /// Secrets that differ from those in force, in the order of the registry.
    pub changes: Vec<Change>,
    /// Secrets that cannot take effect; those in force stay.
    pub refused: Vec<Problem>,
}

/// A secret that differs from the one in force.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose secret it is.
    pub variable: &'static Variable,
    /// It and its predecessor.
    pub secret: CallerSecret,
}

impl Change {
    /// Whether it is the database's URL.
    #[must_use]
    pub fn is_of_database(&self) -> bool {
        self.variable.kind == Kind::Database
    }

    /// The configuration with this change, when a start would accept it. Its values and its database follow the change;
    /// what else was taken from values at the start stays, and whoever needs a live secret asks for it by name.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn judge(&self, in_force: &Configuration) -> Result<Configuration, Problem> {
        let mut next = in_force.clone();
        next.values.rotate(self.variable, self.secret.clone());
        let mut problems = Vec::new();
        if self.is_of_database() {
            next.database = database::choose(&next.values, next.mode, &mut problems);
        }
        if next.mode == Mode::Production {
            let before: BTreeSet<String> =
                production_failures(in_force).iter().map(ToString::to_string).collect();
            let failures = production_failures(&next).into_iter();
            problems.extend(failures.filter(|failure| !before.contains(&failure.to_string())));
        }
        match problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(next),
        }
    }
}

/// Reads the secrets anew from where those in force came from, and compares them.
#[must_use]
pub fn read_anew(in_force: &Configuration, wanted: Wanted) -> Reading {
    let mut problems = Vec::new();
    let now = load::examine(&in_force.source, &mut problems);
    if let Some(unreadable) = problems.iter().find(|problem| problem.variable == "BURSAR_CONFIG") {
        return Reading { refused: vec![unreadable.clone()], ..Reading::default() };
    }
    let mut reading = Reading::default();
    let secrets = registry::all().filter(|variable| {
        let is_wanted = wanted == Wanted::All || variable.kind == Kind::Database;
        is_wanted && variable.is_secret() && variable.desk.is_active(&in_force.desks)
    });
    for variable in secrets {
        let mut own = problems.iter().filter(|problem| canonical(&problem.variable) == variable.name);
        if let Some(problem) = own.next() {
            reading.refused.push(problem.clone());
            continue;
        }
        match compare(variable, &in_force.values, &now.values) {
            Ok(None) => {}
            Ok(Some(change)) => reading.changes.push(change),
            Err(problem) => reading.refused.push(problem),
        }
    }
    reading
}

/// The secrets of `values`, for whoever uses them. The store signs in by itself: the database's are kept to be hidden.
pub(super) fn secrets(values: &Values) -> Secrets {
    let kept = registry::all().filter(|variable| variable.is_secret());
    Secrets::new(kept.map(|variable| (variable.name, values.caller_secret(variable.name))))
}

fn compare(variable: &'static Variable, old: &Values, new: &Values) -> Result<Option<Change>, Problem> {
    let [old, new] = [old, new].map(|values| values.caller_secret(variable.name));
    let problem = |rule: &str, fix: &str| Err(Problem::new(variable.desk, variable.name, rule, fix));
    let (old, new) = match (old, new) {
        (None, None) => return Ok(None),
        (Some(_), None) => return problem("is not set any more", "set it, or restart the server without it"),
        (None, Some(_)) => return problem("was not set at the start", "restart the server with it"),
        (Some(old), Some(new)) => (old, new),
    };
    let is_same =
        same(Some(&old.current), Some(&new.current)) && same(old.previous.as_ref(), new.previous.as_ref());
    match (is_same, variable.status, variable.reload) {
        (true, ..) | (false, _, Reload::ByCommand) => Ok(None),
        (false, _, Reload::Live) => Ok(Some(Change { variable, secret: new })),
        // Nothing reads it.
        (false, Status::Later | Status::Ignored, Reload::AtStart) => Ok(None),
        (false, Status::Used, Reload::AtStart) => {
            problem("has changed, and the server takes it only when it starts", "restart the server")
        }
    }
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

/// The variable that a name such as an alias's `<NAME>_FILE` gives a value to.
fn canonical(name: &str) -> &str {
    registry::lookup(name).map_or(name, |(variable, _)| variable.alias_of.unwrap_or(variable.name))
}

#[cfg(test)]
mod tests;
