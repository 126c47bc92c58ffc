//! A bundle of user-access brands: its form, its organizations and endpoints, and what the SMART configuration says of it.
//!
//! SMART App Launch 2.2, "User-access Brands and Endpoints": <https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html>,
//! and its profiles of Bundle, Organization and Endpoint.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::finding::{Finding, answer};
use super::refusal::describe_answer;
use crate::step::Context;

/// `brands`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandsArgs {
    /// Label or verb of the step that fetched the bundle; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: BrandRule,
}

/// A rule about a bundle of brands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrandRule {
    /// A Bundle of type `collection` with a brand in it.
    Collection,
    /// `Bundle.timestamp` is an instant.
    Timestamp,
    /// Each resource says when it last changed.
    LastUpdated,
    /// Each Endpoint is a FHIR REST endpoint with version and absolute address.
    Endpoints,
    /// Each Endpoint names a web site for developers.
    Contacts,
    /// Each Organization has a name.
    Names,
    /// Each Organization has a web site, or a reason why not.
    Websites,
    /// Each Endpoint is referred to by a brand.
    PrimaryBrand,
    /// What is referred to is in the bundle.
    References,
    /// Endpoints of portals are among the endpoints of their brand.
    PortalEndpoints,
    /// No reason for an absent element but the two that are allowed.
    AbsentReasons,
    /// Brands are identified by the https address of their web site.
    IdentifierForm,
    /// Logos are https or data addresses.
    Logos,
    /// `user_access_brand_identifier` is there where there are several brands.
    Told,
    /// `user_access_brand_identifier` fits exactly one brand.
    Match,
    /// The answer has a weak ETag.
    WeakEtag,
}

/// `brands`.
pub fn brands(context: &Context<'_>, args: &BrandsArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let response = match answer.outcome() {
        Ok(response) if response.status == 200 => response,
        Ok(_) => return Finding::TooLittle(format!("no bundle came: {}", describe_answer(answer))),
        Err(failure) => return Finding::Undecided(failure.to_string()),
    };
    if args.rule == BrandRule::WeakEtag {
        let tag = response.header("etag");
        let observed = tag.map_or_else(|| "no ETag".to_owned(), |tag| format!("ETag: {tag}"));
        return Finding::when(
            tag.is_some_and(|tag| tag.starts_with("W/\"")),
            "a weak ETag: W/\"…\"",
            observed,
        );
    }
    let Some(bundle) = answer.json.as_ref().filter(|json| json["resourceType"] == "Bundle") else {
        return match args.rule {
            BrandRule::Collection => Finding::broken("a FHIR Bundle in JSON", describe_answer(answer)),
            _ => Finding::TooLittle("it is no FHIR Bundle in JSON, so there is nothing to judge".to_owned()),
        };
    };
    let smart = context.world.known().and_then(|facts| facts.smart.as_ref());
    judge(&Bundle(bundle), args.rule, smart)
}

struct Bundle<'v>(&'v Value);

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl<'v> Bundle<'v> {
    fn resources(&self) -> impl Iterator<Item = &'v Value> + use<'v> {
        items(&self.0["entry"]).map(|entry| &entry["resource"])
    }

    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'v Value> + use<'v> {
        self.resources()
            .filter(move |resource| resource["resourceType"] == kind)
    }

    /// Whether a reference leads to an entry: by its full URL, or by type and id.
    fn holds(&self, reference: &str) -> bool {
        items(&self.0["entry"]).any(|entry| {
            let resource = &entry["resource"];
            let kind = resource["resourceType"].as_str().unwrap_or_default();
            let id = resource["id"].as_str().unwrap_or_default();
            entry["fullUrl"].as_str() == Some(reference) || (!id.is_empty() && format!("{kind}/{id}") == reference)
        })
    }
}

/// How a resource is called in messages.
fn name(resource: &Value) -> String {
    let kind = resource["resourceType"].as_str().unwrap_or("resource");
    let id = resource["id"]
        .as_str()
        .or_else(|| resource["name"].as_str())
        .unwrap_or("without id");
    format!("{kind}/{id}")
}

