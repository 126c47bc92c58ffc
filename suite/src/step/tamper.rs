//! `tamper` of an authorize step: which form on the way is altered, and what became of it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::context::{Context, Halt};
use crate::user_agent::{Altered, Change, FormKind, Landing, Tamper, Walk};
use crate::value::{Lookup, Template};

/// `tamper`: one alteration of one form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TamperArgs {
    /// The form.
    pub form: FormKind,
    /// Sends this patient's id in place of the picked one's.
    #[serde(default)]
    pub patient: Option<Template>,
    /// Allows this scope as well.
    #[serde(default)]
    pub scope: Option<Template>,
    /// Sends the form as another site would: without its token, with another `Origin`, with the cookies that cross sites.
    #[serde(default)]
    pub forged: bool,
    /// Sends the form that another browser was given, in which the second user of the profile sits where there is one.
    #[serde(default)]
    pub of_another_browser: bool,
    /// Types this instead of the password.
    #[serde(default)]
    pub password: Option<Template>,
}

impl TamperArgs {
    /// With its placeholders filled.
    pub(super) fn fill(&self, context: &Context<'_>, own: &dyn Lookup) -> Result<Tamper, Halt> {
        let mut changes = Vec::new();
        if let Some(patient) = &self.patient {
            changes.push(Change::Patient(context.fill(patient, own)?));
        }
        if let Some(scope) = &self.scope {
            changes.push(Change::Scope(context.fill(scope, own)?));
        }
        if let Some(password) = &self.password {
            changes.push(Change::Password(context.fill(password, own)?));
        }
        if self.forged {
            changes.push(Change::Forged);
        }
        if self.of_another_browser {
            changes.push(Change::OtherBrowser(other_user(context)));
        }
        let (Some(change), true) = (changes.pop(), changes.is_empty()) else {
            return Err(Halt::Scenario(
                "`tamper` takes one of patient, scope, password, forged and of_another_browser".to_owned(),
            ));
        };
        Ok(Tamper {
            form: self.form,
            change,
        })
    }
}

/// The second user of the profile where that user can pick the first patient too, else the first: only the browser differs then.
fn other_user(context: &Context<'_>) -> String {
    let users = &context.world.profile.users;
    let second = users
        .iter()
        .nth(1)
        .filter(|(_, user)| user.patients.iter().any(|key| key == "a"));
    let (name, _) = second.or_else(|| users.first()).unzip();
    name.cloned().unwrap_or_default()
}

/// A walk on which nothing was altered says nothing.
pub(super) fn settle(tamper: &Tamper, agent: &str, walk: &Walk) -> Result<(), Halt> {
    let form = tamper.form.words();
    match &walk.altered {
        Altered::Sent => Ok(()),
        Altered::Impossible(why) => Err(Halt::Skip(why.clone())),
        Altered::NotMet if agent != "http" => Err(Halt::Skip(format!(
            "the {agent} agent cannot alter forms: run it with --agent http"
        ))),
        Altered::NotMet if matches!(walk.landing, Landing::Callback(_)) => {
            Err(Halt::Skip(format!("no {form} came on the way to the app")))
        }
        Altered::NotMet => Err(Halt::Blocked(format!("the walk ended before the {form}"))),
    }
}
