//! `bursar settings`: live settings of the rounds desk, effective on the next request (docs/spec/platform.md V7, B3).

use bursar_control::ConfigTable;
use bursar_control::settings::{Setting, SettingRefusal, SettingRow, change, rows, seed};
use bursar_desk::control_fold::fold;
use bursar_rounds::DESK;
use bursar_rounds::settings::all;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::accountable::Accountable;
use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};

const TABLE: ConfigTable = ConfigTable::ROUNDS;

/// `bursar settings`.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// What to do.
    #[command(subcommand)]
    pub verb: SettingsVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar settings`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum SettingsVerb {
    /// Show one setting or all of them.
    Get {
        /// Which one.
        key: Option<String>,
    },
    /// Change one.
    Set(SetOptions),
}

/// Options of `bursar settings set`.
#[derive(Clone, Debug, clap::Args)]
pub struct SetOptions {
    /// Which one.
    pub key: String,
    /// Its new value.
    pub value: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &SettingsVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        SettingsVerb::Get { key } => get(key.as_deref(), context),
        SettingsVerb::Set(options) => set(options, context),
    }
}

fn get(key: Option<&str>, context: &Context) -> Result<Value, CommandError> {
    let wanted = key.map(find).transpose()?;
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let stored = store.read("command.settings", |tx| rows(tx, TABLE))?;
    match wanted {
        Some(setting) => Ok(json!({"ok": true, "desk": DESK, "setting": shown(&setting, &stored)})),
        None => {
            let shown: Vec<Value> = all().iter().map(|setting| shown(setting, &stored)).collect();
            Ok(json!({"ok": true, "desk": DESK, "settings": shown}))
        }
    }
}

fn set(options: &SetOptions, context: &Context) -> Result<Value, CommandError> {
    let setting = find(&options.key)?;
    let value = setting.parse(&options.value)?;
    let who = Accountable::new(options.actor.as_deref(), context.user(), Some(&options.reason))?;
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let recorder = context.recorder();
    let old = store.transact("command.setting", |tx| {
        let now = tx.reading()?;
        add_missing_row(tx, &setting, now)?;
        let old = change(tx, TABLE, setting, value, (&who.actor, &who.reason), now)?;
        fold(tx, &recorder, now)?;
        Ok(old)
    })?;
    let Accountable { actor, reason } = who;
    context.say(&format!("{} was {old} and is {value} from the next request on.", setting.key));
    Ok(json!({"ok": true, "desk": DESK, "key": setting.key, "old": old, "new": value.to_string(),
              "actor": actor, "reason": reason}))
}

fn find(key: &str) -> Result<Setting, SettingRefusal> {
    let found = all().into_iter().find(|setting| setting.key == key);
    found.ok_or_else(|| SettingRefusal::Unknown(key.to_owned()))
}

/// Settings get their rows when the server first starts; a change may come before.
fn add_missing_row(tx: &mut Tx<'_>, setting: &Setting, now: Timestamp) -> Result<(), StoreError> {
    if rows(tx, TABLE)?.iter().any(|row| row.key == setting.key) {
        return Ok(());
    }
    seed(tx, TABLE, &[(setting.key, setting.default.to_string(), setting.description, false)], now)
}

fn shown(setting: &Setting, stored: &[SettingRow]) -> Value {
    let row = stored.iter().find(|row| row.key == setting.key);
    // As the server takes it: what cannot be read counts as the default.
    let value = row.and_then(|row| setting.parse(&row.value).ok()).unwrap_or(setting.default);
    json!({
        "key": setting.key, "value": value, "source": row.map_or("default", |row| row.source.as_str()),
        "stored": row.map(|row| &row.value), "default": setting.default, "min": setting.min, "max": setting.max,
        "variable": setting.variable, "description": setting.description,
    })
}
