//! The first admin: one token, one exchange, one admin.

use bursar_access::{
    BOOTSTRAP_LIFETIME_MS, Change, FirstAdmin, OneTimeToken, OsEntropy, Rejection, Role, bootstrap,
    exchange_bootstrap, operators, replace_bootstrap,
};

use crate::scene::{Scene, on_each_engine};

fn start(scene: &Scene<'_>) -> Option<OneTimeToken> {
    scene.write(|tx, now| Ok(Ok(bootstrap(tx, &scene.entropy, now)?))).unwrap()
}

fn exchange(scene: &Scene<'_>, token: &str, name: &str) -> Result<FirstAdmin, Rejection> {
    scene.write(|tx, now| exchange_bootstrap(tx, &scene.entropy, token, name, now))
}

#[test]
fn the_one_time_token_makes_the_first_admin_once() {
    on_each_engine(|scene| {
        let token = start(scene).unwrap();
        assert_eq!(token.expires_at, scene.test.now().after_ms(86_400_000));
        let first = exchange(scene, token.secret.reveal(), "ann").unwrap();
        assert_eq!((first.operator.role, first.operator.created_by.as_str()), (Role::Admin, "bootstrap"));
        assert!(
            matches!(first.change, Change::BootstrapExchanged { token, .. } if token == first.secret.id())
        );
        assert_eq!(scene.sign_in(first.secret.reveal()).unwrap().name, "ann");
        let again = exchange(scene, token.secret.reveal(), "eve");
        assert_eq!(again.unwrap_err(), Rejection::Unauthorized);
    });
}

#[test]
fn the_one_time_token_is_printed_once_however_often_the_server_starts() {
    on_each_engine(|scene| {
        assert!(start(scene).is_some());
        assert!(start(scene).is_none());
        scene.test.advance_ms(BOOTSTRAP_LIFETIME_MS - 1);
        assert!(start(scene).is_none());
        scene.test.advance_ms(1);
        assert!(start(scene).is_some(), "the first one ran out");
    });
}

#[test]
fn the_one_time_token_is_good_for_24_hours() {
    on_each_engine(|scene| {
        let token = start(scene).unwrap().secret;
        scene.test.advance_ms(86_400_000);
        assert_eq!(exchange(scene, token.reveal(), "ann").unwrap_err(), Rejection::Unauthorized);
        let token = start(scene).unwrap().secret;
        scene.test.advance_ms(86_399_999);
        assert!(exchange(scene, token.reveal(), "ann").is_ok());
    });
}

#[test]
fn a_refused_exchange_leaves_the_token_as_it_was() {
    on_each_engine(|scene| {
        let token = start(scene).unwrap().secret;
        assert_eq!(exchange(scene, token.reveal(), "Not A Name").unwrap_err().code(), "invalid_body");
        let wrong = format!("{}{}", &token.reveal()[..token.reveal().len() - 64], "0".repeat(64));
        assert_eq!(exchange(scene, &wrong, "ann").unwrap_err(), Rejection::Unauthorized);
        assert!(exchange(scene, token.reveal(), "ann").is_ok());
    });
}

#[test]
fn once_there_is_an_operator_there_is_no_bootstrap() {
    on_each_engine(|scene| {
        let token = start(scene).unwrap().secret;
        scene.add("ann", Role::Viewer).unwrap();
        assert_eq!(exchange(scene, token.reveal(), "eve").unwrap_err(), Rejection::Unauthorized);
        assert!(start(scene).is_none());
        assert!(
            scene.write(|tx, now| Ok(Ok(replace_bootstrap(tx, &scene.entropy, now)?))).unwrap().is_none()
        );
    });
}

#[test]
fn replacing_a_lost_token_burns_it() {
    on_each_engine(|scene| {
        let lost = start(scene).unwrap().secret;
        let replace =
            |tx: &mut bursar_store::Tx<'_>, now| Ok(Ok(replace_bootstrap(tx, &scene.entropy, now)?));
        let token = scene.write(replace).unwrap().unwrap().secret;
        assert_eq!(exchange(scene, lost.reveal(), "eve").unwrap_err(), Rejection::Unauthorized);
        assert!(exchange(scene, token.reveal(), "ann").is_ok());
    });
}

#[test]
fn of_two_processes_that_start_at_once_one_prints_a_token() {
    on_each_engine(|scene| {
        let printed = scene.at_once(|_, tx, now| bootstrap(tx, &OsEntropy, now).map(Ok));
        assert_eq!(printed.iter().filter(|token| matches!(token, Ok(Some(_)))).count(), 1);
    });
}

#[test]
fn of_two_exchanges_at_once_one_makes_an_admin() {
    on_each_engine(|scene| {
        let token = start(scene).unwrap().secret;
        let made = scene.at_once(|_, tx, now| exchange_bootstrap(tx, &OsEntropy, token.reveal(), "ann", now));
        assert_eq!(made.iter().filter(|admin| admin.is_ok()).count(), 1);
        assert!(made.iter().any(|admin| matches!(admin, Err(Rejection::Unauthorized))));
        assert_eq!(scene.read(|tx, _| Ok(Ok(operators(tx, "", 5)?))).unwrap().len(), 1);
    });
}
