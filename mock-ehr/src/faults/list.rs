//! The faults of one mock, which of them are due, and how often each had its say.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::address::{Address, Outline};
use super::carried::Carried;
use super::effect::{Effect, Http};
use super::plan::Plan;
use crate::defect::Defect;

/// More faults at a time are of no use to anybody.
pub(crate) const AT_MOST: usize = 64;

/// Of so many faults that ride with launches it is remembered how often they came.
const OF_LAUNCHES: usize = 4096;

/// How often a fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Always,
    Only(u64),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) address: Address,
    /// The first matching request that it strikes, counted from 1.
    pub(crate) nth: u64,
    pub(crate) times: Times,
    pub(crate) effect: Effect,
}

/// A fault, and what it did.
#[derive(Debug)]
struct Placed {
    id: u64,
    fault: Fault,
    /// How many requests matched, struck or not.
    matched: u64,
    struck: u64,
    /// How many of those came past the hook of its defect.
    reached: u64,
}

/// The faults of one mock.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    placed: Mutex<List>,
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct List {
    faults: Vec<Placed>,
    last_id: u64,
    /// How many requests of a launch matched its faults, by the launch and the place of the fault, oldest first.
    matched: VecDeque<((String, usize), u64)>,
}

/// There is no room for another.
#[derive(Debug)]
pub(crate) struct Full;

impl Placed {
    fn is_spent(&self) -> bool {
        matches!(self.fault.times, Times::Only(times) if self.struck >= times)
    }

    fn json(&self) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), self.id.into());
        if let Value::Object(address) = json!(self.fault.address) {
            out.extend(address);
        }
        let (name, effect) = self.fault.effect.json();
        let times = match self.fault.times {
            Times::Always => json!("always"),
            Times::Only(1) => json!("once"),
            Times::Only(times) => json!(times),
        };
        out.extend([
            ("nth".into(), json!(self.fault.nth)),
            ("times".into(), times),
            (name.into(), effect),
            ("matched".into(), json!(self.matched)),
            ("struck".into(), json!(self.struck)),
            ("spent".into(), json!(self.is_spent())),
        ]);
        if matches!(self.fault.effect, Effect::Defect(_)) {
            out.insert("reached".into(), json!(self.reached));
        }
        Value::Object(out)
    }
}

impl List {
    /// How many requests of a launch matched this fault, with the present one.
    fn count(&mut self, launch: &str, place: usize) -> u64 {
        let known = self
            .matched
            .iter_mut()
            .rev()
            .find(|((of, at), _)| of == launch && *at == place);
        if let Some((_, matched)) = known {
            *matched += 1;
            return *matched;
        }
        if self.matched.len() >= OF_LAUNCHES {
            self.matched.pop_front();
        }
        self.matched.push_back(((launch.to_owned(), place), 1));
        1
    }
}

impl Faults {
    /// Is any fault still to come? Most mocks never have one, and their requests are not looked at.
    pub(crate) fn are_any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Places a fault; spent ones make room.
    pub(crate) fn place(&self, fault: Fault) -> Result<Value, Full> {
        let mut list = self.lock();
        if list.faults.len() >= AT_MOST {
            list.faults.retain(|placed| !placed.is_spent());
        }
        if list.faults.len() >= AT_MOST {
            return Err(Full);
        }
        list.last_id += 1;
        let placed = Placed {
            id: list.last_id,
            fault,
            matched: 0,
            struck: 0,
            reached: 0,
        };
        let shown = placed.json();
        list.faults.push(placed);
        self.any.store(true, Ordering::Relaxed);
        Ok(shown)
    }

    /// Every one, spent ones among them.
    pub(crate) fn json(&self) -> Value {
        self.lock().faults.iter().map(Placed::json).collect()
    }

    pub(crate) fn one_json(&self, id: u64) -> Option<Value> {
        let list = self.lock();
        list.faults.iter().find(|placed| placed.id == id).map(Placed::json)
    }

    /// Takes one away; `false` where there is none of this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut list = self.lock();
        let before = list.faults.len();
        list.faults.retain(|placed| placed.id != id);
        self.look(&list);
        list.faults.len() < before
    }

    /// Takes all away.
    pub(crate) fn clear(&self) {
        let mut list = self.lock();
        list.faults.clear();
        list.matched.clear();
        self.look(&list);
    }

    /// Does it matter whose this request is? `None`: nothing is for it at all.
    pub(super) fn asks_whose(&self, outline: &Outline) -> Option<bool> {
        let list = self.lock();
        let mut fitting = list
            .faults
            .iter()
            .filter(|placed| !placed.is_spent() && placed.fault.address.fits(outline))
            .peekable();
        fitting.peek()?;
        Some(fitting.any(|placed| placed.fault.address.client.is_some()))
    }

    /// Counts this request, and tells what strikes it. Of several HTTP faults the first does.
    pub(super) fn strike(&self, outline: &Outline, client: Option<&str>) -> Option<Plan> {
        let mut list = self.lock();
        let mut plan = Plan::default();
        for placed in &mut list.faults {
            let address = &placed.fault.address;
            let is_its = address.client.is_none() || address.client.as_deref() == client;
            if placed.is_spent() || !is_its || !address.fits(outline) {
                continue;
            }
            placed.matched += 1;
            if placed.matched < placed.fault.nth {
                continue;
            }
            match &placed.fault.effect {
                Effect::Defect(defect) => plan.defects.push((*defect, placed.id)),
                Effect::Http(http) if plan.http.is_none() => plan.http = Some(http.clone()),
                Effect::Http(_) => continue,
            }
            placed.struck += 1;
        }
        self.look(&list);
        (!plan.defects.is_empty() || plan.http.is_some()).then_some(plan)
    }

    /// Counts this request of a launch, and tells which of the launch's own faults strikes it.
    pub(super) fn strike_within(&self, launch: &str, carried: &[Carried], outline: &Outline) -> Option<Http> {
        let mut list = self.lock();
        let mut struck = None;
        for (place, carried) in carried.iter().enumerate() {
            let fault = &carried.fault;
            if !fault.address.fits(outline) {
                continue;
            }
            let matched = list.count(launch, place);
            let is_due = match fault.times {
                Times::Always => matched >= fault.nth,
                Times::Only(times) => matched >= fault.nth && matched < fault.nth.saturating_add(times),
            };
            if let (true, None, Effect::Http(http)) = (is_due, &struck, &fault.effect) {
                struck = Some(http.clone());
            }
        }
        struck
    }

    /// What is asked of this launch, or at this base, counts anew.
    pub(crate) fn count_anew(&self, launch: &str) {
        self.lock().matched.retain(|((of, _), _)| of != launch);
    }

    /// A struck request came past the hooks of these.
    pub(super) fn note_reached(&self, reached: &[Defect], plan: &Plan) {
        let mut list = self.lock();
        for (defect, id) in &plan.defects {
            let placed = list.faults.iter_mut().find(|placed| placed.id == *id);
            if let (true, Some(placed)) = (reached.contains(defect), placed) {
                placed.reached += 1;
            }
        }
    }

    fn look(&self, list: &List) {
        let any = list.faults.iter().any(|placed| !placed.is_spent());
        self.any.store(any, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
