//! What the registry says about one environment variable.

use super::super::desks::Owner;
use super::kind::Kind;

/// One name of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name, exactly as it stands in the environment.
    pub name: &'static str,
    /// Who reads it.
    pub desk: Owner,
    /// What a value must look like.
    pub kind: Kind,
    /// The value in force when nothing is set, as it would be written; `None` = unset has a meaning of its
    /// own.
    pub default: Option<&'static str>,
    /// What it does, with units.
    pub doc: &'static str,
    /// Whether something reads it.
    pub status: Status,
    /// The name for which this one stands in when that one is unset.
    pub alias_of: Option<&'static str>,
    /// When a new value of a secret takes effect. Other variables are read at the start.
    pub reload: Reload,
}

/// When a new value of a secret takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// At a reload, for the next use.
    Live,
    /// When the server starts.
    AtStart,
    /// With the next command: only the command line reads it.
    ByCommand,
}

/// Whether a variable has an effect in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is read.
    Used,
    /// Accepted and checked, not read yet.
    Later,
    /// Accepted for the sake of old environments, and without effect for good.
    Ignored,
}

impl Variable {
    /// A variable that is read.
    #[must_use]
    pub const fn new(
        name: &'static str,
        desk: Owner,
        kind: Kind,
        default: Option<&'static str>,
        doc: &'static str,
    ) -> Variable {
        Variable {
            name,
            desk,
            kind,
            default,
            doc,
            status: Status::Used,
            alias_of: None,
            reload: Reload::AtStart,
        }
    }

    /// The same, read already although its desk's table says otherwise.
    #[must_use]
    pub const fn used(mut self) -> Variable {
        self.status = Status::Used;
        self
    }

    /// The same, accepted and not used yet.
    #[must_use]
    pub const fn not_yet(mut self) -> Variable {
        self.status = Status::Later;
        self
    }

    /// The same, accepted and never used.
    #[must_use]
    pub const fn ignored(mut self) -> Variable {
        self.status = Status::Ignored;
        self
    }

    /// The same, standing in for `canonical`.
    #[must_use]
    pub const fn alias_of(mut self, canonical: &'static str) -> Variable {
        self.alias_of = Some(canonical);
        self
    }

    /// The same, a secret that whoever uses it takes from the platform at each use.
    #[must_use]
    pub const fn live(mut self) -> Variable {
        self.reload = Reload::Live;
        self
    }

    /// The same, a secret that only commands read.
    #[must_use]
    pub const fn by_command(mut self) -> Variable {
        self.reload = Reload::ByCommand;
        self
    }

    /// When a new value takes effect, in a word; `None` = nothing reads it.
    #[must_use]
    pub const fn takes_effect(&self) -> Option<&'static str> {
        match (self.status, self.reload) {
            (Status::Later | Status::Ignored, _) => None,
            (Status::Used, Reload::Live) => Some("live"),
            (Status::Used, Reload::AtStart) => Some("restart"),
            (Status::Used, Reload::ByCommand) => Some("command"),
        }
    }

    /// Accepted and not used yet.
    #[must_use]
    pub const fn later(&self) -> bool {
        matches!(self.status, Status::Later)
    }

    /// Never shown, and also read from `<NAME>_FILE`.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::SecretUrl | Kind::Database)
    }

    /// May be valid beside its predecessor while `<NAME>_PREVIOUS` is set (V1).
    #[must_use]
    pub const fn has_previous(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }
}
