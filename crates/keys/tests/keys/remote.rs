//! Remote signers: asked for authorised work only, authenticated, limited, and never believed.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bursar_chain::{SignError, Signer};
use bursar_control::ConfigTable;
use bursar_keys::{Credential, Ed25519, KeyScheme, KeySecret, Keystore, Origin, PublicKey, Rejection};
use bursar_store::EngineKind;
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::Sha256;

use crate::remote_stub::{Asked, Behaviour, start};
use crate::scene::{
    HALTED, PUBLIC, SECRET, Scene, authorize_one, granted, id, keystore, new_key, pay, policy, rejected,
    secret,
};

const TOKEN: &str = "s3cret-of-sixteen-and-more";

fn scene_with(behaviour: Behaviour, credential: Credential) -> (Scene, Receiver<Asked>) {
    let scene = Scene::on(EngineKind::Sqlite);
    let (endpoint, asked) = start(secret(SECRET), behaviour);
    let origin = Origin::Remote {
        endpoint,
        credential,
        secret: KeySecret::from_text(&SecretString::from(TOKEN)),
        public_key: PublicKey(hex::decode(PUBLIC).unwrap()),
    };
    scene.add(&new_key("hot-1", origin)).unwrap();
    scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), &policy())).unwrap();
    (scene, asked)
}

fn sign_with(scene: &Scene, keystore: &Keystore) -> Result<Vec<u8>, SignError> {
    let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
    let signer = keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
    signer.sign(b"message")
}

fn sign(behaviour: Behaviour) -> Result<Vec<u8>, SignError> {
    let (scene, _asked) = scene_with(behaviour, Credential::Bearer);
    sign_with(&scene, &keystore("1"))
}

#[test]
fn a_remote_signature_that_verifies_is_used_and_the_request_says_what_for() {
    let (scene, asked) = scene_with(Behaviour::Signs, Credential::Bearer);
    let signature = sign_with(&scene, &scene.keystore).unwrap();
    assert!(Ed25519.verifies(&PublicKey(hex::decode(PUBLIC).unwrap()), b"message", &signature));
    let asked = asked.recv().unwrap();
    assert_eq!(asked.head[0], "POST /sign HTTP/1.1");
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    let expected = format!(
        r#"{{"version":1,"key":"hot-1","chain":"banano","publicKey":"{PUBLIC}","intent":"p1","asset":"BAN","destination":"ann","amount":"10","message":"6d657373616765"}}"#
    );
    assert_eq!(
        (&asked.body, serde_json::to_string(&asked.request()).unwrap()),
        (&expected, expected.clone())
    );
}

#[test]
fn with_hmac_the_secret_stays_here_and_the_code_covers_time_and_body() {
    let (scene, asked) = scene_with(Behaviour::Signs, Credential::Hmac);
    sign_with(&scene, &scene.keystore).unwrap();
    let asked = asked.recv().unwrap();
    assert_eq!(asked.header("authorization"), None);
    assert!(asked.head.iter().all(|line| !line.contains(TOKEN)));
    let header = asked.header(bursar_keys::HMAC_HEADER).unwrap();
    let (time, code) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes()).unwrap();
    hmac.update(format!("{time}.{}", asked.body).as_bytes());
    assert_eq!(code, hex::encode(hmac.finalize().into_bytes()));
    let off_s = bursar_store::clock::machine_time().ms() / 1_000 - time.parse::<i64>().unwrap();
    assert!((0..60).contains(&off_s), "{off_s}");
}

#[test]
fn a_signature_that_does_not_verify_is_not_used() {
    assert_eq!(sign(Behaviour::SignsSomethingElse), Err(SignError::BadSignature));
    assert_eq!(sign(Behaviour::Nonsense), Err(SignError::BadSignature));
}

#[test]
fn a_refusal_and_a_failure_are_told_apart_without_repeating_what_was_said() {
    for status in [400, 401, 403, 409] {
        assert_eq!(sign(Behaviour::Status(status)), Err(SignError::Refused(format!("it answered {status}"))));
    }
    for status in [204, 408, 429, 500, 503] {
        assert_eq!(
            sign(Behaviour::Status(status)),
            Err(SignError::Unavailable(format!("it answered {status}")))
        );
    }
    assert_eq!(sign(Behaviour::Redirects), Err(SignError::Unavailable("it answered 307".into())));
}

#[test]
fn an_answer_without_end_and_a_signer_without_answer_are_given_up() {
    assert_eq!(sign(Behaviour::Endless), Err(SignError::Unavailable("its answer is too long".into())));
    let (scene, _asked) = scene_with(Behaviour::Silent, Credential::Bearer);
    let impatient = keystore("1").with_remote_time(Duration::from_millis(200));
    let begun = Instant::now();
    assert_eq!(sign_with(&scene, &impatient), Err(SignError::Unavailable("it took too long".into())));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_signer_that_is_not_there_is_said_to_be_out_of_reach() {
    let (scene, asked) = scene_with(Behaviour::Signs, Credential::Bearer);
    drop(asked);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let origin = Origin::Remote {
        endpoint: bursar_keys::Endpoint::parse(&closed).unwrap(),
        credential: Credential::Bearer,
        secret: KeySecret::from_text(&SecretString::from(TOKEN)),
        public_key: Ed25519.public_key(&secret(&"07".repeat(32))).unwrap(),
    };
    scene.add(&new_key("hot-2", origin)).unwrap();
    scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-2"), &policy())).unwrap();
    let authorization = granted(scene.authorize(&pay("p1", "hot-2", "ann", 10)));
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
    assert_eq!(signer.sign(b"m"), Err(SignError::Unavailable("the connection failed".into())));
}

#[test]
fn a_message_above_the_limit_is_not_sent() {
    let (scene, asked) = scene_with(Behaviour::Signs, Credential::Bearer);
    let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
    assert!(matches!(signer.sign(&vec![0; 65_537]), Err(SignError::Unreadable(_))));
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_remote_signer_is_not_called_within_a_transaction_nor_for_what_is_refused() {
    let (scene, asked) = scene_with(Behaviour::Signs, Credential::Bearer);
    let within = scene.write(|tx, now| {
        let order = pay("p1", "hot-1", "ann", 10);
        let authorization = granted(authorize_one(&scene.keystore, tx, &order, now)?);
        Ok(scene.keystore.signer(tx, authorization, now)?.map(|_| ()))
    });
    assert_eq!(rejected(within), Rejection::CommitFirst);
    assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 101)), "above_payment_max");
    let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
    scene.set_switch(ConfigTable::FAUCET, HALTED, true);
    let stopped = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap();
    assert_eq!(rejected(stopped.map(|_| ())).code(), "signing_stopped");
    assert!(asked.try_recv().is_err());
}
