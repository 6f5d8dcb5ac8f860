//! Another user or password while the store is used: no unit of work notices, and what does not work is not taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bursar_store::{DatabaseUrl, OpenMode, SignInRefusal, Store, StoreError, StoreOptions};
use bursar_test_stores::TestStore;
use postgres::{Client, NoTls};
use uuid::Uuid;

use crate::schema::{TABLES, count_up, counter};

/// A database with roles of its own, which go with it. The cluster of the tests asks for no password, so a role that
/// may not log in stands for one whose password is no longer right: the server refuses both in the same way.
struct Town {
    store: TestStore,
    admin: Client,
    roles: Vec<String>,
}

impl Town {
    fn new() -> Town {
        let store = TestStore::with(bursar_store::EngineKind::Postgres, &TABLES, |_| {});
        let DatabaseUrl::Postgres(url) = store.url() else { panic!("not PostgreSQL") };
        let admin = Client::connect(&url, NoTls).unwrap();
        Town { store, admin, roles: Vec::new() }
    }

    /// A role with `rights` on every table; the URL with which it signs in.
    fn role(&mut self, rights: &str) -> DatabaseUrl {
        let role = format!("bursar_role_{}", Uuid::now_v7().simple());
        self.sql(&format!(
            "CREATE ROLE {role} LOGIN; GRANT {rights} ON ALL TABLES IN SCHEMA public TO {role}"
        ));
        self.roles.push(role.clone());
        self.url_of(&role)
    }

    fn url_of(&self, role: &str) -> DatabaseUrl {
        let DatabaseUrl::Postgres(url) = self.store.url() else { panic!("not PostgreSQL") };
        let (_, place) = url.split_once('@').expect("a URL with a user");
        format!("postgres://{role}:any@{place}").parse().unwrap()
    }

    fn open(&self, url: &DatabaseUrl, patience: Duration) -> Arc<Store> {
        let mut options = StoreOptions::new(OpenMode::Server);
        (options.postgres_connections, options.patience) = (3, patience);
        Arc::new(Store::open(url, options).unwrap())
    }

    fn sql(&mut self, sql: &str) {
        self.admin.batch_execute(sql).unwrap();
    }

    /// Sessions of the role with this number.
    fn sessions(&mut self, role: usize) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()";
        self.admin.query_one(sql, &[&self.roles[role]]).unwrap().get(0)
    }

    /// The server refuses the role from now on and ends its sessions.
    fn lock_out(&mut self, role: usize) {
        let name = self.roles[role].clone();
        self.sql(&format!("ALTER ROLE {name} NOLOGIN"));
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1";
        self.admin.query_one(sql, &[&name]).unwrap();
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for role in &self.roles {
            // A test that fails is reported by its own panic.
            let _ = self.admin.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
        }
    }
}

const ALL: &str = "ALL";
const SECONDS: Duration = Duration::from_secs(5);

