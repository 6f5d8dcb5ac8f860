//! A database with something in every room, its backups, and places to restore them to.

use std::path::PathBuf;

use bursar_access::{
    Actor as Person, By, Entropy, Role, SeededEntropy, TokenOrder, add_operator, issue_token,
};
use bursar_audit::{Actor, Event, Level, Recorder, SaltKey, Target as Subject};
use bursar_control::ConfigTable;
use bursar_ledger::{Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset};
use bursar_ops::backup::{
    BackupError, BackupKey, BackupName, CreateRequest, Created, Folder, Lock, Program, RestoreRequest,
    Restored, Target, Verified, VerifyRequest, create, restore, verify,
};
use bursar_store::{Clock, DatabaseUrl, EngineKind, Migration};
use bursar_test_stores::TestStore;
use tempfile::TempDir;

/// Every room that other crates need.
pub fn migrations(engine: EngineKind) -> Vec<Migration> {
    let mut all = bursar_ledger::MIGRATIONS.to_vec();
    all.extend(bursar_audit::MIGRATIONS);
    all.push(bursar_audit::guards(engine));
    all.extend(bursar_control::MIGRATIONS);
    all.extend(bursar_access::MIGRATIONS);
    all.extend(bursar_ops::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", engine));
    all
}

/// The program of these tests.
pub fn with_program<T>(work: impl FnOnce(&Program<'_>) -> T) -> T {
    work(&Program { version: "1.2.3", migrations: &migrations, checks: &[] })
}

/// A key whose digits are all the same.
pub fn key(digit: char) -> BackupKey {
    let text = digit.to_string().repeat(64);
    BackupKey::from_hex(&text.into()).unwrap()
}

/// A database and a folder for its backups.
pub struct Town {
    pub test: TestStore,
    pub folder: TempDir,
    pub key: Option<BackupKey>,
}

impl Town {
    /// A full one.
    pub fn on(kind: EngineKind) -> Town {
        let test = TestStore::with(kind, &migrations(kind), |_| {});
        let town = Town { test, folder: TempDir::new().unwrap(), key: None };
        town.move_money();
        town.tell();
        town.hire();
        town.type_by_hand();
        town
    }

    /// A full one whose backups are encrypted.
    pub fn with_key(kind: EngineKind, digit: char) -> Town {
        Town { key: Some(key(digit)), ..Town::on(kind) }
    }

    pub fn target(&self) -> Folder {
        Folder::new(self.folder.path())
    }

    pub fn lock(&self) -> Lock<'_> {
        Lock { key: self.key.as_ref(), accepts_unencrypted: false }
    }

    /// Makes a backup.
    pub fn back_up(&self) -> Created {
        self.try_back_up(&self.target(), &|| true).unwrap()
    }

    pub fn try_back_up(
        &self,
        target: &dyn Target,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Created, BackupError> {
        self.try_back_up_by(&self.test.url(), target, is_wanted)
    }

    /// The same over another way to its database.
    pub fn try_back_up_by(
        &self,
        database: &DatabaseUrl,
        target: &dyn Target,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Created, BackupError> {
        with_program(|program| {
            let (key, now) = (self.key.as_ref(), self.test.now());
            create(&CreateRequest { program, database, target, key, now, is_wanted })
        })
    }

    pub fn try_verify(&self, name: &BackupName, lock: Lock<'_>) -> Result<Verified, BackupError> {
        with_program(|program| {
            verify(&VerifyRequest { program, target: &self.target(), name, lock, scratch: None })
        })
    }

    /// The codes of what verifying finds.
    pub fn findings(&self, name: &BackupName) -> Vec<&'static str> {
        let verified = self.try_verify(name, self.lock()).unwrap();
        println!("{:?}", verified.findings);
        verified.findings.iter().map(bursar_ops::backup::Finding::code).collect()
    }

    pub fn try_restore(
        &self,
        name: &BackupName,
        lock: Lock<'_>,
        to: &DatabaseUrl,
    ) -> Result<Restored, BackupError> {
        self.try_restore_from(&self.target(), name, lock, to)
    }

    pub fn try_restore_from(
        &self,
        target: &dyn Target,
        name: &BackupName,
        lock: Lock<'_>,
        to: &DatabaseUrl,
    ) -> Result<Restored, BackupError> {
        with_program(|program| {
            restore(&RestoreRequest {
                program,
                target,
                name,
                lock,
                to,
                clock: &Clock::System,
                recorder: &recorder("restore"),
                actor: "cli:ann",
                reason: "drill",
            })
        })
    }

    /// The file of a part.
    pub fn file(&self, name: &BackupName, file: &str) -> PathBuf {
        self.folder.path().join(name.as_str()).join(file)
    }

    /// 1,200 transfers of one account, so that a waypoint is written, and a hold that has not ended.
    fn move_money(&self) {
        let (store, now) = (self.test.store(), self.test.now());
        let paid = store.transact("test.money", |tx| {
            let mut book = Book::default();
            let world = book.open("town/world", Asset::Sol, Overdraft::Allowed);
            let people: Vec<_> = (0..30)
                .map(|number| book.open(&format!("town/person-{number}"), Asset::Sol, Overdraft::Forbidden))
                .collect();
            for round in 0..40_u32 {
                for (number, person) in (0..).zip(&people) {
                    let amount = Amount::new((u128::from(round) << 70) | (number + 1));
                    book.transfer(world, *person, amount, TransferKind(7), i64::from(round)).unwrap();
                }
            }
            book.hold(people[3], people[4], Amount::new(5), TransferKind(7), 1).unwrap();
            let bank = book.open("town/bank", Asset::PanchoBucks, Overdraft::Allowed);
            let till = book.open("town/till", Asset::PanchoBucks, Overdraft::Forbidden);
            book.transfer(bank, till, Amount::new(12_345), TransferKind(8), 0).unwrap();
            book.number(tx)?;
            book.write(tx, now)
        });
        paid.unwrap();
    }

    /// Events on two chains.
    fn tell(&self) {
        for chain in ["one", "two", "one"] {
            self.record(chain, "quotes ' \" and \u{1F98A}\nlines");
        }
    }

    pub fn record(&self, chain: &str, text: &str) {
        let event = Event {
            level: Level::Warn,
            desk: "platform",
            name: "test.told",
            actor: Actor::system("test"),
            target: Subject { kind: "town", id: text.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: serde_json::json!({ "text": text }).to_string(),
        };
        let (store, now) = (self.test.store(), self.test.now());
        let events = [event.clone(), event];
        store.transact("test.tell", |tx| recorder(chain).record(tx, &events, now)).unwrap();
    }

    /// Operators with tokens: rows that name rows of other tables.
    fn hire(&self) {
        let (store, now, root) = (self.test.store(), self.test.now(), Person::cli("root"));
        let entropy: &dyn Entropy = &SeededEntropy::new(1);
        for name in ["ann", "bob"] {
            let hired =
                store.transact("test.hire", |tx| add_operator(tx, &By::new(&root, now), name, Role::Admin));
            hired.unwrap().unwrap();
            let order = TokenOrder { operator: name, label: "test", expires_at: None };
            let issued =
                store.transact("test.token", |tx| issue_token(tx, &By::new(&root, now), entropy, &order));
            issued.unwrap().unwrap();
        }
    }

    /// Settings that a hand typed: triggers number and record each change. The last change is then purged.
    pub fn type_by_hand(&self) {
        let type_all = |tx: &mut bursar_store::Tx<'_>| {
            tx.batch_execute("INSERT INTO platform_config (key, value) VALUES ('typed', 'on')")?;
            tx.batch_execute("UPDATE platform_config SET value = 'off' WHERE key = 'typed'")?;
            tx.batch_execute("UPDATE platform_config SET value = 'on' WHERE key = 'typed'")?;
            tx.batch_execute("DELETE FROM control_changes WHERE id = (SELECT MAX(id) FROM control_changes)")
        };
        self.test.store().transact("test.typed", type_all).unwrap();
    }
}

pub fn recorder(chain: &str) -> Recorder {
    Recorder::new(chain, SaltKey::new([3; 32]))
}

/// An empty database to restore into.
pub struct Empty {
    pub url: DatabaseUrl,
    _folder: TempDir,
    _database: Option<TestStore>,
}

impl Empty {
    pub fn on(kind: EngineKind) -> Empty {
        let folder = TempDir::new().unwrap();
        match kind {
            EngineKind::Sqlite => {
                let url = DatabaseUrl::Sqlite(folder.path().join("restored.db"));
                Empty { url, _folder: folder, _database: None }
            }
            EngineKind::Postgres => {
                let database = TestStore::unmigrated(kind);
                Empty { url: database.url(), _folder: folder, _database: Some(database) }
            }
        }
    }
}

/// Both engines.
pub const ENGINES: [EngineKind; 2] = [EngineKind::Sqlite, EngineKind::Postgres];
