//! The fault in a step: what makes it differ from the correct request, and the step without it.

use super::{Check, Step};
use crate::check::batch::Fate;
use crate::check::callback::PageKind;

/// The steps of a scenario without anything wrong in them, where that is what its control is.
pub fn stripped(steps: &[Step]) -> Vec<Step> {
    steps
        .iter()
        .filter_map(|step| {
            Some(match step {
                Step::Authorize(args) => Step::Authorize(args.stripped()),
                Step::Exchange(args) => Step::Exchange(args.stripped()),
                Step::Push(args) => Step::Push(Box::new(args.stripped())),
                Step::Register(args) => Step::Register(args.stripped()),
                Step::Manage(args) => Step::Manage(args.stripped()),
                Step::Backend(args) => Step::Backend(args.stripped()),
                Step::Refresh(args) => Step::Refresh(args.stripped()),
                Step::Introspect(args) => Step::Introspect(args.stripped()),
                Step::Revoke(args) => Step::Revoke(args.stripped()),
                Step::Fhir(args) => Step::Fhir(args.stripped()),
                Step::Userinfo(args) => Step::Userinfo(args.stripped()),
                Step::Flow(args) => Step::Flow(Box::new(args.stripped())),
                Step::Discover(_) | Step::Jwks(_) | Step::Preflight(_) => step.clone(),
                Step::Publish(_)
                | Step::Launch(_)
                | Step::Request(_)
                | Step::Tls(_)
                | Step::Wait(_)
                | Step::Together(_)
                | Step::Interleaved(_) => {
                    return None;
                }
            })
        })
        .collect()
}

/// Whether a step has something wrong in it that stripping takes away.
pub fn has_fault(step: &Step) -> bool {
    let same = match step {
        Step::Authorize(args) => *args == args.stripped(),
        Step::Exchange(args) => *args == args.stripped(),
        Step::Push(args) => **args == args.stripped(),
        Step::Register(args) => *args == args.stripped(),
        Step::Manage(args) => *args == args.stripped(),
        Step::Backend(args) => *args == args.stripped(),
        Step::Refresh(args) => *args == args.stripped(),
        Step::Introspect(args) | Step::Revoke(args) => *args == args.stripped(),
        Step::Fhir(args) => *args == args.stripped(),
        Step::Userinfo(args) => *args == args.stripped(),
        Step::Flow(args) => **args == args.stripped(),
        Step::Discover(_)
        | Step::Publish(_)
        | Step::Jwks(_)
        | Step::Launch(_)
        | Step::Request(_)
        | Step::Preflight(_)
        | Step::Tls(_)
        | Step::Wait(_)
        | Step::Together(_)
        | Step::Interleaved(_) => true,
    };
    !same
}

/// Whether a step sends a secret that is not the client's own: too many of them lock accounts.
pub fn sends_wrong_secret(step: &Step) -> bool {
    use crate::step::arguments::ClientWord;
    let wrong = |auth: &crate::step::arguments::AuthArgs| !auth.secret.is_keep() || auth.of != ClientWord::Own;
    match step {
        Step::Exchange(args) => wrong(&args.auth),
        Step::Push(args) => wrong(&args.auth),
        Step::Backend(args) => wrong(&args.auth),
        Step::Refresh(args) => wrong(&args.auth),
        Step::Introspect(args) | Step::Revoke(args) => wrong(&args.auth),
        Step::Flow(args) => args.exchange.as_ref().is_some_and(|exchange| wrong(&exchange.auth)),
        Step::Together(steps) => steps.iter().any(sends_wrong_secret),
        Step::Discover(_)
        | Step::Publish(_)
        | Step::Register(_)
        | Step::Manage(_)
        | Step::Jwks(_)
        | Step::Launch(_)
        | Step::Authorize(_)
        | Step::Interleaved(_)
        | Step::Fhir(_)
        | Step::Userinfo(_)
        | Step::Request(_)
        | Step::Preflight(_)
        | Step::Tls(_)
        | Step::Wait(_) => false,
    }
}

/// Whether a check judges what a refusal looks like: its status, its code, its page.
pub fn judges_a_refusal(check: &Check) -> bool {
    match check {
        // At most one of several: where every one was refused, something else may have been wrong.
        Check::RefusedBy(_) | Check::Error(_) | Check::ErrorBody(_) | Check::AtMostOne(_) => true,
        Check::Status(args) => !args.is.is_empty() && args.is.iter().all(|status| status.starts_with('4')),
        Check::Entry(args) => args.is == Fate::Refused,
        Check::Callback(args) => !args.error.is_empty(),
        Check::Page(args) => args.is == PageKind::Error,
        _ => false,
    }
}
