//! Why secrets are read anew, and who answers for it.

use bursar_audit::Actor;
use bursar_control::secret_roster::ReloadRequest;

use crate::config::Wanted;

/// Why secrets are read anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server has just started.
    Start,
    /// SIGHUP came.
    Hangup,
    /// Somebody asked every server.
    Request(ReloadRequest),
    /// The database refuses the password in force.
    RefusedByDatabase,
}

impl Cause {
    /// What is read.
    pub fn wanted(&self) -> Wanted {
        match self {
            Cause::Start | Cause::Hangup | Cause::Request(_) => Wanted::All,
            // Nobody said that the other files are complete.
            Cause::RefusedByDatabase => Wanted::Database,
        }
    }

    /// A stable word for logs and events.
    pub fn word(&self) -> &'static str {
        match self {
            Cause::Start => "start",
            Cause::Hangup => "sighup",
            Cause::Request(_) => "request",
            Cause::RefusedByDatabase => "refused_by_database",
        }
    }

    /// Who answers for it.
    pub fn actor(&self) -> Actor {
        match self {
            Cause::Request(request) => Actor { kind: "operator", id: request.actor.clone() },
            Cause::Start | Cause::Hangup | Cause::RefusedByDatabase => Actor::system(self.word()),
        }
    }

    /// Why, when somebody said so.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Cause::Request(request) => Some(&request.reason),
            Cause::Start | Cause::Hangup | Cause::RefusedByDatabase => None,
        }
    }
}
