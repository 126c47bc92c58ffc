//! Reads forms, controls and their labels from a page's elements.

use http::Method;
use scraper::{ElementRef, Html};
use url::Url;

use super::page::{Choice, Control, Form, Kind, css, readable, squeeze};

/// The attribute by which Chromium's snapshot marks what nobody sees.
const UNSEEN: &str = "data-launchproof-unseen";

pub(super) fn read_form(form: ElementRef<'_>, url: &Url, base: &Url) -> Form {
    let action = form.attr("action").map(str::trim).filter(|action| !action.is_empty());
    let mut action = action
        .and_then(|action| base.join(action).ok())
        .unwrap_or_else(|| url.clone());
    action.set_fragment(None);
    let is = |name: &str, value: &str| form.attr(name).is_some_and(|text| text.eq_ignore_ascii_case(value));
    Form {
        action,
        method: if is("method", "post") {
            Method::POST
        } else {
            Method::GET
        },
        multipart: is("enctype", "multipart/form-data"),
    }
}

pub(super) fn read_control<'a>(
    html: &'a Html,
    element: ElementRef<'a>,
    forms: &[ElementRef<'a>],
) -> Option<Control<'a>> {
    if element.attr("disabled").is_some() || element.attr(UNSEEN).is_some() {
        return None;
    }
    let form = match element.attr("form") {
        Some(id) => forms.iter().position(|form| form.attr("id") == Some(id)),
        None => forms
            .iter()
            .position(|form| element.ancestors().any(|ancestor| ancestor.id() == form.id())),
    };
    let kind = kind_of(element)?;
    let value = match element.value().name() {
        "textarea" => element.text().collect(),
        _ => element.attr("value").map_or_else(
            || {
                if matches!(kind, Kind::Check | Kind::Radio) {
                    "on".into()
                } else {
                    String::new()
                }
            },
            str::to_owned,
        ),
    };
    let choices = element
        .select(&css("option:not([disabled])"))
        .map(|option| {
            let text = squeeze(option.text());
            let value = option.attr("value").map_or_else(|| text.clone(), str::to_owned);
            Choice {
                value,
                text,
                selected: option.attr("selected").is_some(),
            }
        })
        .collect();
    Some(Control {
        element,
        form,
        kind,
        name: element.attr("name").unwrap_or_default().to_owned(),
        value,
        label: label_of(html, element),
        checked: element.attr("checked").is_some(),
        choices,
    })
}

fn kind_of(element: ElementRef<'_>) -> Option<Kind> {
    let kind = element.attr("type").unwrap_or_default().to_ascii_lowercase();
    Some(match (element.value().name(), kind.as_str()) {
        ("select", _) => Kind::Select,
        ("button" | "input", "button") => Kind::Button,
        ("button" | "input", "reset") | ("input", "file") => return None,
        ("button", _) | ("input", "submit" | "image") => Kind::Submit,
        ("input", "password") => Kind::Password,
        ("input", "hidden") => Kind::Hidden,
        ("input", "checkbox") => Kind::Check,
        ("input", "radio") => Kind::Radio,
        _ => Kind::Text,
    })
}

pub(super) fn label_of(html: &Html, element: ElementRef<'_>) -> String {
    let is_input = element.value().name() == "input";
    let own = squeeze(element.text());
    if !own.is_empty() && !matches!(element.value().name(), "select" | "textarea") {
        return own;
    }
    let kind = element.attr("type").unwrap_or_default();
    if is_input && matches!(kind, "submit" | "button" | "image") {
        let label = element.attr("value").or(element.attr("alt")).or(element.attr("title"));
        return label.unwrap_or(kind).to_owned();
    }
    let by_for = element.attr("id").and_then(|id| {
        html.select(&css("label[for]"))
            .find(|label| label.attr("for") == Some(id))
            .map(|label| squeeze(label.text()))
    });
    let around = || {
        let label = element
            .ancestors()
            .filter_map(ElementRef::wrap)
            .find(|outer| outer.value().name() == "label")?;
        Some(readable(label))
    };
    by_for
        .or_else(around)
        .or_else(|| {
            element
                .attr("aria-label")
                .or(element.attr("placeholder"))
                .or(element.attr("title"))
                .map(str::to_owned)
        })
        .unwrap_or_default()
}
