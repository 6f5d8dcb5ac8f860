//! From raw texts to checked values: kinds, secret files, aliases, defaults.

use super::desks::{self, DeskName, Owner};
use super::problem::{Problem, Warning};
use super::registry::{self, Variable};
use super::secrets;
use super::source::{Merged, Source};
use super::values::Values;

/// The checked values and the desks that run. Variables of desks that are off are not looked at (H2).
pub(super) fn resolve(
    source: &Source,
    merged: &Merged,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> (Values, Vec<DeskName>) {
    let mut values = Values::default();
    for variable in registry::all().filter(|variable| variable.desk == Owner::Platform) {
        read(variable, source, merged, &mut values, problems);
    }
    let desks = values.value("BURSAR_DESKS").and_then(desks::parse).unwrap_or_else(|| DeskName::ALL.to_vec());
    let of_desks_that_run = registry::all()
        .filter(|variable| variable.desk != Owner::Platform && variable.desk.is_active(&desks));
    for variable in of_desks_that_run {
        read(variable, source, merged, &mut values, problems);
    }
    apply_aliases(&mut values, warnings);
    fill_defaults(&mut values);
    (values, desks)
}

fn read(
    variable: &'static Variable,
    source: &Source,
    merged: &Merged,
    values: &mut Values,
    problems: &mut Vec<Problem>,
) {
    if variable.is_secret() {
        return read_secret(variable, source, merged, values, problems);
    }
    let found = if variable.kind.judges_blank() {
        merged.texts.get(variable.name).map(|(text, layer)| (text.as_str(), *layer))
    } else {
        merged.filled(variable.name)
    };
    let Some((text, layer)) = found else { return };
    match variable.kind.check(text) {
        Some(canonical) => values.set(variable, canonical, layer),
        None => problems.push(unreadable(variable, variable.name)),
    }
}

fn read_secret(
    variable: &'static Variable,
    source: &Source,
    merged: &Merged,
    values: &mut Values,
    problems: &mut Vec<Problem>,
) {
    if let Some(found) = secrets::read(variable, source, merged, problems) {
        match variable.kind.check(&found.text) {
            Some(canonical) => {
                values.set(variable, canonical, found.layer);
                values.set_origin(variable, found.origin);
            }
            None => problems.push(unreadable(variable, variable.name)),
        }
    }
    if !variable.has_previous() {
        return;
    }
    let previous_name = format!("{}_PREVIOUS", variable.name);
    let Some(old) = secrets::read_previous(variable, source, merged, problems) else { return };
    let current_named = [variable.name.to_owned(), format!("{}_FILE", variable.name)];
    if current_named.iter().all(|name| merged.filled(name).is_none()) {
        let rule = format!("is set although {} is not", variable.name);
        problems.push(Problem::new(
            variable.desk,
            previous_name,
            rule,
            "set the new secret, or remove the old one",
        ));
        return;
    }
    values.set_previous(variable, old.text);
}

fn unreadable(variable: &Variable, name: &str) -> Problem {
    let expected = variable.kind.expectation();
    let fix = match variable.default {
        Some(default) if !variable.is_secret() => format!("set it to {expected}, or remove it for {default}"),
        _ => format!("set it to {expected}, or remove it"),
    };
    Problem::new(variable.desk, name, format!("is not {expected}"), fix)
}

/// A canonical name that is unset takes its alias's value; when both are set and differ the canonical one
/// wins.
fn apply_aliases(values: &mut Values, warnings: &mut Vec<Warning>) {
    for alias in registry::all() {
        let Some(canonical) = alias.alias_of.and_then(registry::variable) else { continue };
        match (values.any_text(canonical.name), values.any_text(alias.name)) {
            (None, Some(_)) => values.adopt(alias, canonical),
            (Some(winner), Some(other)) => {
                if winner != other {
                    let text = format!("is not used, because {} is set to another value", canonical.name);
                    warnings.push(Warning::new(alias.desk, alias.name, text));
                }
                values.forget(alias);
            }
            (_, None) => {}
        }
    }
}

fn fill_defaults(values: &mut Values) {
    for variable in registry::all() {
        let is_open = values.any_text(variable.name).is_none();
        if let Some(text) = variable.default.filter(|_| is_open).and_then(|text| variable.kind.check(text)) {
            values.set(variable, text, super::source::Layer::Default);
        }
    }
}
