//! Secrets that are too weak to start with or to rotate to, where a desk's rules say so (F2, A7, A8). Whether one has to be
//! set at all is for its desk to say.

use secrecy::{ExposeSecret, SecretString};

use super::configuration::Configuration;
use super::desks::{DeskName, Owner};
use super::mode::Mode;
use super::problem::Problem;
use super::registry;

/// Least length of a secret that signs, in bytes.
const BYTES_MIN: usize = 32;
/// Texts that were shipped as examples.
const SHIPPED: [&str; 4] = ["dev-secret", "change-me-dev-secret", "dev-change-me", "change-me"];

type Applies = fn(&Configuration) -> bool;

/// The secrets that have to be strong, and when.
const STRONG: [(&str, Applies); 4] = [
    ("SESSION_SECRET", Configuration::faucet_is_live),
    ("ADMIN_JWT_SECRET", arena_in_production),
    ("BATTLE_SEED_SECRET", arena_in_production),
    // Whoever could forge a delivery could make a shop believe that it was paid out.
    (WEBHOOK_SECRET, always),
];
const WEBHOOK_SECRET: &str = "BURSAR_PAYOUTS_WEBHOOK_SECRET";

/// The secrets that are weaker than they have to be. A predecessor is believed as well, so it must be as strong.
pub(super) fn weak(configuration: &Configuration) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, _) in STRONG.iter().filter(|(_, applies)| applies(configuration)) {
        let Some(secret) = configuration.values.caller_secret(name) else { continue };
        let Some(desk) = registry::variable(name).map(|variable| variable.desk) else { continue };
        if let Some(rule) = weakness(&secret.current) {
            problems.push(Problem::new(desk, *name, rule, "make one with `bursar secrets generate`"));
        }
        if let Some(rule) = secret.previous.as_ref().and_then(weakness) {
            let fix = "remove it: whoever has its sessions signs in again";
            problems.push(Problem::new(desk, format!("{name}_PREVIOUS"), rule, fix));
        }
    }
    problems
}

fn weakness(secret: &SecretString) -> Option<String> {
    let secret = secret.expose_secret();
    match () {
        () if SHIPPED.contains(&secret.trim()) => Some("is an example that everybody knows".to_owned()),
        () if secret.len() < BYTES_MIN => Some(format!("is shorter than {BYTES_MIN} bytes")),
        () => None,
    }
}

/// Nothing is told of payouts without a signature.
pub(super) fn unsigned(configuration: &Configuration) -> Option<Problem> {
    let is_set = |name: &str| configuration.values.secret(name).is_some();
    let is_unsigned = is_set("BURSAR_PAYOUTS_WEBHOOK_URL") && !is_set(WEBHOOK_SECRET);
    let rule = "is not set beside BURSAR_PAYOUTS_WEBHOOK_URL, and nothing is delivered without a signature";
    let fix = "make one with `bursar secrets generate`";
    is_unsigned.then(|| Problem::new(Owner::Platform, WEBHOOK_SECRET, rule, fix))
}

fn always(_: &Configuration) -> bool {
    true
}

fn arena_in_production(configuration: &Configuration) -> bool {
    configuration.mode == Mode::Production && configuration.runs(DeskName::Arena)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused, refused_names};

    const LIVE: (&str, &str) = ("P2S_DRY_RUN", "false");
    const STRONG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn f2_a_live_faucet_refuses_a_shipped_or_short_session_secret() {
        for (weak, rule) in [
            ("dev-secret", "is an example that everybody knows"),
            ("change-me-dev-secret", "is an example that everybody knows"),
            (&STRONG[1..], "is shorter than 32 bytes"),
        ] {
            let errors = refused(&[LIVE, ("SESSION_SECRET", weak)]);
            assert_eq!(errors.problems[0].variable, "SESSION_SECRET");
            assert_eq!(errors.problems[0].rule, rule);
            accepted(&[("SESSION_SECRET", weak)]);
            let previous = ("SESSION_SECRET_PREVIOUS", weak);
            let errors = refused(&[LIVE, ("SESSION_SECRET", STRONG), previous]);
            assert_eq!(errors.problems[0].variable, "SESSION_SECRET_PREVIOUS");
            assert_eq!(errors.problems[0].rule, rule);
            accepted(&[("SESSION_SECRET", STRONG), previous]);
        }
        accepted(&[LIVE, ("SESSION_SECRET", STRONG), ("SESSION_SECRET_PREVIOUS", &STRONG.replace('0', "9"))]);
        accepted(&[LIVE, ("SESSION_SECRET", STRONG)]);
    }

    #[test]
    fn a7_a8_production_refuses_31_characters_and_takes_32() {
        let base = [("BURSAR_ENV", "production"), ("DATABASE_URL", "sqlite:x")];
        for name in ["ADMIN_JWT_SECRET", "BATTLE_SEED_SECRET"] {
            assert_eq!(refused_names(&[base[0], base[1], (name, &STRONG[1..])]), [name]);
            accepted(&[base[0], base[1], (name, STRONG)]);
            accepted(&[base[0], base[1], (name, "x"), ("BURSAR_DESKS", "rounds")]);
        }
    }

    #[test]
    fn payouts_are_told_of_with_a_strong_secret_or_not_at_all() {
        let url = ("BURSAR_PAYOUTS_WEBHOOK_URL", "https://shop.example/hook");
        let secret = |text: &'static str| ("BURSAR_PAYOUTS_WEBHOOK_SECRET", text);
        assert_eq!(refused_names(&[url]), ["BURSAR_PAYOUTS_WEBHOOK_SECRET"]);
        assert_eq!(refused_names(&[url, secret(&STRONG[1..])]), ["BURSAR_PAYOUTS_WEBHOOK_SECRET"]);
        accepted(&[url, secret(STRONG)]);
        accepted(&[]);
    }
}
