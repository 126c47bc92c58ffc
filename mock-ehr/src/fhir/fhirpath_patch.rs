//! FHIRPath Patch: a Parameters resource whose operations name elements by simple paths, such as `Patient.name[0].given`.
//!
//! FHIR R4, "FHIRPath Patch": <https://hl7.org/fhir/R4/fhirpatch.html>

use json_patch::Patch;
use serde_json::{Map, Value, json};

use super::outcome::Problem;

/// Carries out every operation, in their order.
pub(super) fn apply(parameters: &Value, resource: &mut Value) -> Result<(), Problem> {
    if parameters["resourceType"] != "Parameters" {
        return Err(Problem::NotAResource(
            "a patch in FHIR's own format is a Parameters resource".to_owned(),
        ));
    }
    let all = parameters["parameter"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for operation in all.iter().filter(|one| one["name"] == "operation") {
        let step = Step::of(operation)?.as_json_patch(resource)?;
        let step: Patch =
            serde_json::from_value(json!([step])).map_err(|error| Problem::PatchFails(error.to_string()))?;
        json_patch::patch(resource, &step).map_err(|error| Problem::PatchFails(error.to_string()))?;
    }
    Ok(())
}

/// One operation, its parts by their names.
struct Step<'v> {
    kind: &'v str,
    path: &'v str,
    parts: &'v [Value],
}

impl<'v> Step<'v> {
    fn of(operation: &'v Value) -> Result<Self, Problem> {
        let parts = operation["part"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |name: &str, member: &str| {
            let found = part(parts, name).and_then(|part| part[member].as_str());
            found.ok_or_else(|| fails(format!("an operation has no {name}")))
        };
        Ok(Self {
            kind: text("type", "valueCode")?,
            path: text("path", "valueString")?,
            parts,
        })
    }

    /// The same in RFC 6902, where the path leads to in this resource.
    fn as_json_patch(&self, resource: &Value) -> Result<Value, Problem> {
        let at = pointer(self.path, resource)?;
        Ok(match self.kind {
            "add" => {
                let name = part(self.parts, "name").and_then(|part| part["valueString"].as_str());
                let name = name.ok_or_else(|| fails("add has no name".to_owned()))?;
                let repeats = resource.pointer(&format!("{at}/{name}")).is_some_and(Value::is_array);
                let end = if repeats { "/-" } else { "" };
                json!({"op": "add", "path": format!("{at}/{name}{end}"), "value": self.value()?})
            }
            "insert" => json!({
                "op": "add",
                "path": format!("{at}/{}", self.number("index")?),
                "value": self.value()?,
            }),
            "delete" => json!({"op": "remove", "path": single(at, resource)}),
            "replace" => json!({"op": "replace", "path": single(at, resource), "value": self.value()?}),
            "move" => json!({
                "op": "move",
                "from": format!("{at}/{}", self.number("source")?),
                "path": format!("{at}/{}", self.number("destination")?),
            }),
            other => return Err(fails(format!("there is no operation {other}"))),
        })
    }

    fn number(&self, name: &str) -> Result<u64, Problem> {
        let found = part(self.parts, name).and_then(|part| part["valueInteger"].as_u64());
        found.ok_or_else(|| fails(format!("{} has no {name}", self.kind)))
    }

    fn value(&self) -> Result<Value, Problem> {
        let found = part(self.parts, "value").and_then(value);
        found.ok_or_else(|| fails(format!("{} has no value", self.kind)))
    }
}

/// `value[x]`, or the parts of an element that has no type of its own.
fn value(part: &Value) -> Option<Value> {
    if let Some(parts) = part["part"].as_array() {
        let members = parts
            .iter()
            .map(|one| Some((one["name"].as_str()?.to_owned(), value(one)?)));
        return members.collect::<Option<Map<_, _>>>().map(Value::Object);
    }
    let members = part.as_object()?;
    members
        .iter()
        .find(|(name, _)| name.starts_with("value"))
        .map(|(_, value)| value.clone())
}

fn part<'v>(parts: &'v [Value], name: &str) -> Option<&'v Value> {
    parts.iter().find(|part| part["name"] == name)
}

fn fails(why: String) -> Problem {
    Problem::PatchFails(why)
}

/// `/name/0/given` of `Patient.name[0].given`. Functions and conditions are not understood.
fn pointer(path: &str, resource: &Value) -> Result<String, Problem> {
    let unknown = || fails(format!("the path {path} is not understood here"));
    let mut steps = path.split('.');
    if resource["resourceType"] != steps.next().unwrap_or_default() {
        return Err(fails(format!("the path {path} begins with another type")));
    }
    let mut at = String::new();
    for step in steps {
        let (name, index) = match step.split_once('[') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(']').ok_or_else(unknown)?)),
            None => (step, None),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(unknown());
        }
        at = format!("{}/{name}", single(at, resource));
        if let Some(index) = index {
            let index: usize = index.parse().map_err(|_| unknown())?;
            at = format!("{at}/{index}");
        }
    }
    Ok(at)
}

/// An element that repeats and is there once stands for that one.
fn single(at: String, resource: &Value) -> String {
    match resource.pointer(&at).and_then(Value::as_array) {
        Some(items) if items.len() == 1 => format!("{at}/0"),
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(parts: &Value) -> Value {
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]})
    }

    fn part(name: &str, member: &str, value: impl Into<Value>) -> Value {
        json!({"name": name, member: value.into()})
    }

    #[test]
    fn each_operation_is_carried_out() {
        let mut person = json!({
            "resourceType": "Patient", "id": "p", "gender": "male",
            "name": [{"family": "Doe", "given": ["A", "B"]}],
        });
        let mut done = |parts: Value| apply(&operation(&parts), &mut person);
        done(json!([
            part("type", "valueCode", "replace"),
            part("path", "valueString", "Patient.gender"),
            part("value", "valueCode", "female"),
        ]))
        .unwrap();
        done(json!([
            part("type", "valueCode", "add"),
            part("path", "valueString", "Patient"),
            part("name", "valueString", "birthDate"),
            part("value", "valueDate", "2000-01-01"),
        ]))
        .unwrap();
        done(json!([
            part("type", "valueCode", "insert"),
            part("path", "valueString", "Patient.name[0].given"),
            part("index", "valueInteger", 1),
            part("value", "valueString", "C"),
        ]))
        .unwrap();
        done(json!([
            part("type", "valueCode", "move"),
            part("path", "valueString", "Patient.name.given"),
            part("source", "valueInteger", 2),
            part("destination", "valueInteger", 0),
        ]))
        .unwrap();
        done(json!([
            part("type", "valueCode", "delete"),
            part("path", "valueString", "Patient.name[0].family"),
        ]))
        .unwrap();
        assert_eq!(
            person,
            json!({
                "resourceType": "Patient", "id": "p", "gender": "female",
                "name": [{"given": ["B", "A", "C"]}], "birthDate": "2000-01-01",
            })
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mut person = json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Doe"}]});
        for (kind, path) in [
            ("replace", "Patient.name.where(use='usual').family"),
            ("replace", "Observation.status"),
            ("replace", "Patient.name[x].family"),
            ("delete", "Patient.birthDate"),
            ("rename", "Patient.name"),
        ] {
            let parts = json!([
                part("type", "valueCode", kind),
                part("path", "valueString", path),
                part("value", "valueString", "x"),
            ]);
            assert!(apply(&operation(&parts), &mut person).is_err(), "{kind} {path}");
        }
        assert!(apply(&json!({"resourceType": "Patient"}), &mut person).is_err());
    }
}
