//! Tokens: what they prove, when they stop, and who may issue and revoke them.

use bursar_access::{
    By, Change, CredentialId, Rejection, Role, ServicePrincipal, SessionLimits, TOKENS_PER_OPERATOR_MAX,
    TokenOrder, Via, authenticate_token, issue_token, revoke_token, tokens_of,
};

use crate::scene::{Scene, on_each_engine};

fn revoke(scene: &Scene<'_>, by: &bursar_access::Actor, id: CredentialId) -> Result<Change, Rejection> {
    scene.write(|tx, now| revoke_token(tx, &By::new(by, now), id)).map(|done| done.change)
}

#[test]
fn a_token_says_whose_it_is() {
    on_each_engine(|scene| {
        let issued = {
            scene.add("ann", Role::Operator).unwrap();
            scene.token_for(&scene.root, "ann", None).unwrap()
        };
        let actor = scene.sign_in(issued.secret.reveal()).unwrap();
        assert_eq!((actor.name.as_str(), actor.role), ("ann", Role::Operator));
        assert!(matches!(actor.via, Via::Token { token, .. } if token == issued.secret.id()));
        let Change::TokenIssued { token, label, expires_at_ms: None, .. } = issued.done.change else {
            panic!("{:?}", issued.done.change)
        };
        assert_eq!((token, label.as_str()), (issued.secret.id(), "test"));
    });
}

#[test]
fn every_token_that_is_no_good_gets_the_same_answer() {
    on_each_engine(|scene| {
        let [disabled, revoked, good] = ["dan", "rob", "gil"].map(|name| scene.join(name, Role::Viewer));
        scene.disable("dan").unwrap();
        revoke(scene, &scene.root, revoked.token_id()).unwrap();
        let soon = scene.test.now().after_ms(1);
        let expired = scene.token_for(&scene.root, "gil", Some(soon)).unwrap();
        scene.test.advance_ms(1);
        let session = scene.open_session(&good.actor, SessionLimits::default()).unwrap();
        let unknown = format!("bur_{}_{}", "0".repeat(16), "0".repeat(64));
        let other_secret = format!("{}{}", &good.token[..good.token.len() - 64], &revoked.token[21..]);
        let answers = [
            disabled.token.as_str(),
            &revoked.token,
            expired.secret.reveal(),
            session.secret.reveal(),
            &unknown,
            &other_secret,
            "",
            "bur_",
        ]
        .map(|token| scene.sign_in(token).map_err(|refused| refused.to_string()));
        for answer in &answers {
            assert_eq!(*answer, Err(Rejection::Unauthorized.to_string()));
        }
        assert!(scene.sign_in(&good.token).is_ok());
    });
}

#[test]
fn a_token_is_good_until_the_millisecond_before_its_expiry() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Viewer).unwrap();
        let expires_at = scene.test.now().after_ms(1_000);
        let issued = scene.token_for(&scene.root, "ann", Some(expires_at)).unwrap();
        scene.test.advance_ms(999);
        assert!(scene.sign_in(issued.secret.reveal()).is_ok());
        scene.test.advance_ms(1);
        assert_eq!(scene.sign_in(issued.secret.reveal()), Err(Rejection::Unauthorized));
        let past = scene.token_for(&scene.root, "ann", Some(scene.test.now())).unwrap_err();
        assert_eq!(past.code(), "invalid_body");
    });
}

#[test]
fn use_is_stamped_at_most_once_a_minute() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let due = || scene.read(|tx, now| authenticate_token(tx, &ann.token, now)).unwrap().stamp;
        let first = due().unwrap();
        let also_first = due().unwrap();
        assert_eq!(scene.stamp(&[first, also_first]), 1);
        scene.test.advance_ms(59_999);
        assert_eq!(due(), None);
        let at = scene.test.advance_ms(1);
        assert_eq!(scene.stamp(&[due().unwrap(), first]), 1);
        let operator = ann.actor.operator().unwrap();
        let tokens = scene.read(|tx, _| Ok(Ok(tokens_of(tx, operator, 5)?))).unwrap();
        assert_eq!(tokens[0].last_used_at, Some(at));
    });
}

