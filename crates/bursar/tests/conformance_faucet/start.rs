//! What a live faucet refuses to start with.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

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

/// An address of this machine that nobody listens on. Its port is below those that the system hands out for outgoing
/// connections: a connection could reach itself there.
fn free_address() -> SocketAddr {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut addresses = (first..32_000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    addresses.find(|address| TcpListener::bind(address).is_ok()).unwrap()
}

/// The server ends with an error whose one line names `variable`, and at no time takes a connection.
#[track_caller]
fn refused(setup: &Setup, variable: &str) {
    let address = free_address();
    let mut server = setup.clone().env("BURSAR_LISTEN", &address.to_string()).spawn();
    while server.is_running() {
        assert!(TcpStream::connect(address).is_err(), "{variable}: its port is open");
        std::thread::sleep(Duration::from_millis(1));
    }
    let (status, stdout, stderr) = server.ended();
    assert!(!status.success(), "{variable}: it started");
    let reasons: Vec<&str> = stderr.lines().filter(|line| line.contains(variable)).collect();
    assert_eq!(reasons.len(), 1, "{variable} in {stderr}");
    assert!(!stdout.contains("listening on"), "{stdout}");
    assert!(!stderr.contains(SECRET));
}

#[test]
fn f2_a_live_faucet_does_not_start_on_a_shipped_missing_or_short_session_secret() {
    let place = Place::sqlite();
    let too_short = "x".repeat(31);
    for secret in ["dev-secret", "change-me-dev-secret", "short", &too_short] {
        refused(&live(&place).env("SESSION_SECRET", secret), "SESSION_SECRET");
    }
    refused(&live(&place).without("SESSION_SECRET"), "SESSION_SECRET");
}

#[test]
fn f3_a_live_faucet_does_not_start_against_a_node_of_this_machine_or_none_and_a_dry_run_does() {
    let place = Place::sqlite();
    let addresses = [
        "http://localhost:7072",
        "http://127.0.0.1:7072",
        "http://[::1]:7072",
        "http://0.0.0.0:7072",
        "http://[::]:7072",
        "",
    ];
    let live = live(&place).without("FAUCET_ALLOW_LOOPBACK_NODE");
    let named = addresses.map(|node| live.clone().env("BANANO_NODE_RPC", node));
    for setup in named.into_iter().chain([live.without("BANANO_NODE_RPC")]) {
        refused(&setup, "BANANO_NODE_RPC");
        let dry = setup.env("P2S_DRY_RUN", "true").start();
        assert_eq!(dry.get("/config/product").expect(200)["feature_flags"]["dry_run_banner"], true);
    }
}

#[test]
fn a_live_faucet_names_everything_that_is_missing_at_once() {
    let place = Place::sqlite();
    let setup = live(&place).without("FAUCET_SEAL_KEY").without("SESSION_SECRET");
    refused(&setup, "FAUCET_SEAL_KEY");
    refused(&setup, "SESSION_SECRET");
}
