//! Whole lives of a player, at random: whatever happens, nothing is lost or made, no cap is exceeded, and the books
//! reconcile (docs/spec/faucet.md 3.4).

use bursar_store::Timestamp;
use proptest::prelude::*;

use super::accrual::{Decision, Player, PlayerReading, decide};
use super::ban::BanE8;
use super::baseline::{Baseline, KillCursor, KillReading};
use super::cap_window::CapWindow;
use super::caps::{CapMode, CapStatus, Caps, CountedPayout, used};
use super::cursor_ranges::CursorRange;
use super::eligibility::Eligibility;
use super::holdings::AccrualState::{Open, Reserved, Settled};
use super::holdings::{AccrualState, Holdings, Share};
use super::payout_state::PayoutState;
use super::pruning::{Folded, PrunedAccrual, Retention};
use super::reconciliation::{Account, AccrualRange, Mismatches, reconcile};
use super::settlement::{self, Candidate, NewPayout, OpenAccrual, Settlement};

const HOUR_MS: i64 = 3_600_000;
const BASELINE: u32 = 1_208;

/// A row as storage would hold it.
#[derive(Clone, Debug)]
struct Row {
    id: i64,
    minute: i64,
    seq: u32,
    kills: u32,
    rate: BanE8,
    amount: BanE8,
    cursor_from: u32,
    cursor_to: u32,
    state: AccrualState,
    payout: Option<usize>,
    settled_at: Option<Timestamp>,
}

impl Row {
    fn share(&self) -> Share {
        Share { kills: u64::from(self.kills), amount: self.amount }
    }

    fn range(&self) -> AccrualRange {
        AccrualRange { kills: self.kills, cursor_from: self.cursor_from, cursor_to: self.cursor_to }
    }
}

#[derive(Clone, Debug)]
struct Payout {
    created_at: Timestamp,
    state: PayoutState,
    total: Share,
    key: String,
}

/// One player's part of the database, kept as the shell would keep it.
struct Life {
    now: Timestamp,
    baseline: Baseline,
    last_minute: Option<i64>,
    next_id: i64,
    rows: Vec<Row>,
    payouts: Vec<Payout>,
    totals: Holdings,
    folded: Folded,
    /// Kills and BAN as added up when they were accrued, by nothing under test.
    earned: (u64, u64),
}

#[derive(Clone, Debug)]
enum Step {
    Wait { minutes: i64 },
    Read { growth: i32, rate_e8: i64 },
    Unavailable,
    Settle,
    Payout { which: prop::sample::Index, next: PayoutState },
    Prune,
}

#[derive(Clone, Debug)]
struct Terms {
    mode: CapMode,
    window: CapWindow,
    caps: Caps,
    minimum: BanE8,
}

impl Life {
    fn new() -> Life {
        let kills = KillCursor { baseline: BASELINE, cursor: BASELINE };
        Life {
            now: Timestamp::from_ms(1_772_000_000_000),
            baseline: Baseline::Set { number: 1, kills },
            last_minute: None,
            next_id: 1,
            rows: Vec::new(),
            payouts: Vec::new(),
            totals: Holdings::default(),
            folded: Folded::default(),
            earned: (0, 0),
        }
    }

