//! Overdue timers raise alerts and show in the metrics.

use std::sync::Arc;

use bursar_audit::{EventFilter, Level, StoredEvent, events};
use bursar_control::{ConfigTable, settings as live};
use bursar_desk::incident::{Act, Class, News};
use bursar_ops::alerts::Evaluator;
use bursar_ops::incidents::{Figures, settings};
use bursar_store::Timestamp;
use bursar_test_stores::{START_MS, TestStore};
use bursar_web::metrics::{Format, Registry};
use serde_json::Value;

use crate::rooms::{MINUTE, act, on_each_engine, open, recorder};

const HOUR: i64 = 60 * MINUTE;

struct Watch<'a> {
    test: &'a TestStore,
    evaluator: Evaluator,
    metrics: Arc<Registry>,
}

fn watch(test: &TestStore) -> Watch<'_> {
    let (figures, metrics) = (Figures::new(), Arc::new(Registry::new()));
    figures.register(&metrics).unwrap();
    Watch { test, evaluator: Evaluator::new(test.store(), recorder(), figures.rules()), metrics }
}

impl Watch<'_> {
    /// Names of the alerts that are raised or ended at this instant.
    fn at(&self, ms: i64) -> Vec<String> {
        let before = self.told().len();
        self.test.set_time(Timestamp::from_ms(START_MS + ms));
        self.evaluator.tell().unwrap();
        self.told().split_off(before).into_iter().map(|event| event.event).collect()
    }

    fn told(&self) -> Vec<StoredEvent> {
        let filter = EventFilter { event_prefix: Some("ops.".to_owned()), ..EventFilter::default() };
        self.test.store().read("test.told", |tx| events(tx, &filter)).unwrap()
    }

    fn metric(&self, series: &str) -> Option<String> {
        let text = self.metrics.render(Format::Text);
        let line = text.lines().find(|line| line.split(' ').next() == Some(series))?;
        line.split(' ').nth(1).map(str::to_owned)
    }
}

#[test]
fn nobody_answers_for_15_minutes_and_it_is_called_each_minute_until_somebody_does() {
    on_each_engine(|test| {
        let watch = watch(test);
        let id = open(test, "faucet", Class::S2, "Payouts are slow.");
        assert_eq!(watch.at(15 * MINUTE - 1), [""; 0]);
        assert_eq!(watch.at(15 * MINUTE), ["ops.incident_unanswered"]);
        assert_eq!(watch.at(16 * MINUTE - 1), [""; 0]);
        assert_eq!(watch.at(16 * MINUTE), ["ops.incident_unanswered"]);
        let event = &watch.told()[0];
        assert_eq!((event.level, event.target_id.as_str()), (Level::Error, "incident_respond"));
        let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!((&payload["runbook"], &payload["value"]), (&"incident-overdue".into(), &1.into()));
        let named = &payload["incidents"][0];
        assert_eq!(
            [&named["incident"], &named["desk"], &named["class"], &named["overdueMs"]],
            [&Value::from(id), &"faucet".into(), &"S2".into(), &0.into()]
        );
        act(test, id, &Act::Acknowledge { note: String::new() });
        assert_eq!(watch.at(17 * MINUTE), ["ops.alert_resolved"]);
    });
}

#[test]
fn users_who_hear_nothing_for_15_minutes_or_then_for_2_hours_are_an_alert() {
    on_each_engine(|test| {
        let watch = watch(test);
        let id = open(test, "faucet", Class::P1, "");
        act(test, id, &Act::Acknowledge { note: String::new() });
        assert_eq!(watch.at(15 * MINUTE), ["ops.incident_silent"]);
        let words = |text: &str| News { message: Some(text.to_owned()), ..News::default() };
        act(test, id, &Act::Update(words("Payouts are slow.")));
        assert_eq!(watch.at(16 * MINUTE), ["ops.alert_resolved"]);
        act(test, id, &Act::Update(News { note: "for operators".to_owned(), ..News::default() }));
        assert_eq!(watch.at(15 * MINUTE + 2 * HOUR - 1), [""; 0]);
        assert_eq!(watch.at(15 * MINUTE + 2 * HOUR), ["ops.incident_silent"]);
    });
}

#[test]
fn a_resolved_incident_without_a_review_is_an_alert_at_24_hours() {
    on_each_engine(|test| {
        let watch = watch(test);
        let [id, cosmetic] = [Class::S3, Class::P3].map(|class| open(test, "faucet", class, ""));
        act(test, id, &Act::Resolve { note: "over".to_owned() });
        act(test, cosmetic, &Act::Resolve { note: "over".to_owned() });
        assert_eq!(watch.at(24 * HOUR - 1), [""; 0]);
        assert_eq!(watch.at(24 * HOUR), ["ops.incident_unreviewed"]);
        act(test, id, &Act::Review { text: "a second node".to_owned() });
        assert_eq!(watch.at(24 * HOUR + 1), ["ops.alert_resolved"]);
    });
}

#[test]
fn metrics_show_how_many_are_open_by_class_and_overdue_by_timer_once_they_are_measured() {
    on_each_engine(|test| {
        let watch = watch(test);
        assert_eq!(watch.metric("bursar_incidents_open{class=\"P1\"}"), None, "nobody has looked yet");
        for class in [Class::P1, Class::P1, Class::S1] {
            open(test, "faucet", class, "Payouts are slow.");
        }
        test.set_time(Timestamp::from_ms(START_MS + 15 * MINUTE));
        assert_eq!(watch.evaluator.look().len(), 3);
        let open = ["P0", "P1", "S1"]
            .map(|class| watch.metric(&format!("bursar_incidents_open{{class=\"{class}\"}}")).unwrap());
        assert_eq!(open, ["0", "2", "1"]);
        let overdue = ["respond", "communicate", "review"]
            .map(|timer| watch.metric(&format!("bursar_incident_overdue{{timer=\"{timer}\"}}")).unwrap());
        assert_eq!(overdue, ["3", "0", "0"]);
    });
}

#[test]
fn limits_are_live_settings() {
    on_each_engine(|test| {
        let watch = watch(test);
        open(test, "faucet", Class::P1, "Payouts are slow.");
        let respond =
            settings().into_iter().find(|setting| setting.key == "incident_respond_minutes").unwrap();
        test.store()
            .transact("test.setting", |tx| {
                let now = tx.reading()?;
                live::seed(tx, ConfigTable::PLATFORM, &[(respond.key, "15".to_owned(), "", false)], now)?;
                live::change(tx, ConfigTable::PLATFORM, respond, 2, ("ann", "test"), now)
            })
            .unwrap();
        assert_eq!(
            (watch.at(2 * MINUTE - 1), watch.at(2 * MINUTE)),
            (vec![], vec!["ops.incident_unanswered".to_owned()])
        );
    });
}
