//! `bursar keys`: the signing keys and what they may sign. A secret comes from a file or stdin, and is never shown.

mod add;
mod policy;
mod rotate;
mod seal;
pub(super) mod secret_file;
mod show;

use bursar_access::transact_unless_drafting;
use bursar_audit::Event;
use bursar_keys::{KeyCommands, KeyError, KeyFault, KeyId, KeyShown, Outcome};
use bursar_store::Tx;
use serde_json::{Value, json};

pub use self::add::{AddOptions, CredentialName};
pub use self::policy::{DestinationOptions, PolicyOptions};
use super::payouts::room::{Room, Signed, refused};
use super::{CommandError, Context, DatabaseOption, payouts::Who};

/// `bursar keys`.
#[derive(Clone, Debug, clap::Args)]
pub struct Keys {
    /// What to do.
    #[command(subcommand)]
    pub verb: KeysVerb,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar keys`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum KeysVerb {
    /// List keys without their secrets, what seals those, and a rotation that is under way.
    List,
    /// Add a key, which signs nothing before it has a policy. One for payouts gets its wallet with it.
    Add(Box<AddOptions>),
    /// Seal every secret with the current seal key, going on where an earlier run was cut off.
    Rotate(Who),
    /// Retire a key for good: it signs nothing any more.
    Retire(KeyOptions),
    /// Stop a key: it signs nothing until it is resumed.
    Stop(KeyOptions),
    /// Let a stopped key sign again.
    Resume(KeyOptions),
    /// Open every secret and compare what follows from it with the records; exit 1 unless every key is sound.
    Verify,
    /// Set what a key may sign, in place of what held before.
    Policy(Box<PolicyOptions>),
    /// Put a destination on a key's list, or take it off.
    Destination(DestinationOptions),
}

/// Options of an act on one key.
#[derive(Clone, Debug, clap::Args)]
pub struct KeyOptions {
    /// Its name.
    pub key: String,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// Does what `group` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Keys, context: &Context) -> Result<Value, CommandError> {
    let room = Room::open(context)?;
    let json = group.json;
    match &group.verb {
        KeysVerb::List => show::list(&room, context, json),
        KeysVerb::Verify => show::verify(&room, context, json),
        KeysVerb::Add(options) => add::add(&room, options, context, json),
        KeysVerb::Rotate(who) => rotate::rotate(&room, who, context, json),
        KeysVerb::Retire(options) => act(&room, options, context, json, |commands, key, why| {
            let (shown, unopened) = commands.retire(key, why)?;
            say_what_stays(context, unopened.as_deref(), commands.wipe_former()?);
            Ok(shown)
        }),
        KeysVerb::Stop(options) => {
            act(&room, options, context, json, |commands, key, why| commands.stop(key, why))
        }
        KeysVerb::Resume(options) => {
            act(&room, options, context, json, |commands, key, why| commands.resume(key, why))
        }
        KeysVerb::Policy(options) => policy::set(&room, options, context, json),
        KeysVerb::Destination(options) => policy::destination(&room, options, context, json),
    }
}

/// Said when former bytes could not be wiped.
const STILL_IN_THE_LOG: &str = "Others use the database's log without a pause, so what was sealed before is still in it. \
                                Repeat `bursar keys rotate` when there is less to do.";

/// What a retirement could not do.
fn say_what_stays(context: &Context, unopened: Option<&str>, is_wiped: bool) {
    if let Some(why) = unopened {
        context.say(&format!(
            "It is retired, and its secret stays sealed as it was: {why}. Once it can be opened, such as with its seal \
             key, repeat this: then the secret is sealed as a retired one."
        ));
    }
    if !is_wiped {
        context.say(STILL_IN_THE_LOG);
    }
}

/// An act whose reason the key store's own event holds.
fn act(
    room: &Room,
    options: &KeyOptions,
    context: &Context,
    json: bool,
    act: impl FnOnce(&KeyCommands<'_>, &KeyId, &str) -> Result<KeyShown, KeyFault>,
) -> Result<Value, CommandError> {
    let who = options.who.signed(room, context)?;
    let key = key_id(&options.key)?;
    let shown = act(&commands(room, &who), &key, &who.reason).map_err(fault)?;
    Ok(show::answer(&shown, json))
}

/// The key store's own verbs for this person.
fn commands<'a>(room: &'a Room, who: &'a Signed) -> KeyCommands<'a> {
    KeyCommands {
        keystore: &room.payments.keystore,
        store: &room.store,
        recorder: &room.recorder,
        actor: &who.actor,
        approval: who.approval,
        draft: who.draft.as_deref(),
    }
}

/// Makes a change whose own event has no place for a reason, and records it with one in the same transaction. Returns
/// what `make` gave beside the change.
fn change<T>(
    room: &Room,
    who: &Signed,
    mut make: impl FnMut(&mut Tx<'_>, &bursar_access::By<'_>) -> Outcome<(Option<bursar_keys::Done>, T)>,
) -> Result<T, CommandError> {
    let made = transact_unless_drafting(&room.store, "command.keys", who.draft.as_deref(), |tx| {
        let by = who.by(tx)?;
        let (done, value) = match make(tx, &by)? {
            Ok(made) => made,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(done) = done {
            room.recorder.record(tx, &[with_reason(done.audit_event(), &who.reason)], by.now)?;
        }
        Ok(Ok(value))
    })?;
    made.map_err(key_error)
}

/// The same event with its reason.
pub(super) fn with_reason(event: Event, reason: &str) -> Event {
    let mut payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    if let Some(members) = payload.as_object_mut() {
        members.insert("reason".to_owned(), reason.into());
    }
    Event { payload: payload.to_string(), ..event }
}

/// The key as it stands now.
fn shown(room: &Room, who: &Signed, key: &KeyId) -> Result<KeyShown, CommandError> {
    let list = commands(room, who).list().map_err(fault)?;
    let found = list.keys.into_iter().find(|shown| shown.id == *key);
    found.ok_or_else(|| key_error(bursar_keys::Rejection::KeyUnknown.into()))
}

fn key_id(text: &str) -> Result<KeyId, CommandError> {
    KeyId::parse(text).map_err(|rejection| key_error(rejection.into()))
}

fn fault(fault: KeyFault) -> CommandError {
    match fault {
        KeyFault::Key(error) => key_error(error),
        KeyFault::Store(error) => CommandError::Store(error),
    }
}

fn key_error(error: KeyError) -> CommandError {
    match &error {
        KeyError::Rejected(rejection) => refused(rejection.code(), rejection.to_string()),
        KeyError::Sealed(sealed) => refused("secret_does_not_open", sealed.to_string()),
    }
}

/// An answer for programs.
fn ok(name: &str, value: &impl serde::Serialize) -> Value {
    json!({"ok": true, name: value})
}
