//! What no client should send: refused with 4xx in the documented form, never a 500, and nothing is changed by it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod evidence;
mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;

use evidence::Evidence;
use harness::{Join, Place, Prices, START_MS, Server, Setup, wallet};
use serde_json::{Value, json};

const KEY: &str = "ops-key-of-the-tests-0123456789abc";
const BODY_MAX: usize = 16 * 1024;
/// Operations that read a body, with the largest that they read.
const WITH_BODY: [(&str, &str, usize); 4] = [
    ("POST", "/api/sim/entries", BODY_MAX),
    ("POST", "/api/ops/switches", BODY_MAX),
    ("PUT", "/api/ops/incident", BODY_MAX),
    ("POST", "/dev/clock", 1_024),
];

/// Runs `test` against a server of each engine, then checks that nothing was changed, nothing failed inside, and
/// that it still works.
fn refused_by_a_server(test: impl Fn(&Server)) {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        let setup = Setup::rounds(place).env("HERMES_URL", &prices.url()).env("OPS_API_KEY", KEY);
        let limits = ["SIM_ENTRIES_IP", "SIM_RESULTS_IP", "SIM_POOL_IP", "OPS_HEALTH_IP", "OPS_SUMMARY_IP"];
        let name = |limit: &str| format!("PANCHO_RL_{limit}_LIMIT");
        let server = limits.iter().fold(setup, |setup, limit| setup.env(&name(limit), "100000")).start();
        let evidence = Evidence::of(place);
        let before = evidence.domain();
        test(&server);
        assert_eq!(evidence.domain(), before);
        let log = server.log();
        let faults: Vec<&str> = log.lines().filter(|line| line.contains("\"request_fault\"")).collect();
        assert_eq!(faults, [""; 0]);
        Join::new("valid").accepted(&server);
    });
}

/// Sends bytes as they are and reads the answer: status and body.
fn exchange(server: &Server, bytes: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {head}")), body.to_owned())
}

fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-ops-key: {KEY}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The desk's form: `error` for people, `code` for programs.
#[track_caller]
fn assert_refused((status, body): (u16, String), expected: u16, what: &str) -> String {
    assert_eq!(status, expected, "{what}: {body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
    body["code"].as_str().unwrap_or_else(|| panic!("{what}: {body}")).to_owned()
}

#[test]
fn what_is_not_json_is_400_whichever_route_reads_it() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let bodies: Vec<Vec<u8>> = [
        &b""[..],
        b"{",
        b"{\"id\":}",
        b"{} {}",
        b"{'id':1}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b"{\"id\":\"\xc3\x28\"}",
        b"{\"id\":\"a\x00b\"}",
        b"{\"id\":\"a\\u0000b\"}",
        b"{\"id\":1,\"id\":2}",
        b"{\"id\":1,\"\\u0069d\":2}",
        b"{\"id\":\"\\ud800\"}",
        b"{\"nowMs\":1e999}",
        b"{\"nowMs\":NaN}",
        b"{\"nowMs\":01}",
    ]
    .map(<[u8]>::to_vec)
    .into_iter()
    .chain([nested(33), nested(500)])
    .collect();
    refused_by_a_server(|server| {
        for (method, path, _) in WITH_BODY {
            for body in &bodies {
                let what = format!("{method} {path} {:?}", String::from_utf8_lossy(body));
                let code = assert_refused(exchange(server, &request(method, path, body)), 400, &what);
                assert_eq!(code, "malformed_json", "{what}");
            }
        }
    });
}

#[test]
fn json_of_another_shape_is_400() {
    refused_by_a_server(|server| {
        for (method, path, _) in WITH_BODY {
            for body in ["null", "true", "17", "\"text\"", "[]", "[{}]", "{}", r#"{"unknown":1}"#] {
                let answer = exchange(server, &request(method, path, body.as_bytes()));
                assert_refused(answer, 400, &format!("{method} {path} {body}"));
            }
        }
    });
}

#[test]
fn one_byte_more_than_a_route_reads_is_413_announced_or_not() {
    refused_by_a_server(|server| {
        for (method, path, max) in WITH_BODY {
            let body = vec![b' '; max + 1];
            let code = assert_refused(exchange(server, &request(method, path, &body)), 413, path);
            assert_eq!(code, "body_too_large");
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-ops-key: {KEY}\r\n\
                 transfer-encoding: chunked\r\n\r\n{:x}\r\n",
                body.len()
            );
            let chunked = [head.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
            assert_eq!(assert_refused(exchange(server, &chunked), 413, path), "body_too_large");
            let code = assert_refused(exchange(server, &request(method, path, &body[..max])), 400, path);
            assert_eq!(code, "malformed_json", "a body of the greatest size is read");
        }
    });
}

#[test]
fn every_field_of_a_join_refuses_what_it_cannot_be() {
    let long = "x".repeat(10_000);
    let never = [json!(null), json!(true), json!([]), json!({}), json!(""), json!(long)];
    let numbers =
        [json!(-1), json!(0), json!(0.5), json!(1e308), json!(u64::MAX), json!(i64::MIN), json!(i64::MAX)];
    let texts = [json!("\u{202e}UP"), json!("UP "), json!("'; DROP TABLE rounds_entry; --"), json!("%00")];
    refused_by_a_server(|server| {
        let refuse = |field: &str, value: &Value| {
            let answer = Join::new("a").with(field, value.clone()).send(server);
            assert_refused((answer.status, answer.text), 400, &format!("{field} = {value}"));
        };
        let all = ["id", "roundId", "market", "feedId", "wallet", "direction"];
        for field in all {
            never.iter().chain(&numbers).for_each(|value| refuse(field, value));
        }
        for field in &all[1..] {
            texts.iter().for_each(|value| refuse(field, value));
        }
        for field in ["roundStartMs", "roundEndMs", "stakeBucks"] {
            never.iter().chain(&numbers).chain(&texts).for_each(|value| refuse(field, value));
        }
        never.iter().chain(&texts).for_each(|value| refuse("joinedAtMs", value));
    });
}

#[test]
fn rounds_at_the_ends_of_time_are_400() {
    refused_by_a_server(|server| {
        for start_ms in [i64::MIN, -120_000, 0, i64::MAX - i64::MAX % 120_000, i64::MAX] {
            for end_ms in [start_ms.saturating_add(360_000), start_ms.wrapping_add(360_000)] {
                let join = Join::new("a").with("roundStartMs", start_ms).with("roundEndMs", end_ms);
                let answer =
                    join.with("roundId", format!("SOL-{}-5m", start_ms.div_euclid(1_000))).send(server);
                assert_refused((answer.status, answer.text), 400, &format!("start {start_ms}, end {end_ms}"));
            }
        }
    });
}

#[test]
fn queries_that_make_no_sense_are_400_or_find_nothing() {
    let player = wallet(1);
    let long = "1".repeat(5_000);
    refused_by_a_server(|server| {
        let get = |target: &str| exchange(server, &request("GET", target, b""));
        for value in ["", "%00", "%ff%fe", "%", "1", &long, "..%2f..%2fetc%2fpasswd", "0x00", "%F0%9F%92%B0"]
        {
            assert_refused(get(&format!("/api/sim/results?wallet={value}")), 400, value);
        }
        for number in ["-1", "201", "x", "1.5", "1e3", "99999999999999999999999", "%00", " "] {
            let number = number.replace(' ', "%20");
            assert_refused(get(&format!("/api/sim/results?wallet={player}&limit={number}")), 400, &number);
        }
        for number in ["-1", "x", "9223372036854775807", "99999999999999999999999"] {
            assert_refused(get(&format!("/api/sim/results?wallet={player}&offset={number}")), 400, number);
        }
        for number in ["x", "1.5", "99999999999999999999999", "%00"] {
            assert_refused(get(&format!("/api/ops/summary?limit={number}")), 400, number);
        }
        assert_refused(get("/api/sim/pool"), 400, "no round");
        for id in ["%00", "SOL%00", "%ff", &long, "'%3B--"] {
            let (status, body) = get(&format!("/api/sim/pool?roundId={id}"));
            assert!(
                status == 400 || status == 200 && body.contains("\"entries\":0"),
                "{id}: {status} {body}"
            );
        }
    });
}

#[test]
fn switches_incidents_and_the_clock_refuse_values_beyond_their_bounds() {
    let valid = json!({"switch": "joins", "state": "on", "actor": "ann", "reason": "drill"});
    let long = "x".repeat(201);
    let changes = [
        ("switch", json!("everything")),
        ("switch", json!("Joins")),
        ("state", json!("ON")),
        ("state", json!("true")),
        ("state", json!(true)),
        ("actor", json!("")),
        ("actor", json!(long)),
        ("reason", json!(" ")),
        ("reason", json!(long)),
        ("expiresAtMs", json!("soon")),
        ("expiresAtMs", json!(START_MS)),
        ("expiresAtMs", json!(START_MS + 367 * 86_400_000)),
        ("expiresAtMs", json!(i64::MAX)),
        ("expiresAtMs", json!(i64::MIN)),
        ("force", json!("yes")),
        ("unknown", json!(1)),
    ];
    let with = |mut body: Value, field: &str, value: &Value| {
        body[field] = value.clone();
        body.to_string()
    };
    refused_by_a_server(|server| {
        let send = |method, path, body: &str| exchange(server, &request(method, path, body.as_bytes()));
        for (field, value) in &changes {
            let body = with(valid.clone(), field, value);
            assert_refused(send("POST", "/api/ops/switches", &body), 400, &body);
        }
        let incident = json!({"message": "m", "actor": "ann"});
        for (field, value) in [
            ("message", json!("x".repeat(501))),
            ("actor", json!("")),
            ("etaMs", json!(0.5)),
            ("etaMs", json!("1")),
            ("etaMs", json!(-1)),
            ("etaMs", json!(i64::MAX)),
        ] {
            let body = with(incident.clone(), field, &value);
            assert_refused(send("PUT", "/api/ops/incident", &body), 400, &body);
        }
        let times = [
            json!(-1),
            json!(START_MS - 1),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!("1"),
            json!(1.5),
        ];
        for now_ms in times {
            let body = json!({"nowMs": now_ms}).to_string();
            assert_refused(send("POST", "/dev/clock", &body), 400, &body);
        }
    });
}

#[test]
fn unknown_paths_are_404_in_the_form_of_all_desks_and_other_methods_are_405() {
    refused_by_a_server(|server| {
        let paths = [
            "/nothing",
            "/api",
            "/api/sim/entries/",
            "/api//sim/entries",
            "/API/sim/entries",
            "/docs/errors/%00",
            "/docs/errors/%ff",
            "/docs/../openapi.json",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/api/sim/entries%00",
        ];
        for path in paths {
            let (status, body) = exchange(server, &request("GET", path, b""));
            let body: Value =
                serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {status} {body}"));
            assert_eq!((status, &body["code"]), (404, &json!("not_found")), "{path}: {body}");
        }
        let unknown = exchange(server, &request("POST", "/api/nothing", b"{}"));
        let form = json!({"error": "not found", "code": "not_found", "detail": "Not Found"});
        assert_eq!((unknown.0, serde_json::from_str::<Value>(&unknown.1).unwrap()), (404, form));
        for (method, path) in [
            ("GET", "/api/sim/entries"),
            ("DELETE", "/api/sim/entries"),
            ("POST", "/api/status"),
            ("PATCH", "/api/ops/switches"),
            ("TRACE", "/api/status"),
            ("PROPFIND", "/health"),
        ] {
            let code = assert_refused(
                exchange(server, &request(method, path, b"")),
                405,
                &format!("{method} {path}"),
            );
            assert_eq!(code, "method_not_allowed");
        }
    });
}

#[test]
fn what_is_not_http_gets_a_4xx() {
    refused_by_a_server(|server| {
        let header = |text: &str| {
            format!("GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{text}\r\n\r\n")
        };
        for (bytes, expected) in [
            ("GARBAGE\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
            (header("content-length: -1"), 400),
            (header("content-length: 1\r\ncontent-length: 2"), 400),
            (header("bad header"), 400),
            (header("x: a\0b"), 400),
            (header(&format!("x: {}", "y".repeat(1_000_000))), 431),
        ] {
            let shown: String = bytes.chars().take(100).collect();
            assert_eq!(exchange(server, bytes.as_bytes()).0, expected, "{shown:?}");
        }
    });
}
