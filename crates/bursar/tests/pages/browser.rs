//! The pages in a real browser: with scripts for players, and without any for operators in a hurry.

use crate::harness::{Join, Place, START_MS, Setup, wallet};
use crate::operator::Operator;
use crate::webdriver::{Browser, Scripts};

const ROUND: &str = "SOL-1700000040-5m";

#[test]
fn a_player_joins_sees_the_entry_and_what_others_do() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    browser.open(server.base());
    assert_eq!(browser.text("#running"), "Under way Nobody is in a round of this market now.");
    browser.click("input[value='DOWN-25']");
    browser.type_into("#wallet", &wallet(1));
    browser.click("#joining button");
    browser.wait_for("#said", &format!("You are in {ROUND}: DOWN 25 PB."));
    browser.wait_for("#results", "DOWN 25 PENDING");
    assert_eq!(server.pool(ROUND)["downBucks"], 25);
    // The page follows by itself: the entry of another player shows, and the choice stays.
    Join::new("other").up(100).wallet(2).accepted(&server);
    browser.wait_for("#round", "UP 100 DOWN 25");
    assert_eq!(browser.evaluate("return document.querySelector('input[name=bet]:checked').value"), "DOWN-25");
    server.move_clock(START_MS + 60_000);
    browser.wait_for("#round", "Locked.");
    assert_eq!(browser.evaluate("return document.querySelector('#joining button').disabled"), true);
    // Nothing breaks the content policy, and no script fails.
    assert_eq!(browser.problems(), [""; 0]);
}

#[test]
fn a_refused_join_says_why_and_makes_no_entry() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    browser.open(server.base());
    browser.click("input[value='UP-5']");
    browser.type_into("#wallet", "nonsense");
    browser.click("#joining button");
    browser.wait_for("#said", "Not joined: invalid wallet: use a base58 address of 32 bytes.");
    assert_eq!(server.pool(ROUND)["entries"], 0);
}

#[test]
fn on_a_phone_of_320_pixels_no_page_is_wider_than_the_screen() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    Join::new("a").up(250).accepted(&server);
    Join::new("b").down(250).wallet(2).accepted(&server);
    let ola = Operator::add(&server, "ola", "operator");
    // A headless window can be no narrower than 500 pixels, so a frame of our own site stands for the phone.
    browser.resize(800, 900);
    let width_in_320 = |path: &str| {
        browser.open(&format!("{}{path}", server.base()));
        let script = "document.documentElement.style.width = '320px'; document.body.style.width = '320px'; \
                      return document.documentElement.scrollWidth <= innerWidth \
                          && [...document.querySelectorAll('main > *, header > *')].every((one) => \
                              one.getBoundingClientRect().right <= 320)";
        assert_eq!(browser.evaluate(script), true, "{path}");
    };
    width_in_320(&format!("/?wallet={}", wallet(1)));
    browser.open(&format!("{}/console", server.base()));
    browser.type_into("#token", &ola.token);
    browser.click("button.go");
    for path in ["/console", "/console/switches", "/console/settlements", "/console/jobs", "/console/ledger"]
    {
        width_in_320(path);
    }
}

#[test]
fn an_operator_stops_joins_without_scripts() {
    let Some(browser) = Browser::start(Scripts::Off) else { return };
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let ola = Operator::add(&server, "ola", "operator");
    browser.open(&format!("{}/console/switches", server.base()));
    browser.type_into("#token", &ola.token);
    browser.click("button.go");
    browser.wait_for("nav [aria-current]", "Overview");
    browser.open(&format!("{}/console/switches", server.base()));
    // Without a reason the browser itself does not send the form.
    browser.click("#stop-joins button");
    Join::new("before").accepted(&server);
    browser.type_into("#why-stop-joins", "the feed looks wrong");
    browser.click("#stop-joins button");
    browser.wait_for(".ok", "Stopped: joins. It binds the next write.");
    assert_eq!(Join::new("after").send(&server).expect_code(503), "joins_paused");
    browser.type_into("#why-resume-joins", "it is right again");
    browser.click("#resume-joins button");
    browser.wait_for(".ok", "Resumed: joins.");
    Join::new("after").accepted(&server);
}

#[test]
fn a_player_joins_without_scripts() {
    let Some(browser) = Browser::start(Scripts::Off) else { return };
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    browser.open(server.base());
    browser.wait_for("main", "Without scripts this page does not follow the time");
    browser.click("input[value='UP-10']");
    browser.type_into("#wallet", &wallet(1));
    browser.click("#joining button");
    browser.wait_for(".ok", &format!("You are in {ROUND}."));
    browser.wait_for("#results", "UP 10 PENDING");
    assert_eq!(server.pool(ROUND)["upBucks"], 10);
}
