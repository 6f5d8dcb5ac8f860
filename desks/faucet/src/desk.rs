//! The faucet as the platform sees it: tables, switches, settings, jobs, alerts and readiness.

use std::sync::{Arc, OnceLock};

use bursar_access::Entropy;
use bursar_chain::Chain;
use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, Switch};
use bursar_desk::alert::AlertRule;
use bursar_desk::{Desk, DeskFault, OpenDesk, Platform};
use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_payouts::{DeskRules, MarginView, Payouts, Received};
use bursar_store::{EngineKind, Migration, Timestamp, Tx};
use bursar_web::{CorsPolicy, Envelope, HeaderPolicy, Surface};

use crate::accrual::{AccrualParts, AccrualRun};
use crate::balance::OperatorBalance;
use crate::cycles::Cycles;
use crate::faucet::Faucet;
use crate::metrics::FaucetMetrics;
use crate::money::{Accounts, outside_rules};
use crate::policy::Policy;
use crate::rules::pruning::Retention;
use crate::rules::schedule::{Chance, start_wait_ms};
use crate::settlement::{PayoutEar, Settlement, SettlementParts, keeps_back, margin};
use crate::switches::{FORCE_DRY_RUN, PAYOUTS_HALTED, SWITCHES};
use crate::upstream::{LiveUpstreams, Observer, SystemPace, Upstreams};
use crate::{DESK, alerts, donation, figures, jobs, migrations, readiness, settings};

/// The largest body of its routes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the desk is told at start.
#[derive(Clone)]
pub struct FaucetConfig {
    /// Whether the server runs with real money.
    pub is_production: bool,
    /// The rules' part.
    pub policy: Policy,
    /// Kills that each reading adds in dry-run (`FAUCET_SIM_KILLS`).
    pub sim_kills: u64,
    /// The real services; needed unless the faucet is configured for dry-run.
    pub upstreams: Option<LiveUpstreams>,
    /// The operator's own addresses, whose money is no donation.
    pub donation_exclude_addresses: Vec<String>,
    /// How long rows are kept.
    pub retention: Retention,
    /// The first cycle waits up to so many seconds (`P2S_START_JITTER_SEC`).
    pub start_jitter_s: u32,
    /// The security headers of its answers.
    pub headers: HeaderPolicy,
    /// Foreign origins that may read its answers.
    pub cors: CorsPolicy,
}

/// What the desk is made of.
pub struct FaucetParts {
    /// What it is told.
    pub config: FaucetConfig,
    /// The payouts room; the desk registers itself there when it opens.
    pub payouts: Payouts,
    /// The chain of the operator's wallet.
    pub chain: Arc<dyn Chain>,
    /// Name of the operator's key and wallet; neither has to be there yet.
    pub operator: KeyId,
}

/// The desk.
pub struct FaucetDesk {
    parts: FaucetParts,
    open: OnceLock<Arc<Faucet>>,
}

impl FaucetDesk {
    /// A desk with its configuration; nothing runs yet.
    #[must_use]
    pub fn new(parts: FaucetParts) -> FaucetDesk {
        FaucetDesk { parts, open: OnceLock::new() }
    }

    /// The faucet at work; `None` until it was opened.
    #[must_use]
    pub fn faucet(&self) -> Option<Arc<Faucet>> {
        self.open.get().map(Arc::clone)
    }

    fn make(&self, platform: &Platform) -> Result<Faucet, DeskFault> {
        let FaucetParts { config, payouts, chain, operator } = &self.parts;
        let policy = Arc::new(config.policy.clone());
        let metrics = FaucetMetrics::register(&platform.metrics)?;
        let observer: Arc<dyn Observer> = Arc::new(metrics.clone());
        let dry_run = Upstreams::dry_run(config.sim_kills);
        let live = live_upstreams(config, &observer)?.unwrap_or_else(|| dry_run.clone());
        let store = Arc::clone(&platform.store);
        let started = store.transact("faucet.open", |tx| {
            let now = tx.reading()?;
            Accounts::ensure(tx, now)?;
            Ok(now)
        })?;
        let balance =
            OperatorBalance::new(Arc::clone(&store), payouts.clone(), Arc::clone(chain), operator.clone());
        let balance = Arc::new(balance);
        let accrual = AccrualRun::new(AccrualParts {
            store: Arc::clone(&store),
            switchboard: platform.switchboard.clone(),
            live: live.clone(),
            dry_run: dry_run.clone(),
            policy: Arc::clone(&policy),
            payouts: payouts.clone(),
            operator: operator.clone(),
            recorder: Arc::new(platform.recorder("faucet.accrual")),
        });
        let asked = Arc::clone(&balance);
        let settlement = Settlement::new(SettlementParts {
            store: Arc::clone(&store),
            switchboard: platform.switchboard.clone(),
            payouts: payouts.clone(),
            operator: operator.clone(),
            balance: Arc::new(move || asked.now()),
            entropy: Arc::clone(&platform.entropy),
            policy: Arc::clone(&policy),
            recorder: Arc::new(platform.recorder("faucet.settlement")),
        });
        Ok(Faucet {
            cycles: Cycles::new(store, platform.process(), accrual, settlement),
            platform: platform.clone(),
            started: started.after_ms(start_wait_ms(config.start_jitter_s, chance(&*platform.entropy))),
            config: config.clone(),
            policy,
            payouts: payouts.clone(),
            chain: Arc::clone(chain),
            operator: operator.clone(),
            live,
            dry_run,
            balance,
            metrics,
            recorder: Arc::new(platform.recorder("faucet.upkeep")),
        })
    }

