//! What the demo sets otherwise than a server: everything else is the real server as it stands.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::place::Place;
use super::{Demo, DemoFault};
use crate::config::{Configuration, LogLevel, Logging, Mode, Source, load};

/// Joins by one address in a window: all players live at one. The limits of each wallet stay as they are.
const JOINS_BY_ADDRESS: &str = "10000000";

/// A week between backups, by the demo's fast clock: they show that there are any, and do not fill the disk.
const BACKUP_MINUTES: &str = "10080";

/// Questions to the statistics, by real time: cycles come faster than anywhere else.
const STATS_PER_MINUTE: u32 = 600;

/// Where it listens when nobody says otherwise: not where the server does, so that both can run.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The configuration of the demo, on top of the environment of the process.
pub(super) fn configuration(
    options: &Demo,
    place: &Place,
    source: Source,
) -> Result<Configuration, DemoFault> {
    let source = source
        .with_flag("DATABASE_URL", place.url())
        .with_flag("TRADES_DATABASE_URL", "")
        .with_flag("SUPABASE_DATABASE_URL", "")
        .with_flag("DB_PATH", "")
        .with_flag("BURSAR_DESKS", "rounds,faucet")
        .with_flag("BURSAR_CLOCK", format!("x{}", options.speed))
        .with_flag("PANCHO_D1_BACKUP_DIR", "")
        .with_flag("BACKUP_TARGET", "")
        .with_flag("BACKUP_DIR", place.backups())
        .with_flag("BACKUP_MINUTE_INTERVAL", BACKUP_MINUTES)
        .with_flag("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", JOINS_BY_ADDRESS);
    let mut configuration = match load(&source) {
        Err(errors) if errors.production => return Err(DemoFault::Production),
        loaded => loaded?,
    };
    if configuration.mode == Mode::Production {
        return Err(DemoFault::Production);
    }
    configuration.listen = listen(options, &configuration);
    configuration.faucet.stats_per_minute = STATS_PER_MINUTE;
    configuration.faucet.product.app_name = "Demo Faucet".to_owned();
    configuration.faucet.product.org_name = "people who are made up".to_owned();
    let level = if configuration.values.is_set("LOG_LEVEL") {
        configuration.logging.level
    } else {
        // A line for each of the players' joins would fill the disk.
        LogLevel::Warn
    };
    let kept_lines = configuration.logging.kept_lines;
    configuration.logging = Logging { level, file: Some(place.log()), to_stdout: false, kept_lines };
    configuration.auto_migrate = true;
    Ok(configuration)
}

/// The option, else what the environment says of the server, else the demo's own port.
fn listen(options: &Demo, configuration: &Configuration) -> SocketAddr {
    let is_set = ["BURSAR_LISTEN", "PORT"].iter().any(|name| configuration.values.is_set(name));
    let fallback = if is_set { configuration.listen } else { LISTEN };
    options.listen.unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::config::ClockChoice;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        demo: Demo,
    }

    fn with(environment: &[(&str, &str)]) -> Result<Configuration, DemoFault> {
        with_options(&[], environment)
    }

    fn with_options(options: &[&str], environment: &[(&str, &str)]) -> Result<Configuration, DemoFault> {
        let line = [&["demo", "--data", "/d", "--speed", "30"], options].concat();
        let options = Line::try_parse_from(line).unwrap().demo;
        let texts: BTreeMap<_, _> =
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        configuration(&options, &Place::new(Path::new("/d")), Source::new(texts))
    }

    #[test]
    fn production_is_refused_by_whatever_marker_says_so() {
        for marker in ["BURSAR_ENV", "APP_ENV", "NODE_ENV"] {
            assert!(matches!(with(&[(marker, "production")]), Err(DemoFault::Production)), "{marker}");
        }
        assert!(with(&[("BURSAR_ENV", "test")]).is_ok());
        assert!(with(&[("BURSAR_ENV", "dev")]).is_ok());
    }

    #[test]
    fn it_never_touches_the_database_that_the_environment_names() {
        let environment =
            [("DATABASE_URL", "postgres://u@db.example/x"), ("DB_PATH", "/elsewhere/bursar.db")];
        let configuration = with(&environment).unwrap();
        assert_eq!(crate::host::embedded_file(&configuration), Some("/d/demo.db".into()));
        assert!(configuration.auto_migrate);
    }

    #[test]
    fn only_the_limit_that_all_players_share_is_raised() {
        let configuration = with(&[]).unwrap();
        let changed = |name: &str| configuration.values.is_set(name);
        assert_eq!(configuration.value("PANCHO_RL_SIM_ENTRIES_IP_LIMIT"), Some("10000000"));
        assert!(!changed("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT") && !changed("PANCHO_RL_STATUS_IP_LIMIT"));
        assert_eq!(configuration.clock, ClockChoice::Fast { factor: 30 });
    }

    #[test]
    fn it_listens_where_the_option_says_else_the_environment_else_on_port_8080() {
        let listen = |options: &[&str], environment: &[(&str, &str)]| {
            with_options(options, environment).unwrap().listen.to_string()
        };
        assert_eq!(listen(&[], &[]), "127.0.0.1:8080");
        assert_eq!(listen(&[], &[("PORT", "9000")]), "0.0.0.0:9000");
        assert_eq!(listen(&["--listen", "127.0.0.1:1"], &[("BURSAR_LISTEN", "127.0.0.1:2")]), "127.0.0.1:1");
    }

    #[test]
    fn the_log_leaves_the_terminal_alone() {
        let logging = with(&[]).unwrap().logging;
        let expected = Logging {
            level: LogLevel::Warn,
            file: Some("/d/demo.log".into()),
            to_stdout: false,
            kept_lines: 5_000,
        };
        assert_eq!(logging, expected);
        assert_eq!(with(&[("LOG_LEVEL", "debug")]).unwrap().logging.level, LogLevel::Debug);
    }
}
