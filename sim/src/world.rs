//! One seed's world and its run: an hour of trouble, then calm until everything has come to rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use bursar_audit::Anchor;
use bursar_disk_faults::Disk;

use crate::boundary;
use crate::broken::Bug;
use crate::clients::Clients;
use crate::event::{Event, Queue};
use crate::figures::Figures;
use crate::invariant::{Breach, Violation};
use crate::node::Node;
use crate::operators::Operators;
use crate::part::Part;
use crate::plan::{CALM_MAX_MS, Plan, TROUBLE_MS};
use crate::random::Random;
use crate::template;
use crate::trace::Trace;
use crate::upstream::Upstream;
use crate::witness::Witness;

/// Steps that may be nested in one another: one node in the middle of something, another that overtakes it, and a
/// third that overtakes both.
const DEPTH_MAX: usize = 2;
/// Events in one run; more means that something spins.
const EVENTS_MAX: u64 = 200_000;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Everything follows from it.
    pub seed: u64,
    /// A planted bug that the run should find.
    pub bug: Option<Bug>,
    /// Whether the trace is printed while it grows.
    pub prints_trace: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The first broken rule, if any.
    pub violation: Option<Violation>,
    /// Hash over every line of the trace.
    pub trace_hash: String,
    /// Lines of the trace.
    pub trace_lines: u64,
    /// What the run went through.
    pub figures: Figures,
}

/// Everything there is in one run.
pub struct World {
    pub(crate) seed: u64,
    pub(crate) bug: Option<Bug>,
    pub(crate) plan: Plan,
    /// How many of `nodes` serve; the one after them is the operators' command line.
    pub(crate) serving: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) disk: Disk,
    pub(crate) batches: AtomicU64,
    /// Choices of time and trouble.
    pub(crate) random: Part<Random>,
    pub(crate) clients: Part<Clients>,
    pub(crate) operators: Part<Operators>,
    pub(crate) upstream: Part<Upstream>,
    pub(crate) witness: Part<Witness>,
    /// How far the audit log had come when it was last looked at.
    pub(crate) anchor: Part<Option<Anchor>>,
    pub(crate) figures: Part<Figures>,
    now_ms: AtomicI64,
    end_ms: AtomicI64,
    depth: AtomicUsize,
    queue: Part<Queue>,
    trace: Part<Trace>,
    violation: Part<Option<Violation>>,
}

/// Runs one scenario to its end, or to the first broken rule.
#[must_use]
pub fn run(scenario: Scenario) -> Outcome {
    boundary::install();
    let world = World::new(scenario);
    world.begin();
    world.play();
    world.come_to_rest();
    world.outcome()
}

impl World {
    fn new(scenario: Scenario) -> Arc<World> {
        let Scenario { seed, bug, prints_trace } = scenario;
        let plan = Plan::of(seed);
        let disk = template::disk(seed);
        Arc::new(World {
            seed,
            bug,
            serving: plan.nodes,
            nodes: (0..=plan.nodes).map(|_| Node::new()).collect(),
            disk,
            batches: AtomicU64::new(1),
            random: Part::new(Random::of(seed, "world")),
            clients: Part::new(Clients::new(seed)),
            operators: Part::new(Operators::new(seed)),
            upstream: Part::new(Upstream::new(seed, plan.upstream_faults_of_100)),
            witness: Part::new(Witness::new(seed)),
            anchor: Part::default(),
            figures: Part::default(),
            now_ms: AtomicI64::new(plan.start_ms),
            end_ms: AtomicI64::new(plan.start_ms + TROUBLE_MS),
            depth: AtomicUsize::new(0),
            queue: Part::default(),
            trace: Part::new(Trace::new(prints_trace)),
            violation: Part::default(),
            plan,
        })
    }

    fn begin(self: &Arc<World>) {
        self.set_clocks();
        let connected = self.connect_witness();
        self.after_recovery(connected);
        for node in 0..self.serving {
            self.restart(node);
            self.plan_in(90_000, Event::Checkpoint(node));
        }
        self.plan_in(10, Event::Burst);
        self.plan_in(self.plan.strike_gap_ms / 2, Event::Strike);
        self.plan_in(60_000, Event::Operator);
        self.plan_in(70_000, Event::Results);
        self.plan_in(900_000, Event::Examine);
    }

