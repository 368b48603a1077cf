//! Waves, one after the other; in each, as many steps at once as it says, each after those it names.
//!
//! What ends a rollout early is looked at before anything new is begun: more failures than a wave bears, an alarm, lost
//! credentials, a journal that cannot be written, somebody who asked to stop. What runs then, ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, mem, thread};

use super::cloud::{Cloud, CloudError, Target};
use super::journal::{Ended, Event, How};
use super::pace::{Notices, Pace, Waits};
use super::steps::{self, Failure, Halt, Site};
use crate::rollout::{Gate, Step, Wave, Work};

pub use super::watch::{Happening, Watch};

/// The most threads, whatever a wave allows.
const MOST_THREADS: u64 = 128;

/// How often alarms are looked at while a wave bakes, in milliseconds.
const ALARM_EVERY: u64 = 60_000;

/// Why a rollout ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// More steps of a wave failed than it bears.
    Failures {
        /// The wave.
        wave: String,
        /// How many failed.
        failures: u64,
        /// How many it bears.
        borne: u64,
    },
    /// Alarms ring.
    Alarms {
        /// The wave whose gate looked at them.
        wave: String,
        /// Which, each with its place.
        alarms: Vec<String>,
    },
    /// An alarm could not be looked at.
    Gate {
        /// The wave.
        wave: String,
        /// Why.
        reason: String,
    },
    /// There are no credentials any more, or the journal cannot be written.
    Dead(Halt),
    /// Somebody asked for it.
    Asked,
}

/// How a rollout went.
#[derive(Debug, Default)]
pub struct Report {
    /// The steps that ended well in this run.
    pub done: Vec<(String, How)>,
    /// How many ended well in earlier runs.
    pub before: usize,
    /// The steps that failed.
    pub failed: Vec<(String, Failure)>,
    /// The steps that were not begun because what they come after failed.
    pub skipped: Vec<String>,
    /// How many steps were not begun because the rollout stopped.
    pub waiting: usize,
    /// Why it stopped; none if it came to its end.
    pub stop: Option<Stop>,
}

/// What shares a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Stacks of one account and region.
    Place(Target),
    /// A stack set: it takes one operation at a time.
    Set(String),
    /// The organization: it refuses changes at the same time.
    Organization,
}

impl Lane {
    fn of(work: &Work) -> Self {
        match work {
            Work::Stack { account, region, .. } | Work::DeleteStack { account, region, .. } => {
                Self::Place(Target { account: account.clone(), region: region.clone() })
            }
            Work::StackSet { set }
            | Work::Instance { set, .. }
            | Work::UpdateInstances { set, .. }
            | Work::DeleteInstance { set, .. } => Self::Set(set.clone()),
            Work::Unit { .. }
            | Work::Policy { .. }
            | Work::Attach { .. }
            | Work::Detach { .. }
            | Work::Account { .. } => Self::Organization,
        }
    }

    fn width(&self, wave: &Wave) -> u64 {
        match self {
            Self::Place(_) => wave.account_concurrency.max(1),
            Self::Set(_) | Self::Organization => 1,
        }
    }
}

/// Steps that wait for their turn, in one lane.
#[derive(Debug, Default)]
struct Queue {
    /// The steps that wait for nothing but their turn. The first of the wave has it first, in every run.
    ready: BTreeSet<usize>,
    /// The one that stands in [`State::open`].
    shown: Option<usize>,
    running: u64,
}

/// What the threads of a wave share.
struct State {
    lanes: BTreeMap<Lane, Queue>,
    /// The lanes in which a step can begin, by the step.
    open: BTreeSet<(usize, Lane)>,
    /// For each step, how many it still waits for.
    waiting: Vec<usize>,
    /// The steps that are neither ended nor skipped.
    left: usize,
    running: usize,
    failures: u64,
    report: Report,
}

/// What stays the same during a wave.
struct Plan<'a> {
    wave: &'a Wave,
    lanes: Vec<Lane>,
    /// The steps that come after each.
    followers: Vec<Vec<usize>>,
}

impl State {
    /// Puts a step into its lane's queue.
    fn enqueue(&mut self, plan: &Plan<'_>, at: usize) {
        let Some(lane) = plan.lanes.get(at) else { return };
        self.lanes.entry(lane.clone()).or_default().ready.insert(at);
        self.refresh(plan, lane);
    }

    /// Says which step of a lane can begin.
    fn refresh(&mut self, plan: &Plan<'_>, lane: &Lane) {
        let Some(queue) = self.lanes.get_mut(lane) else { return };
        let first = queue.ready.first().copied().filter(|_| queue.running < lane.width(plan.wave));
        if first != queue.shown {
            self.open.extend(first.map(|at| (at, lane.clone())));
            if let Some(old) = mem::replace(&mut queue.shown, first) {
                self.open.remove(&(old, lane.clone()));
            }
        }
    }

