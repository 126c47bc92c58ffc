//! What happens to somebody over the years: visits with vital signs, illnesses with medicines and laboratory series, vaccines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::END;
use super::catalogue::{
    ALLERGIES, CHILDHOOD, Coded, DIABETES, HYPERTENSION, HYPOTHYROIDISM, ILLNESSES, INFLUENZA, Illness, KIDNEY,
    OBESITY, PASSING, REACTIONS, TDAP, ZOSTER,
};
use super::chart::{Chart, Visit, concept};
use super::measure::{BMI, BREATHS, HEIGHT, Health, PULSE, SATURATION, TEMPERATURE, WEIGHT, number, panel, pressure};

const SNOMED: &str = "http://snomed.info/sct";
const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

/// An illness that somebody has, since a visit.
struct Since {
    illness: &'static Illness,
    visit: usize,
    /// `Condition/…`
    condition: Option<String>,
    /// Which medicine they take now.
    drug: usize,
}

/// Writes down what happened.
pub(super) fn live(chart: &mut Chart) {
    vaccinate_child(chart);
    let days = days(chart);
    let mut illnesses = fate(chart, days.len(), &days);
    let adult_height = if chart.female {
        chart.dice.about(152.0, 176.0)
    } else {
        chart.dice.about(164.0, 192.0)
    };
    let heavy = illnesses.iter().any(|since| since.illness.code.0 == OBESITY);
    let bmi = if heavy {
        chart.dice.about(30.5, 38.0)
    } else {
        chart.dice.about(20.0, 27.5)
    };
    let mut last = None;
    for (index, day) in days.iter().copied().enumerate() {
        let child = chart.age(day) < 18;
        let kind = if child {
            ("410620009", "Well child visit")
        } else {
            ("185349003", "Encounter for check up")
        };
        let visit = chart.visit(day, kind, None);
        body(chart, &visit, adult_height, bmi + chart_drift(index));
        circulation(chart, &visit, &illnesses, index);
        for since in illnesses.iter_mut().filter(|since| since.visit <= index) {
            treat(chart, &visit, since, index);
        }
        laboratory(chart, &visit, &illnesses, index);
        if !child {
            yearly(chart, &visit, index);
        }
        last = Some(visit);
    }
    passing(chart, &days);
    allergy(chart, days.first().copied().unwrap_or(END));
    if let Some(visit) = last {
        note(chart, &visit, &illnesses);
        plan(chart, &visit, &illnesses);
    }
}

fn chart_drift(index: usize) -> f64 {
    0.15 * f64::from(u32::try_from(index).unwrap_or(0))
}

/// Check-ups: a child's by age, an adult's about yearly over the last years.
fn days(chart: &mut Chart) -> Vec<Date> {
    let mut days = Vec::new();
    if chart.age(END) < 18 {
        for months in [0, 2, 4, 6, 12, 15, 24, 36, 48, 72, 96, 132, 168, 192] {
            days.push(chart.months_old(months).saturating_add(chart.dice.whole(1, 12).days()));
        }
    } else {
        let mut day = date(2017, 1, 9).saturating_add(chart.dice.whole(0, 300).days());
        while day < END {
            days.push(day);
            day = day.saturating_add(chart.dice.whole(260, 420).days());
        }
    }
    days.retain(|day| *day <= END && *day > chart.birth);
    days
}

/// Which illnesses somebody has, and since which visit.
fn fate(chart: &mut Chart, visits: usize, days: &[Date]) -> Vec<Since> {
    let mut fate = Vec::new();
    for illness in ILLNESSES {
        let strikes = chart.dice.percent(illness.percent);
        let latest = i32::try_from(visits).unwrap_or(0) - 1;
        let visit = usize::try_from(chart.dice.whole(0, (latest - 1).max(0))).unwrap_or(0);
        let old_enough = days.get(visit).is_some_and(|day| chart.age(*day) >= illness.from);
        if strikes && old_enough {
            fate.push(Since {
                illness,
                visit,
                condition: None,
                drug: 0,
            });
        }
    }
    fate
}

