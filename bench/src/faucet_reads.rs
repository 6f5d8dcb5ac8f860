//! What the faucet's page polls, over HTTP: the leaderboard and a player's status, which must cost the same however many
//! players there are and however much they have earned.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bursar_faucet::rules::session_token::{TokenSecrets, UserClaims};
use bursar_store::{Clock, Timestamp};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use secrecy::SecretString;

use crate::database::Database;
use crate::faucet::MINUTE_MS;
use crate::faucet_desk::{self, add_players};
use crate::joins::START_MS;
use crate::machine::percentile;
use crate::server::{Connection, Server};

const SECRET: &str = "a session secret of forty characters, yes";

/// How many players, and how they are read.
#[derive(Args, Clone)]
pub struct Options {
    /// The server's binary.
    #[arg(long, default_value = "target/release/bursar")]
    pub server: PathBuf,
    /// Numbers of players, one run each.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000])]
    pub players: Vec<u32>,
    /// Days that everybody was paid on before.
    #[arg(long, default_value_t = 3)]
    pub days: u32,
    /// Connections that call at the same time.
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// How long each route is called, in seconds.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
}

/// A route's name, and one call of it by the player of this number at this time.
type Read = (&'static str, fn(i64, i64) -> String);

const READS: [Read; 4] = [
    ("leaderboard of 50", |_, _| request("/api/leaderboard?limit=50", None)),
    ("leaderboard, 50 from the middle", |player, _| {
        request(&format!("/api/leaderboard?limit=50&offset={}", player / 2), None)
    }),
    ("feed", |_, _| request("/api/feed", None)),
    ("status of a player", |player, now_ms| request("/me/status", Some((player, now_ms)))),
];

/// Runs the benchmark. The original that this desk replaces answered 3.5 leaderboards and 33 statuses a second.
pub fn run(options: &Options) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for players in &options.players {
        let folder = tempfile::tempdir_in(".").expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("bench.db").display());
        let now_ms = fill(&url, *players, options.days);
        let variables = [
            ("BURSAR_DESKS", "faucet"),
            ("SESSION_SECRET", SECRET),
            ("RATE_LIMIT_GLOBAL_PER_MINUTE", "0"),
            ("RATE_LIMIT_PER_IP_PER_MINUTE", "0"),
        ];
        let server = Server::start(&options.server, &url, now_ms, &variables);
        for read in READS {
            let begun = Instant::now();
            let mut times = runtime.block_on(measure(&server, options, (*players, now_ms), read));
            let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
            let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
            println!(
                "faucet over HTTP, {players} players, {} connections, {}: {rate:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms",
                options.connections, read.0
            );
        }
    }
}

/// Stores players who were paid every day and have open kills today; the time it is then.
fn fill(url: &str, players: u32, days: u32) -> i64 {
    let begun = Instant::now();
    let clock = Arc::new(AtomicI64::new(START_MS));
    let database = Database { database: Some(url.to_owned()) };
    let opened = database.open(Clock::Simulated(Arc::clone(&clock)));
    let desk = faucet_desk::open(&opened.store, true);
    add_players(&opened.store, players, true);
    for day in 0..=days {
        let now_ms = clock.fetch_add(24 * 60 * MINUTE_MS, Ordering::Relaxed);
        assert!(now_ms > 0);
        let accrued = desk.accrual.run(&desk.lease, &|| false).expect("accrual");
        assert_eq!(accrued.rows, u64::from(players), "everybody earns");
        if day < days {
            let settled = desk.settlement.run(&desk.lease, &|| false).expect("settlement");
            assert_eq!(settled.payouts, u64::from(players), "everybody is paid");
        }
    }
    println!("stored {players} players with {days} payouts each in {:.0} s", begun.elapsed().as_secs_f64());
    clock.load(Ordering::Relaxed)
}

fn request(path: &str, player: Option<(i64, i64)>) -> String {
    let cookie = player.map_or(String::new(), |(player, now_ms)| {
        let secrets = TokenSecrets { current: SecretString::from(SECRET), previous: None };
        let claims = UserClaims::new(&format!("discord_{player}"), Timestamp::from_ms(now_ms));
        format!("cookie: p2s_session={}\r\n", secrets.sign(&claims).expect("a token"))
    });
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{cookie}\r\n")
}

async fn measure(
    server: &Server,
    options: &Options,
    (players, now_ms): (u32, i64),
    (_, request): Read,
) -> Vec<f64> {
    let callers: Vec<_> = (0..options.connections)
        .map(|number| {
            let address = server.address().to_owned();
            let seed = u64::try_from(number).expect("a seed");
            let seconds = options.seconds;
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await;
                let (mut random, mut times) = (StdRng::seed_from_u64(seed), Vec::new());
                let begun = Instant::now();
                while begun.elapsed().as_secs() < seconds {
                    let call = request(random.random_range(1..=i64::from(players)), now_ms);
                    let (text, milliseconds) = connection.exchange(&call).await;
                    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
                    times.push(milliseconds);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.expect("a caller"));
    }
    times
}
