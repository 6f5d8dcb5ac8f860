//! What a live faucet refuses to start with (docs/spec/faucet.md 3.7, F2, F3).

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

/// Bytes that the session secret needs at least.
const SECRET_BYTES_MIN: usize = 32;
/// Secrets that stand in examples.
const KNOWN_SECRETS: [&str; 2] = ["dev-secret", "change-me-dev-secret"];

/// What the guards look at.
#[derive(Debug)]
pub struct StartSettings<'a> {
    /// Nothing is paid on the chain (`P2S_DRY_RUN`). Then nothing is refused.
    pub dry_run: bool,
    /// `SESSION_SECRET`.
    pub session_secret: Option<&'a SecretString>,
    /// `SESSION_SECRET_PREVIOUS`, whose tokens are believed as well.
    pub previous_session_secret: Option<&'a SecretString>,
    /// The host in `BANANO_NODE_RPC`, with or without the brackets of an IPv6 address; `None` when it is not set.
    pub node_host: Option<&'a str>,
    /// The hosts in `BURSAR_BANANO_NODES`; an empty one where no host can be read.
    pub further_node_hosts: &'a [&'a str],
    /// `FAUCET_ALLOW_LOOPBACK_NODE`, for tests.
    pub allow_loopback_node: bool,
    /// `DEMO_MODE`.
    pub demo_mode: bool,
    /// Whether `FAUCET_SEAL_KEY` is set.
    pub has_seal_key: bool,
    /// Whether migrations wait to be applied.
    pub has_pending_migrations: bool,
}

/// Something that stops the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartFinding {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it, to be read after its name. Never its value.
    pub rule: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// What may stand in the way of a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartCheck {
    /// What stops it; all of it at once. Empty = start.
    pub findings: Vec<StartFinding>,
    /// The node is on this machine, which was allowed: log it and set `faucet_loopback_node` to 1.
    pub uses_loopback_node: bool,
}

/// Checks the settings of a start.
#[must_use]
pub fn check(settings: &StartSettings<'_>) -> StartCheck {
    if settings.dry_run {
        return StartCheck::default();
    }
    let is_first_local = settings.node_host.is_some_and(is_local_host);
    let is_any_local = is_first_local || settings.further_node_hosts.iter().any(|host| is_local_host(host));
    let node = match settings.node_host {
        None | Some("") => Some("is empty, and a live faucet pays through it"),
        Some(_) if is_first_local && !settings.allow_loopback_node => {
            Some("names this machine, and a live faucet needs a production node")
        }
        Some(_) => None,
    };
    let further_node = |host: &&str| match *host {
        "" => Some("holds an address without a host"),
        host if is_local_host(host) && !settings.allow_loopback_node => {
            Some("names this machine, and a live faucet needs production nodes")
        }
        _ => None,
    };
    let previous = settings.previous_session_secret.and_then(|secret| secret_rule(Some(secret)));
    let findings = [
        secret_rule(settings.session_secret).map(|rule| StartFinding {
            variable: "SESSION_SECRET",
            rule,
            fix: "set it to the output of `bursar secret generate`",
        }),
        previous.map(|rule| StartFinding {
            variable: "SESSION_SECRET_PREVIOUS",
            rule,
            fix: "remove it; whoever has a session of that secret signs in again",
        }),
        node.map(|rule| StartFinding {
            variable: "BANANO_NODE_RPC",
            rule,
            fix: "set it to the address of a Banano node that other machines can reach",
        }),
        settings.further_node_hosts.iter().find_map(further_node).map(|rule| StartFinding {
            variable: "BURSAR_BANANO_NODES",
            rule,
            fix: "leave only addresses of Banano nodes that other machines can reach",
        }),
        settings.demo_mode.then_some(StartFinding {
            variable: "DEMO_MODE",
            rule: "is on, and demo players would be paid for real",
            fix: "remove it, or set P2S_DRY_RUN=true",
        }),
        (!settings.has_seal_key).then_some(StartFinding {
            variable: "FAUCET_SEAL_KEY",
            rule: "is not set, so the operator seed could not be read",
            fix: "set it to the output of `bursar secret generate`, and keep a copy apart from the database",
        }),
        settings.has_pending_migrations.then_some(StartFinding {
            variable: "DATABASE_URL",
            rule: "names a database that waits for migrations",
            fix: "run `bursar migrate up`",
        }),
    ];
    let uses_loopback_node = is_any_local && settings.allow_loopback_node;
    StartCheck { findings: findings.into_iter().flatten().collect(), uses_loopback_node }
}

fn secret_rule(secret: Option<&SecretString>) -> Option<&'static str> {
    let secret = secret.map_or("", |secret| secret.expose_secret());
    if secret.is_empty() {
        return Some("is not set, and anybody could forge a session");
    }
    if KNOWN_SECRETS.contains(&secret) {
        return Some("is the one from the examples, and anybody could forge a session");
    }
    (secret.len() < SECRET_BYTES_MIN).then_some("is shorter than 32 bytes and could be guessed")
}

