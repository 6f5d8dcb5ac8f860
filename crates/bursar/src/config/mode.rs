//! The mode: dev, test or production, from three markers that may not contradict each other (V4).

use std::fmt;

use super::desks::Owner;
use super::problem::Problem;
use super::values::Values;

/// How strict the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A developer's machine.
    Dev,
    /// A test run.
    Test,
    /// Real money.
    Production,
}

impl Mode {
    /// `dev`, `test` or `production`, as answered by `/config`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Dev => "dev",
            Mode::Test => "test",
            Mode::Production => "production",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `BURSAR_ENV`, else `APP_ENV`, else `NODE_ENV`, else dev. A production marker beside a dev or test one is a
/// problem.
pub(super) fn decide(values: &Values, problems: &mut Vec<Problem>) -> Mode {
    let markers = ["BURSAR_ENV", "APP_ENV", "NODE_ENV"]
        .map(|name| (name, values.value(name).and_then(|text| meaning(name, text))));
    let says = |wanted: fn(Mode) -> bool| {
        markers.iter().filter_map(move |(name, mode)| mode.filter(|mode| wanted(*mode)).map(|_| *name))
    };
    let production: Vec<&str> = says(|mode| mode == Mode::Production).collect();
    for contradicting in says(|mode| mode != Mode::Production) {
        if let Some(first) = production.first() {
            problems.push(Problem::new(
                Owner::Platform,
                contradicting,
                format!("does not say production, while {first} does"),
                format!("remove one of {contradicting} and {first}, or make them agree"),
            ));
        }
    }
    markers.iter().find_map(|(_, mode)| *mode).unwrap_or(Mode::Dev)
}

/// What a marker says. Any other `NODE_ENV` says nothing; in the other two markers other words were already
/// refused.
fn meaning(name: &str, text: &str) -> Option<Mode> {
    match (name, text.to_ascii_lowercase().as_str()) {
        (_, "production") | ("APP_ENV", "prod") => Some(Mode::Production),
        (_, "test") => Some(Mode::Test),
        (_, "dev" | "development") => Some(Mode::Dev),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused, refused_names};
    use super::super::{Mode, PendingMigrations};

    #[test]
    fn v4_the_mode_is_bursar_env_else_app_env_else_node_env_else_dev() {
        for (environment, mode) in [
            (&[][..], Mode::Dev),
            (&[("NODE_ENV", "production")], Mode::Production),
            (&[("NODE_ENV", "test")], Mode::Test),
            (&[("NODE_ENV", "development")], Mode::Dev),
            (&[("NODE_ENV", "staging")], Mode::Dev),
            (&[("NODE_ENV", "prod")], Mode::Dev),
            (&[("APP_ENV", " Prod ")], Mode::Production),
            (&[("APP_ENV", "production")], Mode::Production),
            (&[("APP_ENV", "")], Mode::Dev),
            (&[("APP_ENV", "test"), ("NODE_ENV", "development")], Mode::Test),
            (&[("BURSAR_ENV", "dev"), ("APP_ENV", "test")], Mode::Dev),
            (&[("BURSAR_ENV", "production"), ("NODE_ENV", "production")], Mode::Production),
            (&[("SERVER_NAME", "prod"), ("BURSAR_ENV", "test")], Mode::Test),
        ] {
            assert_eq!(accepted(environment).mode, mode, "{environment:?}");
        }
    }

    #[test]
    fn v4_an_unknown_marker_is_refused() {
        assert_eq!(refused_names(&[("APP_ENV", "staging")]), ["APP_ENV"]);
        assert_eq!(refused_names(&[("APP_ENV", "development")]), ["APP_ENV"]);
        assert_eq!(refused_names(&[("BURSAR_ENV", "prod")]), ["BURSAR_ENV"]);
    }

    #[test]
    fn v4_a_production_marker_beside_a_dev_or_test_one_is_refused() {
        for (environment, contradicting) in [
            ([("BURSAR_ENV", "production"), ("APP_ENV", "dev")], "APP_ENV"),
            ([("BURSAR_ENV", "dev"), ("APP_ENV", "prod")], "BURSAR_ENV"),
            ([("APP_ENV", "test"), ("NODE_ENV", "production")], "APP_ENV"),
            ([("BURSAR_ENV", "production"), ("NODE_ENV", "development")], "NODE_ENV"),
            ([("BURSAR_ENV", "test"), ("NODE_ENV", "production")], "BURSAR_ENV"),
        ] {
            let errors = refused(&environment);
            let found: Vec<_> = errors
                .problems
                .iter()
                .filter(|problem| problem.rule.starts_with("does not say production"))
                .collect();
            assert_eq!(found.len(), 1, "{environment:?}: {errors}");
            assert_eq!(found[0].variable, contradicting, "{environment:?}");
        }
    }

    #[test]
    fn v6_dev_migrates_by_itself_and_so_does_every_mode_that_bursar_env_did_not_name_but_production() {
        for (environment, automatic) in [
            (&[][..], true),
            (&[("BURSAR_ENV", "dev")], true),
            (&[("APP_ENV", "test")], true),
            (&[("NODE_ENV", "test")], true),
            (&[("BURSAR_ENV", "test")], false),
            (&[("BURSAR_ENV", "test"), ("APP_ENV", "dev")], false),
            (&[("BURSAR_ENV", "production")], false),
            (&[("NODE_ENV", "production")], false),
            (&[("BURSAR_ENV", "test"), ("PAY2SLAY_AUTO_MIGRATE", "1")], true),
            (&[("BURSAR_ENV", "production"), ("PAY2SLAY_AUTO_MIGRATE", "1")], true),
            (&[("BURSAR_ENV", "test"), ("PAY2SLAY_AUTO_MIGRATE", "0")], false),
        ] {
            assert_eq!(accepted(environment).auto_migrate, automatic, "{environment:?}");
        }
    }

    #[test]
    fn v6_pending_migrations_wait_in_test_and_stop_production_and_a_live_faucet() {
        let pending = |environment: &[(&str, &str)]| accepted(environment).pending_migrations();
        assert_eq!(pending(&[("BURSAR_ENV", "dev")]), PendingMigrations::Apply);
        assert_eq!(pending(&[("BURSAR_ENV", "test")]), PendingMigrations::ServeNotReady);
        assert_eq!(pending(&[("BURSAR_ENV", "test"), ("P2S_DRY_RUN", "off")]), PendingMigrations::Refuse);
        assert_eq!(pending(&[("BURSAR_ENV", "production")]), PendingMigrations::Refuse);
        let other_desk = [("BURSAR_ENV", "test"), ("P2S_DRY_RUN", "off"), ("BURSAR_DESKS", "rounds")];
        assert_eq!(pending(&other_desk), PendingMigrations::ServeNotReady);
    }
}
