//! Dispatches each check of a scenario to its family and joins what they find.

use crate::check::{
    Finding, acceptance, brands, callback, cors, discovery, entropy, fhir_data, id_token, introspection, json, key_set,
    keys, launch_context, message, refusal, scope, texts,
};
use crate::scenario::Check;
use crate::scenario::model::Allowed;
use crate::step::Context;

/// Whether what the judgement stands on was seen; why it is not judged, otherwise.
pub fn provided(context: &Context<'_>, checks: &[Check]) -> Option<Finding> {
    Some(match all(context, checks) {
        Finding::Holds(_) => return None,
        Finding::Broken { expected, observed } => {
            Finding::TooLittle(format!("not judged, since that takes {expected}; there was {observed}"))
        }
        Finding::Unreached(why) | Finding::ServerError(why) => Finding::TooLittle(format!("not judged: {why}")),
        other => other,
    })
}

/// All checks must hold; the first that does not is the finding. A legal alternative turns it into a noted pass.
pub fn judge(context: &Context<'_>, checks: &[Check], allowed: &[Allowed]) -> Finding {
    let finding = all(context, checks);
    if matches!(finding, Finding::Broken { .. } | Finding::Unreached(_))
        && let Some(legal) = allowed
            .iter()
            .find(|legal| matches!(all(context, &legal.then), Finding::Holds(_)))
    {
        return Finding::Holds(Some(legal.note.clone()));
    }
    finding
}

fn all(context: &Context<'_>, checks: &[Check]) -> Finding {
    let mut notes = Vec::new();
    for check in checks {
        match one(context, check) {
            Finding::Holds(note) => notes.extend(note),
            other => return other,
        }
    }
    Finding::Holds((!notes.is_empty()).then(|| notes.join("; ")))
}

fn one(context: &Context<'_>, check: &Check) -> Finding {
    match check {
        Check::RefusedBy(stage) => refusal::refused_by(context, *stage),
        Check::Accepted(args) => acceptance::accepted(context, args),
        Check::AtMostOne(args) => acceptance::at_most_one(context, args),
        Check::State(args) => callback::state(context, args),
        Check::Callback(args) => callback::callback(context, args),
        Check::SignInPages(args) => crate::check::pages::sign_in_pages(context, args),
        Check::FormPost(args) => crate::check::form_post::form_post(context, args),
        Check::Tls(args) => crate::check::tls::tls(context, args),
        Check::Answered(args) => crate::check::hygiene::answered(context, args),
        Check::NoStackTrace(args) => crate::check::hygiene::no_stack_trace(context, args),
        Check::NotEchoed(args) => crate::check::hygiene::not_echoed(context, args),
        Check::NoField(args) => crate::check::hygiene::no_field(context, args),
        Check::NotSentTo(args) => crate::check::hygiene::not_sent_to(context, args),
        Check::Page(args) => callback::page(context, args),
        Check::Header(args) => message::header(context, args),
        Check::Cors(args) => cors::cors(context, args),
        Check::ContentType(args) => message::content_type(context, args),
        Check::Status(args) => message::status(context, args),
        Check::Error(args) => message::error(context, args),
        Check::ErrorBody(args) => message::error_body(context, args),
        Check::Within(args) => message::within(context, args),
        Check::Json(args) => json::json(context, args),
        Check::Same(args) => texts::same(context, args, true),
        Check::Differ(args) => texts::same(context, args, false),
        Check::Unrelated(args) => texts::unrelated(context, args),
        Check::LaunchContext(args) => launch_context::launch_context(context, args),
        Check::Scope(args) => scope::scope(context, args),
        Check::Entropy(args) => entropy::entropy(context, args),
        Check::AllAnswered(args) => crate::check::burst::all_answered(context, args),
        Check::Agrees(args) => discovery::agrees(context, args),
        Check::Fetched(args) => key_set::fetched(context, args),
        Check::Brands(args) => brands::brands(context, args),
        Check::Keys(args) => keys::keys(context, args),
        Check::IntrospectedContext(args) => introspection::introspected_context(context, args),
        Check::IntrospectedExp(args) => introspection::introspected_exp(context, args),
        Check::IdToken(args) => id_token::id_token(context, args),
        Check::Data(args) => fhir_data::data(context, args),
        Check::Entry(args) => crate::check::batch::entry(context, args),
        Check::Granted(args) => fhir_data::granted(context, args),
    }
}
