//! How the faucet is put together: its template, and what a process makes of it.

use std::sync::{Arc, OnceLock};

use bursar_access::{Actor, By, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_desk::{Desk, DeskFault, Platform, PlatformFault, PlatformParts, Secrets};
use bursar_faucet::accrual::{AccrualParts, AccrualRun};
use bursar_faucet::desk::{FaucetDesk, FaucetParts};
use bursar_faucet::faucet::Faucet;
use bursar_faucet::money::Accounts;
use bursar_faucet::operator_key::OPERATOR;
use bursar_faucet::settings::SETTINGS;
use bursar_faucet::settlement::{PayoutEar, Settlement, SettlementParts, margin};
use bursar_faucet::switches::{FORCE_DRY_RUN, PAYOUTS_HALTED, SWITCHES};
use bursar_keys::{KeyId, KeyRing, Keystore};
use bursar_ledger::Book;
use bursar_payouts::{Change, DeskRules, Ear, IntentId, Payouts, Received};
use bursar_store::{EngineKind, Store, StoreError, Timestamp, Tx};
use bursar_web::metrics::Registry;
use parking_lot::Mutex;

use super::FaucetRoom;
use super::statistics::Statistics;
use super::terms::{BAN_RAW, Terms};
use crate::broken::Bug;
use crate::chain::{Family, SimChain};
use crate::node::Place;
use crate::payouts::wiring::{ALL, Wired, add_key, bare, journal_in, kek, keystore};
use crate::seat::Seat;
use crate::world::World;

/// The chain that the faucet pays on.
pub const FAMILY: Family = Family::Ordered;
/// The most that one payment may be, in BAN.
const PAYMENT_MAX_BAN: u128 = 100_000;

/// The name of the operator's wallet.
pub fn operator() -> KeyId {
    KeyId::parse(OPERATOR).expect("a name")
}

/// Tables, switches that are off, settings at their defaults, key and wallet.
pub fn prepare(store: &Arc<Store>) {
    let mut all = bursar_audit::MIGRATIONS.to_vec();
    all.push(bursar_audit::guards(EngineKind::Sqlite));
    all.extend(bursar_control::MIGRATIONS);
    all.extend(bursar_access::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", EngineKind::Sqlite));
    all.extend(bursar_keys::MIGRATIONS);
    all.extend(bursar_ledger::MIGRATIONS);
    all.extend(bursar_payouts::MIGRATIONS);
    all.extend(bursar_faucet::migrations(EngineKind::Sqlite));
    store.migrate(&all).expect("the migrations run");
    let values = SETTINGS.iter().map(|s| (s.key, s.default.to_string(), s.description, false));
    let switches = SWITCHES.iter().map(|switch| (switch.key, "off".to_owned(), "switch", false));
    let rows: Vec<_> = values.chain(switches).collect();
    let payouts = bare::<FaucetRoom>(&[FAMILY]).over(store);
    let recorder = Recorder::new("template", SaltKey::new([5; 32]));
    let (root, now) = (Actor::cli("root"), Timestamp::from_ms(0));
    let prepared = store.transact("sim.prepare", |tx| {
        settings::seed(tx, ConfigTable::FAUCET, &rows, now)?;
        settings::seed(tx, ConfigTable::PLATFORM, &[(ALL.key, "off".to_owned(), "switch", false)], now)?;
        add_key(tx, &By::new(&root, now), FAMILY, operator(), PAYMENT_MAX_BAN * BAN_RAW)?;
        payouts.open_wallets(tx, &recorder, now)?;
        Accounts::ensure(tx, now)
    });
    prepared.expect("the faucet is prepared");
}

/// What of the faucet runs in one process.
pub struct Process {
    /// The payouts of the process.
    pub payouts: Payouts,
    /// Its keys.
    pub keystore: Arc<Keystore>,
    /// The statistics as it reaches them.
    pub statistics: Statistics,
    /// The sender of the operator's wallet.
    pub seat: Mutex<Seat>,
    /// Who holds its leases.
    pub holder: String,
    terms: Terms,
    draw: u64,
    bug: Option<Bug>,
    chain: Arc<dyn bursar_chain::Chain>,
    /// The past of the operator's account as the process reaches it.
    pub history: SimChain<FaucetRoom>,
    open: OnceLock<Open>,
}

/// The open desk.
pub struct Open {
    /// With all that it works with.
    pub faucet: Arc<Faucet>,
    /// Counts kills.
    pub accrual: AccrualRun,
    /// Settles.
    pub settlement: Settlement,
}

impl Process {
    /// A process in this place; the desk opens when it is first needed, as its first transaction may fail.
    pub fn new(room: &Arc<FaucetRoom>, world: &Arc<World>, place: Place<'_>) -> Process {
        let draw = world.random.with(|random| random.bits());
        let ring = room.operators.with(|operators| ring(operators.seal));
        let keystore = Arc::new(keystore(draw, ring));
        let wired = Wired {
            families: &[FAMILY],
            reach: (Arc::downgrade(world), Arc::downgrade(room)),
            at: (place.node, place.generation),
            draw,
            keystore: Arc::clone(&keystore),
            journal: room.journal.as_ref().map(|folder| journal_in(folder, draw)),
            knows_restores: true,
        };
        let chain = wired.chain(FAMILY);
        let history = SimChain {
            family: FAMILY,
            world: Arc::downgrade(world),
            bench: Arc::downgrade(room),
            node: place.node,
            generation: place.generation,
        };
        Process {
            payouts: wired.over(place.store),
            keystore,
            statistics: Statistics::default(),
            seat: Mutex::default(),
            holder: format!("node-{}-{}", place.node, place.generation),
            terms: room.terms.clone(),
            draw,
            bug: room.scenario.bug,
            chain,
            history,
            open: OnceLock::new(),
        }
    }

    /// The desk, opened.
    pub fn desk(&self, store: &Arc<Store>) -> Result<&Open, StoreError> {
        if self.open.get().is_none() {
            let open = self.open(store)?;
            return Ok(self.open.get_or_init(|| open));
        }
        self.open.get().ok_or_else(|| StoreError::Unavailable("the desk is not open".to_owned()))
    }

    fn open(&self, store: &Arc<Store>) -> Result<Open, StoreError> {
        let platform = Platform::start(PlatformParts {
            store: Arc::clone(store),
            switchboard: Switchboard::new([], None),
            entropy: Arc::new(SeededEntropy::new(self.draw)),
            metrics: Arc::new(Registry::new()),
            secrets: Secrets::default(),
        });
        let platform = match platform {
            Ok(platform) => platform,
            Err(PlatformFault::Store(error)) => return Err(error),
            Err(fault) => panic!("{fault}"),
        };
        let desk = FaucetDesk::new(FaucetParts {
            config: self.terms.config(),
            payouts: self.payouts.clone(),
            chain: Arc::clone(&self.chain),
            operator: operator(),
        });
        match desk.open(&platform) {
            Ok(_) => {}
            Err(DeskFault::Store(error)) => return Err(error),
            Err(fault) => panic!("{fault}"),
        }
        let faucet = desk.faucet().expect("it was opened");
        if self.bug == Some(Bug::DeafToBlindness) {
            self.plug_ear(&faucet);
        }
        Ok(Open { accrual: self.accrual(&faucet), settlement: self.settlement(&faucet), faucet })
    }

    fn accrual(&self, faucet: &Faucet) -> AccrualRun {
        AccrualRun::new(AccrualParts {
            store: Arc::clone(&faucet.platform.store),
            switchboard: faucet.platform.switchboard.clone(),
            live: self.statistics.services(),
            dry_run: faucet.dry_run.clone(),
            policy: Arc::clone(&faucet.policy),
            payouts: self.payouts.clone(),
            operator: operator(),
            recorder: Arc::new(faucet.platform.recorder("faucet.accrual")),
        })
    }

    fn settlement(&self, faucet: &Faucet) -> Settlement {
        let asked = Arc::clone(&faucet.balance);
        Settlement::new(SettlementParts {
            store: Arc::clone(&faucet.platform.store),
            switchboard: faucet.platform.switchboard.clone(),
            payouts: self.payouts.clone(),
            operator: operator(),
            balance: Arc::new(move || asked.now()),
            entropy: Arc::clone(&faucet.platform.entropy),
            policy: Arc::clone(&faucet.policy),
            recorder: Arc::new(faucet.platform.recorder("faucet.settlement")),
        })
    }

    /// The desk's ear, but for the word that payments are missing.
    fn plug_ear(&self, faucet: &Faucet) {
        let own = faucet.config.donation_exclude_addresses.clone();
        let ear = PayoutEar {
            told: Arc::new(|_| {}),
            retried: Arc::new(|_| {}),
            doubted: Arc::new(|| {}),
            receives: Arc::new(move |tx, book, received, now| {
                bursar_faucet::donation::receive(tx, book, received, &own, now)
            }),
            recorder: Arc::new(faucet.platform.recorder("faucet.deaf_ear")),
        };
        let policy = Arc::clone(&faucet.policy);
        self.payouts.register(DeskRules {
            desk: bursar_faucet::DESK,
            table: ConfigTable::FAUCET,
            switches: vec![PAYOUTS_HALTED, FORCE_DRY_RUN],
            margin: Some(Arc::new(move |view| margin(&policy, view))),
            ear: Some(Arc::new(DeafEar(ear))),
        });
    }
}

/// What opens secrets: both seals, of which one seals.
pub fn ring(seal: usize) -> KeyRing {
    let digits = ['1', '2'];
    KeyRing::new(kek(digits[seal % 2]), [kek(digits[(seal + 1) % 2])])
}

/// An ear to which nobody says that payments are missing.
struct DeafEar(PayoutEar);

impl Ear for DeafEar {
    fn changed(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.changed(tx, book, change, now)
    }

    fn received(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        received: &Received,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.received(tx, book, received, now)
    }

    fn seen(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        reference: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.seen(tx, intent, reference, now)
    }
}
