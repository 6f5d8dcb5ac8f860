//! A live faucet whose switch forces dry-run: nobody's identity, token or cursor changes by it (docs/spec/faucet.md 3.7).

use bursar_control::{ConfigTable, SwitchChange, Switchboard};
use bursar_faucet::identity::verify::{conclude, known};
use bursar_faucet::identity::{Found, Source, refresh};
use bursar_faucet::switches::FORCE_DRY_RUN;
use serde_json::json;

use crate::scene::{ALICE, BOB, Scene, on_each_engine};

const SIX_HOURS_MS: i64 = 6 * 3_600_000;

fn force(scene: &Scene) {
    let (table, switch) = (ConfigTable::FAUCET, FORCE_DRY_RUN);
    let change =
        SwitchChange { table, switch, stop: true, actor: "tester", reason: "drill", expires_at: None };
    scene.write(|tx, now| Switchboard::set(tx, &[change], now));
}

/// Alice as she was: her account and the cursor of her real kills.
fn assert_untouched(scene: &Scene) {
    let hers =
        "SELECT COUNT(*) FROM faucet_user WHERE epic_account_id = 'epic_alice' AND eligibility = 'eligible'";
    assert_eq!(scene.count(hers), 1);
    let cursor = "SELECT last_settled_kill_count FROM faucet_tally WHERE user_id = 1 AND dry_run = FALSE";
    assert_eq!(scene.count(cursor), 1_208);
    assert_eq!(
        scene.count("SELECT baseline_number FROM faucet_tally WHERE user_id = 1 AND dry_run = FALSE"),
        1
    );
}

#[test]
fn looking_players_up_again_asks_the_real_services() {
    on_each_engine(|scene| {
        let (cookie, admin) = (scene.alice(), scene.admin());
        force(scene);
        assert_eq!(scene.post("/me/reverify", &cookie, "").ok()["epic_account_id"], "epic_alice");
        let id = json!({"discord_id": ALICE.to_string()}).to_string();
        assert_eq!(scene.post("/admin/reverify", &admin, &id).ok()["epic_account_id"], "epic_alice");
        scene.test.advance_ms(SIX_HOURS_MS + 1);
        let calls = scene.yunite.calls();
        assert_eq!(refresh(&scene.faucet, &|| false).unwrap().looked_at, 1);
        assert_eq!(scene.yunite.calls() - calls, 1);
        assert_untouched(scene);
    });
}

#[test]
fn signing_in_takes_a_code_of_discord_and_an_administrator_turns_the_switch_off() {
    on_each_engine(|scene| {
        scene.alice();
        force(scene);
        scene.come_back(&scene.begin(), "carol").refused(400, "invalid_state");
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 1, "nobody was invented");
        let cookie = scene.sign_in(ALICE);
        assert_untouched(scene);
        let admin = scene.post("/admin/login", &cookie, "").cookie();
        let off = json!({"switch": "force_dry_run", "state": "off", "reason": "over"}).to_string();
        scene.post("/admin/switches", &admin, &off).ok();
        assert_eq!(scene.get("/admin/stats", &admin).ok()["dry_run"], false);
    });
}

#[test]
fn what_stand_ins_say_is_refused_in_a_live_faucet() {
    on_each_engine(|scene| {
        scene.alice();
        for id in [ALICE, BOB] {
            let found = Found {
                discord_user_id: id.to_string(),
                username: None,
                is_member: Some(true),
                epic_account_id: Some("epic_invented".to_owned()),
                region: None,
                source: Source::AdminReverify,
                is_invented: true,
            };
            let known = known(&scene.faucet, &id.to_string()).unwrap();
            assert!(conclude(&scene.faucet, &known, &found).is_err());
        }
        assert_untouched(scene);
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_user"), 1);
    });
}
