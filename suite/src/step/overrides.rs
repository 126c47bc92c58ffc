//! What all verbs share: overrides of parameters and header fields.

use std::collections::BTreeMap;

use http::HeaderName;

use super::context::{Context, Halt};
use crate::http::Request;
use crate::value::{Lookup, Override};

/// Adds a parameter: its correct value, unless the override says otherwise.
pub(super) fn put(
    context: &Context<'_>,
    pairs: &mut Vec<(String, String)>,
    name: &str,
    override_: &Override,
    correct: Option<String>,
    own: &dyn Lookup,
) -> Result<(), Halt> {
    match override_ {
        Override::Keep => pairs.extend(correct.map(|value| (name.to_owned(), value))),
        Override::Omit => {}
        Override::One(template) => pairs.push((name.to_owned(), context.fill(template, own)?)),
        Override::Many(many) => {
            for template in many {
                pairs.push((name.to_owned(), context.fill(template, own)?));
            }
        }
    }
    Ok(())
}

/// Sets header fields; `null` takes one away.
pub(super) fn add_headers(
    context: &Context<'_>,
    request: &mut Request,
    headers: &BTreeMap<String, Override>,
) -> Result<(), Halt> {
    let none = |_: &str| None;
    for (name, override_) in headers {
        let field = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Halt::Scenario(format!("`{name}` is not a header field name")))?;
        request.headers.retain(|(known, _)| *known != field);
        for template in override_.templates() {
            let value = context.fill(template, &none)?;
            if !request.header(field.clone(), &value) {
                return Err(Halt::Scenario(format!("`{value}` cannot stand in a header field")));
            }
        }
    }
    Ok(())
}
