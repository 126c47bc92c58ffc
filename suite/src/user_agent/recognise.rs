//! Recognises ordinary pages without a script: sign-in, user name first, patient picker, consent.

use super::decide::{Decision, MOST_REPEATS, Press, Sight, deed};
use super::form::Entry;
use super::meaning::{Meaning, first_submit, meaning, only_submit, press_meaning, submit_of};
use super::page::{Control, Kind, Page, cut, without_query};
use super::script::{Chosen, choice};

pub(super) fn recognise(sight: &Sight<'_>, page: &Page<'_>) -> Decision {
    let groups: Vec<Option<usize>> = (0..page.forms.len()).map(Some).chain(std::iter::once(None)).collect();
    if let Some(decision) = groups.iter().find_map(|group| sign_in(sight, page, *group)) {
        return decision;
    }
    if let Some(decision) = groups.iter().find_map(|group| user_name(sight, page, *group)) {
        return decision;
    }
    if !sight.persona.allow
        && let Some(press) = press_meaning(page, Meaning::Deny)
    {
        let mut decision = act(sight, page, "consent", Vec::new(), press);
        if let Decision::Act(deed) = &mut decision {
            deed.denies = true;
        }
        return decision;
    }
    if let Some(decision) = picker(sight, page) {
        return decision;
    }
    if let Some(decision) = consent(sight, page) {
        return decision;
    }
    if page.needs_scripts() && !sight.runs_scripts {
        return Decision::Stuck(format!(
            "the page “{}” at {} is empty until its scripts have run, and the http agent runs none: use --agent chrome",
            page.title,
            without_query(page.url)
        ));
    }
    if groups.iter().any(|group| matters(page, *group)) {
        not_understood(page)
    } else {
        Decision::Formless
    }
}

fn not_understood(page: &Page<'_>) -> Decision {
    let button = page
        .controls
        .iter()
        .find(|control| matches!(control.kind, Kind::Submit | Kind::Button));
    let click = button.map_or_else(|| "…".to_owned(), Control::called);
    Decision::Stuck(format!(
        "a page is not understood: say in [sign_in] script what to do, for instance {{ on = \"{}\", click = \"{click}\" }}. \
         It is {}",
        page.url.path(),
        page.describe(),
    ))
}

fn act(sight: &Sight<'_>, page: &Page<'_>, what: &str, sets: Vec<(usize, Entry, bool)>, press: Press) -> Decision {
    let key = format!("{what} at {}", without_query(page.url));
    if sight.tried.times(&key) >= MOST_REPEATS {
        return Decision::Stuck(format!(
            "the {what} page was answered {MOST_REPEATS} times and came back each time: {}; it says “{}”",
            page.describe(),
            cut(&page.text, 200)
        ));
    }
    Decision::Act(Box::new(deed(page, key, sets, press)))
}

fn sign_in(sight: &Sight<'_>, page: &Page<'_>, group: Option<usize>) -> Option<Decision> {
    let passwords: Vec<usize> = page
        .of_form(group)
        .filter(|(_, control)| control.kind == Kind::Password)
        .map(|(index, _)| index)
        .collect();
    // Two password fields are a registration or a change of password.
    let [password] = passwords[..] else { return None };
    let fillings = match sight.fillings() {
        Ok(fillings) => fillings,
        Err(reason) => return Some(Decision::Stuck(format!("{reason} ({})", page.describe()))),
    };
    if fillings.password.is_empty() {
        let name = &sight.persona.user;
        return Some(Decision::Stuck(format!(
            "the page asks for a password, and [users.{name}] of the profile has none: add password = {{ env = \"…\" }}"
        )));
    }
    if sight.tried.password() {
        return Some(Decision::Stuck(format!(
            "signed in as `{}`, and the sign-in page came back: is the password wrong, or the account locked? {} says “{}”",
            fillings.username,
            without_query(page.url),
            cut(&page.text, 200)
        )));
    }
    let mut sets = Vec::new();
    let texts = || page.of_form(group).filter(|(_, control)| control.kind == Kind::Text);
    let user = texts()
        .find(|(_, control)| names_user(control))
        .or_else(|| texts().find(|(index, _)| *index < password));
    if let Some((index, _)) = user {
        sets.push((index, Entry::Text(fillings.username.to_owned()), false));
    }
    sets.push((password, Entry::Text(fillings.password.to_owned()), false));
    let press = first_submit(page, group).map_or(Press::Enter(group), Press::Control);
    Some(act(sight, page, "sign-in", sets, press))
}

