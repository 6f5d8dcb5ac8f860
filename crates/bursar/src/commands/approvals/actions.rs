//! The acts that a policy can put under other people's approval, by the names that policies know them by.

use bursar_access::{Permission, actions};

/// An act that can be asked for with `bursar approvals request act`.
pub(super) struct Action {
    /// Its name.
    pub name: &'static str,
    /// The right that it takes, and that whoever approves it must have too.
    pub permission: Permission,
    /// The command that does it.
    pub command: &'static str,
}

const fn action(name: &'static str, permission: Permission, command: &'static str) -> Action {
    Action { name, permission, command }
}

/// All of them, in the order of names. What a desk's own API or the console alone does is not among them: there nobody
/// could bring an approval.
pub(super) const ACTIONS: [Action; 19] = [
    action(actions::DISABLE_OPERATOR, Permission::ManageOperators, "operators disable"),
    action(actions::ADD_OPERATOR, Permission::ManageOperators, "operators add"),
    action(actions::SET_POLICY, Permission::ManagePolicy, "approvals policy"),
    action(actions::ISSUE_TOKEN, Permission::ManageOperators, "operators token"),
    action("faucet.adopt", Permission::ResolvePayout, "faucet adopt-payments"),
    action("keys.add", Permission::RotateKey, "keys add"),
    action("keys.destination.list", Permission::ChangeSetting, "keys destination"),
    action("keys.policy.set", Permission::ChangeSetting, "keys policy"),
    action("keys.resume", Permission::OperateSwitch, "keys resume"),
    action("keys.retire", Permission::RotateKey, "keys retire"),
    action("keys.rotate", Permission::RotateKey, "keys rotate"),
    action("payouts.assign", Permission::CorrectLedger, "payouts assign"),
    action("payouts.cancel", Permission::ResolvePayout, "payouts cancel"),
    action("payouts.fund", Permission::CorrectLedger, "payouts fund"),
    action("payouts.hold", Permission::ResolvePayout, "payouts hold"),
    action("payouts.match", Permission::ResolvePayout, "payouts match"),
    action("payouts.release", Permission::ResolvePayout, "payouts release"),
    action("payouts.resolve", Permission::ResolvePayout, "payouts resolve"),
    action("payouts.retry", Permission::ResolvePayout, "payouts retry"),
];

/// The act of this name.
pub(super) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}
