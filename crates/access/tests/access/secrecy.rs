//! No secret can be read back: not from the database, not from what is logged and recorded.

use bursar_access::{Role, SessionLimits, bootstrap};
use bursar_store::EngineKind;

use crate::scene::{Scene, on_each_engine};

/// Everything that the database keeps of credentials: the files of an embedded one, else the rows as text.
fn everything_stored(scene: &Scene<'_>) -> Vec<u8> {
    if let Some(folder) = scene.test.folder() {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        return files.flat_map(|path| std::fs::read(path).unwrap()).collect();
    }
    assert_eq!(scene.test.kind(), EngineKind::Postgres);
    let queries = [
        "SELECT t::text FROM access_token t",
        "SELECT t::text FROM access_session t",
        "SELECT t::text FROM access_bootstrap t",
    ];
    let read = |sql| {
        scene.test.store().read("test.dump", |tx| tx.query(sql, &[], |row| row.get::<String>(0))).unwrap()
    };
    queries.into_iter().flat_map(read).flat_map(String::into_bytes).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn secrets_are_unreadable_in_the_database() {
    on_each_engine(|scene| {
        let one_time =
            scene.write(|tx, now| Ok(Ok(bootstrap(tx, &scene.entropy, now)?))).unwrap().unwrap().secret;
        scene.add("ann", Role::Viewer).unwrap();
        let token = scene.token_for(&scene.root, "ann", None).unwrap().secret;
        let ann = scene.person(token.reveal());
        let session = scene.open_session(&ann.actor, SessionLimits::default()).unwrap().secret;
        let stored = everything_stored(scene);
        for secret in [one_time, token, session] {
            let digits = secret.reveal().rsplit('_').next().unwrap();
            assert!(contains(&stored, secret.id().to_string().as_bytes()), "the dump shows public parts");
            assert!(!contains(&stored, digits.as_bytes()));
            assert!(!contains(&stored, &hex::decode(digits).unwrap()));
        }
    });
}

#[test]
fn what_is_logged_and_recorded_holds_no_secret() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Viewer).unwrap();
        let token = scene.token_for(&scene.root, "ann", None).unwrap();
        let digits = token.secret.reveal().rsplit('_').next().unwrap();
        let payload = serde_json::to_string(&token.done.change).unwrap();
        let operator = scene.person(token.secret.reveal()).actor.operator().unwrap();
        let expected = format!(
            r#"{{"change":"token_issued","token":"{}","operator":{operator},"label":"test","expiresAtMs":null}}"#,
            token.secret.id()
        );
        assert_eq!(payload, expected);
        for shown in [payload, format!("{token:?}"), token.secret.to_string()] {
            assert!(!shown.contains(digits), "{shown}");
        }
        assert_eq!(token.done.change.event(), "access.token_issued");
        assert_eq!(token.done.change.target(), ("token", token.secret.id().to_string()));
    });
}