    fn cursor(&self) -> u32 {
        let Baseline::Set { kills, .. } = self.baseline else { panic!("set from the start") };
        kills.cursor
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn read(&mut self, reading: KillReading, rate: BanE8) {
        let player = Player {
            epic_account_id: Some("epic"),
            has_verified_wallet: true,
            is_guild_member: true,
            eligibility: Eligibility::Eligible,
            baseline: self.baseline,
            last_minute: self.last_minute,
        };
        let read = PlayerReading { epic_account_id: "epic", reading };
        let Decision::Accrue(new) = decide(&player, read, rate, self.now).unwrap() else { return };
        assert_eq!(new.cursor_from, self.cursor());
        let kills = KillCursor { baseline: BASELINE, cursor: new.cursor_to };
        self.baseline = Baseline::Set { number: new.baseline_number, kills };
        self.last_minute = Some(new.epoch_minute);
        self.earned.0 += u64::from(new.kills);
        self.earned.1 += u64::from(new.kills) * rate.units();
        let row = Row {
            id: self.id(),
            minute: new.epoch_minute,
            seq: 0,
            kills: new.kills,
            rate,
            amount: new.amount,
            cursor_from: new.cursor_from,
            cursor_to: new.cursor_to,
            state: Open,
            payout: None,
            settled_at: None,
        };
        self.totals = self.totals.accrue(row.share()).unwrap();
        self.rows.push(row);
    }

    fn status(&self, terms: &Terms) -> CapStatus {
        let counted = self.payouts.iter().map(|payout| CountedPayout {
            created_at: payout.created_at,
            kills: payout.total.kills,
            state: payout.state,
            dry_run: false,
        });
        let starts = terms.window.starts(self.now).unwrap();
        let used = used(terms.mode, starts, &counted.collect::<Vec<_>>());
        CapStatus::new(terms.caps, used, self.totals.open)
    }

    fn settle(&mut self, terms: &Terms) {
        let highest =
            |minute| self.rows.iter().filter(|row| row.minute == minute).map(|row| row.seq).max().unwrap();
        let open: Vec<OpenAccrual> = self
            .rows
            .iter()
            .filter(|row| row.state == Open)
            .map(|row| OpenAccrual {
                id: row.id,
                epoch_minute: row.minute,
                highest_seq: highest(row.minute),
                kills: row.kills,
                rate: row.rate,
                cursor_from: row.cursor_from,
            })
            .collect();
        let candidate = Candidate {
            eligibility: Eligibility::Eligible,
            address: Some("ban_1"),
            allowed_kills: self.status(terms).allowed_kills(terms.mode),
            open: &open,
        };
        if let Settlement::Pay(payout) = settlement::decide(&candidate, terms.minimum).unwrap() {
            self.pay(payout);
        }
    }

    fn pay(&mut self, payout: NewPayout) {
        let number = self.payouts.len();
        let NewPayout { selection, idempotency_key: key, .. } = payout;
        let id = self.id();
        let mut remainder = None;
        for taken in &selection.taken {
            let row = self.rows.iter_mut().find(|row| row.id == taken.accrual_id).unwrap();
            assert!(row.state.may_become(Reserved));
            if let Some(rest) = selection.remainder.filter(|rest| rest.accrual_id == row.id) {
                remainder = Some(Row {
                    id,
                    seq: rest.seq,
                    kills: rest.kills,
                    amount: rest.amount,
                    cursor_from: rest.cursor_from,
                    cursor_to: rest.cursor_to,
                    ..row.clone()
                });
            }
            (row.kills, row.amount, row.cursor_to) = (taken.kills, taken.amount, taken.cursor_to);
            (row.state, row.payout) = (Reserved, Some(number));
        }
        self.rows.extend(remainder);
        self.totals = self.totals.shift(selection.total, Open, Reserved).unwrap();
        let (created_at, state) = (self.now, PayoutState::Created);
        self.payouts.push(Payout { created_at, state, total: selection.total, key });
    }

    fn follow(&mut self, number: usize, next: PayoutState) {
        let before = self.payouts[number].state;
        let Ok(after) = before.follow(next) else { return };
        self.payouts[number].state = after;
        let (from, to) = (before.accruals(), after.accruals());
        if from == to {
            return;
        }
        for row in self.rows.iter_mut().filter(|row| row.payout == Some(number)) {
            assert!(row.state.may_become(to));
            row.state = to;
            row.payout = (to == Settled).then_some(number);
            row.settled_at = (to == Settled).then_some(self.now);
        }
        self.totals = self.totals.shift(self.payouts[number].total, from, to).unwrap();
    }

    fn prune(&mut self) {
        let cutoffs = Retention::new(8).unwrap().cutoffs(self.now);
        let goes = |row: &Row| cutoffs.prunes_accrual(row.state, row.settled_at);
        let (gone, kept): (Vec<Row>, Vec<Row>) = self.rows.drain(..).partition(goes);
        self.rows = kept;
        let range = |row: &Row| CursorRange::between(row.cursor_from, row.cursor_to);
        let pruned = gone.iter().map(|row| PrunedAccrual { share: row.share(), range: range(row) });
        self.folded = self.folded.fold(&pruned.collect::<Vec<_>>()).unwrap();
    }

    fn take(&mut self, step: &Step, terms: &Terms) {
        match step {
            Step::Wait { minutes } => self.now = self.now.after_ms(minutes * 60_000),
            Step::Read { growth, rate_e8 } => {
                let lifetime = self.cursor().saturating_add_signed(*growth);
                self.read(KillReading::Lifetime(lifetime), BanE8::new(*rate_e8).unwrap());
            }
            Step::Unavailable => self.read(KillReading::Unavailable, BanE8::of_ban(1)),
            Step::Settle => self.settle(terms),
            Step::Payout { which, next } if !self.payouts.is_empty() => {
                self.follow(which.index(self.payouts.len()), *next);
            }
            Step::Payout { .. } => {}
            Step::Prune => self.prune(),
        }
    }

    /// Kills and e8: accrued = settled + reserved + open, in the rows as in the running totals and by plain addition.
    fn check_conservation(&self) {
        let rows = self.rows.iter().map(|row| (row.state, row.share()));
        let mut of_rows = Holdings::of_rows(rows).unwrap();
        of_rows.settled = of_rows.settled.plus(self.folded.settled).unwrap();
        assert_eq!(of_rows, self.totals);
        let accrued = self.totals.accrued().unwrap();
        assert_eq!((accrued.kills, accrued.amount.units()), self.earned);
        assert_eq!(accrued.kills, u64::from(self.cursor() - BASELINE));
        assert!(
            self.rows
                .iter()
                .all(|row| row.rate.times(u64::from(row.kills)) == Ok(row.amount) && row.kills > 0)
        );
        let of_state = |is: fn(PayoutState) -> bool| {
            Share::sum(self.payouts.iter().filter(|payout| is(payout.state)).map(|payout| payout.total))
                .unwrap()
        };
        assert_eq!(of_state(|state| state == PayoutState::Confirmed), self.totals.settled);
        assert_eq!(of_state(|state| !state.is_final()), self.totals.reserved);
    }

    fn check_books(&self) {
        let rows: Vec<AccrualRange> = self.rows.iter().map(Row::range).collect();
        let account = Account {
            baseline: self.baseline,
            rows: &rows,
            pruned: &self.folded.ranges,
            last_reading: Some((self.now, self.cursor())),
            verified_at: self.now,
            is_read: true,
        };
        assert_eq!(reconcile(&account, self.now, 30), Mismatches::default());
        let mut places: Vec<_> = self.rows.iter().map(|row| (row.minute, row.seq)).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]), "minute and seq are unique");
        let alive = self.payouts.iter().filter(|payout| payout.state != PayoutState::Failed);
        let mut keys: Vec<_> = alive.map(|payout| &payout.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "one payout for a set of accruals");
    }

    /// Seen from each payout: what counts in the window that ends with it is within the caps.
    fn check_caps(&self, terms: &Terms) {
        let alive = || self.payouts.iter().filter(|payout| payout.state != PayoutState::Failed);
        for (number, payout) in alive().enumerate() {
            let starts = terms.window.starts(payout.created_at).unwrap();
            let used = |start: Timestamp| -> u64 {
                let within = alive().take(number + 1).filter(|other| other.created_at >= start);
                within.map(|other| if terms.mode == CapMode::Kills { other.total.kills } else { 1 }).sum()
            };
            assert!(used(starts.daily) <= u64::from(terms.caps.daily), "daily");
            assert!(used(starts.weekly) <= u64::from(terms.caps.weekly), "weekly");
        }
    }
}

