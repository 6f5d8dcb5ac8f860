//! The payment room as the command line has it: the same keys, chains and rules as the server's, in a process that pays
//! nothing itself.

use std::sync::Arc;

use bursar_access::{Actor, ApprovalId, By, Draft, Entropy, OsEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_control::ConfigTable;
use bursar_faucet::money::outside_rules;
use bursar_faucet::settlement::PayoutEar;
use bursar_faucet::switches::{FORCE_DRY_RUN, PAYOUTS_HALTED};
use bursar_payouts::{DeskRules, Payouts};
use bursar_store::{Store, StoreError, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::sign_in::TokenOption;
use crate::commands::{CommandError, Context};
use crate::host::{Desks, JournalUse, PaymentRoom, RoomParts};

/// Who acts, why, and with whose leave.
#[derive(Clone, Debug, clap::Args)]
pub struct Who {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// The approval request by which other people agreed, where a policy asks for that.
    #[arg(long, value_name = "NUMBER")]
    pub approval: Option<i64>,
    /// Whose token, where a name is not enough.
    #[command(flatten)]
    pub token: TokenOption,
}

/// Who acts and why, checked.
pub(in crate::commands) struct Signed {
    pub actor: Actor,
    pub approval: Option<ApprovalId>,
    pub reason: String,
    /// Where the act is written down instead of being done.
    pub draft: Option<Arc<Draft>>,
}

impl Who {
    /// The person, when name and reason will do.
    pub(in crate::commands) fn signed(&self, room: &Room, context: &Context) -> Result<Signed, CommandError> {
        let who = Accountable::new(self.actor.as_deref(), context.user(), Some(&self.reason))?;
        let actor = self.token.actor(self.actor.as_deref(), &room.store, context)?;
        let approval = self.approval.map(ApprovalId);
        Ok(Signed { actor, approval, reason: who.reason, draft: context.draft() })
    }
}

impl Signed {
    /// The caller of this transaction.
    pub fn by(&self, tx: &mut Tx<'_>) -> Result<By<'_>, StoreError> {
        let by = By::new(&self.actor, tx.reading()?).drafting(self.draft.as_deref());
        Ok(By { approval: self.approval, ..by })
    }

    /// The same as the audit log names them.
    pub fn audited(&self) -> bursar_audit::Actor {
        bursar_audit::Actor { kind: "operator", id: self.actor.audit_id() }
    }
}

/// Database, keys, chains and payouts.
pub(in crate::commands) struct Room {
    pub store: Arc<Store>,
    pub payments: PaymentRoom,
    pub recorder: Recorder,
}

impl Room {
    /// For verbs that decide nothing of payouts and match no wallet: the journal is not touched.
    pub fn open(context: &Context) -> Result<Room, CommandError> {
        Room::with(context, JournalUse::None)
    }

    /// With the journal of signed payouts, used in this way.
    pub fn with(context: &Context, journal: JournalUse) -> Result<Room, CommandError> {
        let configuration = context.configuration()?;
        let store = Arc::new(context.open_ready(&configuration, Patience::Ordinary)?);
        let recorders = recorders();
        let parts = RoomParts {
            store: Arc::clone(&store),
            switchboard: Desks::new(&configuration).switchboard(&configuration),
            recorders: Arc::clone(&recorders),
            metrics: None,
            journal,
        };
        let payments = PaymentRoom::open(&configuration, parts)
            .map_err(|fault| refused("payments_unusable", fault.to_string()))?;
        register_faucet(&payments.payouts, recorders("faucet.ear"));
        Ok(Room { store, payments, recorder: context.recorder() })
    }

    pub fn payouts(&self) -> &Payouts {
        &self.payments.payouts
    }

    /// Whether the rows of this desk follow its payouts in this process. Changing a payout without that would part them.
    pub fn follows(desk: &str) -> bool {
        desk == bursar_faucet::DESK
    }
}

/// The faucet's own rows follow each change of a payout in the same transaction, as they do in the server. Margins are
/// asked where something is signed, and nothing is signed here.
fn register_faucet(payouts: &Payouts, recorder: Recorder) {
    let ear = PayoutEar {
        told: Arc::new(|_| {}),
        retried: Arc::new(|_| {}),
        doubted: Arc::new(|| {}),
        receives: Arc::new(|_, _, _, _| Ok(false)),
        recorder: Arc::new(recorder),
    };
    payouts.register(DeskRules {
        desk: bursar_faucet::DESK,
        table: ConfigTable::FAUCET,
        switches: vec![PAYOUTS_HALTED, FORCE_DRY_RUN],
        margin: None,
        ear: Some(Arc::new(ear)),
    });
    // No order is accepted here: a dry-run closes nothing that this process does.
    payouts.open_to_outside(outside_rules(false));
}

/// Audit chains that nobody else writes.
fn recorders() -> Arc<dyn Fn(&str) -> Recorder + Send + Sync> {
    let process = Uuid::now_v7();
    let mut key = [0; 32];
    OsEntropy.fill(&mut key);
    let salts = SaltKey::new(key);
    Arc::new(move |name| Recorder::new(format!("cli/{process}/{name}"), salts.clone()))
}

/// A refusal with its stable code.
pub(in crate::commands) fn refused(code: &str, why: impl Into<String>) -> CommandError {
    let why = why.into();
    CommandError::No { answer: json!({"ok": false, "code": code, "error": why}), why }
}

/// A refusal of the payouts room.
pub(in crate::commands) fn rejected(rejection: &bursar_payouts::Rejection) -> CommandError {
    refused(rejection.code(), rejection.to_string())
}
