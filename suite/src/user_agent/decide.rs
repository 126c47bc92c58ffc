//! Decides what to do on a page: by the profile's script first, then as an ordinary page is recognised.
//!
//! The order is that of the design: known page, described error, then refused or stuck; nothing is sent from here.

use std::collections::HashMap;

use scraper::Html;
use url::Url;

use super::Persona;
use super::form::{Entries, Entry, submission};
use super::page::{Kind, Page, cut, handle, without_query};
use super::recognise;
use super::script;
use crate::http::Request;
use crate::target::sign_in::{Fillings, On, Rule, SignIn};

/// What somebody sees, and who they are.
pub(super) struct Sight<'a> {
    pub(super) url: &'a Url,
    pub(super) html: &'a str,
    pub(super) persona: &'a Persona,
    pub(super) user: Option<&'a crate::target::User>,
    /// The one-time password of this moment.
    pub(super) totp: Option<&'a str>,
    pub(super) sign_in: &'a SignIn,
    pub(super) tried: &'a Tried,
    /// The page stands in the frame that this rule names.
    pub(super) forced_rule: Option<usize>,
    /// Whether the agent runs scripts.
    pub(super) runs_scripts: bool,
}

/// How often each thing was done in this walk, by its name in [`Deed::key`].
#[derive(Debug, Clone, Default)]
pub(super) struct Tried(HashMap<String, u32>);

const PASSWORD: &str = "a password";

impl Tried {
    pub(super) fn note(&mut self, deed: &Deed) {
        let password = deed.typed_password.then_some(PASSWORD);
        for key in [deed.key.as_str()].into_iter().chain(password) {
            *self.0.entry(key.to_owned()).or_default() += 1;
        }
    }

    /// Whether a password was typed: the same one is not tried again, since accounts are locked for that.
    pub(super) fn password(&self) -> bool {
        self.times(PASSWORD) > 0
    }

    pub(super) fn times(&self, key: &str) -> u32 {
        self.0.get(key).copied().unwrap_or_default()
    }
}

/// What to do.
#[derive(Debug)]
pub(super) enum Decision {
    /// Fill and press.
    Act(Box<Deed>),
    /// The page itself goes on to there.
    Go(Url),
    /// The page submits its form by itself.
    Submit(Box<Request>),
    /// What the rule of this index asks for happens in the frame that matches.
    Frame { css: String, src: Option<Url>, rule: usize },
    /// `[sign_in] error` describes this page.
    Refused,
    /// Nothing to fill or press.
    Formless,
    /// Not understood; the reason teaches.
    Stuck(String),
}

/// Fields to set, then something to press.
#[derive(Debug)]
pub(super) struct Deed {
    /// What [`Tried`] counts.
    pub(super) key: String,
    pub(super) sets: Vec<Set>,
    /// Handle of what is pressed; `None` is Enter in the last field set.
    pub(super) press: Option<String>,
    /// What a browser without scripts would send; `None` where only a script knows.
    pub(super) request: Option<Request>,
    pub(super) typed_password: bool,
    /// Whether it is what a user presses who refuses.
    pub(super) denies: bool,
}

/// One field.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) handle: Option<String>,
    pub(super) entry: Entry,
    /// Key by key, where the agent has keys.
    pub(super) by_keys: bool,
}

/// What is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    /// A control's index.
    Control(usize),
    /// A link's index.
    Link(usize),
    /// Enter in this form.
    Enter(Option<usize>),
}

/// A rule more often than this on one address is a loop.
pub(super) const MOST_REPEATS: u32 = 3;

pub(super) fn decide(sight: &Sight<'_>) -> Decision {
    let html = Html::parse_document(sight.html);
    let page = Page::read(&html, sight.url);
    if !sight.runs_scripts {
        if let Some(form) = page.submits_itself() {
            return Decision::Submit(Box::new(submission(&page, form, &Entries::new(), None)));
        }
        if let Some(url) = page.goes_on_to() {
            return Decision::Go(url);
        }
    }
    let described = sight.sign_in.error.as_ref().is_some_and(|error| is_on(error, &page));
    if let Some((index, rule)) = matching_rule(sight, &page) {
        let times = sight.tried.times(&rule_key(index, sight.url));
        if described && times > 0 {
            return Decision::Refused;
        }
        if times >= MOST_REPEATS {
            return Decision::Stuck(format!(
                "rule {} of [sign_in] was followed {times} times and the same page came back: {}; it says “{}”",
                index + 1,
                page.describe(),
                cut(&page.text, 200)
            ));
        }
        return script::follow(sight, &page, index, rule);
    }
    if described {
        return Decision::Refused;
    }
    recognise::recognise(sight, &page)
}

