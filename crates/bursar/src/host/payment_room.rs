//! Keys, chains and payouts of a process, made from the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_access::{Entropy, OsEntropy};
use bursar_audit::Recorder;
use bursar_banano::Banano;
use bursar_banano::ban::from_ban;
use bursar_chain::Chain;
use bursar_control::{ConfigTable, Switch, Switchboard};
use bursar_faucet::operator_key::BananoSeed;
use bursar_keys::{Kek, KeyRing, KeyScheme, Keystore, Rings, Schemes, SigningStops};
use bursar_payouts::{ChainRules, Journal, PayoutMetrics, Payouts, PayoutsParts, SendSettings};
use bursar_store::Store;
use bursar_store::fault::Faults;
use bursar_web::CallerSecret;
use secrecy::{ExposeSecret, SecretString};

use super::banano::{banano, failpoints};
use super::embedded_file;
use crate::config::Configuration;

/// Stops every payout of every desk.
pub(crate) const PAYOUTS_HALTED: Switch =
    Switch { desk: "platform", key: "payouts_halted", variable: "BURSAR_PAYOUTS_HALTED" };

/// The secret that seals the others.
pub(crate) const SEAL_KEY: &str = "FAUCET_SEAL_KEY";
/// What a seal key of any text is hashed with.
const SEAL_CONTEXT: &str = "bursar faucet seal key v1";

/// What the room needs of its process.
pub(crate) struct RoomParts {
    pub store: Arc<Store>,
    pub switchboard: Switchboard,
    /// Makes the audit chain of one writer.
    pub recorders: Arc<dyn Fn(&str) -> Recorder + Send + Sync>,
    /// `None` on the command line.
    pub metrics: Option<PayoutMetrics>,
    /// What is done with the journal of signed payouts.
    pub journal: JournalUse,
}

/// What a process does with the journal of signed payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalUse {
    /// It only looks at records, and leaves no file behind.
    None,
    /// It compares records with the journal where there is one.
    IfThere,
    /// It signs, or lets wallets run: where there is none, one is begun.
    Begun,
}

/// Who signs, what is paid on, and what pays.
pub(crate) struct PaymentRoom {
    pub keystore: Arc<Keystore>,
    pub payouts: Payouts,
    pub banano: Arc<dyn Chain>,
    /// The same chain, for what only Banano tells.
    pub nodes: Arc<Banano>,
    /// Whether a seal key is configured: without one nothing new is sealed.
    pub can_seal: bool,
}

/// Why there is no payment room. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomFault {
    /// A node's address or the number that must agree.
    #[error(
        "the Banano nodes cannot be used: {0}; check BANANO_NODE_RPC, BURSAR_BANANO_NODES and BURSAR_BANANO_AGREE"
    )]
    Nodes(String),
    /// A peer's address.
    #[error("a server in BURSAR_BANANO_WORK_PEERS cannot be used: {0}")]
    WorkPeers(String),
    /// A threshold that is none.
    #[error("FAUCET_WORK_THRESHOLD is not 16 hexadecimal digits")]
    Threshold,
    /// An amount that is none.
    #[error("BURSAR_BANANO_RECEIPT_MIN is no amount of BAN: {0}")]
    ReceiptMin(String),
    /// Threads or files.
    #[error("{what} cannot be opened: {why}; check the folder's permissions and free space")]
    System { what: &'static str, why: String },
}

