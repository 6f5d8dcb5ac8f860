//! The files for Prometheus and Grafana say nothing that the server does not (docs/spec/rounds.md R26a to R26c, R50).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bursar_rounds::settle::TreasuryGuard;
use serde::Deserialize;
use serde_json::Value;

use crate::harness::Server;
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

fn rules() -> Vec<Rule> {
    let text = std::fs::read_to_string(deploy("prometheus/rounds.rules.yml")).unwrap();
    let file: RuleFile = serde_saphyr::from_str(&text).unwrap();
    file.groups.into_iter().flat_map(|group| group.rules).collect()
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
    let told = told_series(&Scene::sqlite().start());
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
    let mut of_server = bursar_rounds::watch::rules(TreasuryGuard::Off);
    of_server.push(bursar_ops::alerts::rules::internal_errors());
    let pairs = of_server.iter().map(|rule| (rule.id.to_owned(), rule.runbook.to_owned()));
    let jobs = ["missed:rounds.settle", "missed:rounds.alerts"]
        .map(|rule| (rule.to_owned(), "keeper-missed".to_owned()));
    assert_eq!(in_file, pairs.chain(jobs).collect());
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
