//! What is measured: LOINC codes, UCUM units, reference ranges, and the panels in which laboratories report.

use serde_json::{Value, json};

use super::catalogue::Coded;
use super::chart::{Chart, Visit, concept};

/// Something that has a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// LOINC.
    code: Coded,
    /// UCUM.
    unit: &'static str,
    low: Option<f64>,
    high: Option<f64>,
    decimals: i32,
}

const fn vital(code: &'static str, display: &'static str, unit: &'static str, decimals: i32) -> Measure {
    Measure {
        code: (code, display),
        unit,
        low: None,
        high: None,
        decimals,
    }
}

const fn lab(code: Coded, unit: &'static str, low: Option<f64>, high: Option<f64>, decimals: i32) -> Measure {
    Measure {
        code,
        unit,
        low,
        high,
        decimals,
    }
}

pub(super) const HEIGHT: Measure = vital("8302-2", "Body height", "cm", 0);
pub(super) const WEIGHT: Measure = vital("29463-7", "Body weight", "kg", 1);
pub(super) const BMI: Measure = vital("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", 1);
pub(super) const PULSE: Measure = vital("8867-4", "Heart rate", "/min", 0);
pub(super) const BREATHS: Measure = vital("9279-1", "Respiratory rate", "/min", 0);
pub(super) const TEMPERATURE: Measure = vital("8310-5", "Body temperature", "Cel", 1);
pub(super) const SATURATION: Measure = vital("2708-6", "Oxygen saturation in Arterial blood", "%", 0);

const A1C: Measure = lab(
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
    "%",
    Some(4.0),
    Some(5.6),
    1,
);
const GLUCOSE: Measure = lab(
    ("2339-0", "Glucose [Mass/volume] in Blood"),
    "mg/dL",
    Some(70.0),
    Some(99.0),
    0,
);
const CREATININE: Measure = lab(
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"),
    "mg/dL",
    Some(0.6),
    Some(1.3),
    2,
);
const POTASSIUM: Measure = lab(
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma"),
    "mmol/L",
    Some(3.5),
    Some(5.1),
    1,
);
const GFR: Measure = lab(
    (
        "98979-8",
        "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)",
    ),
    "mL/min/{1.73_m2}",
    Some(60.0),
    None,
    0,
);
const CHOLESTEROL: Measure = lab(
    ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"),
    "mg/dL",
    Some(100.0),
    Some(200.0),
    0,
);
const HDL: Measure = lab(
    ("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma"),
    "mg/dL",
    Some(40.0),
    None,
    0,
);
const LDL: Measure = lab(
    (
        "13457-7",
        "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
    ),
    "mg/dL",
    None,
    Some(130.0),
    0,
);
const TRIGLYCERIDE: Measure = lab(
    ("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"),
    "mg/dL",
    Some(30.0),
    Some(150.0),
    0,
);
const HEMOGLOBIN: Measure = lab(
    ("718-7", "Hemoglobin [Mass/volume] in Blood"),
    "g/dL",
    Some(12.0),
    Some(17.5),
    1,
);
const LEUKOCYTES: Measure = lab(
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count"),
    "10*3/uL",
    Some(4.0),
    Some(11.0),
    1,
);
const PLATELETS: Measure = lab(
    ("777-3", "Platelets [#/volume] in Blood by Automated count"),
    "10*3/uL",
    Some(150.0),
    Some(400.0),
    0,
);
const TSH: Measure = lab(
    ("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma"),
    "m[IU]/L",
    Some(0.4),
    Some(4.5),
    1,
);
const INR: Measure = lab(
    ("6301-6", "INR in Platelet poor plasma by Coagulation assay"),
    "{INR}",
    Some(2.0),
    Some(3.0),
    1,
);

/// How ill somebody is at a visit, as far as numbers show it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Health {
    /// 0 (none or well treated) to 1 (just found).
    pub(super) sugar: f64,
    pub(super) diabetic: bool,
    pub(super) lipids: f64,
    pub(super) kidney: bool,
    pub(super) thyroid: f64,
    pub(super) age: i32,
}

