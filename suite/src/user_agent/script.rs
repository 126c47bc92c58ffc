//! Follows one rule of the profile's sign-in script on a page.

use scraper::Selector;

use super::decide::{Decision, Press, Sight, deed, rule_key};
use super::form::Entry;
use super::meaning::submit_of;
use super::page::{Kind, Page};
use crate::target::sign_in::Rule;

/// The rule's actions on this page; where the page lacks what the rule names, the reason says what it has.
pub(super) fn follow(sight: &Sight<'_>, page: &Page<'_>, index: usize, rule: &Rule) -> Decision {
    if let Some(css) = rule.frame.as_ref().filter(|_| sight.forced_rule.is_none()) {
        return frame(page, index, css);
    }
    match actions(sight, page, rule) {
        Ok((sets, press)) => {
            let key = rule_key(index, sight.url);
            let mut deed = deed(page, key, sets, press);
            // The denying rules come first.
            deed.denies = !sight.persona.allow && index < sight.sign_in.deny.len();
            Decision::Act(Box::new(deed))
        }
        Err(lacking) => Decision::Stuck(format!(
            "rule {} of [sign_in] {lacking}; {}",
            index + 1,
            page.describe()
        )),
    }
}

fn frame(page: &Page<'_>, rule: usize, css: &str) -> Decision {
    let Some(found) = Selector::parse(css)
        .ok()
        .and_then(|selector| page.html.select(&selector).next())
    else {
        return Decision::Stuck(format!(
            "rule {} of [sign_in] names the frame `{css}`; {}",
            rule + 1,
            page.describe()
        ));
    };
    let src = found.attr("src").and_then(|src| page.base.join(src.trim()).ok());
    Decision::Frame {
        css: css.to_owned(),
        src,
        rule,
    }
}

type Actions = (Vec<(usize, Entry, bool)>, Press);

fn actions(sight: &Sight<'_>, page: &Page<'_>, rule: &Rule) -> Result<Actions, String> {
    let fillings = sight.fillings();
    let fill = |template: &str| -> Result<String, String> {
        if template.contains("{password}") && sight.user.is_some_and(|user| user.password.is_none()) {
            let name = &sight.persona.user;
            return Err(format!("fills {{password}}, and [users.{name}] has none"));
        }
        if template.contains('{') {
            fillings.as_ref().map(|f| f.fill(template)).map_err(Clone::clone)
        } else {
            Ok(template.to_owned())
        }
    };
    let mut sets = Vec::new();
    for (field, template, by_keys) in rule
        .fill
        .iter()
        .map(|(field, template)| (field, template, false))
        .chain(rule.keys.iter().map(|(field, template)| (field, template, true)))
    {
        let index = field_named(page, field).ok_or_else(|| format!("fills `{field}`, which is not there"))?;
        sets.push((index, Entry::Text(fill(template)?), by_keys));
    }
    if let Some(field) = &rule.totp {
        let index = field_named(page, field)
            .ok_or_else(|| format!("fills `{field}` with a one-time password, which is not there"))?;
        let code = sight.totp.ok_or_else(|| {
            let name = &sight.persona.user;
            format!("wants a one-time password: add `totp = {{ env = \"…\" }}`, the Base32 secret, to [users.{name}]")
        })?;
        sets.push((index, Entry::Text(code.to_owned()), false));
    }
    let mut press = None;
    if let Some(template) = &rule.choose {
        match choice(page, &fill(template)?).ok_or_else(|| format!("chooses `{template}`, which is not there"))? {
            Chosen::Set(index, entry) => sets.push((index, entry, false)),
            Chosen::Press(what) => press = Some(what),
        }
    }
    let form = sets.first().and_then(|(index, ..)| page.controls[*index].form);
    if let Some(template) = &rule.click {
        let wanted = fill(template)?;
        press = Some(button(page, &wanted, form).ok_or_else(|| format!("clicks `{wanted}`, which is not there"))?);
    }
    match press {
        Some(press) => Ok((sets, press)),
        None if sets.is_empty() => Err("does nothing on this page: give it fill, choose or click".into()),
        None => Ok((sets, Press::Enter(form))),
    }
}

/// A field by name, id, or CSS.
fn field_named(page: &Page<'_>, wanted: &str) -> Option<usize> {
    let field = |kind: Kind| !matches!(kind, Kind::Submit | Kind::Button);
    let position = |is: &dyn Fn(usize) -> bool| {
        (0..page.controls.len()).find(|index| field(page.controls[*index].kind) && is(*index))
    };
    position(&|index| page.controls[index].name == wanted && page.controls[index].kind != Kind::Hidden)
        .or_else(|| position(&|index| page.controls[index].name == wanted))
        .or_else(|| position(&|index| page.controls[index].id() == wanted))
        .or_else(|| position(&|index| Page::matches(page.controls[index].element, wanted)))
}

