//! Rights and the roles that include them: a pure matrix.

use std::fmt;

use crate::act::PLATFORM;
use crate::actor::{Actor, Via};
use crate::rejection::Rejection;

/// What an operator may do at most. Each role includes the ones before it, but for [`Role::Payer`], which stands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A program that has one desk pay: it creates, reads and takes back its payouts, and does nothing else.
    Payer,
    /// Looks, changes nothing.
    Viewer,
    /// Runs the daily business: stops, incidents, jobs.
    Operator,
    /// Everything, people and money included.
    Admin,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Role; 4] = [Role::Payer, Role::Viewer, Role::Operator, Role::Admin];

    /// Its stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Payer => "payer",
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role includes a right.
    #[must_use]
    pub fn includes(self, permission: Permission) -> bool {
        match permission.lowest_role() {
            Role::Payer => self == Role::Payer,
            lowest => self >= lowest,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A right, asked for with the desk it is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See states, lists and figures of operations.
    ReadOps,
    /// Read the audit log, which names people.
    ReadAudit,
    /// Stop and resume what a switch governs.
    OperateSwitch,
    /// Open, change and close incidents.
    ManageIncident,
    /// Start, pause and repeat jobs and runbooks.
    RunJob,
    /// Change a live setting.
    ChangeSetting,
    /// See the payouts that were asked for over the API.
    ReadPayouts,
    /// Have a payout made over the API.
    CreatePayout,
    /// Take a payout back over the API, as long as nothing is signed for it.
    CancelPayout,
    /// Decide a payout that the machine cannot: retry, give up, or confirm on evidence.
    ResolvePayout,
    /// Post a correcting transfer.
    CorrectLedger,
    /// Replace a signing key or another secret.
    RotateKey,
    /// Take, verify and restore backups.
    ManageBackup,
    /// Add, change and disable operators and their tokens.
    ManageOperators,
    /// Say which actions need other people's approval.
    ManagePolicy,
}

impl Permission {
    /// All rights.
    pub const ALL: [Permission; 15] = [
        Permission::ReadOps,
        Permission::ReadAudit,
        Permission::OperateSwitch,
        Permission::ManageIncident,
        Permission::RunJob,
        Permission::ChangeSetting,
        Permission::ReadPayouts,
        Permission::CreatePayout,
        Permission::CancelPayout,
        Permission::ResolvePayout,
        Permission::CorrectLedger,
        Permission::RotateKey,
        Permission::ManageBackup,
        Permission::ManageOperators,
        Permission::ManagePolicy,
    ];

    /// The lowest role that includes it.
    #[must_use]
    pub const fn lowest_role(self) -> Role {
        match self {
            Permission::ReadPayouts | Permission::CreatePayout | Permission::CancelPayout => Role::Payer,
            Permission::ReadOps => Role::Viewer,
            Permission::ReadAudit
            | Permission::OperateSwitch
            | Permission::ManageIncident
            | Permission::RunJob => Role::Operator,
            Permission::ChangeSetting
            | Permission::ResolvePayout
            | Permission::CorrectLedger
            | Permission::RotateKey
            | Permission::ManageBackup
            | Permission::ManageOperators
            | Permission::ManagePolicy => Role::Admin,
        }
    }

    /// Whether it reaches beyond any one desk, so that no desk's service principal ever has it.
    #[must_use]
    pub const fn is_platform_wide(self) -> bool {
        match self {
            Permission::ManageBackup | Permission::ManageOperators | Permission::ManagePolicy => true,
            Permission::ReadOps
            | Permission::ReadAudit
            | Permission::OperateSwitch
            | Permission::ManageIncident
            | Permission::RunJob
            | Permission::ChangeSetting
            | Permission::ReadPayouts
            | Permission::CreatePayout
            | Permission::CancelPayout
            | Permission::ResolvePayout
            | Permission::CorrectLedger
            | Permission::RotateKey => false,
        }
    }

    /// Its stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Permission::ReadOps => "read_ops",
            Permission::ReadAudit => "read_audit",
            Permission::OperateSwitch => "operate_switch",
            Permission::ManageIncident => "manage_incident",
            Permission::RunJob => "run_job",
            Permission::ChangeSetting => "change_setting",
            Permission::ReadPayouts => "read_payouts",
            Permission::CreatePayout => "create_payout",
            Permission::CancelPayout => "cancel_payout",
            Permission::ResolvePayout => "resolve_payout",
            Permission::CorrectLedger => "correct_ledger",
            Permission::RotateKey => "rotate_key",
            Permission::ManageBackup => "manage_backup",
            Permission::ManageOperators => "manage_operators",
            Permission::ManagePolicy => "manage_policy",
        }
    }

    /// The right of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Permission> {
        Permission::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether `actor` has a right on a desk ([`PLATFORM`] for what belongs to none).
