//! Sessions: opened with a token, over when idle, old, signed out, or when their token or operator is.

use bursar_access::{
    Actor, By, Rejection, Role, ServicePrincipal, SessionLimits, Via, end_session, purge_sessions,
    sessions_of,
};

use crate::scene::on_each_engine;

const MINUTE_MS: i64 = 60_000;
const LIMITS: SessionLimits = SessionLimits { idle_ms: 10 * MINUTE_MS, absolute_ms: 30 * MINUTE_MS };

#[test]
fn a_session_ends_after_its_idle_time() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let session = scene.open_session(&ann.actor, LIMITS).unwrap().secret;
        scene.test.advance_ms(LIMITS.idle_ms - 1);
        assert_eq!(scene.visit(session.reveal()).unwrap().name, "ann");
        scene.test.advance_ms(LIMITS.idle_ms - 1);
        assert!(scene.visit(session.reveal()).is_ok());
        scene.test.advance_ms(LIMITS.idle_ms);
        assert_eq!(scene.visit(session.reveal()), Err(Rejection::Unauthorized));
    });
}

#[test]
fn a_session_ends_after_its_absolute_time_however_much_it_is_used() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let session = scene.open_session(&ann.actor, LIMITS).unwrap().secret;
        for _ in 1..6 {
            scene.test.advance_ms(5 * MINUTE_MS);
            assert!(scene.visit(session.reveal()).is_ok());
        }
        scene.test.advance_ms(5 * MINUTE_MS - 1);
        assert!(scene.visit(session.reveal()).is_ok());
        scene.test.advance_ms(1);
        assert_eq!(scene.visit(session.reveal()), Err(Rejection::Unauthorized));
    });
}

#[test]
fn a_session_ends_no_later_than_the_token_it_was_opened_with() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Viewer).unwrap();
        let expires_at = scene.test.now().after_ms(MINUTE_MS);
        let token = scene.token_for(&scene.root, "ann", Some(expires_at)).unwrap().secret;
        let session = scene.open_session(&scene.person(token.reveal()).actor, LIMITS).unwrap().secret;
        scene.test.advance_ms(MINUTE_MS - 1);
        assert!(scene.visit(session.reveal()).is_ok());
        scene.test.advance_ms(1);
        assert_eq!(scene.visit(session.reveal()), Err(Rejection::Unauthorized));
    });
}

#[test]
fn only_a_token_opens_a_session() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Admin);
        let session = scene.open_session(&ann.actor, LIMITS).unwrap().secret;
        let visitor = scene.visit(session.reveal()).unwrap();
        assert!(matches!(visitor.via, Via::Session { session: id, .. } if id == session.id()));
        let service: Actor = ServicePrincipal::new("rounds", "ops-key").into();
        for actor in [&visitor, &service, &scene.root] {
            assert_eq!(scene.open_session(actor, LIMITS).unwrap_err(), Rejection::TokenNeeded);
        }
        assert_eq!(scene.sign_in(session.reveal()), Err(Rejection::Unauthorized));
        assert_eq!(scene.visit(&ann.token), Err(Rejection::Unauthorized));
    });
}

#[test]
fn people_sign_out_and_only_an_admin_ends_the_sessions_of_others() {
    on_each_engine(|scene| {
        let (ann, ola) = (scene.join("ann", Role::Admin).actor, scene.join("ola", Role::Operator).actor);
        let open = |actor| scene.open_session(actor, LIMITS).unwrap().secret;
        let end = |by: &Actor, id| scene.write(|tx, now| end_session(tx, &By::new(by, now), id)).map(|_| ());
        let (anns, olas, olas_second) = (open(&ann), open(&ola), open(&ola));
        assert_eq!(end(&ola, anns.id()).unwrap_err().code(), "forbidden");
        let visitor = scene.visit(olas.reveal()).unwrap();
        end(&visitor, olas.id()).unwrap();
        assert_eq!(scene.visit(olas.reveal()), Err(Rejection::Unauthorized));
        end(&ann, olas_second.id()).unwrap();
        assert_eq!(scene.visit(olas_second.reveal()), Err(Rejection::Unauthorized));
        assert_eq!(end(&ann, olas.id()), Err(Rejection::CredentialUnknown));
        assert!(scene.visit(anns.reveal()).is_ok());
    });
}

#[test]
fn sessions_past_their_end_can_be_purged() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer).actor;
        let session = scene.open_session(&ann, LIMITS).unwrap().secret;
        let operator = ann.operator().unwrap();
        let purge =
            || scene.test.store().transact("test.purge", |tx| purge_sessions(tx, scene.test.now())).unwrap();
        let listed = || scene.read(|tx, _| Ok(Ok(sessions_of(tx, operator, 5)?))).unwrap();
        scene.test.advance_ms(LIMITS.absolute_ms);
        assert_eq!(purge(), 0);
        assert_eq!(listed()[0].id, session.id());
        scene.test.advance_ms(1);
        assert_eq!(purge(), 1);
        assert_eq!(listed(), []);
    });
}
