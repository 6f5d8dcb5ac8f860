//! What players do with their session (docs/spec/faucet.md 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;

use crate::scene::{ALICE, BOB, MINT, Scene, address, on_each_engine};

const BURN: &str = "ban_1111111111111111111111111111111111111111111111111111hifc8npp";

fn link(scene: &Scene, cookie: &str, address: &str) -> crate::scene::Answer {
    scene.post("/link/wallet", cookie, &json!({"banano_address": address}).to_string())
}

#[test]
fn linking_a_wallet_checks_body_then_address_then_session() {
    on_each_engine(|scene| {
        scene.post("/link/wallet", "", "{").refused(422, "malformed_json");
        scene.post("/link/wallet", "", "{}").refused(422, "invalid_body");
        let answer = link(scene, "", "ban_nonsense");
        answer.refused(400, "invalid_address");
        assert_eq!(answer.json()["detail"], "Invalid Banano address");
        let typo = address(0).replace(&address(0)[60..], "1111");
        link(scene, "", &typo).refused(400, "invalid_address");
        link(scene, "", BURN).refused(400, "burn_address");
        link(scene, "", &address(0)).refused(401, "unauthorized");
        let big = format!("{{\"banano_address\": \"{}\"}}", "x".repeat(64 * 1024));
        scene.post("/link/wallet", "", &big).refused(413, "body_too_large");
    });
}

#[test]
fn w24_a_new_wallet_becomes_the_only_primary_one() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        for index in [0, 1, 0] {
            let linked = link(scene, &cookie, &address(index)).ok();
            assert_eq!(linked, json!({"linked": true, "address": address(index)}));
            assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_wallet_link WHERE is_primary"), 1);
            assert_eq!(scene.get("/me/status", &cookie).ok()["wallet_address"], address(index));
        }
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_wallet_link"), 2);
    });
}

#[test]
fn a_wallet_of_two_players_is_allowed_and_flagged_once() {
    on_each_engine(|scene| {
        let alice = scene.alice();
        scene.person(BOB, "bob", "epic_bob", 5);
        let bob = scene.sign_in(BOB);
        link(scene, &alice, &address(0)).ok();
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_abuse_flag"), 0);
        link(scene, &bob, &address(0)).ok();
        link(scene, &bob, &address(0)).ok();
        let flagged =
            "SELECT COUNT(*) FROM faucet_abuse_flag WHERE flag_type = 'shared_wallet' AND severity = 'low'";
        assert_eq!(scene.count(flagged), 1);
        assert_eq!(scene.get("/admin/stats", &scene.admin()).ok()["abuse_flags"], 1);
    });
}

struct SolanaWallet(SigningKey);

impl SolanaWallet {
    fn new(seed: u8) -> SolanaWallet {
        SolanaWallet(SigningKey::from_bytes(&[seed; 32]))
    }

    fn address(&self) -> String {
        bs58::encode(self.0.verifying_key().as_bytes()).into_string()
    }

    fn challenge(&self, scene: &Scene, cookie: &str) -> String {
        let body = json!({"solana_address": self.address()}).to_string();
        let answer = scene.post("/me/verify-solana/nonce", cookie, &body).ok();
        answer["message"].as_str().unwrap().to_owned()
    }

    fn prove(&self, scene: &Scene, cookie: &str, message: &str) -> crate::scene::Answer {
        let signature = BASE64.encode(self.0.sign(message.as_bytes()).to_bytes());
        let body = json!({"solana_address": self.address(), "message": message, "signature": signature});
        scene.post("/me/verify-solana", cookie, &body.to_string())
    }
}

#[test]
fn w21_a_signed_nonce_of_this_player_boosts_and_counts_once() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        let wallet = SolanaWallet::new(1);
        scene.solana.set_tokens(&wallet.address(), MINT, &[(1_500_000_000_000, 6)]);
        let message = wallet.challenge(scene, &cookie);
        let answer = wallet.prove(scene, &cookie, &message).ok();
        assert_eq!((&answer["jpmt_balance"], &answer["tier"]), (&1_500_000.into(), &"Gold".into()));
        assert_eq!(answer["multiplier"].to_string(), "1.35");
        wallet.prove(scene, &cookie, &message).refused(400, "invalid_nonce");
        let boosted = scene.get("/hodl/boosted", "").ok();
        assert_eq!(
            (&boosted["total"], &boosted["boosted_users"][0]["discord_username"]),
            (&1.into(), &"alice".into())
        );
        scene.person(BOB, "bob", "epic_bob", 5);
        let bob = scene.sign_in(BOB);
        let foreign = wallet.challenge(scene, &cookie);
        wallet.prove(scene, &bob, &foreign).refused(400, "invalid_nonce");
        let own = wallet.challenge(scene, &bob);
        wallet.prove(scene, &bob, &own).refused(409, "solana_in_use");
    });
}

