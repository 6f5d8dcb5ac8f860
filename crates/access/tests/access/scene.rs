//! A store with an admin in it, and short ways to act on it.

use std::sync::{Arc, Barrier};

use bursar_access::{
    Act, Actor, ApprovalId, By, Cleared, CredentialId, Done, Issued, MIGRATIONS, Outcome, Rejection, Role,
    SeededEntropy, SessionLimits, TokenOrder, UseStamp, Via, add_operator, admit, approve,
    authenticate_session, authenticate_token, disable_operator, issue_token, open_session, request_approval,
    stamp_uses,
};
use bursar_store::{Store, Timestamp, Tx};
use bursar_test_stores::{TestStore, for_each_engine};

/// A store under test, with the command line's user `root` at hand.
pub struct Scene<'a> {
    pub test: &'a TestStore,
    pub root: Actor,
    pub entropy: SeededEntropy,
}

/// Runs a test on each engine, on a store without operators.
pub fn on_each_engine(test: impl Fn(&Scene<'_>)) {
    for_each_engine(&MIGRATIONS, |store| {
        test(&Scene { test: store, root: Actor::cli("root"), entropy: SeededEntropy::new(1) });
    });
}

impl Scene<'_> {
    /// Runs one write at the simulated time.
    pub fn write<T>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Outcome<T>,
    ) -> Result<T, Rejection> {
        let now = self.test.now();
        self.test.store().transact("test.write", |tx| work(tx, now)).unwrap()
    }

    /// Runs one read at the simulated time.
    pub fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>, Timestamp) -> Outcome<T>) -> Result<T, Rejection> {
        let now = self.test.now();
        self.test.store().read("test.read", |tx| work(tx, now)).unwrap()
    }

    /// Runs a write in two processes, numbered 0 and 1, that set off together.
    pub fn at_once<T: Send>(
        &self,
        work: impl Fn(usize, &mut Tx<'_>, Timestamp) -> Outcome<T> + Sync,
    ) -> [Result<T, Rejection>; 2] {
        let (gate, now) = (Barrier::new(2), self.test.now());
        std::thread::scope(|threads| {
            let run = |process: usize, store: Arc<Store>| {
                let (gate, work) = (&gate, &work);
                threads.spawn(move || {
                    gate.wait();
                    store.transact("test.at_once", |tx| work(process, tx, now)).unwrap()
                })
            };
            [run(0, self.test.store()), run(1, self.test.another(|_| {}))]
                .map(|thread| thread.join().unwrap())
        })
    }

    /// Adds an operator with a token that never expires, and signs in.
    pub fn join(&self, name: &str, role: Role) -> Person {
        self.add(name, role).unwrap();
        let token = self.token_for(&self.root, name, None).unwrap();
        self.person(token.secret.reveal())
    }

    pub fn add(&self, name: &str, role: Role) -> Result<Done, Rejection> {
        self.write(|tx, now| add_operator(tx, &By::new(&self.root, now), name, role))
    }

    pub fn disable(&self, name: &str) -> Result<Done, Rejection> {
        self.write(|tx, now| disable_operator(tx, &By::new(&self.root, now), name))
    }

    pub fn token_for(
        &self,
        by: &Actor,
        operator: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<Issued, Rejection> {
        let order = TokenOrder { operator, label: "test", expires_at };
        self.write(|tx, now| issue_token(tx, &By::new(by, now), &self.entropy, &order))
    }

    pub fn person(&self, token: &str) -> Person {
        Person { token: token.to_owned(), actor: self.sign_in(token).unwrap() }
    }

    /// Who a token belongs to.
    pub fn sign_in(&self, token: &str) -> Result<Actor, Rejection> {
        self.read(|tx, now| authenticate_token(tx, token, now)).map(|known| known.actor)
    }

    /// Who a session belongs to; its use is stamped when due.
    pub fn visit(&self, session: &str) -> Result<Actor, Rejection> {
        let known = self.read(|tx, now| authenticate_session(tx, session, now))?;
        self.stamp(known.stamp.as_slice());
        Ok(known.actor)
    }

    pub fn stamp(&self, stamps: &[UseStamp]) -> u64 {
        self.test.store().transact("test.stamp", |tx| stamp_uses(tx, stamps)).unwrap()
    }

    pub fn open_session(&self, actor: &Actor, limits: SessionLimits) -> Result<Issued, Rejection> {
        self.write(|tx, now| open_session(tx, &self.entropy, actor, limits, now))
    }

    /// Files a request that lives an hour.
    pub fn ask(&self, by: &Actor, act: &Act) -> Result<ApprovalId, Rejection> {
        let filed = self.write(|tx, now| request_approval(tx, &By::new(by, now), act, 3_600_000));
        filed.map(|filed| filed.id)
    }

    pub fn approve(&self, by: &Actor, id: ApprovalId) -> Result<Done, Rejection> {
        self.write(|tx, now| approve(tx, &By::new(by, now), id))
    }

    /// Does an act that belongs to some other room.
    pub fn perform(&self, by: &Actor, act: &Act, approval: Option<ApprovalId>) -> Result<Cleared, Rejection> {
        self.write(|tx, now| perform(tx, &By { approval, ..By::new(by, now) }, act))
    }
}

/// Does an act that belongs to some other room: admitted, and then written.
pub fn perform(tx: &mut Tx<'_>, by: &By<'_>, act: &Act) -> Outcome<Cleared> {
    match admit(tx, by, act)? {
        Ok(admission) => admission.spend(tx).map(Ok),
        Err(rejection) => Ok(Err(rejection)),
    }
}

/// Somebody who is signed in.
pub struct Person {
    pub token: String,
    pub actor: Actor,
}

impl Person {
    pub fn token_id(&self) -> CredentialId {
        match self.actor.via {
            Via::Token { token, .. } => token,
            _ => panic!("signed in without a token"),
        }
    }
}
