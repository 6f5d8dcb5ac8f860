//! No secret shows: not in what is printed of any public type, not in errors, events or answers, not in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use bursar_access::By;
use bursar_audit::{EventFilter, Recorder, SaltKey, events};
use bursar_chain::Signer;
use bursar_keys::{
    ApprovalRule, ApprovedDecision, Credential, Decision, Endpoint, KekError, KekSource, KeyCommands,
    KeyError, KeyFault, KeySecret, NewKey, Origin, PublicKey, Rejection, RollingCap, SealError,
};
use bursar_money::Amount;
use bursar_store::EngineKind;
use secrecy::SecretString;

use crate::scene::{
    PUBLIC, SECRET, Scene, granted, id, kek, keystore, new_key, on_each_engine, pay, policy, ring, schemes,
    secret, stops,
};

const TOKEN: &str = "hunter2-hunter2-hunter2";
/// The digit of the key-encryption keys.
const KEKS: &str = "7e";
/// What prints nothing of itself: a trait, and a type that holds no state.
const NOT_PRINTED: [&str; 4] = ["KeyScheme", "KeyCommands", "Ed25519", "Rings"];

/// Every form in which a secret could show.
fn needles() -> Vec<String> {
    let keks =
        KEKS.chars().map(|digit| vec![u8::from_str_radix(&format!("{digit}{digit}"), 16).unwrap(); 32]);
    let secrets = keks.chain([hex::decode(SECRET).unwrap(), TOKEN.as_bytes().to_vec()]);
    let forms = secrets.flat_map(|bytes| {
        let part = &bytes[4..12];
        let listed = format!("{part:?}");
        [hex::encode(part), hex::encode_upper(part), listed.trim_matches(['[', ']']).to_owned()]
    });
    forms.chain([TOKEN.to_owned()]).collect()
}

fn assert_shows_nothing(what: &str, text: &str) {
    for needle in needles() {
        assert!(!text.contains(&needle), "{what} shows a secret: {text}");
    }
}

fn remote(name: &str) -> NewKey {
    let origin = Origin::Remote {
        endpoint: Endpoint::parse("http://127.0.0.1:9/").unwrap(),
        credential: Credential::Bearer,
        secret: KeySecret::from_text(&SecretString::from(TOKEN)),
        public_key: PublicKey(vec![0; 31]),
    };
    new_key(name, origin)
}

/// What is printed of each public type.
#[derive(Default)]
struct Printed(BTreeMap<&'static str, String>);

impl Printed {
    fn debug(&mut self, name: &'static str, value: &dyn Debug) {
        self.0.entry(name).or_default().push_str(&format!("{value:?} {value:#?}\n"));
    }

    fn error<E: std::error::Error>(&mut self, name: &'static str, value: &E) {
        self.debug(name, value);
        self.0.entry(name).or_default().push_str(&value.to_string());
    }
}

/// The types that the crate's root names.
fn public_types() -> BTreeSet<String> {
    let root = include_str!("../../src/lib.rs");
    let uses = root.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let words = uses.flat_map(|text| text.split(|mark: char| !mark.is_alphanumeric() && mark != '_'));
    let is_type = |word: &&str| {
        word.starts_with(|mark: char| mark.is_uppercase()) && word.chars().any(|mark| mark.is_lowercase())
    };
    words.filter(is_type).map(str::to_owned).collect()
}

#[test]
fn nothing_printed_of_any_public_type_shows_a_secret() {
    let scene = Scene::on(EngineKind::Sqlite).with_ring(KEKS);
    let mut printed = Printed::default();
    print_configuration(&mut printed);
    print_keys(&scene, &mut printed);
    print_signing(&scene, &mut printed);
    print_refusals(&mut printed);
    let missing: Vec<String> = public_types()
        .into_iter()
        .filter(|name| !printed.0.contains_key(name.as_str()) && !NOT_PRINTED.contains(&name.as_str()))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "print these types too");
    for (name, text) in &printed.0 {
        assert_shows_nothing(name, text);
    }
    // The search itself finds what it looks for.
    let caught =
        std::panic::catch_unwind(|| assert_shows_nothing("a leak", &format!("{:?}", TOKEN.as_bytes())));
    assert!(caught.is_err());
}

