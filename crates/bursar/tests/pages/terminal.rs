//! The public page: what it shows, that it is honest, and that it is safe to look at.

use serde_json::json;

use crate::harness::{Join, Place, Prices, START_MS, Server, Setup, wallet};
use crate::operator::{hidden, words};

const OPS_KEY: &str = "ops-key-of-the-tests-0123456789abc";

fn setup(place: &Place, prices: &Prices) -> Setup {
    Setup::rounds(place).env("HERMES_URL", &prices.url()).env("OPS_API_KEY", OPS_KEY)
}

#[track_caller]
fn shown(server: &Server, path: &str) -> String {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    words(&answer.text)
}

#[test]
fn h5_the_root_is_the_only_desks_page_and_rounds_is_also_at_its_own_path() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    for path in ["/", "/rounds"] {
        let answer = server.get(path);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(words(&answer.text).contains("SOL/USD"), "{path}");
    }
    drop(server);
    let server = Setup::rounds(&place).env("BURSAR_DESKS", "arena").start();
    assert!(shown(&server, "/").contains("No desk is on."));
    assert_eq!(server.get("/rounds").status, 404);
}

#[test]
fn h8_a_page_loads_nothing_from_elsewhere_and_holds_no_script_or_style() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    for path in ["/", "/console/sign-in"] {
        let answer = server.get(path);
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
            )
        );
        assert!(!answer.text.contains("http:") && !answer.text.contains("https:"), "{path}");
        for inline in [" style=", "<style", " onclick=", "<script>", "javascript:"] {
            assert!(!answer.text.contains(inline), "{path} {inline}");
        }
    }
}

#[test]
fn page_style_and_script_together_are_less_than_24_kib_and_are_kept_by_their_content() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let page = server.get("/").text;
    let mut bytes = page.len();
    for path in ["/assets/pages.css?v=", "/assets/pages.js?v="] {
        let (_, rest) = page.split_once(path).unwrap();
        let file = server.get(&format!("{path}{}", rest.split('"').next().unwrap()));
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        bytes += file.text.len();
    }
    assert!(bytes < 24 * 1024, "{bytes} bytes");
}

#[test]
fn the_page_shows_the_round_to_join_with_its_times_and_stakes_and_the_next() {
    Place::for_each_engine(|place| {
        let server = Setup::rounds(place).start();
        server.move_clock(START_MS + 17_500);
        Join::new("a").up(25).accepted(&server);
        Join::new("b").down(5).wallet(2).accepted(&server);
        let page = shown(&server, "/?market=SOL");
        assert!(page.contains("Open. Locks in 0:43 ."), "{page}");
        assert!(
            page.contains(
                "UP 25 DOWN 5 Round SOL-1700000040-5m Locks 22:15 , first price Ends 22:20 , second price"
            ),
            "{page}"
        );
        assert!(
            page.contains("In it 2 entries, 2 players Next opens 22:16 , locks 22:17 , ends 22:22"),
            "{page}"
        );
        assert!(page.contains("Join SOL-1700000040-5m"), "{page}");
        assert!(shown(&server, "/?market=BTC").contains("UP 0 DOWN 0 Round BTC-1700000040-5m"));
    });
}

#[test]
fn a_locked_round_is_under_way_with_what_each_side_gets_and_the_next_cannot_be_joined_yet() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    Join::new("a").up(10).accepted(&server);
    Join::new("b").down(25).wallet(2).accepted(&server);
    server.move_clock(START_MS + 60_000);
    let page = server.get("/?market=SOL").text;
    assert!(words(&page).contains("Locked. The next round opens in 1:00 ."), "{}", words(&page));
    // Worked example C3: 32.90 are shared, by 10 staked on UP or by 25 on DOWN.
    assert!(words(&page).contains("Under way Locked rounds, with what each side gets if it wins Ends in UP pays DOWN pays 5:00 22:20 10 ×3.29 25 ×1.31"), "{}", words(&page));
    assert!(page.contains("<button class=\"go\" type=\"submit\" disabled>"), "{page}");
    assert_eq!(hidden(&page, "start"), (START_MS + 120_000).to_string());
}

