//! Operators: accounts of people, their roles, and switching them off and on.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::OperatorId;
use crate::admission::{By, Done, admit, take_turn};
use crate::permission::Role;
use crate::rejection::Rejection;
use crate::{Act, Change, Outcome, PLATFORM, accepted, sql};

/// Longest name, in characters.
pub(crate) const NAME_LENGTH_MAX: usize = 40;

/// What makes an account a payer's.
const PAYER_NEEDS_A_DESK: Rejection = Rejection::Invalid {
    field: "role",
    rule: "a payer is added together with the one desk that it may have pay",
};
/// A person's account and a program's are never the same.
const PAYERS_STAY_PAYERS: Rejection =
    Rejection::Invalid { field: "role", rule: "an account stays a payer's or nobody's; add another one" };

/// An operator's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its number.
    pub id: OperatorId,
    /// Its name.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// The one desk that a payer may have pay; `None` of everybody else.
    pub desk: Option<String>,
    /// Whether its credentials are accepted.
    pub enabled: bool,
    /// Who added it, as the audit log calls them.
    pub created_by: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Whether a name is 2 to 40 characters of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit.
///
/// # Errors
/// [`Rejection::Invalid`] when it is not.
pub fn check_operator_name(name: &str) -> Result<(), Rejection> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = name.bytes().next().is_some_and(letter);
    let goes_on_well = name.bytes().all(|byte| letter(byte) || matches!(byte, b'.' | b'_' | b'-'));
    let fits = (2..=NAME_LENGTH_MAX).contains(&name.len());
    let rule =
        "a name is 2 to 40 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit";
    (starts_well && goes_on_well && fits)
        .then_some(())
        .ok_or(Rejection::Invalid { field: "operator name", rule })
}

/// Refuses a desk that could not be one.
fn check_desk(desk: &str) -> Result<(), Rejection> {
    let is_name =
        (1..=NAME_LENGTH_MAX).contains(&desk.len()) && desk.bytes().all(|byte| byte.is_ascii_lowercase());
    let rule = "it is the name of a desk";
    (is_name && desk != PLATFORM).then_some(()).ok_or(Rejection::Invalid { field: "desk", rule })
}

/// Adds an operator, enabled and without any credential.
pub fn add_operator(tx: &mut Tx<'_>, by: &By<'_>, name: &str, role: Role) -> Outcome<Done> {
    if role == Role::Payer {
        return Ok(Err(PAYER_NEEDS_A_DESK));
    }
    add(tx, by, &Act::add_operator(name, role), (name, role, None))
}

/// Adds the account of a program that may have `desk` pay, enabled and without any credential.
pub fn add_payer(tx: &mut Tx<'_>, by: &By<'_>, name: &str, desk: &str) -> Outcome<Done> {
    accepted!(check_desk(desk));
    add(tx, by, &Act::add_payer(name, desk), (name, Role::Payer, Some(desk)))
}

fn add(
    tx: &mut Tx<'_>,
    by: &By<'_>,
    act: &Act,
    (name, role, desk): (&str, Role, Option<&str>),
) -> Outcome<Done> {
    let turn = take_turn(tx)?;
    let admission = accepted!(admit(tx, by, act)?);
    accepted!(check_operator_name(name));
    if sql::operator_by_name(tx, name)?.is_some() {
        return Ok(Err(Rejection::OperatorExists));
    }
    let operator = Operator {
        id: OperatorId(turn),
        name: name.to_owned(),
        role,
        desk: desk.map(str::to_owned),
        enabled: true,
        created_by: by.actor.audit_id(),
        created_at: by.now,
    };
    sql::insert_operator(tx, &operator)?;
    let Operator { id, name, desk, .. } = operator;
    admission.done(tx, Change::OperatorAdded { operator: id, name, role, desk })
}

