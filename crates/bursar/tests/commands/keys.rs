//! Signing keys from the command line: secrets come from files and are never shown, every act says who and why.

use std::io::Write;

use bursar_access::{Actor, By, OsEntropy, Policy as ApprovalPolicy, set_policy};
use bursar_control::Switchboard;
use bursar_control::secret_roster::{Holder, report};
use bursar_faucet::operator_key::BananoSeed;
use bursar_keys::{Kek, KeyRing, Keystore, Schemes, SigningStops};
use bursar_store::clock::machine_time;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::scene::{Scene, on_each_engine};

/// The seal key, and the one before it.
const SEAL: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const FORMER: &str = "2222222222222222222222222222222222222222222222222222222222222222";
/// A seed and the account that follows from it.
const SEED: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const ACCOUNT: &str = "ban_3i1aq1cchnmbn9x5rsbap8b15akfh7wj7pwskuzi7ahz8oq6cobd99d4r3b7";
/// A configuration of the faucet reads its seal key.
const FAUCET: (&str, &str) = ("BURSAR_DESKS", "faucet");
const SEALED: [(&str, &str); 2] = [FAUCET, ("FAUCET_SEAL_KEY", SEAL)];

/// Adds a key and shows it.
const ADD: &str = "keys add hot --desk faucet --chain banano --reason launch --json --secret-file";