#[test]
fn a_proof_is_checked_before_the_session() {
    on_each_engine(|scene| {
        let wallet = SolanaWallet::new(1);
        let at = scene.test.now().ms() / 1_000;
        let message = |address: &str, at: i64| format!("x\nWallet: {address}\nTimestamp: {at}\nNonce: 1");
        let (own, other) = (wallet.address(), SolanaWallet::new(2).address());
        for bad in [
            "no lines".to_owned(),
            format!("x\nwallet: {own}\nTimestamp: {at}"),
            message(&other, at),
            message(&own, at - 301),
            message(&own, at + 301),
        ] {
            wallet.prove(scene, "", &bad).refused(400, "invalid_proof");
        }
        let forged = json!({
            "solana_address": own, "message": message(&own, at), "signature": BASE64.encode([0; 64]),
        });
        scene.post("/me/verify-solana", "", &forged.to_string()).refused(400, "invalid_proof");
        wallet.prove(scene, "", &message(&own, at - 300)).refused(401, "unauthorized");
        scene.post("/me/verify-solana", "", "{}").refused(422, "invalid_body");
    });
}

#[test]
fn lists_hold_limits_refuse_what_is_below_zero_and_tell_exactly_whether_there_is_more() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        link(scene, &cookie, &address(0)).ok();
        for kills in [1_215, 1_220, 1_221] {
            scene.stats.set_kills("epic_alice", kills);
            scene.test.advance_ms(60_000);
            scene.faucet.accrue(&|| false).unwrap();
        }
        let list = scene.get("/me/accruals?limit=2", &cookie).ok();
        let kills: Vec<i64> =
            list["accruals"].as_array().unwrap().iter().map(|row| row["kills"].as_i64().unwrap()).collect();
        assert_eq!((kills, &list["has_more"]), (vec![1, 5], &true.into()));
        let rest = scene.get("/me/accruals?limit=2&offset=2", &cookie).ok();
        assert_eq!((&rest["count"], &rest["has_more"]), (&1.into(), &false.into()));
        assert_eq!(
            rest["accruals"][0]["amount_ban"], "0.70000000",
            "7 kills at 0.05 doubled: nothing was paid yet"
        );
        assert_eq!(scene.get("/me/accruals?settled=true", &cookie).ok()["count"], 0);
        assert_eq!(scene.get("/me/accruals?limit=-1", &cookie).ok()["limit"], 1);
        assert_eq!(scene.get("/me/accruals?limit=9999", &cookie).ok()["limit"], 200);
        scene.get("/me/accruals?offset=-1", &cookie).refused(422, "invalid_query");
        scene.get("/me/accruals?limit=x", &cookie).refused(422, "invalid_query");
        scene.get("/me/payouts?sort=id", &cookie).refused(400, "invalid_sort");
        scene.get("/me/payouts?status=held", &cookie).refused(422, "invalid_query");
        for sort in ["created_at", "-created_at", "amount_ban", "-amount_ban", "status", "-status"] {
            assert_eq!(scene.get(&format!("/me/payouts?sort={sort}&status=sent"), &cookie).ok()["count"], 0);
        }
        let status = scene.get("/me/status", &cookie).ok();
        assert_eq!(status["accrued_rewards_ban"], "1.30000000");
        assert_eq!(status["cap_status"]["pending_kills"], 13);
        let id = ALICE.to_string();
        assert_eq!(scene.post("/me/reverify", &cookie, "").ok()["discord_id"], id);
    });
}

#[test]
fn a_player_asks_to_be_looked_up_again_once_a_minute() {
    on_each_engine(|scene| {
        let cookie = scene.alice();
        scene.post("/me/reverify", &cookie, "").ok();
        let calls = scene.yunite.calls();
        scene.test.advance_ms(20_500);
        let refused = scene.post("/me/reverify", &cookie, "");
        refused.refused(429, "reverify_too_soon");
        assert_eq!((refused.header("retry-after"), scene.yunite.calls()), (Some("40"), calls));
        scene.person(BOB, "bob", "epic_bob", 5);
        let bob = scene.sign_in(BOB);
        scene.post("/me/reverify", &bob, "").ok();
        scene.test.advance_ms(39_500);
        scene.post("/me/reverify", &cookie, "").ok();
        scene.post("/me/reverify", &cookie, "").refused(429, "reverify_too_soon");
        // An administrator may at any time.
        let hers = json!({"discord_id": ALICE.to_string()}).to_string();
        scene.post("/admin/reverify", &scene.admin(), &hers).ok();
    });
}