#[test]
fn operators_issue_tokens_for_themselves_and_only_an_admin_for_others() {
    on_each_engine(|scene| {
        let ola = scene.join("ola", Role::Operator).actor;
        scene.add("vic", Role::Viewer).unwrap();
        let own = scene.token_for(&ola, "ola", None).unwrap();
        assert_eq!(scene.sign_in(own.secret.reveal()).unwrap().name, "ola");
        assert_eq!(scene.token_for(&ola, "vic", None).unwrap_err().code(), "forbidden");
        let service = ServicePrincipal::new("rounds", "ola").into();
        assert_eq!(scene.token_for(&service, "ola", None).unwrap_err().code(), "forbidden");
        let ann = scene.join("ann", Role::Admin).actor;
        assert!(scene.token_for(&ann, "vic", None).is_ok());
        assert_eq!(scene.token_for(&ann, "nobody", None).unwrap_err(), Rejection::OperatorUnknown);
    });
}

#[test]
fn a_session_cannot_make_a_token_of_its_own_operator() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Admin);
        let session = scene.open_session(&ann.actor, SessionLimits::default()).unwrap();
        let visitor = scene.visit(session.secret.reveal()).unwrap();
        assert_eq!(scene.token_for(&visitor, "ann", None).unwrap_err(), Rejection::TokenNeeded);
    });
}

#[test]
fn an_operator_has_20_live_tokens_at_most() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        for _ in 1..TOKENS_PER_OPERATOR_MAX {
            scene.token_for(&scene.root, "ann", None).unwrap();
        }
        let full = scene.token_for(&scene.root, "ann", None).unwrap_err();
        assert_eq!(full, Rejection::TooManyTokens { max: 20 });
        revoke(scene, &scene.root, ann.token_id()).unwrap();
        assert!(scene.token_for(&scene.root, "ann", None).is_ok());
    });
}

#[test]
fn a_label_is_short_and_printable() {
    on_each_engine(|scene| {
        scene.add("ann", Role::Viewer).unwrap();
        for label in ["x".repeat(81), "a\nb".to_owned(), "a\0b".to_owned()] {
            let order = TokenOrder { operator: "ann", label: &label, expires_at: None };
            let refused =
                scene.write(|tx, now| issue_token(tx, &By::new(&scene.root, now), &scene.entropy, &order));
            assert_eq!(refused.unwrap_err().code(), "invalid_body");
        }
    });
}

#[test]
fn revoking_a_token_ends_the_sessions_it_opened_and_no_others() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let other = scene.token_for(&scene.root, "ann", None).unwrap();
        let other = scene.person(other.secret.reveal());
        let open = |actor| scene.open_session(actor, SessionLimits::default()).unwrap().secret;
        let (ends, stays) = (open(&ann.actor), open(&other.actor));
        let change = revoke(scene, &ann.actor, ann.token_id()).unwrap();
        let operator = ann.actor.operator().unwrap();
        assert_eq!(change, Change::TokenRevoked { token: ann.token_id(), operator, sessions_ended: 1 });
        assert_eq!(scene.sign_in(&ann.token), Err(Rejection::Unauthorized));
        assert_eq!(scene.visit(ends.reveal()), Err(Rejection::Unauthorized));
        assert!(scene.visit(stays.reveal()).is_ok());
        assert_eq!(revoke(scene, &other.actor, ann.token_id()), Err(Rejection::CredentialUnknown));
    });
}

#[test]
fn operators_revoke_their_own_tokens_and_learn_nothing_of_others() {
    on_each_engine(|scene| {
        let (ola, vic) = (scene.join("ola", Role::Operator), scene.join("vic", Role::Viewer));
        let unknown = CredentialId::parse("00000000000000ff").unwrap();
        let refusals = [vic.token_id(), unknown].map(|id| revoke(scene, &ola.actor, id).unwrap_err());
        assert_eq!(refusals[0], refusals[1]);
        assert_eq!(refusals[0].code(), "forbidden");
        assert!(revoke(scene, &ola.actor, ola.token_id()).is_ok());
        assert_eq!(revoke(scene, &scene.root, unknown), Err(Rejection::CredentialUnknown));
    });
}

#[test]
fn a_token_revoked_by_hand_in_sql_takes_its_sessions_with_it() {
    on_each_engine(|scene| {
        let ann = scene.join("ann", Role::Viewer);
        let session = scene.open_session(&ann.actor, SessionLimits::default()).unwrap().secret;
        let sql = "UPDATE access_token SET revoked_at = $1";
        scene.write(|tx, now| Ok(Ok(tx.execute(sql, &[now.into()])?))).unwrap();
        assert_eq!(scene.sign_in(&ann.token), Err(Rejection::Unauthorized));
        assert_eq!(scene.visit(session.reveal()), Err(Rejection::Unauthorized));
    });
}