const BRAND: &str = "http://hl7.org/fhir/StructureDefinition/organization-brand";
const PORTAL: &str = "http://hl7.org/fhir/StructureDefinition/organization-portal";
const VERSION: &str = "http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// Parts of this name in the extensions of this URL.
fn parts<'v>(resource: &'v Value, url: &'static str, part: &'static str) -> impl Iterator<Item = &'v Value> {
    items(&resource["extension"])
        .filter(move |extension| extension["url"] == url)
        .flat_map(|extension| items(&extension["extension"]))
        .filter(move |inner| inner["url"] == part)
}

fn portal_endpoints(brand: &Value) -> impl Iterator<Item = &str> {
    parts(brand, PORTAL, "portalEndpoint").filter_map(|part| part["valueReference"]["reference"].as_str())
}

fn endpoints(brand: &Value) -> impl Iterator<Item = &str> {
    items(&brand["endpoint"]).filter_map(|one| one["reference"].as_str())
}

fn is_web(value: &Value) -> bool {
    value
        .as_str()
        .and_then(|text| Url::parse(text).ok())
        .is_some_and(|url| url.scheme() == "https" && url.has_host())
}

/// The first resource with something wrong, and what it is.
fn first_wrong<'v>(
    resources: impl Iterator<Item = &'v Value>,
    expected: &str,
    wrong: impl Fn(&Value) -> Option<String>,
) -> Finding {
    for resource in resources {
        if let Some(observed) = wrong(resource) {
            return Finding::broken(expected, format!("{}: {observed}", name(resource)));
        }
    }
    Finding::holds()
}

fn judge(bundle: &Bundle<'_>, rule: BrandRule, smart: Option<&Value>) -> Finding {
    let none = |kind: &str| Finding::TooLittle(format!("the bundle holds no {kind}"));
    let organizations = || bundle.of("Organization");
    if rule != BrandRule::Collection && organizations().next().is_none() {
        return none("Organization");
    }
    match rule {
        BrandRule::Collection => collection(bundle),
        BrandRule::Timestamp => {
            let stamp = &bundle.0["timestamp"];
            let fits = stamp
                .as_str()
                .is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok());
            Finding::when(
                fits,
                "`timestamp`, an instant with time zone",
                format!("`timestamp`: {stamp}"),
            )
        }
        BrandRule::LastUpdated => first_wrong(bundle.resources(), "`meta.lastUpdated` in each resource", |one| {
            (!one["meta"]["lastUpdated"].is_string()).then(|| "none".to_owned())
        }),
        BrandRule::Endpoints => match bundle.of("Endpoint").next() {
            None => none("Endpoint"),
            Some(_) => first_wrong(bundle.of("Endpoint"), ENDPOINT, endpoint_problem),
        },
        BrandRule::Contacts => first_wrong(bundle.of("Endpoint"), "a `contact` that is an https address", |one| {
            let there = items(&one["contact"]).any(|contact| contact["system"] == "url" && is_web(&contact["value"]));
            (!there).then(|| format!("`contact`: {}", one["contact"]))
        }),
        BrandRule::Names => first_wrong(organizations(), "a `name`", |one| {
            let there = one["name"].as_str().is_some_and(|name| !name.trim().is_empty()) || is_excused(&one["_name"]);
            (!there).then(|| format!("`name`: {}", one["name"]))
        }),
        BrandRule::Websites => first_wrong(organizations(), "a `telecom` with system `url`, or why not", |one| {
            let there = items(&one["telecom"]).any(|telecom| {
                let told = telecom["system"] == "url" && telecom["value"].is_string();
                told || is_excused(telecom) || is_excused(&telecom["_value"])
            });
            (!there).then(|| format!("`telecom`: {}", one["telecom"]))
        }),
        BrandRule::PrimaryBrand => primary_brand(bundle),
        BrandRule::References => first_wrong(organizations(), "references that lead into the bundle", |one| {
            let part_of = one["partOf"]["reference"].as_str();
            let mut all = portal_endpoints(one).chain(endpoints(one)).chain(part_of);
            all.find(|reference| !bundle.holds(reference))
                .map(|reference| format!("`{reference}` is not in the bundle"))
        }),
        BrandRule::PortalEndpoints => first_wrong(organizations(), "endpoints of portals also at `endpoint`", |one| {
            portal_endpoints(one)
                .find(|reference| !endpoints(one).any(|known| known == *reference))
                .map(|reference| format!("`{reference}` is not at `endpoint`"))
        }),
        BrandRule::AbsentReasons => match wrong_reason(bundle.0) {
            Some(reason) => Finding::broken(
                "no data-absent-reason but `asked-declined` and `asked-unknown`",
                format!("`{reason}`"),
            ),
            None => Finding::holds(),
        },
        BrandRule::IdentifierForm => first_wrong(organizations(), IDENTIFIER, |one| {
            let there = items(&one["identifier"]).any(is_site);
            (!there).then(|| format!("`identifier`: {}", one["identifier"]))
        }),
        BrandRule::Logos => first_wrong(organizations(), "logos at https or data addresses", |one| {
            parts(one, BRAND, "brandLogo")
                .chain(parts(one, PORTAL, "portalLogo"))
                .find(|logo| {
                    let inline = logo["valueUrl"]
                        .as_str()
                        .is_some_and(|url| url.starts_with("data:image/"));
                    !inline && !is_web(&logo["valueUrl"])
                })
                .map(|logo| logo["valueUrl"].to_string())
        }),
        BrandRule::Told | BrandRule::Match => told(bundle, rule, smart),
        BrandRule::WeakEtag => Finding::Unreached("judged before".to_owned()),
    }
}

