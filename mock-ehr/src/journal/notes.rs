//! What is noted while one request is answered: which armed switches answered yes, and what a strict EHR objects to.
//!
//! The notes travel with the task, so that the checks need not hand them on; outside a journal there are none.

use std::cell::{Cell, RefCell};
use std::future::Future;

use serde::Serialize;

use crate::defect::Defect;
use crate::variant::Variant;

tokio::task_local! {
    static NOTES: Notes;
}

/// More objections than this are of no use to anybody.
const AT_MOST: usize = 16;

#[derive(Debug, Default)]
struct Notes {
    taken: RefCell<Taken>,
    strict: Cell<bool>,
}

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) defects: Vec<Defect>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) objections: Vec<Objection>,
    /// What broke the answer on request.
    pub(crate) fault: Option<String>,
    /// The request was dropped without an answer.
    pub(crate) unanswered: bool,
    /// The answer to the app that stands in a form, encoded; the journal only follows it, and does not keep it.
    pub(crate) posted: Option<String>,
}

/// A switch that was armed when somebody asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// A fault.
    Defect(Defect),
    /// A legal difference.
    Variant(Variant),
}

/// What a strict EHR objects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// The error code on the wire.
    pub code: String,
    /// What came, and what was expected.
    pub message: String,
    /// The rule, by document and section.
    pub rule: &'static str,
    /// Where the rule stands.
    pub url: &'static str,
    /// What an app does about it.
    pub fix: &'static str,
    /// An armed defect let it pass all the same.
    pub let_pass: bool,
}

/// Which rule was broken, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) rule: &'static str,
    pub(crate) url: &'static str,
    pub(crate) fix: &'static str,
}

impl Advice {
    /// An objection with this advice.
    pub(crate) fn objection(self, code: &str, message: String) -> Objection {
        Objection {
            code: code.to_owned(),
            message,
            rule: self.rule,
            url: self.url,
            fix: self.fix,
            let_pass: false,
        }
    }
}

/// Takes notes while `work` runs.
pub(crate) async fn taken_during<F: Future>(work: F) -> (F::Output, Taken) {
    NOTES
        .scope(Notes::default(), async move {
            let output = work.await;
            (output, NOTES.with(|notes| notes.taken.take()))
        })
        .await
}

/// An armed switch is asked for: whether it says yes. A defect does not during a [`second_look`].
pub(crate) fn says_yes(used: Used) -> bool {
    NOTES
        .try_with(|notes| {
            let mut taken = notes.taken.borrow_mut();
            match used {
                // The variant would spend the launch a second time.
                Used::Defect(_) | Used::Variant(Variant::LaunchSingleUse) if notes.strict.get() => return false,
                Used::Defect(defect) if !taken.defects.contains(&defect) => taken.defects.push(defect),
                Used::Variant(variant) if !taken.variants.contains(&variant) => taken.variants.push(variant),
                Used::Defect(_) | Used::Variant(_) => {}
            }
            true
        })
        .unwrap_or(true)
}

/// The answer to the app goes in a form.
pub(crate) fn posted(answer: &[(&str, String)]) {
    let _ = NOTES.try_with(|notes| {
        let pairs: Vec<_> = answer.iter().map(|(name, value)| format!("{name}={value}")).collect();
        notes.taken.borrow_mut().posted = Some(pairs.join("&"));
    });
}

/// The answer is broken on request.
pub(crate) fn broken(fault: String, was_answered: bool) {
    let _ = NOTES.try_with(|notes| {
        let mut taken = notes.taken.borrow_mut();
        taken.fault = Some(fault);
        taken.unanswered = !was_answered;
    });
}

/// The request is refused, and this is why.
pub(crate) fn refused(objection: impl FnOnce() -> Objection) {
    note(false, objection);
}

/// Where a check passed after a defect had its say: what it says of the same request without any defect. The check must
/// change nothing.
pub(crate) fn second_look<T>(check: impl FnOnce() -> Result<T, Objection>) {
    let begins = NOTES
        .try_with(|notes| {
            let begins = !notes.taken.borrow().defects.is_empty() && !notes.strict.get();
            notes.strict.set(begins || notes.strict.get());
            begins
        })
        .unwrap_or(false);
    if !begins {
        return;
    }
    let looked = {
        let _end = Strictness;
        check()
    };
    if let Err(objection) = looked {
        note(true, || objection);
    }
}

/// Ends a second look, also where the check panics.
struct Strictness;

impl Drop for Strictness {
    fn drop(&mut self) {
        let _ = NOTES.try_with(|notes| notes.strict.set(false));
    }
}

fn note(let_pass: bool, objection: impl FnOnce() -> Objection) {
    let _ = NOTES.try_with(|notes| {
        let mut taken = notes.taken.borrow_mut();
        // What is built during a second look is an answer that nobody gets.
        if notes.strict.get() || taken.objections.len() >= AT_MOST {
            return;
        }
        let objection = Objection {
            let_pass,
            ..objection()
        };
        if !taken.objections.contains(&objection) {
            taken.objections.push(objection);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::Switches;

    const ADVICE: Advice = Advice {
        rule: "a rule",
        url: "https://rule.example/",
        fix: "a fix",
    };

    fn check(defects: &Switches<Defect>) -> Result<(), Objection> {
        if defects.has(Defect::CodeReplayAccepted) {
            Ok(())
        } else {
            Err(ADVICE.objection("invalid_grant", "The code was redeemed before.".into()))
        }
    }

    #[tokio::test]
    async fn a_second_look_finds_what_a_defect_let_pass() {
        let defects = Switches::default();
        defects.set([Defect::CodeReplayAccepted]);
        let work = async {
            let passed = check(&defects);
            second_look(|| check(&defects));
            // The strictness ends with the look.
            passed.is_ok() && check(&defects).is_ok()
        };
        let (passed, taken) = taken_during(work).await;
        assert!(passed);
        assert_eq!(taken.defects, [Defect::CodeReplayAccepted]);
        assert_eq!(taken.objections.len(), 1);
        assert!(taken.objections[0].let_pass);
    }

    #[tokio::test]
    async fn without_a_defect_nobody_looks_twice() {
        let work = async { second_look(|| -> Result<(), Objection> { panic!("looked") }) };
        assert!(taken_during(work).await.1.objections.is_empty());
        second_look(|| -> Result<(), Objection> { panic!("looked outside a journal") });
    }
}
