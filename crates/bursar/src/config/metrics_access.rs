//! Who may read `/metrics` (H18).

use ipnet::IpNet;

use super::proxies::parse_networks;
use super::secrets::CallerSecret;
use super::values::Values;

/// The rules of the metrics route on the public listener.
#[derive(Clone, Debug)]
pub struct MetricsAccess {
    /// Bearer token; when set, it alone opens the route.
    pub token: Option<CallerSecret>,
    /// Networks besides loopback that may read it in production without a token.
    pub allow: Vec<IpNet>,
}

impl MetricsAccess {
    pub(super) fn from_values(values: &Values) -> MetricsAccess {
        MetricsAccess {
            token: values.caller_secret("METRICS_TOKEN"),
            allow: values.value("BURSAR_METRICS_ALLOW").and_then(parse_networks).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::testing::accepted;

    #[test]
    fn h18_token_and_networks_are_read() {
        let environment = [
            ("METRICS_TOKEN", "t1"),
            ("METRICS_TOKEN_PREVIOUS", "t0"),
            ("BURSAR_METRICS_ALLOW", "10.1.0.0/16"),
        ];
        let metrics = accepted(&environment).metrics;
        let token = metrics.token.unwrap();
        assert_eq!(token.current.expose_secret(), "t1");
        assert_eq!(token.previous.unwrap().expose_secret(), "t0");
        assert_eq!(metrics.allow, ["10.1.0.0/16".parse().unwrap()]);
        let silent = accepted(&[]).metrics;
        assert!(silent.token.is_none() && silent.allow.is_empty());
    }
}
