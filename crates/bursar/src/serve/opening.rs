//! Bringing the schema up, then the platform and the desks, to one assembled application.

use std::io::Write;
use std::sync::Arc;

use axum::http::HeaderName;
use bursar_access::{OsEntropy, bootstrap};
use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::Switchboard;
use bursar_desk::job::{Job, Scheduler, SchedulerParts};
use bursar_desk::{Platform, PlatformParts, Readiness, Stopping};
use bursar_ops::incidents::{self, IncidentRoutes};
use bursar_payouts::http::ApiParts;
use bursar_store::{Migration, Store};
use bursar_web::infrastructure::{self, HealthSource};
use bursar_web::metrics::{HttpMetrics, Registry, register_process_metrics};
use bursar_web::{Application, Host, ProxyTrust, Surface, Unknown, assemble};
use parking_lot::Mutex;

use super::health::ProcessHealth;
use super::running::Running;
use super::{COMMIT, StartFault, dev_clock, pages};
use crate::config::{Configuration, Mode, PendingMigrations};
use crate::host::{Desks, cors, header_policy, seed};
use crate::jobs;
use crate::secrets::{Hangups, SecretFollower, Waiting};

/// How far the schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// As this binary needs it.
    Ready,
    /// Migrations are pending, and somebody else will run them.
    Pending,
}

/// Migrates, waits, or refuses, as the mode says (V6).
pub(super) fn prepare(
    configuration: &Configuration,
    store: &Store,
    desks: &Desks,
) -> Result<Schema, StartFault> {
    let migrations = desks.migrations(store.kind());
    let state = store.migration_state(&migrations)?;
    if !state.incompatible.is_empty() {
        return Err(StartFault::Incompatible(state.incompatible));
    }
    if !state.newer.is_empty() {
        tracing::warn!(newer = ?state.newer, "the database is newer than this version; it serves all the same");
    }
    match (state.pending.is_empty(), configuration.pending_migrations()) {
        (true, _) => Ok(Schema::Ready),
        (false, PendingMigrations::Apply) => {
            let ran = store.migrate(&migrations)?;
            tracing::info!(?ran, "migrations applied");
            Ok(Schema::Ready)
        }
        (false, PendingMigrations::ServeNotReady) => Ok(Schema::Pending),
        (false, PendingMigrations::Refuse) => Err(StartFault::Pending(state.pending)),
    }
}

/// The desks at work, and what they put before the platform.
struct Opened {
    surfaces: Vec<Surface>,
    jobs: Vec<Job>,
    checks: Vec<Readiness>,
}

/// Everything that a start needs, ready to be opened once the schema is.
pub(super) struct Opening {
    pub configuration: Configuration,
    pub store: Arc<Store>,
    pub desks: Desks,
    pub migrations: Arc<Vec<Migration>>,
    switchboard: Switchboard,
    metrics: Arc<Registry>,
    http: HttpMetrics,
    health: Arc<ProcessHealth>,
    pub hangups: Hangups,
    /// Told when the process is to stop; the desks look at it.
    pub stopping: Stopping,
    waiting: Mutex<Option<Waiting>>,
}

impl Opening {
    pub fn new(configuration: Configuration, store: Arc<Store>, desks: Desks) -> Result<Opening, StartFault> {
        let migrations = Arc::new(desks.migrations(store.kind()));
        let switchboard = desks.switchboard(&configuration);
        switchboard.guard(&store);
        let metrics = Arc::new(Registry::new());
        let http = HttpMetrics::register(&metrics, false).map_err(|error| set_up(&error))?;
        register_process_metrics(&metrics, "").map_err(|error| set_up(&error))?;
        let health = Arc::new(ProcessHealth::new(
            &configuration,
            Arc::clone(&store),
            switchboard.clone(),
            Arc::clone(&migrations),
            desks.on().map(|desk| desk.name()).collect(),
        ));
        let (hangups, waiting) = Hangups::new();
        let waiting = Mutex::new(Some(waiting));
        Ok(Opening {
            configuration,
            store,
            desks,
            migrations,
            switchboard,
            metrics,
            http,
            health,
            hangups,
            stopping: Stopping::default(),
            waiting,
        })
    }

    /// The infrastructure routes alone, while everything else is not ready.
    pub fn waiting(&self) -> Result<Application, StartFault> {
        let host = Host { documentation: false, unknown: Unknown::NotReady, ..self.host() };
        assemble(vec![self.infrastructure_surface()], host).map_err(|error| set_up(&error))
    }

    /// The infrastructure routes for a listener of operators.
    pub fn operations(&self) -> Result<Application, StartFault> {
        let host = Host { documentation: false, ..self.host() };
        let surface = self.infrastructure_of(Arc::new(self.health.for_operators()));
        assemble(vec![surface], host).map_err(|error| set_up(&error))
    }

    /// Seeds the rows, starts the platform, the desks and their jobs, and assembles all routes.
    pub fn open(&self) -> Result<(Running, Application), StartFault> {
        seed(&self.store, &self.configuration, &self.desks)?;
        let platform = self.platform()?;
        first_admin(&self.store, &platform.recorder("access"))?;
        let Opened { mut surfaces, jobs: of_desks, checks } = self.open_desks(&platform)?;
        let mut background = jobs::platform_jobs(&self.configuration, &platform, &self.desks);
        background.extend(of_desks);
        let watch =
            jobs::alerts::watch(&platform, &self.desks, &background).map_err(|error| set_up(&error))?;
        background.extend(jobs::alerts::jobs(&platform, &watch));
        let parts = SchedulerParts {
            store: Arc::clone(&self.store),
            process: platform.process().to_owned(),
            waker: platform.waker.clone(),
            jobs: background,
        };
        let scheduler = Arc::new(Scheduler::start(parts)?);
        scheduler.register(&self.metrics).map_err(|error| set_up(&error))?;
        watch.start()?;
        let secrets = self.follow_secrets(&platform)?;
        if self.configuration.mode != Mode::Production {
            surfaces.push(dev_clock::surface(&platform, &scheduler));
        }
        let application = assemble(surfaces, self.host()).map_err(|error| set_up(&error))?;
        let running = Running { scheduler, watch, secrets, store: Arc::clone(&self.store), checks };
        Ok((running, application))
    }