fn body(chart: &mut Chart, visit: &Visit, adult_height: f64, adult_bmi: f64) {
    let months = f64::from(chart.age(visit.day)) * 12.0 + f64::from(visit.day.month() - chart.birth.month());
    // Children grow fast, then evenly until eighteen.
    let share = if months >= 216.0 {
        1.0
    } else {
        0.29 + 0.71 * (months.max(0.0) / 216.0).powf(0.62)
    };
    let height = (adult_height * share).round();
    let bmi = if share < 1.0 {
        15.5 + (adult_bmi - 15.5) * (months / 216.0).clamp(0.0, 1.0)
    } else {
        adult_bmi
    };
    let weight = (bmi * (height / 100.0).powi(2) * 10.0).round() / 10.0;
    number(chart, visit, HEIGHT, height, "vital-signs");
    number(chart, visit, WEIGHT, weight, "vital-signs");
    number(chart, visit, BMI, weight / (height / 100.0).powi(2), "vital-signs");
}

/// 1 at the visit that found an illness, less with every visit that treats it, 0 without it.
fn severity(illnesses: &[Since], code: &str, index: usize) -> f64 {
    let since = illnesses
        .iter()
        .find(|since| since.illness.code.0 == code && since.visit <= index);
    since.map_or(0.0, |since| {
        0.55_f64.powi(i32::try_from(index - since.visit).unwrap_or(i32::MAX))
    })
}

fn circulation(chart: &mut Chart, visit: &Visit, illnesses: &[Since], index: usize) {
    let age = f64::from(chart.age(visit.day));
    if age >= 3.0 {
        let resting = 92.0 + 0.45 * age.min(70.0);
        let systolic = resting + chart.dice.about(-6.0, 10.0) + 30.0 * severity(illnesses, HYPERTENSION, index);
        let diastolic = systolic * 0.62 + chart.dice.about(-4.0, 4.0);
        pressure(chart, visit, systolic, diastolic);
    }
    let (pulse, breaths) = if age < 3.0 {
        (chart.dice.about(100.0, 135.0), chart.dice.about(24.0, 34.0))
    } else {
        (chart.dice.about(58.0, 88.0), chart.dice.about(12.0, 19.0))
    };
    let (temperature, saturation) = (chart.dice.about(36.3, 37.2), chart.dice.about(95.0, 99.5));
    number(chart, visit, PULSE, pulse, "vital-signs");
    number(chart, visit, BREATHS, breaths, "vital-signs");
    number(chart, visit, TEMPERATURE, temperature, "vital-signs");
    number(chart, visit, SATURATION, saturation, "vital-signs");
}

/// Finds an illness, begins a medicine, and sometimes goes over to the next.
fn treat(chart: &mut Chart, visit: &Visit, since: &mut Since, index: usize) {
    let illness = since.illness;
    if since.visit == index {
        since.condition = Some(condition(chart, visit, illness.code, None));
        prescribe(chart, visit, since, "active");
    } else if index == since.visit + 1 && since.drug + 1 < illness.drugs.len() {
        // A second medicine comes on top.
        since.drug += 1;
        prescribe(chart, visit, since, "active");
    }
}

fn prescribe(chart: &mut Chart, visit: &Visit, since: &Since, status: &str) {
    let Some((drug, taken)) = since.illness.drugs.get(since.drug).copied() else {
        return;
    };
    medicine(chart, visit, drug, taken, status, since.condition.as_deref());
}

fn medicine(chart: &mut Chart, visit: &Visit, drug: Coded, taken: &str, status: &str, reason: Option<&str>) {
    let mut request = json!({
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, drug),
        "subject": chart.subject(),
        "encounter": {"reference": visit.encounter},
        "authoredOn": visit.day.to_string(),
        "requester": {"reference": visit.practitioner},
        "dosageInstruction": [{"text": taken}],
    });
    if let Some(reason) = reason {
        request["reasonReference"] = json!([{"reference": reason}]);
    }
    chart.add("MedicationRequest", visit.day, request);
}