fn next_state() -> impl Strategy<Value = PayoutState> {
    use PayoutState::{Confirmed, Created, Failed, Held, Published, Signed};
    prop::sample::select(vec![
        Created, Held, Signed, Signed, Signed, Published, Published, Confirmed, Confirmed, Failed,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_i64..900).prop_map(|minutes| Step::Wait { minutes }),
        4 => (-20_i32..260, 0_i64..20_000_000).prop_map(|(growth, rate_e8)| Step::Read { growth, rate_e8 }),
        1 => Just(Step::Unavailable),
        4 => Just(Step::Settle),
        6 => (any::<prop::sample::Index>(), next_state()).prop_map(|(which, next)| Step::Payout { which, next }),
        1 => Just(Step::Prune),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let zones = ["UTC", "Europe/Berlin", "Asia/Beirut"].map(|zone| CapWindow::calendar(zone).unwrap());
    let windows = [CapWindow::Rolling, CapWindow::Rolling].into_iter().chain(zones).collect::<Vec<_>>();
    let mode = prop::sample::select(vec![CapMode::Kills, CapMode::Kills, CapMode::Payouts]);
    (mode, prop::sample::select(windows), 0_u32..200, 0_u32..500, 0_i64..50_000_000).prop_map(
        |(mode, window, daily, weekly, minimum)| {
            let of_mode = |cap: u32| if mode == CapMode::Kills { cap } else { cap % 8 };
            let caps = Caps { daily: of_mode(daily), weekly: of_mode(weekly) };
            Terms { mode, window, caps, minimum: BanE8::new(minimum).unwrap() }
        },
    )
}

proptest! {
    #[test]
    fn nothing_is_lost_or_made_and_no_cap_is_exceeded_whatever_happens(
        terms in terms(), steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut life = Life::new();
        for step in &steps {
            life.take(step, &terms);
            life.check_conservation();
            life.check_books();
        }
        life.check_caps(&terms);
    }

    #[test]
    fn once_faults_end_everything_worth_something_is_paid(
        terms in terms(), steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut life = Life::new();
        for step in &steps {
            life.take(step, &terms);
        }
        let terms = Terms { mode: CapMode::Kills, caps: Caps { daily: 150, weekly: 750 }, minimum: BanE8::ZERO, ..terms };
        for _ in 0..8_000 {
            for number in 0..life.payouts.len() {
                for next in [PayoutState::Signed, PayoutState::Published, PayoutState::Confirmed] {
                    life.follow(number, next);
                }
            }
            let before = life.payouts.len();
            life.settle(&terms);
            if before == life.payouts.len() && life.totals.open.amount.is_zero() {
                break;
            }
            life.now = life.now.after_ms(12 * HOUR_MS);
        }
        prop_assert!(life.totals.open.amount.is_zero() && life.totals.reserved == Share::NONE);
        prop_assert_eq!(life.totals.settled.amount.units(), life.earned.1);
        life.check_conservation();
    }
}

/// Weakness W2 of the system this one replaces: it paid 15.50 for 10.50 owed.
#[test]
fn a_hundred_and_a_hundred_kills_and_ten_more_are_paid_once_over_two_days() {
    let terms = Terms {
        mode: CapMode::Kills,
        window: CapWindow::Rolling,
        caps: CapMode::Kills.default_caps(),
        minimum: BanE8::ZERO,
    };
    let mut life = Life::new();
    let rate: BanE8 = "0.05".parse().unwrap();
    let mut paid = Vec::new();
    let cycles = [(100, 0), (100, 0), (0, 1), (0, 1), (10, 23 * 60), (0, 0)];
    for (growth, minutes) in cycles {
        life.read(KillReading::Lifetime(life.cursor() + growth), rate);
        life.now = life.now.after_ms(60_000 + minutes * 60_000);
        if growth == 0 {
            life.settle(&terms);
        }
        for number in 0..life.payouts.len() {
            for next in [PayoutState::Signed, PayoutState::Published, PayoutState::Confirmed] {
                life.follow(number, next);
            }
        }
        paid.push(life.totals.settled.amount.to_string());
        life.check_conservation();
    }
    life.now = life.now.after_ms(HOUR_MS);
    life.settle(&terms);
    assert_eq!(paid, ["0.00000000", "0.00000000", "7.50000000", "7.50000000", "7.50000000", "7.50000000"]);
    assert_eq!(life.totals.reserved, Share { kills: 60, amount: "3".parse().unwrap() });
}