    fn surface(&self) -> Surface {
        let mut surface = Surface::new(DESK, Envelope::Detail, BODY_BYTES_MAX);
        (surface.headers, surface.cors) = (self.parts.config.headers.clone(), self.parts.config.cors.clone());
        surface
    }

    /// Lets the payouts room pay for this desk: it stops with the desk's switches, keeps its margin, and tells it of
    /// every move in the same transaction.
    fn register(&self, faucet: &Faucet) {
        let own = faucet.config.donation_exclude_addresses.clone();
        let receives = move |tx: &mut Tx<'_>, book: &mut Book, received: &Received, now: Timestamp| {
            donation::receive(tx, book, received, &own, now)
        };
        let [told, retried, doubted] = [(); 3].map(|()| faucet.metrics.clone());
        let ear = PayoutEar {
            told: Arc::new(move |word| told.hear(word)),
            retried: Arc::new(move |waited_ms| retried.retried(waited_ms)),
            doubted: Arc::new(move || doubted.doubted()),
            receives: Arc::new(receives),
            recorder: Arc::new(faucet.platform.recorder("faucet.ear")),
        };
        let (policy, store) = (Arc::clone(&faucet.policy), Arc::clone(&faucet.platform.store));
        let judged = move |view: &MarginView| {
            keeps_back(&store, view.reference).unwrap_or_else(|| margin(&policy, view))
        };
        self.parts.payouts.register(DeskRules {
            desk: DESK,
            table: ConfigTable::FAUCET,
            // What was accepted for real must not leave while dry-run is forced either. In a faucet that is configured for
            // dry-run nothing is signed at all, not even a receipt: a desk without a switch pays nothing.
            switches: if self.parts.config.policy.dry_run {
                Vec::new()
            } else {
                vec![PAYOUTS_HALTED, FORCE_DRY_RUN]
            },
            margin: Some(Arc::new(judged)),
            ear: Some(Arc::new(ear)),
        });
        self.parts.payouts.open_to_outside(outside_rules(faucet.policy.dry_run));
    }
}

impl Desk for FaucetDesk {
    fn name(&self) -> &'static str {
        DESK
    }

    fn migrations(&self, engine: EngineKind) -> Vec<Migration> {
        migrations(engine)
    }

    fn table(&self) -> ConfigTable {
        ConfigTable::FAUCET
    }

    fn switches(&self) -> Vec<Switch> {
        SWITCHES.to_vec()
    }

    fn settings(&self) -> Vec<Setting> {
        settings::SETTINGS.to_vec()
    }

    fn alerts(&self) -> Vec<AlertRule> {
        alerts::rules()
    }

    fn payout_switch(&self) -> Option<Switch> {
        Some(PAYOUTS_HALTED)
    }

    fn open(&self, platform: &Platform) -> Result<OpenDesk, DeskFault> {
        let faucet = Arc::new(self.make(platform)?);
        self.register(&faucet);
        figures::register(&platform.metrics, &faucet)?;
        let faucet = Arc::clone(self.open.get_or_init(|| faucet));
        Ok(OpenDesk {
            surface: self.surface(),
            jobs: jobs::jobs(&faucet),
            readiness: readiness::readiness(&faucet),
        })
    }
}

fn live_upstreams(
    config: &FaucetConfig,
    observer: &Arc<dyn Observer>,
) -> Result<Option<Upstreams>, DeskFault> {
    let unusable = |why: String| DeskFault::Setting { desk: DESK, why };
    match &config.upstreams {
        Some(upstreams) => Upstreams::live(upstreams.clone(), Arc::new(SystemPace::new()), observer)
            .map(Some)
            .map_err(|error| unusable(error.to_string())),
        None if config.policy.dry_run => Ok(None),
        None => {
            Err(unusable("its services are not configured; set their keys, or P2S_DRY_RUN=true".to_owned()))
        }
    }
}

fn chance(entropy: &dyn Entropy) -> Chance {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    Chance::from_millionths(u32::from_be_bytes(bytes) % 1_000_001)
}
