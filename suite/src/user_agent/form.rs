//! Fills a form and makes the request that a browser would send for it.
//!
//! HTML Living Standard, "Form submission"; of its encodings urlencoded and multipart.

use std::collections::HashMap;

use http::Method;

use super::page::{Control, Kind, Page};
use crate::http::{Request, RequestBody};

/// What is set in a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// The text of a field.
    Text(String),
    /// A radio button or checkbox is on.
    On,
    /// This option of a select.
    Option(String),
}

/// Entries by index in [`Page::controls`].
pub(super) type Entries = HashMap<usize, Entry>;

/// The request for a form, as submitted by `submitter` (a control's index) or by Enter.
pub(super) fn submission(page: &Page<'_>, form: usize, entries: &Entries, submitter: Option<usize>) -> Request {
    let pairs = pairs(page, form, entries, submitter);
    let form = &page.forms[form];
    let button = submitter.map(|index| page.controls[index].element);
    let attribute = |name: &str| button.and_then(|button| button.attr(name)).map(str::trim);
    let action = attribute("formaction")
        .filter(|action| !action.is_empty())
        .and_then(|action| page.base.join(action).ok());
    let mut action = action.unwrap_or_else(|| form.action.clone());
    let method = match attribute("formmethod") {
        Some(method) if method.eq_ignore_ascii_case("post") => Method::POST,
        Some(_) => Method::GET,
        None => form.method.clone(),
    };
    if method == Method::GET {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        action.set_query((!query.is_empty()).then_some(&query));
        return Request::get(action);
    }
    if form.multipart {
        let body = multipart(&pairs);
        return Request {
            method,
            url: action,
            headers: Vec::new(),
            body,
        };
    }
    Request::form(action, pairs)
}

/// The "entry list" of the form.
fn pairs(page: &Page<'_>, form: usize, entries: &Entries, submitter: Option<usize>) -> Vec<(String, String)> {
    let switched: Vec<&str> = entries
        .iter()
        .filter(|(index, entry)| **entry == Entry::On && page.controls[**index].kind == Kind::Radio)
        .map(|(index, _)| page.controls[*index].name.as_str())
        .collect();
    let mut pairs = Vec::new();
    for (index, control) in page.of_form(Some(form)) {
        if control.name.is_empty() {
            continue;
        }
        let value = match (control.kind, entries.get(&index)) {
            (Kind::Submit | Kind::Button, _) => (submitter == Some(index)).then(|| control.value.clone()),
            (Kind::Text | Kind::Password | Kind::Hidden, Some(Entry::Text(text))) => Some(text.clone()),
            (Kind::Text | Kind::Password | Kind::Hidden, _) | (Kind::Check | Kind::Radio, Some(Entry::On)) => {
                Some(control.value.clone())
            }
            (Kind::Radio, _) if switched.contains(&control.name.as_str()) => None,
            (Kind::Check | Kind::Radio, _) => control.checked.then(|| control.value.clone()),
            (Kind::Select, Some(Entry::Option(value))) => Some(value.clone()),
            (Kind::Select, _) => {
                pairs.extend(selected(control).map(|value| (control.name.clone(), value.to_owned())));
                None
            }
        };
        pairs.extend(value.map(|value| (control.name.clone(), value)));
    }
    pairs
}

fn selected<'a>(control: &'a Control<'_>) -> impl Iterator<Item = &'a str> {
    let any = control.choices.iter().any(|choice| choice.selected);
    let multiple = control.element.attr("multiple").is_some();
    control
        .choices
        .iter()
        .enumerate()
        .filter(move |(index, choice)| choice.selected || (!any && !multiple && *index == 0))
        .map(|(_, choice)| choice.value.as_str())
}

/// RFC 7578. The boundary holds no more chance than needed: it must not stand in a value.
fn multipart(pairs: &[(String, String)]) -> RequestBody {
    let mut boundary = String::from("launchproof-form");
    while pairs
        .iter()
        .any(|(name, value)| name.contains(&boundary) || value.contains(&boundary))
    {
        boundary.push_str("-x");
    }
    let mut parts = Vec::new();
    for (name, value) in pairs {
        let name = name.replace('"', "%22").replace(['\r', '\n'], " ");
        parts.push(format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    parts.push(format!("--{boundary}--\r\n"));
    RequestBody::Raw {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes: parts.concat().into(),
    }
}
