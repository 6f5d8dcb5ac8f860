//! What a live faucet refuses to start with.

use crate::harness::{Place, Setup};

const SECRET: &str = "a session secret of forty characters, yes";

/// A live faucet whose every setting is as it has to be, but for a node on this machine that is allowed.
fn live(place: &Place) -> Setup {
    Setup::bare(place)
        .env("BURSAR_DESKS", "faucet")
        .env("P2S_DRY_RUN", "false")
        .env("SESSION_SECRET", SECRET)
        .env("FAUCET_SEAL_KEY", &"5e".repeat(32))
        .env("BANANO_NODE_RPC", "http://127.0.0.1:1")
        .env("FAUCET_ALLOW_LOOPBACK_NODE", "1")
        .env("DISCORD_CLIENT_ID", "1")
        .env("DISCORD_CLIENT_SECRET", "discord")
        .env("DISCORD_REDIRECT_URI", "http://127.0.0.1/auth/discord/callback")
        .env("YUNITE_API_KEY", "yunite")
        .env("YUNITE_GUILD_ID", "2")
        .env("FORTNITE_API_KEY", "fortnite")
}

/// The server ends with an error that names `variable`, and has told no address.
#[track_caller]
fn refused(setup: &Setup, variable: &str) {
    let (status, stdout, stderr) = setup.refuse();
    assert!(!status.success(), "{variable}: it started");
    assert!(stderr.contains(variable), "{variable} in {stderr}");
    assert!(!stdout.contains("listening on"), "{stdout}");
    assert!(!stderr.contains(SECRET));
}

#[test]
fn f2_a_live_faucet_does_not_start_on_a_shipped_missing_or_short_session_secret() {
    let place = Place::sqlite();
    refused(&live(&place).env("SESSION_SECRET", "dev-secret"), "SESSION_SECRET");
    refused(&live(&place).env("SESSION_SECRET", "short"), "SESSION_SECRET");
    refused(&live(&place).without("SESSION_SECRET"), "SESSION_SECRET");
}

#[test]
fn f3_a_live_faucet_does_not_start_against_a_node_of_this_machine_and_a_dry_run_does() {
    let place = Place::sqlite();
    for node in ["http://localhost:7072", "http://127.0.0.1:7072", "http://[::1]:7072", "http://0.0.0.0:7072"]
    {
        let setup = live(&place).without("FAUCET_ALLOW_LOOPBACK_NODE").env("BANANO_NODE_RPC", node);
        refused(&setup, "BANANO_NODE_RPC");
        let dry = setup.env("P2S_DRY_RUN", "true").start();
        assert_eq!(dry.get("/config/product").expect(200)["feature_flags"]["dry_run_banner"], true);
    }
    let nowhere = live(&place).without("FAUCET_ALLOW_LOOPBACK_NODE").without("BANANO_NODE_RPC");
    refused(&nowhere, "BANANO_NODE_RPC");
}

#[test]
fn a_live_faucet_names_everything_that_is_missing_at_once() {
    let place = Place::sqlite();
    let setup = live(&place).without("FAUCET_SEAL_KEY").without("SESSION_SECRET");
    refused(&setup, "FAUCET_SEAL_KEY");
    refused(&setup, "SESSION_SECRET");
}
