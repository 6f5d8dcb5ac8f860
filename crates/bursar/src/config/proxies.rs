//! Which peers may speak for a client's address (H7).

use std::net::IpAddr;

use ipnet::IpNet;

use super::values::Values;

/// When a forwarded client address is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyTrust {
    /// Peers in these networks are proxies of ours (`TRUSTED_PROXIES`).
    pub networks: Vec<IpNet>,
    /// Most hops to walk back from the right; above 0 every peer counts as a proxy (`TRUSTED_PROXY_COUNT`).
    pub count: u32,
    /// The header in which proxies write the client's address (`BURSAR_CLIENT_IP_HEADER`).
    pub header: String,
}

impl ProxyTrust {
    pub(super) fn from_values(values: &Values) -> ProxyTrust {
        ProxyTrust {
            networks: values.value("TRUSTED_PROXIES").and_then(parse_networks).unwrap_or_default(),
            count: values.integer("TRUSTED_PROXY_COUNT"),
            header: values.text("BURSAR_CLIENT_IP_HEADER"),
        }
    }
}

/// Reads a comma list of addresses and CIDR networks; `none` and a blank list are empty. `None`: an entry is
/// neither.
pub(super) fn parse_networks(list: &str) -> Option<Vec<IpNet>> {
    if list.trim().eq_ignore_ascii_case("none") {
        return Some(Vec::new());
    }
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(network).collect()
}

fn network(entry: &str) -> Option<IpNet> {
    let single = entry.parse::<IpAddr>().ok().map(IpNet::from);
    single.or_else(|| entry.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_addresses_and_networks_mix_in_one_list() {
        let networks = parse_networks("10.0.0.0/8, 192.168.1.7,::1, fd00::/8").unwrap();
        let shown: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.168.1.7/32", "::1/128", "fd00::/8"]);
    }

    #[test]
    fn h7_none_and_blank_trust_nobody_and_a_bad_entry_is_refused() {
        assert_eq!(parse_networks("none"), Some(Vec::new()));
        assert_eq!(parse_networks(" , "), Some(Vec::new()));
        for bad in ["10.0.0.0/33", "proxy.local", "10.0.0.1,none"] {
            assert_eq!(parse_networks(bad), None, "{bad}");
        }
    }
}