impl PaymentRoom {
    /// The room as the configuration wants it. Nothing is asked of a node yet.
    pub fn open(configuration: &Configuration, parts: RoomParts) -> Result<PaymentRoom, RoomFault> {
        let (rings, can_seal) = rings(configuration);
        let scheme: Arc<dyn KeyScheme> = Arc::new(BananoSeed);
        let desk = bursar_faucet::switches::PAYOUTS_HALTED;
        let stops = SigningStops::new(parts.switchboard.clone())
            .guard_every_desk(ConfigTable::PLATFORM, &[PAYOUTS_HALTED])
            .guard(bursar_faucet::DESK, ConfigTable::FAUCET, &[desk]);
        let keystore = Keystore::following(rings, Schemes::new([scheme]), stops, Arc::new(OsEntropy));
        let keystore = Arc::new(keystore);
        let nodes = Arc::new(banano(configuration)?);
        let banano: Arc<dyn Chain> = nodes.clone();
        let payouts = Payouts::new(PayoutsParts {
            store: parts.store,
            keystore: Arc::clone(&keystore),
            switchboard: parts.switchboard,
            recorders: parts.recorders,
            entropy: Arc::new(OsEntropy),
            chains: vec![ChainRules { chain: Arc::clone(&banano), stops: Vec::new() }],
            stops: vec![(ConfigTable::PLATFORM, PAYOUTS_HALTED)],
            generation: Arc::new(|tx| {
                let newest = bursar_ops::backup::generations(tx)?;
                Ok(newest.last().map_or(0, |generation| generation.generation))
            }),
            journal: journal(configuration, parts.journal)?,
            faults: failpoints(configuration).map(|failpoints| Arc::new(failpoints) as Arc<dyn Faults>),
            metrics: parts.metrics,
            settings: settings(configuration)?,
        });
        Ok(PaymentRoom { keystore, payouts, banano, nodes, can_seal })
    }
}

/// The rings of the seal key and its predecessor as they stand, whatever a reload makes of them; a ring that lives for
/// this process only where none is configured.
fn rings(configuration: &Configuration) -> (Rings, bool) {
    let secret = configuration.secrets.get(SEAL_KEY);
    if let Some(first) = configuration.values.caller_secret(SEAL_KEY) {
        // A secret that is set stays set: a reload replaces it and never takes it away.
        return (Arc::new(move || Arc::new(seal_ring(&secret.get().unwrap_or_else(|| first.clone())))), true);
    }
    let mut drawn = [0; 32];
    OsEntropy.fill(&mut drawn);
    let ring = Arc::new(KeyRing::new(derived(&drawn), None));
    (Arc::new(move || Arc::clone(&ring)), false)
}

/// What a seal key and its predecessor open.
pub(crate) fn seal_ring(secret: &CallerSecret) -> KeyRing {
    KeyRing::new(kek(&secret.current), secret.previous.as_ref().map(kek))
}

/// 64 hexadecimal digits are the key; any other text is hashed into one.
fn kek(text: &SecretString) -> Kek {
    Kek::from_hexadecimal(text).unwrap_or_else(|| derived(text.expose_secret().as_bytes()))
}

fn derived(material: &[u8]) -> Kek {
    let digits = SecretString::from(
        blake3::Hash::from(blake3::derive_key(SEAL_CONTEXT, material)).to_hex().to_string(),
    );
    Kek::from_hexadecimal(&digits)
        .unwrap_or_else(|| bursar_store::fail_stop("a hash is 64 hexadecimal digits"))
}

fn settings(configuration: &Configuration) -> Result<SendSettings, RoomFault> {
    let least = configuration.value("BURSAR_BANANO_RECEIPT_MIN").unwrap_or("0.0001");
    let receipt_min = from_ban(least).map_err(|error| RoomFault::ReceiptMin(error.to_string()))?;
    Ok(SendSettings { receipt_min, ..SendSettings::default() })
}

/// Beside an embedded database, or where the operator says.
fn journal(configuration: &Configuration, used: JournalUse) -> Result<Option<Arc<Journal>>, RoomFault> {
    let named = configuration.value("BURSAR_PAYOUT_JOURNAL").map(PathBuf::from);
    let beside = || {
        let mut name = embedded_file(configuration)?.into_os_string();
        name.push(".payouts-journal");
        Some(PathBuf::from(name))
    };
    let is_wanted = |path: &PathBuf| match used {
        JournalUse::None => false,
        JournalUse::IfThere => path.try_exists().unwrap_or(true),
        JournalUse::Begun => true,
    };
    let Some(path) = named.or_else(beside).filter(is_wanted) else { return Ok(None) };
    let journal = Journal::open(&path, &OsEntropy).map_err(|error| RoomFault::System {
        what: "the journal of signed payouts",
        why: error.to_string(),
    })?;
    Ok(Some(Arc::new(journal)))
}
