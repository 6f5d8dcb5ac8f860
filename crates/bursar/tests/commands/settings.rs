//! Live settings (docs/spec/rounds.md R27, R30; docs/spec/platform.md V7, B3).

use bursar_control::{ConfigTable, settings};
use bursar_rounds::settings::{STAKE_MAX, all};
use serde_json::json;

use crate::scene::{on_each_engine, parse};

#[test]
fn every_setting_is_listed_with_its_bounds_and_where_its_value_comes_from() {
    on_each_engine(|scene| {
        let listed = scene.yes("settings get")["settings"].clone();
        let keys: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["key"].clone()).collect();
        assert_eq!(keys, all().iter().map(|setting| json!(setting.key)).collect::<Vec<_>>());
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
