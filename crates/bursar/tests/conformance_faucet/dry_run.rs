//! The whole cycle in dry-run, under the manual clock.

use serde_json::{Value, json};

use crate::harness::{Place, START_MS, Server, Setup};

const WALLET: &str = "ban_3rrf6cus8pye6o1kzi5n6wwjof8bjb7ff4xcgesi3njxid6x64pms6onw1f9";

/// A dry-run faucet in which each reading finds 7 kills, every 30 seconds.
fn setup(place: &Place) -> Setup {
    Setup::bare(place)
        .env("BURSAR_DESKS", "faucet")
        .env("DEMO_MODE", "1")
        .env("FAUCET_SIM_KILLS", "7")
        .env("P2S_INTERVAL_SECONDS", "30")
        .manual_clock(START_MS)
}

/// Signs the demo player in, links a wallet, and gives the cookie.
fn player(server: &Server) -> String {
    let answer = server.post("/auth/demo-login", &json!({}));
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let link = json!({"banano_address": WALLET}).to_string();
    let linked = server.post_with("/link/wallet", &[("cookie", &cookie)], &link);
    assert_eq!(linked.expect(200)["linked"], true);
    cookie
}

fn mine(server: &Server, cookie: &str, path: &str) -> Value {
    server.get_with(path, &[("cookie", cookie)]).expect(200)
}

fn metric(server: &Server, name: &str) -> String {
    let text = server.get("/metrics").text;
    let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
    line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

fn on_each_engine(test: impl Fn(&Server)) {
    for place in [Place::sqlite(), Place::postgres()] {
        test(&setup(&place).start());
    }
}

#[test]
fn f5_growth_of_7_kills_becomes_one_accrual_of_7_and_is_counted() {
    on_each_engine(|server| {
        let cookie = player(server);
        let before: f64 = metric(server, "accrual_rows_created_total").parse().unwrap();
        server.move_clock(START_MS + 60_000);
        let accruals = mine(server, &cookie, "/me/accruals");
        let newest = &accruals["accruals"][0];
        assert_eq!(
            (&newest["kills"], &newest["amount_ban"]),
            (&json!(7), &json!("0.70000000")),
            "{accruals}"
        );
        let rows = accruals["accruals"].as_array().unwrap().len();
        let after: f64 = metric(server, "accrual_rows_created_total").parse().unwrap();
        assert_eq!(after - before, f64::from(u32::try_from(rows).unwrap()));
    });
}

#[test]
fn example_e17_a_dry_run_pays_without_a_chain_and_says_so() {
    on_each_engine(|server| {
        let cookie = player(server);
        server.move_clock(START_MS + 120_000);
        let payouts = mine(server, &cookie, "/me/payouts");
        let oldest = payouts["payouts"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&oldest["status"], &oldest["tx_hash"]),
            (&json!("sent"), &json!("dryrun-1")),
            "{payouts}"
        );
    });
}

#[test]
fn f18_the_gauge_of_the_mode_is_there_in_dry_run() {
    let server = setup(&Place::sqlite()).start();
    assert_eq!(metric(&server, "app_dry_run_mode"), "1");
}

/// A counter of the metrics that must be there.
#[track_caller]
fn counter(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").text;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).split(' ').next().unwrap().parse().unwrap()
}

/// By how much a counter has grown once `/healthz` was asked three times more; it was asked before.
fn growth_by_three_calls(name: &str) -> u64 {
    let server = setup(&Place::sqlite()).start();
    server.get("/healthz").expect(200);
    let before = counter(&server, name);
    for _ in 0..3 {
        server.get("/healthz").expect(200);
    }
    counter(&server, name) - before
}

#[test]
fn f9_requests_are_counted_by_method_route_and_status() {
    let counted = "http_requests_total{method=\"GET\",path=\"/healthz\",status=\"200\"}";
    assert_eq!(growth_by_three_calls(counted), 3);
}

#[test]
fn f10_requests_are_counted_by_how_long_they_took_with_a_bound_at_750_ms() {
    let labels = "method=\"GET\",path=\"/healthz\"";
    let counted = format!("http_request_duration_seconds_count{{{labels}}}");
    assert_eq!(growth_by_three_calls(&counted), 3);
    let below = format!("http_request_duration_seconds_bucket{{{labels},le=\"0.75\"}}");
    assert_eq!(growth_by_three_calls(&below), 3);
}
