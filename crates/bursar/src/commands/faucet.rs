//! `bursar faucet`: its administrators who sign in by e-mail, and its switches; every change is in the audit log with it,
//! or not made.

mod adopt;

use std::path::PathBuf;

use bursar_access::{Actor, OsEntropy};
use bursar_audit::{Event, Level, Target};
use bursar_faucet::CLOCK;
use bursar_faucet::identity::admin::{self, ListedAdmin};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use secrecy::SecretString;
use serde_json::{Value, json};

pub use self::adopt::AdoptOptions;
use super::context::Patience;
use super::faucet_switches::{self, ResumeOptions, SwitchOptions};
use super::keys::secret_file;
use super::{CommandError, Context, DatabaseOption};

/// `bursar faucet`.
#[derive(Clone, Debug, clap::Args)]
pub struct Faucet {
    /// What to do.
    #[command(subcommand)]
    pub verb: FaucetVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar faucet`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum FaucetVerb {
    /// The administrators who sign in by e-mail and password.
    #[command(subcommand)]
    Admin(AdminVerb),
    /// How the faucet's switches stand.
    Switches,
    /// Stop payouts, accrual, the scheduler, or real money altogether (a dry run).
    Stop(SwitchOptions),
    /// Let it run again.
    Resume(ResumeOptions),
    /// After a restore: record what the wallet's chain shows as paid and this database lacks, so that it is not paid again;
    /// exit 1 unless nothing is left.
    AdoptPayments(AdoptOptions),
}

/// A verb of `bursar faucet admin`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AdminVerb {
    /// Add an administrator, or give one a new password, which ends every session they have; lets in again whoever was
    /// disabled or locked out.
    SetPassword {
        /// Whom.
        email: String,
        /// The file that holds the password; `-` is stdin.
        #[arg(long, value_name = "PATH", default_value = "-")]
        password_file: PathBuf,
    },
    /// List them, without passwords.
    List,
    /// Shut one out, at once and with every session.
    Disable {
        /// Whom.
        email: String,
    },
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &FaucetVerb, context: &Context) -> Result<Value, CommandError> {
    let verb = match verb {
        FaucetVerb::Admin(verb) => verb,
        FaucetVerb::Switches => return faucet_switches::list(context),
        FaucetVerb::Stop(options) => return faucet_switches::stop(options, context),
        FaucetVerb::Resume(options) => return faucet_switches::resume(options, context),
        FaucetVerb::AdoptPayments(options) => return adopt::adopt(options, context),
    };
    match verb {
        AdminVerb::SetPassword { email, password_file } => {
            let email = readable(email)?;
            let password = secret_file::read(password_file, "--password-file")?;
            if !admin::is_usable_password(&password) {
                let rule =
                    "the password has fewer than 12 characters or more than 1024 bytes; choose another";
                return Err(CommandError::Usage(rule.to_owned()));
            }
            set_password(&email, &password, context)
        }
        AdminVerb::List => list(context),
        AdminVerb::Disable { email } => disable(&readable(email)?, context),
    }
}

fn readable(email: &str) -> Result<String, CommandError> {
    admin::read_email(email).ok_or_else(|| {
        CommandError::Usage("EMAIL takes an e-mail address such as ann@example.org".to_owned())
    })
}

fn open(context: &Context) -> Result<Store, CommandError> {
    context.open_ready(&context.configuration()?, Patience::Ordinary)
}

fn set_password(email: &str, password: &SecretString, context: &Context) -> Result<Value, CommandError> {
    let recorder = context.recorder();
    open(context)?.transact("command.faucet_admin", |tx| {
        // Sessions are dated by the desk's clock, which may be ahead of a machine's that was set back.
        let now = tx.open_clock(CLOCK)?;
        admin::set_password(tx, &OsEntropy, email, password, now)
            .map_err(|fault| StoreError::Decode(fault.to_string()))?;
        let event = event(context, "admin_password_set", email, "an administrator's password was set");
        recorder.record(tx, &[event], now)?;
        tx.close_clock(CLOCK, now)
    })?;
    Ok(json!({"ok": true, "email": email}))
}

fn disable(email: &str, context: &Context) -> Result<Value, CommandError> {
    let recorder = context.recorder();
    let is_known = open(context)?.transact("command.faucet_admin", |tx: &mut Tx<'_>| {
        let now = tx.open_clock(CLOCK)?;
        let is_known = admin::disable(tx, email, now)?;
        if is_known {
            let event = event(context, "admin_disabled", email, "an administrator was shut out");
            recorder.record(tx, &[event], now)?;
        }
        tx.close_clock(CLOCK, now)?;
        Ok(is_known)
    })?;
    if is_known {
        return Ok(json!({"ok": true, "email": email}));
    }
    let why = format!("No administrator has the e-mail {email}; see `bursar faucet admin list`.");
    Err(CommandError::No { answer: json!({"ok": false, "code": "unknown_admin", "error": why}), why })
}

fn list(context: &Context) -> Result<Value, CommandError> {
    let listed = open(context)?.read("command.faucet_admins", |tx| {
        let now = tx.reading()?;
        admin::list(tx, now)
    })?;
    let shown = |one: &ListedAdmin| {
        json!({
            "email": one.email, "active": one.is_active, "locked": one.is_locked,
            "updatedAtMs": Timestamp::ms(one.updated_at),
        })
    };
    Ok(json!({"ok": true, "admins": listed.iter().map(shown).collect::<Vec<_>>()}))
}

/// In the desk's style, so that it stands beside what administrators do (docs/spec/platform.md X2).
fn event(context: &Context, name: &'static str, email: &str, summary: &str) -> Event {
    let actor = Actor::cli(context.user()).audit_id();
    let payload = json!({"actor_email": actor, "summary": summary, "detail": {"email": email}});
    Event {
        level: Level::Warn,
        desk: bursar_faucet::DESK,
        name,
        actor: bursar_audit::Actor { kind: "operator", id: actor },
        target: Target { kind: "admin_user", id: admin::principal(email) },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}