const ENDPOINT: &str =
    "an Endpoint with `status`, connection type `hl7-fhir-rest`, its FHIR version and an absolute address";
const IDENTIFIER: &str = "an identifier with system `urn:ietf:rfc:3986` and the https address of the web site, without www \
                          and path";

fn collection(bundle: &Bundle<'_>) -> Finding {
    let kind = &bundle.0["type"];
    if kind != "collection" {
        return Finding::broken("a Bundle of type `collection`", format!("`type`: {kind}"));
    }
    let brands = bundle.of("Organization").count();
    Finding::when(brands > 0, "an Organization in the bundle", format!("{brands} of them"))
}

fn endpoint_problem(endpoint: &Value) -> Option<String> {
    if !endpoint["status"].is_string() {
        return Some(format!("`status`: {}", endpoint["status"]));
    }
    if endpoint["connectionType"]["code"] != "hl7-fhir-rest" {
        return Some(format!("`connectionType`: {}", endpoint["connectionType"]));
    }
    let version = items(&endpoint["extension"]).any(|one| one["url"] == VERSION && one["valueCode"].is_string());
    if !version {
        return Some("no extension endpoint-fhir-version".to_owned());
    }
    let address = &endpoint["address"];
    let absolute = address
        .as_str()
        .and_then(|text| Url::parse(text).ok())
        .is_some_and(|url| url.has_host());
    (!absolute).then(|| format!("`address`: {address}"))
}

fn primary_brand(bundle: &Bundle<'_>) -> Finding {
    let refers = |brand: &Value, id: &str, full: Option<&str>| {
        let relative = format!("Endpoint/{id}");
        portal_endpoints(brand)
            .chain(endpoints(brand))
            .any(|reference| reference == relative || Some(reference) == full)
    };
    for entry in items(&bundle.0["entry"]) {
        let resource = &entry["resource"];
        if resource["resourceType"] != "Endpoint" {
            continue;
        }
        let id = resource["id"].as_str().unwrap_or_default();
        if !bundle
            .of("Organization")
            .any(|brand| refers(brand, id, entry["fullUrl"].as_str()))
        {
            return Finding::broken(
                "a brand that refers to each Endpoint of the bundle",
                format!("nobody refers to {}", name(resource)),
            );
        }
    }
    Finding::holds()
}

/// Whether one of the two allowed reasons stands in place of a value.
fn is_excused(element: &Value) -> bool {
    items(&element["extension"]).any(|extension| extension["url"] == ABSENT)
}

/// A reason that brands may not give, wherever it stands.
fn wrong_reason(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(wrong_reason),
        Value::Object(members) => {
            let reason = &value["valueCode"];
            if value["url"] == ABSENT && reason != "asked-declined" && reason != "asked-unknown" {
                return Some(reason.as_str().unwrap_or_default().to_owned());
            }
            members.values().find_map(wrong_reason)
        }
        _ => None,
    }
}