/// Whether a page has a field for a password; a style sheet that speaks of one does not count.
pub(super) fn asks_for_password(html: &str) -> bool {
    // Parsing is dear, and most pages do not hold the word.
    if !html.to_ascii_lowercase().contains("password") {
        return false;
    }
    let html = Html::parse_document(html);
    html.select(&super::page::css("input[type=password i]"))
        .next()
        .is_some()
}

/// Title and readable text, for a landing.
pub(super) fn words(html: &str, most: usize) -> String {
    let html = Html::parse_document(html);
    let text = super::page::readable(html.root_element());
    cut(&text, most)
}

pub(super) fn rule_key(index: usize, url: &Url) -> String {
    format!("rule {index} at {}", without_query(url))
}

fn matching_rule<'a>(sight: &'a Sight<'_>, page: &Page<'_>) -> Option<(usize, &'a Rule)> {
    let mut rules = sight.sign_in.rules(sight.persona.allow).enumerate();
    match sight.forced_rule {
        Some(forced) => rules.find(|(index, _)| *index == forced),
        None => rules.find(|(_, rule)| is_on(&rule.on, page)),
    }
}

fn is_on(on: &On, page: &Page<'_>) -> bool {
    on.path_matches(page.url)
        && on.has.as_ref().is_none_or(|css| page.has(css))
        && on.text.as_ref().is_none_or(|text| {
            let text = text.to_lowercase();
            page.text.to_lowercase().contains(&text) || page.title.to_lowercase().contains(&text)
        })
}

impl Sight<'_> {
    /// What the placeholders stand for, or why nobody can fill this page.
    pub(super) fn fillings(&self) -> Result<Fillings<'_>, String> {
        let name = &self.persona.user;
        let Some(user) = self.user else {
            return Err(format!(
                "the page asks somebody to sign in, and the profile has no user `{name}`: add [users.{name}] with \
                 username and password = {{ env = \"…\" }}"
            ));
        };
        Ok(Fillings {
            username: &user.username,
            password: user.password.as_ref().map_or("", |password| password.expose()),
            patient: self.persona.patient.as_deref().unwrap_or_default(),
        })
    }
}

/// Puts a deed together from what is set and pressed.
pub(super) fn deed(page: &Page<'_>, key: String, sets: Vec<(usize, Entry, bool)>, press: Press) -> Deed {
    let typed_password = sets
        .iter()
        .any(|(index, ..)| page.controls[*index].kind == Kind::Password);
    let entries: Entries = sets.iter().map(|(index, entry, _)| (*index, entry.clone())).collect();
    let request = match press {
        Press::Link(index) => page.links[index]
            .href
            .clone()
            .filter(|href| href.scheme().starts_with("http"))
            .map(Request::get),
        Press::Control(index) => match page.controls[index].kind {
            Kind::Button => None,
            _ => page.controls[index]
                .form
                .map(|form| submission(page, form, &entries, Some(index))),
        },
        Press::Enter(form) => form.map(|form| {
            // HTML: implicit submission presses the form's first submit button.
            let button = page
                .of_form(Some(form))
                .find(|(_, control)| control.kind == Kind::Submit);
            submission(page, form, &entries, button.map(|(index, _)| index))
        }),
    };
    Deed {
        key,
        typed_password,
        denies: false,
        press: match press {
            Press::Control(index) => page.controls[index].handle(),
            Press::Link(index) => handle(page.links[index].element),
            Press::Enter(_) => None,
        },
        request,
        sets: sets
            .into_iter()
            .map(|(index, entry, by_keys)| Set {
                handle: page.controls[index].handle(),
                entry,
                by_keys,
            })
            .collect(),
    }
}
