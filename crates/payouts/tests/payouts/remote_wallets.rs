//! Wallets whose key a remote signer holds: it signs what it will, and what it refuses keeps nothing else waiting.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use bursar_access::By;
use bursar_banano::SecretKey;
use bursar_devnet_banano::Command;
use bursar_keys::{Credential, Endpoint, KeyId, KeySecret, NewKey, Origin, PublicKey, SigningRequest};
use bursar_store::lease::Lease;

use crate::scene::{DESK, Scene, keystore, on_each_engine, payee, policy, recorder};

fn key_of(name: &str) -> SecretKey {
    bursar_banano::Seed::from_bytes([name.as_bytes()[0]; 32]).secret_key(0)
}

/// A wallet to which 100 were sent, and which the signer at `endpoint` signs for.
pub fn remote_wallet(scene: &Scene, name: &str, endpoint: &Endpoint) -> KeyId {
    let (account, wallet) = (key_of(name).public_key(), KeyId::parse(name).unwrap());
    let [desk, chain, purpose, scheme] = [DESK, "banano", "payouts", "banano_seed"].map(str::to_owned);
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        let secret = KeySecret::from_bytes([b'x'; 32].into());
        let public_key = PublicKey(account.0.to_vec());
        let (endpoint, credential) = (endpoint.clone(), Credential::Bearer);
        let origin = Origin::Remote { endpoint, credential, secret, public_key };
        let [desk, chain, purpose, scheme] = [&desk, &chain, &purpose, &scheme].map(String::clone);
        let new = NewKey { id: wallet.clone(), desk, chain, purpose, scheme, origin };
        keystore().add(tx, &by, &new)?.unwrap();
        keystore().set_policy(tx, &by, &wallet, &policy())?.unwrap();
        scene.payouts.open_wallets(tx, &recorder("test"), now)
    });
    scene.command(Command::Fund { account: account.address(), raw: "100".to_owned() });
    wallet
}

/// A signer that signs all but payments to `refused`.
fn signer(key: SecretKey, refused: String) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}/sign", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let request = read(&stream);
            let (status, body) = match request.destination == Some(refused.clone()) {
                true => (403, String::new()),
                false => {
                    let signature = key.sign(&hex::decode(&request.message).unwrap());
                    (200, format!(r#"{{"signature":"{}"}}"#, hex::encode(signature.0)))
                }
            };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            (&stream).write_all((head + &body).as_bytes()).unwrap();
        }
    });
    endpoint
}

fn read(stream: &TcpStream) -> SigningRequest {
    let (mut reader, mut length) = (BufReader::new(stream), 0);
    for line in reader.by_ref().lines() {
        match line.unwrap().to_ascii_lowercase() {
            line if line.is_empty() => break,
            line => {
                length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap())
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn what_its_signer_refuses_is_put_off_and_what_comes_after_it_is_paid() {
    on_each_engine(|scene| {
        let endpoint = signer(key_of("far"), payee(1).to_string());
        let far = remote_wallet(scene, "far", &endpoint);
        let wallet = scene.read(|tx| scene.payouts.wallet(tx, &far)).unwrap();
        let sender = scene.payouts.sender(&wallet).unwrap();
        let lease: Lease = scene.write(|tx, now| Lease::take(tx, "far", "one", now, 1_000)).unwrap();
        scene.run_for(&sender, &lease, 20);
        let orders = [("refused", &payee(1), 10), ("good", &payee(2), 20)];
        scene.write(|tx, now| scene.give_from(tx, &far, &orders, now));
        scene.run_for(&sender, &lease, 40);
        assert_eq!((scene.paid(1), scene.paid(2), scene.states()), (0, 20, vec![0, 4]));
        let sql = "SELECT COUNT(*) FROM payout_intent WHERE why LIKE '%refused%403%' AND next_at IS NOT NULL";
        assert_eq!(scene.count(sql), 1);
    });
}
