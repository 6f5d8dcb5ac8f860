//! Players who are held or revoked are not paid what was accepted for them before (docs/spec/faucet.md 2.3, 3.8).

use bursar_faucet::desk::FaucetConfig;
use bursar_faucet::identity::verify::{conclude, known};
use bursar_faucet::identity::{Found, Source, wallet};
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::settlement::NOT_ELIGIBLE;

use crate::scene::{BAN, Scene, address, on_each_engine, on_each_engine_with};

fn held_on_suspicion(config: &mut FaucetConfig) {
    config.policy.abuse_action = AbuseAction::Hold;
}

fn state(scene: &Scene, id: i64) -> (String, Option<String>) {
    let payout = scene.payouts_of(id).remove(0);
    (payout.state.word().to_owned(), payout.error_detail)
}

fn set_aside() -> (String, Option<String>) {
    ("held".to_owned(), Some(NOT_ELIGIBLE.to_owned()))
}

fn standing(scene: &Scene, id: i64, is: Eligibility) {
    scene.change_user(id, |user| user.eligibility = is);
}

/// What Yunite says of a player who left the guild, or is in it.
fn looked_up(scene: &Scene, id: i64, is_member: bool) {
    let discord_user_id = format!("discord_{id}");
    let known = known(&scene.faucet, &discord_user_id).unwrap();
    let found = Found {
        discord_user_id,
        username: None,
        is_member: Some(is_member),
        epic_account_id: is_member.then(|| crate::players::epic(id)),
        region: None,
        source: Source::VerificationRefresh,
        is_invented: false,
    };
    conclude(&scene.faucet, &known, &found).unwrap().unwrap();
}

#[test]
fn a_spike_keeps_back_what_was_accepted_and_a_lifted_hold_lets_it_go_on_once() {
    on_each_engine_with(held_on_suspicion, |scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 100);
        assert_eq!(scene.settle().payouts, 1);
        scene.earn(id, 51);
        assert_eq!(state(scene, id), set_aside());
        scene.send();
        assert_eq!((scene.settle().resumed, scene.sends()), (0, 0));
        // Its accruals stay reserved, so that no other payout pays them.
        assert_eq!(scene.tally(id).holdings.reserved.kills, 100);
        scene.check();
        standing(scene, id, Eligibility::Eligible);
        assert_eq!(scene.settle().resumed, 1);
        scene.send();
        assert_eq!((state(scene, id).0.as_str(), scene.paid(1)), ("confirmed", 15 * BAN));
        scene.check();
    });
}

#[test]
fn a_player_who_left_the_guild_is_not_paid_what_was_accepted_until_they_are_back() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        scene.settle();
        looked_up(scene, id, false);
        assert_eq!(state(scene, id), set_aside());
        scene.settle();
        scene.send();
        assert_eq!(scene.sends(), 0);
        looked_up(scene, id, true);
        scene.settle();
        scene.send();
        assert_eq!((scene.sends(), scene.paid(1)), (1, BAN));
        scene.check();
    });
}

#[test]
fn a_payout_that_lacked_balance_does_not_go_on_while_its_player_is_held() {
    on_each_engine(|scene| {
        scene.funded(BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        scene.settle();
        scene.send();
        assert_eq!(state(scene, id).1.as_deref(), Some("insufficient_balance"));
        standing(scene, id, Eligibility::Held);
        scene.fund(10 * BAN);
        scene.pass(120_000);
        scene.send();
        assert_eq!(scene.settle().resumed, 0);
        standing(scene, id, Eligibility::Eligible);
        assert_eq!(scene.settle().resumed, 1);
        scene.send();
        assert_eq!(scene.paid(1), BAN);
    });
}

#[test]
fn each_cycle_sets_aside_what_waits_again_for_a_held_player() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        scene.settle();
        // As when a block lost its place while its player was held: the payout waits to be signed once more.
        standing(scene, id, Eligibility::Held);
        assert_eq!(state(scene, id).0, "created");
        scene.settle();
        assert_eq!(state(scene, id), set_aside());
    });
}

#[test]
fn what_waits_again_for_a_held_player_is_not_signed_before_a_cycle_has_looked() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        scene.settle();
        for is in [Eligibility::Held, Eligibility::Revoked] {
            // As when a block lost its place while its player was held: it waits, and the sender comes first.
            standing(scene, id, is);
            assert_eq!(state(scene, id).0, "created");
            scene.send();
            assert_eq!((scene.sends(), state(scene, id)), (0, set_aside()));
            standing(scene, id, Eligibility::Eligible);
            assert_eq!(scene.settle().resumed, 1);
        }
        scene.send();
        assert_eq!(scene.paid(1), BAN);
        scene.check();
    });
}

#[test]
fn a_wallet_of_two_players_holds_the_second_and_is_counted() {
    on_each_engine_with(held_on_suspicion, |scene| {
        let (first, second) = (scene.player(0), scene.player(0));
        scene.earn(second, 10);
        scene.settle();
        wallet::link(&scene.faucet, &format!("discord_{second}"), &address(1)).unwrap().unwrap();
        scene.change_user(first, |user| assert_eq!(user.eligibility, Eligibility::Eligible));
        scene.change_user(second, |user| assert_eq!(user.eligibility, Eligibility::Held));
        assert_eq!(scene.metric("flagged_users_total").as_deref(), Some("1"));
        assert_eq!(state(scene, second), set_aside());
        // Linking it again neither raises nor counts another.
        wallet::link(&scene.faucet, &format!("discord_{second}"), &address(1)).unwrap().unwrap();
        assert_eq!(scene.metric("flagged_users_total").as_deref(), Some("1"));
    });
}

#[test]
fn a_player_who_was_flagged_while_they_had_left_is_held_once_they_are_back() {
    on_each_engine_with(held_on_suspicion, |scene| {
        scene.funded(100 * BAN);
        let (_, second) = (scene.player(0), scene.player(0));
        scene.earn(second, 10);
        looked_up(scene, second, false);
        wallet::link(&scene.faucet, &format!("discord_{second}"), &address(1)).unwrap().unwrap();
        scene.pass(60_000);
        scene.grow(second, 5);
        assert_eq!(scene.accrue().rows, 0, "the hold lets nobody earn who has left");
        looked_up(scene, second, true);
        scene.change_user(second, |user| assert_eq!(user.eligibility, Eligibility::Held));
        assert_eq!(scene.settle().payouts, 0);
        standing(scene, second, Eligibility::Eligible);
        assert_eq!(scene.settle().payouts, 1);
    });
}

#[test]
fn a_faucet_configured_for_dry_run_signs_nothing_and_real_payouts_wait() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 10);
        scene.settle();
        let blocks = |scene: &Scene| scene.node.with(|node| node.ledger().blocks().len());
        scene.restart(|config| config.policy.dry_run = true);
        scene.fund(5 * BAN);
        let before = blocks(scene);
        scene.pass(120_000);
        scene.send_for(10);
        assert_eq!((blocks(scene), state(scene, id).0.as_str()), (before, "created"));
        scene.restart(|config| config.policy.dry_run = false);
        scene.send();
        assert_eq!(scene.paid(1), BAN);
        scene.check();
    });
}
