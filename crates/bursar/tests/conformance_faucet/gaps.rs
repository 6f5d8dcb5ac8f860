//! What surrounds the faucet's rows: its files, its log, its metrics, its administrators, incidents, and the donation ledger.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_banano::rpc::{HttpNode, NodeClient};
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, LocalSigner, NodeSet, Seed, Settings};
use bursar_chain::Chain;
use bursar_devnet_banano::{Misbehaviour, NodeSettings};
use bursar_money::Amount;
use serde_json::{Value, json};

use crate::harness::faucet::{OPERATOR_SEED, Outside, RAW_PER_BAN, SESSION_SECRET, operator};
use crate::harness::{LiveFaucet, Place, START_MS, Setup, Tool};

const PASSWORD: &str = "correct horse battery staple";

fn dry(place: &Place) -> Setup {
    Setup::bare(place).env("BURSAR_DESKS", "faucet").manual_clock(START_MS)
}

/// The three files that come with Bursar, with these lines in place of others.
fn files(folder: &Path, changes: &[(&str, &str, &str)]) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let target = folder.join("configs");
    std::fs::create_dir_all(&target).unwrap();
    for file in ["payout.yaml", "integrations.yaml", "product.yaml"] {
        let mut text = std::fs::read_to_string(shipped.join(file)).unwrap();
        for (_, old, new) in changes.iter().filter(|(name, ..)| *name == file) {
            assert!(text.contains(old), "{file} has no {old}");
            text = text.replace(old, new);
        }
        std::fs::write(target.join(file), text).unwrap();
    }
    target.display().to_string()
}

// The files.

#[test]
fn the_files_set_rate_caps_texts_and_where_pictures_come_from() {
    let place = Place::sqlite();
    let changes = [
        ("payout.yaml", "per_kill: 0.05", "per_kill: ${RATE:-2.1}"),
        ("payout.yaml", "daily_payout_cap: 150", "daily_payout_cap: 7"),
        ("product.yaml", "Example Org", "${ORG}"),
        ("product.yaml", "banner_url: \"\"", "banner_url: https://pictures.example/b.png"),
    ];
    let folder = files(place.folder(), &changes);
    let setup = dry(&place).env("CONFIG_DIR", &folder).env("ORG", "Guild of tests");
    let server = setup.start();
    let answer = server.get("/config/product");
    assert_eq!(answer.json()["org_name"], "Guild of tests");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.ends_with("; img-src 'self' https://pictures.example"), "{policy}");
    let donations = server.get("/api/donations").expect(200);
    let economics = &donations["economics"];
    assert_eq!((&economics["base_rate"], &economics["daily_cap_kills"]), (&json!("2.10000000"), &json!(7)));
    drop(server);
    let server = setup.env("P2S_DAILY_CAP", "9").start();
    let economics = server.get("/api/donations").expect(200)["economics"].clone();
    assert_eq!(economics["daily_cap_kills"], 9, "the environment wins");
}

#[test]
fn a_file_that_is_wrong_or_missing_stops_the_start_and_the_check_names_everything() {
    let place = Place::sqlite();
    let changes = [
        ("payout.yaml", "batch_size: 0", "batch_sise: 0"),
        ("integrations.yaml", "dry_run: true", "dry_run: perhaps"),
    ];
    let folder = files(place.folder(), &changes);
    std::fs::remove_file(format!("{folder}/product.yaml")).unwrap();
    let setup = dry(&place).env("CONFIG_DIR", &folder);
    let (status, _, stderr) = setup.refuse();
    assert!(!status.success());
    for named in ["payout.yaml batch_sise", "integrations.yaml dry_run", "product.yaml"] {
        assert!(stderr.contains(named), "{named} in {stderr}");
    }
    let checked = Tool::of(&setup).run(&["config", "check", "--env", "dev"]);
    assert_eq!(checked.status, 1);
    let named: Vec<Value> =
        checked.json()["details"].as_array().unwrap().iter().map(|one| one["var"].clone()).collect();
    assert_eq!(named, ["payout.yaml batch_sise", "integrations.yaml dry_run", "product.yaml"]);
}

#[test]
fn an_administrator_is_named_by_discord_id_and_a_name_is_refused() {
    let place = Place::sqlite();
    let (status, _, stderr) = dry(&place).env("ADMIN_DISCORD_USERNAMES", "mika").refuse();
    assert!(!status.success());
    assert!(stderr.contains("ADMIN_DISCORD_USERNAMES is not a comma list of Discord user ids"), "{stderr}");
}

// The log.

