//! `/admin/incidents` for two desks, one by a bearer token and one by a cookie.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use bursar_access::ServicePrincipal;
use bursar_control::{ConfigTable, SwitchState, Switchboard};
use bursar_desk::OffThread;
use bursar_desk::incident::{IncidentGuard, Verdict};
use bursar_ops::incidents::{IncidentRoutes, surface};
use bursar_test_stores::TestStore;
use bursar_web::metrics::{HttpMetrics, Registry};
use bursar_web::platform_codes::UNAUTHORIZED;
use bursar_web::{ApiError, Application, Auth, HeaderPolicy, Host, ProxyTrust, Unknown, assemble};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::rooms::{HALT, MINUTE, on_each_engine, recorder, stops};

const TRADES: (&str, &str) = ("authorization", "Bearer t0ken");
const FAUCET: (&str, &str) = ("cookie", "p2s_admin=s1gned");

struct Desks {
    runtime: Runtime,
    application: Application,
}

/// A desk's scheme: one header, one value that opens it.
fn guard(desk: &'static str, auth: Auth, (header, value): (&'static str, &'static str)) -> IncidentGuard {
    let admit = move |call: &bursar_web::Call| {
        let sent = call.header(header).map(str::to_owned);
        let future: futures_util::future::BoxFuture<'static, Result<Verdict, ApiError>> =
            Box::pin(async move {
                match sent.as_deref() {
                    None => Ok(Verdict::NotMine),
                    Some(sent) if sent == value => {
                        Ok(Verdict::Admitted(ServicePrincipal::new(desk, "admin")))
                    }
                    Some(_) => Err(ApiError::of(&UNAUTHORIZED)),
                }
            });
        future
    };
    IncidentGuard { desk, auth, admit: Arc::new(admit) }
}

fn routes(test: &TestStore, guards: Vec<IncidentGuard>) -> IncidentRoutes {
    let off_thread = OffThread::new(test.store());
    IncidentRoutes { off_thread, recorder: recorder(), guards, stops: stops(), headers: HeaderPolicy::new() }
}

fn desks(test: &TestStore) -> Desks {
    let runtime = Runtime::new().unwrap();
    let metrics = Arc::new(Registry::new());
    let guards = vec![
        guard("trades", Auth::Bearer("ADMIN_TOKEN"), TRADES),
        guard("faucet", Auth::Cookie("p2s_admin"), FAUCET),
    ];
    let host = Host {
        trust: ProxyTrust::default(),
        version: "1".to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        http: HttpMetrics::register(&metrics, false).unwrap(),
        unknown: Unknown::NotFound,
        headers: HeaderPolicy::new(),
        documentation: true,
    };
    let surface = surface(routes(test, guards));
    Desks { runtime, application: assemble(vec![surface], host).unwrap() }
}

impl Desks {
    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.runtime.block_on(async {
            let response = self.application.answer(request, peer).await;
            let status = response.status();
            let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let body = if status == StatusCode::NO_CONTENT {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).unwrap()
            };
            (status.as_u16(), body)
        })
    }

    fn post(&self, path: &str, who: (&str, &str), body: &Value) -> (u16, Value) {
        self.send(Method::POST, path, &[who], &body.to_string())
    }

    fn get(&self, path: &str, who: (&str, &str)) -> (u16, Value) {
        self.send(Method::GET, path, &[who], "")
    }

    #[track_caller]
    fn opened(&self, who: (&str, &str), class: &str) -> i64 {
        let (status, body) =
            self.post("/admin/incidents", who, &json!({"class": class, "title": "It is slow"}));
        assert_eq!(status, 201, "{body}");
        body["incident"]["id"].as_i64().unwrap()
    }
}

#[test]
fn an_incident_is_opened_updated_resolved_opened_again_and_reviewed_over_http() {
    on_each_engine(|test| {
        let desks = desks(test);
        let body = json!({"class": "P1", "title": "Errors", "message": "Trading is slow.",
                          "expected_end": "2023-11-14T23:00:00Z"});
        let (status, opened) = desks.post("/admin/incidents", TRADES, &body);
        let incident = &opened["incident"];
        assert_eq!((status, &incident["class"], &incident["desk"]), (201, &json!("P1"), &json!("trades")));
        assert_eq!(
            [&incident["opened_at"], &incident["expected_end"], &incident["opened_by"]],
            ["2023-11-14T22:13:20.000Z", "2023-11-14T23:00:00.000Z", "service:trades/admin"]
        );
        assert_eq!(
            incident["timers"][0],
            json!({"timer": "respond", "due_at": "2023-11-14T22:28:20.000Z", "overdue": false})
        );
        let act = |name: &str, body: Value| {
            test.advance_ms(MINUTE);
            let (status, body) = desks.post(&format!("/admin/incidents/1/{name}"), TRADES, &body);
            assert_eq!(status, 200, "{name}: {body}");
            body["incident"].clone()
        };
        assert_eq!(act("acknowledge", json!({}))["acknowledged_at"], "2023-11-14T22:14:20.000Z");
        let updated = act("update", json!({"class": "P2", "expected_end": null, "note": "a node was slow"}));
        assert_eq!((&updated["class"], &updated["expected_end"]), (&json!("P2"), &Value::Null));
        assert_eq!(updated["message"], "Trading is slow.");
        assert_eq!(act("resolve", json!({"note": "another node"}))["state"], "resolved");
        assert_eq!(act("reopen", json!({"note": "slow again"}))["state"], "open");
        act("resolve", json!({"note": "two nodes"}));
        let reviewed = act("review", json!({"note": "always two nodes"}));
        let acts: Vec<_> =
            reviewed["timeline"].as_array().unwrap().iter().map(|line| line["act"].clone()).collect();
        assert_eq!(
            acts,
            ["opened", "acknowledged", "updated", "resolved", "reopened", "resolved", "reviewed"]
        );
        assert_eq!(desks.get("/admin/incidents/1", TRADES).1["incident"], reviewed);
    });
}

