//! The files for Prometheus and Grafana say nothing that the server does not (docs/spec/rounds.md R26a to R26c, R50).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bursar_desk::alert::AlertRule;
use bursar_desk::job::{Cadence, Job, Progress};
use bursar_rounds::settle::TreasuryGuard;
use bursar_store::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Server, Tool};
use crate::scene::Scene;

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

/// The rules of all files.
fn rules() -> Vec<Rule> {
    let entries = std::fs::read_dir(deploy("prometheus")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.to_string_lossy().ends_with(".rules.yml"));
    let groups = files.flat_map(|path| {
        let file: RuleFile = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        file.groups
    });
    groups.flat_map(|group| group.rules).collect()
}

/// The rules that the server judges by itself, but those about its jobs.
fn rules_of_server() -> Vec<AlertRule> {
    let mut all = bursar_rounds::watch::rules(TreasuryGuard::Off);
    all.push(bursar_ops::alerts::rules::internal_errors());
    all.extend(bursar_ops::incidents::Figures::new().rules());
    all
}

/// The rule about a job that nobody does.
fn missed() -> AlertRule {
    let job = Job::new("rounds.any", Cadence::every_ms(1), |_| Ok(Progress::Done)).when(|_| Ok(None));
    bursar_ops::alerts::rules::missed("rounds", &job, &Clock::System, Timestamp::from_ms(0)).unwrap()
}

/// The names of series that a server tells, from the types that it declares.
fn told_series(server: &Server) -> BTreeSet<String> {
    let text = server.get("/metrics").text;
    let declared = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let names = declared.flat_map(|(name, kind)| match kind {
        "histogram" => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
        _ => vec![name.to_owned()],
    });
    names.collect()
}

/// The metrics in a query: names that are no function, keyword, label or literal.
fn metrics(query: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut depth = 0;
    for mark in query.chars() {
        match mark {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if depth == 0 => bare.push(mark),
            _ => {}
        }
    }
    // Lists of labels stand after `by` and `on`.
    for word in [" by (", " on (", " by(", " on("] {
        while let Some(at) = bare.find(word) {
            let end = at + bare[at..].find(')').unwrap();
            bare.replace_range(at..=end, " ");
        }
    }
    let mut names = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(at) = rest.find(|mark: char| mark.is_ascii_alphabetic() || mark == '_') {
        let from = &rest[at..];
        let end = from.find(|mark: char| !mark.is_ascii_alphanumeric() && mark != '_' && mark != ':');
        let (name, after) = from.split_at(end.unwrap_or(from.len()));
        if !after.trim_start().starts_with('(') && !matches!(name, "and" | "or" | "unless" | "bool") {
            names.insert(name.to_owned());
        }
        rest = after;
    }
    names
}

#[test]
fn names_are_found_in_queries_and_nothing_else_is() {
    let query = "max by (rule) (increase(a_total{rule=\"x\"}[2m])) > 0 or time() - b / on (c) vector(0)";
    assert_eq!(metrics(query), ["a_total", "b"].map(str::to_owned).into());
}

#[test]
fn r26a_r26b_r26c_every_alert_rule_uses_metrics_that_exist_and_names_its_runbook() {
    let scene = Scene::sqlite();
    let told = told_series(&scene.setup().env("BURSAR_DESKS", "rounds,faucet").start());
    for rule in rules() {
        let used = metrics(&rule.expr);
        assert!(!used.is_empty(), "{} uses no metric", rule.alert);
        let missing: Vec<&String> = used.difference(&told).collect();
        assert!(missing.is_empty(), "{} uses metrics that the server does not tell: {missing:?}", rule.alert);
        assert!(rule.annotations.contains_key("summary"), "{} says nothing", rule.alert);
        assert!(!rule.annotations["runbook"].is_empty(), "{} names no runbook", rule.alert);
        assert!(matches!(rule.labels["severity"].as_str(), "warning" | "critical"), "{}", rule.alert);
    }
}

#[test]
fn r26a_r26b_r26c_each_rule_of_the_server_stands_in_the_file_with_the_same_runbook() {
    let in_file: BTreeMap<String, String> = rules()
        .into_iter()
        .filter_map(|mut rule| Some((rule.labels.remove("rule")?, rule.annotations.remove("runbook")?)))
        .collect();
    let of_server = rules_of_server();
    let pairs = of_server.iter().map(|rule| (rule.id.to_owned(), rule.runbook.to_owned()));
    let jobs = ["missed:rounds.settle", "missed:rounds.alerts"]
        .map(|rule| (rule.to_owned(), "keeper-missed".to_owned()));
    assert_eq!(in_file, pairs.chain(jobs).collect());
}

#[test]
fn every_alert_of_server_and_files_names_a_runbook_that_can_be_shown_and_every_page_is_named_by_one() {
    let tool = Tool::of(&Scene::sqlite().setup());
    let of_rounds = rules_of_server().into_iter().chain([missed()]);
    let of_payouts = bursar_faucet::alert_rules().into_iter().chain(bursar_payouts::alerts());
    let of_server = of_rounds.chain(of_payouts).map(|rule| rule.runbook.to_owned());
    let in_files = rules().into_iter().map(|rule| rule.annotations["runbook"].clone());
    let named: BTreeSet<String> = of_server.chain(in_files).collect();
    for name in &named {
        let shown = tool.run(&["runbook", "show", name]);
        assert!(
            shown.status == 0 && shown.stdout.starts_with(&format!("## {name}: ")),
            "{name}: {}",
            shown.stderr
        );
    }
    let listed = tool.json(&["runbook", "list"])["runbooks"].clone();
    let listed = listed.as_array().unwrap().clone();
    let pages = listed.iter().filter(|one| one["alert"] == true);
    assert_eq!(pages.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), named);
}

#[test]
fn r50_every_panel_of_the_dashboard_uses_metrics_that_exist() {
    let told = told_series(&Scene::sqlite().start());
    let text = std::fs::read_to_string(deploy("grafana/rounds.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 10);
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            let used = metrics(target["expr"].as_str().unwrap());
            assert!(!used.is_empty(), "{}: {target} uses no metric", panel["title"]);
            let missing: Vec<&String> = used.difference(&told).collect();
            assert!(
                missing.is_empty(),
                "{} uses metrics that the server does not tell: {missing:?}",
                panel["title"]
            );
        }
    }
}