fn condition(chart: &mut Chart, visit: &Visit, code: Coded, until: Option<Date>) -> String {
    let status = if until.is_some() {
        ("resolved", "Resolved")
    } else {
        ("active", "Active")
    };
    let category = if until.is_some() {
        ("encounter-diagnosis", "Encounter Diagnosis")
    } else {
        ("problem-list-item", "Problem List Item")
    };
    let mut condition = json!({
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", status),
        "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", ("confirmed", "Confirmed")),
        "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", category)],
        "code": concept(SNOMED, code),
        "subject": chart.subject(),
        "encounter": {"reference": visit.encounter},
        "onsetDateTime": visit.day.to_string(),
        "recordedDate": visit.day.to_string(),
        "recorder": {"reference": visit.practitioner},
    });
    if let Some(until) = until {
        condition["abatementDateTime"] = json!(until.to_string());
    }
    chart.add("Condition", visit.day, condition)
}

fn laboratory(chart: &mut Chart, visit: &Visit, illnesses: &[Since], index: usize) {
    let has = |code: &str| {
        illnesses
            .iter()
            .any(|since| since.illness.code.0 == code && since.visit <= index)
    };
    let health = Health {
        sugar: severity(illnesses, DIABETES, index),
        diabetic: has(DIABETES),
        lipids: severity(illnesses, "55822004", index),
        kidney: has(KIDNEY),
        thyroid: severity(illnesses, HYPOTHYROIDISM, index),
        age: chart.age(visit.day),
    };
    let mut panels: Vec<&str> = Vec::new();
    for since in illnesses.iter().filter(|since| since.visit <= index) {
        panels.extend(
            since
                .illness
                .panels
                .iter()
                .filter(|panel| !panels.contains(panel))
                .copied()
                .collect::<Vec<_>>(),
        );
    }
    if health.age >= 40 && index.is_multiple_of(3) {
        for usual in ["blood", "lipids", "sugar"] {
            if !panels.contains(&usual) {
                panels.push(usual);
            }
        }
    }
    for name in panels {
        panel(chart, visit, name, health);
    }
}

fn vaccine(chart: &mut Chart, day: Date, code: Coded, encounter: Option<&str>) {
    let lot = chart.dice.whole(1000, 9999);
    let mut immunization = json!({
        "status": "completed",
        "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", code),
        "patient": chart.subject(),
        "occurrenceDateTime": day.to_string(),
        "primarySource": true,
        "lotNumber": format!("LT{lot}"),
        "performer": [{"actor": {"reference": "Practitioner/practitioner-5"}}],
    });
    if let Some(encounter) = encounter {
        immunization["encounter"] = json!({"reference": encounter});
    }
    chart.add("Immunization", day, immunization);
}

fn vaccinate_child(chart: &mut Chart) {
    // Of those who were children long ago nobody has the papers.
    if chart.birth < date(2005, 1, 1) {
        return;
    }
    for (months, code) in CHILDHOOD {
        let day = chart.months_old(*months).saturating_add(chart.dice.whole(1, 12).days());
        if day <= END {
            vaccine(chart, day, *code, None);
        }
    }
}

/// What is done at an adult's check-up: smoking status, vaccines.
fn yearly(chart: &mut Chart, visit: &Visit, index: usize) {
    if index == 0 {
        let status = *chart.dice.pick(&[
            ("266919005", "Never smoked tobacco"),
            ("266919005", "Never smoked tobacco"),
            ("8517006", "Ex-smoker"),
            ("449868002", "Smokes tobacco daily"),
        ]);
        let smoking = json!({
            "status": "final",
            "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", ("social-history", ""))],
            "code": concept("http://loinc.org", ("72166-2", "Tobacco smoking status")),
            "subject": chart.subject(),
            "encounter": {"reference": visit.encounter},
            "effectiveDateTime": visit.at("09:10"),
            "performer": [{"reference": visit.practitioner}],
            "valueCodeableConcept": concept(SNOMED, status),
        });
        chart.add("Observation", visit.day, smoking);
        vaccine(chart, visit.day, TDAP, Some(&visit.encounter));
    }
    if chart.dice.percent(55) {
        vaccine(chart, visit.day, INFLUENZA, Some(&visit.encounter));
    }
    if index == 2 && chart.age(visit.day) >= 50 {
        vaccine(chart, visit.day, ZOSTER, Some(&visit.encounter));
    }
}