#[test]
fn w6_what_the_page_promises_is_what_settlement_pays() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    prices.set_round("SOL", START_MS, 100, 101);
    let server = setup(&place, &prices).start();
    Join::new("other").down(10).wallet(2).accepted(&server);
    let page = shown(&server, "/?market=SOL");
    assert!(page.contains("UP with 10 PB pays 18.80 ×1.88"), "{page}");
    assert!(
        page.contains("UP with 250 PB pays 235.00") || page.contains("UP with 250 PB pays 244.40"),
        "{page}"
    );
    assert!(page.contains("DOWN with 10 PB pays 10.00 back"), "{page}");
    assert!(page.contains("a stake of 10.00 gets 18.80 , ×1.88 of it"), "{page}");
    Join::new("mine").up(10).wallet(1).accepted(&server);
    server.move_clock(START_MS + 360_000);
    assert_eq!(server.results(1)["rounds"][0]["payoutLamports"], 1_880);
    let results = shown(&server, &format!("/?wallet={}", wallet(1)));
    assert!(results.contains("Staked 10.00 , paid 18.80 , result of settled rounds +8.80 PB."), "{results}");
    assert!(results.contains("SOL 22:14:00 UP 10 WIN 18.80 +8.80"), "{results}");
}

#[test]
fn a_win_that_loses_money_says_so_and_tiers_that_are_off_are_not_offered() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_MAX_STAKE_TIER", "100").start();
    Join::new("a").up(100).accepted(&server);
    Join::new("b").down(5).wallet(2).accepted(&server);
    let page = shown(&server, "/");
    // 205 in the pool less 12.30 are 192.70, of which a half.
    assert!(page.contains("UP with 100 PB pays 96.35 ×0.96 loss"), "{page}");
    assert!(!page.contains("250 PB"), "{page}");
}

#[test]
fn r35_players_see_the_incident_and_the_pause() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("OPS_API_KEY", OPS_KEY).start();
    let incident = json!({"message": "The <price> feed is down.", "etaMs": START_MS, "actor": "ann"});
    server.put_with("/api/ops/incident", &[("x-ops-key", OPS_KEY)], &incident).expect(200);
    let pause = json!({"switch": "joins", "state": "on", "actor": "ann", "reason": "drill"});
    server.post_with("/api/ops/switches", &[("x-ops-key", OPS_KEY)], &pause.to_string()).expect(200);
    let page = server.get("/").text;
    assert!(page.contains("The &lt;price&gt; feed is down."), "{page}");
    let page = words(&page);
    assert!(page.contains("Expected to be over at 2023-11-14 22:14:00 UTC."), "{page}");
    assert!(page.contains("Paused. Nobody can join now."), "{page}");
    assert!(page.contains("Joins are paused."), "{page}");
}

#[test]
fn the_newest_price_is_shown_and_its_absence_too() {
    let (place, prices) = (Place::sqlite(), Prices::start());
    let server = setup(&place, &prices).start();
    let page = (0..50).map(|_| shown(&server, "/")).find(|page| page.contains("SOL/USD $100 at"));
    assert!(page.is_some(), "{}", shown(&server, "/"));
    drop(server);
    let server = setup(&place, &prices).env("HERMES_URL", "http://127.0.0.1:9").start();
    assert!(shown(&server, "/").contains("no price now"));
}

#[test]
fn what_a_visitor_sends_is_shown_as_text() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let page = server
        .get("/?market=%3Cscript%3E&wallet=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&joined=%3Cb%3E")
        .text;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)"), "{page}");
    assert!(words(&page).contains("This is no wallet"), "{page}");
}

#[test]
fn a_wallets_results_count_against_the_limit_of_its_route() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("PANCHO_RL_SIM_RESULTS_WALLET_LIMIT", "2").start();
    let page = format!("/?wallet={}", wallet(1));
    assert!(shown(&server, &page).contains("This wallet has no entries."));
    server.results(1);
    assert!(shown(&server, &page).contains("Too many looks at once. Try again in 10 s."));
    assert_eq!(server.get(&format!("/api/sim/results?wallet={}", wallet(1))).status, 429);
}

#[test]
fn views_of_the_page_are_limited_and_the_answer_says_when_to_come_back() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).env("BURSAR_RL_PAGE_IP_LIMIT", "2").start();
    assert_eq!([server.get("/").status, server.get("/rounds").status], [200, 200]);
    let limited = server.get("/");
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("10")));
    assert!(words(&limited.text).contains("Too many requests. Try again in 10 s."), "{}", limited.text);
    server.move_clock(START_MS + 10_000);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.get("/api/status").status, 200);
}
