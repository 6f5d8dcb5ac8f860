//! Live settings (docs/spec/rounds.md R27, R30; docs/spec/platform.md V7, B3).

use bursar_control::{ConfigTable, settings};
use bursar_rounds::settings::{STAKE_MAX, all};
use serde_json::json;

use crate::scene::{on_each_engine, parse};

#[test]
fn every_setting_is_listed_with_its_bounds_and_where_its_value_comes_from() {
    on_each_engine(|scene| {
        let keys = |line: &str| -> Vec<String> {
            let listed = scene.yes(line)["settings"].clone();
            let name = |one: &serde_json::Value| format!("{}.{}", one["desk"], one["key"]).replace('"', "");
            listed.as_array().unwrap().iter().map(name).collect()
        };
        let of_rounds: Vec<String> = all().iter().map(|setting| format!("rounds.{}", setting.key)).collect();
        let of_platform = keys("settings list --desk platform");
        for key in ["rl_page_ip_limit", "alert_internal_errors", "alert_missed_intervals", "rollup_days"] {
            assert!(of_platform.contains(&format!("platform.{key}")), "{key} in {of_platform:?}");
        }
        assert_eq!(keys("settings list --desk rounds"), of_rounds);
        let every = [of_platform, of_rounds].concat();
        assert_eq!((keys("settings list"), keys("settings get")), (every.clone(), every));
        let one = scene.yes("settings get stake_max_bucks")["setting"].clone();
        assert_eq!((&one["value"], &one["min"], &one["max"]), (&json!(250), &json!(5), &json!(250)));
        assert_eq!((&one["source"], &one["variable"]), (&json!("default"), &json!("PANCHO_MAX_STAKE_TIER")));
    });
}

#[test]
fn r27_a_change_holds_from_the_next_reading_on_and_shows_old_and_new() {
    on_each_engine(|scene| {
        let answer = scene.yes("settings set stake_max_bucks 25 --reason canary");
        assert_eq!((&answer["old"], &answer["new"]), (&json!("250"), &json!("25")));
        let answer = scene.yes("settings set stake_max_bucks 100 --reason wider");
        assert_eq!((&answer["old"], &answer["new"]), (&json!("25"), &json!("100")));
        let read = |tx: &mut bursar_store::Tx<'_>| settings::values(tx, ConfigTable::ROUNDS, &[STAKE_MAX]);
        let values = scene.test.store().read("test.values", read).unwrap();
        assert_eq!(values.get("stake_max_bucks"), Some(&100));
        let shown = scene.yes("settings get stake_max_bucks")["setting"].clone();
        assert_eq!((&shown["value"], &shown["source"]), (&json!(100), &json!("operator")));
        assert!(scene.words().contains("was 25 and is 100"), "{}", scene.words());
    });
}

#[test]
fn r30_each_change_is_audited_with_its_old_and_new_value() {
    on_each_engine(|scene| {
        scene.yes("settings set sim_settle_limit 2 --reason drill --actor bea");
        let [event] = &scene.events()[..] else { panic!("one event") };
        let payload: serde_json::Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!((event.event.as_str(), event.actor.as_str()), ("control.setting_changed", "cli:bea"));
        assert_eq!((&payload["old"], &payload["new"]), (&json!("300"), &json!("2")));
        assert_eq!(payload["reason"], "drill");
    });
}

#[test]
fn a_value_out_of_bounds_is_refused_by_name_and_changes_nothing() {
    on_each_engine(|scene| {
        for bad in ["4", "251", "ten", "1e2", "2.5"] {
            let (answer, why) = scene.no(&format!("settings set stake_max_bucks {bad} --reason x"));
            assert_eq!(answer["code"], "setting_out_of_range");
            assert!(why.starts_with("stake_max_bucks takes a whole number from 5 to 250"), "{why}");
        }
        assert_eq!(scene.no("settings set stake 5 --reason x").0["code"], "setting_not_found");
        assert_eq!(scene.no("settings get stake").0["code"], "setting_not_found");
        assert_eq!(scene.events(), []);
    });
}

#[test]
fn nobody_changes_a_setting_without_a_reason() {
    assert!(parse("settings set stake_max_bucks 25").is_err());
}

#[test]
fn a_setting_of_the_platform_is_changed_by_name_within_its_bounds_and_audited() {
    on_each_engine(|scene| {
        let answer = scene.yes("settings set alert_missed_intervals 5 --reason night");
        assert_eq!(
            (&answer["desk"], &answer["old"], &answer["new"]),
            (&json!("platform"), &json!("2"), &json!("5"))
        );
        let rule = bursar_ops::alerts::rules::settings();
        let read = |tx: &mut bursar_store::Tx<'_>| settings::values(tx, ConfigTable::PLATFORM, &rule);
        assert_eq!(scene.test.store().read("test.values", read).unwrap()["alert_missed_intervals"], 5);
        let (answer, why) = scene.no("settings set rl_page_ip_limit 10000001 --reason x");
        assert_eq!(answer["code"], "setting_out_of_range");
        assert!(why.starts_with("rl_page_ip_limit takes a whole number from 0 to 10000000"), "{why}");
        let [event] = &scene.events()[..] else { panic!("one event") };
        assert_eq!((event.event.as_str(), event.desk.as_str()), ("control.setting_changed", "platform"));
    });
}

#[test]
fn v7_an_unset_setting_follows_its_variable_and_its_default_again() {
    on_each_engine(|scene| {
        scene.yes("settings set stake_max_bucks 25 --reason canary");
        let answer = scene.yes("settings unset stake_max_bucks --reason over");
        assert_eq!((&answer["old"], &answer["new"]), (&json!("25"), &json!("250")));
        let shown = || scene.yes("settings get stake_max_bucks")["setting"].clone();
        assert_eq!((&shown()["value"], &shown()["source"]), (&json!(250), &json!("default")));
        scene.yes("settings set stake_max_bucks 25 --reason canary");
        let variable = [("PANCHO_MAX_STAKE_TIER", "100")];
        let answer = scene.run_with(&variable, "settings unset stake_max_bucks --reason over").unwrap();
        assert_eq!(answer["new"], "100");
        assert_eq!((&shown()["value"], &shown()["source"]), (&json!(100), &json!("environment")));
        assert_eq!(scene.events().len(), 4, "each change once");
        assert!(scene.words().contains("follows PANCHO_MAX_STAKE_TIER again: 100"), "{}", scene.words());
    });
}

#[test]
fn an_unset_that_changes_no_value_is_audited_as_well() {
    on_each_engine(|scene| {
        scene.yes("settings set stake_max_bucks 250 --reason fixed");
        scene.yes("settings unset stake_max_bucks --reason over --actor bea");
        let names: Vec<_> = scene.events().into_iter().map(|event| (event.event, event.actor)).collect();
        assert_eq!(names, [("control.setting_unset".to_owned(), "cli:bea".to_owned())]);
        scene.yes("settings unset stake_max_bucks --reason again");
        assert_eq!(scene.events().len(), 1, "nothing was changed");
    });
}

#[test]
fn a_desk_that_there_is_not_is_refused_with_the_names_of_those_there_are() {
    on_each_engine(|scene| {
        let (answer, why) = scene.no("settings list --desk casino");
        assert_eq!(answer["code"], "usage");
        assert!(why.contains("platform, rounds"), "{why}");
        assert_eq!(scene.no("settings get stake_max_bucks --desk platform").0["code"], "setting_not_found");
    });
}

#[test]
fn no_setting_is_unset_without_a_reason() {
    assert!(parse("settings unset stake_max_bucks").is_err());
}
