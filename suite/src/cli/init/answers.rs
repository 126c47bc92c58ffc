//! What a server says of itself, in which documents, and where they were looked for.
//!
//! SMART App Launch 2.2 conformance, OpenID Connect Discovery 1.0 §4, RFC 8414 §3, FHIR R4 §3.1.0.11 (capabilities).

use http::header::ACCEPT;
use serde_json::Value;
use url::Url;

use crate::engine::version;
use crate::http::{Failure, Request, Response};
use crate::oauth::jws::Alg;
use crate::scenario::needs;
use crate::step::world::Facts;
use crate::step::{World, discover, register};
use crate::target::{ClientKind, SecretMethod, SmartVersion};

/// A document that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where.
    pub(super) url: String,
    /// Whether it came; else what came instead.
    pub(super) found: Result<(), String>,
}

/// What a server says.
#[derive(Debug)]
pub(super) struct Answers {
    /// As the suite reads it.
    pub(super) facts: Facts,
    /// The version that this looks like.
    pub(super) smart: SmartVersion,
    /// Why.
    pub(super) smart_from: String,
    /// Every document that was asked for, in that order.
    pub(super) asked: Vec<Asked>,
    /// Where the endpoints stand, if not where SMART has them.
    pub(super) elsewhere: Option<String>,
    /// The server's keys, a line each; or why they are not there.
    pub(super) keys: Option<Result<Vec<String>, String>>,
}

impl Answers {
    /// Asks for everything that needs no client.
    pub(super) async fn ask(world: &World) -> Self {
        let mut facts = discover::facts(world).await.clone();
        // Where nobody answers, nobody answers at other addresses either.
        let answers = world
            .recorder
            .all()
            .iter()
            .any(|exchange| exchange.response().is_some());
        let elsewhere = if answers && facts.authorization_endpoint.is_none() {
            ask_elsewhere(world, &mut facts).await
        } else {
            None
        };
        if facts.jwks_uri.is_none() {
            facts.jwks_uri = facts.told("jwks_uri").and_then(Value::as_str).map(str::to_owned);
        }
        let (smart, smart_from) = version::infer(None, &world.profile, &facts);
        let keys = match facts.jwks_uri.clone() {
            Some(at) => Some(ask_keys(world, &at).await),
            None => None,
        };
        Self {
            asked: asked(world),
            facts,
            smart,
            smart_from,
            elsewhere,
            keys,
        }
    }

    /// Why there is nothing to write a profile from.
    pub(super) fn nothing(&self, world: &World) -> Option<String> {
        let facts = &self.facts;
        let nothing = facts.smart.is_none() && facts.capability.is_none() && self.elsewhere.is_none();
        nothing.then(|| {
            let tried: Vec<String> = self
                .asked
                .iter()
                .map(|one| match &one.found {
                    Ok(()) => format!("  {}", one.url),
                    Err(why) => format!("  {}: {why}", one.url),
                })
                .collect();
            format!(
                "{} says nothing of itself, so no profile was written. Tried:\n{}\nCheck the FHIR base: it is the \
                 address below which Patient stands.",
                world.profile.fhir_base,
                tried.join("\n")
            )
        })
    }

    /// A list that the server publishes, by the first document that has it.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let list = self.facts.told(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// An address that the server publishes.
    pub(super) fn address(&self, name: &str) -> Option<Url> {
        Url::parse(self.facts.told(name)?.as_str()?).ok()
    }

    /// Where clients register themselves.
    pub(super) fn registration_endpoint(&self) -> Option<Url> {
        register::endpoint(&self.facts).and_then(|at| Url::parse(at).ok())
    }

    /// Why clients of this kind need not be registered.
    pub(super) fn unclaimed(&self, kind: ClientKind) -> Option<String> {
        needs::unclaimed(&self.facts, kind)
    }

    /// How a secret is sent: the stronger of what is listed.
    pub(super) fn secret_method(&self) -> SecretMethod {
        let methods = self.list("token_endpoint_auth_methods_supported").unwrap_or_default();
        let lists = |word: &str| methods.iter().any(|method| method == word);
        if lists("client_secret_post") && !lists("client_secret_basic") {
            SecretMethod::Post
        } else {
            SecretMethod::Basic
        }
    }

    /// By what assertions are signed: SMART 2.2 has every server know one of these two.
    pub(super) fn signing_alg(&self) -> Alg {
        let listed = self.list("token_endpoint_auth_signing_alg_values_supported");
        let lists = |alg: Alg| {
            listed
                .as_ref()
                .is_none_or(|all| all.iter().any(|one| one == alg.name()))
        };
        let known = [Alg::Es384, Alg::Rs384, Alg::Es256, Alg::Rs256];
        known.into_iter().find(|alg| lists(*alg)).unwrap_or(Alg::Es384)
    }

    /// What a client of this kind would ask for, of what is listed.
    pub(super) fn scopes(&self, kind: ClientKind) -> String {
        let old = self.smart == SmartVersion::V1_0 || !self.facts.capabilities.iter().any(|one| one == "permission-v2");
        let listed = self.list("scopes_supported").unwrap_or_default();
        let level = if kind == ClientKind::Backend {
            "system"
        } else {
            "patient"
        };
        let data = data_scopes(&listed, level, old);
        if kind == ClientKind::Backend {
            return data;
        }
        let may = |scope: &str| listed.is_empty() || listed.iter().any(|one| one == scope);
        let launch = if self.facts.capabilities.iter().any(|one| one == "launch-standalone") || may("launch/patient") {
            "launch/patient"
        } else {
            "launch"
        };
        let usual = [launch, "openid", "fhirUser", "offline_access"].into_iter();
        let mut scopes: Vec<&str> = usual.filter(|scope| *scope == launch || may(scope)).collect();
        scopes.push(&data);
        scopes.join(" ")
    }