#[test]
fn h19_each_scheme_sees_and_changes_the_incidents_of_its_own_desk_only() {
    on_each_engine(|test| {
        let desks = desks(test);
        let [ours, theirs] = [desks.opened(TRADES, "P2"), desks.opened(FAUCET, "S2")];
        let listed = |who| {
            let (status, body) = desks.get("/admin/incidents", who);
            assert_eq!(status, 200, "{body}");
            body["incidents"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_i64().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!((listed(TRADES), listed(FAUCET)), (vec![ours], vec![theirs]));
        let note = json!({"note": "mine now"});
        for (status, body) in [
            desks.get(&format!("/admin/incidents/{theirs}"), TRADES),
            desks.post(&format!("/admin/incidents/{theirs}/resolve"), TRADES, &note),
            desks.post(&format!("/admin/incidents/{ours}/resolve"), FAUCET, &note),
        ] {
            assert_eq!((status, &body["code"]), (404, &json!("incident_not_found")));
        }
        let both = desks.send(Method::GET, "/admin/incidents", &[FAUCET, TRADES], "").1;
        assert_eq!(both["incidents"][0]["desk"], "trades", "the first scheme that knows the caller decides");
    });
}

#[test]
fn h19_s1_by_the_faucets_admin_halts_the_faucets_payouts_and_p0_of_another_desk_does_not() {
    on_each_engine(|test| {
        let desks = desks(test);
        let stopped = || {
            let states = test.store().read("test.stopped", |tx| {
                let now = tx.reading()?;
                Switchboard::new([], None).peek(tx, ConfigTable::FAUCET, &[HALT], now)
            });
            states.unwrap()[0]
        };
        desks.opened(TRADES, "P0");
        desks.opened(FAUCET, "S2");
        assert_ne!(stopped(), SwitchState::Stopped(bursar_control::StopSource::Row));
        desks.opened(FAUCET, "S1");
        assert_eq!(stopped(), SwitchState::Stopped(bursar_control::StopSource::Row));
    });
}

#[test]
fn h12_refusals_are_flat_plus_detail() {
    on_each_engine(|test| {
        let desks = desks(test);
        let id = desks.opened(TRADES, "P1");
        let valid = json!({"class": "P1", "title": "t"});
        let with = |field: &str, value: Value| {
            let mut body = valid.clone();
            body[field] = value;
            body
        };
        let path = format!("/admin/incidents/{id}");
        let refusals = [
            desks.send(Method::GET, "/admin/incidents", &[], ""),
            desks.get("/admin/incidents", ("authorization", "Bearer wrong")),
            desks.post("/admin/incidents", TRADES, &with("class", json!("P4"))),
            desks.post("/admin/incidents", TRADES, &with("title", json!(" "))),
            desks.post("/admin/incidents", TRADES, &with("title", json!("x".repeat(121)))),
            desks.post("/admin/incidents", TRADES, &with("message", json!("x".repeat(501)))),
            desks.post("/admin/incidents", TRADES, &with("expected_end", json!("soon"))),
            desks.post("/admin/incidents", TRADES, &with("expected_end", json!("1969-12-31T23:59:59Z"))),
            desks.post("/admin/incidents", TRADES, &with("desk", json!("faucet"))),
            desks.get("/admin/incidents?state=closed", TRADES),
            desks.get("/admin/incidents?limit=0", TRADES),
            desks.post(&format!("{path}/update"), TRADES, &json!({})),
            desks.post(&format!("{path}/resolve"), TRADES, &json!({"note": "n", "message": "m"})),
            desks.post(&format!("{path}/review"), TRADES, &json!({"note": "too early"})),
            desks.post(&format!("{path}/delete"), TRADES, &json!({"note": "n"})),
            desks.get("/admin/incidents/one", TRADES),
            desks.get("/admin/incidents/99", TRADES),
        ];
        let codes: Vec<_> = refusals
            .iter()
            .map(|(status, body)| {
                assert_eq!(body["error"].is_string(), body["detail"].is_string(), "{body}");
                assert!(body["error"].is_string(), "{body}");
                (*status, body["code"].as_str().unwrap())
            })
            .collect();
        let (unauthorized, invalid, query) =
            ((401, "unauthorized"), (400, "invalid_body"), (400, "invalid_query"));
        assert_eq!(codes[..2], [unauthorized; 2]);
        assert_eq!(codes[2..9], [invalid; 7]);
        assert_eq!(codes[9..11], [query; 2]);
        assert_eq!(codes[11..13], [invalid; 2]);
        assert_eq!(
            codes[13..],
            [(409, "incident_state"), (404, "not_found"), (404, "not_found"), (404, "incident_not_found")]
        );
        assert_eq!(desks.get("/admin/incidents", TRADES).1["count"], 1);
    });
}

#[test]
fn without_a_desk_that_asks_for_them_there_are_no_routes() {
    on_each_engine(|test| {
        assert!(surface(routes(test, vec![])).routes.is_empty());
    });
}
