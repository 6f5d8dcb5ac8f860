//! The prelaunch gate's verdict, from what the server said: every blocker at once, each with its rule and its fix
//! (docs/spec/rounds.md section 6, R22, R41).

use serde::Serialize;
use serde_json::Value;

/// A stage is to be watched for a day before limits are raised (R29).
const WATCH_MS: i64 = 86_400_000;

/// What the gate looked at.
pub(super) struct Seen {
    /// The server's account of itself, or why there is none.
    pub account: Result<Value, String>,
    /// The operators' health, or why there is none.
    pub health: Result<Value, String>,
    /// Readiness, or why there is none.
    pub readiness: Result<Value, String>,
    /// The smoke test.
    pub smoke: Smoke,
    /// Whether the on-chain preflight is asked for.
    pub wants_onchain: bool,
}

/// What became of the smoke test.
pub(super) enum Smoke {
    /// Two wallets played.
    Passed,
    /// Where it failed.
    Failed(String),
    /// The operator left it out.
    LeftOut,
    /// It would only have found again what blocks already.
    Pointless,
}

/// Something that keeps the launch, or that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// A stable word.
    pub code: &'static str,
    /// What must hold, and what was found instead.
    pub rule: String,
    /// What to do.
    pub fix: String,
}

/// The verdict.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub blockers: Vec<Finding>,
    pub warnings: Vec<Finding>,
}

impl Seen {
    pub fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        match &self.account {
            Ok(account) => verdict.account(account),
            Err(why) => verdict.block(
                "server_state_unreadable",
                format!("the server must tell its state, but {why}"),
                "start the server, name it with --base, and set OPS_API_KEY here to the key that it has",
            ),
        }
        verdict.health(&self.health);
        verdict.readiness(&self.readiness);
        verdict.smoke(&self.smoke);
        if self.wants_onchain {
            verdict.block(
                "onchain_preflight_failed",
                "the on-chain preflight was asked for, and this release has no on-chain program to check"
                    .to_owned(),
                "unset PANCHO_PRELAUNCH_ONCHAIN; this release settles off the chain",
            );
        }
        verdict
    }
}

impl Verdict {
    fn block(&mut self, code: &'static str, rule: String, fix: impl Into<String>) {
        self.blockers.push(Finding { code, rule, fix: fix.into() });
    }

    fn warn(&mut self, code: &'static str, rule: &str, fix: &str) {
        self.warnings.push(Finding { code, rule: rule.to_owned(), fix: fix.to_owned() });
    }

    fn account(&mut self, account: &Value) {
        self.switches(account);
        self.keys(account);
        self.treasury(&account["treasury"]);
        self.escrow(&account["escrow"]);
        self.worker(&account["worker"]);
        if account["mode"] != "production" {
            let rule =
                format!("players' servers run in production mode, and this one runs in {}", account["mode"]);
            self.warn("not_production", &rule, "start it with BURSAR_ENV=production");
        }
        if account["alertsAreSent"] != true {
            self.warn(
                "alerts_unsent",
                "warnings and errors should reach somebody, and no webhook is configured",
                "set AUDIT_WEBHOOK_URL on the server, then run `bursar ops alert --test`",
            );
        }
        if account["stage"]["upMs"].as_i64().is_none_or(|up_ms| up_ms < WATCH_MS) {
            self.warn(
                "stage_young",
                "a stage is watched for 24 h before the next one begins; this one has run without a break for less",
                "look at `bursar ops daily` tomorrow before limits or tiers are raised",
            );
        }
    }

    fn switches(&mut self, account: &Value) {
        let Some(switches) = account["switches"].as_array() else {
            let rule = "the server must show its switches, and its answer has none".to_owned();
            return self.block("server_state_unreadable", rule, "ask a server of this release");
        };
        for switch in switches.iter().filter(|switch| switch["stopped"] != false) {
            let word = switch["switch"].as_str().unwrap_or_default();
            let code = match word {
                "joins" => "joins_paused",
                "sim-settlement" => "sim_settlement_paused",
                _ => "settle_api_paused",
            };
            let rule = format!("every switch runs at a launch, and {word} is stopped");
            let fix = format!(
                "`bursar ops resume {word}`; when {} says on in the server's environment, set it to off",
                switch["variable"].as_str().unwrap_or_default()
            );
            self.block(code, rule, fix);
        }
    }