fn print_configuration(printed: &mut Printed) {
    printed.debug("Kek", &kek('7'));
    printed.debug("KekId", kek('7').id());
    printed.debug("KeyRing", &ring(KEKS));
    printed.debug("Schemes", &schemes());
    printed.debug("SigningStops", &stops());
    printed.debug("Keystore", &keystore(KEKS));
    printed.debug("KeySecret", &secret(SECRET));
    printed.debug("KeySecret", &KeySecret::from_text(&SecretString::from(TOKEN)));
    let source: KekSource = format!("command:/bin/echo {TOKEN}").parse().unwrap();
    printed.debug("KekSource", &source);
    printed.error("KekError", &KekError::Empty);
    for bad in [SECRET.to_owned(), "7".repeat(64), TOKEN.to_owned()] {
        printed.error("KekError", &bad.parse::<KekSource>().unwrap_err());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kek");
    std::fs::write(&file, TOKEN).unwrap();
    let sources: [KekSource; 2] = [format!("file:{}", file.display()).parse().unwrap(), source];
    for source in sources {
        printed.error("KekError", &bursar_keys::KeyRing::read(&[source], &|_| None).unwrap_err());
    }
}

fn print_keys(scene: &Scene, printed: &mut Printed) {
    let new = new_key("hot-1", Origin::Import(secret(SECRET)));
    printed.debug("NewKey", &new);
    printed.debug("Origin", &remote("hot-2").origin);
    printed.debug("NewKey", &remote("hot-2"));
    let done = scene.add(&new).unwrap();
    printed.debug("Done", &done);
    printed.debug("Change", &done.change);
    let record = scene.read(|tx| scene.keystore.key(tx, &new.id)).unwrap();
    printed.debug("KeyRecord", &record);
    printed.debug("SigningKey", &record.key);
    printed.debug("Holder", &record.key.holder);
    printed.debug("KeyId", &record.key.id);
    printed.debug("PublicKey", &record.key.public_key);
    printed.debug("Endpoint", &Endpoint::parse("https://signer.example/").unwrap());
    printed.debug("Credential", &Credential::Hmac);
    let checks = scene.read(|tx| scene.keystore.verify(tx));
    printed.debug("KeyCheck", &checks);
    printed.debug("KeyFinding", &checks[0].finding);
    printed.debug("KekUse", &scene.read(|tx| scene.keystore.kek_uses(tx)));
    let (rotation, _) =
        scene.write(|tx, now| scene.keystore.begin_rotation(tx, &By::new(&scene.root, now))).unwrap();
    printed.debug("Rotation", &rotation);
    let step = scene.write(|tx, now| scene.keystore.continue_rotation(tx, None, 10, now)).unwrap();
    printed.debug("RotationStep", &step);
    scene.write(|tx, now| scene.keystore.begin_rotation(tx, &By::new(&scene.root, now))).unwrap();
    let recorder = Recorder::new("test/secrecy", SaltKey::new([7; 32]));
    let store = scene.store();
    let keys = KeyCommands {
        keystore: &scene.keystore,
        store: &store,
        recorder: &recorder,
        actor: &scene.root,
        approval: None,
        draft: None,
    };
    let list = keys.list().unwrap();
    printed.debug("KeyList", &list);
    printed.debug("KeyShown", &list.keys);
    printed.debug("RotationShown", &list.rotation);
    printed.debug("Rotated", &keys.rotate().unwrap());
    printed.debug("Verified", &keys.verify().unwrap());
    let retired = scene.retire("hot-1").unwrap();
    printed.debug("Done", &retired);
    printed.debug("Noted", &scene.read(|tx| scene.keystore.key(tx, &new.id)).unwrap().key.retired);
}

fn print_signing(scene: &Scene, printed: &mut Printed) {
    scene.key_with("hot-3", &policy());
    printed.debug("Policy", &policy());
    printed.debug("RollingCap", &RollingCap { window_ms: 1, max: Amount::new(1) });
    printed.debug("ApprovalRule", &ApprovalRule { above: Amount::new(1), needed: 1 });
    let order = pay("p1", "hot-3", "ann", 1);
    printed.debug("Order", &order);
    printed.debug("Work", &order.work);
    let decision = scene.authorize(&order);
    printed.debug("Decision", &decision);
    let refused = Decision::Refused(Rejection::NoPolicy);
    printed.debug("ApprovedDecision", &ApprovedDecision { decision: refused, cleared: None });
    let authorization = granted(decision);
    printed.debug("Authorization", &authorization);
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
    printed.debug("AuthorizedSigner", &signer);
    signer.sign(b"message").unwrap();
    printed.debug("AuthorizedSigner", &signer);
    let request = r#"{"version":1,"key":"k","chain":"c","publicKey":"","intent":"i","message":""}"#;
    printed.debug("SigningRequest", &serde_json::from_str::<bursar_keys::SigningRequest>(request).unwrap());
}

fn print_refusals(printed: &mut Printed) {
    printed.error("Rejection", &Endpoint::parse(&format!("https://a.example/?{TOKEN}")).unwrap_err());
    let seals = [
        SealError::KekMissing { key: id("hot-1"), kek: kek('7').id().clone() },
        SealError::Altered(id("hot-1")),
        SealError::Missing(id("hot-1")),
        SealError::Length(id("hot-1")),
    ];
    for error in seals {
        printed.error("SealError", &error);
        printed.error("KeyError", &KeyError::from(error.clone()));
        printed.error("KeyFault", &KeyFault::from(KeyError::from(error)));
    }
    let scene = Scene::on(EngineKind::Sqlite).with_ring(KEKS);
    let short =
        NewKey { scheme: TOKEN.len().to_string(), ..new_key("hot-1", Origin::Import(secret(SECRET))) };
    printed.error("KeyError", &scene.add(&short).unwrap_err());
    printed.error("KeyError", &scene.add(&remote("hot-1")).unwrap_err());
}

/// Everything that the database keeps: the files of an embedded one, else the rows as text.
fn everything_stored(scene: &Scene) -> Vec<u8> {
    if let Some(folder) = scene.test.folder() {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        return files.flat_map(|path| std::fs::read(path).unwrap()).collect();
    }
    let queries = [
        "SELECT t::text FROM key_pair t",
        "SELECT t::text FROM key_secret t",
        "SELECT t::text FROM key_rotation t",
        "SELECT t::text FROM key_destination t",
        "SELECT t::text FROM key_authorization t",
        "SELECT t::text FROM key_charge t",
        "SELECT t::text FROM audit_events t",
    ];
    let read = |sql| scene.read(|tx| tx.query(sql, &[], |row| row.get::<String>(0)));
    queries.into_iter().flat_map(read).flat_map(String::into_bytes).collect()
}

#[test]
fn no_secret_is_readable_in_the_database_and_no_event_tells_one() {
    on_each_engine(|scene| {
        let keystore = keystore(KEKS);
        let recorder = Recorder::new("test/secrecy", SaltKey::new([7; 32]));
        let store = scene.store();
        let (actor, approval) = (&scene.root, None);
        let keys = KeyCommands {
            keystore: &keystore,
            store: &store,
            recorder: &recorder,
            actor,
            approval,
            draft: None,
        };
        keys.add(&new_key("hot-1", Origin::Import(secret(SECRET)))).unwrap();
        let Origin::Remote { endpoint, credential, secret, .. } = remote("hot-2").origin else { panic!() };
        let public_key = PublicKey(
            hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap(),
        );
        let origin = Origin::Remote { endpoint, credential, secret, public_key };
        keys.add(&new_key("hot-2", origin)).unwrap();
        keys.rotate().unwrap();
        keys.retire(&id("hot-1"), "replaced").unwrap();
        let stored = everything_stored(scene);
        let contains = |needle: &[u8]| stored.windows(needle.len()).any(|window| window == needle);
        assert!(contains(b"hot-1") && (contains(PUBLIC.as_bytes())), "the dump shows what is public");
        for needle in needles() {
            assert!(!contains(needle.as_bytes()), "{needle}");
        }
        assert!(!contains(&hex::decode(SECRET).unwrap()[..8]) && !contains(&TOKEN.as_bytes()[..12]));
        let told = scene.read(|tx| events(tx, &EventFilter::default()));
        assert_shows_nothing("the audit log", &format!("{told:?}"));
        let shown = serde_json::to_string(&keys.list().unwrap()).unwrap();
        assert!(shown.contains(PUBLIC));
        assert_shows_nothing("the list", &shown);
    });
}
