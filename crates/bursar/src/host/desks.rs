//! Building each desk from the configuration: a sixth desk is one more line here.

use std::sync::Arc;

use axum::http::HeaderValue;
use bursar_desk::Desk;
use bursar_rounds::desk::{HermesBase, RoundsConfig, RoundsDesk};
use bursar_rounds::launch::{KeysSet, LaunchFacts, TreasuryWallets};
use bursar_rounds::settle;
use bursar_web::{CorsPolicy, HeaderPolicy, ServiceKey};

use super::faucet::Faucet;
use crate::config::{Configuration, DeskName, Mode, TreasuryGuard};
use crate::serve::COMMIT;

/// The desk of this name; `None` = it is not part of this build yet.
pub(super) fn build(name: DeskName, rounds: &Arc<RoundsDesk>, faucet: &Arc<Faucet>) -> Option<Arc<dyn Desk>> {
    match name {
        DeskName::Rounds => Some(Arc::clone(rounds) as Arc<dyn Desk>),
        DeskName::Faucet => Some(Arc::clone(faucet) as Arc<dyn Desk>),
        DeskName::Commitments | DeskName::Trades | DeskName::Arena => None,
    }
}

/// The rounds desk, whose pages need more of it than its trait tells.
pub(super) fn rounds(configuration: &Configuration) -> Arc<RoundsDesk> {
    Arc::new(RoundsDesk::new(rounds_config(configuration)))
}

fn rounds_config(configuration: &Configuration) -> RoundsConfig {
    let rounds = &configuration.rounds;
    let treasury = match rounds.treasury.guard(None) {
        TreasuryGuard::Off => settle::TreasuryGuard::Off,
        TreasuryGuard::Matches => settle::TreasuryGuard::Matches,
        TreasuryGuard::Mismatch => settle::TreasuryGuard::Mismatch,
    };
    RoundsConfig {
        is_production: configuration.mode == Mode::Production,
        sim_settle_key: service_key(configuration, "SIM_SETTLE_API_KEY"),
        ops_key: service_key(configuration, "OPS_API_KEY"),
        hermes: HermesBase(rounds.hermes_url.clone()),
        treasury,
        status_cache: rounds.status_cache,
        launch: launch_facts(configuration),
        build: COMMIT.to_owned(),
        headers: header_policy(configuration.mode),
        cors: cors(configuration),
    }
}

/// What the prelaunch gate looks at.
fn launch_facts(configuration: &Configuration) -> LaunchFacts {
    let rounds = &configuration.rounds;
    LaunchFacts {
        mode: configuration.mode.as_str(),
        keys: KeysSet {
            ops: rounds.ops_key.is_some(),
            sim_settle: rounds.sim_settle_key.is_some(),
            settle: rounds.settle_key.is_some(),
        },
        treasury: TreasuryWallets {
            configured: rounds.treasury.configured.clone(),
            expected: rounds.treasury.expected.clone(),
        },
        escrow: rounds.escrow_wallet.clone(),
        real_deposits_enabled: rounds.real_deposits_enabled,
        alerts_are_sent: configuration.audit.url.is_some(),
    }
}

/// None but the listed origins may read answers from a browser (H9).
pub(crate) fn cors(configuration: &Configuration) -> CorsPolicy {
    let listed = configuration.cors_origins.iter().filter_map(|origin| origin.parse().ok());
    let origins: Vec<HeaderValue> = listed.collect();
    if origins.is_empty() { CorsPolicy::Closed } else { CorsPolicy::Origins(origins) }
}

/// The key of the variable `name`, which follows the secret as it is replaced.
pub(crate) fn service_key(configuration: &Configuration, name: &str) -> ServiceKey {
    configuration.secrets.get(name).into()
}

/// The common security headers; browsers are told to use TLS only in production (H8).
pub(crate) fn header_policy(mode: Mode) -> HeaderPolicy {
    match mode {
        Mode::Production => HeaderPolicy::new().with_hsts(),
        Mode::Dev | Mode::Test => HeaderPolicy::new(),
    }
}