fn user_name(sight: &Sight<'_>, page: &Page<'_>, group: Option<usize>) -> Option<Decision> {
    let texts: Vec<(usize, &Control<'_>)> = page
        .of_form(group)
        .filter(|(_, control)| control.kind == Kind::Text)
        .collect();
    let [(index, control)] = texts[..] else { return None };
    if !names_user(control) {
        return None;
    }
    let fillings = match sight.fillings() {
        Ok(fillings) => fillings,
        Err(reason) => return Some(Decision::Stuck(reason)),
    };
    let sets = vec![(index, Entry::Text(fillings.username.to_owned()), false)];
    let press = first_submit(page, group).map_or(Press::Enter(group), Press::Control);
    Some(act(sight, page, "user name", sets, press))
}

fn picker(sight: &Sight<'_>, page: &Page<'_>) -> Option<Decision> {
    if let Some(patient) = &sight.persona.patient
        && let Some(chosen) = choice(page, patient)
    {
        return Some(pick(sight, page, chosen));
    }
    let choices: Vec<(usize, &Control<'_>)> = page
        .controls
        .iter()
        .enumerate()
        .filter(|(_, control)| {
            matches!(control.kind, Kind::Radio | Kind::Select | Kind::Submit)
                && (control.name.to_lowercase().contains("patient") || control.id().to_lowercase().contains("patient"))
        })
        .collect();
    let (index, control) = *choices.first()?;
    if let Some(patient) = &sight.persona.patient {
        let shown: Vec<String> = choices
            .iter()
            .flat_map(|(_, control)| {
                let options = control.choices.iter().map(|choice| choice.value.clone());
                options.chain((control.kind != Kind::Select).then(|| control.value.clone()))
            })
            .take(12)
            .collect();
        return Some(Decision::Stuck(format!(
            "the page at {} lets one pick a patient, but not `{patient}` of the profile's [patients]; it shows {}",
            without_query(page.url),
            shown.join(", ")
        )));
    }
    let chosen = match control.kind {
        Kind::Select => {
            let first = control.choices.iter().find(|choice| !choice.value.is_empty())?;
            Chosen::Set(index, Entry::Option(first.value.clone()))
        }
        Kind::Submit => Chosen::Press(Press::Control(index)),
        _ => Chosen::Set(index, Entry::On),
    };
    Some(pick(sight, page, chosen))
}

fn pick(sight: &Sight<'_>, page: &Page<'_>, chosen: Chosen) -> Decision {
    match chosen {
        Chosen::Press(press) => act(sight, page, "patient", Vec::new(), press),
        Chosen::Set(index, entry) => {
            let group = page.controls[index].form;
            let press = submit_of(page, group).map_or(Press::Enter(group), Press::Control);
            act(sight, page, "patient", vec![(index, entry, false)], press)
        }
    }
}

fn consent(sight: &Sight<'_>, page: &Page<'_>) -> Option<Decision> {
    if page.controls.iter().any(|control| {
        matches!(control.kind, Kind::Text | Kind::Password) && control.value.is_empty() && is_required(control)
    }) {
        return None;
    }
    if !sight.persona.allow {
        // `recognise` has pressed a denying button, were there one.
        press_meaning(page, Meaning::Allow)?;
        return Some(Decision::Stuck(format!(
            "nothing on this page denies: {}. Name it in [sign_in] deny, for instance {{ on = \"{}\", click = \"…\" }}",
            page.describe(),
            page.url.path()
        )));
    }
    let press = press_meaning(page, Meaning::Allow)
        .or_else(|| only_submit(page).filter(|press| !asks_something(page, press)))?;
    let mut sets = Vec::new();
    if let Press::Control(index) = press {
        let unticked = |control: &Control<'_>| {
            control.kind == Kind::Check && !control.checked && control.name.to_lowercase().contains("scope")
        };
        sets.extend(
            page.of_form(page.controls[index].form)
                .filter(|(_, control)| unticked(control))
                .map(|(index, _)| (index, Entry::On, false)),
        );
    }
    Some(act(sight, page, "consent", sets, press))
}

/// A form with an empty field asks for what nobody here knows; a button that does not speak of allowing is not pressed.
fn asks_something(page: &Page<'_>, press: &Press) -> bool {
    let Press::Control(index) = press else { return false };
    page.of_form(page.controls[*index].form)
        .any(|(_, control)| matches!(control.kind, Kind::Text | Kind::Password) && control.value.is_empty())
}

fn is_required(control: &Control<'_>) -> bool {
    control.element.attr("required").is_some()
}

fn names_user(control: &Control<'_>) -> bool {
    let text = format!(
        "{} {} {} {} {}",
        control.name,
        control.id(),
        control.label,
        control.element.attr("autocomplete").unwrap_or_default(),
        control.element.attr("type").unwrap_or_default()
    )
    .to_lowercase();
    ["user", "login", "email", "e-mail", "identifier", "account"]
        .iter()
        .any(|word| text.contains(word))
}

/// Whether a form is one that somebody on the way must answer.
fn matters(page: &Page<'_>, group: Option<usize>) -> bool {
    let visible: Vec<&Control<'_>> = page
        .of_form(group)
        .map(|(_, control)| control)
        .filter(|control| control.kind != Kind::Hidden)
        .collect();
    let aside = visible
        .iter()
        .any(|control| matches!(control.kind, Kind::Submit | Kind::Button) && meaning(control) == Meaning::Aside);
    !visible.is_empty() && !aside && (group.is_some() || visible.iter().any(|control| control.kind == Kind::Password))
}