#[test]
fn f42_one_request_id_leads_to_all_its_lines_each_with_a_trace_id() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    for (path, id) in [("/config/product", "gap-1"), ("/nowhere", "gap-1"), ("/config/product", "gap-2")] {
        faucet.server.get_with(path, &[("x-request-id", id)]);
    }
    let found = faucet.admin_get("/admin/logs/recent?request_id=gap-1");
    let lines: Vec<Value> = found["lines"].as_array().unwrap().iter().map(parsed).collect();
    assert_eq!((&found["count"], lines.len()), (&json!(2), 2), "{found}");
    for (line, path) in lines.iter().zip(["/config/product", "/nowhere"]) {
        assert_eq!((&line["event"], &line["path"]), (&json!("http_request"), &json!(path)));
        assert_eq!((&line["method"], &line["correlation_id"]), (&json!("GET"), &json!("gap-1")));
        assert!(line["status"].is_u64() && line["duration_ms"].is_number(), "{line}");
        let trace = line["trace_id"].as_str().unwrap();
        assert!(trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()), "{trace}");
    }
    let trace = lines[0]["trace_id"].as_str().unwrap();
    assert_eq!(faucet.admin_get(&format!("/admin/logs/recent?trace_id={trace}"))["count"], 1);
    let all = faucet.admin_get("/admin/logs/recent?tail=5000");
    let settings = all["lines"].as_array().unwrap().iter().map(parsed);
    let settings = settings.into_iter().find(|line| line["event"] == "configuration").unwrap();
    assert!(settings["settings"].as_str().unwrap().contains("\"SESSION_SECRET\":\"***\""), "{settings}");
    for secret in [SESSION_SECRET, OPERATOR_SEED, "discord secret", "fortnite key"] {
        assert!(!all.to_string().contains(secret));
    }
}

fn parsed(line: &Value) -> Value {
    serde_json::from_str(line.as_str().unwrap()).unwrap()
}

#[test]
fn the_log_can_be_followed_and_the_buffer_is_as_large_as_configured() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, |setup| setup.env("P2S_LOG_BUFFER_SIZE", "5"));
    assert_eq!(faucet.admin_get("/admin/logs/recent?tail=5000")["count"], 5);
    let address = faucet.server.base().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "GET /admin/logs/tail?tail=0&request_id=gap-3 HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\n\r\n",
        faucet.admin()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = read_until(&mut stream, "lines of the log");
    faucet.server.get_with("/config/product", &[("x-request-id", "gap-4")]);
    faucet.server.get_with("/config/product", &[("x-request-id", "gap-3")]);
    text.push_str(&read_until(&mut stream, "gap-3"));
    assert!(text.contains("content-type: text/event-stream") && text.contains("data: {"), "{text}");
    assert!(!text.contains("gap-4"), "{text}");
    drop(stream);
    faucet.server.terminate();
}

fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    while !text.contains(wanted) {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "it ended: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    text
}

// The metrics.

/// Every name of docs/spec/faucet.md 4.6.
const NAMES: &str = "http_requests_total http_request_duration_seconds http_rate_limited_total payout_amount_ban \
    payout_accrual_lag_minutes payout_attempts_total payout_retry_latency_seconds payouts_by_region_total \
    kills_by_region_total flagged_users_total app_dry_run_mode accrual_users_considered_total accrual_rows_created_total \
    accrual_zero_delta_total accrual_kills_delta_total settlement_candidates_total settlement_payouts_total \
    settlement_accruals_settled_total fortnite_calls_total fortnite_errors_total fortnite_local_rate_limited_total \
    fortnite_kills_delta_total fortnite_request_latency_seconds hodl_scan_users_total hodl_scan_updated_total \
    scheduler_errors_total admin_reverify_total admin_payout_retry_total region_header_present_total region_inferred_total \
    region_unknown_total image_build_total rollback_total faucet_payout_ambiguous_total \
    faucet_last_cycle_timestamp_seconds faucet_cycle_interval_seconds faucet_operator_balance_ban faucet_open_accrual_ban \
    faucet_inflight_payout_ban faucet_switch faucet_reconcile_mismatch faucet_wallet_anomaly faucet_pruned_rows_total \
    faucet_loopback_node";

