//! Whose request it is: the client's address behind trusted proxies (H7).

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Which peers may name another client's address, and in which header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyTrust {
    /// Addresses of trusted proxies (`TRUSTED_PROXIES`). Empty = none is known by address.
    pub networks: Vec<IpNet>,
    /// How many proxies stand in front (`TRUSTED_PROXY_COUNT`); 0 = not set. Above 0 every peer counts as a
    /// proxy, so the port must not be reachable around it.
    pub count: usize,
    /// The header that proxies append the address of their peer to (`BURSAR_CLIENT_IP_HEADER`).
    pub header: HeaderName,
}

impl Default for ProxyTrust {
    fn default() -> Self {
        Self { networks: Vec::new(), count: 0, header: HeaderName::from_static("x-forwarded-for") }
    }
}

impl ProxyTrust {
    /// Whether what this peer says about the client (address, `X-Region`) is believed.
    pub fn believes(&self, peer: IpAddr) -> bool {
        self.count > 0 || self.is_proxy(peer.to_canonical())
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether hop number `hop` (the peer is 1) may be looked behind.
    fn looks_behind(&self, hop: usize, address: IpAddr) -> bool {
        let within_count = self.count == 0 || hop <= self.count;
        // By count alone the hops' addresses are unknown, so each of the first COUNT is taken for a proxy.
        let trusted = hop == 1 || self.networks.is_empty() || self.is_proxy(address);
        within_count && trusted
    }
}

/// The client's address: the peer, or, behind trusted proxies, the nearest hop that is not one of them.
///
/// The header is read from the right. An entry that is no address ends the reading, and the nearest hop
/// before it stands: a client can make itself look like its proxy, never like another client.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trust: &ProxyTrust) -> IpAddr {
    let mut nearest = peer.to_canonical();
    if !trust.believes(nearest) {
        return nearest;
    }
    let mut hop = 1;
    for line in headers.get_all(&trust.header).iter().rev() {
        let Ok(line) = line.to_str() else { return nearest };
        for entry in line.rsplit(',') {
            if !trust.looks_behind(hop, nearest) {
                return nearest;
            }
            let Some(address) = parse_hop(entry) else { return nearest };
            nearest = address;
            hop += 1;
        }
    }
    nearest
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn parse_hop(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(bracketed)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(networks: &[&str], count: usize) -> ProxyTrust {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        ProxyTrust { networks, count, ..ProxyTrust::default() }
    }

    fn check(trust: &ProxyTrust, peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let found = client_ip(peer.parse().unwrap(), &headers, trust);
        assert_eq!(found.to_string(), expected, "peer {peer}, header {forwarded:?}, {trust:?}");
    }

    #[test]
    fn without_trust_the_peer_is_the_client_whatever_the_header_says() {
        let nobody = trust(&[], 0);
        check(&nobody, "203.0.113.9", &[], "203.0.113.9");
        check(&nobody, "203.0.113.9", &["1.1.1.1"], "203.0.113.9");
        check(&trust(&["10.0.0.0/8"], 0), "203.0.113.9", &["1.1.1.1"], "203.0.113.9");
    }

    #[test]
    fn behind_listed_proxies_the_nearest_unlisted_hop_is_the_client() {
        let proxies = trust(&["10.0.0.0/8", "192.0.2.7/32"], 0);
        check(&proxies, "10.0.0.1", &["198.51.100.4"], "198.51.100.4");
        check(&proxies, "10.0.0.1", &["198.51.100.4, 10.1.1.1, 192.0.2.7"], "198.51.100.4");
        check(&proxies, "10.0.0.1", &["198.51.100.4", "10.1.1.1"], "198.51.100.4");
        check(&proxies, "10.0.0.1", &[], "10.0.0.1");
        check(&proxies, "10.0.0.1", &["10.2.2.2, 10.1.1.1"], "10.2.2.2");
    }

    #[test]
    fn spoofed_entries_to_the_left_of_the_real_one_are_never_read() {
        let proxies = trust(&["10.0.0.0/8"], 0);
        check(&proxies, "10.0.0.1", &["1.1.1.1, 198.51.100.4"], "198.51.100.4");
        check(&proxies, "10.0.0.1", &["10.9.9.9, 198.51.100.4"], "198.51.100.4");
        check(&proxies, "10.0.0.1", &["garbage, , 198.51.100.4"], "198.51.100.4");
        check(&trust(&[], 1), "172.16.0.1", &["1.1.1.1, 198.51.100.4"], "198.51.100.4");
        check(&trust(&[], 2), "172.16.0.1", &["1.1.1.1, 198.51.100.4, 172.16.0.2"], "198.51.100.4");
    }

    #[test]
    fn a_count_bounds_how_many_entries_are_read() {
        check(&trust(&[], 1), "203.0.113.9", &["198.51.100.4"], "198.51.100.4");
        check(&trust(&[], 3), "203.0.113.9", &["198.51.100.4"], "198.51.100.4");
        check(&trust(&["10.0.0.0/8"], 1), "10.0.0.1", &["198.51.100.4, 10.1.1.1"], "10.1.1.1");
        check(&trust(&["10.0.0.0/8"], 2), "10.0.0.1", &["198.51.100.4, 10.1.1.1"], "198.51.100.4");
        check(&trust(&["10.0.0.0/8"], 5), "10.0.0.1", &["1.1.1.1, 198.51.100.4, 10.1.1.1"], "198.51.100.4");
    }

    #[test]
    fn garbage_falls_back_to_the_nearest_known_hop() {
        let proxies = trust(&["10.0.0.0/8"], 0);
        for garbage in
            ["", "unknown", "_hidden", "256.1.1.1", "1.1.1", "1.1.1.1 2.2.2.2", "fe80::1%eth0", "[::1"]
        {
            check(&proxies, "10.0.0.1", &[garbage], "10.0.0.1");
            check(&proxies, "10.0.0.1", &[&format!("{garbage}, 10.1.1.1")], "10.1.1.1");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", axum::http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        assert_eq!(client_ip([10, 0, 0, 1].into(), &headers, &proxies).to_string(), "10.0.0.1");
    }

    #[test]
    fn ipv6_ports_and_mapped_addresses_are_read() {
        let proxies = trust(&["2001:db8::/32", "10.0.0.0/8"], 0);
        check(&proxies, "2001:db8::5", &["2606:4700::1111"], "2606:4700::1111");
        check(&proxies, "2001:db8::5", &["[2606:4700::1111]:443"], "2606:4700::1111");
        check(&proxies, "2001:db8::5", &["[2606:4700::1111]"], "2606:4700::1111");
        check(&proxies, "10.0.0.1", &["198.51.100.4:5123"], "198.51.100.4");
        check(&proxies, "::ffff:10.0.0.1", &["::ffff:198.51.100.4"], "198.51.100.4");
        check(&trust(&[], 0), "::ffff:198.51.100.4", &[], "198.51.100.4");
    }

    #[test]
    fn another_header_can_be_named() {
        let trust =
            ProxyTrust { header: HeaderName::from_static("cf-connecting-ip"), ..trust(&["10.0.0.0/8"], 0) };
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.1.1.1".parse().unwrap());
        headers.insert("cf-connecting-ip", "198.51.100.4".parse().unwrap());
        assert_eq!(client_ip([10, 0, 0, 1].into(), &headers, &trust).to_string(), "198.51.100.4");
    }
}
