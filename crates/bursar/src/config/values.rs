//! The checked values of one start: canonical texts, secrets apart, defaults filled in.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::registry::{self, Variable};
use super::secrets::CallerSecret;
use super::source::Layer;

/// Every value in force, by name. Variables of desks that are off keep their defaults.
#[derive(Clone, Debug, Default)]
pub struct Values {
    texts: BTreeMap<&'static str, String>,
    secrets: BTreeMap<&'static str, SecretString>,
    previous: BTreeMap<&'static str, SecretString>,
    origins: BTreeMap<&'static str, String>,
    layers: BTreeMap<&'static str, Layer>,
}

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// The value in force; `***` for a secret that is set, `None` when nothing is.
    pub shown: Option<String>,
    /// Where it came from.
    pub layer: Layer,
}

impl Values {
    /// The value in force of a variable that is no secret: what was set in its canonical spelling, else its
    /// alias's, else its default.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        debug_assert!(
            registry::variable(name).is_some_and(|variable| !variable.is_secret()),
            "{name} is no plain variable"
        );
        self.texts.get(name).map(String::as_str)
    }

    /// The secret (or URL that may carry one) in force.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        debug_assert!(registry::variable(name).is_some_and(Variable::is_secret), "{name} is no secret");
        self.secrets.get(name)
    }

    /// The secret in force and its predecessor, for checking what callers show.
    #[must_use]
    pub fn caller_secret(&self, name: &str) -> Option<CallerSecret> {
        let current = self.secret(name)?.clone();
        Some(CallerSecret { current, previous: self.previous.get(name).cloned() })
    }

    /// The name that gave the secret: the variable's own, its alias's, or that of the file, such as `OPS_API_KEY_FILE`.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&str> {
        self.origins.get(name).map(String::as_str)
    }

    /// Whether a flag is on; `None` when it is unset and has no default.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).map(|text| matches!(text, "true" | "on"))
    }

    /// Where the value in force came from.
    #[must_use]
    pub fn layer(&self, name: &str) -> Layer {
        self.layers.get(name).copied().unwrap_or(Layer::Default)
    }

    /// Whether somebody set the variable (or its alias), rather than leaving it to its default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.layer(name) != Layer::Default
    }

    /// Every value in force as it may be shown, in the order of the registry.
    pub fn shown(&self) -> impl Iterator<Item = Setting> {
        registry::all().map(|variable| {
            let name = variable.name;
            let hidden = || self.secrets.contains_key(name).then(|| "***".to_owned());
            let shown = if variable.is_secret() { hidden() } else { self.texts.get(name).cloned() };
            Setting { name, shown, layer: self.layer(name) }
        })
    }

    /// Every secret text that is set, predecessors included, under the name that a person would look for.
    pub(super) fn secret_texts(&self) -> impl Iterator<Item = (&'static Variable, String, &str)> {
        registry::all().flat_map(|variable| {
            let current = self.secrets.get(variable.name).filter(|_| self.is_set(variable.name));
            let previous = self.previous.get(variable.name);
            let named = |ending: &str| format!("{}{ending}", variable.name);
            let current = current.map(|secret| (variable, named(""), secret.expose_secret()));
            current.into_iter().chain(previous.map(|old| (variable, named("_PREVIOUS"), old.expose_secret())))
        })
    }

    /// A number that has a default. Its range was checked, so it fits the type that its reader chose.
    pub(super) fn integer<T: TryFrom<i64> + Default>(&self, name: &str) -> T {
        let number = self.value(name).and_then(|text| text.parse::<i64>().ok());
        debug_assert!(number.is_some(), "{name} has no number and no default");
        number.and_then(|number| T::try_from(number).ok()).unwrap_or_default()
    }

    /// A text that has a default.
    pub(super) fn text(&self, name: &str) -> String {
        let text = self.value(name);
        debug_assert!(text.is_some(), "{name} has no default");
        text.unwrap_or_default().to_owned()
    }

    pub(super) fn set(&mut self, variable: &'static Variable, text: String, layer: Layer) {
        if variable.is_secret() {
            self.secrets.insert(variable.name, text.into());
        } else {
            self.texts.insert(variable.name, text);
        }
        self.layers.insert(variable.name, layer);
    }

    pub(super) fn set_origin(&mut self, variable: &'static Variable, origin: String) {
        self.origins.insert(variable.name, origin);
    }

    /// Puts a secret and its predecessor in the place of the former two.
    pub(super) fn rotate(&mut self, variable: &'static Variable, secret: CallerSecret) {
        self.secrets.insert(variable.name, secret.current);
        match secret.previous {
            Some(old) => self.previous.insert(variable.name, old),
            None => self.previous.remove(variable.name),
        };
    }

    pub(super) fn set_previous(&mut self, variable: &'static Variable, text: String) {
        self.previous.insert(variable.name, text.into());
    }

    /// The text in force, secret or not, for comparing aliases.
    pub(super) fn any_text(&self, name: &str) -> Option<&str> {
        let secret = self.secrets.get(name).map(ExposeSecret::expose_secret);
        secret.or_else(|| self.texts.get(name).map(String::as_str))
    }

    /// Moves an alias's value and predecessor to the name it stands in for.
    pub(super) fn adopt(&mut self, alias: &'static Variable, canonical: &'static Variable) {
        let Some(text) = self.any_text(alias.name).map(str::to_owned) else { return };
        let layer = self.layer(alias.name);
        self.set(canonical, text, layer);
        if let Some(old) = self.previous.remove(alias.name) {
            self.previous.insert(canonical.name, old);
        }
        if let Some(origin) = self.origins.remove(alias.name) {
            self.origins.insert(canonical.name, origin);
        }
        self.forget(alias);
    }

    /// Drops a value.
    pub(super) fn forget(&mut self, variable: &Variable) {
        self.secrets.remove(variable.name);
        self.texts.remove(variable.name);
        self.previous.remove(variable.name);
        self.origins.remove(variable.name);
        self.layers.remove(variable.name);
    }
}