    /// Takes the first step that can begin.
    fn take(&mut self, plan: &Plan<'_>) -> Option<usize> {
        let (at, lane) = self.open.pop_first()?;
        if let Some(queue) = self.lanes.get_mut(&lane) {
            queue.ready.remove(&at);
            queue.shown = None;
            queue.running += 1;
        }
        self.running += 1;
        self.refresh(plan, &lane);
        Some(at)
    }

    /// A step that was taken has ended.
    fn give_back(&mut self, plan: &Plan<'_>, at: usize) {
        self.running -= 1;
        let Some(lane) = plan.lanes.get(at) else { return };
        if let Some(queue) = self.lanes.get_mut(lane) {
            queue.running -= 1;
        }
        self.refresh(plan, lane);
    }

    /// A step ended well: those after it may begin.
    fn succeeded(&mut self, plan: &Plan<'_>, at: usize) {
        self.left -= 1;
        for follower in plan.followers.get(at).into_iter().flatten() {
            if let Some(count) = self.waiting.get_mut(*follower).filter(|count| **count > 0) {
                *count -= 1;
                if *count == 0 {
                    self.enqueue(plan, *follower);
                }
            }
        }
    }

    /// A step did not end well: those after it, and after them, are not begun.
    fn gave_up(&mut self, plan: &Plan<'_>, at: usize) {
        self.left -= 1;
        let mut lost = vec![at];
        while let Some(at) = lost.pop() {
            for follower in plan.followers.get(at).into_iter().flatten() {
                // Whoever waits for several is skipped once.
                if let Some(count) = self.waiting.get_mut(*follower).filter(|count| **count > 0) {
                    *count = 0;
                    self.left -= 1;
                    self.report.skipped.extend(plan.wave.steps.get(*follower).map(|step| step.id.clone()));
                    lost.push(*follower);
                }
            }
        }
    }
}

/// A rollout that is carried out.
pub struct Engine<'a, C: Cloud> {
    /// What its steps share.
    pub site: &'a Site<'a, C>,
    /// Whether somebody asked to stop.
    pub stop: &'a AtomicBool,
    /// The name of the last wave to do; none for all.
    pub until: Option<&'a str>,
}

impl<C: Cloud> std::fmt::Debug for Engine<'_, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("site", &self.site).finish_non_exhaustive()
    }
}