    /// Starts to read secrets anew whenever somebody asks for it.
    fn follow_secrets(&self, platform: &Platform) -> Result<SecretFollower, StartFault> {
        let Some(waiting) = self.waiting.lock().take() else {
            return Err(StartFault::SetUp("a server is opened once".to_owned()));
        };
        Ok(SecretFollower::start(&self.configuration, platform, &self.hangups, waiting)?)
    }

    /// Opens the desks that are on, and the pages over them.
    fn open_desks(&self, platform: &Platform) -> Result<Opened, StartFault> {
        let surfaces = vec![self.infrastructure_surface()];
        let mut opened = Opened { surfaces, jobs: Vec::new(), checks: Vec::new() };
        for desk in self.desks.on() {
            let desk = desk.open(platform).map_err(|error| set_up(&error))?;
            opened.surfaces.push(desk.surface);
            opened.jobs.extend(desk.jobs);
            opened.checks.push(desk.readiness);
        }
        let guards: Vec<_> = self.desks.on().filter_map(|desk| desk.incident_guard(platform)).collect();
        if !guards.is_empty() {
            opened.surfaces.push(incidents::surface(IncidentRoutes {
                off_thread: platform.off_thread.clone(),
                recorder: platform.recorder("incidents"),
                guards,
                stops: self.desks.payout_stops(),
                headers: header_policy(self.configuration.mode),
            }));
        }
        if let Some(payouts) = self.desks.payouts() {
            opened.surfaces.push(bursar_payouts::http::surface(ApiParts {
                platform: platform.clone(),
                payouts,
                headers: header_policy(self.configuration.mode),
                cors: cors(&self.configuration),
            })?);
        }
        let pages = pages::surfaces(&self.configuration, platform, &self.desks, &opened.surfaces);
        opened.surfaces.extend(pages);
        Ok(opened)
    }

    /// What production serves, with every route assembled and nothing running behind it: for the descriptions.
    pub fn describe(&self) -> Result<(Vec<Surface>, Application), StartFault> {
        let surfaces = self.open_desks(&self.platform()?)?.surfaces;
        let application = assemble(surfaces.clone(), self.host()).map_err(|error| set_up(&error))?;
        Ok((surfaces, application))
    }

    fn platform(&self) -> Result<Platform, StartFault> {
        let parts = PlatformParts {
            store: Arc::clone(&self.store),
            switchboard: self.switchboard.clone(),
            entropy: Arc::new(OsEntropy),
            metrics: Arc::clone(&self.metrics),
            secrets: self.configuration.secrets.clone(),
        };
        let mut platform = Platform::start(parts).map_err(|error| set_up(&error))?;
        platform.stopping = self.stopping.clone();
        Ok(platform)
    }

    /// Requests reach the desks from now on: readiness is theirs to say.
    pub fn ready(&self, running: &Running) {
        self.health.opened(running.checks.clone());
    }

    fn infrastructure_surface(&self) -> Surface {
        self.infrastructure_of(Arc::clone(&self.health) as Arc<dyn HealthSource>)
    }

    fn infrastructure_of(&self, source: Arc<dyn HealthSource>) -> Surface {
        let mut surface = infrastructure::surface(&source, &self.metrics);
        surface.headers = header_policy(self.configuration.mode);
        surface
    }

    fn host(&self) -> Host {
        let proxies = &self.configuration.proxies;
        let forwarded = HeaderName::from_static("x-forwarded-for");
        Host {
            trust: ProxyTrust {
                networks: proxies.networks.clone(),
                count: usize::try_from(proxies.count).unwrap_or(usize::MAX),
                header: proxies.header.parse().unwrap_or(forwarded),
            },
            version: self.health.version(),
            commit: COMMIT.to_owned(),
            http: self.http.clone(),
            unknown: Unknown::NotFound,
            headers: header_policy(self.configuration.mode),
            documentation: true,
        }
    }
}

/// Prints the one-time token of the first admin, once, while there is no operator. It never enters the log.
fn first_admin(store: &Store, recorder: &Recorder) -> Result<(), StartFault> {
    let token = store.transact("serve.bootstrap", |tx| {
        let now = tx.reading()?;
        let Some(token) = bootstrap(tx, &OsEntropy, now)? else { return Ok(None) };
        let (kind, id) = token.change.target();
        let payload = serde_json::to_string(&token.change);
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: token.change.event(),
            actor: Actor::system("serve"),
            target: Target { kind, id },
            request_id: None,
            correlation_id: None,
            payload: payload.unwrap_or_else(|_| "{}".to_owned()),
        };
        recorder.record(tx, &[event], now)?;
        Ok(Some(token))
    })?;
    if let Some(token) = token {
        let secret = token.secret.reveal();
        let text =
            format!("bursar: one-time token for the first admin, valid for 24 h, shown once: {secret}");
        // When stderr is gone nobody can be told; `bursar operators` makes another token.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    Ok(())
}

pub(super) fn set_up(error: &dyn std::fmt::Display) -> StartFault {
    StartFault::SetUp(error.to_string())
}
