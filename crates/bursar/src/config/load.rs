//! Loads a configuration: every layer, every check, all problems at once (V1, V2, V4).

use super::backup::BackupConfiguration;
use super::configuration::{AuditDelivery, Configuration};
use super::desks::DeskName;
use super::faucet::FaucetConfiguration;
use super::logging::Logging;
use super::metrics_access::MetricsAccess;
use super::mode::{self, Mode};
use super::problem::{ConfigurationErrors, Problem};
use super::production::production_failures;
use super::proxies::ProxyTrust;
use super::rounds::RoundsConfiguration;
use super::source::Source;
use super::values::Values;
use super::{
    clock, database, failpoints, faucet, listen, registry, reload, resolve, strength, unknown, warnings,
};

/// Checks `source` and answers the configuration.
///
/// # Errors
/// Every problem found, platform first. In production what [`production_failures`] would add is listed with
/// them, except for variables that have a problem already. A configuration that loads in production may still
/// have such failures: the caller asks for them, together with those of the desks.
pub fn load(source: &Source) -> Result<Configuration, ConfigurationErrors> {
    let mut problems = Vec::new();
    let configuration = examine(source, &mut problems);
    if problems.is_empty() {
        return Ok(configuration);
    }
    let production = configuration.mode == Mode::Production;
    if production {
        for failure in production_failures(&configuration) {
            if problems.iter().all(|problem| base_name(&problem.variable) != failure.variable) {
                problems.push(failure);
            }
        }
    }
    problems.sort_by_key(|problem| problem.desk);
    Err(ConfigurationErrors { production, problems })
}

/// The variable to which a name such as `<NAME>_FILE` belongs, so that one mistake is listed once.
fn base_name(name: &str) -> &str {
    registry::lookup(name).map_or(name, |(variable, _)| variable.name)
}

/// The same for a command that needs the database and no other secret: problems of those are answered beside the
/// configuration, which lacks them.
///
/// # Errors
/// Every problem, when one is about something else.
pub fn load_despite_secrets(source: &Source) -> Result<(Configuration, Vec<Problem>), ConfigurationErrors> {
    let mut problems = Vec::new();
    let configuration = examine(source, &mut problems);
    let is_of_another_secret = |problem: &Problem| {
        registry::lookup(&problem.variable)
            .is_some_and(|(variable, _)| variable.is_secret() && variable.kind != registry::Kind::Database)
    };
    if problems.iter().all(is_of_another_secret) {
        return Ok((configuration, problems));
    }
    Err(ConfigurationErrors { production: false, problems })
}

/// The configuration as far as it can be read: what has a problem keeps its default.
pub(super) fn examine(source: &Source, problems: &mut Vec<Problem>) -> Configuration {
    let mut found_warnings = Vec::new();
    let merged = source.merge(problems);
    unknown::find(&merged, problems, &mut found_warnings);
    let (mut values, desks) = resolve::resolve(source, &merged, problems, &mut found_warnings);
    let faucet = if desks.contains(&DeskName::Faucet) {
        faucet::read(source, &merged, &mut values, problems, &mut found_warnings)
    } else {
        FaucetConfiguration::default()
    };
    let mode = mode::decide(&values, problems);
    warnings::find(&merged, &values, mode, &desks, &mut found_warnings);
    let bursar_env_set = values.is_set("BURSAR_ENV");
    let configuration = Configuration {
        mode,
        bursar_env_set,
        auto_migrate: auto_migrate(&values, mode, bursar_env_set),
        database: database::choose(&values, mode, problems),
        listen: listen::public(&values, &desks),
        ops_listen: listen::operations(&values),
        clock: clock::choose(&values, mode, problems),
        failpoints: failpoints::choose(&values, mode, problems),
        proxies: ProxyTrust::from_values(&values),
        cors_origins: origins(&values),
        metrics: MetricsAccess::from_values(&values),
        logging: Logging::from_values(&values),
        backup: BackupConfiguration::from_values(&values, problems),
        audit: AuditDelivery {
            url: values.secret("AUDIT_WEBHOOK_URL").cloned(),
            secret: values.caller_secret("AUDIT_WEBHOOK_SECRET"),
        },
        rounds: RoundsConfiguration::from_values(&values),
        faucet,
        warnings: found_warnings,
        desks,
        secrets: reload::secrets(&values),
        source: source.clone(),
        values,
    };
    problems.extend(strength::weak(&configuration));
    problems.extend(strength::unsigned(&configuration));
    configuration
}

fn auto_migrate(values: &Values, mode: Mode, bursar_env_set: bool) -> bool {
    let by_mode = match mode {
        Mode::Dev => true,
        Mode::Test => !bursar_env_set,
        Mode::Production => false,
    };
    by_mode || values.flag("PAY2SLAY_AUTO_MIGRATE") == Some(true)
}

fn origins(values: &Values) -> Vec<String> {
    let list = values.value("BURSAR_CORS_ORIGINS").unwrap_or_default();
    list.split(',').filter(|origin| !origin.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