#[test]
fn every_metric_of_the_contract_has_a_series_once_the_faucet_has_run() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    faucet.player(1, 0);
    faucet.pass_ms(120_000);
    let text = faucet.server.get("/metrics").text;
    let has = |name: &str| {
        text.lines().any(|line| {
            let name_of_series = line.split(['{', ' ']).next().unwrap_or_default();
            name_of_series == name || name_of_series == format!("{name}_bucket")
        })
    };
    let missing: Vec<&str> = NAMES.split_whitespace().filter(|name| !has(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert_eq!(faucet.metric("faucet_loopback_node"), 1.0);
    assert!(faucet.metric("faucet_last_cycle_timestamp_seconds{job=\"accrual\"}") > 0.0);
}

#[test]
fn refusals_by_a_limit_are_counted_by_their_scope() {
    let setup = |setup: Setup| setup.env("RATE_LIMIT_PER_IP_PER_MINUTE", "30");
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, setup);
    let answers: Vec<u16> = (0..40).map(|_| faucet.server.get("/config/product").status).collect();
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert!(refused >= 10, "{answers:?}");
    assert_eq!(
        faucet.metric("http_rate_limited_total{scope=\"per_ip\"}"),
        f64::from(u32::try_from(refused).unwrap())
    );
    assert_eq!(faucet.metric("http_rate_limited_total{scope=\"global\"}"), 0.0);
}

#[test]
fn a_send_whose_answer_is_lost_is_counted_as_ambiguous_and_paid_once() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    assert_eq!(faucet.metric("faucet_payout_ambiguous_total"), 0.0);
    faucet.outside.node_fault("process", Misbehaviour::Status(500), 1);
    faucet.pass_ms(5 * 60_000);
    assert_eq!(faucet.metric("faucet_payout_ambiguous_total"), 1.0);
    assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
}

// Administrators.

fn sign_in(faucet: &LiveFaucet, email: &str, password: &str) -> (u16, Option<String>) {
    let body = json!({"email": email, "password": password}).to_string();
    let answer = faucet.server.post_with("/admin/login", &[], &body);
    let cookie = answer.header("set-cookie").map(|set| set.split(';').next().unwrap().to_owned());
    (answer.status, cookie)
}

#[test]
fn an_e_mail_administrator_is_made_listed_and_shut_out_on_the_command_line() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let tool = Tool::beside(&faucet.server);
    let file = place.folder().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let path = file.display().to_string();
    let set = ["faucet", "admin", "set-password", "Ann@Example.org", "--password-file", path.as_str()];
    assert_eq!(tool.json(&set), json!({"ok": true, "email": "ann@example.org"}));
    assert_eq!(sign_in(&faucet, "ann@example.org", "wrong password").0, 401);
    let (status, cookie) = sign_in(&faucet, "ann@example.org", PASSWORD);
    assert_eq!(status, 200);
    let cookie = cookie.unwrap();
    let seen = |cookie: &str| faucet.server.get_with("/admin/stats", &[("cookie", cookie)]).status;
    assert_eq!(seen(&cookie), 200);
    let listed = tool.json(&["faucet", "admin", "list"]);
    assert_eq!(
        (&listed["admins"][0]["email"], &listed["admins"][0]["active"]),
        (&json!("ann@example.org"), &json!(true))
    );
    assert_eq!(tool.json(&["faucet", "admin", "disable", "ann@example.org"])["ok"], true);
    assert_eq!((seen(&cookie), sign_in(&faucet, "ann@example.org", PASSWORD).0), (401, 401));
    assert_eq!(tool.run(&["faucet", "admin", "disable", "bob@example.org"]).json()["code"], "unknown_admin");
    for email in ["ann", "ann@discord", "a b@example.org", "@example.org"] {
        assert_eq!(tool.run(&["faucet", "admin", "disable", email]).status, 1, "{email}");
    }
    let audit = faucet.admin_get("/admin/audit?target_type=admin_user");
    let actions: Vec<&Value> =
        audit["events"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["admin_disabled", "admin_password_set"]);
    assert!(!audit.to_string().contains(PASSWORD) && !faucet.server.log().contains(PASSWORD));
    let sql = "SELECT COUNT(*) FROM faucet_admin_audit WHERE action = 'admin_login' AND actor_email = 'ann@example.org'";
    assert_eq!(faucet.stored(&place, sql), 1);
}

#[test]
fn a_short_password_is_refused() {
    let place = Place::sqlite();
    let setup = dry(&place);
    assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
    let file = place.folder().join("password");
    std::fs::write(&file, "elevenchars\n").unwrap();
    let path = file.display().to_string();
    let set = ["faucet", "admin", "set-password", "ann@example.org", "--password-file", path.as_str()];
    let refused = Tool::of(&setup).run(&set);
    assert!(refused.status != 0 && !refused.stderr.contains("elevenchars"), "{refused:?}");
    assert_eq!(Tool::of(&setup).json(&["faucet", "admin", "list"])["admins"], json!([]));
}

// Incidents.