/// Something chosen: set in a form, or pressed.
pub(super) enum Chosen {
    Set(usize, Entry),
    Press(Press),
}

/// An option, radio button, button or link, by value, then by text, then by CSS.
pub(super) fn choice(page: &Page<'_>, wanted: &str) -> Option<Chosen> {
    if wanted.is_empty() {
        return None;
    }
    let set_or_press = |index: usize| match page.controls[index].kind {
        Kind::Submit | Kind::Button => Chosen::Press(Press::Control(index)),
        _ => Chosen::Set(index, Entry::On),
    };
    let choosable = |kind: Kind| matches!(kind, Kind::Radio | Kind::Check | Kind::Submit | Kind::Button);
    let lower = wanted.to_lowercase();
    for (index, control) in page.controls.iter().enumerate() {
        if choosable(control.kind) && control.value == wanted {
            return Some(set_or_press(index));
        }
        if let Some(choice) = control.choices.iter().find(|choice| choice.value == wanted) {
            return Some(Chosen::Set(index, Entry::Option(choice.value.clone())));
        }
        // One form a choice, with the value in a hidden field.
        if control.kind == Kind::Hidden
            && control.value == wanted
            && control.form.is_some()
            && let Some(button) = submit_of(page, control.form)
        {
            return Some(Chosen::Press(Press::Control(button)));
        }
    }
    for (index, control) in page.controls.iter().enumerate() {
        if choosable(control.kind) && has_word(&control.label.to_lowercase(), &lower) {
            return Some(set_or_press(index));
        }
        if let Some(choice) = control
            .choices
            .iter()
            .find(|choice| has_word(&choice.text.to_lowercase(), &lower))
        {
            return Some(Chosen::Set(index, Entry::Option(choice.value.clone())));
        }
    }
    let link = page.links.iter().position(|link| {
        has_word(&link.text.to_lowercase(), &lower)
            || link.href.as_ref().is_some_and(|href| {
                href.path_segments()
                    .is_some_and(|mut parts| parts.any(|part| part == wanted))
                    || href.query_pairs().any(|(_, value)| value == wanted)
            })
    });
    link.map(|index| Chosen::Press(Press::Link(index))).or_else(|| {
        let by_css = page
            .controls
            .iter()
            .position(|control| Page::matches(control.element, wanted));
        let link_by_css = || page.links.iter().position(|link| Page::matches(link.element, wanted));
        by_css
            .map(set_or_press)
            .or_else(|| link_by_css().map(|index| Chosen::Press(Press::Link(index))))
    })
}

/// Whether `needle` stands in the text with no letter or digit at its sides: `pt-1` is not in `pt-10`.
fn has_word(text: &str, needle: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(needle).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + needle.len()..].chars().next().is_some_and(part)
    })
}

/// A button or link by its text, by name or value, or by CSS; those of `form` first.
fn button(page: &Page<'_>, wanted: &str, form: Option<usize>) -> Option<Press> {
    let lower = wanted.to_lowercase();
    let buttons: Vec<usize> = {
        let is_button = |index: &usize| matches!(page.controls[*index].kind, Kind::Submit | Kind::Button);
        let mut all: Vec<usize> = (0..page.controls.len()).filter(is_button).collect();
        all.sort_by_key(|index| form.is_some() && page.controls[*index].form != form);
        all
    };
    let first = |is: &dyn Fn(usize) -> bool| buttons.iter().copied().find(|index| is(*index)).map(Press::Control);
    let link = |is: &dyn Fn(usize) -> bool| (0..page.links.len()).find(|index| is(*index)).map(Press::Link);
    first(&|index| page.controls[index].label.to_lowercase() == lower)
        .or_else(|| link(&|index| page.links[index].text.to_lowercase() == lower))
        .or_else(|| first(&|index| page.controls[index].value.to_lowercase() == lower))
        .or_else(|| first(&|index| page.controls[index].id() == wanted || page.controls[index].name == wanted))
        .or_else(|| first(&|index| Page::matches(page.controls[index].element, wanted)))
        .or_else(|| link(&|index| Page::matches(page.links[index].element, wanted)))
        .or_else(|| first(&|index| page.controls[index].label.to_lowercase().contains(&lower)))
        .or_else(|| link(&|index| page.links[index].text.to_lowercase().contains(&lower)))
}
