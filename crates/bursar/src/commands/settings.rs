//! `bursar settings`: live settings of the platform and of each desk, effective on the next request
//! (docs/spec/platform.md V7, B3).

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::ConfigTable;
use bursar_control::settings::{self, Setting, SettingRefusal, SettingRow, change, rows, seed};
use bursar_desk::control_fold::fold;
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::accountable::Accountable;
use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};
use crate::config::Configuration;
use crate::host::{Desks, platform_settings};

/// `bursar settings`.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// What to do.
    #[command(subcommand)]
    pub verb: SettingsVerb,
    /// Only settings of this desk; `platform` for those of the whole deployment.
    #[arg(long, value_name = "DESK", global = true)]
    pub desk: Option<String>,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar settings`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum SettingsVerb {
    /// Show all of them.
    List,
    /// Show one; without a name, all of them.
    Get {
        /// Which one.
        key: Option<String>,
    },
    /// Change one.
    Set(SetOptions),
    /// Take back what operators have changed: the setting follows its variable and its default again.
    Unset(UnsetOptions),
}

/// Options of `bursar settings set`.
#[derive(Clone, Debug, clap::Args)]
pub struct SetOptions {
    /// Which one.
    pub key: String,
    /// Its new value.
    pub value: String,
    /// Who and why.
    #[command(flatten)]
    pub by: By,
}

/// Options of `bursar settings unset`.
#[derive(Clone, Debug, clap::Args)]
pub struct UnsetOptions {
    /// Which one.
    pub key: String,
    /// Who and why.
    #[command(flatten)]
    pub by: By,
}

/// Who changes a setting and why.
#[derive(Clone, Debug, clap::Args)]
pub struct By {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// A setting and the table that holds it.
#[derive(Clone, Copy)]
struct Placed {
    table: ConfigTable,
    setting: Setting,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(group: &Settings, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let known = known(group.desk.as_deref(), &configuration)?;
    match &group.verb {
        SettingsVerb::List | SettingsVerb::Get { key: None } => list(&known, &configuration, context),
        SettingsVerb::Get { key: Some(key) } => get(find(&known, key)?, &configuration, context),
        SettingsVerb::Set(options) => {
            let placed = find(&known, &options.key)?;
            let value = placed.setting.parse(&options.value)?;
            write(placed, Wish::Set(value), &options.by, &configuration, context)
        }
        SettingsVerb::Unset(options) => {
            let placed = find(&known, &options.key)?;
            let initial = initial(placed.setting, &configuration)?;
            write(placed, Wish::Unset(initial), &options.by, &configuration, context)
        }
    }
}

/// Every setting, the platform's first; those of desks that are off may be set without effect (H2).
fn known(desk: Option<&str>, configuration: &Configuration) -> Result<Vec<Placed>, CommandError> {
    let platform = (ConfigTable::PLATFORM, platform_settings());
    let desks = Desks::new(configuration);
    let tables = std::iter::once(platform).chain(desks.on().map(|desk| (desk.table(), desk.settings())));
    let tables: Vec<(ConfigTable, Vec<Setting>)> = tables.collect();
    let is_wanted = |table: &ConfigTable| desk.is_none_or(|desk| table.desk == desk);
    if !tables.iter().any(|(table, _)| is_wanted(table)) {
        let names: Vec<&str> = tables.iter().map(|(table, _)| table.desk).collect();
        return Err(CommandError::Usage(format!("--desk takes one of: {}", names.join(", "))));
    }
    let wanted = tables.into_iter().filter(|(table, _)| is_wanted(table));
    let placed = |(table, all): (ConfigTable, Vec<Setting>)| {
        all.into_iter().map(move |setting| Placed { table, setting })
    };
    Ok(wanted.flat_map(placed).collect())
}

/// The one setting of this name; two desks may have one each.
fn find(known: &[Placed], key: &str) -> Result<Placed, CommandError> {
    let found: Vec<Placed> = known.iter().filter(|placed| placed.setting.key == key).copied().collect();
    match &found[..] {
        [] => Err(SettingRefusal::Unknown(key.to_owned()).into()),
        [one] => Ok(*one),
        several => {
            let desks: Vec<&str> = several.iter().map(|placed| placed.table.desk).collect();
            Err(CommandError::Usage(format!(
                "{key} is a setting of {}; say which with --desk",
                desks.join(" and ")
            )))
        }
    }
}

fn list(known: &[Placed], configuration: &Configuration, context: &Context) -> Result<Value, CommandError> {
    let store = context.open_ready(configuration, Patience::Ordinary)?;
    let all: Result<Vec<Value>, StoreError> = known.iter().map(|placed| shown(&store, *placed)).collect();
    Ok(json!({"ok": true, "settings": all?}))
}

fn get(placed: Placed, configuration: &Configuration, context: &Context) -> Result<Value, CommandError> {
    let store = context.open_ready(configuration, Patience::Ordinary)?;
    Ok(json!({"ok": true, "desk": placed.table.desk, "setting": shown(&store, placed)?}))
}

fn shown(store: &Store, placed: Placed) -> Result<Value, StoreError> {
    let Placed { table, setting } = placed;
    let stored = store.read("command.settings", |tx| rows(tx, table))?;
    let row = stored.iter().find(|row| row.key == setting.key);
    // As the server takes it: what cannot be read counts as the default.
    let value = row.and_then(|row| setting.parse(&row.value).ok()).unwrap_or(setting.default);
    Ok(json!({
        "desk": table.desk, "key": setting.key, "value": value, "source": row.map_or("default", |row| &row.source),
        "stored": row.map(|row| &row.value), "default": setting.default, "min": setting.min, "max": setting.max,
        "variable": setting.variable, "description": setting.description,
    }))
}

/// What is to become of a setting.
#[derive(Clone, Copy)]
enum Wish {
    /// An operator's value.
    Set(i64),
    /// The value without operators, and whether the environment gives it.
    Unset((i64, bool)),
}

impl Wish {
    fn value(self) -> i64 {
        match self {
            Wish::Set(value) | Wish::Unset((value, _)) => value,
        }
    }
}

/// The value that a setting has when no operator changes it, in this environment.
fn initial(setting: Setting, configuration: &Configuration) -> Result<(i64, bool), CommandError> {
    let given = configuration.values.is_set(setting.variable);
    match configuration.value(setting.variable).filter(|_| given) {
        Some(text) => Ok((setting.parse(text)?, true)),
        None => Ok((setting.default, false)),
    }
}

fn write(
    placed: Placed,
    wish: Wish,
    by: &By,
    configuration: &Configuration,
    context: &Context,
) -> Result<Value, CommandError> {
    let Placed { table, setting } = placed;
    let who = Accountable::new(by.actor.as_deref(), context.user(), Some(&by.reason))?;
    let store = context.open_ready(configuration, Patience::Ordinary)?;
    let recorder = context.recorder();
    let old = store.transact("command.setting", |tx| {
        let now = tx.reading()?;
        let row = add_missing_row(tx, placed, now)?;
        let by = (who.actor.as_str(), who.reason.as_str());
        match wish {
            Wish::Set(value) => change(tx, table, setting, value, by, now)?,
            Wish::Unset(initial) => settings::unset(tx, table, setting, initial, by, now)?,
        };
        fold(tx, &recorder, now)?;
        if matches!(wish, Wish::Unset(_)) && row.source == "operator" && row.value == wish.value().to_string()
        {
            record_unset(tx, &recorder, placed, &who, now)?;
        }
        Ok(row.value)
    })?;
    let (Accountable { actor, reason }, new) = (who, wish.value());
    let text = match wish {
        Wish::Set(_) => format!("{} was {old} and is {new} from the next request on.", setting.key),
        Wish::Unset((_, from_environment)) => {
            let source = if from_environment { setting.variable } else { "its default" };
            format!("{} was {old} and follows {source} again: {new} from the next request on.", setting.key)
        }
    };
    context.say(&text);
    Ok(json!({"ok": true, "desk": table.desk, "key": setting.key, "old": old, "new": new.to_string(),
              "actor": actor, "reason": reason}))
}

/// Settings get their rows when the server first starts; a change may come before. Returns the row.
fn add_missing_row(tx: &mut Tx<'_>, placed: Placed, now: Timestamp) -> Result<SettingRow, StoreError> {
    let Placed { table, setting } = placed;
    let row = |tx: &mut Tx<'_>| Ok(rows(tx, table)?.into_iter().find(|row| row.key == setting.key));
    if let Some(row) = row(tx)? {
        return Ok(row);
    }
    seed(tx, table, &[(setting.key, setting.default.to_string(), setting.description, false)], now)?;
    row(tx)?.ok_or_else(|| StoreError::Schema(format!("setting {} has no row", setting.key)))
}

/// The table's trigger records changes of values. A setting that an operator had set to what it would be anyway changes
/// only what it follows, which is recorded here.
fn record_unset(
    tx: &mut Tx<'_>,
    recorder: &Recorder,
    placed: Placed,
    who: &Accountable,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Placed { table, setting } = placed;
    let event = Event {
        level: Level::Warn,
        desk: table.desk,
        name: "control.setting_unset",
        actor: Actor { kind: "operator", id: who.actor.clone() },
        target: Target { kind: "config", id: format!("{}/{}", table.desk, setting.key) },
        request_id: None,
        correlation_id: None,
        payload: json!({"key": setting.key, "actor": who.actor, "reason": who.reason}).to_string(),
    };
    recorder.record(tx, &[event], now).map(|_| ())
}
