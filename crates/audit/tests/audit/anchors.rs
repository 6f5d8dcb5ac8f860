//! Anchors leave the database, come back, and cannot be forged without the key.

use bursar_audit::{Anchor, AnchorError};

use crate::log::{anchor, empty, fill, on_each_engine, record};
use bursar_store::EngineKind;

#[test]
fn an_anchor_holds_the_last_link_of_every_chain_in_the_order_of_their_names() {
    on_each_engine(|store| {
        assert_eq!(anchor(store).heads, []);
        fill(store);
        let taken = anchor(store);
        let heads: Vec<_> =
            taken.heads.iter().map(|head| (head.chain.as_str(), head.number, head.last_event)).collect();
        assert_eq!(heads, [("a", 3, 8), ("b", 2, 7)]);
        assert_eq!(taken.at, store.now());
        assert_eq!(taken.digest(), anchor(store).digest());
        record(store, "b", &["x"]);
        assert_ne!(taken.digest(), anchor(store).digest());
    });
}

#[test]
fn hundreds_of_short_chains_are_all_there() {
    on_each_engine(|store| {
        let mut names: Vec<String> = (0..400).map(|n| format!("cli-{n}-0")).collect();
        store
            .store()
            .transact("test.fill", |tx| {
                for name in &names {
                    crate::log::recorder(name).record(tx, &[crate::log::event("x", 1)], store.now())?;
                }
                Ok(())
            })
            .unwrap();
        names.sort_unstable();
        let heads: Vec<String> = anchor(store).heads.into_iter().map(|head| head.chain).collect();
        assert_eq!(heads, names);
    });
}

#[test]
fn an_anchor_reads_back_from_its_file() {
    on_each_engine(|store| {
        fill(store);
        for taken in [anchor(store), anchor(store).signed(b"key")] {
            assert_eq!(Anchor::from_json(&taken.to_json().unwrap()), Ok(taken));
        }
    });
}

fn sample() -> Anchor {
    let store = empty(EngineKind::Sqlite);
    fill(&store);
    anchor(&store)
}

#[test]
fn only_the_key_that_signed_it_vouches_for_an_anchor() {
    let taken = sample();
    assert_eq!(taken.check(b"key"), Err(AnchorError::Unsigned));
    let signed = taken.signed(b"key");
    assert_eq!(signed.check(b"key"), Ok(()));
    assert_eq!(signed.check(b"another"), Err(AnchorError::WrongSignature));
}

#[test]
fn an_edited_file_is_refused_and_a_forged_one_fails_the_key() {
    let signed = sample().signed(b"key").to_json().unwrap();
    let edited = signed.replacen("\"number\": 3", "\"number\": 2", 1);
    assert_ne!(edited, signed);
    assert_eq!(Anchor::from_json(&edited), Err(AnchorError::Damaged));

    // The forger takes the heads of another log, with their digest, and the signature of this one.
    let store = empty(EngineKind::Sqlite);
    record(&store, "a", &["x"]);
    let signature = signed.lines().find(|line| line.contains("\"signature\"")).unwrap();
    let forged = anchor(&store).to_json().unwrap();
    let forged = forged.trim_end().strip_suffix("\"\n}").unwrap().to_owned() + "\",\n" + signature + "\n}";
    let forged = Anchor::from_json(&forged).unwrap();
    assert_eq!(forged.check(b"key"), Err(AnchorError::WrongSignature));
}

#[test]
fn what_is_no_anchor_is_refused_with_the_reason() {
    let good = sample().to_json().unwrap();
    let renamed = good.replace("bursar-audit-anchor-1", "bursar-audit-anchor-9");
    let doubled = good.replace("\"chain\": \"b\"", "\"chain\": \"a\"");
    for bad in ["", "{}", "[]", &renamed, &doubled, &good.replace("\"at_ms\"", "\"at\"")] {
        let refused = Anchor::from_json(bad);
        assert!(matches!(refused, Err(AnchorError::Malformed(_))), "{refused:?}");
    }
}
