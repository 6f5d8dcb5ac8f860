//! Rows of switches and settings at start: those that nobody touched follow the environment (V7).

use bursar_control::settings::{self, Setting, SettingRow};
use bursar_control::{ConfigTable, Switch};
use bursar_store::{Store, StoreError, Tx};

use super::Desks;
use super::payment_room::PAYOUTS_HALTED;
use crate::config::Configuration;

/// Writes the rows that are missing, refreshes those that no operator has changed, and warns of variables that a
/// changed row overrules.
pub(crate) fn seed(store: &Store, configuration: &Configuration, desks: &Desks) -> Result<(), StoreError> {
    seed_table(store, configuration, ConfigTable::PLATFORM, &platform_settings(), &[PAYOUTS_HALTED])?;
    for desk in desks.on() {
        seed_table(store, configuration, desk.table(), &desk.settings(), &desk.switches())?;
    }
    Ok(())
}

/// The live settings of the whole deployment: limits of the pages and the payouts API, alerts, timers of incidents, and how long counts are kept.
pub(crate) fn platform_settings() -> Vec<Setting> {
    let mut all = bursar_console::settings();
    all.extend(bursar_ops::alerts::rules::settings());
    all.extend(bursar_ops::incidents::settings());
    all.push(bursar_ops::rollup::KEPT_DAYS);
    all.extend(bursar_payouts::http::settings());
    all
}

fn seed_table(
    store: &Store,
    configuration: &Configuration,
    table: ConfigTable,
    variables: &[Setting],
    switches: &[Switch],
) -> Result<(), StoreError> {
    let texts: Vec<(&str, String, &str, bool)> = variables
        .iter()
        .map(|setting| {
            let given = configuration.values.is_set(setting.variable);
            let value = configuration.value(setting.variable).filter(|_| given);
            let value = value.map_or_else(|| setting.default.to_string(), str::to_owned);
            (setting.key, value, setting.description, given)
        })
        .collect();
    // A switch's variable is a source of its own, not the row's first value: it counts while it is set.
    let switches = switches.iter().map(|switch| (switch.key, "off".to_owned(), "on = stopped", false));
    let rows: Vec<_> = texts.iter().cloned().chain(switches).collect();
    let stored = store.transact("host.seed", |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        settings::seed(tx, table, &rows, now)?;
        settings::rows(tx, table)
    })?;
    for (setting, (key, value, _, given)) in variables.iter().zip(&texts) {
        let overruled = |row: &&SettingRow| row.key == *key && row.value != *value;
        if let Some(row) = stored.iter().find(overruled).filter(|_| *given) {
            tracing::warn!(
                variable = setting.variable,
                setting = key,
                in_force = row.value,
                "the variable has no effect: an operator has changed the setting, and that change holds"
            );
        }
    }
    Ok(())
}
