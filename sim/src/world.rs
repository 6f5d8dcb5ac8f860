//! One seed's world and its run: an hour of trouble, then calm until everything has come to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use bursar_audit::Anchor;
use bursar_disk_faults::Disk;

use crate::book::Book;
use crate::boundary;
use crate::event::{Class, Event, Queue};
use crate::figures::Figures;
use crate::invariant::{Breach, Violation};
use crate::node::Node;
use crate::part::Part;
use crate::plan::{CALM_MAX_MS, Plan, TROUBLE_MS};
use crate::random::Random;
use crate::restores::Backup;
use crate::scenario::{Item, Outcome, Scenario, Simpler};
use crate::template;
use crate::trace::Trace;
use crate::workload::Workload;

/// Steps that may be nested in one another: one node in the middle of something, another that overtakes it, and a
/// third that overtakes both.
const DEPTH_MAX: usize = 2;
/// Events in one run; more means that something spins.
const EVENTS_MAX: u64 = 200_000;

/// Everything there is in one run.
pub struct World {
    pub(crate) scenario: Scenario,
    pub(crate) plan: Plan,
    /// How many of `nodes` serve; the one after them is the operators' command line.
    pub(crate) serving: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) rooms: Vec<Arc<dyn Workload>>,
    pub(crate) disk: Disk,
    pub(crate) batches: AtomicU64,
    /// Choices of time and trouble.
    pub(crate) random: Part<Random>,
    /// How far the audit log had come when it was last looked at.
    pub(crate) anchor: Part<Option<Anchor>>,
    /// How many restores the stored data has been through.
    pub(crate) restores: AtomicI64,
    /// The last backup.
    pub(crate) backup: Part<Option<Backup>>,
    pub(crate) figures: Part<Figures>,
    /// The checker of the book.
    pub(crate) book: Part<Book>,
    /// Faults of the disk for which a process has stopped itself already.
    pub(crate) faults_judged: AtomicUsize,
    /// Whether trouble has ended.
    pub(crate) is_calm: AtomicBool,
    items: Part<BTreeMap<Item, u32>>,
    now_ms: AtomicI64,
    end_ms: AtomicI64,
    /// How much of the time passed in nights, ms.
    nights_ms: AtomicI64,
    depth: AtomicUsize,
    queue: Part<Queue>,
    trace: Part<Trace>,
    violation: Part<Option<Violation>>,
}

impl World {
    /// The world of a scenario with these rooms in it.
    pub(crate) fn new(scenario: Scenario, plan: Plan, rooms: Vec<Arc<dyn Workload>>) -> Arc<World> {
        boundary::install();
        let seed = scenario.seed;
        Arc::new(World {
            serving: plan.nodes,
            nodes: (0..=plan.nodes).map(|_| Node::new()).collect(),
            rooms,
            disk: template::disk(seed, plan.rooms),
            batches: AtomicU64::new(1),
            random: Part::new(Random::of(seed, "world")),
            anchor: Part::default(),
            restores: AtomicI64::new(0),
            backup: Part::default(),
            figures: Part::default(),
            book: Part::default(),
            faults_judged: AtomicUsize::new(0),
            is_calm: AtomicBool::new(false),
            items: Part::default(),
            now_ms: AtomicI64::new(plan.start_ms),
            end_ms: AtomicI64::new(plan.start_ms + TROUBLE_MS),
            nights_ms: AtomicI64::new(0),
            depth: AtomicUsize::new(0),
            queue: Part::default(),
            trace: Part::new(Trace::new(scenario.prints_trace)),
            violation: Part::default(),
            plan,
            scenario,
        })
    }

    /// Runs to the end, or to the first broken rule.
    pub(crate) fn run(self: &Arc<World>) -> Outcome {
        self.open();
        for node in 0..self.serving {
            self.plan_in(90_000, Class::Work, move |world| world.checkpoint(node));
        }
        self.rooms.iter().for_each(|room| Arc::clone(room).begin(self));
        self.plan_in(900_000, Class::Work, World::examine_now_and_then);
        self.plan_in(self.plan.strike_gap_ms / 2, Class::Trouble, |world| world.strike());
        self.play();
        self.come_to_rest();
        self.outcome()
    }

    /// Opens the database and starts every node.
    pub(crate) fn open(self: &Arc<World>) {
        self.set_clocks();
        let connected = self.connect_witnesses();
        self.after_recovery(connected);
        (0..self.serving).for_each(|node| self.restart(node));
    }

    /// Lets everything happen in the order of its time, up to the end that is set.
    fn play(self: &Arc<World>) {
        let mut events = 0;
        while !self.is_broken() && self.run_next() {
            events += 1;
            assert!(events < EVENTS_MAX, "seed {}: {events} events and no end", self.scenario.seed);
        }
    }

    /// Lets everything happen that is planned for the next `span_ms`.
    pub(crate) fn play_for(self: &Arc<World>, span_ms: i64) {
        self.end_ms.store(self.now_ms() + span_ms, Ordering::SeqCst);
        self.play();
        self.go_to(self.end_ms.load(Ordering::SeqCst));
    }

    /// Trouble ends; then nothing may be left undone and everything must agree.
    pub(crate) fn come_to_rest(self: &Arc<World>) {
        if self.is_broken() {
            return;
        }
        self.is_calm.store(true, Ordering::SeqCst);
        self.end_trouble();
        let last_ms = self.now_ms() + CALM_MAX_MS;
        let mut rests = false;
        while !rests && !self.is_broken() && self.now_ms() < last_ms {
            self.play_for(30_000);
            rests = self.rooms.iter().all(|room| room.is_at_rest());
        }
        if self.is_broken() {
            return;
        }
        self.rooms.iter().for_each(|room| self.hold(room.check_rest()));
        self.examine();
    }

