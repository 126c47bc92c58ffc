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
}

impl TamperArgs {
    /// With its placeholders filled.
    pub(super) fn fill(&self, context: &Context<'_>, own: &dyn Lookup) -> Result<Tamper, Halt> {
        let change = match (&self.patient, &self.scope, self.forged) {
            (Some(patient), None, false) => Change::Patient(context.fill(patient, own)?),
            (None, Some(scope), false) => Change::Scope(context.fill(scope, own)?),
            (None, None, true) => Change::Forged,
            _ => {
                return Err(Halt::Scenario(
                    "`tamper` takes one of patient, scope and forged".to_owned(),
                ));
            }
        };
        Ok(Tamper {
            form: self.form,
            change,
        })
    }
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
