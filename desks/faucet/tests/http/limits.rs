//! Token buckets for everybody together and for each client (docs/spec/faucet.md 4.4).

use axum::http::Method;
use bursar_faucet::settings::{GLOBAL_PER_MINUTE, PER_IP_PER_MINUTE};
use serde_json::json;

use crate::scene::{Scene, on_each_engine};

fn call(scene: &Scene, client: u8) -> crate::scene::Answer {
    scene.send(Method::GET, "/hodl/tiers", &[], "", client)
}

#[test]
fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    on_each_engine(|scene| {
        scene.set(PER_IP_PER_MINUTE, 3);
        let statuses: Vec<u16> = (0..4).map(|_| call(scene, 1).status).collect();
        assert_eq!(statuses, [200, 200, 200, 429]);
        let refused = call(scene, 1);
        assert_eq!(
            refused.json(),
            json!({"detail": "rate_limited", "scope": "per_ip", "code": "rate_limited"})
        );
        assert_eq!(refused.header("retry-after"), Some("20"));
        assert_eq!(call(scene, 2).status, 200, "another client");
        scene.test.advance_ms(19_999);
        assert_eq!(call(scene, 1).status, 429);
        scene.test.advance_ms(1);
        assert_eq!((call(scene, 1).status, call(scene, 1).status), (200, 429));
        assert_eq!(scene.metric("http_rate_limited_total{scope=\"per_ip\"}").as_deref(), Some("4"));
    });
}

#[test]
fn everybody_together_is_limited_and_whoever_is_refused_takes_nothing_from_the_others() {
    on_each_engine(|scene| {
        scene.set(PER_IP_PER_MINUTE, 1);
        scene.set(GLOBAL_PER_MINUTE, 3);
        for _ in 0..5 {
            call(scene, 1);
        }
        assert_eq!((call(scene, 2).status, call(scene, 3).status), (200, 200));
        let refused = call(scene, 4);
        refused.refused(429, "rate_limited");
        assert_eq!(refused.json()["scope"], "global");
        scene.set(GLOBAL_PER_MINUTE, 0);
        assert_eq!(call(scene, 4).status, 200, "0 switches a limit off");
    });
}

#[test]
fn refusals_of_a_session_count_too() {
    on_each_engine(|scene| {
        scene.set(PER_IP_PER_MINUTE, 2);
        let statuses: Vec<u16> = (0..3).map(|_| scene.get("/admin/stats", "").status).collect();
        assert_eq!(statuses, [401, 401, 429]);
    });
}
