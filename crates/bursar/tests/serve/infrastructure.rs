//! What the server tells about itself: health, readiness, metrics, documentation, headers.

use serde_json::json;

use crate::harness::{Place, Setup};

#[test]
fn h13_health_has_one_body_and_names_build_and_desks() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).env("IMAGE_TAG", "1.4.0").start();
        let answer = server.get_with("/health", &[("x-request-id", "abc")]);
        let health = answer.expect(200);
        assert_eq!(
            (&health["ok"], &health["status"], &health["service"]),
            (&json!(true), &json!("OK"), &json!("bursar"))
        );
        assert_eq!((&health["version"], &health["requestId"]), (&json!("1.4.0"), &json!("abc")));
        assert_eq!((&health["desks"], &health["checks"]["db"]), (&json!(["rounds"]), &json!(true)));
        assert_eq!(health["timestamp"], "2023-11-14T22:14:00Z");
        let commit = health["commit"].as_str().unwrap();
        assert_eq!((commit.len(), answer.header("x-bursar-build")), (40, Some(commit)));
    });
}

#[test]
fn h15_readiness_follows_the_treasury_and_settlement_refuses() {
    let place = Place::sqlite();
    let [one, other] = ["11111111111111111111111111111112", "11111111111111111111111111111113"];
    let setup = Setup::rounds(&place).env("SIM_SETTLE_API_KEY", "key").env("TREASURY_WALLET", one);
    let server = setup.clone().env("PANCHO_EXPECTED_TREASURY_WALLET", other).start();
    let readiness = server.get("/readyz").expect(503);
    assert!(readiness["reasons"][0].as_str().unwrap().starts_with("rounds.treasury: "), "{readiness}");
    assert_eq!(readiness["desks"]["rounds"], "not_ready");
    let settled = server.post_with("/api/sim/settle", &[("x-sim-settle-key", "key")], "");
    assert_eq!(settled.expect_code(500), "treasury_mismatch");
    drop(server);
    assert_eq!(setup.env("PANCHO_EXPECTED_TREASURY_WALLET", one).start().get("/readyz").status, 200);
}

#[test]
fn h2_a_desk_that_is_off_has_no_routes_and_no_readiness_but_keeps_its_tables() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("BURSAR_DESKS", "arena").start();
    assert_eq!(server.get("/api/status").status, 404);
    assert_eq!(server.get("/readyz").expect(200)["desks"], json!({}));
    drop(server);
    assert_eq!(Setup::rounds(&place).start().get("/api/status").status, 200);
}

#[test]
fn metrics_cover_routes_jobs_and_refusals_by_limits() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_RL_STATUS_IP_LIMIT", "1").start();
    assert_eq!(server.get("/api/status").status, 200);
    let limited = server.get("/api/status");
    assert_eq!(limited.header("retry-after"), Some("10"));
    assert_eq!(limited.expect(429)["retryAfterSec"], 10);
    server.move_clock(server.now_ms() + 3_600_000);
    let metrics = server.get("/metrics").text;
    for line in [
        "bursar_rate_limited_total{desk=\"rounds\",route=\"/api/status\",bucket=\"status:ip\"} 1",
        "http_requests_total{method=\"GET\",path=\"/api/status\",status=\"429\"} 1",
        "bursar_job_failures{job=\"ledger.zero_sum\"} 0",
        "rounds_settled_total 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

#[test]
fn h18_with_a_token_metrics_open_to_its_bearer_only() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("METRICS_TOKEN", "t0k3n").start();
    assert_eq!(server.get("/metrics").status, 401);
    assert_eq!(server.get_with("/metrics", &[("authorization", "Bearer t0k3n")]).status, 200);
}

#[test]
fn the_api_describes_every_route_of_the_desk() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let document = server.get("/openapi.json").expect(200);
    for path in [
        "/api/sim/entries",
        "/api/sim/pool",
        "/api/sim/results",
        "/api/sim/settle",
        "/api/status",
        "/api/ops/health",
        "/api/ops/summary",
        "/api/ops/switches",
        "/api/ops/incident",
        "/dev/clock",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(server.get("/docs/errors/outside_open_window").text.contains("# `outside_open_window`"));
}

#[test]
fn h12_an_unknown_path_is_answered_in_the_union_of_forms() {
    let place = Place::sqlite();
    let body = Setup::rounds(&place).start().get("/nowhere").expect(404);
    assert_eq!(body, json!({"error": "not found", "code": "not_found", "detail": "Not Found"}));
}

#[test]
fn x4_every_request_leaves_one_json_line() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    server.get_with("/api/status?x=1", &[("x-request-id", "line-1")]);
    let line = server.wait_for_log("\"requestId\":\"line-1\"");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["event"], &line["path"]), (&json!("http_request"), &json!("/api/status")));
    assert_eq!(
        (&line["status"], &line["desk"], &line["method"]),
        (&json!(200), &json!("rounds"), &json!("GET"))
    );
}

#[test]
fn h18_a_second_listener_answers_infrastructure_only_and_shows_metrics() {
    let place = Place::sqlite();
    let setup = Setup::rounds(&place).production().env("PAY2SLAY_AUTO_MIGRATE", "1");
    let server = setup.env("BURSAR_OPS_LISTEN", "127.0.0.1:0").start();
    let line: serde_json::Value = serde_json::from_str(&server.wait_for_log("also listen here")).unwrap();
    let ask = |path: &str| {
        let url = format!("http://{}{path}", line["address"].as_str().unwrap());
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        ureq::Agent::from(agent).get(url).call().unwrap().status().as_u16()
    };
    assert_eq!(
        ["/livez", "/health", "/readyz", "/metrics", "/api/status", "/docs"].map(ask),
        [200, 200, 503, 200, 404, 404]
    );
}

#[test]
fn h9_no_foreign_origin_may_read_unless_it_is_listed() {
    let place = Place::sqlite();
    let origin = "https://play.example";
    let allowed = |setup: Setup, asked: &str| {
        let answer = setup.start().get_with("/api/status", &[("origin", asked)]);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed(Setup::rounds(&place), origin), None);
    let listed = Setup::rounds(&place).env("BURSAR_CORS_ORIGINS", origin);
    assert_eq!(allowed(listed.clone(), origin).as_deref(), Some(origin));
    assert_eq!(allowed(listed, "https://other.example"), None);
}
