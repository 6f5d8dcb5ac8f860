//! What the server and the command line share: which desks there are, their tables, and the open database.

mod backups;
mod banano;
mod database;
mod desks;
mod failpoints;
mod fast_clock;
mod faucet;
mod operator_seed;
mod payment_room;
mod seeding;

use std::sync::Arc;

use bursar_control::{ConfigTable, ControlFile, Switch, Switchboard};
use bursar_desk::incident::PayoutStop;
use bursar_desk::{Desk, DeskFault};
use bursar_payouts::Payouts;
use bursar_rounds::desk::RoundsDesk;
use bursar_store::{EngineKind, Migration};

pub(crate) use backups::{Backups, Chronicle};
pub(crate) use database::{OpenFault, begin_clock, embedded_file, open, open_existing, open_server, url};
pub(crate) use desks::{cors, header_policy, service_key};
pub(crate) use fast_clock::{reserve as reserve_fast_clock, rest as rest_fast_clock};
pub(crate) use faucet::FaucetPages;
pub(crate) use payment_room::{JournalUse, PAYOUTS_HALTED, PaymentRoom, RoomParts, SEAL_KEY, seal_ring};
pub(crate) use seeding::{platform_settings, seed};

use crate::config::{Configuration, DeskName};
use crate::schema;
use faucet::Faucet;

/// The desks of this host.
pub(crate) struct Desks {
    /// Every desk there is, with whether it is on.
    all: Vec<(Arc<dyn Desk>, bool)>,
    rounds: Arc<RoundsDesk>,
    faucet: Arc<Faucet>,
}

impl Desks {
    /// The desks as `configuration` wants them.
    pub fn new(configuration: &Configuration) -> Desks {
        let rounds = desks::rounds(configuration);
        let faucet = Arc::new(Faucet::new(configuration));
        let built = DeskName::ALL.into_iter().filter_map(|name| {
            let desk = desks::build(name, &rounds, &faucet)?;
            Some((desk, configuration.runs(name)))
        });
        let all = built.collect();
        Desks { all, rounds, faucet }
    }

    /// Refuses what a desk that is on must not start with. To be asked before a database or a port is opened.
    pub fn guard(&self) -> Result<(), DeskFault> {
        if self.on().any(|desk| desk.name() == self.faucet.name()) { self.faucet.guard() } else { Ok(()) }
    }

    /// The rounds desk, on or off.
    pub fn rounds(&self) -> &RoundsDesk {
        &self.rounds
    }

    /// What the faucet's pages need; `None` until it was opened.
    pub fn faucet_pages(&self) -> Option<FaucetPages> {
        self.faucet.pages()
    }

    /// The payouts room of the desks that are open; `None` = none of them pays on a chain.
    pub fn payouts(&self) -> Option<Payouts> {
        self.faucet.pages().map(|pages| pages.payouts)
    }

    /// Every desk, on or off.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Desk>> {
        self.all.iter().map(|(desk, _)| desk)
    }

    /// The desks that are on.
    pub fn on(&self) -> impl Iterator<Item = &Arc<dyn Desk>> {
        self.all.iter().filter(|(_, is_on)| *is_on).map(|(desk, _)| desk)
    }

    /// Every migration, those of desks that are off included (H2).
    pub fn migrations(&self, engine: EngineKind) -> Vec<Migration> {
        let mut migrations = schema::rooms(engine);
        migrations.extend(self.all().flat_map(|desk| desk.migrations(engine)));
        migrations
    }

    /// Every table of switches and live settings.
    pub fn tables(&self) -> Vec<ConfigTable> {
        [ConfigTable::PLATFORM].into_iter().chain(self.all().map(|desk| desk.table())).collect()
    }

    /// Every switch with the table that holds it, the platform's own first.
    pub fn switches(&self) -> Vec<(ConfigTable, Switch)> {
        let of_desk = |desk: &Arc<dyn Desk>| {
            let table = desk.table();
            desk.switches().into_iter().map(move |switch| (table, switch)).collect::<Vec<_>>()
        };
        [(ConfigTable::PLATFORM, PAYOUTS_HALTED)].into_iter().chain(self.all().flat_map(of_desk)).collect()
    }

    /// What halts the payouts of each desk that pays out.
    pub fn payout_stops(&self) -> Vec<PayoutStop> {
        let of_desk = |desk: &Arc<dyn Desk>| {
            let table = desk.table();
            desk.payout_switch().map(|switch| PayoutStop { table, switch })
        };
        self.all().filter_map(of_desk).collect()
    }

    /// The sources of stops besides the rows: this process's environment, and the control file when embedded.
    pub fn switchboard(&self, configuration: &Configuration) -> Switchboard {
        let switches = self.switches();
        let stops = |variable: &&str| configuration.values.flag(variable) == Some(true);
        let stopped: Vec<&'static str> =
            switches.iter().map(|(_, switch)| switch.variable).filter(stops).collect();
        let file = embedded_file(configuration).map(|path| ControlFile::beside(&path));
        Switchboard::new(stopped, file)
    }
}
