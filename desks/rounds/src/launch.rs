//! What the prelaunch gate wants to know of a server, told by the server itself (docs/spec/rounds.md section 6, R22, R29, R41).

use bursar_control::{ConfigTable, SwitchState, Switchboard, settings};
use bursar_store::{StoreError, Timestamp, Tx};
use serde::Serialize;

use crate::operate::word;
use crate::settings::{LIMITS, STAKE_MAX, SWITCHES, Values};
use crate::worker::{Worker, worker};

/// What the desk was told at start and the gate looks at. Addresses are public; of keys only their presence is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchFacts {
    /// `dev`, `test` or `production`.
    pub mode: &'static str,
    /// Which keys the server has.
    pub keys: KeysSet,
    /// Where fees go, and where they must go.
    pub treasury: TreasuryWallets,
    /// Where players send real deposits.
    pub escrow: Option<String>,
    /// Whether real deposits are taken.
    pub real_deposits_enabled: bool,
    /// Whether a webhook receives warnings and errors.
    pub alerts_are_sent: bool,
}

/// Which keys the server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysSet {
    /// `OPS_API_KEY`.
    pub ops: bool,
    /// `SIM_SETTLE_API_KEY`.
    pub sim_settle: bool,
    /// `SETTLE_API_KEY`.
    pub settle: bool,
}

/// The fee wallet in use and the one that the operator expects, base58.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TreasuryWallets {
    /// `TREASURY_WALLET` or its other name.
    pub configured: Option<String>,
    /// `PANCHO_EXPECTED_TREASURY_WALLET`.
    pub expected: Option<String>,
}

/// One switch as it binds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchShown {
    /// Its word on the command line.
    pub switch: &'static str,
    /// Its variable.
    pub variable: &'static str,
    /// Whether anything says stop.
    pub stopped: bool,
}

/// The stage of a launch: it begins with each change of the highest stake tier or of a rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// When it began, Unix ms.
    pub started_at_ms: i64,
    /// For how long it has run.
    pub age_ms: i64,
    /// For how much of it this server has been up without a break.
    pub up_ms: i64,
    /// Highest stake tier, whole bucks.
    pub stake_max_bucks: i64,
}

/// The settlement worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerShown {
    /// When a living process last followed it, Unix ms.
    pub checked_at_ms: i64,
    /// How long ago that was.
    pub age_ms: i64,
    /// Whether that is too long for a living one.
    pub silent: bool,
}

/// The server's own account of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// Always true: a failure is an error answer.
    pub ok: bool,
    /// When, Unix ms.
    pub now_ms: i64,
    /// The build commit.
    pub build: String,
    /// When this process started, Unix ms by the rules' clock.
    pub started_at_ms: i64,
    /// For how long it has run.
    pub uptime_ms: i64,
    /// What it was told at start.
    #[serde(flatten)]
    pub facts: LaunchFacts,
    /// Every switch.
    pub switches: Vec<SwitchShown>,
    /// The stage.
    pub stage: Stage,
    /// The settlement worker; null when it has no row.
    pub worker: Option<WorkerShown>,
}

/// Reads the account; `started_at` is when this process started.
pub fn launch(
    tx: &mut Tx<'_>,
    facts: &LaunchFacts,
    (build, started_at): (&str, Timestamp),
    switchboard: &Switchboard,
) -> Result<Launch, StoreError> {
    let now = tx.reading()?;
    let states = switchboard.peek(tx, ConfigTable::ROUNDS, &SWITCHES, now)?;
    let shown = |(switch, state): (&bursar_control::Switch, SwitchState)| SwitchShown {
        switch: word(*switch),
        variable: switch.variable,
        stopped: state.is_stopped(),
    };
    let since = |at: Timestamp| now.ms().saturating_sub(at.ms()).max(0);
    let stage_began = stage_began(tx)?.unwrap_or(started_at);
    let stake_max = Values(settings::values(tx, ConfigTable::ROUNDS, &[STAKE_MAX])?).get(STAKE_MAX);
    let worker = worker(tx, now)?.map(|worker: Worker| WorkerShown {
        checked_at_ms: worker.checked_at.ms(),
        age_ms: worker.age_ms,
        silent: worker.silent_ms().is_some(),
    });
    Ok(Launch {
        ok: true,
        now_ms: now.ms(),
        build: build.to_owned(),
        started_at_ms: started_at.ms(),
        uptime_ms: since(started_at),
        facts: facts.clone(),
        switches: SWITCHES.iter().zip(states).map(shown).collect(),
        stage: Stage {
            started_at_ms: stage_began.ms(),
            age_ms: since(stage_began),
            up_ms: since(stage_began.max(started_at)),
            stake_max_bucks: stake_max,
        },
        worker,
    })
}

/// When a limit or the highest tier last changed.
fn stage_began(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT key, updated_at FROM rounds_config";
    let rows = tx.query(sql, &[], |row| Ok((row.get::<String>(0)?, row.get::<Timestamp>(1)?)))?;
    let is_of_stage = |key: &str| {
        key == STAKE_MAX.key
            || LIMITS.iter().any(|limit| key == limit.limit.key || key == limit.window_ms.key)
    };
    Ok(rows.into_iter().filter(|(key, _)| is_of_stage(key)).map(|(_, at)| at).max())
}
