//! The faucet's page: what it shows to whom, that its forms need no script, and that it is safe to look at.

use bursar_devnet_banano::Command;

use crate::harness::faucet::{Player, player_address};
use crate::harness::{Answer, LiveFaucet, Place, Setup};
use crate::operator::{Operator, words};

#[track_caller]
fn page(faucet: &LiveFaucet, player: Option<&Player>) -> String {
    let cookie = player.map(|player| [("cookie", player.cookie.as_str())]);
    let answer = faucet.server.get_with("/faucet", cookie.as_ref().map_or(&[], |headers| headers));
    assert_eq!(answer.status, 200, "{}", answer.text);
    words(&answer.text)
}

#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(words(&answer.text).contains(text), "{text} in {}", words(&answer.text));
}

fn link(faucet: &LiveFaucet, cookie: &str, address: &str) -> Answer {
    faucet.server.post_form("/faucet/wallet", &[("cookie", cookie)], &[("banano_address", address)])
}

/// A dry-run faucet with its demonstration.
fn demonstration(place: &Place) -> Setup {
    Setup::rounds(place).env("BURSAR_DESKS", "faucet").env("DEMO_MODE", "1")
}

#[test]
fn h5_the_faucet_has_its_own_path_and_the_root_when_it_is_alone() {
    let place = Place::sqlite();
    let server = demonstration(&place).start();
    for path in ["/", "/faucet"] {
        let answer = server.get(path);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(words(&answer.text).contains("Sign in with Discord"), "{path}");
    }
    drop(server);
    let server = Setup::rounds(&place).env("BURSAR_DESKS", "rounds,faucet").start();
    let front = server.get("/").text;
    assert!(front.contains("href=\"/rounds\"") && front.contains("href=\"/faucet\""), "{front}");
    drop(server);
    let server = Setup::rounds(&place).start();
    for path in ["/faucet", "/static/faucet.css", "/static/link-required.html", "/favicon.ico"] {
        assert_eq!(server.get(path).status, 404, "{path} of a desk that is off");
    }
}

#[test]
fn h8_the_page_loads_nothing_from_elsewhere_and_holds_no_script_or_style() {
    let place = Place::sqlite();
    let server = demonstration(&place).start();
    for path in ["/", "/faucet", "/static/link-required.html"] {
        let answer = server.get(path);
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
            )
        );
        for foreign in ["http:", "https:", " style=", "<style", " onclick=", "<script>", "javascript:"] {
            assert!(!answer.text.contains(foreign), "{path} {foreign}");
        }
    }
    let css = server.get("/static/faucet.css");
    assert_eq!(css.header("content-type"), Some("text/css; charset=utf-8"));
    let mut icon = ureq::get(format!("{}/favicon.ico", server.base())).call().unwrap();
    assert_eq!(icon.headers()["content-type"], "image/x-icon");
    assert_eq!(
        icon.body_mut().read_to_vec().unwrap()[..6],
        [0, 0, 1, 0, 1, 0],
        "an icon file with one picture"
    );
}

#[test]
fn f1_practice_is_told_from_real_money_and_follows_the_switch() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    assert!(!page(&faucet, None).contains("Dry run."));
    faucet.switch("force_dry_run", "on");
    assert!(page(&faucet, None).contains("Dry run. Everything here is practice: no BAN is sent"));
    faucet.switch("force_dry_run", "off");
    assert!(!page(&faucet, None).contains("Dry run."));
    faucet.switch("payouts_halted", "on");
    assert!(page(&faucet, None).contains("Paused. Nothing is paid now; what is open stays yours."));
}

#[test]
fn a_payout_goes_from_pending_to_sent_to_confirmed_and_shows_its_block() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 1_208);
        faucet.outside.node.command(Command::ConfirmationLag(None)).unwrap();
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.switch("payouts_halted", "on");
        faucet.trigger();
        let counted = page(&faucet, Some(&player));
        assert!(counted.contains("Open 0.70 BAN, 7 kills"), "{counted}");
        faucet.switch("payouts_halted", "off");
        faucet.trigger();
        let pending = page(&faucet, Some(&player));
        assert!(
            pending.contains("On its way 0.70 BAN, 7 kills") && pending.contains("0.70 pending"),
            "{pending}"
        );
        faucet.cycle();
        let hash = faucet.outside.sends()[0].hash.clone();
        let sent = page(&faucet, Some(&player));
        assert!(sent.contains(&format!("0.70 sent {hash}")), "{sent}");
        faucet.outside.node.command(Command::ConfirmAll).unwrap();
        faucet.cycle();
        let confirmed = page(&faucet, Some(&player));
        assert!(confirmed.contains(&format!("0.70 confirmed {hash}")), "{confirmed}");
        assert!(
            confirmed.contains("Paid 0.70 BAN, 7 kills Today 7 of 150 This week 7 of 750"),
            "{confirmed}"
        );
        // Whoever has not signed in sees the same payout and nobody's own figures.
        let visitor = page(&faucet, None);
        assert!(visitor.contains(&format!("{} confirmed {hash}", "player80351110225000001")), "{visitor}");
        assert!(!visitor.contains("This week"), "{visitor}");
    });
}

