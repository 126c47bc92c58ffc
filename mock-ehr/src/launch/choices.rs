//! What a person chose on the launcher page, as the page's form and its links carry it.

use serde::de::DeserializeOwned;

use super::{LaunchRequest, LaunchType};
use crate::form::{Parameters, encode};

/// Every choice, as it was typed: what is wrong is shown again, never lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) client: String,
    pub(crate) launch_url: String,
    pub(crate) launch_type: String,
    pub(crate) user: String,
    pub(crate) patient: String,
    pub(crate) encounter: String,
    pub(crate) intent: String,
    pub(crate) banner: String,
    pub(crate) tenant: String,
    pub(crate) style: String,
    pub(crate) context: String,
    pub(crate) extra: String,
    pub(crate) fault: String,
}

/// What is wrong with a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The field that is to blame; empty where none is.
    pub(crate) field: &'static str,
    pub(crate) why: String,
}

impl Choices {
    pub(crate) fn of(parameters: &Parameters) -> Self {
        let mut choices = Self::default();
        for (name, value) in choices.fields_mut() {
            if let Some(chosen) = parameters.get(name) {
                chosen.trim().clone_into(value);
            }
        }
        choices
    }

    /// As a query: what was left open is left out.
    pub(crate) fn query(&self) -> String {
        let chosen = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        let pairs = chosen.map(|(name, value)| format!("{name}={}", encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    fn fields(&self) -> [(&'static str, &String); 13] {
        [
            ("client", &self.client),
            ("launch_url", &self.launch_url),
            ("type", &self.launch_type),
            ("user", &self.user),
            ("patient", &self.patient),
            ("encounter", &self.encounter),
            ("intent", &self.intent),
            ("banner", &self.banner),
            ("tenant", &self.tenant),
            ("style", &self.style),
            ("context", &self.context),
            ("extra", &self.extra),
            ("fault", &self.fault),
        ]
    }

    fn fields_mut(&mut self) -> [(&'static str, &mut String); 13] {
        [
            ("client", &mut self.client),
            ("launch_url", &mut self.launch_url),
            ("type", &mut self.launch_type),
            ("user", &mut self.user),
            ("patient", &mut self.patient),
            ("encounter", &mut self.encounter),
            ("intent", &mut self.intent),
            ("banner", &mut self.banner),
            ("tenant", &mut self.tenant),
            ("style", &mut self.style),
            ("context", &mut self.context),
            ("extra", &mut self.extra),
            ("fault", &mut self.fault),
        ]
    }

    /// The launch that was chosen.
    pub(crate) fn request(&self) -> Result<LaunchRequest, Wrong> {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let request = LaunchRequest {
            client: self.client.clone(),
            launch_url: filled(&self.launch_url),
            launch_type: self.launch_type()?,
            user: filled(&self.user),
            patient: filled(&self.patient),
            encounter: filled(&self.encounter),
            fhir_context: json(
                "context",
                &self.context,
                "an array of objects: [{\"reference\": \"Location/location-1\"}]",
            )?,
            need_patient_banner: self.banner()?,
            intent: filled(&self.intent),
            tenant: filled(&self.tenant),
            smart_style_url: filled(&self.style),
            extra: json("extra", &self.extra, "an object: {\"ward\": \"7b\"}")?,
            faults: self.faults().map(str::to_owned).collect(),
        };
        // The page keeps what was chosen for the other types of launch.
        Ok(match request.launch_type {
            LaunchType::Standalone => request.without_context(),
            _ => request,
        })
    }

    /// The names in the fault field: separated by commas or blanks.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        let names = self.fault.split([',', ' ', ';']);
        names.map(str::trim).filter(|name| !name.is_empty())
    }

    fn launch_type(&self) -> Result<LaunchType, Wrong> {
        match self.launch_type.as_str() {
            "" | "ehr" => Ok(LaunchType::Ehr),
            "embedded" => Ok(LaunchType::Embedded),
            "standalone" => Ok(LaunchType::Standalone),
            other => Err(Wrong {
                field: "type",
                why: format!("launch type `{other}`: there are ehr, embedded and standalone"),
            }),
        }
    }

    fn banner(&self) -> Result<Option<bool>, Wrong> {
        match self.banner.as_str() {
            "" => Ok(None),
            "yes" => Ok(Some(true)),
            "no" => Ok(Some(false)),
            other => Err(Wrong {
                field: "banner",
                why: format!("banner `{other}`: there are yes and no"),
            }),
        }
    }
}

fn json<T: DeserializeOwned>(field: &'static str, text: &str, expected: &str) -> Result<Option<T>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = serde_json::from_str(text).map(Some);
    parsed.map_err(|error| {
        let name = if field == "context" { "fhirContext" } else { field };
        Wrong {
            field,
            why: format!("{name}: {error}; expected {expected}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_carries_every_choice() {
        let mut choices = Choices::default();
        for (name, value) in choices.fields_mut() {
            *value = format!("{name} & = + % é\"");
        }
        let read = Choices::of(&Parameters::parse(choices.query().as_bytes()).unwrap());
        assert_eq!(read, choices);
        assert_eq!(Choices::default().query(), "");
    }

    #[test]
    fn what_is_not_json_is_told_with_its_field() {
        let choices = Choices {
            extra: "[1]".into(),
            ..Choices::default()
        };
        let wrong = choices.request().unwrap_err();
        assert_eq!(wrong.field, "extra");
        assert!(wrong.why.contains("expected an object"), "{wrong:?}");
    }
}
