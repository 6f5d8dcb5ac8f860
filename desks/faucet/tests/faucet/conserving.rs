//! Whatever happens in whatever order, no kill and no hundred-millionth is lost or made, and nobody is paid twice.

use bursar_audit::Actor;
use bursar_faucet::rules::caps::NamedCaps;
use bursar_faucet::rules::payout_state::PayoutState;
use bursar_faucet::switches::{FORCE_DRY_RUN, PAYOUTS_HALTED};
use bursar_payouts::IntentId;
use bursar_store::EngineKind;
use proptest::prelude::*;

use crate::scene::{BAN, Scene, ban, recorder};

const PLAYERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Earn(usize, u64),
    Settle,
    Send(u32),
    Cancel(usize),
    TopUp(u32),
    Pass(i64),
    Halt(bool),
    DryRun(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..PLAYERS, 0_u64..40).prop_map(|(player, kills)| Step::Earn(player, kills)),
        3 => Just(Step::Settle),
        3 => (1_u32..12).prop_map(Step::Send),
        1 => (0..PLAYERS).prop_map(Step::Cancel),
        1 => (1_u32..5).prop_map(Step::TopUp),
        1 => (60_000_i64..90_000_000).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Halt),
        1 => any::<bool>().prop_map(Step::DryRun),
    ]
}

fn apply(scene: &Scene, players: &[i64], step: &Step) {
    match step {
        Step::Earn(player, kills) => scene.earn(players[*player], *kills),
        Step::Settle => drop(scene.settle()),
        Step::Send(turns) => scene.send_for(*turns),
        Step::Cancel(player) => {
            let payouts = scene.payouts_of(players[*player]);
            let Some(payout) = payouts.iter().rfind(|payout| payout.state != PayoutState::Failed) else {
                return;
            };
            let (intent, by) = (IntentId(payout.intent.unwrap()), Actor::system("test"));
            let _ = scene.write(|tx, now| {
                scene.payouts.cancel(tx, intent, &by, "drill", &recorder("test.cancel"), now)
            });
        }
        Step::TopUp(coins) => scene.fund(u128::from(*coins) * BAN),
        Step::Pass(ms) => scene.pass(*ms),
        Step::Halt(stop) => scene.set_switch(PAYOUTS_HALTED, *stop),
        Step::DryRun(stop) => scene.set_switch(FORCE_DRY_RUN, *stop),
    }
}

fn go_through(kind: EngineKind, steps: &[Step]) {
    let scene = Scene::on(kind, &|config| {
        config.policy.base_rate = ban("0.01234567");
        config.policy.environment_caps = NamedCaps { daily: Some(25), weekly: Some(60) };
        config.sim_kills = 3;
    });
    scene.funded(3 * BAN);
    let players: Vec<i64> = (0..PLAYERS).map(|_| scene.player(7)).collect();
    for step in steps {
        apply(&scene, &players, step);
        scene.check();
    }
    // What the chain paid each player is what the player's sent payouts say.
    scene.set_switch(PAYOUTS_HALTED, false);
    scene.set_switch(FORCE_DRY_RUN, false);
    scene.send_for(200);
    scene.check();
    for id in players {
        let settled = scene.tally(id).holdings.settled.amount.to_raw().unwrap();
        assert_eq!(scene.paid(u32::try_from(id).unwrap()), settled.units(), "player {id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_conserves_kills_and_money_embedded(steps in prop::collection::vec(step(), 1..30)) {
        go_through(EngineKind::Sqlite, &steps);
    }

    #[test]
    fn any_sequence_conserves_kills_and_money_on_postgres(steps in prop::collection::vec(step(), 1..20)) {
        go_through(EngineKind::Postgres, &steps);
    }
}
