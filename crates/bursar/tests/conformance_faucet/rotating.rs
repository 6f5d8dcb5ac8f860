//! Replacing the secret that signs sessions.

use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::faucet::{OPERATOR_SEED, Player, SESSION_SECRET, operator};
use crate::harness::{LiveFaucet, Place, Setup, Tool};

const FRESH: &str = "another session secret of forty-one chars";

#[test]
fn f34_secret_generate_prints_32_random_bytes_and_others_each_time() {
    let tool = Tool::of(&Setup::bare(&Place::sqlite()));
    let [one, other] = ["secret", "secrets"].map(|verb| {
        let output = tool.run(&[verb, "generate"]);
        assert_eq!(output.status, 0, "{output:?}");
        hex::decode(output.stdout.trim_end()).unwrap()
    });
    assert_eq!((one.len(), other.len()), (32, 32));
    assert_ne!(one, other);
    assert_ne!(one, [one[0]; 32]);
}

/// Ends the server in order and starts it with another environment; its clock goes on.
fn restart_with(faucet: LiveFaucet, change: impl FnOnce(Setup) -> Setup) -> LiveFaucet {
    let now_ms = faucet.server.now_ms();
    let LiveFaucet { outside, server, .. } = faucet;
    let setup = change(server.setup().clone()).manual_clock(now_ms);
    assert!(server.stop().success());
    LiveFaucet::around(outside, setup.start())
}

/// What a player with this cookie is answered.
fn status(faucet: &LiveFaucet, cookie: &str) -> u16 {
    faucet.server.get_with("/me/status", &[("cookie", cookie)]).status
}

fn signed_in(faucet: &LiveFaucet, player: &Player) -> String {
    let cookie = faucet.sign_in(player.id, &[]);
    assert_eq!(status(faucet, &cookie), 200);
    cookie
}

#[test]
fn f36_a_new_session_secret_ends_sessions_unless_the_former_is_stated_and_the_seed_stays_readable() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start(place);
        let player = faucet.player(1, 0);
        let (old, old_admin) = (player.cookie.clone(), faucet.admin());
        let admin = |faucet: &LiveFaucet, cookie: &str| {
            faucet.server.get_with("/admin/stats", &[("cookie", cookie)]).status
        };
        assert_eq!((status(&faucet, &old), admin(&faucet, &old_admin)), (200, 200));

        let overlapping =
            |setup: Setup| setup.env("SESSION_SECRET", FRESH).env("SESSION_SECRET_PREVIOUS", SESSION_SECRET);
        let faucet = restart_with(faucet, overlapping);
        assert_eq!((status(&faucet, &old), admin(&faucet, &old_admin)), (200, 200), "grace");
        let new = signed_in(&faucet, &player);

        let faucet = restart_with(faucet, |setup| setup.without("SESSION_SECRET_PREVIOUS"));
        assert_eq!((status(&faucet, &old), admin(&faucet, &old_admin)), (401, 401), "grace has ended");
        assert_eq!(status(&faucet, &new), 200, "signed with the new one");
        signed_in(&faucet, &player);
        let seed = faucet.admin_get("/admin/config/operator-seed/status");
        assert_eq!((&seed["configured"], &seed["address"]), (&json!(true), &json!(operator().address())));
        faucet.outside.stats.grow_kills(&player.epic, 7);
        faucet.pass_ms(120_000);
        assert_eq!(faucet.outside.paid_e8(&player), [70_000_000], "the seed still signs");
    });
}

/// The paths that administrators read, by the server's own description; those with parameters in them are left out.
fn admin_paths(faucet: &LiveFaucet) -> Vec<String> {
    let described = faucet.server.get("/openapi.json").expect(200);
    let paths = described["paths"].as_object().unwrap().iter();
    // The log's tail does not end; the recent log has the same lines.
    let read = paths.filter(|(path, methods)| {
        let is_admin = path.starts_with("/admin/") || path.starts_with("/debug/");
        is_admin && methods["get"].is_object() && !path.contains('{') && *path != "/admin/logs/tail"
    });
    read.map(|(path, _)| path.clone()).collect()
}

#[test]
fn f35_a_secret_comes_by_file_alone_and_nobody_is_ever_shown_it() {
    Place::for_each_engine(|place| {
        let (file, former) = (place.folder().join("session"), place.folder().join("session-former"));
        std::fs::write(&file, SESSION_SECRET).unwrap();
        let in_files = |setup: Setup| {
            setup
                .without("SESSION_SECRET")
                .env("SESSION_SECRET_FILE", file.to_str().unwrap())
                .env("SESSION_SECRET_PREVIOUS_FILE", former.to_str().unwrap())
        };
        let faucet = LiveFaucet::start_with(place, 99, in_files);
        let player = faucet.player(1, 0);
        faucet.admin();
        std::fs::rename(&file, &former).unwrap();
        std::fs::write(&file, FRESH).unwrap();
        let reloaded = Tool::beside(&faucet.server).run(&["secrets", "reload", "--reason", "rotation"]);
        assert_eq!(reloaded.status, 0, "{reloaded:?}");
        assert_eq!(status(&faucet, &player.cookie), 200, "the former one counts while its file is there");
        signed_in(&faucet, &player);

        let mut shown = vec![reloaded.stdout, reloaded.stderr];
        let cookie = faucet.admin();
        let paths = admin_paths(&faucet);
        for expected in ["/admin/logs/recent", "/admin/stats", "/admin/config/operator-seed/status"] {
            assert!(paths.iter().any(|path| path == expected), "{paths:?}");
        }
        for path in paths {
            let query = match path.as_str() {
                "/admin/logs/recent" => "?tail=5000".to_owned(),
                "/debug/yunite" => format!("?discord_user_id={}", player.id),
                _ => String::new(),
            };
            let path = path + &query;
            let answer = faucet.server.get_with(&path, &[("cookie", &cookie)]);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            shown.push(answer.text);
        }
        shown.extend(["/metrics", "/config/product", "/healthz"].map(|path| faucet.server.get(path).text));
        shown.extend([faucet.server.log(), faucet.server.stderr()]);
        shown.extend(Evidence::of(place).domain());
        let seal = "5e".repeat(32);
        for secret in
            [SESSION_SECRET, FRESH, OPERATOR_SEED, &seal, "discord secret", "yunite key", "fortnite key"]
        {
            let leak = shown.iter().find(|text| text.contains(secret));
            assert!(leak.is_none(), "{secret} in {leak:?}");
        }
    });
}
