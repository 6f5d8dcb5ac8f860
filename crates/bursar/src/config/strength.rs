//! Secrets that are too weak to start with or to rotate to, where a desk's rules say so (F2, A7, A8). Whether one has to be
//! set at all is for its desk to say.

use secrecy::ExposeSecret;

use super::configuration::Configuration;
use super::desks::DeskName;
use super::mode::Mode;
use super::problem::Problem;
use super::registry;

/// Least length of a secret that signs, in bytes.
const BYTES_MIN: usize = 32;
/// Texts that were shipped as examples.
const SHIPPED: [&str; 4] = ["dev-secret", "change-me-dev-secret", "dev-change-me", "change-me"];

type Applies = fn(&Configuration) -> bool;

/// The secrets that have to be strong, and when.
const STRONG: [(&str, Applies); 3] = [
    ("SESSION_SECRET", Configuration::faucet_is_live),
    ("ADMIN_JWT_SECRET", arena_in_production),
    ("BATTLE_SEED_SECRET", arena_in_production),
];

/// The secrets that are weaker than they have to be.
pub(super) fn weak(configuration: &Configuration) -> Vec<Problem> {
    let strict = STRONG.iter().filter(|(_, applies)| applies(configuration));
    strict
        .filter_map(|(name, _)| {
            let secret = configuration.values.secret(name)?.expose_secret();
            let rule = match () {
                () if SHIPPED.contains(&secret.trim()) => "is an example that everybody knows".to_owned(),
                () if secret.len() < BYTES_MIN => format!("is shorter than {BYTES_MIN} bytes"),
                () => return None,
            };
            let desk = registry::variable(name)?.desk;
            Some(Problem::new(desk, *name, rule, "make one with `bursar secrets generate`"))
        })
        .collect()
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
        }
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
}
