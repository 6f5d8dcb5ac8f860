//! Scrapes of a running server, and what Prometheus makes of them by the rules that come with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::LiveFaucet;

/// Scrapes that are a minute of the rules' time apart.
#[derive(Default)]
pub struct Scrapes {
    /// When the first was made; seconds.
    began_s: i64,
    taken: Vec<BTreeMap<String, String>>,
}

impl Scrapes {
    /// Scrapes now.
    pub fn take(&mut self, faucet: &LiveFaucet) {
        if self.taken.is_empty() {
            self.began_s = faucet.server.now_ms() / 1_000;
        }
        let text = faucet.server.get("/metrics").text;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.filter_map(|line| line.rsplit_once(' '));
        self.taken.push(series.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }

    /// Scrapes once a minute for so many minutes.
    pub fn take_for(&mut self, faucet: &LiveFaucet, minutes: u32) {
        for _ in 0..minutes {
            faucet.pass_ms(60_000);
            self.take(faucet);
        }
    }

    /// Whether the alert fires at the newest scrape, as promtool evaluates deploy/prometheus/faucet.rules.yml.
    #[track_caller]
    pub fn fire(&self, alert: &str) -> bool {
        if self.is_result(alert, &json!([{"labels": "{}", "value": 1}])) {
            return true;
        }
        assert!(self.is_result(alert, &json!([])), "promtool cannot tell about {alert}");
        false
    }

    fn is_result(&self, alert: &str, samples: &Value) -> bool {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/faucet.rules.yml");
        let newest = self.taken.len() - 1;
        let expression = format!("max(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}})");
        let test = json!({
            "rule_files": [rules.canonicalize().unwrap()],
            "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m",
                "input_series": self.series(),
                "promql_expr_test": [
                    {"expr": expression, "eval_time": format!("{newest}m"), "exp_samples": samples},
                ],
            }],
        });
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("scraped.yml");
        // JSON is YAML.
        std::fs::write(&file, test.to_string()).unwrap();
        let output = Command::new("promtool").args(["test", "rules"]).arg(&file).output();
        output.expect("promtool, which comes with Prometheus").status.success()
    }

    /// Every series that a rule could look at, with a value per scrape.
    fn series(&self) -> Vec<Value> {
        let names: BTreeSet<&String> = self.taken.iter().flat_map(BTreeMap::keys).collect();
        let wanted = names.into_iter().filter(|name| {
            let bare = name.split('{').next().unwrap_or_default();
            ["faucet_", "payout_", "app_", "flagged_"].iter().any(|prefix| bare.starts_with(prefix))
                || bare == "http_request_duration_seconds_bucket"
        });
        let series = wanted.map(|name| {
            let values = self.taken.iter().map(|scrape| self.value(name, scrape.get(name)));
            json!({"series": name, "values": values.collect::<Vec<_>>().join(" ")})
        });
        series.collect()
    }

    /// promtool's time begins at 0, so moments are told from the first scrape on.
    fn value(&self, name: &str, value: Option<&String>) -> String {
        match value {
            None => "_".to_owned(),
            Some(value) if name.contains("_timestamp_seconds") => {
                (value.parse::<i64>().unwrap() - self.began_s).to_string()
            }
            Some(value) => value.clone(),
        }
    }
}
