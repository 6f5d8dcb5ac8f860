//! Accounts: who may manage them, and what disabling and demotion do at once.

use std::sync::mpsc;

use bursar_access::{
    Act, Actor, By, Change, Permission, Rejection, Role, ServicePrincipal, SessionLimits, confirm,
    disable_operator, enable_operator, operator_by_name, operators, set_role,
};
use bursar_store::StoreError;
use bursar_test_stores::TestStore;

use crate::scene::{Scene, on_each_engine};

fn change_role(scene: &Scene<'_>, name: &str, role: Role) -> Result<(), Rejection> {
    scene.write(|tx, now| set_role(tx, &By::new(&scene.root, now), name, role)).map(|_| ())
}

#[test]
fn an_added_operator_is_enabled_and_says_who_added_it() {
    on_each_engine(|scene| {
        let done = scene.add("ann", Role::Operator).unwrap();
        let ann = scene.read(|tx, _| Ok(Ok(operator_by_name(tx, "ann")?))).unwrap().unwrap();
        assert!(ann.enabled);
        assert_eq!(
            (ann.role, ann.created_by.as_str(), ann.created_at),
            (Role::Operator, "cli:root", scene.test.now())
        );
        let change =
            Change::OperatorAdded { operator: ann.id, name: "ann".into(), role: Role::Operator, desk: None };
        assert_eq!(done.change, change);
        assert_eq!(done.cleared.actor, scene.root);
    });
}

#[test]
fn a_name_is_given_once_even_after_disabling() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Viewer).unwrap();
        assert_eq!(scene.add("ann", Role::Admin), Err(Rejection::OperatorExists));
        scene.disable("ann").unwrap();
        assert_eq!(scene.add("ann", Role::Admin), Err(Rejection::OperatorExists));
        assert_eq!(scene.add("Ann", Role::Viewer).unwrap_err().code(), "invalid_body");
    });
}

#[test]
fn only_an_admin_of_the_platform_manages_operators() {
    on_each_engine(|scene| {
        let viewer = scene.join("vic", Role::Viewer).actor;
        let operator = scene.join("ola", Role::Operator).actor;
        let service: Actor = ServicePrincipal::new("rounds", "ops-key").into();
        for actor in [&viewer, &operator, &service] {
            let refused =
                scene.write(|tx, now| disable_operator(tx, &By::new(actor, now), "vic")).unwrap_err();
            assert_eq!(refused.code(), "forbidden", "{actor:?}");
        }
        let admin = scene.join("ann", Role::Admin).actor;
        scene.write(|tx, now| disable_operator(tx, &By::new(&admin, now), "vic")).unwrap();
    });
}

#[test]
fn a_disabled_operators_token_and_sessions_die_at_once() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Admin);
        let session = scene.open_session(&ann.actor, SessionLimits::default()).unwrap();
        let done = scene.disable("ann");
        assert_eq!(done, Err(Rejection::LastAdmin));
        scene.join("bob", Role::Admin);
        let done = scene.disable("ann").unwrap();
        let counted = Change::OperatorDisabled {
            operator: ann.actor.operator().unwrap(),
            name: "ann".into(),
            tokens_revoked: 1,
            sessions_ended: 1,
        };
        assert_eq!(done.change, counted);
        assert_eq!(scene.sign_in(&ann.token), Err(Rejection::Unauthorized));
        assert_eq!(scene.visit(session.secret.reveal()), Err(Rejection::Unauthorized));
        assert_eq!(scene.write(|tx, now| confirm(tx, &ann.actor, now)), Err(Rejection::Unauthorized));
    });
}

#[test]
fn enabling_brings_no_credential_back() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        scene.disable("ann").unwrap();
        assert_eq!(scene.token_for(&scene.root, "ann", None).unwrap_err(), Rejection::OperatorDisabled);
        let enable = || scene.write(|tx, now| enable_operator(tx, &By::new(&scene.root, now), "ann"));
        enable().unwrap();
        assert_eq!(enable(), Err(Rejection::NothingToChange));
        assert_eq!(scene.sign_in(&ann.token), Err(Rejection::Unauthorized));
        let fresh = scene.token_for(&scene.root, "ann", None).unwrap();
        assert_eq!(scene.sign_in(fresh.secret.reveal()).unwrap().name, "ann");
    });
}

#[test]
fn an_operator_disabled_by_hand_in_sql_is_out_too() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let session = scene.open_session(&ann.actor, SessionLimits::default()).unwrap();
        let sql = "UPDATE access_operator SET enabled = $1";
        scene.write(|tx, _| Ok(Ok(tx.execute(sql, &[false.into()])?))).unwrap();
        assert_eq!(scene.sign_in(&ann.token), Err(Rejection::Unauthorized));
        assert_eq!(scene.visit(session.secret.reveal()), Err(Rejection::Unauthorized));
    });
}

