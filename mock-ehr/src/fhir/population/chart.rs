//! One person's chart while it is written: who it is, and the resources so far.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::catalogue::Coded;
use super::dice::Dice;

/// The chart of one person.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) dice: Dice,
    /// `000042`
    pub(super) number: String,
    pub(super) birth: Date,
    pub(super) female: bool,
    pub(super) name: String,
    pub(super) family: String,
    /// Who looks after them.
    pub(super) practitioner: String,
    counts: HashMap<&'static str, usize>,
    entries: Vec<Value>,
}

/// One visit.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) day: Date,
    /// `Encounter/…`
    pub(super) encounter: String,
    pub(super) practitioner: String,
}

impl Visit {
    /// This day at a time.
    pub(super) fn at(&self, clock: &str) -> String {
        format!("{}T{clock}:00Z", self.day)
    }
}

impl Chart {
    pub(super) fn new(number: usize, dice: Dice) -> Self {
        Self {
            dice,
            number: format!("{number:06}"),
            birth: date(1980, 1, 1),
            female: false,
            name: String::new(),
            family: String::new(),
            practitioner: String::new(),
            counts: HashMap::new(),
            entries: Vec::new(),
        }
    }

    pub(super) fn into_entries(self) -> Vec<Value> {
        self.entries
    }

    /// `Patient/person-000042`
    pub(super) fn patient(&self) -> String {
        format!("Patient/person-{}", self.number)
    }

    /// The reference that stands in records.
    pub(super) fn subject(&self) -> Value {
        json!({"reference": self.patient(), "display": self.name})
    }

    /// Age on a day.
    pub(super) fn age(&self, day: Date) -> i32 {
        i32::from(day.year() - self.birth.year())
            - i32::from((day.month(), day.day()) < (self.birth.month(), self.birth.day()))
    }

    /// The day on which they become so many months old.
    pub(super) fn months_old(&self, months: i32) -> Date {
        self.birth.saturating_add(months.months())
    }

    /// Adds a resource that was recorded on this day; its reference.
    pub(super) fn add(&mut self, kind: &'static str, day: Date, content: Value) -> String {
        let id = if kind == "Patient" {
            format!("person-{}", self.number)
        } else {
            let count = self.counts.entry(kind).or_default();
            *count += 1;
            format!("{}-{}-{count}", kind.to_lowercase(), self.number)
        };
        let reference = format!("{kind}/{id}");
        let mut resource = json!({
            "resourceType": kind,
            "id": id,
            "meta": {"versionId": "1", "lastUpdated": format!("{day}T16:00:00Z")},
        });
        if let (Some(members), Value::Object(content)) = (resource.as_object_mut(), content) {
            members.extend(content);
        }
        self.entries.push(resource);
        reference
    }

    /// Adds a visit.
    pub(super) fn visit(&mut self, day: Date, kind: Coded, reason: Option<Coded>) -> Visit {
        let mut encounter = json!({
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "type": [concept("http://snomed.info/sct", kind)],
            "subject": self.subject(),
            "participant": [{
                "type": [concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", ("PPRF", "primary performer"))],
                "individual": {"reference": self.practitioner},
            }],
            "period": {"start": format!("{day}T09:00:00Z"), "end": format!("{day}T09:30:00Z")},
            "location": [{"location": {"reference": "Location/location-1"}}],
            "serviceProvider": {"reference": "Organization/organization-1"},
        });
        if let Some(reason) = reason {
            encounter["reasonCode"] = json!([concept("http://snomed.info/sct", reason)]);
        }
        Visit {
            day,
            encounter: self.add("Encounter", day, encounter),
            practitioner: self.practitioner.clone(),
        }
    }
}

/// A CodeableConcept of one coding; with words, where there are some.
pub(super) fn concept(system: &str, (code, display): (&str, &str)) -> Value {
    if display.is_empty() {
        return json!({"coding": [{"system": system, "code": code}]});
    }
    json!({"coding": [{"system": system, "code": code, "display": display}], "text": display})
}
