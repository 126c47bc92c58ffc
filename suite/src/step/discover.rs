//! `discover`, `jwks` and the facts that every other step stands on.
//!
//! SMART App Launch 2.2 conformance: <https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html>

use std::sync::Arc;

use http::header::ACCEPT;
use serde_json::Value;
use url::Url;

use super::arguments::{DiscoverArgs, Document};
use super::context::{Answer, Context, Deed, Halt, Outcome};
use super::world::{Facts, World};
use crate::http::{Failure, Request, Response};

/// The facts, fetched at the first call.
pub async fn facts(world: &World) -> &Facts {
    world.facts.get_or_init(|| fetch(world)).await
}

async fn fetch(world: &World) -> Facts {
    let base = world.profile.fhir_base.trim_end_matches('/');
    let mut facts = Facts::default();
    let (smart, problem) = document_at(world, &format!("{base}/.well-known/smart-configuration"), &mut facts).await;
    facts.smart = smart;
    facts.smart_problem = problem;
    let (capability, _) = document_at(world, &format!("{base}/metadata"), &mut facts).await;
    facts.capability = capability.filter(|value| {
        // FHIR DSTU2, which servers of SMART 1.0 speak, calls it Conformance.
        value["resourceType"] == "CapabilityStatement" || value["resourceType"] == "Conformance"
    });
    read_endpoints(world, &mut facts);
    if let Some(issuer) = facts.issuer.clone() {
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (openid, _) = document_at(world, &at, &mut facts).await;
        facts.openid = openid;
        if let Ok(at) = oauth_metadata(Some(&issuer)) {
            let (oauth, _) = document_at(world, &at, &mut facts).await;
            // RFC 8414 §3.3: a document of another issuer is not used.
            let plain = |text: &str| text.trim_end_matches('/').to_owned();
            let own = |document: &Value| document["issuer"].as_str().map(plain) == Some(plain(&issuer));
            facts.oauth = oauth.filter(own);
        }
    }
    facts
}

async fn document_at(world: &World, at: &str, facts: &mut Facts) -> (Option<Value>, Option<String>) {
    let Ok(url) = Url::parse(at) else {
        return (None, Some(format!("`{at}` is not a URL")));
    };
    let mut request = Request::get(url);
    request.header(ACCEPT, "application/json");
    let (id, outcome) = world.send("discover", request).await;
    facts.exchanges.push(id);
    match read_document(&outcome) {
        Ok(value) => (Some(value), None),
        Err(problem) => (None, Some(format!("{at}: {problem}"))),
    }
}

fn read_document(outcome: &Result<Response, Failure>) -> Result<Value, String> {
    let response = outcome.as_ref().map_err(ToString::to_string)?;
    if response.status != 200 {
        return Err(format!(
            "answered {}, where 200 and a JSON object were expected",
            response.status
        ));
    }
    match response.json() {
        Some(value) if value.is_object() => Ok(value),
        Some(_) => Err("the body is JSON, but not an object".to_owned()),
        None => {
            let kind = response.header("content-type").unwrap_or("no Content-Type");
            Err(format!(
                "the body is not JSON ({kind}); is this the FHIR base, without anything behind it?"
            ))
        }
    }
}

