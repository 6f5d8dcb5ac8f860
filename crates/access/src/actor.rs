//! Who acts: an operator by token or session, a desk's own service principal, or a person at the command line.

use std::fmt;

use crate::operator::NAME_LENGTH_MAX;
use crate::permission::Role;
use crate::secret::CredentialId;

/// Number of an operator's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct OperatorId(pub i64);

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An admin that a desk's own scheme defines: a key, an e-mail, a wallet (docs/spec/platform.md G2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct ServicePrincipal {
    /// The one desk whose admin it is.
    pub desk: String,
    /// Its name there; never the secret itself, nor personal data.
    pub name: String,
}

impl ServicePrincipal {
    /// The principal `name` of `desk`.
    #[must_use]
    pub fn new(desk: &str, name: &str) -> ServicePrincipal {
        ServicePrincipal { desk: desk.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ServicePrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.desk, self.name)
    }
}

/// By what an actor is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// An operator's token.
    Token {
        /// The operator.
        operator: OperatorId,
        /// The token's public part.
        token: CredentialId,
    },
    /// An operator's session.
    Session {
        /// The operator.
        operator: OperatorId,
        /// The session's public part.
        session: CredentialId,
    },
    /// The token of a program that has one desk pay.
    Payer {
        /// Its account.
        operator: OperatorId,
        /// The token's public part.
        token: CredentialId,
        /// The one desk that it may have pay.
        desk: String,
    },
    /// A desk's own scheme.
    Service {
        /// The one desk whose admin it is.
        desk: String,
    },
    /// The command line on the server's machine.
    Cli,
}

/// Somebody who asks for something, known for who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Operator's, principal's or system user's name.
    pub name: String,
    /// What they may do at most.
    pub role: Role,
    /// By what they are known.
    pub via: Via,
}

impl Actor {
    /// The person at the command line, who has the database anyway and so is an admin. Of the system's user name
    /// whatever an operator's name could not hold becomes `-`.
    #[must_use]
    pub fn cli(user: &str) -> Actor {
        let allowed = |mark: char| match mark.to_ascii_lowercase() {
            mark @ ('a'..='z' | '0'..='9' | '.' | '_') => mark,
            _ => '-',
        };
        let name = user.chars().take(NAME_LENGTH_MAX).map(allowed).collect();
        Actor { name, role: Role::Admin, via: Via::Cli }
    }

    /// The operator's number, if it is an operator.
    #[must_use]
    pub fn operator(&self) -> Option<OperatorId> {
        match &self.via {
            Via::Token { operator, .. } | Via::Session { operator, .. } | Via::Payer { operator, .. } => {
                Some(*operator)
            }
            Via::Service { .. } | Via::Cli => None,
        }
    }

    /// The service principal, if it is one.
    #[must_use]
    pub fn service(&self) -> Option<ServicePrincipal> {
        match &self.via {
            Via::Service { desk } => Some(ServicePrincipal::new(desk, &self.name)),
            Via::Token { .. } | Via::Session { .. } | Via::Payer { .. } | Via::Cli => None,
        }
    }

    /// What the audit log calls it: an id without an operator's name (docs/spec/platform.md X1).
    #[must_use]
    pub fn audit_id(&self) -> String {
        match &self.via {
            Via::Token { operator, .. } | Via::Session { operator, .. } | Via::Payer { operator, .. } => {
                format!("operator:{operator}")
            }
            Via::Service { desk } => format!("service:{desk}/{}", self.name),
            Via::Cli => format!("cli:{}", self.name),
        }
    }
}

impl From<ServicePrincipal> for Actor {
    fn from(principal: ServicePrincipal) -> Actor {
        let ServicePrincipal { desk, name } = principal;
        Actor { name, role: Role::Admin, via: Via::Service { desk } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_gets_an_operators_number_and_no_name() {
        let token = CredentialId::parse("00000000000000ab").unwrap();
        let via = Via::Token { operator: OperatorId(7), token };
        let ann = Actor { name: "ann".into(), role: Role::Viewer, via };
        assert_eq!(ann.audit_id(), "operator:7");
        assert_eq!(
            Actor::from(ServicePrincipal::new("rounds", "ops-key")).audit_id(),
            "service:rounds/ops-key"
        );
        assert_eq!(Actor::cli("root").audit_id(), "cli:root");
    }

    #[test]
    fn a_system_users_name_is_cut_to_what_an_operators_name_may_hold() {
        assert_eq!(Actor::cli("Ann Lee\0").name, "ann-lee-");
        assert_eq!(Actor::cli(&"x".repeat(99)).name.len(), 40);
    }
}