    /// Mean time to a room's next burst of load, ms.
    pub fn burst_gap_ms(&self, alone_ms: i64) -> i64 {
        let passed_ms = self.now_ms() - self.plan.start_ms;
        self.plan.burst_gap_ms(alone_ms, passed_ms, self.figures.with(|figures| figures.commands))
    }

    /// How it ended.
    pub(crate) fn outcome(&self) -> Outcome {
        self.report_disk_faults();
        let mut figures = self.figures.with(|figures| figures.clone());
        figures.seeds = 1;
        let passed_ms = self.now_ms() - self.plan.start_ms - self.nights_ms.load(Ordering::SeqCst);
        figures.simulated_ms = passed_ms.cast_unsigned();
        self.rooms.iter().for_each(|room| room.count(&mut figures));
        let items =
            self.items.with(|items| Item::ALL.map(|(item, _)| items.get(&item).copied().unwrap_or(0)));
        self.trace.with(|trace| Outcome {
            seed: self.scenario.seed,
            violation: self.violation(),
            trace_hash: trace.hash(),
            trace_lines: trace.lines(),
            items,
            figures,
        })
    }

    /// Runs the next event; false when none is left before the end.
    fn run_next(self: &Arc<World>) -> bool {
        let end_ms = self.end_ms.load(Ordering::SeqCst);
        let Some((at_ms, event)) = self.queue.with(|queue| queue.next_before(end_ms)) else { return false };
        self.go_to(at_ms);
        (event.happening)(self);
        true
    }

    /// Lets another step run in the middle of this one, in `part` of `whole` cases.
    pub(crate) fn let_others_run(self: &Arc<World>, part: u64, whole: u64) {
        let depth = self.depth.load(Ordering::SeqCst);
        let happens = self.random.with(|random| random.chance(part, whole));
        if depth >= DEPTH_MAX || self.is_broken() || !happens || self.is(Simpler::NoOvertaking) {
            return;
        }
        self.depth.store(depth + 1, Ordering::SeqCst);
        if self.run_next() {
            self.figures.with(|figures| figures.interleaved += 1);
        }
        self.depth.store(depth, Ordering::SeqCst);
    }

    /// Numbers the next item of a kind and gives its own choices; `None` when it is left out.
    pub(crate) fn next_item(&self, item: Item) -> Option<Random> {
        let number = self.items.with(|items| {
            let count = items.entry(item).or_default();
            *count += 1;
            *count - 1
        });
        let is_omitted = self.scenario.omitted.items.contains(&(item, number));
        (!is_omitted).then(|| Random::of(self.scenario.seed, &format!("{item:?} {number}")))
    }

    /// Whether an option is put to its plainest value.
    pub(crate) fn is(&self, simpler: Simpler) -> bool {
        self.scenario.omitted.options.contains(&simpler)
    }

    /// The true time, Unix ms.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    /// Moves the true time forward to `at_ms`, and every clock with it.
    pub(crate) fn go_to(&self, at_ms: i64) {
        self.now_ms.fetch_max(at_ms, Ordering::SeqCst);
        self.set_clocks();
    }

    /// A night passes in which nothing happens: whatever is planned is so much later, and so is the end.
    pub(crate) fn pass(&self, span_ms: i64) {
        self.queue.with(|queue| queue.put_off(span_ms));
        self.end_ms.fetch_add(span_ms, Ordering::SeqCst);
        self.nights_ms.fetch_add(span_ms, Ordering::SeqCst);
        self.go_to(self.now_ms() + span_ms);
    }

    /// Sets every node's clock to the true time and its error.
    pub(crate) fn set_clocks(&self) {
        let now_ms = self.now_ms();
        self.disk.set_time_ms(now_ms);
        for node in &self.nodes {
            node.clock_ms.store(now_ms + node.skew_ms.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }

    /// Plans what happens `delay_ms` from now.
    pub(crate) fn plan_in(
        &self,
        delay_ms: i64,
        class: Class,
        happening: impl FnOnce(&Arc<World>) + Send + 'static,
    ) {
        let at_ms = self.now_ms() + delay_ms;
        let event = Event { class, happening: Box::new(happening) };
        self.queue.with(|queue| queue.plan(at_ms, event));
    }

    /// Forgets planned load, acts and trouble.
    pub(crate) fn keep_work(&self) {
        self.queue.with(Queue::keep_work);
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, text: &str) {
        let at_ms = self.now_ms() - self.plan.start_ms;
        let depth = self.depth.load(Ordering::SeqCst);
        self.trace.with(|trace| trace.line(at_ms, depth, text));
    }

    /// Counts a fault that struck.
    pub(crate) fn fault(&self, kind: &'static str) {
        self.figures.with(|figures| figures.reach("fault", kind));
    }

    /// Counts something that was reached, for the report of what never was.
    pub(crate) fn reach(&self, area: &'static str, what: &'static str) {
        self.figures.with(|figures| figures.reach(area, what));
    }

    /// Notes a breach, if there is one.
    pub(crate) fn hold(&self, checked: Result<(), Breach>) {
        if let Err(breach) = checked {
            self.fail(breach);
        }
    }

    /// Notes a breach; the first one ends the run.
    pub(crate) fn fail(&self, breach: Breach) {
        let Breach { invariant, detail } = breach;
        let at_ms = self.now_ms() - self.plan.start_ms;
        self.note(&format!("{} broken: {detail}", invariant.id()));
        self.violation.with(|first| {
            first.get_or_insert(Violation { invariant, at_ms, detail });
        });
    }

    /// The first broken rule, if any.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.with(|violation| violation.clone())
    }

    /// Whether a rule was broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.violation.with(|violation| violation.is_some())
    }
}