fn count(store: &Store) -> Result<i64, StoreError> {
    store.transact("test.count", |tx| count_up(tx, "a"))
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + SECONDS;
    while !is_so() {
        assert!(Instant::now() < patience, "it did not come about");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn another_user_takes_over_and_no_unit_of_work_fails() {
    let mut town = Town::new();
    let urls = [town.role(ALL), town.role(ALL)];
    let store = town.open(&urls[0], SECONDS);
    let is_over = AtomicBool::new(false);
    let done = thread::scope(|scope| {
        let work = || {
            let mut done = 0;
            while !is_over.load(Ordering::Relaxed) {
                count(&store).unwrap();
                done += 1;
            }
            done
        };
        let workers = [(); 4].map(|()| scope.spawn(work));
        wait_until(|| town.sessions(0) == 3);
        for turn in [1, 0, 1] {
            store.sign_in_with(&urls[turn]).unwrap();
            // Whoever was at work ends with its transaction, idle ones at once.
            wait_until(|| town.sessions(1 - turn) == 0 && town.sessions(turn) > 0);
        }
        is_over.store(true, Ordering::Relaxed);
        workers.map(|worker| worker.join().unwrap()).into_iter().sum::<i64>()
    });
    assert_eq!(counter(&store, "a"), done);
    assert_eq!(store.url(), urls[1]);
}

#[test]
fn a_user_who_may_do_less_is_named_with_what_is_missing_and_not_taken() {
    let mut town = Town::new();
    let (former, less) = (town.role(ALL), town.role("SELECT, INSERT, UPDATE"));
    town.sql(&format!("REVOKE INSERT ON counter FROM {}", town.roles[1].clone()));
    let store = town.open(&former, SECONDS);
    let refused = store.sign_in_with(&less).unwrap_err();
    let SignInRefusal::Rights(missing) = &refused else { panic!("{refused}") };
    assert!(missing.contains(&"INSERT on counter".to_owned()), "{refused}");
    assert!(missing.contains(&"DELETE on note".to_owned()), "{refused}");
    assert!(!missing.contains(&"INSERT on note".to_owned()), "{refused}");
    assert_eq!((store.url(), count(&store).unwrap()), (former, 1));
    // The server notices a while later that the session was left.
    wait_until(|| town.sessions(1) == 0);
}

#[test]
fn a_user_who_cannot_sign_in_or_another_database_is_not_taken() {
    let mut town = Town::new();
    let former = town.role(ALL);
    let store = town.open(&former, SECONDS);
    let nobody = store.sign_in_with(&town.url_of("bursar_nobody")).unwrap_err();
    assert!(matches!(nobody, SignInRefusal::Store(StoreError::Unavailable(_))), "{nobody}");
    let elsewhere: DatabaseUrl = "postgres://a:b@127.0.0.1:9/other".parse().unwrap();
    assert!(matches!(store.sign_in_with(&elsewhere), Err(SignInRefusal::OtherPlace)));
    assert!(matches!(store.sign_in_with(&"sqlite:x".parse().unwrap()), Err(SignInRefusal::OtherPlace)));
    assert_eq!((store.url(), count(&store).unwrap()), (former, 1));
}

#[test]
fn units_of_work_wait_for_the_new_password_while_the_old_one_is_refused() {
    let mut town = Town::new();
    let (former, next) = (town.role(ALL), town.role(ALL));
    let store = town.open(&former, SECONDS);
    assert_eq!(count(&store).unwrap(), 1);
    assert!(!store.was_refused());
    town.lock_out(0);
    thread::scope(|scope| {
        let waiting = [(); 5].map(|()| scope.spawn(|| count(&store)));
        wait_until(|| store.was_refused());
        store.sign_in_with(&next).unwrap();
        waiting.into_iter().for_each(|unit| _ = unit.join().unwrap().unwrap());
    });
    assert_eq!(counter(&store, "a"), 6);
}

#[test]
fn the_wait_for_a_new_password_has_an_end_and_the_first_connection_waits_not_at_all() {
    let mut town = Town::new();
    let former = town.role(ALL);
    let store = town.open(&former, Duration::from_millis(300));
    assert_eq!(count(&store).unwrap(), 1);
    town.lock_out(0);
    let begun = Instant::now();
    assert!(matches!(count(&store), Err(StoreError::Unavailable(_))));
    assert!((200..5_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let fresh = town.open(&former, Duration::from_secs(60));
    assert!(matches!(count(&fresh), Err(StoreError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(!fresh.was_refused());
}

#[test]
fn an_embedded_database_has_no_user_to_change() {
    let store = TestStore::sqlite();
    let url = store.url();
    store.store().sign_in_with(&url).unwrap();
    assert!(matches!(
        store.store().sign_in_with(&"sqlite:other.db".parse().unwrap()),
        Err(SignInRefusal::OtherPlace)
    ));
    assert!(!store.store().was_refused());
}