/// Changes an operator's role; requests that are under way are decided by the new one when they write.
pub fn set_role(tx: &mut Tx<'_>, by: &By<'_>, name: &str, role: Role) -> Outcome<Done> {
    take_turn(tx)?;
    let admission = accepted!(admit(tx, by, &Act::set_role(name, role))?);
    let operator = accepted!(find(tx, name)?);
    if operator.role == role {
        return Ok(Err(Rejection::NothingToChange));
    }
    if operator.role == Role::Payer || role == Role::Payer {
        return Ok(Err(PAYERS_STAY_PAYERS));
    }
    accepted!(keep_an_admin(&operator, sql::other_enabled_admins(tx, operator.id)?));
    sql::set_role(tx, operator.id, role, by.now)?;
    let change =
        Change::RoleChanged { operator: operator.id, name: operator.name, from: operator.role, to: role };
    admission.done(tx, change)
}

/// Disables an operator and revokes every token and session, for good: enabling brings none of them back.
pub fn disable_operator(tx: &mut Tx<'_>, by: &By<'_>, name: &str) -> Outcome<Done> {
    take_turn(tx)?;
    let admission = accepted!(admit(tx, by, &Act::disable_operator(name))?);
    let operator = accepted!(find(tx, name)?);
    if !operator.enabled {
        return Ok(Err(Rejection::NothingToChange));
    }
    accepted!(keep_an_admin(&operator, sql::other_enabled_admins(tx, operator.id)?));
    sql::set_enabled(tx, operator.id, false, by.now)?;
    let tokens_revoked = sql::revoke_tokens_of(tx, operator.id, by.now)?;
    let sessions_ended = sql::end_sessions_of(tx, operator.id, by.now)?;
    let Operator { id, name, .. } = operator;
    admission.done(tx, Change::OperatorDisabled { operator: id, name, tokens_revoked, sessions_ended })
}

/// Enables an operator again. It needs a new token.
pub fn enable_operator(tx: &mut Tx<'_>, by: &By<'_>, name: &str) -> Outcome<Done> {
    take_turn(tx)?;
    let admission = accepted!(admit(tx, by, &Act::enable_operator(name))?);
    let operator = accepted!(find(tx, name)?);
    if operator.enabled {
        return Ok(Err(Rejection::NothingToChange));
    }
    sql::set_enabled(tx, operator.id, true, by.now)?;
    admission.done(tx, Change::OperatorEnabled { operator: operator.id, name: operator.name })
}

/// The operator of this name.
pub fn operator_by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Operator>, StoreError> {
    sql::operator_by_name(tx, name)
}

/// Up to `limit` operators in the order of their names, after `after` (empty = from the start).
pub fn operators(tx: &mut Tx<'_>, after: &str, limit: i64) -> Result<Vec<Operator>, StoreError> {
    sql::operators(tx, after, limit)
}

/// The operator, or the refusal that says there is none. A name that could not exist is not looked up.
pub(crate) fn find(tx: &mut Tx<'_>, name: &str) -> Outcome<Operator> {
    if check_operator_name(name).is_err() {
        return Ok(Err(Rejection::OperatorUnknown));
    }
    Ok(sql::operator_by_name(tx, name)?.ok_or(Rejection::OperatorUnknown))
}

/// Refuses to take away the last admin who can manage operators.
fn keep_an_admin(operator: &Operator, other_enabled_admins: i64) -> Result<(), Rejection> {
    let is_one = operator.enabled && operator.role == Role::Admin;
    if is_one && other_enabled_admins == 0 { Err(Rejection::LastAdmin) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_name_is_lower_case_and_2_to_40_characters() {
        for good in ["ab", "a1", "0x", "ann.lee", "a-_.", &"a".repeat(40)] {
            assert_eq!(check_operator_name(good), Ok(()), "{good}");
        }
        for bad in ["", "a", ".ab", "-ab", "_ab", "Ann", "ann lee", "änn", "ann\0", "ann\n", &"a".repeat(41)]
        {
            assert_eq!(check_operator_name(bad).unwrap_err().status(), 400, "{bad}");
        }
    }
}