#[test]
fn a_wallet_is_linked_by_the_form_and_a_refusal_says_why_and_keeps_what_was_typed() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    faucet.outside.person(80_351_110_225_000_009, "epic_9", 0);
    let cookie = faucet.sign_in(80_351_110_225_000_009, &[]);
    let headers = [("cookie", cookie.as_str())];
    let shown = || words(&faucet.server.get_with("/faucet", &headers).text);
    assert!(shown().contains("Link a wallet. Without one, no kills are counted."), "{}", shown());

    let mistyped = player_address(9).replace("ban_", "ban_1");
    let refused = link(&faucet, &cookie, &mistyped);
    says(&refused, 400, "Not linked. Invalid Banano address.");
    assert!(refused.text.contains(&format!("value=\"{mistyped}\"")), "{}", refused.text);
    let burn = "ban_1burnbabyburndiscoinferno111111111111111111111111111aj49sw3w";
    says(&link(&faucet, &cookie, burn), 400, "Not linked.");
    let marked = link(&faucet, &cookie, "<script>alert(1)</script>");
    assert!(marked.status == 400 && !marked.text.contains("<script>alert"), "{}", marked.text);

    let linked = link(&faucet, &cookie, &format!(" {} ", player_address(9)));
    assert_eq!(
        (linked.status, linked.header("location")),
        (303, Some("/faucet?done=linked")),
        "{}",
        linked.text
    );
    says(
        &faucet.server.get_with("/faucet?done=linked", &headers),
        200,
        &format!("Payouts go to {}", player_address(9)),
    );
}

#[test]
fn forms_take_a_session_and_come_from_our_own_pages() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    let unsigned = faucet.server.post_form("/faucet/wallet", &[], &[("banano_address", &player_address(2))]);
    says(&unsigned, 401, "Not linked.");
    for form in ["/faucet/wallet", "/faucet/reverify", "/faucet/sign-out", "/faucet/demo-sign-in"] {
        let foreign = [("cookie", player.cookie.as_str()), ("sec-fetch-site", "cross-site")];
        let fields = [("banano_address", player_address(2))];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = faucet.server.post_form(form, &foreign, &fields);
        says(&answer, 403, "This form was sent from another site");
    }
    assert_eq!(faucet.mine(&player, "/me/status")["wallet_address"], player.address);
    let stale = faucet.server.get_with("/faucet", &[("cookie", "p2s_session=nonsense")]);
    says(&stale, 200, "Your session has ended. Sign in again.");
    let gone = faucet.server.post_form("/faucet/sign-out", &[("cookie", &player.cookie)], &[]);
    assert_eq!(gone.status, 303);
    assert!(gone.header("set-cookie").unwrap().starts_with("p2s_session=; Path=/; Max-Age=0"), "{gone:?}");
    // A live faucet has no demonstration.
    says(&faucet.server.post_form("/faucet/demo-sign-in", &[], &[]), 403, "The demonstration is off.");
}

#[test]
fn a_player_who_left_the_guild_is_told_and_may_look_again() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.yunite.with(|yunite| yunite.unlink(&player.id.to_string()));
    let headers = [("cookie", player.cookie.as_str())];
    let looked = faucet.server.post_form("/faucet/reverify", &headers, &[]);
    assert_eq!(looked.header("location"), Some("/faucet?done=verified"), "{}", looked.text);
    let shown = page(&faucet, Some(&player));
    assert!(shown.contains("No Epic account is linked: link one with Yunite"), "{shown}");
    faucet.outside.yunite.link(&player.id.to_string(), &player.epic);
    // Once a minute.
    faucet.pass_ms(60_000);
    assert_eq!(faucet.server.post_form("/faucet/reverify", &headers, &[]).status, 303);
    let shown = page(&faucet, Some(&player));
    assert!(
        !shown.contains("link one with Yunite.  Look again") && !shown.contains("You do not earn now."),
        "{shown}"
    );
}

