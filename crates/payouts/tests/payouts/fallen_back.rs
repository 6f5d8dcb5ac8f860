//! Whatever order disks fall back in, journals are lost, money comes in and operators decide: nobody is paid twice.

use bursar_access::{Actor, By};
use bursar_payouts::{Accepted, IntentState, OutsideLane, Payouts, Rejection, WalletStanding};
use bursar_store::EngineKind;
use proptest::prelude::*;

use crate::outside::{ask, funded, order, take_back_at};
use crate::restore::{backup, forget_backup, restore, standing, start, try_stop, word};
use crate::scene::{Scene, payee, recorder};

/// What happens next. No restore is counted.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody asks for a payout.
    Order,
    /// A server starts, and does what there is to do.
    Run,
    /// So much comes in.
    Fund(u8),
    /// Database and journal are copied.
    Copy,
    /// The database is put back as it was copied.
    PutBack,
    /// The disk is put back as it was copied, journal and all.
    PutBackDisk,
    /// The journal is lost.
    LoseJournal,
    /// An operator stops the wallet.
    Stop,
    /// An operator lets it run by its balance, and says that journals are lost where that is asked.
    Match,
    /// A payer takes the newest back.
    TakeBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Order),
        5 => Just(Step::Run),
        2 => (1..=200_u8).prop_map(Step::Fund),
        2 => Just(Step::Copy),
        1 => Just(Step::PutBack),
        2 => Just(Step::PutBackDisk),
        1 => Just(Step::LoseJournal),
        1 => Just(Step::Stop),
        3 => Just(Step::Match),
        1 => Just(Step::TakeBack),
    ]
}

/// A wallet with its payer, and what was asked for.
struct World {
    scene: Scene,
    lane: OutsideLane,
    shop: Actor,
    payouts: Payouts,
    asked: Vec<(Result<Accepted, Rejection>, u128)>,
    journal: Option<Vec<u8>>,
    is_copied: bool,
    /// Whether a server has looked at the chain since the disk was put back, journal and all.
    has_looked: bool,
}

impl World {
    fn new() -> World {
        let scene = Scene::on(EngineKind::Sqlite);
        let (lane, shop) = funded(&scene, 5_000);
        let payouts = scene.restarted_with(true);
        let mut world = World {
            scene,
            lane,
            shop,
            payouts,
            asked: Vec::new(),
            journal: None,
            is_copied: false,
            has_looked: true,
        };
        world.run();
        world
    }

    fn run(&mut self) {
        let (payouts, sender) = start(&self.scene, true);
        let lease = self.scene.lease("one").unwrap();
        self.scene.run_for(&sender, &lease, 25);
        (self.payouts, self.has_looked) = (payouts, true);
    }

    fn journal_path(&self) -> std::path::PathBuf {
        self.scene.folder.path().join("payouts.journal")
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Order => {
                let number = u32::try_from(self.asked.len()).unwrap();
                let amount = u128::from(10 + number);
                let key = format!("order-{number}");
                let order = order(&self.shop, &key, &payee(number), amount);
                self.asked.push((ask(&self.lane, order), amount));
            }
            Step::Run => self.run(),
            Step::Fund(raw) => self.scene.fund(u128::from(raw)),
            Step::Copy => {
                if self.is_copied {
                    forget_backup(&self.scene);
                }
                backup(&self.scene);
                self.journal = Some(std::fs::read(self.journal_path()).unwrap());
                self.is_copied = true;
            }
            Step::PutBack | Step::PutBackDisk if !self.is_copied => {}
            Step::PutBack => {
                restore(&self.scene, false);
                self.payouts = self.scene.restarted_with(true);
            }
            Step::PutBackDisk => {
                restore(&self.scene, false);
                std::fs::write(self.journal_path(), self.journal.as_ref().unwrap()).unwrap();
                self.payouts = self.scene.restarted_with(true);
                self.has_looked = false;
            }
            Step::LoseJournal => {
                std::fs::remove_file(self.journal_path()).unwrap();
                self.payouts = self.scene.restarted_with(true);
            }
            Step::Stop => {
                let _ = try_stop(&self.scene, &self.payouts);
            }
            Step::Match => self.let_run(),
            Step::TakeBack => self.take_newest_back(),
        }
    }

    fn let_run(&mut self) {
        let holds = self.scene.holds();
        let _ = word(&self.scene, &self.payouts, holds, false);
        if standing(&self.scene).0 != WalletStanding::Running {
            let _ = word(&self.scene, &self.payouts, holds, true);
        }
        self.release_unpaid();
    }

    /// What is held and was not paid goes on: the operator has looked at the chain.
    fn release_unpaid(&mut self) {
        for (number, (asked, _)) in self.asked.iter().enumerate() {
            let Ok(asked) = asked else { continue };
            let shown = self.scene.read(|tx| self.payouts.show(tx, asked.public_id));
            let is_held = shown.is_some_and(|shown| shown.payout.state == IntentState::Held);
            if is_held && self.scene.paid(u32::try_from(number).unwrap()) == 0 {
                let _ = self.scene.write(|tx, now| {
                    let by = By::new(&self.scene.root, now);
                    self.payouts.release(tx, &by, asked.id, "not paid", &recorder("test.operator"))
                });
            }
        }
    }

    /// Before a server has looked at what fell back nobody can know; after it nothing that left is given up.
    fn take_newest_back(&mut self) {
        let Some((Ok(asked), _)) = self.asked.last().filter(|_| self.has_looked) else { return };
        let paid = self.scene.paid(u32::try_from(self.asked.len() - 1).unwrap());
        let done = take_back_at(&self.scene, &self.payouts, &self.shop, asked.public_id);
        assert!(done.is_err() || paid == 0, "{asked:?} is taken back, and {paid} was paid");
    }

    fn check(&self) {
        for (number, (_, amount)) in self.asked.iter().enumerate() {
            let paid = self.scene.paid(u32::try_from(number).unwrap());
            assert!(paid == 0 || paid == *amount, "order {number} of {amount} is paid {paid}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nobody_is_paid_twice_however_the_disks_fall_back(steps in prop::collection::vec(step(), 6..24)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
        world.run();
        world.let_run();
        world.run();
        world.check();
    }
}
