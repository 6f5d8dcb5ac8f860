//! The demo beside its server: an operator at the first start, players and a view while it serves, the last look.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_access::IssuedSecret;
use bursar_control::Switchboard;
use bursar_rounds::market::Market;
use bursar_store::{Clock, Store, StoreError};
use parking_lot::Mutex;

use super::crowd::Crowd;
use super::faucet::{Outside, Play, figures as faucet_figures};
use super::figures::{money, rounds};
use super::halt::Halt;
use super::place::Place;
use super::sampling::{Book, Rate};
use super::tally::Tally;
use super::view::{Farewell, Greeting, Picture, Screen};
use super::{Demo, DemoFault};
use crate::command::local_prices::LocalPrices;
use crate::commands::Context;
use crate::commands::operators::add_admin_with_token;
use crate::config::Configuration;
use crate::host::Desks;
use crate::serve::{Companion, Served, StartFault};

/// Who may operate the demo.
const OPERATOR: &str = "demo-admin";
/// Pages of the server that a person may want to see, as far as it has them.
const PAGES: [(&str, &str); 4] =
    [("rounds", "/rounds"), ("faucet", "/faucet"), ("console", "/console/sign-in"), ("interface", "/docs")];
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// The demo in the process of its server.
pub(super) struct Scene {
    stage: Arc<Stage>,
    crowd: Crowd,
    play: Play,
    store: Mutex<Option<Arc<Store>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the view works with.
struct Stage {
    place: Place,
    plain: bool,
    speed: u32,
    switchboard: Switchboard,
    prices: LocalPrices,
    outside: Arc<Outside>,
    tally: Arc<Tally>,
    halt: Halt,
    token: Mutex<Option<IssuedSecret>>,
}

impl Scene {
    pub fn new(
        options: &Demo,
        place: Place,
        configuration: &Configuration,
        clock: Clock,
        (prices, outside): (LocalPrices, Arc<Outside>),
    ) -> Scene {
        let (tally, halt) = (Arc::new(Tally::default()), Halt::default());
        let stage = Stage {
            place,
            plain: options.plain,
            speed: options.speed,
            switchboard: Desks::new(configuration).switchboard(configuration),
            prices,
            outside: Arc::clone(&outside),
            tally: Arc::clone(&tally),
            halt: halt.clone(),
            token: Mutex::default(),
        };
        let Demo { seed, players, speed, .. } = *options;
        Scene {
            stage: Arc::new(stage),
            play: Play { outside, clock: clock.clone(), halt: halt.clone() },
            crowd: Crowd { seed, players, speed, clock, tally, halt },
            store: Mutex::default(),
            threads: Mutex::default(),
        }
    }

    /// Ends players and view. When the server ended well, looks at the book a last time and says how it stands.
    pub fn end(&self, served_well: bool) -> Result<(), DemoFault> {
        self.stage.halt.call();
        for thread in self.threads.lock().drain(..) {
            // A panic of a thread was reported where it happened.
            _ = thread.join();
        }
        let Some(store) = self.store.lock().take().filter(|_| served_well) else { return Ok(()) };
        let unread = |error: StoreError| DemoFault::Book(format!("the book cannot be read: {error}"));
        let (rounds, money) =
            (rounds(&store, &self.stage.switchboard).map_err(unread)?, money(&store).map_err(unread)?);
        let faucet = faucet_figures(&store, &self.stage.switchboard, &self.stage.outside).map_err(unread)?;
        let database = self.stage.place.database().display().to_string();
        let farewell = Farewell { rounds: &rounds, money: &money, faucet: &faucet, folder_of: &database };
        Screen::new(true).say(&farewell.to_string());
        if !money.balances() {
            return Err(DemoFault::Book(format!("the book does not balance: {}", money.ledger())));
        }
        if !faucet.agrees {
            return Err(DemoFault::Book(format!("the chain and the book disagree: {}", faucet.chain())));
        }
        Ok(())
    }
}

impl Companion for Scene {
    fn before_opening(&self, store: &Arc<Store>) -> Result<(), StartFault> {
        let added = add_admin_with_token(Arc::clone(store), &Context::from_process(), OPERATOR);
        *self.stage.token.lock() = added.map_err(|error| StartFault::SetUp(error.to_string()))?;
        Ok(())
    }

    fn serving(&self, served: Served) {
        let Served { address, store } = served;
        *self.store.lock() = Some(Arc::clone(&store));
        let people = self.play.start(address, &store).map(|thread| vec![thread]);
        let players = self.crowd.start(address);
        let stage = Arc::clone(&self.stage);
        let view =
            std::thread::Builder::new().name("view".to_owned()).spawn(move || stage.watch(address, &store));
        for started in [players, people, view.map(|thread| vec![thread])] {
            match started {
                Ok(threads) => self.threads.lock().extend(threads),
                Err(error) => tracing::error!(%error, "the demo has no thread for its players or its view"),
            }
        }
    }

    fn stopping(&self) {
        self.stage.halt.call();
    }
}

impl Stage {
    /// Greets, then shows how things stand until the halt is called.
    fn watch(&self, address: SocketAddr, store: &Store) {
        let mut screen = Screen::new(self.plain);
        self.greet(&mut screen, address);
        let mut book = Book::default();
        let mut rate = Rate::default();
        loop {
            match self.picture(store, &mut book, &mut rate) {
                Ok(picture) => screen.show(&picture),
                Err(error) => tracing::warn!(%error, "the figures cannot be read"),
            }
            if self.halt.wait(screen.pause()) {
                break;
            }
        }
        screen.leave();
        screen.say("\nTold to stop: requests in flight are answered, then everything ends.");
    }

    fn greet(&self, screen: &mut Screen, address: SocketAddr) {
        let base = format!("http://{address}");
        let pages: Vec<_> =
            PAGES.into_iter().filter(|(_, path)| is_there(&format!("{base}{path}"))).collect();
        let token = self.token.lock().take();
        let program = program();
        let greeting = Greeting {
            base: &base,
            pages: &pages,
            operator: OPERATOR,
            token: token.as_ref().map(IssuedSecret::reveal),
            program: &program,
            database: &self.place.url(),
            log: &self.place.log(),
        };
        screen.say(&greeting.to_string());
    }

    fn picture(&self, store: &Store, book: &mut Book, rate: &mut Rate) -> Result<Picture, StoreError> {
        let rounds = rounds(store, &self.switchboard)?;
        let prices = Market::ALL.into_iter().filter_map(|market| Some((market, self.prices.newest(market)?)));
        Ok(Picture {
            entries_per_second: rate.of(Instant::now(), rounds.entries),
            money: book.read(store)?,
            faucet: faucet_figures(store, &self.switchboard, &self.outside)?,
            prices: prices.collect(),
            counts: self.tally.counts(),
            speed: self.speed,
            rounds,
        })
    }
}

/// How this program is called from where it was started.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else { return "bursar".to_owned() };
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| program.strip_prefix(here).ok().map(|path| path.display().to_string()));
    inside.map_or_else(|| program.display().to_string(), |path| format!("./{path}"))
}

/// Whether the server has this page, be it only for those who have signed in.
fn is_there(url: &str) -> bool {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PAGE_TIME_MAX))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build();
    let answer = ureq::Agent::from(config).get(url).header("accept", "text/html").call();
    answer.is_ok_and(|answer| {
        let status = answer.status();
        status.is_success() || status.is_redirection() || matches!(status.as_u16(), 401 | 403)
    })
}
