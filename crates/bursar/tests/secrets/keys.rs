//! Keys that callers show: each is replaced while callers with the old and the new one keep calling.

use std::sync::RwLock;

use crate::files::{Files, hang_up, reload, wait_until};
use crate::harness::{Join, Place, Prices, Server, Setup};
use crate::under_load::{Caller, Meter, under_load};

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Operations,
    Canary,
    Settlement,
    Metrics,
}

const DOORS: [Door; 4] = [Door::Operations, Door::Canary, Door::Settlement, Door::Metrics];
/// The variable of each key, with the doors that it opens.
const KEYS: [(&str, &[Door]); 3] = [
    ("OPS_API_KEY", &[Door::Operations, Door::Canary]),
    ("SIM_SETTLE_API_KEY", &[Door::Settlement]),
    ("METRICS_TOKEN", &[Door::Metrics]),
];

impl Door {
    /// Knocks with `key`; the status. Each canary is an entry of its own.
    fn knock(self, server: &Server, key: &str, number: u64) -> u16 {
        match self {
            Door::Operations => server.get_with("/api/ops/health", &[("x-ops-key", key)]).status,
            Door::Settlement => server.post_with("/api/sim/settle", &[("x-sim-settle-key", key)], "").status,
            Door::Metrics => {
                server.get_with("/metrics", &[("authorization", &format!("Bearer {key}"))]).status
            }
            Door::Canary => {
                let id = format!("canary-{}-{number}", uuid::Uuid::now_v7());
                let join = Join::new(&id).wallet(number / 10 + 1).body.to_string();
                server.post_with("/api/sim/entries", &[("x-canary-key", key)], &join).status
            }
        }
    }

    /// The keys with which its callers knock now: one of them changes late.
    fn callers<'a>(self, server: &'a Server, keys: [&'a RwLock<String>; 2]) -> [Caller<'a>; 2] {
        [0_u64, 1].map(|half| {
            let key = keys[usize::try_from(half).unwrap()];
            let call = move |number: u64| {
                let key = key.read().unwrap().clone();
                match self.knock(server, &key, half * 1_000_000 + number) {
                    200 => Ok(()),
                    status => Err(format!("{self:?} answered {status} to {key}")),
                }
            };
            Box::new(call) as Caller<'a>
        })
    }
}

/// A server whose keys are files.
fn start(place: &Place, prices: &Prices, files: &Files) -> Server {
    let mut setup = Setup::rounds(place)
        .env("HERMES_URL", &prices.url())
        .env("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "1000000")
        .env("PANCHO_RL_SIM_SETTLE_IP_LIMIT", "1000000")
        .env("PANCHO_RL_OPS_HEALTH_IP_LIMIT", "1000000");
    for (name, _) in KEYS {
        setup = files.secret(setup, name, &value(name, 1));
    }
    setup.start()
}

fn value(name: &str, generation: u32) -> String {
    format!("{name}-value-{generation}-0123456789abcdef0123456789")
}

/// Every caller's key: per variable, for those who change early and those who change late.
struct Held([[RwLock<String>; 2]; 3]);

impl Held {
    fn of_generation(generation: u32) -> Held {
        Held(KEYS.map(|(name, _)| [0; 2].map(|_| RwLock::new(value(name, generation)))))
    }

    fn set(&self, variable: usize, who: usize, key: &str) {
        *self.0[variable][who].write().unwrap() = key.to_owned();
    }
}

#[test]
fn v8_each_key_is_replaced_under_load_and_no_call_that_should_pass_fails() {
    Place::for_each_engine(|place| {
        let (prices, files) = (Prices::start(), Files::new());
        let server = start(place, &prices, &files);
        let held = Held::of_generation(1);
        let mut callers = Vec::new();
        for (variable, (_, doors)) in KEYS.iter().enumerate() {
            let [early, late] = &held.0[variable];
            for door in *doors {
                callers.extend(door.callers(&server, [early, late]));
            }
        }
        let calls = under_load(callers, |meter| {
            for generation in [2, 3] {
                for variable in 0..KEYS.len() {
                    rotate(&server, &files, &held, meter, (variable, generation));
                }
            }
        });
        assert_eq!(calls.len(), 2 * DOORS.len());
    });
}

/// Replaces one key the way an operator does, with callers of both keys at every moment.
fn rotate(server: &Server, files: &Files, held: &Held, meter: &Meter, (variable, generation): (usize, u32)) {
    let (name, doors) = KEYS[variable];
    let (old, new) = (value(name, generation - 1), value(name, generation));
    let opens = |key: &str| doors.iter().all(|door| door.knock(server, key, 5_000_000) == 200);
    let is_shut = |key: &str| doors.iter().all(|door| door.knock(server, key, 5_000_000) == 401);
    assert!(opens(&old) && is_shut(&new), "{name}");
    meter.let_pass(3);
    files.rotate(name, &old, &new);
    // The one way in turn with the other.
    let by_signal = generation % 2 == 0;
    let read = || if by_signal { hang_up(server) } else { drop(reload(server)) };
    read();
    wait_until("the new key", || opens(&new));
    assert!(opens(&old), "{name}: both are valid while there is a predecessor");
    held.set(variable, 0, &new);
    meter.let_pass(3);
    held.set(variable, 1, &new);
    meter.let_pass(1);
    files.remove(&format!("{name}_PREVIOUS"));
    read();
    wait_until("the end of the old key", || is_shut(&old));
    assert!(opens(&new), "{name}");
    meter.let_pass(3);
}

#[test]
fn v8_without_a_predecessor_the_old_key_dies_with_the_reload() {
    let (place, prices, files) = (Place::sqlite(), Prices::start(), Files::new());
    let server = start(&place, &prices, &files);
    let (old, new) = (value("OPS_API_KEY", 1), value("OPS_API_KEY", 2));
    files.put("OPS_API_KEY", &new);
    let knock = |key: &str| Door::Operations.knock(&server, key, 0);
    assert_eq!([knock(&old), knock(&new)], [200, 401], "a file alone changes nothing");
    reload(&server);
    assert_eq!([knock(&old), knock(&new)], [401, 200]);
}

#[test]
fn v8_one_request_reaches_every_server_of_a_database() {
    let (place, prices, files) = (Place::postgres(), Prices::start(), Files::new());
    let servers = [start(&place, &prices, &files), start(&place, &prices, &files)];
    let (old, new) = (value("SIM_SETTLE_API_KEY", 1), value("SIM_SETTLE_API_KEY", 2));
    files.put("SIM_SETTLE_API_KEY", &new);
    let told = reload(&servers[0]);
    assert_eq!(told["servers"].as_array().unwrap().len(), 2, "{told}");
    for server in &servers {
        let knock = |key: &str| Door::Settlement.knock(server, key, 0);
        assert_eq!([knock(&old), knock(&new)], [401, 200]);
        assert!(told.to_string().contains(&format!(":{}\"", server.pid())), "{told}");
    }
}
