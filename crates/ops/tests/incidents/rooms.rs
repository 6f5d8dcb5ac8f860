//! Stores with the tables that incidents stand on, and incidents in them.

use bursar_audit::{Actor, Event, Level, Recorder, SaltKey, Target};
use bursar_control::{ConfigTable, Switch};
use bursar_desk::incident::{Act, By, Class, ExpectedEnd, Incidents, Opening, PayoutStop};
use bursar_store::{EngineKind, Migration};
use bursar_test_stores::TestStore;

/// The switch that halts the payouts of the faucet.
pub const HALT: Switch = Switch { desk: "faucet", key: "halt_payouts", variable: "HALT" };
pub const MINUTE: i64 = 60_000;
const ANN: By<'static> = By { actor: "cli:ann", reason: "drill" };

fn migrations(kind: EngineKind) -> Vec<Migration> {
    let mut all = bursar_control::MIGRATIONS.to_vec();
    all.extend(bursar_audit::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.extend(bursar_ops::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", kind));
    all.push(ConfigTable::FAUCET.migration("faucet/0000_config", kind));
    all
}

pub fn on_each_engine(test: impl Fn(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&TestStore::with(kind, &migrations(kind), |_| {}));
    }
}

pub fn recorder() -> Recorder {
    Recorder::new("test", SaltKey::new([7; 32]))
}

pub fn stops() -> Vec<PayoutStop> {
    vec![PayoutStop { table: ConfigTable::FAUCET, switch: HALT }]
}

/// Opens an incident and says its number.
pub fn open(test: &TestStore, desk: &str, class: Class, message: &str) -> i64 {
    let opening = Opening {
        desk: desk.to_owned(),
        class,
        title: "It is slow".to_owned(),
        message: message.to_owned(),
        expected_end: ExpectedEnd::Unknown,
        is_acknowledged: false,
    };
    let room = Incidents::new(recorder(), stops());
    let done = test.store().transact("test.open", |tx| room.open(tx, &opening, ANN)).unwrap();
    done.unwrap().incident.id
}

pub fn act(test: &TestStore, id: i64, act: &Act) {
    let room = Incidents::new(recorder(), stops());
    test.store().transact("test.act", |tx| room.act(tx, (id, None), act, ANN)).unwrap().unwrap();
}

/// Records an event of this level about this target now.
pub fn record(test: &TestStore, level: Level, desk: &'static str, name: &'static str, kind: &'static str) {
    let event = Event {
        level,
        desk,
        name,
        actor: Actor::system("test"),
        target: Target { kind, id: "it".to_owned() },
        request_id: None,
        correlation_id: None,
        payload: "{}".to_owned(),
    };
    test.store()
        .transact("test.record", |tx| {
            let now = tx.reading()?;
            recorder().record(tx, std::slice::from_ref(&event), now)
        })
        .unwrap();
}