fn read_endpoints(world: &World, facts: &mut Facts) {
    let smart = facts.smart.clone().unwrap_or(Value::Null);
    let listed = |name: &str| smart[name].as_str().map(str::to_owned);
    let profile = &world.profile.endpoints;
    let oauth_uris = facts.capability.as_ref().map(oauth_uris).unwrap_or_default();
    let from_capability = |name: &str| {
        oauth_uris
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let text = |url: &Option<Url>| url.as_ref().map(Url::to_string);
    facts.authorization_endpoint = listed("authorization_endpoint")
        .and_then(|url| Url::parse(&url).ok())
        .or_else(|| profile.authorization_endpoint.clone())
        .or_else(|| from_capability("authorize").and_then(|url| Url::parse(&url).ok()));
    facts.token_endpoint = listed("token_endpoint")
        .or_else(|| text(&profile.token_endpoint))
        .or_else(|| from_capability("token"));
    facts.introspection_endpoint = listed("introspection_endpoint").or_else(|| text(&profile.introspection_endpoint));
    facts.revocation_endpoint = listed("revocation_endpoint").or_else(|| text(&profile.revocation_endpoint));
    facts.jwks_uri = listed("jwks_uri").or_else(|| text(&profile.jwks_uri));
    facts.issuer = listed("issuer");
    facts.brand_bundle = listed("user_access_brand_bundle");
    let claims = &world.profile.claims;
    let listed = smart["capabilities"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    facts.capabilities = listed
        .map(str::to_owned)
        .chain(claims.capabilities.iter().cloned())
        .filter(|capability| !claims.not_claimed.contains(capability))
        .collect();
}

/// URL of that extension.
pub const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// The `oauth-uris` extension of a CapabilityStatement (SMART 1.0 and 2.0): `authorize` → URL.
pub fn oauth_uris(capability: &Value) -> Vec<(String, String)> {
    let of = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    of(capability, "rest")
        .iter()
        .flat_map(|rest| of(&rest["security"], "extension"))
        .filter(|extension| extension["url"] == OAUTH_URIS)
        .flat_map(|extension| of(&extension, "extension"))
        .filter_map(|part| {
            let uri = part["valueUri"].as_str().or_else(|| part["valueUrl"].as_str())?;
            Some((part["url"].as_str()?.to_owned(), uri.to_owned()))
        })
        .collect()
}

/// One GET of a document, with the header fields that the scenario wants.
pub async fn discover(context: &mut Context<'_>, args: &DiscoverArgs, verb: &'static str) -> Result<(), Halt> {
    let deed = fetched(context, args, verb).await?;
    context.deeds.push(Arc::new(deed));
    Ok(())
}

/// Several of them at the same moment; none of them serves as a control.
pub async fn together(context: &Context<'_>, all: &[&DiscoverArgs]) -> Result<Vec<Deed>, Halt> {
    let deeds = futures::future::join_all(all.iter().map(|args| fetched(context, args, "discover"))).await;
    deeds
        .into_iter()
        .map(|deed| deed.map(|deed| Deed { correct: false, ..deed }))
        .collect()
}

async fn fetched(context: &Context<'_>, args: &DiscoverArgs, verb: &'static str) -> Result<Deed, Halt> {
    let world = context.world;
    let known = facts(world).await;
    let at = if verb == "jwks" {
        known
            .jwks_uri
            .clone()
            .ok_or_else(|| Halt::Skip("the server lists no jwks_uri".to_owned()))?
    } else {
        let base = world.profile.fhir_base.trim_end_matches('/');
        match args.document {
            Document::Smart => format!("{base}/.well-known/smart-configuration"),
            Document::Capability => format!("{base}/metadata"),
            Document::Openid => {
                let issuer = known
                    .issuer
                    .as_deref()
                    .ok_or_else(|| Halt::Skip("the server lists no issuer".to_owned()))?;
                format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
            }
            Document::Oauth => oauth_metadata(known.issuer.as_deref())?,
            Document::Brands => known
                .brand_bundle
                .clone()
                .ok_or_else(|| Halt::Skip("the server lists no user_access_brand_bundle".to_owned()))?,
        }
    };
    let url = Url::parse(&at).map_err(|_| Halt::Blocked(format!("`{at}` is not an absolute URL")))?;
    let mut request = Request::get(url);
    if !args.headers.keys().any(|name| name.eq_ignore_ascii_case("accept")) {
        request.header(ACCEPT, "application/json");
    }
    super::overrides::add_headers(context, &mut request, &args.headers)?;
    let correct = args.headers.is_empty();
    Ok(answered(world, verb, args.label.clone(), String::new(), correct, request, None).await)
}

/// RFC 8414 §3.1: the well-known part stands between the host and the path of the issuer.
fn oauth_metadata(issuer: Option<&str>) -> Result<String, Halt> {
    let issuer = issuer.ok_or_else(|| Halt::Skip("the server lists no issuer".to_owned()))?;
    let mut url =
        Url::parse(issuer).map_err(|_| Halt::Skip(format!("the issuer `{issuer}` is not an absolute URL")))?;
    let path = format!(
        "/.well-known/oauth-authorization-server{}",
        url.path().trim_end_matches('/')
    );
    url.set_path(&path);
    Ok(url.into())
}

/// Sends a request and wraps its answer as a deed.
pub(super) async fn answered(
    world: &World,
    verb: &'static str,
    label: Option<String>,
    client: String,
    correct: bool,
    request: Request,
    assertion: Option<String>,
) -> Deed {
    let step = label
        .as_ref()
        .map_or_else(|| verb.to_owned(), |label| format!("{verb} ({label})"));
    let (id, outcome) = world.send(&step, request).await;
    let exchange = world.recorder.exchange(id).expect("it was kept a line before");
    let json = outcome.ok().and_then(|response| response.json());
    Deed {
        label,
        verb,
        client,
        correct,
        outcome: Outcome::Answered(Box::new(Answer {
            exchange,
            json,
            assertion,
            spent: None,
            aim: None,
            pushed: None,
        })),
        exchanges: vec![id],
    }
}
