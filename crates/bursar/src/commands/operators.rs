//! `bursar operators`: who may operate the platform; every change is in the audit log with it, or not made.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_access::{
    Actor, ApprovalId, By, Cleared, Done, Draft, Issued, IssuedSecret, Operator, OsEntropy, Outcome, Role,
    Token, TokenOrder, add_operator, add_payer, bootstrap, disable_operator, issue_token, operator_by_name,
    operators, replace_bootstrap, tokens_of, transact_unless_drafting,
};
use bursar_audit::Recorder;
use bursar_store::{Store, Timestamp, Tx};
use serde_json::{Value, json};

use super::context::Patience;
use super::sign_in::TokenOption;
use super::{CommandError, Context, DatabaseOption, duration};
use crate::config::DeskName;

/// Operators, and tokens of one, that are listed at most.
const LISTED_MAX: i64 = 1_000;

/// `bursar operators`.
#[derive(Clone, Debug, clap::Args)]
pub struct Operators {
    /// What to do.
    #[command(subcommand)]
    pub verb: OperatorsVerb,
    /// Act as the operator whose token is in this file; `-` is stdin. Without it the token is that of
    /// BURSAR_OPERATOR_TOKEN, if that is set.
    #[arg(long, value_name = "PATH", global = true)]
    pub token_file: Option<PathBuf>,
    /// The approval request by which other people agreed, where a policy asks for that.
    #[arg(long, value_name = "NUMBER", global = true)]
    pub approval: Option<i64>,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar operators`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum OperatorsVerb {
    /// Add an operator, who then needs a token.
    Add {
        /// 2 to 40 characters of a-z, 0-9, `.`, `_` and `-`.
        name: String,
        /// What they may do at most.
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleName,
        /// The one desk that a payer may have pay; needed with `--role payer`, and with no other.
        #[arg(long, value_name = "DESK", required_if_eq("role", "payer"), value_parser = desk)]
        desk: Option<DeskName>,
    },
    /// List operators and their tokens, without secrets.
    List,
    /// Issue a token and print it, this once.
    Token {
        /// For whom.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        /// How long it is accepted, such as 90d; without it until it is revoked.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
        for_ms: Option<i64>,
    },
    /// Disable an operator and revoke their tokens and sessions for good.
    Disable {
        /// Whom.
        name: String,
    },
    /// Make the one-time token with which the first admin signs up, and print it, this once.
    Bootstrap {
        /// Burn a token that was made before and is lost.
        #[arg(long)]
        replace: bool,
    },
}

/// A role by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RoleName {
    /// Looks, changes nothing.
    Viewer,
    /// Runs the daily business.
    Operator,
    /// Everything, people and money included.
    Admin,
    /// A program that has one desk pay over the API, and does nothing else.
    Payer,
}

fn desk(text: &str) -> Result<DeskName, String> {
    let found = DeskName::ALL.into_iter().find(|desk| desk.as_str() == text);
    found.ok_or_else(|| format!("it is one of {}", DeskName::ALL.map(DeskName::as_str).join(", ")))
}

/// Does what `group` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Operators, context: &Context) -> Result<Value, CommandError> {
    let store = Arc::new(context.open_ready(&context.configuration()?, Patience::Ordinary)?);
    let token = TokenOption { token_file: group.token_file.clone() };
    let actor = token.actor(None, &store, context)?;
    let approval = group.approval.map(ApprovalId);
    let room = Room { store, recorder: context.recorder(), actor, approval, draft: context.draft() };
    match &group.verb {
        OperatorsVerb::Add { name, role, desk } => room.add(name, *role, *desk),
        OperatorsVerb::List => room.list(),
        OperatorsVerb::Token { name, label, for_ms } => {
            let answer = room.token(name, label, *for_ms)?;
            context.say("Keep the token now: it is shown this once, and nobody can read it again.");
            Ok(answer)
        }
        OperatorsVerb::Disable { name } => room.disable(name),
        OperatorsVerb::Bootstrap { replace } => {
            let answer = room.bootstrap(*replace)?;
            context.say("Exchange the token within 24 hours; it is shown this once and works once.");
            Ok(answer)
        }
    }
}

/// Adds an admin with a token, unless somebody has this name already; `None` then.
pub(super) fn add_admin_with_token(
    store: Arc<Store>,
    context: &Context,
    name: &str,
) -> Result<Option<IssuedSecret>, CommandError> {
    if store.read("command.operator", |tx| operator_by_name(tx, name))?.is_some() {
        return Ok(None);
    }
    let actor = Actor::cli(context.user());
    let room = Room { store, recorder: context.recorder(), actor, approval: None, draft: None };
    room.add(name, RoleName::Admin, None)?;
    Ok(Some(room.issue(name, "", None)?.secret))
}

/// What every change here needs.
struct Room {
    store: Arc<Store>,
    recorder: Recorder,
    actor: Actor,
    approval: Option<ApprovalId>,
    /// Where an act is written down instead of being done.
    draft: Option<Arc<Draft>>,
}

impl Room {
    fn add(&self, name: &str, role: RoleName, desk: Option<DeskName>) -> Result<Value, CommandError> {
        let role = match role {
            RoleName::Viewer => Role::Viewer,
            RoleName::Operator => Role::Operator,
            RoleName::Admin => Role::Admin,
            RoleName::Payer => Role::Payer,
        };
        let done = match (role, desk) {
            (Role::Payer, Some(desk)) => {
                self.change(|tx, by| add_payer(tx, by, name, desk.as_str()), |done| done)?
            }
            (Role::Viewer | Role::Operator | Role::Admin, Some(_)) => {
                return Err(CommandError::Usage("--desk is for --role payer alone".to_owned()));
            }
            (_, None) => self.change(|tx, by| add_operator(tx, by, name, role), |done| done)?,
        };
        Ok(
            json!({"ok": true, "name": name, "role": role, "desk": desk.map(DeskName::as_str), "change": done.change}),
        )
    }

    fn disable(&self, name: &str) -> Result<Value, CommandError> {
        let done = self.change(|tx, by| disable_operator(tx, by, name), |done| done)?;
        Ok(json!({"ok": true, "name": name, "change": done.change}))
    }

    fn token(&self, name: &str, label: &str, for_ms: Option<i64>) -> Result<Value, CommandError> {
        let issued = self.issue(name, label, for_ms)?;
        Ok(json!({"ok": true, "name": name, "token": issued.secret.reveal(), "change": issued.done.change}))
    }

    fn issue(&self, name: &str, label: &str, for_ms: Option<i64>) -> Result<Issued, CommandError> {
        let issue = |tx: &mut Tx<'_>, by: &By<'_>| {
            let expires_at = for_ms.map(|ms| by.now.after_ms(ms));
            issue_token(tx, by, &OsEntropy, &TokenOrder { operator: name, label, expires_at })
        };
        self.change(issue, |issued| &issued.done)
    }

    fn bootstrap(&self, replace: bool) -> Result<Value, CommandError> {
        let make = if replace { replace_bootstrap } else { bootstrap };
        let made = self.store.transact("command.bootstrap", |tx| {
            let now = tx.reading()?;
            let made = make(tx, &OsEntropy, now)?;
            if let Some(made) = &made {
                let cleared = Cleared { actor: self.actor.clone(), approval: None, approvers: Vec::new() };
                let done = Done { change: made.change.clone(), cleared };
                self.recorder.record(tx, &[done.audit_event()], now)?;
            }
            Ok(made)
        })?;
        let Some(made) = made else {
            let why = match replace {
                true => "There is an operator already; ask an admin for an account.",
                false => {
                    "There is an operator already, or a one-time token waits. If it is lost, add --replace."
                }
            };
            return Err(CommandError::No {
                answer: json!({"ok": false, "code": "bootstrap_over", "error": why}),
                why: why.to_owned(),
            });
        };
        Ok(json!({"ok": true, "token": made.secret.reveal(), "expiresAtMs": made.expires_at.ms()}))
    }

    fn list(&self) -> Result<Value, CommandError> {
        let listed = self.store.read("command.operators", |tx| {
            let operators = operators(tx, "", LISTED_MAX)?;
            operators.iter().map(|one| Ok(shown(one, &tokens_of(tx, one.id, LISTED_MAX)?))).collect()
        });
        let listed: Vec<Value> = listed?;
        Ok(json!({"ok": true, "operators": listed}))
    }

    /// Makes a change and records it in the same transaction.
    fn change<T>(
        &self,
        mut make: impl FnMut(&mut Tx<'_>, &By<'_>) -> Outcome<T>,
        done: impl Fn(&T) -> &Done,
    ) -> Result<T, CommandError> {
        let made = transact_unless_drafting(&self.store, "command.operators", self.draft.as_deref(), |tx| {
            let now = tx.reading()?;
            let by = By::new(&self.actor, now).drafting(self.draft.as_deref());
            let made = make(tx, &By { approval: self.approval, ..by })?;
            if let Ok(made) = &made {
                self.recorder.record(tx, &[done(made).audit_event()], now)?;
            }
            Ok(made)
        })?;
        Ok(made?)
    }
}

fn shown(operator: &Operator, tokens: &[Token]) -> Value {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::ms);
    let token = |token: &Token| {
        json!({
            "id": token.id, "label": token.label, "issuedBy": token.issued_by, "issuedAtMs": token.issued_at.ms(),
            "expiresAtMs": ms(token.expires_at), "lastUsedAtMs": ms(token.last_used_at),
            "revokedAtMs": ms(token.revoked_at),
        })
    };
    json!({
        "id": operator.id, "name": operator.name, "role": operator.role, "desk": operator.desk,
        "enabled": operator.enabled,
        "createdBy": operator.created_by, "createdAtMs": operator.created_at.ms(),
        "tokens": tokens.iter().map(token).collect::<Vec<_>>(),
    })
}
