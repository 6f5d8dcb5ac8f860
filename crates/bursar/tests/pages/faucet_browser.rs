//! The faucet's page in a real browser: with scripts and without, on a phone, light and dark.

use crate::harness::faucet::player_address;
use crate::harness::{LiveFaucet, Place};
use crate::operator::Operator;
use crate::webdriver::{Browser, Scripts};

/// Puts a session into the browser as signing in does, and opens the page.
#[track_caller]
fn open_as(browser: &Browser, faucet: &LiveFaucet, cookie: &str) {
    browser.open(&format!("{}/faucet", faucet.server.base()));
    let (name, value) = cookie.split_once('=').unwrap();
    browser.set_cookie(name, value);
    browser.open(&format!("{}/faucet", faucet.server.base()));
}

#[test]
fn a_player_links_a_wallet_without_scripts() {
    let Some(browser) = Browser::start(Scripts::Off) else { return };
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    faucet.outside.person(80_351_110_225_000_009, "epic_9", 0);
    let cookie = faucet.sign_in(80_351_110_225_000_009, &[]);
    open_as(&browser, &faucet, &cookie);
    browser.wait_for("#standing", "Link a wallet.");
    browser.wait_for("main", "Without scripts this page does not follow the time");
    // What is no address at all the browser itself does not send.
    browser.type_into("#address", "nonsense");
    browser.click("#link button");
    browser.wait_for("#standing", "Link a wallet.");
    browser.open(&format!("{}/faucet", faucet.server.base()));
    // One that only the checksum gives away is refused by the server.
    let last = if player_address(9).ends_with('1') { "3" } else { "1" };
    browser.type_into("#address", &format!("{}{last}", &player_address(9)[..63]));
    browser.click("#link button");
    browser.wait_for(".stop", "Not linked. Invalid Banano address.");
    browser.open(&format!("{}/faucet", faucet.server.base()));
    browser.type_into("#address", &player_address(9));
    browser.click("#link button");
    browser.wait_for(".ok", "The wallet is linked");
    browser.wait_for("#wallet", &player_address(9));
}

#[test]
fn the_page_follows_a_payout_by_itself_and_leaves_typing_alone() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    open_as(&browser, &faucet, &player.cookie);
    browser.wait_for("#payouts", "None yet.");
    browser.type_into("#address", "ban_typing");
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.cycle();
    faucet.cycle();
    let hash = faucet.outside.sends()[0].hash.clone();
    browser.wait_for("#payouts", &format!("0.70 confirmed {hash}"));
    browser.wait_for("#figures", "Paid 0.70 BAN, 7 kills");
    browser.wait_for("#leaderboard", "7 0.70 0.70");
    assert_eq!(browser.evaluate("return document.querySelector('#address').value"), "ban_typing");
    // Nothing breaks the content policy, and no script fails.
    assert_eq!(browser.problems(), [""; 0]);
}

#[test]
fn on_a_phone_of_320_pixels_no_page_of_the_faucet_is_wider_than_the_screen() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 150, |setup| setup);
    let player = faucet.player(1, 0);
    faucet.outside.discord.set_person(player.id, &"wide".repeat(8), [1_000_000_000_000_007]);
    faucet.sign_in(player.id, &[]);
    faucet.outside.stats.grow_kills(&player.epic, 7);
    faucet.cycle();
    faucet.cycle();
    let ola = Operator::add(&faucet.server, "ola", "operator");
    browser.screen(320, 640);
    open_as(&browser, &faucet, &player.cookie);
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    let is_narrow = |what: &str| {
        let widest = browser.evaluate("return document.documentElement.scrollWidth");
        assert!(widest.as_u64().unwrap() <= 320, "{what}: {widest}");
    };
    is_narrow("a player's page");
    for scheme in ["dark", "light"] {
        browser.prefer(scheme);
        let ground = browser.evaluate("return getComputedStyle(document.body).backgroundColor");
        let expected = if scheme == "dark" { "rgb(18, 22, 27)" } else { "rgb(244, 245, 247)" };
        assert_eq!(ground, expected, "{scheme}");
    }
    browser.open(&format!("{}/static/link-required.html", faucet.server.base()));
    is_narrow("what is missing");
    browser.open(&format!("{}/console/payouts", faucet.server.base()));
    browser.type_into("#token", &ola.token);
    browser.click("button.go");
    // Going on before the answer is there would leave the session's cookie behind.
    browser.wait_for("body", "ola (operator)");
    browser.open(&format!("{}/console/payouts", faucet.server.base()));
    browser.wait_for("#payouts", "0.735 BAN final");
    is_narrow("the console's payouts");
}

#[test]
fn every_field_has_a_name_that_is_read_out_and_every_id_is_one_elements() {
    let Some(browser) = Browser::start(Scripts::On) else { return };
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    open_as(&browser, &faucet, &player.cookie);
    let unnamed = "return [...document.querySelectorAll('input:not([type=hidden]), progress, button')].filter((one) => \
                   one.tagName === 'BUTTON' ? !one.textContent.trim() : !one.labels.length).map((one) => one.outerHTML)";
    assert_eq!(browser.evaluate(unnamed), serde_json::json!([]));
    let ids = "const all = [...document.querySelectorAll('[id]')].map((one) => one.id); \
               return all.filter((id, place) => all.indexOf(id) !== place)";
    assert_eq!(browser.evaluate(ids), serde_json::json!([]));
    let levels = "return [...document.querySelectorAll('h1, h2')].map((one) => one.tagName)[0]";
    assert_eq!(browser.evaluate(levels), "H1");
}