fn secret_file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[track_caller]
fn yes(scene: &Scene, line: &str) -> Value {
    scene.run_with(&SEALED, line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[track_caller]
fn code(scene: &Scene, line: &str) -> String {
    scene.no_with(&SEALED, line).0["code"].as_str().unwrap().to_owned()
}

/// A scene with one key, brought along in a file.
fn with_key(scene: &Scene) -> Value {
    let file = secret_file(&format!("{SEED}\n"));
    yes(scene, &format!("{ADD} {}", file.path().display()))
}

fn kek(digits: &str) -> Kek {
    Kek::from_hexadecimal(&SecretString::from(digits)).unwrap()
}

#[test]
fn a_key_for_payouts_is_added_with_its_wallet_and_its_secret_shows_nowhere() {
    on_each_engine(|scene| {
        let added = with_key(scene);
        assert_eq!((&added["key"]["address"], &added["key"]["holder"]), (&json!(ACCOUNT), &json!("local")));
        assert_eq!((&added["key"]["policy"], &added["wallets"]), (&Value::Null, &json!(["hot"])));
        let events = scene.events();
        let told: Vec<_> = events.iter().map(|event| (event.event.as_str(), event.actor.as_str())).collect();
        assert_eq!(told, [("payout.wallet_opened", "payouts"), ("keys.added", "cli:ann")]);
        let payloads: Vec<Value> = events
            .iter()
            .map(|event| serde_json::from_str(event.payload.as_deref().unwrap()).unwrap())
            .collect();
        assert_eq!(
            (&payloads[1]["reason"], &payloads[1]["change"]["origin"]),
            (&json!("launch"), &json!("imported"))
        );
        let shown = format!("{added}{payloads:?}{}{}", scene.words(), yes(scene, "keys list --json"));
        assert!(!shown.contains(SEED) && shown.contains("Make a backup now"), "{shown}");
        let wallets = yes(scene, "payouts wallets");
        let lines: Vec<&str> = wallets.as_str().unwrap().lines().collect();
        assert_eq!(lines[1], format!("hot     faucet  running   0          BAN    {ACCOUNT}  -"));
    });
}

#[test]
fn a_key_is_drawn_here_and_another_is_another() {
    on_each_engine(|scene| {
        let add = |name: &str| {
            let line = format!("keys add {name} --generate --desk faucet --chain banano --reason new --json");
            yes(scene, &line)["key"]["publicKey"].as_str().unwrap().to_owned()
        };
        assert_ne!(add("first"), add("second"));
        assert_eq!(yes(scene, "keys verify"), "KEY     FINDING\nfirst   sound\nsecond  sound");
    });
}

#[test]
fn a_remote_signers_credential_comes_from_a_file_and_its_key_along_with_it() {
    on_each_engine(|scene| {
        let key = BananoSeed;
        let secret = bursar_keys::KeySecret::from_hexadecimal(&SecretString::from(SEED)).unwrap();
        let public = bursar_keys::KeyScheme::public_key(&key, &secret).unwrap();
        let file = secret_file("a-credential-of-the-signer\n");
        let line = format!("{ADD} {} --remote-url https://signer.example/ban", file.path().display());
        assert!(crate::scene::parse(&line).is_err(), "a signer without its key");
        let added = yes(scene, &format!("{line} --remote-public-key {public} --remote-credential bearer"));
        assert_eq!(
            (&added["key"]["address"], &added["key"]["holder"]),
            (&json!(ACCOUNT), &json!("remote_bearer"))
        );
        assert_eq!(yes(scene, "keys verify --json")["keys"], json!([{"key": "hot", "finding": "remote"}]));
        assert!(!added.to_string().contains("credential-of"));
    });
}

#[test]
fn what_is_refused_is_named_by_code_and_adds_nothing() {
    on_each_engine(|scene| {
        let (good, bad, empty) = (secret_file(SEED), secret_file("seed"), secret_file("\n"));
        let add = |key: &str, more: &str, file: &NamedTempFile| {
            let path = file.path().display();
            format!("keys add {key} --chain banano --reason r {more} --secret-file {path}")
        };
        let desk = "--desk faucet";
        let (answer, why) = scene.no(&add("hot", desk, &good));
        assert_eq!(answer["code"], "no_seal_key");
        assert!(why.contains("FAUCET_SEAL_KEY"), "{why}");
        for (line, wanted) in [
            (add("hot", "--desk fucet", &good), "usage"),
            (add("H", desk, &good), "invalid_body"),
            (add("hot", &format!("{desk} --scheme rsa"), &good), "scheme_unknown"),
            (add("hot", desk, &bad), "usage"),
            (add("hot", desk, &empty), "usage"),
            (
                "keys add hot --desk faucet --chain banano --reason r --secret-file /no/such".to_owned(),
                "file_unusable",
            ),
            ("keys add hot --desk faucet --chain dogecoin --reason r --generate".to_owned(), "usage"),
            ("keys stop hot --reason r".to_owned(), "key_not_found"),
        ] {
            assert_eq!(code(scene, &line), wanted, "{line}");
        }
        assert!(scene.events().is_empty());
        with_key(scene);
        assert_eq!(code(scene, &add("cold", desk, &good)), "wallet_in_use");
        assert_eq!(
            code(scene, "keys add hot --generate --desk faucet --chain banano --reason r"),
            "key_exists"
        );
        assert_eq!(scene.events().len(), 2);
    });
}

#[test]
fn a_secret_is_no_argument_and_has_one_origin() {
    for line in [
        "keys add hot --desk faucet --chain banano --reason r",
        "keys add hot --desk faucet --chain banano --generate",
        "keys add hot --desk faucet --chain banano --reason r --generate --secret-file x",
        "keys add hot --desk faucet --chain banano --reason r --remote-url https://a",
        "keys add hot --desk faucet --chain banano --reason r --secret x",
    ] {
        assert!(crate::scene::parse(line).is_err(), "{line}");
    }
}

#[test]
fn keys_are_listed_with_what_they_may_sign_and_what_seals_them() {
    on_each_engine(|scene| {
        with_key(scene);
        yes(
            scene,
            "keys policy hot --asset BAN --payment-max 500 --cap 1d:5000 --cap 1h:900 --first-use-hold 1h \
                    --approval-above 400 --approvals 2 --listed-only --reason limits",
        );
        let kek = kek(SEAL);
        let policy = "asset=BAN payment_max=500 listed_only=true hold_ms=3600000 approval=2>400 \
                      caps=3600000ms:900,86400000ms:5000";
        let pad = " ".repeat(ACCOUNT.len() - "ADDRESS".len());
        assert_eq!(
            yes(scene, "keys list"),
            format!(
                "KEY  DESK    CHAIN   PURPOSE  HOLDER  STATE   ADDRESS{pad}  POLICY\n\
                 hot  faucet  banano  payouts  local   active  {ACCOUNT}  {policy}\n\
                 1 secret sealed with {}, the current seal key",
                kek.id()
            )
        );
        let event = scene.events().pop().unwrap();
        let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!((event.event.as_str(), &payload["reason"]), ("keys.policy_set", &json!("limits")));
        assert_eq!((&payload["change"]["from"], &payload["change"]["to"]), (&Value::Null, &json!(policy)));
        assert_eq!(
            code(scene, "keys policy hot --asset BAN --payment-max 500 --cap 1d:5 --cap 1d:6 --reason r"),
            "invalid_body"
        );
    });
}

#[test]
fn a_destination_is_listed_only_when_the_chain_knows_it_as_an_account() {
    on_each_engine(|scene| {
        with_key(scene);
        let line = |rest: &str| format!("keys destination hot {rest} --reason partner");
        yes(scene, &line(ACCOUNT));
        assert_eq!(code(scene, &line(ACCOUNT)), "nothing_to_change");
        assert_eq!(code(scene, &line("ban_nobody")), "invalid_address");
        yes(scene, &line(&format!("{ACCOUNT} --unlist")));
        let event = scene.events().pop().unwrap();
        assert_eq!((event.event.as_str(), event.actor.as_str()), ("keys.destination_listed", "cli:ann"));
    });
}

#[test]
fn a_key_is_stopped_resumed_and_retired_for_good_by_whoever_answers_for_it() {
    on_each_engine(|scene| {
        with_key(scene);
        assert_eq!(yes(scene, "keys stop hot --reason leak --json")["key"]["state"], "stopped");
        assert_eq!(code(scene, "keys stop hot --reason leak"), "nothing_to_change");
        assert_eq!(
            yes(scene, "keys resume hot --reason false-alarm --actor Bea --json")["key"]["state"],
            "active"
        );
        let table = yes(scene, "keys retire hot --reason old");
        assert!(table.as_str().unwrap().contains("local   retired: old  "), "{table}");
        assert_eq!(code(scene, "keys resume hot --reason back"), "key_retired");
        let told: Vec<_> =
            scene.events().iter().skip(2).map(|event| format!("{} {}", event.event, event.actor)).collect();
        assert_eq!(told, ["keys.stopped cli:ann", "keys.resumed cli:bea", "keys.retired cli:ann"]);
        assert_eq!(yes(scene, "keys verify --json")["ok"], true);
    });
}

#[test]
fn a_touched_row_or_a_missing_seal_key_is_exit_1() {
    on_each_engine(|scene| {
        with_key(scene);
        let (answer, why) = scene.no("keys verify --json");
        assert_eq!(
            (&answer["code"], &answer["keys"][0]["finding"]),
            (&json!("keys_unsound"), &json!("kek_missing"))
        );
        assert!(why.contains("hot (kek_missing)"), "{why}");
        scene.execute("UPDATE key_pair SET desk = 'trades'");
        let (answer, _) = scene.no_with(&SEALED, "keys verify --json");
        assert_eq!(answer["keys"], json!([{"key": "hot", "finding": "altered"}]));
    });
}

#[test]
fn nothing_is_sealed_with_a_key_that_a_living_server_lacks() {
    on_each_engine(|scene| {
        with_key(scene);
        let add = "keys add next --generate --desk faucet --chain banano --reason r";
        let listed = yes(scene, "secrets list");
        let mut here = listed["here"].as_array().unwrap().iter();
        let here = here.find(|secret| secret["name"] == "FAUCET_SEAL_KEY").unwrap();
        let here = here["fingerprint"].as_str().unwrap();
        let serve = |fingerprint: &str, previous: Option<&str>| {
            let secrets =
                json!([{"name": "FAUCET_SEAL_KEY", "fingerprint": fingerprint, "previous": previous}]);
            let [process, place, outcome] = ["one", "host:1", "{}"].map(str::to_owned);
            let holder = Holder { process, place, answered: 0, secrets: secrets.to_string(), outcome };
            scene.test.store().transact("test.serve", |tx| report(tx, &holder)).unwrap();
        };
        serve("00000000", None);
        for line in [add, "keys rotate --reason r"] {
            let (answer, why) = scene.no_with(&SEALED, line);
            assert_eq!(answer["code"], "seal_key_not_held", "{line}");
            assert!(
                why.starts_with("host:1 holds another") && why.contains("`bursar secrets reload`"),
                "{why}"
            );
        }
        serve("00000000", Some(here));
        yes(scene, add);
        serve(here, None);
        yes(scene, "keys rotate --reason r");
    });
}

#[test]
fn rotation_moves_every_secret_to_the_new_seal_key_and_goes_on_where_it_was_cut_off() {
    on_each_engine(|scene| {
        let old = [FAUCET, ("FAUCET_SEAL_KEY", FORMER)];
        let file = secret_file(SEED);
        scene.run_with(&old, &format!("{ADD} {}", file.path().display())).unwrap();
        assert_eq!(scene.no("keys rotate --reason r").0["code"], "no_seal_key");
        // Cut off right after it began.
        let store = scene.test.store();
        let actor = Actor::cli("bea");
        store
            .transact("test.begin", |tx| {
                let ring = KeyRing::new(kek(SEAL), [kek(FORMER)]);
                let stops = SigningStops::new(Switchboard::new([], None));
                let keystore = Keystore::new(ring, Schemes::default(), stops, std::sync::Arc::new(OsEntropy));
                keystore.begin_rotation(tx, &By::new(&actor, machine_time()))
            })
            .unwrap()
            .unwrap();
        // Without the former key nothing opens, and nothing is lost.
        let (answer, why) = scene.no_with(&SEALED, "keys rotate --reason quarterly --json");
        assert_eq!((&answer["code"], &answer["rotation"]["moved"]), (&json!("secrets_stuck"), &json!(0)));
        assert!(why.contains("FAUCET_SEAL_KEY_PREVIOUS") && why.contains("- hot: "), "{why}");
        let both = [FAUCET, ("FAUCET_SEAL_KEY", SEAL), ("FAUCET_SEAL_KEY_PREVIOUS", FORMER)];
        let listed = scene.run_with(&both, "keys list").unwrap();
        assert!(listed.as_str().unwrap().contains("cli:bea began to move all secrets to"), "{listed}");
        let answer = scene.run_with(&both, "keys rotate --reason quarterly --json").unwrap();
        let rotation = &answer["rotation"];
        assert_eq!((&rotation["isResumed"], &rotation["moved"]), (&json!(true), &json!(1)));
        assert!(scene.words().contains("take it out of the environment"));
        assert!(scene.words().contains("Backups that were made before still need it"));
        assert_eq!(rotation["isWiped"], true);
        assert_eq!(yes(scene, "keys verify"), "KEY  FINDING\nhot  sound");
        let text = yes(scene, "keys rotate --reason again");
        let id = kek(SEAL).id().to_string();
        let wanted =
            format!("rotated to {id}: 0 moved, 0 stuck\n1 secret sealed with {id}, the current seal key");
        assert_eq!(text, wanted);
        let event = scene.events().pop().unwrap();
        assert!(event.payload.unwrap().contains("\"reason\":\"again\""));
    });
}

#[test]
fn approval_of_a_rotation_that_is_under_way_is_not_asked_for_and_nothing_rotates() {
    on_each_engine(|scene| {
        let file = secret_file(SEED);
        let old = [FAUCET, ("FAUCET_SEAL_KEY", FORMER)];
        scene.run_with(&old, &format!("{ADD} {}", file.path().display())).unwrap();
        yes(scene, "operators add ada --role admin");
        let token = yes(scene, "operators token ada")["token"].as_str().unwrap().to_owned();
        let token = secret_file(&token);
        let ask = format!(
            "approvals request act --reason quarterly --token-file {} -- keys rotate --reason quarterly",
            token.path().display()
        );
        let both = [FAUCET, ("FAUCET_SEAL_KEY", SEAL), ("FAUCET_SEAL_KEY_PREVIOUS", FORMER)];
        let code = || scene.no_with(&both, &ask).0["code"].as_str().unwrap().to_owned();
        assert_eq!(code(), "approval_not_needed", "no policy binds it");
        // Begun, and stuck for want of the former key.
        scene.no_with(&SEALED, "keys rotate --reason quarterly --json");
        let events = scene.events().len();
        assert_eq!(code(), "approval_not_needed", "whoever began it was admitted");
        let list = scene.run_with(&both, "keys list --json").unwrap();
        assert_eq!(list["rotation"]["moved"], 0);
        assert_eq!(list["keks"][0]["kek"], json!(kek(FORMER).id().as_str()));
        assert_eq!(scene.events().len(), events);
        let rotated = scene.run_with(&both, "keys rotate --reason quarterly --json").unwrap();
        assert_eq!(rotated["rotation"]["moved"], 1);
    });
}

#[test]
fn a_key_whose_secret_does_not_open_is_retired_and_the_person_is_told() {
    on_each_engine(|scene| {
        with_key(scene);
        scene.execute("UPDATE key_pair SET desk = 'trades'");
        assert_eq!(yes(scene, "keys retire hot --reason lost --json")["key"]["state"], "retired");
        let words = scene.words();
        assert!(words.contains("its secret stays sealed as it was: the sealed secret of key hot"), "{words}");
        let event = scene.events().pop().unwrap();
        assert!(event.payload.unwrap().contains("\"unopened\":\"the sealed secret of key hot does not open"));
        assert_eq!(code(scene, "keys resume hot --reason back"), "key_retired");
    });
}

#[test]
fn where_a_policy_asks_for_other_people_the_command_line_needs_their_approval_too() {
    on_each_engine(|scene| {
        with_key(scene);
        let actor = Actor::cli("root");
        let policy = ApprovalPolicy { approvals_needed: 1, ..ApprovalPolicy::open("keys.retire") };
        let store = scene.test.store();
        store
            .transact("test.policy", |tx| set_policy(tx, &By::new(&actor, machine_time()), &policy))
            .unwrap()
            .unwrap();
        assert_eq!(code(scene, "keys retire hot --reason old"), "operator_needed");
        assert_eq!(code(scene, "keys retire hot --reason old --approval 7"), "approval_not_found");
        assert_eq!(yes(scene, "keys list --json")["keys"][0]["state"], "active");
    });
}