#[test]
fn a_changed_role_counts_from_the_next_request_on() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Operator);
        let stop = Act {
            action: "switch.stop".into(),
            desk: "rounds".into(),
            subject: "joins".into(),
            payload: String::new(),
            permission: Permission::OperateSwitch,
        };
        scene.perform(&ann.actor, &stop, None).unwrap();
        change_role(scene, "ann", Role::Viewer).unwrap();
        // Known before the demotion, refused after it.
        let refused = scene.perform(&ann.actor, &stop, None);
        assert_eq!(
            refused,
            Err(Rejection::RoleTooLow { role: Role::Viewer, permission: Permission::OperateSwitch })
        );
        assert_eq!(scene.sign_in(&ann.token).unwrap().role, Role::Viewer);
        assert_eq!(change_role(scene, "ann", Role::Viewer), Err(Rejection::NothingToChange));
    });
}

#[test]
fn the_last_enabled_admin_can_be_neither_disabled_nor_demoted() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Admin).unwrap();
        scene.add("bob", Role::Admin).unwrap();
        scene.disable("bob").unwrap();
        assert_eq!(scene.disable("ann"), Err(Rejection::LastAdmin));
        assert_eq!(change_role(scene, "ann", Role::Operator), Err(Rejection::LastAdmin));
        scene.add("cay", Role::Admin).unwrap();
        change_role(scene, "ann", Role::Operator).unwrap();
    });
}

#[test]
fn two_admins_who_disable_each_other_at_once_leave_one() {
    on_each_engine(|scene| {
        let (ann, bob) = (scene.join("ann", Role::Admin).actor, scene.join("bob", Role::Admin).actor);
        let strikes = [(&ann, "bob"), (&bob, "ann")];
        let outcomes = scene.at_once(|process, tx, now| {
            let (actor, whom) = strikes[process];
            disable_operator(tx, &By::new(actor, now), whom)
        });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let enabled = scene.read(|tx, _| Ok(Ok(operators(tx, "", 10)?))).unwrap();
        assert_eq!(enabled.iter().filter(|operator| operator.enabled).count(), 1);
    });
}

#[test]
fn nothing_an_operator_does_commits_after_their_disabling() {
    // SQLite has one writer, so the two transactions cannot even overlap there.
    let test = TestStore::with(bursar_store::EngineKind::Postgres, &bursar_access::MIGRATIONS, |_| {});
    let scene =
        Scene { test: &test, root: Actor::cli("root"), entropy: bursar_access::SeededEntropy::new(1) };
    let ann = scene.join("ann", Role::Operator).actor;
    let (other, watcher, now) = (test.another(|_| {}), test.another(|_| {}), test.now());
    let (disabled, was_disabled) = mpsc::channel();
    std::thread::scope(|threads| {
        scene
            .write(|tx, now| {
                confirm(tx, &ann, now)?.unwrap();
                let (other, disabled, root) = (other.clone(), disabled.clone(), scene.root.clone());
                threads.spawn(move || {
                    let work =
                        |tx: &mut bursar_store::Tx<'_>| disable_operator(tx, &By::new(&root, now), "ann");
                    other.transact("test.disable", work).unwrap().unwrap();
                    disabled.send(()).unwrap();
                });
                let is_waiting = || {
                    let sql = "SELECT 1 FROM pg_stat_activity \
                               WHERE datname = current_database() AND wait_event_type = 'Lock'";
                    let read = watcher.read("test.watch", |tx| tx.query_first(sql, &[], |_| Ok(())));
                    Ok::<_, StoreError>(read?.is_some())
                };
                while !is_waiting()? {
                    assert!(was_disabled.try_recv().is_err(), "disabling overtook the confirmed write");
                }
                Ok(Ok(()))
            })
            .unwrap();
        was_disabled.recv().unwrap();
    });
    let late = test.store().transact("test.late", |tx| confirm(tx, &ann, now)).unwrap();
    assert_eq!(late, Err(Rejection::Unauthorized));
}

#[test]
fn operators_are_listed_by_name_page_by_page() {
    on_each_engine(|scene| {
        for name in ["cay", "ann", "bob", "b-b"] {
            scene.add(name, Role::Viewer).unwrap();
        }
        let page = |after: &str| -> Vec<String> {
            let found = scene.read(|tx, _| Ok(Ok(operators(tx, after, 2)?))).unwrap();
            found.into_iter().map(|operator| operator.name).collect()
        };
        assert_eq!(page(""), ["ann", "b-b"]);
        assert_eq!(page("b-b"), ["bob", "cay"]);
        assert_eq!(page("cay"), [""; 0]);
    });
}

#[test]
fn a_role_mistyped_in_sql_gives_no_right_at_all() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let store = scene.test.store();
        store
            .transact("test.typo", |tx| tx.execute("UPDATE access_operator SET role = 'Admin'", &[]))
            .unwrap();
        let now = scene.test.now();
        let read = store.read("test.read", |tx| bursar_access::authenticate_token(tx, &ann.token, now));
        assert!(matches!(read, Err(StoreError::Decode(_))), "{read:?}");
    });
}
