//! Who may read `GET /metrics` (H18).

use ipnet::IpNet;

use crate::call::Call;
use crate::keys::{KeyCheck, ServiceKey};

/// The rule in force.
#[derive(Debug, Clone)]
pub enum MetricsAccess {
    /// Everybody: dev and test without a token, and the listener for infrastructure only.
    Open,
    /// Whoever presents the token (`METRICS_TOKEN`).
    Token(ServiceKey),
    /// Loopback and these networks (`BURSAR_METRICS_ALLOW`): production without a token.
    Networks(Vec<IpNet>),
}

impl MetricsAccess {
    /// Whether this request may read the metrics.
    pub(super) fn allows(&self, call: &Call) -> bool {
        match self {
            Self::Open => true,
            Self::Token(token) => token.check(call.bearer()) == KeyCheck::Accepted,
            Self::Networks(networks) => {
                let client = call.client();
                let listed = networks.iter().any(|network| network.contains(&client));
                // A proxy on this machine that nobody listed makes strangers look like loopback.
                let disguised = !call.origin().through_proxy
                    && ["x-forwarded-for", "forwarded"]
                        .into_iter()
                        .any(|name| call.headers().contains_key(name));
                listed || (client.is_loopback() && !disguised)
            }
        }
    }
}