impl<C: Cloud> Engine<'_, C> {
    /// Carries the rollout out, from where its journal says.
    #[must_use]
    pub fn run(&self) -> Report {
        let mut all = Report::default();
        let mut broken = BTreeSet::new();
        let waves = &self.site.material.rollout.waves;
        let mut partial = false;
        for (number, wave) in waves.iter().enumerate() {
            if all.stop.is_some() || partial {
                all.waiting += wave.steps.len();
                continue;
            }
            let stopped = self.wave(wave, number, &mut broken, &mut all);
            all.stop = stopped.or_else(|| self.gate(wave));
            partial = self.until == Some(wave.wave.as_str());
        }
        if !matches!(all.stop, Some(Stop::Dead(_))) {
            let finished = all.stop.is_none() && !partial;
            let run = if finished { Ended::Finished } else { Ended::Stopped };
            if let Err(error) = self.write(&Event::End { run }) {
                all.stop = Some(Stop::Dead(Halt::Journal(error)));
            }
        }
        all
    }

    fn write(&self, event: &Event) -> io::Result<()> {
        self.site.journal.write(self.site.clock, event)
    }

    /// Does the steps of a wave. `broken` are the stacks that are not as they should be since steps failed.
    fn wave(&self, wave: &Wave, number: usize, broken: &mut BTreeSet<String>, all: &mut Report) -> Option<Stop> {
        let index: BTreeMap<&str, usize> =
            wave.steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
        let mut plan = Plan {
            wave,
            lanes: wave.steps.iter().map(|step| Lane::of(&step.work)).collect(),
            followers: vec![Vec::new(); wave.steps.len()],
        };
        let mut state = State {
            lanes: BTreeMap::new(),
            open: BTreeSet::new(),
            waiting: Vec::new(),
            left: wave.steps.len(),
            running: 0,
            failures: 0,
            report: Report::default(),
        };
        for (at, step) in wave.steps.iter().enumerate() {
            let before: BTreeSet<usize> = step.after.iter().filter_map(|id| index.get(id.as_str()).copied()).collect();
            state.waiting.push(before.len());
            for other in before {
                if let Some(followers) = plan.followers.get_mut(other) {
                    followers.push(at);
                }
            }
        }
        let pasts: Vec<_> = wave.steps.iter().map(|step| self.site.journal.step(&step.id)).collect();
        let done = pasts.iter().filter(|past| past.done.is_some()).count();
        self.site.watch.happens(Happening::Wave {
            wave,
            number: number + 1,
            of: self.site.material.rollout.waves.len(),
            done,
        });
        // What ended in earlier runs, or cannot begin, waits for nothing and is in no queue.
        let settled = |at: usize, step: &Step| {
            pasts.get(at).is_some_and(|past| past.done.is_some() || past.failed.is_some())
                || self.rests_on(step, broken)
        };
        let (settled, open): (Vec<_>, Vec<_>) =
            wave.steps.iter().enumerate().partition::<Vec<(usize, &Step)>, _>(|(at, step)| settled(*at, step));
        for (at, _) in open {
            if state.waiting.get(at) == Some(&0) {
                state.enqueue(&plan, at);
            }
        }
        for (at, _) in &settled {
            if let Some(count) = state.waiting.get_mut(*at) {
                *count = 0;
            }
        }
        for (at, step) in settled {
            let Some(past) = pasts.get(at) else { continue };
            if past.done.is_some() {
                state.report.before += 1;
                state.succeeded(&plan, at);
            } else {
                match &past.failed {
                    Some((count, reasons)) => {
                        state.failures += count;
                        let failure = Failure::new("it failed before this run was interrupted");
                        let failure = Failure { reasons: reasons.clone(), count: *count, ..failure };
                        state.report.failed.push((step.id.clone(), failure));
                    }
                    None => state.report.skipped.push(step.id.clone()),
                }
                state.gave_up(&plan, at);
            }
        }
        let threads = wave.concurrency.clamp(1, MOST_THREADS).min(state.left as u64);
        let (shared, signal) = (Mutex::new(state), Condvar::new());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work(&plan, &shared, &signal));
            }
        });
        let state = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.close(wave, state, broken, all)
    }

    /// Whether a step's stack comes after one that failed in an earlier wave.
    fn rests_on(&self, step: &Step, broken: &BTreeSet<String>) -> bool {
        let Work::Stack { stack, .. } = &step.work else { return false };
        let item = self.site.material.stacks.get(stack);
        item.is_some_and(|item| item.depends_on.iter().any(|name| broken.contains(name)))
    }

    /// Adds what became of a wave, and says whether the rollout stops.
    fn close(&self, wave: &Wave, state: State, broken: &mut BTreeSet<String>, all: &mut Report) -> Option<Stop> {
        let State { mut report, left, failures, .. } = state;
        let lost: BTreeSet<&str> =
            report.failed.iter().map(|(id, _)| id.as_str()).chain(report.skipped.iter().map(String::as_str)).collect();
        for step in wave.steps.iter().filter(|step| lost.contains(step.id.as_str())) {
            if let Work::Stack { stack, .. } = &step.work {
                broken.insert(stack.clone());
            }
        }
        all.done.append(&mut report.done);
        all.failed.append(&mut report.failed);
        all.skipped.append(&mut report.skipped);
        all.before += report.before;
        all.waiting += left;
        if report.stop.is_some() {
            return report.stop;
        }
        if failures > wave.tolerance.failures {
            return Some(Stop::Failures { wave: wave.wave.clone(), failures, borne: wave.tolerance.failures });
        }
        (left > 0 || self.stop.load(Ordering::Relaxed)).then_some(Stop::Asked)
    }

    /// One thread: takes a step, does it, and takes the next.
    fn work(&self, plan: &Plan<'_>, shared: &Mutex<State>, signal: &Condvar) {
        let mut state = lock(shared);
        loop {
            let stops = state.report.stop.is_some()
                || state.failures > plan.wave.tolerance.failures
                || self.stop.load(Ordering::Relaxed);
            if stops || state.left == 0 {
                break;
            }
            let Some(at) = state.take(plan) else {
                if state.running == 0 {
                    break;
                }
                state = signal.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let ended = plan.wave.steps.get(at).map(|step| (step, self.step(plan.wave, step)));
            state = lock(shared);
            state.give_back(plan, at);
            match ended {
                Some((step, Ok(how))) => {
                    state.report.done.push((step.id.clone(), how));
                    state.succeeded(plan, at);
                }
                Some((step, Err(Halt::Failed(failure)))) => {
                    state.failures += failure.count;
                    state.report.failed.push((step.id.clone(), *failure));
                    state.gave_up(plan, at);
                }
                Some((_, Err(halt))) => {
                    self.site.dead.store(true, Ordering::Relaxed);
                    if state.report.stop.is_none() {
                        state.report.stop = Some(Stop::Dead(halt));
                    }
                }
                None => {}
            }
            signal.notify_all();
        }
        drop(state);
        signal.notify_all();
    }

    /// One step, with what the journal has to say about it.
    fn step(&self, wave: &Wave, step: &Step) -> Result<How, Halt> {
        let past = self.site.journal.step(&step.id);
        let again = past.attempt == 0 || past.over;
        let attempt = if again { past.attempt + 1 } else { past.attempt };
        if again {
            self.write(&Event::Step { step: step.id.clone(), attempt }).map_err(Halt::Journal)?;
        }
        self.site.watch.happens(Happening::Begun(step));
        match steps::run(self.site, wave, step, attempt) {
            Ok(how) => {
                self.write(&Event::Done { step: step.id.clone(), attempt, how }).map_err(Halt::Journal)?;
                self.site.watch.happens(Happening::Done(step, how));
                Ok(how)
            }
            Err(Halt::Failed(failure)) => {
                let mut reasons = vec![failure.message.clone()];
                reasons.extend(failure.reasons.iter().cloned());
                let event = Event::Failed { step: step.id.clone(), attempt, failures: failure.count, reasons };
                self.write(&event).map_err(Halt::Journal)?;
                self.site.watch.happens(Happening::Failed(step, &failure));
                Err(Halt::Failed(failure))
            }
            Err(halt) => Err(halt),
        }
    }

    /// Waits for a wave's gate, and says whether the rollout stops at it.
    fn gate(&self, wave: &Wave) -> Option<Stop> {
        let gate = wave.gate.as_ref()?;
        let dead = |error| Some(Stop::Dead(Halt::Journal(error)));
        let since = match self.site.journal.gate(&wave.wave) {
            Some((_, true)) => return None,
            Some((since, false)) => since,
            None => {
                let since = self.site.clock.now();
                if let Err(error) = self.write(&Event::Bake { wave: wave.wave.clone(), since }) {
                    return dead(error);
                }
                since
            }
        };
        let end = since.saturating_add(gate.bake_minutes.saturating_mul(60_000));
        let mut notices = Notices::at_once();
        loop {
            match self.ringing(wave, gate, &mut notices) {
                Ok(alarms) if alarms.is_empty() => {}
                Ok(alarms) => {
                    let event = Event::Ring { wave: wave.wave.clone(), alarms: alarms.clone() };
                    return match self.write(&event) {
                        Ok(()) => Some(Stop::Alarms { wave: wave.wave.clone(), alarms }),
                        Err(error) => dead(error),
                    };
                }
                Err(Halt::Failed(failure)) => {
                    return Some(Stop::Gate { wave: wave.wave.clone(), reason: failure.message });
                }
                Err(halt) => return Some(Stop::Dead(halt)),
            }
            let left = end.saturating_sub(self.site.clock.now());
            if left == 0 {
                break;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Some(Stop::Asked);
            }
            self.site.watch.happens(Happening::Baking(wave, left));
            self.site.clock.sleep(Duration::from_millis(left.min(ALARM_EVERY)));
        }
        self.write(&Event::Pass { wave: wave.wave.clone() }).err().and_then(dead)
    }

    /// The alarms of a gate that ring. That they cannot be looked at is said at once, and then at intervals that grow.
    fn ringing(&self, wave: &Wave, gate: &Gate, notices: &mut Notices) -> Result<Vec<String>, Halt> {
        let mut places: BTreeMap<Target, Vec<String>> = BTreeMap::new();
        for alarm in &gate.alarms {
            let target = Target { account: alarm.account.clone(), region: alarm.region.clone() };
            places.entry(target).or_default().push(alarm.name.clone());
        }
        let mut ringing = Vec::new();
        for (target, names) in places {
            let asked = self.site.clock.now();
            let mut refused = |error: &CloudError| {
                if let Some(waited) = notices.due(asked, self.site.clock.now()) {
                    self.site.watch.happens(Happening::Blind(wave, waited, &error.to_string()));
                }
            };
            let found = self.site.look_or("alarms", |cloud| cloud.ringing(&target, &names), &mut refused)?;
            ringing.extend(found.into_iter().map(|name| format!("{name} in {target}")));
        }
        notices.over();
        Ok(ringing)
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A series of waits between looks at something that takes a while, such as a look for drift.
#[must_use]
pub fn looks(key: &str) -> Waits {
    Waits::new(Pace { first: 2_000, longest: 15_000, most: 3_600_000 }, key)
}
