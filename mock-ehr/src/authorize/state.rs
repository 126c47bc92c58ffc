//! Checks state, and returns it exactly as it came.
//!
//! RFC 6749 §4.1.1, §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2>

use super::reason::Reason;
use crate::defect::Defect;
use crate::form::{Parameters, encode};
use crate::state::AppState;
use crate::variant::Variant;

const LONGEST: usize = 2048;

/// SMART 2.2 app-launch: state is required of the app; a server that insists finds the apps that forgot it.
pub(crate) fn check(state: &AppState, parameters: &Parameters) -> Result<Option<String>, Reason> {
    match parameters.filled("state") {
        Some(value) if value.len() > LONGEST => Err(Reason::TooLong {
            name: "state",
            was: value.len(),
            limit: LONGEST,
        }),
        Some(value) => Ok(Some(value.to_owned())),
        None if state.variants().has(Variant::StateOptional) => Ok(None),
        None => Err(Reason::missing(
            "state",
            "a value that cannot be guessed, to be compared when the browser comes back",
        )),
    }
}

/// The value that an error carries: only one that came once, and not empty.
pub(crate) fn of_refused(parameters: &Parameters) -> Option<String> {
    let mut values = parameters.all("state");
    match (values.next(), values.next()) {
        (Some(value), None) if !value.is_empty() => Some(value.to_owned()),
        _ => None,
    }
}

/// What a defect makes of a value.
type Mangle = fn(&str) -> String;

/// Which answer carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Code,
    Error,
    Denial,
}

/// The values of `state` in the answer, encoded: one, exactly as it came.
pub(crate) fn returned(state: &AppState, value: &str, answer: Answer) -> Vec<String> {
    let defects = state.defects();
    let dropped = match answer {
        Answer::Code => defects.has(Defect::StateDropped),
        Answer::Error => defects.has(Defect::StateDroppedOnError),
        Answer::Denial => defects.has(Defect::StateDroppedOnDenial),
    };
    if dropped {
        return Vec::new();
    }
    let mut value = value.to_owned();
    let mangled: [(Defect, Mangle); 6] = [
        (Defect::StatePlusAsSpace, |value| value.replace('+', " ")),
        (Defect::StateTruncated, |value| value.chars().take(255).collect()),
        (Defect::StateLowercased, str::to_lowercase),
        (Defect::StateTrimmed, |value| value.trim().to_owned()),
        (Defect::StateHtmlEscaped, |value| {
            value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
        }),
        (Defect::StateNonAsciiMangled, |value| {
            value
                .chars()
                .map(|char| if char.is_ascii() { char } else { '?' })
                .collect()
        }),
    ];
    for (defect, mangle) in mangled {
        let other = mangle(&value);
        // A switch is asked only where it matters: the defect matrix runs again what asked.
        if other != value && defects.has(defect) {
            value = other;
        }
    }
    if defects.has(Defect::StateReplaced) {
        value = state.chance().token::<16>();
    }
    if encode(&value) != value && defects.has(Defect::StateReencoded) {
        value = encode(&value);
    }
    let times = if defects.has(Defect::StateDoubled) { 2 } else { 1 };
    vec![encode(&value); times]
}