/// Draws a panel of the laboratory and reports it.
pub(super) fn panel(chart: &mut Chart, visit: &Visit, name: &str, health: Health) {
    let (code, measures): (Option<Coded>, Vec<(Measure, f64)>) = match name {
        "sugar" => {
            let a1c = if health.diabetic {
                chart.dice.about(6.2, 7.4) + 2.4 * health.sugar
            } else {
                chart.dice.about(4.8, 5.6)
            };
            // An average glucose belongs to every A1c: 28.7 × A1c − 46.7 (Nathan 2008).
            let glucose = 28.7 * a1c - 46.7 + chart.dice.about(-12.0, 12.0);
            (None, vec![(A1C, a1c), (GLUCOSE, glucose)])
        }
        "renal" => {
            let gfr = if health.kidney {
                chart.dice.about(34.0, 57.0)
            } else {
                (118.0 - 0.6 * f64::from(health.age) + chart.dice.about(-10.0, 10.0)).clamp(62.0, 118.0)
            };
            let creatinine = 78.0 / gfr;
            let potassium = chart.dice.about(3.6, 4.9);
            let measures = vec![(CREATININE, creatinine), (GFR, gfr), (POTASSIUM, potassium)];
            (
                Some(("24362-6", "Renal function 2000 panel - Serum or Plasma")),
                measures,
            )
        }
        "lipids" => {
            let hdl = chart.dice.about(36.0, 68.0);
            let triglyceride = chart.dice.about(70.0, 160.0) + 60.0 * health.lipids;
            let ldl = chart.dice.about(70.0, 125.0) + 55.0 * health.lipids;
            // Friedewald: total = LDL + HDL + triglycerides / 5.
            let total = ldl.round() + hdl.round() + (triglyceride.round() / 5.0);
            let measures = vec![
                (CHOLESTEROL, total),
                (TRIGLYCERIDE, triglyceride),
                (HDL, hdl),
                (LDL, ldl),
            ];
            (Some(("24331-1", "Lipid 1996 panel - Serum or Plasma")), measures)
        }
        "blood" => {
            let measures = vec![
                (HEMOGLOBIN, chart.dice.about(11.2, 16.4)),
                (LEUKOCYTES, chart.dice.about(4.2, 10.6)),
                (PLATELETS, chart.dice.about(160.0, 380.0)),
            ];
            (Some(("58410-2", "CBC panel - Blood by Automated count")), measures)
        }
        "thyroid" => (None, vec![(TSH, chart.dice.about(1.0, 3.8) + 9.0 * health.thyroid)]),
        "clotting" => (None, vec![(INR, chart.dice.about(1.6, 3.4))]),
        _ => return,
    };
    let results: Vec<Value> = measures
        .into_iter()
        .map(|(measure, value)| json!({"reference": number(chart, visit, measure, value, "laboratory")}))
        .collect();
    if let Some(code) = code {
        chart.add(
            "DiagnosticReport",
            visit.day,
            json!({
                "status": "final",
                "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", ("LAB", "Laboratory"))],
                "code": concept("http://loinc.org", code),
                "subject": chart.subject(),
                "encounter": {"reference": visit.encounter},
                "effectiveDateTime": visit.at("09:10"),
                "issued": visit.at("14:00"),
                "performer": [{"reference": "Organization/organization-3"}],
                "result": results,
            }),
        );
    }
}

/// Writes one number down; its reference.
pub(super) fn number(chart: &mut Chart, visit: &Visit, measure: Measure, value: f64, category: &str) -> String {
    let scale = 10_f64.powi(measure.decimals);
    let value = (value * scale).round() / scale;
    let quantity = |value: f64| json!({"value": plain(value), "unit": measure.unit, "system": "http://unitsofmeasure.org", "code": measure.unit});
    let mut observation = json!({
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", (category, ""))],
        "code": concept("http://loinc.org", measure.code),
        "subject": chart.subject(),
        "encounter": {"reference": visit.encounter},
        "effectiveDateTime": visit.at("09:10"),
        "performer": [{"reference": visit.practitioner}],
        "valueQuantity": quantity(value),
    });
    if measure.low.is_some() || measure.high.is_some() {
        let mut range = json!({});
        for (end, limit) in [("low", measure.low), ("high", measure.high)] {
            if let Some(limit) = limit {
                range[end] = quantity(limit);
            }
        }
        let flag = match (measure.low, measure.high) {
            (_, Some(high)) if value > high => ("H", "High"),
            (Some(low), _) if value < low => ("L", "Low"),
            _ => ("N", "Normal"),
        };
        let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
        observation["referenceRange"] = json!([range]);
        observation["interpretation"] = json!([concept(system, flag)]);
    }
    chart.add("Observation", visit.day, observation)
}

/// Blood pressure is one observation with two components.
pub(super) fn pressure(chart: &mut Chart, visit: &Visit, systolic: f64, diastolic: f64) {
    let component = |code: Coded, value: f64| {
        json!({
            "code": concept("http://loinc.org", code),
            "valueQuantity": {
                "value": plain(value.round()), "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]",
            },
        })
    };
    let observation = json!({
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", ("vital-signs", ""))],
        "code": concept("http://loinc.org", ("85354-9", "Blood pressure panel with all children optional")),
        "subject": chart.subject(),
        "encounter": {"reference": visit.encounter},
        "effectiveDateTime": visit.at("09:05"),
        "performer": [{"reference": visit.practitioner}],
        "component": [
            component(("8480-6", "Systolic blood pressure"), systolic),
            component(("8462-4", "Diastolic blood pressure"), diastolic),
        ],
    });
    chart.add("Observation", visit.day, observation);
}

/// Whole numbers without a decimal point.
fn plain(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "measured values are small")]
    if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}
