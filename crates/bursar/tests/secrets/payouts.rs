//! Replacing the key that seals signing keys while payouts leave: none fails, the former key opens nothing afterwards, and
//! no dump of the database shows a secret.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::files::{Files, hang_up, reload, wait_until};
use crate::harness::faucet::{INTERVAL_MS, OPERATOR_SEED, operator};
use crate::harness::{LiveFaucet, Place, Tool};
use crate::under_load::{Caller, under_load};

const SEAL: &str = "FAUCET_SEAL_KEY";
const FORMER: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
const FRESH: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

fn start(place: &Place, files: &Files) -> LiveFaucet {
    LiveFaucet::start_with(place, 99, |setup| files.secret(setup.without(SEAL), SEAL, FORMER))
}

/// The command line with this seal key and no other.
fn with_seal_alone(faucet: &LiveFaucet, key: &str) -> Tool {
    let files = [format!("{SEAL}_FILE"), format!("{SEAL}_PREVIOUS_FILE")];
    files.iter().fold(Tool::beside(&faucet.server), |tool, file| tool.env(file, "")).env(SEAL, key)
}

fn finding(tool: &Tool) -> (i32, Value) {
    let output = tool.run(&["keys", "verify", "--json"]);
    (output.status, output.json()["keys"][0]["finding"].clone())
}

fn sealed(place: &Place) -> Vec<Vec<u8>> {
    Evidence::of(place).column("SELECT sealed FROM key_secret ORDER BY id", &[])
}

/// Everything that whoever copies the database gets: all files beside an embedded one, or what `pg_dump` writes.
fn dump(place: &Place) -> Vec<Vec<u8>> {
    if place.is_embedded() {
        let mut found = Vec::new();
        read_all(place.folder(), &mut found);
        return found;
    }
    let output = Command::new("pg_dump").args(["--dbname", &place.url()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    vec![output.stdout]
}

fn read_all(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => read_all(&path, found),
            false => found.push(std::fs::read(&path).unwrap()),
        }
    }
}

fn is_in(files: &[Vec<u8>], needle: &[u8]) -> bool {
    files.iter().any(|file| file.windows(needle.len()).any(|window| window == needle))
}

/// The seed in every form that a careless program would store.
fn assert_no_seed(files: &[Vec<u8>]) {
    let raw = hex::decode(OPERATOR_SEED).unwrap();
    for form in [raw, OPERATOR_SEED.as_bytes().to_vec(), OPERATOR_SEED.to_uppercase().into_bytes()] {
        assert!(!is_in(files, &form), "the seed is in the dump");
    }
    assert!(is_in(files, operator().address().as_bytes()), "the search finds what is there");
}

#[test]
fn v8_the_seal_key_is_replaced_while_payouts_leave_and_none_fails() {
    Place::for_each_engine(|place| {
        let files = Files::new();
        let faucet = start(place, &files);
        let players = [1, 2, 3].map(|number| faucet.player(number, 100));
        let before = sealed(place);
        let (server, stats) = (&faucet.server, &faucet.outside.stats);
        let play = |_| {
            for player in &players {
                stats.grow_kills(&player.epic, 1);
            }
            server.move_clock(server.now_ms() + INTERVAL_MS);
            Ok(())
        };
        let tool = Tool::beside(server);
        let paid_before = std::cell::Cell::new(0);
        under_load(vec![Box::new(play) as Caller<'_>], |meter| {
            meter.let_pass(3);
            files.rotate(SEAL, FORMER, FRESH);
            // Before the server has it: what is sealed with it now, nobody could sign with.
            let rotate = || tool.run(&["keys", "rotate", "--reason", "drill", "--json"]);
            let unheld = rotate();
            assert_eq!(
                (unheld.status, &unheld.json()["code"]),
                (1, &json!("seal_key_not_held")),
                "{unheld:?}"
            );
            reload(server);
            meter.let_pass(2);
            // Too early: the server keeps what it needs to sign.
            files.remove(&format!("{SEAL}_PREVIOUS"));
            let early = tool.run(&["secrets", "reload", "--reason", "drill"]);
            assert_eq!(early.status, 1, "{early:?}");
            assert!(early.stderr.contains("do not open 1 of the signing keys"), "{}", early.stderr);
            files.rotate(SEAL, FORMER, FRESH);
            meter.let_pass(2);
            let rotated = rotate();
            assert_eq!((rotated.status, &rotated.json()["rotation"]["moved"]), (0, &json!(1)), "{rotated:?}");
            assert!(rotated.stderr.contains("Backups that were made before still need it"), "{rotated:?}");
            files.remove(&format!("{SEAL}_PREVIOUS"));
            hang_up(server);
            wait_until("the end of the former key", || !has_previous(&tool));
            paid_before.set(faucet.outside.sends().len());
            meter.let_pass(4);
        });
        faucet.pass_ms(6 * INTERVAL_MS);
        assert_every_payout_final(&tool);
        assert!(faucet.outside.sends().len() > paid_before.get() && paid_before.get() > 0);

        assert_eq!(finding(&with_seal_alone(&faucet, FRESH)), (0, json!("sound")));
        assert_eq!(finding(&with_seal_alone(&faucet, FORMER)), (1, json!("kek_missing")));
        assert_ne!(sealed(place), before);
        let dumped = dump(place);
        assert_no_seed(&dumped);
        for key in [FORMER, FRESH] {
            assert!(!is_in(&dumped, key.as_bytes()) && !is_in(&dumped, &hex::decode(key).unwrap()));
        }
        let hexadecimal: Vec<String> = before.iter().map(hex::encode).collect();
        for (raw, text) in before.iter().zip(&hexadecimal) {
            assert!(!is_in(&dumped, raw) && !is_in(&dumped, text.as_bytes()), "what the former key opens");
        }
        assert!(!server.log().contains(OPERATOR_SEED) && !server.log().contains(FRESH));
    });
}

/// Whether any server still honours the former seal key.
fn has_previous(tool: &Tool) -> bool {
    let listed = tool.json(&["secrets", "list"]);
    let servers = listed["servers"].as_array().unwrap().clone();
    let held = servers.iter().flat_map(|server| server["secrets"].as_array().unwrap());
    let seal: Vec<&Value> = held.filter(|secret| secret["name"] == SEAL).collect();
    assert_eq!(seal.len(), 1, "{listed}");
    seal.iter().any(|secret| !secret["previous"].is_null())
}

fn assert_every_payout_final(tool: &Tool) {
    let listed = tool.json(&["payouts", "list", "--json", "--limit", "200"]);
    let payouts = listed["payouts"].as_array().unwrap();
    assert!(!payouts.is_empty() && listed["next"].is_null(), "{listed}");
    for payout in payouts {
        assert_eq!(payout["state"], "final", "{payout}");
    }
}