/// Whether a host is this machine: `localhost` and names below it, loopback and unspecified addresses, however written.
fn is_local_host(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
    let bare = bare.split('%').next().unwrap_or_default();
    match bare.parse::<IpAddr>() {
        Ok(address) => is_local_address(address),
        Err(_) => is_short_local(bare),
    }
}

fn is_local_address(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // All of 0.0.0.0/8 reaches this machine.
    let is_zero_net = matches!(address, IpAddr::V4(address) if address.octets()[0] == 0);
    address.is_loopback() || address.is_unspecified() || is_zero_net
}

/// Resolvers also take `127.1`, `0x7f000001` or `2130706433` for addresses. A host made of digits and dots that is no
/// plain address is treated as local: nobody's production node is called that.
fn is_short_local(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let is_hexadecimal =
        last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_decimal || is_hexadecimal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn live(secret: &SecretString) -> StartSettings<'_> {
        StartSettings {
            dry_run: false,
            session_secret: Some(secret),
            previous_session_secret: None,
            node_host: Some("node.example.org"),
            further_node_hosts: &[],
            allow_loopback_node: false,
            demo_mode: false,
            has_seal_key: true,
            has_pending_migrations: false,
        }
    }

    fn variables(settings: &StartSettings<'_>) -> Vec<&'static str> {
        check(settings).findings.iter().map(|finding| finding.variable).collect()
    }

    #[test]
    fn a_live_faucet_needs_a_session_secret_of_its_own() {
        for weak in ["", "dev-secret", "change-me-dev-secret", "0123456789012345678901234567890"] {
            assert_eq!(variables(&live(&secret(weak))), ["SESSION_SECRET"], "{weak:?}");
        }
        let strong = secret("01234567890123456789012345678901");
        assert_eq!(check(&live(&strong)), StartCheck::default());
        assert_eq!(variables(&StartSettings { session_secret: None, ..live(&strong) }), ["SESSION_SECRET"]);
        for (previous, refused) in [("dev-secret", true), ("short", true), (strong.expose_secret(), false)] {
            let previous = secret(previous);
            let settings = StartSettings { previous_session_secret: Some(&previous), ..live(&strong) };
            let expected: &[&str] = if refused { &["SESSION_SECRET_PREVIOUS"] } else { &[] };
            assert_eq!(variables(&settings), expected);
        }
    }

    #[test]
    fn a_live_faucet_needs_a_node_elsewhere() {
        let secret = secret("01234567890123456789012345678901");
        let local = [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "node.localhost",
            "127.0.0.1",
            "127.8.9.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "[::1]",
            "::1",
            "0:0:0:0:0:0:0:1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "[::]",
            "::",
            "[::1%lo]",
        ];
        for host in local {
            let settings = StartSettings { node_host: Some(host), ..live(&secret) };
            assert_eq!(variables(&settings), ["BANANO_NODE_RPC"], "{host}");
            let allowed = check(&StartSettings { allow_loopback_node: true, ..settings });
            assert_eq!(allowed, StartCheck { findings: vec![], uses_loopback_node: true }, "{host}");
            let hosts = ["node.example.org", host];
            let settings = StartSettings { further_node_hosts: &hosts, ..live(&secret) };
            assert_eq!(variables(&settings), ["BURSAR_BANANO_NODES"], "{host}");
            let allowed = check(&StartSettings { allow_loopback_node: true, ..settings });
            assert_eq!(allowed, StartCheck { findings: vec![], uses_loopback_node: true }, "{host}");
        }
        let hosts = ["203.0.113.7", ""];
        let settings =
            StartSettings { further_node_hosts: &hosts, allow_loopback_node: true, ..live(&secret) };
        assert_eq!(variables(&settings), ["BURSAR_BANANO_NODES"], "an address without a host");
        assert_eq!(
            check(&StartSettings { further_node_hosts: &hosts[..1], ..settings }),
            StartCheck::default()
        );
        for empty in [None, Some("")] {
            let settings = StartSettings { node_host: empty, allow_loopback_node: true, ..live(&secret) };
            assert_eq!(variables(&settings), ["BANANO_NODE_RPC"]);
        }
        for host in [
            "node.example.org",
            "203.0.113.7",
            "10.0.0.5",
            "[2001:db8::1]",
            "localhost.example.org",
            "node1.example",
        ] {
            let settings =
                StartSettings { node_host: Some(host), allow_loopback_node: true, ..live(&secret) };
            assert_eq!(check(&settings), StartCheck::default(), "{host}");
        }
    }

    #[test]
    fn everything_is_named_at_once_and_nothing_in_dry_run() {
        let weak = secret("dev-secret");
        let worst = StartSettings {
            node_host: Some("localhost"),
            demo_mode: true,
            has_seal_key: false,
            has_pending_migrations: true,
            ..live(&weak)
        };
        let all = ["SESSION_SECRET", "BANANO_NODE_RPC", "DEMO_MODE", "FAUCET_SEAL_KEY", "DATABASE_URL"];
        assert_eq!(variables(&worst), all);
        let shown = format!("{worst:?} {:?}", check(&worst));
        assert!(!shown.contains("dev-secret"), "{shown}");
        assert_eq!(check(&StartSettings { dry_run: true, ..worst }), StartCheck::default());
    }
}
