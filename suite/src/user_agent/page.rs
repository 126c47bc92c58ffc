//! Reads a page as a browser without scripts sees it: its forms, controls, links, and its readable text.
//!
//! HTML Living Standard, "Form control infrastructure".

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http::Method;
use scraper::{ElementRef, Html, Node, Selector};
use url::Url;

use super::control::{label_of, read_control, read_form};

/// The attribute by which Chromium's snapshot names its elements.
pub(super) const HANDLE: &str = "data-launchproof";

/// A parsed page.
pub(super) struct Page<'a> {
    pub(super) html: &'a Html,
    pub(super) url: &'a Url,
    pub(super) base: Url,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) forms: Vec<Form>,
    pub(super) controls: Vec<Control<'a>>,
    pub(super) links: Vec<Link<'a>>,
}

/// A form's own attributes.
pub(super) struct Form {
    pub(super) action: Url,
    pub(super) method: Method,
    pub(super) multipart: bool,
}

/// What a control is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Password,
    Hidden,
    Check,
    Radio,
    Select,
    /// A button that submits.
    Submit,
    /// A button of which only a script knows what it does.
    Button,
}

/// A control; `form` is its index in [`Page::forms`], `None` outside of any.
pub(super) struct Control<'a> {
    pub(super) element: ElementRef<'a>,
    pub(super) form: Option<usize>,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) value: String,
    /// What a person reads at it.
    pub(super) label: String,
    pub(super) checked: bool,
    pub(super) choices: Vec<Choice>,
}

/// An option of a select.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) selected: bool,
}

/// A link with an address.
pub(super) struct Link<'a> {
    pub(super) element: ElementRef<'a>,
    pub(super) href: Option<Url>,
    pub(super) text: String,
}

impl<'a> Page<'a> {
    pub(super) fn read(html: &'a Html, url: &'a Url) -> Self {
        let base = html
            .select(&css("base[href]"))
            .next()
            .and_then(|base| url.join(base.attr("href")?.trim()).ok())
            .unwrap_or_else(|| url.clone());
        let form_elements: Vec<ElementRef<'a>> = html.select(&css("form")).collect();
        let forms = form_elements.iter().map(|form| read_form(*form, url, &base)).collect();
        let controls = html
            .select(&css("input, select, textarea, button"))
            .filter_map(|element| read_control(html, element, &form_elements))
            .collect();
        let links = html
            .select(&css("a[href], a[role=button], [role=button]:not(button)"))
            .map(|element| Link {
                element,
                href: element.attr("href").and_then(|href| base.join(href.trim()).ok()),
                text: label_of(html, element),
            })
            .collect();
        let title = html
            .select(&css("title"))
            .next()
            .map(|title| squeeze(title.text()))
            .unwrap_or_default();
        let text = readable(html.root_element());
        Self {
            html,
            url,
            base,
            title,
            text,
            forms,
            controls,
            links,
        }
    }

    /// Controls of one form, with their indices in [`Page::controls`].
    pub(super) fn of_form(&self, form: Option<usize>) -> impl Iterator<Item = (usize, &Control<'a>)> {
        self.controls
            .iter()
            .enumerate()
            .filter(move |(_, control)| control.form == form)
    }

    /// Whether something matches; a selector that cannot be read matches nothing.
    pub(super) fn has(&self, selector: &str) -> bool {
        Selector::parse(selector).is_ok_and(|selector| self.html.select(&selector).next().is_some())
    }

    /// Whether this element matches.
    pub(super) fn matches(element: ElementRef<'_>, selector: &str) -> bool {
        Selector::parse(selector).is_ok_and(|selector| selector.matches(&element))
    }

    /// The target of `<meta http-equiv=refresh>`, or of a script that only sets `location`.
    pub(super) fn goes_on_to(&self) -> Option<Url> {
        let refresh = self.html.select(&css("meta[http-equiv]")).find_map(|meta| {
            let is_refresh = meta.attr("http-equiv")?.eq_ignore_ascii_case("refresh");
            let content = meta.attr("content").filter(|_| is_refresh)?;
            let (_, target) = content.split_once([';', ','])?;
            let target = target.trim();
            let target = match target.get(..3) {
                Some(start) if start.eq_ignore_ascii_case("url") => target[3..].trim_start().trim_start_matches('='),
                _ => target,
            };
            self.base.join(target.trim().trim_matches(['"', '\''])).ok()
        });
        refresh.or_else(|| {
            let by_hand = self.controls.iter().any(|control| control.kind != Kind::Hidden);
            if by_hand {
                None
            } else {
                self.scripts()
                    .iter()
                    .find_map(|script| self.base.join(&location_in(script)?).ok())
            }
        })
    }

    /// The one form that a script submits as soon as the page is there.
    pub(super) fn submits_itself(&self) -> Option<usize> {
        let visible = self
            .controls
            .iter()
            .any(|control| !matches!(control.kind, Kind::Hidden | Kind::Submit));
        if self.forms.len() != 1 || visible {
            return None;
        }
        let onload = self
            .html
            .select(&css("body[onload]"))
            .filter_map(|body| body.attr("onload"))
            .collect::<String>();
        let submits = |script: &str| script.contains("submit(") || script.contains(".click(");
        (submits(&onload) || self.scripts().iter().any(|script| submits(script))).then_some(0)
    }

