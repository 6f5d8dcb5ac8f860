//! `bursar operators`: who may operate the platform; every change is in the audit log with it, or not made.

use std::sync::Arc;

use bursar_access::{
    Actor, By, Change, Cleared, Done, Issued, IssuedSecret, Operator, OsEntropy, Outcome, Role, Token,
    TokenOrder, add_operator, bootstrap, disable_operator, issue_token, operator_by_name, operators,
    replace_bootstrap, tokens_of,
};
use bursar_audit::{Event, Level, Recorder, Target};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::context::Patience;
use super::{CommandError, Context, DatabaseOption, duration};

/// Operators, and tokens of one, that are listed at most.
const LISTED_MAX: i64 = 1_000;

/// `bursar operators`.
#[derive(Clone, Debug, clap::Args)]
pub struct Operators {
    /// What to do.
    #[command(subcommand)]
    pub verb: OperatorsVerb,
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
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &OperatorsVerb, context: &Context) -> Result<Value, CommandError> {
    let store = Arc::new(context.open_ready(&context.configuration()?, Patience::Ordinary)?);
    let room = Room { store, recorder: context.recorder(), actor: Actor::cli(context.user()) };
    match verb {
        OperatorsVerb::Add { name, role } => room.add(name, *role),
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
    let room = Room { store, recorder: context.recorder(), actor: Actor::cli(context.user()) };
    room.add(name, RoleName::Admin)?;
    Ok(Some(room.issue(name, "", None)?.secret))
}

/// What every change here needs.
struct Room {
    store: Arc<Store>,
    recorder: Recorder,
    actor: Actor,
}

impl Room {
    fn add(&self, name: &str, role: RoleName) -> Result<Value, CommandError> {
        let role = match role {
            RoleName::Viewer => Role::Viewer,
            RoleName::Operator => Role::Operator,
            RoleName::Admin => Role::Admin,
        };
        let done = self.change(|tx, by| add_operator(tx, by, name, role), |done| done)?;
        Ok(json!({"ok": true, "name": name, "role": role, "change": done.change}))
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
                self.record(tx, &made.change, &cleared, now)?;
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
        let made = self.store.transact("command.operators", |tx| {
            let now = tx.reading()?;
            let made = make(tx, &By::new(&self.actor, now))?;
            if let Ok(made) = &made {
                let Done { change, cleared } = done(made);
                self.record(tx, change, cleared, now)?;
            }
            Ok(made)
        })?;
        Ok(made?)
    }

    fn record(
        &self,
        tx: &mut Tx<'_>,
        change: &Change,
        cleared: &Cleared,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (kind, id) = change.target();
        let payload = json!({"change": change, "approval": cleared.approval, "approvers": cleared.approvers});
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: change.event(),
            actor: bursar_audit::Actor { kind: "operator", id: cleared.actor.audit_id() },
            target: Target { kind, id },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        };
        self.recorder.record(tx, &[event], now).map(|_| ())
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
        "id": operator.id, "name": operator.name, "role": operator.role, "enabled": operator.enabled,
        "createdBy": operator.created_by, "createdAtMs": operator.created_at.ms(),
        "tokens": tokens.iter().map(token).collect::<Vec<_>>(),
    })
}