///
/// # Errors
/// [`Rejection::OtherDesk`] when a service principal or payer reaches beyond its desk (docs/spec/platform.md G2, H10),
/// [`Rejection::RoleTooLow`] when the role does not include the right.
pub fn authorize(actor: &Actor, permission: Permission, desk: &str) -> Result<(), Rejection> {
    let bound = match &actor.via {
        Via::Service { desk } | Via::Payer { desk, .. } => Some(desk),
        Via::Token { .. } | Via::Session { .. } | Via::Cli => None,
    };
    if let Some(own) = bound {
        let reaches_beyond = own != desk || desk == PLATFORM || permission.is_platform_wide();
        if reaches_beyond {
            return Err(Rejection::OtherDesk { own: own.clone(), asked: desk.to_owned(), permission });
        }
    }
    // A payer that is bound to no desk may do nothing at all.
    let is_bound = actor.role != Role::Payer || matches!(actor.via, Via::Payer { .. });
    if is_bound && actor.role.includes(permission) {
        Ok(())
    } else {
        Err(Rejection::RoleTooLow { role: actor.role, permission })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{OperatorId, ServicePrincipal};
    use crate::secret::CredentialId;

    /// The matrix as a reader checks it: right, viewer, operator, admin, a service principal and a payer on its own desk.
    const MATRIX: [(Permission, [bool; 5]); 15] = [
        (Permission::ReadOps, [true, true, true, true, false]),
        (Permission::ReadAudit, [false, true, true, true, false]),
        (Permission::OperateSwitch, [false, true, true, true, false]),
        (Permission::ManageIncident, [false, true, true, true, false]),
        (Permission::RunJob, [false, true, true, true, false]),
        (Permission::ChangeSetting, [false, false, true, true, false]),
        (Permission::ReadPayouts, [false, false, false, false, true]),
        (Permission::CreatePayout, [false, false, false, false, true]),
        (Permission::CancelPayout, [false, false, false, false, true]),
        (Permission::ResolvePayout, [false, false, true, true, false]),
        (Permission::CorrectLedger, [false, false, true, true, false]),
        (Permission::RotateKey, [false, false, true, true, false]),
        (Permission::ManageBackup, [false, false, true, false, false]),
        (Permission::ManageOperators, [false, false, true, false, false]),
        (Permission::ManagePolicy, [false, false, true, false, false]),
    ];

    fn payer(desk: &str) -> Actor {
        let token = CredentialId::parse("00000000000000ab").unwrap();
        let via = Via::Payer { operator: OperatorId(7), token, desk: desk.to_owned() };
        Actor { name: "shop".into(), role: Role::Payer, via }
    }

    fn person(role: Role) -> Actor {
        Actor { role, ..Actor::cli("ann") }
    }

    #[test]
    fn each_role_has_exactly_the_rights_of_the_matrix() {
        assert_eq!(MATRIX.map(|(permission, _)| permission), Permission::ALL);
        let service: Actor = ServicePrincipal::new("rounds", "ops-key").into();
        for (permission, [viewer, operator, admin, own_desk, paying]) in MATRIX {
            for (role, expected) in [(Role::Viewer, viewer), (Role::Operator, operator), (Role::Admin, admin)]
            {
                let asked = authorize(&person(role), permission, "rounds");
                assert_eq!(asked.is_ok(), expected, "{role} {permission}");
            }
            assert_eq!(authorize(&service, permission, "rounds").is_ok(), own_desk, "service {permission}");
            assert_eq!(
                authorize(&payer("rounds"), permission, "rounds").is_ok(),
                paying,
                "payer {permission}"
            );
        }
    }

    #[test]
    fn h10_a_payer_has_no_right_on_another_desk_or_the_platform_and_none_without_a_desk() {
        let unbound = person(Role::Payer);
        for permission in Permission::ALL {
            for desk in ["faucet", PLATFORM] {
                assert_eq!(authorize(&payer("rounds"), permission, desk).unwrap_err().code(), "forbidden");
                assert_eq!(authorize(&payer(PLATFORM), permission, desk).unwrap_err().code(), "forbidden");
            }
            assert_eq!(authorize(&unbound, permission, "rounds").unwrap_err().code(), "forbidden");
        }
    }

    #[test]
    fn g2_a_service_principal_has_no_right_on_another_desk_or_the_platform() {
        for own in ["rounds", PLATFORM] {
            let service: Actor = ServicePrincipal::new(own, "ops-key").into();
            for permission in Permission::ALL {
                for desk in ["faucet", PLATFORM] {
                    let refused = authorize(&service, permission, desk).unwrap_err();
                    assert_eq!(
                        (refused.status(), refused.code()),
                        (403, "forbidden"),
                        "{own} {permission} {desk}"
                    );
                }
            }
        }
    }

    #[test]
    fn names_of_roles_and_rights_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        for permission in Permission::ALL {
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        assert_eq!(Role::from_name("Admin"), None);
    }
}
