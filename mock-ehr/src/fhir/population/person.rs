//! Who somebody is: the Patient, a guardian or next of kin, the insurance.

use jiff::ToSpan as _;
use jiff::civil::date;
use serde_json::{Value, json};

use super::END;
use super::catalogue::{Coded, ETHNICITIES, FAMILIES, LANGUAGES, MEN, RACES, TOWNS, WOMEN};
use super::chart::{Chart, concept};

/// Draws a person and writes them down.
pub(super) fn describe(chart: &mut Chart) {
    chart.female = chart.dice.percent(51);
    chart.birth = chart.dice.day(date(1934, 1, 1), date(2024, 6, 30));
    let given = given(chart, chart.female);
    (*chart.dice.pick(FAMILIES)).clone_into(&mut chart.family);
    chart.name = format!("{given} {}", chart.family);
    let age = chart.age(END);
    chart.practitioner = if age < 18 {
        "Practitioner/practitioner-3".to_owned()
    } else {
        format!("Practitioner/practitioner-{}", chart.dice.whole(1, 2))
    };
    let (number, address) = (chart.number.clone(), address(chart));
    let (race, ethnicity) = (*chart.dice.pick(RACES), *chart.dice.pick(ETHNICITIES));
    let language = *chart.dice.pick(LANGUAGES);
    let gender = if chart.female { "female" } else { "male" };
    let patient = json!({
        "extension": [
            us_core("race", race),
            us_core("ethnicity", ethnicity),
            {
                "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
                "valueCode": if chart.female { "F" } else { "M" },
            },
        ],
        "identifier": [{
            "use": "usual",
            "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", ("MR", "Medical record number")),
            "system": "https://people.example/mrn",
            "value": format!("MRN-9{number}"),
        }],
        "active": true,
        "name": [{"use": "official", "family": chart.family, "given": [given]}],
        "telecom": [
            {"system": "phone", "value": format!("555-1{}", &number[number.len().saturating_sub(4)..]), "use": "mobile"},
            {"system": "email", "value": format!("person.{number}@people.example"), "use": "home"},
        ],
        "gender": gender,
        "birthDate": chart.birth.to_string(),
        "address": [address],
        "communication": [{"language": concept("urn:ietf:bcp:47", language), "preferred": true}],
        "generalPractitioner": [{"reference": chart.practitioner}],
        "managingOrganization": {"reference": "Organization/organization-1"},
    });
    chart.add("Patient", date(2024, 1, 2).max(chart.birth), patient);
    if age < 18 {
        guardian(chart, &address);
    }
    coverage(chart, age);
}

fn given(chart: &mut Chart, female: bool) -> &'static str {
    let names = if female { WOMEN } else { MEN };
    chart.dice.pick::<&str>(names)
}

fn address(chart: &mut Chart) -> Value {
    let (town, postal_code) = *chart.dice.pick(TOWNS);
    let house = chart.dice.whole(1, 240);
    json!({
        "use": "home",
        "line": [format!("{house} Sample Street")],
        "city": town,
        "state": "MA",
        "postalCode": postal_code,
        "country": "US",
    })
}

fn us_core(name: &str, (code, display): Coded) -> Value {
    json!({
        "url": format!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}"),
        "extension": [
            {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": display}},
            {"url": "text", "valueString": display},
        ],
    })
}

fn guardian(chart: &mut Chart, address: &Value) {
    let mother = chart.dice.percent(60);
    let role = if mother { ("MTH", "mother") } else { ("FTH", "father") };
    let born = chart.birth.saturating_sub(chart.dice.whole(20, 38).years());
    let system = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
    let name = given(chart, mother);
    let person = json!({
        "active": true,
        "patient": chart.subject(),
        "relationship": [concept(system, ("GUARD", "guardian")), concept(system, role)],
        "name": [{"use": "official", "family": chart.family, "given": [name]}],
        "gender": if mother { "female" } else { "male" },
        "birthDate": born.to_string(),
        "address": [address],
    });
    chart.add("RelatedPerson", chart.birth, person);
}

fn coverage(chart: &mut Chart, age: i32) {
    let (kind, plan, name) = if age >= 65 {
        (
            ("RETIRE", "retiree health program"),
            "MEDICARE-PART-B",
            "Medicare Part B",
        )
    } else {
        (("EHCPOL", "extended healthcare"), "MUTUAL-SILVER", "Mutual Silver")
    };
    let from = date(2019, 1, 1).max(chart.birth);
    let coverage = json!({
        "status": "active",
        "type": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", kind),
        "subscriberId": format!("SUB-{}", chart.number),
        "beneficiary": chart.subject(),
        "relationship": concept("http://terminology.hl7.org/CodeSystem/subscriber-relationship", if age < 18 {
            ("child", "Child")
        } else {
            ("self", "Self")
        }),
        "period": {"start": from.to_string()},
        "payor": [{"reference": "Organization/organization-4"}],
        "class": [{
            "type": concept("http://terminology.hl7.org/CodeSystem/coverage-class", ("plan", "Plan")),
            "value": plan,
            "name": name,
        }],
    });
    chart.add("Coverage", from, coverage);
}
