//! `bursar approvals policy`: which acts take how many other operators.

use bursar_access::{
    Operator, Permission, Policy, ServicePrincipal, actions, operators, policies, set_policy,
};
use bursar_store::{Store, StoreError, Tx};
use serde_json::{Value, json};

use super::actions::{ACTIONS, Action, find};
use super::{PolicyOptions, Room, decide};
use crate::commands::payouts::room::refused;
use crate::commands::table::table;
use crate::commands::{CommandError, Context};

/// Operators that are counted at most.
const OPERATORS_MAX: i64 = 1_000;
/// Acts by which somebody alone could become two people.
const IDENTITIES: [&str; 2] = [actions::ADD_OPERATOR, actions::ISSUE_TOKEN];

pub(super) fn run(room: &Room, options: &PolicyOptions, context: &Context) -> Result<Value, CommandError> {
    match (&options.action, options.approvals, &options.reason) {
        (Some(action), Some(approvals), Some(reason)) => {
            let action = find(action).ok_or_else(|| unknown(action))?;
            let policy = Policy {
                action: action.name.to_owned(),
                approvals_needed: approvals,
                services: options.services.iter().map(|text| service(text)).collect::<Result<_, _>>()?,
            };
            set(room, action, &policy, (reason, options.approval), context)?;
            list(room)
        }
        _ => list(room),
    }
}

fn unknown(action: &str) -> CommandError {
    let why = format!(
        "No act is called {action:?}. `bursar approvals policy` lists those that can be put under approval."
    );
    refused("action_not_found", why)
}

fn service(text: &str) -> Result<ServicePrincipal, CommandError> {
    let (desk, name) = text
        .split_once('/')
        .ok_or_else(|| CommandError::Usage("--service takes DESK/NAME, such as rounds/ops-key".to_owned()))?;
    Ok(ServicePrincipal::new(desk, name))
}

fn set(
    room: &Room,
    action: &Action,
    policy: &Policy,
    (reason, approval): (&str, Option<i64>),
    context: &Context,
) -> Result<(), CommandError> {
    let reason = decide::reason(reason, context)?;
    let actor = room.token.actor(None, &room.store, context)?;
    let draft = context.draft();
    let needed = policy.approvals_needed;
    let entitled = room.store.read("command.operators", |tx| entitled(tx, action.permission))?;
    if needed > 0 && entitled <= needed {
        let why = format!(
            "{} would take {needed} operators beside the one who acts, and {entitled} have the right {}: nobody could \
             do it, or change this back. Add operators first.",
            action.name, action.permission
        );
        return Err(refused("not_enough_operators", why));
    }
    let make = |tx: &mut Tx<'_>, by: &bursar_access::By<'_>| {
        let by = by.drafting(draft.as_deref());
        set_policy(tx, &bursar_access::By { approval: approval.map(bursar_access::ApprovalId), ..by }, policy)
    };
    room.change(&actor, Some(&reason), make, |done| done)?;
    say_loose_ends(&room.store, context)
}

/// How many operators have a right now.
fn entitled(tx: &mut Tx<'_>, permission: Permission) -> Result<u32, StoreError> {
    let has = |one: &&Operator| one.enabled && one.role.includes(permission);
    let count = operators(tx, "", OPERATORS_MAX)?.iter().filter(has).count();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Says what one person could still do to be counted as two.
pub(in crate::commands) fn say_loose_ends(store: &Store, context: &Context) -> Result<(), CommandError> {
    let set = store.read("command.policies", policies)?;
    let is_bound =
        |action: &&str| set.iter().any(|policy| policy.action == **action && policy.approvals_needed > 0);
    let loose: Vec<&str> = IDENTITIES.iter().filter(|action| !is_bound(action)).copied().collect();
    if !loose.is_empty() {
        context.say(&format!(
            "Whoever sits at this command line can still make an operator of their own and approve as that one: put {} \
             under a policy too.",
            loose.join(" and ")
        ));
    }
    Ok(())
}

/// Says how many more operators a key's approval rule takes than there are.
pub(in crate::commands) fn say_too_few(
    store: &Store,
    needed: u32,
    context: &Context,
) -> Result<(), CommandError> {
    let entitled = store.read("command.operators", |tx| entitled(tx, Permission::ResolvePayout))?;
    if entitled <= needed {
        context.say(&format!(
            "A payment above this takes {needed} operators beside the one who asks, and {entitled} have the right \
             {}: until there are more, such payments are held.",
            Permission::ResolvePayout
        ));
    }
    Ok(())
}

fn list(room: &Room) -> Result<Value, CommandError> {
    let set = room.store.read("command.policies", policies)?;
    let of = |name: &str| set.iter().find(|policy| policy.action == name);
    if room.json {
        let line = |action: &Action| {
            let services: Vec<String> =
                of(action.name).iter().flat_map(|policy| &policy.services).map(ToString::to_string).collect();
            json!({
                "action": action.name, "command": action.command, "permission": action.permission.name(),
                "approvals": of(action.name).map_or(0, |policy| policy.approvals_needed), "services": services,
            })
        };
        return Ok(json!({"ok": true, "policies": ACTIONS.iter().map(line).collect::<Vec<_>>()}));
    }
    let rows = ACTIONS.iter().map(|action| {
        let policy = of(action.name);
        let services: Vec<String> =
            policy.iter().flat_map(|policy| &policy.services).map(ToString::to_string).collect();
        [
            action.name.to_owned(),
            policy.map_or(0, |policy| policy.approvals_needed).to_string(),
            if services.is_empty() { "-".to_owned() } else { services.join(",") },
            action.permission.to_string(),
            format!("bursar {}", action.command),
        ]
    });
    Ok(table(["ACT", "APPROVALS", "BINDS TOO", "RIGHT", "COMMAND"], rows).into())
}