    /// FHIR version and software, as the CapabilityStatement has them.
    pub(super) fn software(&self) -> (Option<&str>, Option<&str>) {
        let Some(capability) = &self.facts.capability else {
            return (None, None);
        };
        let name = capability["software"]["name"].as_str();
        (
            capability["fhirVersion"].as_str(),
            name.or_else(|| capability["name"].as_str()),
        )
    }
}

/// A wildcard where the server lists one or lists none at all; else the first types that are listed.
fn data_scopes(listed: &[String], level: &str, old: bool) -> String {
    let forms: [&str; 2] = if old { ["read", "rs"] } else { ["rs", "read"] };
    let mut wildcards = forms.iter().map(|form| format!("{level}/*.{form}"));
    if let Some(wildcard) = wildcards.find(|scope| listed.contains(scope)) {
        return wildcard;
    }
    let prefix = format!("{level}/");
    let types: Vec<&str> = ["Patient", "Observation", "Condition"]
        .into_iter()
        .flat_map(|kind| forms.map(|form| format!("{prefix}{kind}.{form}")))
        .filter_map(|scope| listed.iter().find(|one| **one == scope))
        .map(String::as_str)
        .collect();
    if types.is_empty() {
        return format!("{level}/*.{}", forms[0]);
    }
    types.join(" ")
}

/// Where servers without SMART's document have the endpoints: below the FHIR base, and at its origin.
async fn ask_elsewhere(world: &World, facts: &mut Facts) -> Option<String> {
    let base = Url::parse(&world.profile.fhir_base).ok()?;
    let path = base.path().trim_end_matches('/').to_owned();
    let openid = "/.well-known/openid-configuration";
    let oauth = "/.well-known/oauth-authorization-server";
    let places = [
        format!("{path}{openid}"),
        openid.to_owned(),
        format!("{oauth}{path}"),
        oauth.to_owned(),
    ];
    for place in places {
        let mut url = base.clone();
        url.set_query(None);
        url.set_path(&place);
        let at = url.to_string();
        let mut request = Request::get(url);
        request.header(ACCEPT, "application/json");
        let (_, outcome) = world.send("discover", request).await;
        let Some(document) = outcome
            .ok()
            .filter(|answer| answer.status == 200)
            .and_then(|answer| answer.json())
        else {
            continue;
        };
        let address = |name: &str| document[name].as_str().and_then(|text| Url::parse(text).ok());
        if let (Some(authorize), Some(token)) = (address("authorization_endpoint"), address("token_endpoint")) {
            facts.authorization_endpoint = Some(authorize);
            facts.token_endpoint = Some(token.to_string());
            if place.contains("openid") {
                facts.openid = Some(document);
            } else {
                facts.oauth = Some(document);
            }
            return Some(at);
        }
    }
    None
}

async fn ask_keys(world: &World, at: &str) -> Result<Vec<String>, String> {
    let url = Url::parse(at).map_err(|_| format!("`{at}` is not an absolute URL"))?;
    let mut request = Request::get(url);
    request.header(ACCEPT, "application/json");
    let (_, outcome) = world.send("jwks", request).await;
    let answer = outcome.map_err(|failure| failure.to_string())?;
    let keys = answer.json().and_then(|json| json["keys"].as_array().cloned());
    let keys = keys.ok_or_else(|| format!("it answered {}, and no key set", answer.status))?;
    let text = |key: &Value, name: &str| key[name].as_str().unwrap_or("-").to_owned();
    Ok(keys
        .iter()
        .map(|key| format!("{} {} kid {}", text(key, "kty"), text(key, "alg"), text(key, "kid")))
        .collect())
}

fn asked(world: &World) -> Vec<Asked> {
    let all = world.recorder.all();
    let of_documents = all.iter().filter(|exchange| exchange.step == "discover");
    of_documents
        .map(|exchange| Asked {
            url: exchange.request.url.to_string(),
            found: found(&exchange.outcome),
        })
        .collect()
}

fn found(outcome: &Result<Response, Failure>) -> Result<(), String> {
    let answer = outcome.as_ref().map_err(ToString::to_string)?;
    if answer.status != 200 {
        return Err(format!("answered {}", answer.status));
    }
    let json = answer.json().ok_or_else(|| "answered 200, and no JSON".to_owned())?;
    if json.is_object() {
        Ok(())
    } else {
        Err("answered 200, and JSON that is no object".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_asked_for_in_the_form_that_is_listed() {
        let listed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(data_scopes(&[], "patient", false), "patient/*.rs");
        assert_eq!(data_scopes(&[], "patient", true), "patient/*.read");
        assert_eq!(
            data_scopes(&listed(&["patient/*.read", "openid"]), "patient", false),
            "patient/*.read"
        );
        let types = listed(&["patient/Observation.rs", "patient/Patient.rs", "patient/Claim.rs"]);
        assert_eq!(
            data_scopes(&types, "patient", false),
            "patient/Patient.rs patient/Observation.rs"
        );
    }
}