#[test]
fn f41_declaring_s1_halts_payouts_by_itself_and_less_does_not() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let halted = || faucet.metric("faucet_switch{name=\"payouts_halted\"}");
    let open =
        |class: &str| faucet.admin_post("/admin/incidents", &json!({"class": class, "title": "drill"}));
    for class in ["S3", "S2"] {
        assert_eq!(open(class).expect(201)["incident"]["class"], class);
        assert_eq!(halted(), 0.0, "{class}");
    }
    assert_eq!(open("S1").expect(201)["incident"]["class"], "S1");
    assert_eq!(halted(), 1.0);
    assert_eq!(faucet.admin_get("/admin/incidents")["count"], 3);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.pass_ms(120_000);
    assert!(faucet.outside.sends().is_empty());
    let stranger = faucet.server.get_with("/admin/incidents", &[("cookie", &player.cookie)]);
    assert_eq!(stranger.status, 401);
    let forged = faucet.server.get_with("/admin/incidents", &[("cookie", "p2s_admin=a.b")]);
    assert_eq!(forged.status, 401);
}

// The payouts room.

#[test]
fn looking_at_payouts_leaves_no_journal_behind() {
    let place = Place::sqlite();
    let setup = dry(&place);
    let tool = Tool::of(&setup);
    assert_eq!(tool.json(&["migrate", "up"])["ok"], true);
    for verb in [["payouts", "list", "--json"], ["payouts", "wallets", "--json"], ["keys", "list", "--json"]]
    {
        assert_eq!(tool.run(&verb).status, 0, "{verb:?}");
    }
    let left: Vec<String> = std::fs::read_dir(place.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("journal"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

// Donations.

/// Somebody sends BAN to the operator's account, and a wallet other than ours receives it there.
fn receive(outside: &Outside, ban: u128) {
    let node = NodeClient::new(HttpNode::new(&outside.node.base_url(), Duration::from_secs(10)).unwrap());
    let nodes = NodeSet::new(vec![node], 1, Asking::InTurn).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    let chain = Banano::new(nodes, Arc::new(InThread), Settings { thresholds, ..Settings::default() });
    let account = chain.parse_address(&operator().address()).unwrap();
    outside.fund_e8(ban * 100_000_000);
    let waiting = chain.receivable(&account, Amount::new(1), 10).unwrap();
    let state = Banano::receiver_state(&chain, &account).unwrap();
    let signer = LocalSigner::new(Seed::from_bytes([7; 32]).secret_key(0));
    let attempt = chain.sign(&chain.build_receive(&waiting[0], &state).unwrap(), &signer).unwrap();
    chain.broadcast(&attempt);
}

#[test]
fn donations_of_before_the_wallet_was_watched_are_rebuilt_once() {
    let place = Place::sqlite();
    let outside = Outside::start();
    let setup = outside.setup(&place);
    assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
    let faucet = LiveFaucet::around(outside, setup.start());
    let rebuild = |wish: Value| faucet.admin_post("/admin/donations/rebuild", &wish);
    assert_eq!(rebuild(json!({})).expect_code(400), "no_account");
    for ban in [120, 30] {
        receive(&faucet.outside, ban);
    }
    faucet.set_operator_seed();
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.operator_balance(), 150 * RAW_PER_BAN, "{}", operator().address());
    let donated = || faucet.server.get("/api/donations").expect(200)["total_donated"].clone();
    assert_eq!(donated(), "0.00000000", "nobody knows yet who sent it");
    faucet.outside.node_fault("account_history", Misbehaviour::Status(500), 1);
    assert_eq!(rebuild(json!({})).expect_code(502), "node_unavailable");
    let report = rebuild(json!({"dry_run": true})).expect(200);
    assert_eq!(
        (&report["status"], &report["found"], &report["inserted"]),
        (&json!("dry_run"), &json!(2), &json!(2))
    );
    assert_eq!(donated(), "0.00000000");
    let report = rebuild(json!({})).expect(200);
    assert_eq!((&report["status"], &report["inserted"]), (&json!("rebuilt"), &json!(2)));
    assert_eq!(
        (&report["total_donated_ban"], &report["distinct_senders"]),
        (&json!("150.00000000"), &json!(1))
    );
    assert_eq!(report["current_milestone"]["name"], "First Blood");
    assert_eq!(donated(), "150.00000000");
    assert_eq!(rebuild(json!({})).expect_code(409), "donations_exist");
    assert_eq!(rebuild(json!({"force": true})).expect(200)["inserted"], 0, "no block counts twice");
    faucet.outside.fund_e8(5 * 100_000_000);
    faucet.pass_ms(300_000);
    assert_eq!(faucet.outside.operator_balance(), 155 * RAW_PER_BAN, "{}", faucet.server.log());
    assert_eq!(donated(), "155.00000000");
    assert_eq!(
        rebuild(json!({"force": true})).expect(200)["inserted"],
        0,
        "what was booked as it came is there"
    );
    assert_eq!(donated(), "155.00000000");
}