    fn scripts(&self) -> Vec<String> {
        self.html
            .select(&css("script:not([src])"))
            .map(|script| script.text().collect())
            .collect()
    }

    /// A page that is empty until scripts have run.
    pub(super) fn needs_scripts(&self) -> bool {
        let has_scripts = self.has("script");
        let asks = self.has("noscript")
            && self.html.select(&css("noscript")).any(|element| {
                let text = element.text().collect::<String>().to_ascii_lowercase();
                text.contains("javascript") || text.contains("enable script")
            });
        let empty_root = self
            .html
            .select(&css("#root, #app, #__next, app-root, [data-reactroot]"))
            .any(|root| readable(root).is_empty());
        let text = self.text.to_ascii_lowercase();
        let bare = text.len() < 40 && (text.is_empty() || text.contains("loading") || text.contains("javascript"));
        has_scripts && (empty_root || bare || (asks && text.len() < 200))
    }

    /// Title, fields and buttons, for a message.
    pub(super) fn describe(&self) -> String {
        let mut parts = Vec::new();
        let groups = (0..self.forms.len()).map(Some).chain(std::iter::once(None));
        for group in groups {
            let of = |wanted: fn(Kind) -> bool| -> Vec<String> {
                self.of_form(group)
                    .filter(|(_, control)| wanted(control.kind))
                    .map(|(_, control)| control.called())
                    .take(12)
                    .collect()
            };
            let fields = of(|kind| !matches!(kind, Kind::Hidden | Kind::Submit | Kind::Button));
            let buttons = of(|kind| matches!(kind, Kind::Submit | Kind::Button));
            if fields.is_empty() && buttons.is_empty() && group.is_none() {
                continue;
            }
            let what = match group {
                Some(form) => format!("a form {} {}", self.forms[form].method, self.forms[form].action.path()),
                None => "outside of forms".to_owned(),
            };
            parts.push(format!(
                "{what} with fields [{}] and buttons [{}]",
                fields.join(", "),
                buttons.join(", ")
            ));
        }
        if parts.is_empty() {
            parts.push(format!("no form; its text begins “{}”", cut(&self.text, 160)));
        }
        format!(
            "the page “{}” at {} has {}",
            self.title,
            without_query(self.url),
            parts.join("; ")
        )
    }
}

impl Control<'_> {
    /// How messages and scripts name it.
    pub(super) fn called(&self) -> String {
        let word = match self.kind {
            Kind::Submit | Kind::Button if !self.label.is_empty() => &self.label,
            _ if !self.name.is_empty() => &self.name,
            _ => &self.label,
        };
        cut(word, 40)
    }

    pub(super) fn handle(&self) -> Option<String> {
        handle(self.element)
    }

    pub(super) fn id(&self) -> &str {
        self.element.attr("id").unwrap_or_default()
    }
}

pub(super) fn handle(element: ElementRef<'_>) -> Option<String> {
    element.attr(HANDLE).map(str::to_owned)
}

/// A selector of ours, parsed once.
pub(super) fn css(fixed: &'static str) -> Arc<Selector> {
    static PARSED: LazyLock<Mutex<HashMap<&'static str, Arc<Selector>>>> = LazyLock::new(Mutex::default);
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    let parse = || Arc::new(Selector::parse(fixed).expect("a fixed selector"));
    Arc::clone(parsed.entry(fixed).or_insert_with(parse))
}

/// What a person reads: no scripts, no styles, no title, no options.
pub(super) fn readable(root: ElementRef<'_>) -> String {
    let hidden = ["script", "style", "noscript", "template", "title", "option", "head"];
    let mut words = String::new();
    for node in root.descendants() {
        let Node::Text(text) = node.value() else { continue };
        let unseen = node
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|outer| hidden.contains(&outer.value().name()) || outer.attr("hidden").is_some());
        if !unseen {
            words.push_str(text);
            words.push(' ');
        }
    }
    squeeze(std::iter::once(words.as_str()))
}

pub(super) fn squeeze<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let text: String = texts.collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The address in `location = "…"`, `location.href = '…'`, `location.replace("…")`, `location.assign("…")`.
fn location_in(script: &str) -> Option<String> {
    let mut rest = script;
    while let Some(at) = rest.find("location") {
        rest = &rest[at + "location".len()..];
        let mut after = rest.trim_start();
        for way in [".href", ".replace", ".assign"] {
            after = after.strip_prefix(way).unwrap_or(after).trim_start();
        }
        let Some(after) = after.strip_prefix(['=', '(']).map(str::trim_start) else {
            continue;
        };
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let inside = &after[1..];
        let Some(end) = inside.find(quote) else { continue };
        return Some(
            inside[..end]
                .replace("\\/", "/")
                .replace("\\u0026", "&")
                .replace("\\x26", "&"),
        );
    }
    None
}

/// At most this many characters, with an ellipsis.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
    }
}

/// An address as a message may show it: queries hold codes.
pub(super) fn without_query(url: &Url) -> String {
    url[..url::Position::AfterPath].to_owned()
}
