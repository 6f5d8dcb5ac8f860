//! Policies: which actions take other people's approval, and whose.

use bursar_store::{StoreError, Tx};

use crate::act::check_action;
use crate::actor::{Actor, ServicePrincipal, Via};
use crate::admission::{By, Done, admit_with, take_turn};
use crate::rejection::Rejection;
use crate::{Act, Change, Outcome, accepted, sql};

/// Most approvals that a policy can ask for.
pub const APPROVALS_NEEDED_MAX: u32 = 8;
/// Most service principals that a policy can name.
const SERVICES_MAX: usize = 32;
/// Longest desk or name of a service principal, in bytes.
const SERVICE_NAME_LENGTH_MAX: usize = 64;

/// How many other people must approve an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The action.
    pub action: String,
    /// Approvers needed beside the requester; 0 = none.
    pub approvals_needed: u32,
    /// Service principals that it binds too; all others act alone (docs/spec/platform.md G2).
    pub services: Vec<ServicePrincipal>,
}

impl Policy {
    /// The policy of an action that nobody set one for: no approvals.
    #[must_use]
    pub fn open(action: &str) -> Policy {
        Policy { action: action.to_owned(), approvals_needed: 0, services: Vec::new() }
    }

    /// How many approvals it asks of this actor.
    #[must_use]
    pub fn approvals_needed_by(&self, actor: &Actor) -> u32 {
        let is_bound = match &actor.via {
            Via::Token { .. } | Via::Session { .. } | Via::Payer { .. } | Via::Cli => true,
            Via::Service { desk } => {
                self.services.iter().any(|named| named.desk == *desk && named.name == actor.name)
            }
        };
        if is_bound { self.approvals_needed } else { 0 }
    }

    fn check(&self) -> Result<(), Rejection> {
        check_action(&self.action)?;
        if self.approvals_needed > APPROVALS_NEEDED_MAX {
            return Err(Rejection::Invalid { field: "number of approvals", rule: "it is at most 8" });
        }
        let is_name = |text: &str| {
            let visible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',');
            !text.is_empty() && text.len() <= SERVICE_NAME_LENGTH_MAX && text.bytes().all(visible)
        };
        let well_named = |service: &ServicePrincipal| is_name(&service.desk) && is_name(&service.name);
        if self.services.len() > SERVICES_MAX || !self.services.iter().all(well_named) {
            let rule = "at most 32 are named, each by desk and name of visible ASCII without '/' and ','";
            return Err(Rejection::Invalid { field: "list of service principals", rule });
        }
        Ok(())
    }
}

/// Sets a policy. Under the policy of [`crate::actions::SET_POLICY`], and with as many approvals as the policy that is
/// replaced asks for: nobody alone loosens one.
pub fn set_policy(tx: &mut Tx<'_>, by: &By<'_>, policy: &Policy) -> Outcome<Done> {
    take_turn(tx)?;
    let mut wanted = policy.clone();
    wanted.services.sort();
    wanted.services.dedup();
    accepted!(wanted.check());
    let before = self::policy(tx, &wanted.action)?;
    let admission = accepted!(admit_with(tx, by, &Act::set_policy(&wanted), before.approvals_needed)?);
    if before == wanted {
        return Ok(Err(Rejection::NothingToChange));
    }
    sql::put_policy(tx, &wanted, by.now)?;
    let change = Change::PolicySet {
        action: wanted.action,
        from_approvals: before.approvals_needed,
        to_approvals: wanted.approvals_needed,
        from_services: before.services,
        to_services: wanted.services,
    };
    admission.done(tx, change)
}

/// The policy of an action; one that was never set is open.
pub fn policy(tx: &mut Tx<'_>, action: &str) -> Result<Policy, StoreError> {
    let Some(approvals_needed) = sql::approvals_needed(tx, action)? else { return Ok(Policy::open(action)) };
    let services = sql::policy_services(tx, action)?;
    Ok(Policy { action: action.to_owned(), approvals_needed, services })
}

/// Every policy that was set, in the order of action names.
pub fn policies(tx: &mut Tx<'_>) -> Result<Vec<Policy>, StoreError> {
    sql::policy_actions(tx)?.iter().map(|action| policy(tx, action)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_a_service_principal_acts_alone_unless_the_policy_names_it() {
        let named = ServicePrincipal::new("trades", "admin-token");
        let policy =
            Policy { approvals_needed: 2, services: vec![named.clone()], ..Policy::open("switch.resume") };
        assert_eq!(policy.approvals_needed_by(&named.into()), 2);
        for other in
            [ServicePrincipal::new("rounds", "admin-token"), ServicePrincipal::new("trades", "other")]
        {
            assert_eq!(policy.approvals_needed_by(&other.into()), 0);
        }
        assert_eq!(policy.approvals_needed_by(&Actor::cli("root")), 2);
    }

    #[test]
    fn a_policy_asks_for_8_approvals_at_most() {
        let asking = |approvals_needed| Policy { approvals_needed, ..Policy::open("a") };
        assert_eq!(asking(8).check(), Ok(()));
        assert_eq!(asking(9).check().unwrap_err().status(), 400);
    }

    #[test]
    fn a_service_principal_is_named_without_ambiguity() {
        let naming = |desk: &str, name: &str| {
            let services = vec![ServicePrincipal::new(desk, name)];
            Policy { services, ..Policy::open("a") }.check()
        };
        assert_eq!(naming("rounds", "ops-key"), Ok(()));
        for (desk, name) in [("", "k"), ("rounds", ""), ("a/b", "k"), ("a", "b,c"), ("a", "b c")] {
            assert_eq!(naming(desk, name).unwrap_err().status(), 400, "{desk} {name}");
        }
    }
}
