//! Checking and documenting the configuration (docs/spec/platform.md V5).

use std::collections::BTreeMap;

use bursar::commands::{CommandError, Context, run};
use bursar::config::Source;
use serde_json::{Value, json};

use crate::scene::parse;

fn check(environment: &[(&str, &str)], line: &str) -> Result<Value, CommandError> {
    let owned = environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let environment: BTreeMap<String, String> = owned.collect();
    run(&parse(line).unwrap(), &Context::new(move || Source::new(environment.clone()), "ann"))
}

#[test]
fn v5_the_production_profile_reports_every_failure_at_once() {
    let environment =
        [("BURSAR_ENV", "dev"), ("DEMO_MODE", "true"), ("SETTLE_API_KEY", "a"), ("OPS_API_KEY", "a")];
    let error = check(&environment, "config check").unwrap_err();
    let answer = error.answer();
    let named: Vec<_> = answer["details"].as_array().unwrap().iter().map(|one| one["var"].clone()).collect();
    assert_eq!(named, ["DATABASE_URL", "OPS_API_KEY", "DEMO_MODE"]);
    assert_eq!((&answer["ok"], &answer["env"]), (&json!(false), &json!("production")));
    let report = error.to_string();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!((lines[0], lines[4]), ("Production readiness checks failed:", "PROD_READINESS_FAILED"));
    let machine: Value = serde_json::from_str(lines[5]).unwrap();
    assert_eq!(machine["details"], answer["details"]);
}

#[test]
fn v5_what_does_not_parse_is_reported_with_the_rest() {
    let environment = [("PANCHO_PAUSE_JOINS", "ON"), ("BURSAR_DESKS", "rounds")];
    let answer = check(&environment, "check-config").unwrap_err().answer();
    let named: Vec<_> = answer["details"].as_array().unwrap().iter().map(|one| one["var"].clone()).collect();
    assert_eq!(named, ["DATABASE_URL", "PANCHO_PAUSE_JOINS"]);
}

#[test]
fn v5_another_profile_can_be_checked() {
    for profile in ["dev", "test"] {
        let answer = check(&[], &format!("config check --env {profile}")).unwrap();
        assert_eq!(answer, json!({"ok": true, "env": profile, "details": [], "warnings": []}));
    }
    let error = check(&[("PORT", "many")], "config check --env dev").unwrap_err();
    assert_eq!(error.answer()["details"][0]["var"], "PORT");
    assert!(error.to_string().starts_with("The configuration is refused:"));
}

#[test]
fn a_sound_configuration_passes_and_its_warnings_are_told() {
    let environment =
        [("DATABASE_URL", "sqlite:/data/b.db"), ("BURSAR_DESKS", "rounds"), ("REDIS_URL", "redis://x")];
    let answer = check(&environment, "config check").unwrap();
    assert_eq!((&answer["ok"], &answer["warnings"][0]["var"]), (&json!(true), &json!("REDIS_URL")));
}

#[test]
fn the_settings_are_documented_as_markdown() {
    let page = check(&[], "config docs").unwrap();
    assert!(
        page.as_str().unwrap().starts_with("# Settings")
            && page.as_str().unwrap().contains("| `OPS_API_KEY` |")
    );
}