fn is_site(identifier: &Value) -> bool {
    let Some(text) = identifier["value"].as_str() else {
        return false;
    };
    let bare = Url::parse(text).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && !host.starts_with("www.") && url.path() == "/" && url.query().is_none()
    });
    identifier["system"] == "urn:ietf:rfc:3986" && bare && !text.ends_with('/')
}

/// What the SMART configuration says of the bundle.
fn told(bundle: &Bundle<'_>, rule: BrandRule, smart: Option<&Value>) -> Finding {
    let Some(smart) = smart else {
        return Finding::TooLittle("there is no smart-configuration that tells of the bundle".to_owned());
    };
    let identifier = &smart["user_access_brand_identifier"];
    let brands = bundle.of("Organization").count();
    if rule == BrandRule::Told {
        return Finding::when(
            brands < 2 || !identifier.is_null(),
            "`user_access_brand_identifier`, since the bundle holds several brands",
            format!("none, and {brands} brands"),
        );
    }
    let Some(value) = identifier["value"].as_str() else {
        return Finding::TooLittle("no identifier with a value is told".to_owned());
    };
    let same = |one: &Value| {
        let system = &identifier["system"];
        one["value"] == value && (system.is_null() || one["system"] == *system)
    };
    let fitting = bundle
        .of("Organization")
        .filter(|brand| items(&brand["identifier"]).any(same))
        .count();
    Finding::when(
        fitting == 1,
        format!("exactly one brand with the identifier `{value}`"),
        format!("{fitting} of {brands}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(bundle: &Value, rule: BrandRule) -> bool {
        matches!(judge(&Bundle(bundle), rule, None), Finding::Holds(_))
    }

    fn sound() -> Value {
        json!({
            "resourceType": "Bundle", "type": "collection", "timestamp": "2026-01-01T00:00:00.5-07:00",
            "entry": [
                {"fullUrl": "https://b.example/Organization/o", "resource": {
                    "resourceType": "Organization", "id": "o", "name": "Brand",
                    "telecom": [{"system": "url", "value": "https://brand.example"}],
                    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "https://brand.example"}],
                    "endpoint": [{"reference": "https://b.example/Endpoint/e"}],
                }},
                {"fullUrl": "https://b.example/Endpoint/e", "resource": {
                    "resourceType": "Endpoint", "id": "e", "status": "active", "address": "https://b.example/fhir",
                    "extension": [{"url": VERSION, "valueCode": "4.0.1"}],
                    "connectionType": {"code": "hl7-fhir-rest"},
                    "contact": [{"system": "url", "value": "https://dev.example"}],
                }},
            ],
        })
    }

    #[test]
    fn a_sound_bundle_with_absolute_references_is_sound() {
        for rule in [
            BrandRule::Collection,
            BrandRule::Timestamp,
            BrandRule::Endpoints,
            BrandRule::Contacts,
            BrandRule::Names,
            BrandRule::Websites,
            BrandRule::PrimaryBrand,
            BrandRule::References,
            BrandRule::PortalEndpoints,
            BrandRule::AbsentReasons,
            BrandRule::IdentifierForm,
            BrandRule::Logos,
        ] {
            assert!(holds(&sound(), rule), "{rule:?}");
        }
        assert!(!holds(&sound(), BrandRule::LastUpdated));
    }

    #[test]
    fn only_the_bare_address_of_a_site_identifies_it() {
        let site = |value: &str| is_site(&json!({"system": "urn:ietf:rfc:3986", "value": value}));
        assert!(site("https://brand.example"));
        for wrong in [
            "https://www.brand.example",
            "https://brand.example/",
            "https://brand.example/a",
            "http://brand.example",
            "brand.example",
        ] {
            assert!(!site(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_identifier_fits_one_brand_by_value_and_system() {
        let fits = |identifier: Value| {
            let smart = json!({ "user_access_brand_identifier": identifier });
            matches!(
                judge(&Bundle(&sound()), BrandRule::Match, Some(&smart)),
                Finding::Holds(_)
            )
        };
        assert!(fits(json!({"value": "https://brand.example"})));
        assert!(!fits(
            json!({"system": "urn:oid:1.2", "value": "https://brand.example"})
        ));
        assert!(!fits(json!({"value": "https://other.example"})));
    }
}
