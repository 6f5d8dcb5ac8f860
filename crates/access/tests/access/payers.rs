//! Payers: accounts of programs, each bound to the one desk that it may have pay.

use bursar_access::{
    Act, Actor, By, Change, Permission, Rejection, Role, SessionLimits, Via, add_payer, admit, operators,
    revoke_token, set_role,
};

use crate::scene::{Scene, on_each_engine};

fn add(scene: &Scene<'_>, name: &str, desk: &str) -> Result<Change, Rejection> {
    scene.write(|tx, now| add_payer(tx, &By::new(&scene.root, now), name, desk)).map(|done| done.change)
}

/// A payer of the faucet who is signed in.
fn payer(scene: &Scene<'_>) -> Actor {
    add(scene, "shop", "faucet").unwrap();
    let token = scene.token_for(&scene.root, "shop", None).unwrap();
    scene.sign_in(token.secret.reveal()).unwrap()
}

fn create(desk: &str) -> Act {
    Act {
        action: "payouts.api_create".into(),
        desk: desk.into(),
        subject: "one".into(),
        payload: String::new(),
        permission: Permission::CreatePayout,
    }
}

fn admitted(scene: &Scene<'_>, actor: &Actor, act: &Act) -> Result<(), Rejection> {
    scene.write(|tx, now| admit(tx, &By::new(actor, now), act)).map(|_| ())
}

#[test]
fn a_payers_token_names_the_one_desk_that_it_may_have_pay() {
    on_each_engine(|scene| {
        let shop = payer(scene);
        assert_eq!((shop.name.as_str(), shop.role), ("shop", Role::Payer));
        assert!(matches!(&shop.via, Via::Payer { desk, .. } if desk == "faucet"), "{shop:?}");
        let listed = scene.test.store().read("test.list", |tx| operators(tx, "", 10)).unwrap();
        assert_eq!(listed[0].desk.as_deref(), Some("faucet"));
        assert_eq!(admitted(scene, &shop, &create("faucet")), Ok(()));
        assert_eq!(admitted(scene, &shop, &create("rounds")).unwrap_err().code(), "forbidden");
    });
}

#[test]
fn h10_what_a_payer_is_bound_to_is_read_anew_where_it_is_admitted() {
    on_each_engine(|scene| {
        let shop = payer(scene);
        let Via::Payer { operator, token, .. } = shop.via.clone() else { panic!("{shop:?}") };
        // Whoever claims another desk than the stored one is not believed.
        let forged = Actor { via: Via::Payer { operator, token, desk: "rounds".into() }, ..shop.clone() };
        assert_eq!(admitted(scene, &forged, &create("rounds")).unwrap_err().code(), "forbidden");
        let store = scene.test.store();
        store.transact("test.unbind", |tx| tx.execute("DELETE FROM access_payer", &[])).unwrap();
        assert_eq!(admitted(scene, &shop, &create("faucet")).unwrap_err().code(), "forbidden");
    });
}

#[test]
fn a_payer_that_was_disabled_or_whose_token_was_revoked_is_not_admitted_any_more() {
    on_each_engine(|scene| {
        let shop = payer(scene);
        let Via::Payer { token, .. } = shop.via.clone() else { panic!("{shop:?}") };
        scene.write(|tx, now| revoke_token(tx, &By::new(&scene.root, now), token)).unwrap();
        assert_eq!(admitted(scene, &shop, &create("faucet")), Err(Rejection::Unauthorized));
        let again = scene.token_for(&scene.root, "shop", None).unwrap();
        let shop = scene.sign_in(again.secret.reveal()).unwrap();
        assert_eq!(admitted(scene, &shop, &create("faucet")), Ok(()));
        scene.disable("shop").unwrap();
        assert_eq!(admitted(scene, &shop, &create("faucet")), Err(Rejection::Unauthorized));
    });
}

#[test]
fn a_payer_opens_no_session_and_issues_no_token() {
    on_each_engine(|scene| {
        let shop = payer(scene);
        let opened = scene.open_session(&shop, SessionLimits::default()).unwrap_err();
        assert_eq!(opened.code(), "operator_needed");
        assert_eq!(scene.token_for(&shop, "shop", None).unwrap_err().code(), "forbidden");
    });
}

#[test]
fn an_account_is_a_payers_for_ever_or_never() {
    on_each_engine(|scene| {
        assert_eq!(scene.add("shop", Role::Payer).unwrap_err().code(), "invalid_body");
        for desk in ["", "platform", "Faucet", "a b", &"x".repeat(41)] {
            assert_eq!(add(scene, "shop", desk).unwrap_err().code(), "invalid_body", "{desk:?}");
        }
        let added = add(scene, "shop", "faucet").unwrap();
        assert_eq!(added.event(), "access.operator_added");
        assert!(serde_json::to_string(&added).unwrap().contains(r#""role":"payer","desk":"faucet""#));
        scene.add("ann", Role::Viewer).unwrap();
        for (name, role) in [("shop", Role::Admin), ("ann", Role::Payer)] {
            let changed = scene.write(|tx, now| set_role(tx, &By::new(&scene.root, now), name, role));
            assert_eq!(changed.unwrap_err().code(), "invalid_body", "{name}");
        }
    });
}

/// What both runbooks say to do before a release takes over that does not know the role.
#[test]
fn before_a_rollback_payers_become_disabled_viewers_and_nothing_of_the_role_is_left() {
    let unbind = "DELETE FROM access_payer";
    let rename = "UPDATE access_operator SET role = 'viewer' WHERE role = 'payer'";
    let pages =
        [include_str!("../../../../runbooks/rounds.md"), include_str!("../../../../runbooks/faucet.md")];
    for page in pages.map(|page| page.split_whitespace().collect::<Vec<_>>().join(" ")) {
        let steps =
            ["`bursar operators disable NAME`".to_owned(), format!("`{unbind}`"), format!("`{rename}`")];
        let found = steps.map(|step| page.find(&step).unwrap_or_else(|| panic!("{step}")));
        assert!(found.is_sorted(), "{found:?}");
    }
    on_each_engine(|scene| {
        let shop = payer(scene);
        scene.disable("shop").unwrap();
        let store = scene.test.store();
        for sql in [unbind, rename] {
            store.transact("test.by_hand", |tx| tx.batch_execute(sql)).unwrap();
        }
        let listed = store.read("test.list", |tx| operators(tx, "", 10)).unwrap();
        let shown: Vec<_> = listed.iter().map(|one| (one.role, one.enabled, one.desk.as_deref())).collect();
        assert_eq!(shown, [(Role::Viewer, false, None)]);
        assert_eq!(admitted(scene, &shop, &create("faucet")).unwrap_err(), Rejection::Unauthorized);
        assert_eq!(add(scene, "shop", "faucet").unwrap_err(), Rejection::OperatorExists);
        assert!(add(scene, "shop-2", "faucet").is_ok());
    });
}
