//! What a button or link is for, by its words, in the languages of consent pages that we met: English.

use super::decide::Press;
use super::page::{Control, Kind, Page};

/// What a button is for, by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Allow,
    Deny,
    /// Not on the way: search, log out, another language.
    Aside,
    Unclear,
}

const DENY: &[&str] = &[
    "deny", "denied", "cancel", "no", "reject", "decline", "refuse", "disallow", "don't", "dont", "not", "abort",
];
const ASIDE: &[&str] = &[
    "logout",
    "signout",
    "out",
    "search",
    "back",
    "home",
    "register",
    "signup",
    "forgot",
    "forgotten",
    "reset",
    "language",
    "help",
    "switch",
    "retry",
    "print",
    "clear",
];
const ALLOW: &[&str] = &[
    "allow",
    "allowed",
    "authorize",
    "authorise",
    "approve",
    "accept",
    "agree",
    "yes",
    "continue",
    "confirm",
    "grant",
    "permit",
    "ok",
    "proceed",
    "next",
    "consent",
    "true",
    "1",
];

/// Words that allow even where they stand at a link; "Continue" at a link may lead anywhere.
const ALLOW_BY_LINK: &[&str] = &["allow", "authorize", "authorise", "approve", "accept", "agree", "grant"];

/// The button that sends a sign-in form: the first that neither denies nor leads aside.
pub(super) fn first_submit(page: &Page<'_>, group: Option<usize>) -> Option<usize> {
    let mut buttons = page.of_form(group).filter(|(_, control)| sends(control, group));
    buttons
        .find(|(_, control)| !matches!(meaning(control), Meaning::Deny | Meaning::Aside))
        .map(|(index, _)| index)
}

/// Outside of forms every button may.
fn sends(control: &Control<'_>, group: Option<usize>) -> bool {
    control.kind == Kind::Submit || (group.is_none() && control.kind == Kind::Button)
}

/// The button that sends a form on: one that allows, else the first that neither denies nor leads aside.
pub(super) fn submit_of(page: &Page<'_>, group: Option<usize>) -> Option<usize> {
    let buttons: Vec<(usize, Meaning)> = page
        .of_form(group)
        .filter(|(_, control)| sends(control, group))
        .map(|(index, control)| (index, meaning(control)))
        .collect();
    let with = |wanted: Meaning| {
        buttons
            .iter()
            .find(|(_, meaning)| *meaning == wanted)
            .map(|(index, _)| *index)
    };
    with(Meaning::Allow).or_else(|| with(Meaning::Unclear))
}

/// A page's one button, where it is not one that leads aside.
pub(super) fn only_submit(page: &Page<'_>) -> Option<Press> {
    let mut buttons = page
        .controls
        .iter()
        .enumerate()
        .filter(|(_, control)| control.kind == Kind::Submit && meaning(control) != Meaning::Aside);
    match (buttons.next(), buttons.next()) {
        (Some((index, control)), None) if meaning(control) == Meaning::Unclear => Some(Press::Control(index)),
        _ => None,
    }
}

/// The first button of this meaning, or else the first short link.
pub(super) fn press_meaning(page: &Page<'_>, wanted: Meaning) -> Option<Press> {
    let button = |kind: Kind| {
        page.controls
            .iter()
            .position(|control| control.kind == kind && meaning(control) == wanted)
            .map(Press::Control)
    };
    let link = || {
        let short = |text: &str| text.split_whitespace().count() <= 4;
        page.links
            .iter()
            .position(|link| {
                let strong = link
                    .text
                    .to_lowercase()
                    .split_whitespace()
                    .any(|word| ALLOW_BY_LINK.contains(&word));
                let meant = meaning_of_words(&link.text) == wanted && (wanted != Meaning::Allow || strong);
                short(&link.text) && meant
            })
            .map(Press::Link)
    };
    button(Kind::Submit).or_else(|| button(Kind::Button)).or_else(link)
}

pub(super) fn meaning(control: &Control<'_>) -> Meaning {
    match meaning_of_words(&control.label) {
        Meaning::Unclear => match meaning_of_words(&control.value) {
            Meaning::Unclear => meaning_of_words(&control.name),
            known => known,
        },
        known => known,
    }
}

fn meaning_of_words(text: &str) -> Meaning {
    let text = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
    if any(DENY) {
        Meaning::Deny
    } else if any(ASIDE) {
        Meaning::Aside
    } else if any(ALLOW) {
        Meaning::Allow
    } else {
        Meaning::Unclear
    }
}