    fn keys(&mut self, account: &Value) {
        let is_missing = |key: &str| account["keys"][key] != true;
        if is_missing("simSettle") {
            let rule = "SIM_SETTLE_API_KEY must be set on the server, and it is not".to_owned();
            self.block("sim_settle_key_missing", rule, "set it to a fresh secret of at least 32 characters");
        }
        if is_missing("ops") {
            let rule = "OPS_API_KEY must be set on the server, and it is not: anybody could read operations";
            self.block(
                "ops_key_missing",
                rule.to_owned(),
                "set it to a fresh secret of at least 32 characters",
            );
        }
        match (is_missing("settle"), account["realDepositsEnabled"] == true) {
            (false, _) => {}
            (true, true) => self.block(
                "settle_key_missing",
                "SETTLE_API_KEY must be set while real deposits are taken, and it is not".to_owned(),
                "set it to a fresh secret of at least 32 characters",
            ),
            (true, false) => self.warn(
                "settle_key_unset",
                "without SETTLE_API_KEY the real settlement route answers 503",
                "set it before real deposits are taken",
            ),
        }
    }

    fn treasury(&mut self, treasury: &Value) {
        let (configured, expected) = (&treasury["configured"], &treasury["expected"]);
        if expected.is_null() {
            let rule = "PANCHO_EXPECTED_TREASURY_WALLET must name the fee wallet, and it is unset".to_owned();
            self.block("expected_treasury_missing", rule, "set it to the wallet that you control");
        } else if !is_address(expected) {
            let rule = format!("PANCHO_EXPECTED_TREASURY_WALLET must be an address, and is {expected}");
            self.block("expected_treasury_invalid", rule, "copy the address from the wallet again");
        }
        if configured.is_null() {
            let rule = "no treasury is configured, so fees would go to the payout signer";
            self.warn("treasury_unset", rule, "set TREASURY_WALLET to the wallet that you control");
        } else if !is_address(configured) {
            let rule = format!("TREASURY_WALLET must be an address, and is {configured}");
            self.block("treasury_invalid", rule, "copy the address from the wallet again");
        }
        // No wallet at all is another one than the expected: no signer stands in for it in this release.
        if !expected.is_null() && configured != expected {
            let rule = format!("fees must go to {expected}, and they go to {configured}");
            self.block(
                "treasury_mismatch",
                rule,
                "correct whichever of the two is wrong and start the server again",
            );
        }
    }

    fn escrow(&mut self, escrow: &Value) {
        if escrow.is_null() {
            let rule = "no escrow wallet is configured, so real deposits have nowhere to go";
            self.warn("escrow_unset", rule, "set ESCROW_WALLET before real deposits are taken");
        } else if !is_address(escrow) {
            let rule = format!("ESCROW_WALLET must be an address, and is {escrow}");
            self.block("escrow_invalid", rule, "copy the address from the wallet again");
        }
    }

    fn worker(&mut self, worker: &Value) {
        if worker["silent"] != false {
            let rule = format!(
                "a living server must follow settlement, and its last sign is {} ms old",
                worker["ageMs"]
            );
            self.block("worker_silent", rule, "start a server, and look at /console/jobs");
        }
    }

    fn health(&mut self, health: &Result<Value, String>) {
        match health {
            Ok(health) if health["ok"] == true => {}
            Ok(health) => {
                let rule = format!(
                    "health must be ok, and it is {}: {} rounds are overdue, the oldest by {} ms",
                    health["status"],
                    health["totals"]["pendingDueRounds"],
                    health["settlement"]["maxSettlementLagMs"],
                );
                let fix = "look at the price source and at the switch sim-settlement, and wait for `bursar ops health`";
                self.block("health_degraded", rule, fix);
            }
            Err(why) => {
                let rule = format!("operations health must answer 200, but {why}");
                self.block(
                    "health_unavailable",
                    rule,
                    "start the server and set OPS_API_KEY here to its key",
                );
            }
        }
    }

    fn readiness(&mut self, readiness: &Result<Value, String>) {
        let rule = match readiness {
            Ok(ready) if ready["status"] == "ready" => return,
            Ok(ready) => {
                let reasons: Vec<&str> = ready["reasons"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    // Told above with both wallets.
                    .filter(|reason| !reason.starts_with("rounds.treasury"))
                    .collect();
                if reasons.is_empty() && ready["reasons"].is_array() {
                    return;
                }
                format!("the server must be ready, and is not: {}", reasons.join("; "))
            }
            Err(why) => format!("/readyz must answer, but {why}"),
        };
        self.block(
            "not_ready",
            rule,
            "follow what the reason says; `bursar migrate status` and the server's log tell more",
        );
    }

    fn smoke(&mut self, smoke: &Smoke) {
        match smoke {
            Smoke::Passed | Smoke::Pointless => {}
            Smoke::Failed(why) => {
                let rule = format!("a player must get in, and could not: {why}");
                self.block("smoke_failed", rule, "`bursar ops smoke` shows the step at which it fails");
            }
            Smoke::LeftOut => self.warn(
                "smoke_skipped",
                "nobody has played: the smoke test was left out",
                "run the gate without --skip-smoke and without PRELAUNCH_SKIP_SMOKE",
            ),
        }
    }
}

fn is_address(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default();
    // 44 characters are the most that 32 bytes take; decoding longer texts takes quadratic time.
    text.len() <= 44 && bs58::decode(text).into_vec().is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
