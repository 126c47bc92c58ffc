//! `fhir` and `request`: reads with a token, and requests of any kind.
//!
//! RFC 6750 §2.1; SMART App Launch 2.2 "Access FHIR API".

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use serde_json::Value;
use url::Url;

use super::arguments::{FhirArgs, Method, RequestArgs};
use super::authorize::named_session;
use super::context::{Context, Deed, Halt, Outcome};
use super::discover::answered;
use super::overrides::{add_headers, put};
use crate::http::{Request, RequestBody};
use crate::value::{Lookup, Override, Template};

/// A request of the FHIR API with the access token of a token response.
pub async fn fhir(context: &Context<'_>, args: &FhirArgs) -> Result<Deed, Halt> {
    let world = context.world;
    let label = args.of.as_deref();
    let own = |name: &str| context.value(&format!("{}.{name}", label?));
    let path = match &args.path {
        Some(path) => context.fill(path, &own)?,
        None => default_path(context, label),
    };
    let base = world.profile.fhir_base.trim_end_matches('/');
    let address = if path.is_empty() {
        base.to_owned()
    } else {
        format!("{base}/{path}")
    };
    let url = Url::parse(&address)
        .map_err(|error| Halt::Scenario(format!("`{path}` is no path below the FHIR base: {error}")))?;
    let token = match &args.token {
        Override::Keep => Some(
            context
                .member(label, "access_token")
                .ok_or_else(|| Halt::Blocked("there is no access token to read with".to_owned()))?,
        ),
        Override::Omit => None,
        Override::One(template) => Some(context.fill(template, &own)?),
        Override::Many(_) => return Err(Halt::Scenario("a bearer token is one text".to_owned())),
    };
    let token = match (token, args.forge) {
        (Some(token), Some(how)) => Some(super::forged_token::forged(context, &token, how)?),
        (token, _) => token,
    };
    let mut request = Request {
        method: method(args.method),
        url,
        headers: Vec::new(),
        body: body(context, args, &own)?,
    };
    request.header(ACCEPT, "application/fhir+json");
    if let Some(token) = token
        && !request.header(AUTHORIZATION, &format!("Bearer {token}"))
    {
        return Err(Halt::Error(
            "the access token holds characters that no header field can carry".to_owned(),
        ));
    }
    add_headers(context, &mut request, &args.headers)?;
    if let Some(session) = &args.cookies {
        let cookies = cookies(context, session, &request.url)?;
        request.header(COOKIE, &cookies);
    }
    let stripped = args.stripped();
    // A read of something else is as correct as the usual one, and a control of its own kind.
    let correct = FhirArgs {
        path: args.path.clone(),
        ..stripped
    } == *args;
    let client = context.client.map(|client| client.name.clone()).unwrap_or_default();
    let mut deed = answered(world, "fhir", args.label.clone(), client, correct, request, None).await;
    if let Outcome::Answered(answer) = &mut deed.outcome {
        answer.aim = args.path.as_ref().map(|path| path.source().to_owned());
    }
    Ok(deed)
}

/// What a browser session sends to the FHIR API when a page of another site asks it to.
fn cookies(context: &Context<'_>, session: &str, url: &Url) -> Result<String, Halt> {
    let agent = &context.world.agent;
    match agent.cookies_across_sites(&named_session(context, session), url) {
        Some(cookies) if !cookies.is_empty() => Ok(cookies),
        Some(_) => Err(Halt::Skip(
            "a browser that is signed in sends no cookie to the FHIR API when a page of another site asks it to"
                .to_owned(),
        )),
        None => Err(Halt::Skip(format!(
            "the {} agent does not tell its cookies: run it with --agent http",
            agent.name()
        ))),
    }
}

fn body(context: &Context<'_>, args: &FhirArgs, own: &dyn Lookup) -> Result<RequestBody, Halt> {
    if let Some(resource) = &args.resource {
        let content_type = args.content_type.as_deref().unwrap_or("application/fhir+json");
        return Ok(RequestBody::Raw {
            content_type: content_type.to_owned(),
            bytes: Bytes::from(filled(context, resource, own)?.to_string()),
        });
    }
    if args.form.is_empty() {
        return Ok(RequestBody::Empty);
    }
    let mut form = Vec::new();
    for (name, override_) in &args.form {
        put(context, &mut form, name, override_, None, own)?;
    }
    Ok(RequestBody::Form(form))
}

/// JSON with the placeholders in its texts filled.
fn filled(context: &Context<'_>, value: &Value, own: &dyn Lookup) -> Result<Value, Halt> {
    Ok(match value {
        Value::String(text) => Value::String(context.fill(&Template::parse(text)?, own)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| filled(context, item, own))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Ok((name.clone(), filled(context, member, own)?)))
                .collect::<Result<_, Halt>>()?,
        ),
        other => other.clone(),
    })
}

/// Several requests at the same moment; none of them serves as a control.
pub async fn together(context: &Context<'_>, all: &[&FhirArgs]) -> Result<Vec<Deed>, Halt> {
    let deeds = futures::future::join_all(all.iter().map(|args| fhir(context, args))).await;
    deeds
        .into_iter()
        .map(|deed| deed.map(|deed| Deed { correct: false, ..deed }))
        .collect()
}

/// The patient of the token where it names one, else the first patient of the profile.
fn default_path(context: &Context<'_>, label: Option<&str>) -> String {
    let patient = context
        .member(label, "patient")
        .or_else(|| context.patient(context.with.patient.as_deref()))
        .unwrap_or_default();
    format!("Patient/{patient}")
}

/// Any request.
pub async fn request(context: &Context<'_>, args: &RequestArgs) -> Result<Deed, Halt> {
    let none = |_: &str| None;
    let url = context.fill(&args.url, &none)?;
    let url = Url::parse(&url).map_err(|error| Halt::Scenario(format!("`{url}` is not an absolute URL: {error}")))?;
    let mut form = Vec::new();
    for (name, override_) in &args.form {
        put(context, &mut form, name, override_, None, &none)?;
    }
    let mut body = if form.is_empty() {
        RequestBody::Empty
    } else {
        RequestBody::Form(form)
    };
    if let Some(text) = args.bytes.as_ref().or(args.body.as_ref()) {
        let content_type = match args
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            Some((_, Override::One(value))) => context.fill(value, &none)?,
            _ => "application/octet-stream".to_owned(),
        };
        let text = context.fill(text, &none)?;
        let bytes = if args.bytes.is_some() {
            Bytes::from(unescaped(text.as_bytes()))
        } else {
            Bytes::from(text)
        };
        body = RequestBody::Raw { content_type, bytes };
    }
    let mut request = Request {
        method: method(args.method),
        url,
        headers: Vec::new(),
        body,
    };
    add_headers(context, &mut request, &args.headers)?;
    request.headers.retain(|(name, _)| name != CONTENT_TYPE);
    let client = context.client.map(|client| client.name.clone()).unwrap_or_default();
    Ok(answered(
        context.world,
        "request",
        args.label.clone(),
        client,
        false,
        request,
        None,
    )
    .await)
}

/// Undoes percent-encoding, byte by byte; a `%` without two hexadecimal digits stays.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let code = text
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if text[at] == b'%' => {
                bytes.push(byte);
                at += 3;
            }
            _ => {
                bytes.push(text[at]);
                at += 1;
            }
        }
    }
    bytes
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Usual | Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
        Method::Options => http::Method::OPTIONS,
        Method::Head => http::Method::HEAD,
        Method::Patch => http::Method::PATCH,
    }
}

impl FhirArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            ..Self::default()
        }
    }
}