/// Illnesses that came and went.
fn passing(chart: &mut Chart, days: &[Date]) {
    let Some(first) = days.first().copied() else { return };
    for (code, lasts, drug) in PASSING {
        if !chart.dice.percent(22) {
            continue;
        }
        let day = chart.dice.day(first, END.saturating_sub((*lasts).days()));
        if day <= chart.birth || day > END {
            continue;
        }
        let visit = chart.visit(day, ("185345009", "Encounter for symptom"), Some(*code));
        let found = condition(chart, &visit, *code, Some(day.saturating_add((*lasts).days())));
        if let Some((drug, taken)) = drug {
            medicine(chart, &visit, *drug, taken, "completed", Some(&found));
        }
    }
}

fn allergy(chart: &mut Chart, day: Date) {
    let mut allergy = json!({
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", ("active", "Active")),
        "verificationStatus":
            concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", ("confirmed", "Confirmed")),
        "code": concept(SNOMED, ("716186003", "No known allergy")),
        "patient": chart.subject(),
        "recordedDate": day.to_string(),
        "recorder": {"reference": chart.practitioner},
    });
    if chart.dice.percent(30) {
        let (category, code, system) = *chart.dice.pick(ALLERGIES);
        let reaction = *chart.dice.pick(REACTIONS);
        allergy["type"] = json!("allergy");
        allergy["category"] = json!([category]);
        allergy["criticality"] = json!("low");
        allergy["code"] = concept(system, code);
        allergy["reaction"] = json!([{"manifestation": [concept(SNOMED, reaction)], "severity": "mild"}]);
    }
    chart.add("AllergyIntolerance", day, allergy);
}

/// The note of the last visit, with its text.
fn note(chart: &mut Chart, visit: &Visit, illnesses: &[Since]) {
    let problems: Vec<&str> = illnesses.iter().map(|since| since.illness.code.1).collect();
    let text = if problems.is_empty() {
        format!(
            "{} came for a check-up and feels well. No lasting illness is known.",
            chart.name
        )
    } else {
        format!("{} came for a check-up. Known: {}.", chart.name, problems.join(", "))
    };
    let document = json!({
        "status": "current",
        "docStatus": "final",
        "type": concept("http://loinc.org", ("11506-3", "Progress note")),
        "category": [concept(
            "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
            ("clinical-note", "Clinical Note"),
        )],
        "subject": chart.subject(),
        "date": visit.at("15:00"),
        "author": [{"reference": visit.practitioner}],
        "custodian": {"reference": "Organization/organization-1"},
        "content": [{"attachment": {
            "contentType": "text/plain; charset=utf-8",
            "data": STANDARD.encode(&text),
            "title": "Progress note",
            "creation": visit.at("15:00"),
        }}],
        "context": {"encounter": [{"reference": visit.encounter}], "period": {"start": visit.at("09:00"), "end": visit.at("09:30")}},
    });
    chart.add("DocumentReference", visit.day, document);
}

/// A goal and a care plan for who has an illness that stays.
fn plan(chart: &mut Chart, visit: &Visit, illnesses: &[Since]) {
    let addresses: Vec<Value> = illnesses
        .iter()
        .filter_map(|since| Some(json!({"reference": since.condition.as_ref()?})))
        .collect();
    let Some(first) = illnesses.first() else { return };
    let aim = match first.illness.code.0 {
        HYPERTENSION => "Blood pressure below 130/80",
        DIABETES => "Hemoglobin A1c below 7 percent",
        _ => "Free of complaints in daily life",
    };
    let goal = json!({
        "lifecycleStatus": "active",
        "description": {"text": aim},
        "subject": chart.subject(),
        "startDate": visit.day.to_string(),
        "expressedBy": {"reference": visit.practitioner},
        "target": [{"dueDate": visit.day.saturating_add(1.year()).to_string()}],
        "addresses": addresses,
    });
    let goal = chart.add("Goal", visit.day, goal);
    let plan = json!({
        "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{aim}</p></div>")},
        "status": "active",
        "intent": "plan",
        "category": [concept(
            "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
            ("assess-plan", "Assessment and Plan of Treatment"),
        )],
        "title": aim,
        "subject": chart.subject(),
        "encounter": {"reference": visit.encounter},
        "period": {"start": visit.day.to_string()},
        "author": {"reference": visit.practitioner},
        "addresses": addresses,
        "goal": [{"reference": goal}],
    });
    chart.add("CarePlan", visit.day, plan);
}
