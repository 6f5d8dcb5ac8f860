//! Where the server listens (docs/spec/platform.md, shared variables and H18).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::desks::DeskName;
use super::values::Values;

/// `BURSAR_LISTEN` (the flag included), else all interfaces at `PORT`, else loopback at 3000, or 5000 for
/// arena alone.
pub(super) fn public(values: &Values, desks: &[DeskName]) -> SocketAddr {
    let named = values.value("BURSAR_LISTEN").and_then(|text| text.parse().ok());
    let by_port = || port(values, "PORT");
    let fallback = if desks == [DeskName::Arena] { 5000 } else { 3000 };
    named.or_else(by_port).unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), fallback))
}

/// The second listener, for infrastructure routes only: `BURSAR_OPS_LISTEN`, else all interfaces at
/// `P2S_METRICS_PORT`.
pub(super) fn operations(values: &Values) -> Option<SocketAddr> {
    let named = values.value("BURSAR_OPS_LISTEN").and_then(|text| text.parse().ok());
    named.or_else(|| port(values, "P2S_METRICS_PORT"))
}

fn port(values: &Values, name: &str) -> Option<SocketAddr> {
    let port = values.value(name)?.parse().ok()?;
    Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::super::testing::{accepted, refused_names, source};

    #[test]
    fn the_flag_wins_over_bursar_listen_over_port_over_loopback() {
        let listen = |environment: &[(&str, &str)]| accepted(environment).listen.to_string();
        assert_eq!(listen(&[]), "127.0.0.1:3000");
        assert_eq!(listen(&[("BURSAR_DESKS", "arena")]), "127.0.0.1:5000");
        assert_eq!(listen(&[("BURSAR_DESKS", "arena,trades")]), "127.0.0.1:3000");
        assert_eq!(listen(&[("PORT", "8080"), ("BURSAR_DESKS", "arena")]), "0.0.0.0:8080");
        assert_eq!(listen(&[("PORT", "8080"), ("BURSAR_LISTEN", "10.0.0.1:99")]), "10.0.0.1:99");
        let with_flag = source(&[("BURSAR_LISTEN", "10.0.0.1:99")]).with_flag("BURSAR_LISTEN", "127.0.0.1:0");
        assert_eq!(load(&with_flag).unwrap().listen.to_string(), "127.0.0.1:0");
    }

    #[test]
    fn h18_the_second_listener_exists_only_when_asked_for() {
        let operations =
            |environment: &[(&str, &str)]| accepted(environment).ops_listen.map(|it| it.to_string());
        assert_eq!(operations(&[]), None);
        assert_eq!(operations(&[("P2S_METRICS_PORT", "8001")]).as_deref(), Some("0.0.0.0:8001"));
        let both = [("P2S_METRICS_PORT", "8001"), ("BURSAR_OPS_LISTEN", "127.0.0.1:9")];
        assert_eq!(operations(&both).as_deref(), Some("127.0.0.1:9"));
    }

    #[test]
    fn addresses_and_ports_that_cannot_be_read_are_refused() {
        assert_eq!(refused_names(&[("PORT", "65536")]), ["PORT"]);
        assert_eq!(refused_names(&[("BURSAR_LISTEN", "localhost:3000")]), ["BURSAR_LISTEN"]);
        assert_eq!(refused_names(&[("P2S_METRICS_PORT", "0")]), ["P2S_METRICS_PORT"]);
    }
}