#[test]
fn whoever_cannot_be_signed_in_is_told_what_is_missing() {
    let place = Place::sqlite();
    let server = demonstration(&place).env("DISCORD_INVITE_URL", "https://discord.example/invite").start();
    let guild = server.get("/static/link-required.html?reason=guild");
    says(&guild, 200, "Your Discord account is not in the community's server.");
    assert!(guild.text.contains("href=\"https://discord.example/invite\""), "{}", guild.text);
    assert!(!words(&guild.text).contains("Epic"), "{}", guild.text);
    let epic = server.get("/static/link-required.html?reason=epic");
    says(&epic, 200, "No Epic account is linked to your Discord account.");
    assert!(!words(&epic.text).contains("not in the community's server"));
    says(&server.get("/static/link-required.html?reason=%3Cb%3E"), 200, "Not signed in yet");
}

#[test]
fn names_of_players_are_text_and_nothing_else() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.discord.set_person(player.id, "<img src=x>&\"quote", [1_000_000_000_000_007]);
    let cookie = faucet.sign_in(player.id, &[]);
    let player = Player { cookie, ..player };
    faucet.outside.stats.grow_kills(&player.epic, 2);
    faucet.cycle();
    let answer = faucet.server.get_with("/faucet", &[("cookie", &player.cookie)]);
    assert!(!answer.text.contains("<img src=x"), "{}", answer.text);
    assert!(words(&answer.text).contains("<img src=x>&\"quote"), "{}", words(&answer.text));
}

#[test]
fn donations_show_the_milestone_the_next_and_who_gave() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 150, |setup| setup);
    faucet.pass_ms(120_000);
    let shown = page(&faucet, None);
    assert!(shown.contains("150.00 of 10,000.00 BAN, 1.50 %"), "{shown}");
    assert!(shown.contains("First Blood : Kills earn 5 % more. 350.00 BAN more to Loot Drop"), "{shown}");
    assert!(shown.contains("1 donation"), "{shown}");
}

#[test]
fn operators_see_wallets_payouts_and_why_they_wait() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 0);
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.trigger();
        faucet.switch("payouts_halted", "on");
        assert_eq!(faucet.server.get("/console/payouts").status, 401);
        let session = Operator::add(&faucet.server, "ann", "viewer").sign_in(&faucet.server);
        let shown = words(&session.get("/console/payouts").text);
        assert!(shown.contains("running"), "{shown}");
        assert!(shown.contains("99.00 BAN"), "{shown}");
        assert!(shown.contains("faucet payouts halted on by ") && shown.contains("a test"), "{shown}");
        assert!(shown.contains("0.70 BAN accepted"), "{shown}");
        assert!(shown.contains(&player.address), "{shown}");
        faucet.switch("payouts_halted", "off");
        faucet.cycle();
        let sent = words(&session.get("/console/payouts?state=final").text);
        assert!(sent.contains("0.70 BAN final"), "{sent}");
        let held = words(&session.get("/console/payouts?state=held").text);
        assert!(!held.contains("0.70 BAN") && held.contains("None."), "{held}");
    });
}

#[test]
fn an_operator_stops_the_faucets_payouts_on_the_stop_page_and_a_viewer_does_not() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 0);
        let viewer = Operator::add(&faucet.server, "vic", "viewer").sign_in(&faucet.server);
        assert_eq!(viewer.change("stop", "faucet-payouts", "mischief", &[]).status, 403);
        let session = Operator::add(&faucet.server, "ola", "operator").sign_in(&faucet.server);
        says(&session.change("stop", "faucet-payouts", "a drill", &[]), 200, "Stopped: faucet-payouts.");
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.cycle();
        faucet.cycle();
        assert!(faucet.outside.sends().is_empty(), "a stop binds");
        let shown = words(&session.get("/console/payouts").text);
        assert!(shown.contains("faucet payouts halted on by "), "{shown}");
        says(&session.change("resume", "faucet-payouts", "over", &[]), 200, "Resumed: faucet-payouts.");
        faucet.cycle();
        faucet.cycle();
        assert_eq!(faucet.outside.paid_e8(&player), [70_000_000]);
        assert_eq!(session.change("stop", "faucet-nothing", "drill", &[]).status, 400);
    });
}