    /// Lets everything happen in the order of its time, up to the end that is set.
    fn play(self: &Arc<World>) {
        let mut events = 0;
        while !self.is_broken() && self.run_next() {
            events += 1;
            assert!(events < EVENTS_MAX, "seed {}: {events} events and no end", self.seed);
        }
    }

    /// Trouble ends; then every due round must be settled and everything must agree.
    fn come_to_rest(self: &Arc<World>) {
        if self.is_broken() {
            return;
        }
        self.end_trouble();
        let end_ms = self.end_ms.load(Ordering::SeqCst);
        let mut rests = false;
        while !rests && !self.is_broken() && self.now_ms() < end_ms + CALM_MAX_MS {
            self.end_ms.fetch_add(30_000, Ordering::SeqCst);
            self.play();
            self.go_to(self.end_ms.load(Ordering::SeqCst));
            rests = self.witness.with(|witness| witness.is_at_rest());
        }
        if self.is_broken() {
            return;
        }
        let checked = self.witness.with(|witness| witness.check_settled());
        self.hold(checked);
        self.examine();
    }

    fn outcome(&self) -> Outcome {
        self.report_disk_faults();
        let mut figures = self.figures.with(|figures| figures.clone());
        figures.seeds = 1;
        figures.simulated_ms = (self.now_ms() - self.plan.start_ms).cast_unsigned();
        self.witness.with(|witness| witness.count(&mut figures));
        self.trace.with(|trace| Outcome {
            seed: self.seed,
            violation: self.violation.with(|violation| violation.clone()),
            trace_hash: trace.hash(),
            trace_lines: trace.lines(),
            figures,
        })
    }

    /// Runs the next event; false when none is left before the end.
    fn run_next(self: &Arc<World>) -> bool {
        let end_ms = self.end_ms.load(Ordering::SeqCst);
        let Some((at_ms, event)) = self.queue.with(|queue| queue.next_before(end_ms)) else { return false };
        self.go_to(at_ms);
        match event {
            Event::Burst => self.burst(),
            Event::Deliver(node, attempt) => self.deliver(node, *attempt),
            Event::Lane(node) => self.lane(node),
            Event::Patience { wish, sends } => self.lose_patience(wish, sends),
            Event::Settle { node, generation } => self.settle(node, generation),
            Event::Checkpoint(node) => self.checkpoint(node),
            Event::Restart(node) => self.restart(node),
            Event::Operator => self.operate(),
            Event::Strike => self.strike(),
            Event::SpaceFreed => self.free_space(),
            Event::ClockRight(node) => self.set_right(node),
            Event::Results => self.look_at_results(),
            Event::Examine => {
                self.examine();
                self.plan_in(900_000, Event::Examine);
            }
        }
        true
    }

    /// Lets another step run in the middle of this one, in `part` of `whole` cases.
    pub(crate) fn let_others_run(self: &Arc<World>, part: u64, whole: u64) {
        let depth = self.depth.load(Ordering::SeqCst);
        if depth >= DEPTH_MAX || self.is_broken() || !self.random.with(|random| random.chance(part, whole)) {
            return;
        }
        self.depth.store(depth + 1, Ordering::SeqCst);
        if self.run_next() {
            self.figures.with(|figures| figures.interleaved += 1);
        }
        self.depth.store(depth, Ordering::SeqCst);
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

    /// Sets every node's clock to the true time and its error.
    pub(crate) fn set_clocks(&self) {
        let now_ms = self.now_ms();
        self.disk.set_time_ms(now_ms);
        for node in &self.nodes {
            node.clock_ms.store(now_ms + node.skew_ms.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }

    /// Plans `event` for `delay_ms` from now.
    pub(crate) fn plan_in(&self, delay_ms: i64, event: Event) {
        let at_ms = self.now_ms() + delay_ms;
        self.queue.with(|queue| queue.plan(at_ms, event));
    }

    /// Forgets planned events that `keep` does not want.
    pub(crate) fn keep_events(&self, keep: impl Fn(&Event) -> bool) {
        self.queue.with(|queue| queue.retain(keep));
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, text: &str) {
        let at_ms = self.now_ms() - self.plan.start_ms;
        let depth = self.depth.load(Ordering::SeqCst);
        self.trace.with(|trace| trace.line(at_ms, depth, text));
    }

    /// Counts a fault that struck.
    pub(crate) fn fault(&self, kind: &'static str) {
        self.figures.with(|figures| figures.fault(kind));
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

    /// Whether a rule was broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.violation.with(|violation| violation.is_some())
    }
}
