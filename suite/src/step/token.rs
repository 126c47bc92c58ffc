//! `exchange`, `refresh`, `introspect`, `revoke`: form POSTs of a client to the authorization server.
//!
//! RFC 6749 §4.1.3 and §6, RFC 7662 §2.1, RFC 7009 §2.1; SMART App Launch 2.2 app-launch.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Method as HttpMethod;
use url::Url;

use super::arguments::{BodyForm, ExchangeArgs, IntrospectArgs, Method, RefreshArgs};
use super::client_auth::{Authentication, authenticate, is_confidential};
use super::context::{Context, Deed, Halt, Outcome};
use super::discover::{answered, facts};
use super::overrides::{add_headers, put};
use super::world::World;
use crate::http::{Request, RequestBody};
use crate::oauth::jws::decode;
use crate::target::{Client, ClientKind};
use crate::value::{Lookup, Override};

type Pairs = Vec<(String, String)>;

/// A request that is ready to be sent; races send several at once.
pub struct Ready {
    pub(super) request: Request,
    pub(super) verb: &'static str,
    pub(super) label: Option<String>,
    pub(super) client: String,
    pub(super) correct: bool,
    pub(super) assertion: Option<String>,
    pub(super) spent: Option<String>,
}

impl Ready {
    /// One of several at the same moment: what comes of it says nothing about correct requests.
    pub fn raced(self) -> Self {
        Self { correct: false, ..self }
    }

    /// Sends it and keeps what was issued.
    pub async fn send(self, world: &World) -> Deed {
        let Self {
            request,
            verb,
            label,
            client,
            correct,
            assertion,
            spent,
        } = self;
        let mut deed = answered(world, verb, label, client, correct, request, assertion).await;
        if let Outcome::Answered(answer) = &mut deed.outcome {
            answer.spent = spent;
            let keep = |list: &Mutex<Vec<String>>, name: &str| {
                if let Some(value) = answer.text(name) {
                    list.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(value.to_owned());
                }
            };
            keep(&world.issued.access_tokens, "access_token");
            keep(&world.issued.refresh_tokens, "refresh_token");
            let id_token = answer.text("id_token").and_then(decode);
            if let Some(kid) = id_token.as_ref().and_then(|token| token.header.get("kid")?.as_str()) {
                let kids = &world.issued.id_token_kids;
                kids.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(kid.to_owned());
            }
        }
        deed
    }
}

/// Redeems a code.
pub async fn exchange(context: &Context<'_>, args: &ExchangeArgs) -> Result<Ready, Halt> {
    let client = context.client_of(args.client)?;
    if client.kind == ClientKind::Backend {
        return super::backend::instead_of_exchange(context, args).await;
    }
    let own = from_label(context, args.of.as_deref());
    let authorization = context
        .authorization(args.of.as_deref())
        .ok_or_else(|| Halt::Blocked("there is no authorization whose code could be redeemed".to_owned()))?;
    let code = authorization.code().map(str::to_owned);
    if code.is_none() && args.code.is_keep() {
        return Err(Halt::Blocked(format!(
            "the authorization before it gave no code: {}",
            super::landing::describe(authorization)
        )));
    }
    let sent = authorization.sent.clone();
    let authentication = authenticate(context, client, &args.auth, &args.assertion, &own)?;
    let mut pairs = Pairs::new();
    put(
        context,
        &mut pairs,
        "grant_type",
        &args.grant_type,
        Some("authorization_code".to_owned()),
        &own,
    )?;
    put(context, &mut pairs, "code", &args.code, code.clone(), &own)?;
    put(
        context,
        &mut pairs,
        "redirect_uri",
        &args.redirect_uri,
        Some(sent.redirect_uri),
        &own,
    )?;
    put(
        context,
        &mut pairs,
        "code_verifier",
        &args.code_verifier,
        Some(sent.code_verifier),
        &own,
    )?;
    add_authentication(context, &mut pairs, &authentication, args, client, &own)?;
    add_more(context, &mut pairs, &args.extra, &args.without, &own)?;
    let request = post_pairs(context, args, pairs, &authentication, &own).await?;
    Ok(Ready {
        request,
        verb: "exchange",
        label: args.label.clone(),
        client: client.name.clone(),
        correct: *args == args.stripped(),
        assertion: authentication.assertion,
        spent: code,
    })
}

/// The token request of these parameters, with what `args` do to how they travel.
pub(super) async fn post_pairs(
    context: &Context<'_>,
    args: &ExchangeArgs,
    mut pairs: Pairs,
    authentication: &Authentication,
    own: &(dyn Lookup + Sync),
) -> Result<Request, Halt> {
    let mut in_query = authentication.query.clone();
    for name in &args.in_query {
        let name = context.fill(name, own)?;
        let (moved, kept) = pairs.into_iter().partition(|(key, _)| *key == name);
        pairs = kept;
        in_query.extend::<Pairs>(moved);
    }
    let mut url = token_endpoint(context).await?;
    let mut body = match args.body {
        BodyForm::Form => RequestBody::Form(pairs),
        BodyForm::Json => json_body(&pairs),
        BodyForm::Query => {
            in_query.extend(pairs);
            RequestBody::Empty
        }
    };
    if let (Some(suffix), RequestBody::Form(_)) = (&args.raw_suffix, &body) {
        let suffix = context.fill(suffix, own)?;
        body = with_suffix(body, &suffix);
    }
    if !in_query.is_empty() {
        url.query_pairs_mut().extend_pairs(in_query);
    }
    if let Some(more) = &args.raw_query {
        let more = context.fill(more, own)?;
        url.set_query(Some(
            &url.query()
                .map_or_else(|| more.clone(), |before| format!("{before}&{more}")),
        ));
    }
    let method = if args.method == Method::Get {
        HttpMethod::GET
    } else {
        HttpMethod::POST
    };
    let mut request = Request {
        method,
        url,
        headers: Vec::new(),
        body,
    };
    authentication.sign(&mut request);
    accept_json(&mut request);
    add_headers(context, &mut request, &args.headers)?;
    Ok(request)
}

/// Redeems a refresh token.
pub async fn refresh(context: &Context<'_>, args: &RefreshArgs) -> Result<Ready, Halt> {
    let client = context.client_of(args.client)?;
    let own = from_label(context, args.of.as_deref());
    let token = context.member(args.of.as_deref(), "refresh_token");
    if token.is_none() && args.refresh_token.is_keep() {
        return Err(Halt::Skip(
            "the server gave no refresh_token for the scopes that were asked".to_owned(),
        ));
    }
    let authentication = authenticate(context, client, &args.auth, &args.assertion, &own)?;
    let mut pairs = Pairs::new();
    put(
        context,
        &mut pairs,
        "grant_type",
        &args.grant_type,
        Some("refresh_token".to_owned()),
        &own,
    )?;
    put(
        context,
        &mut pairs,
        "refresh_token",
        &args.refresh_token,
        token.clone(),
        &own,
    )?;
    put(context, &mut pairs, "scope", &args.scope, None, &own)?;
    pairs.extend(authentication.body.clone());
    adapt_client_id(context, &mut pairs, args.auth.by.is_none(), client);
    override_client_id(context, &mut pairs, &args.client_id, &own)?;
    add_more(context, &mut pairs, &args.extra, &[], &own)?;
    let url = token_endpoint(context).await?;
    let correct = *args == args.stripped();
    let ready = ready(
        url,
        "refresh",
        args.label.clone(),
        client,
        correct,
        pairs,
        authentication,
    );
    Ok(Ready { spent: token, ..ready })
}

/// Asks about a token, or revokes it.
pub async fn about_token(context: &Context<'_>, args: &IntrospectArgs, verb: &'static str) -> Result<Ready, Halt> {
    let client = context.client_of(args.client)?;
    let own = from_label(context, args.of.as_deref());
    let known = facts(context.world).await;
    let endpoint = if verb == "revoke" {
        &known.revocation_endpoint
    } else {
        &known.introspection_endpoint
    };
    let endpoint = endpoint
        .as_deref()
        .ok_or_else(|| Halt::Skip(format!("the server lists no {verb} endpoint")))?;
    let url = Url::parse(endpoint).map_err(|_| Halt::Blocked(format!("`{endpoint}` is not an absolute URL")))?;
    let token = context.member(args.of.as_deref(), "access_token");
    if token.is_none() && args.token.is_keep() {
        return Err(Halt::Blocked("there is no access token to ask about".to_owned()));
    }
    let authentication = authenticate(context, client, &args.auth, &args.assertion, &own)?;
    let mut pairs = Pairs::new();
    put(context, &mut pairs, "token", &args.token, token, &own)?;
    pairs.extend(authentication.body.clone());
    adapt_client_id(context, &mut pairs, args.auth.by.is_none(), client);
    add_more(context, &mut pairs, &args.extra, &[], &own)?;
    let correct = *args == args.stripped();
    Ok(ready(
        url,
        verb,
        args.label.clone(),
        client,
        correct,
        pairs,
        authentication,
    ))
}

fn ready(
    url: Url,
    verb: &'static str,
    label: Option<String>,
    client: &Client,
    correct: bool,
    pairs: Pairs,
    authentication: Authentication,
) -> Ready {
    let mut request = Request::form(url, pairs);
    authentication.sign(&mut request);
    accept_json(&mut request);
    Ready {
        request,
        verb,
        label,
        client: client.name.clone(),
        correct,
        assertion: authentication.assertion,
        spent: None,
    }
}

fn accept_json(request: &mut Request) {
    request.header(http::header::ACCEPT, "application/json");
}

/// Values of the labelled step first.
pub(super) fn from_label<'c>(context: &'c Context<'_>, label: Option<&'c str>) -> impl Lookup + 'c {
    move |name: &str| context.value(&format!("{}.{name}", label?))
}

async fn token_endpoint(context: &Context<'_>) -> Result<Url, Halt> {
    let known = facts(context.world).await;
    let endpoint = known.token_endpoint.as_deref().ok_or_else(|| {
        Halt::Blocked("the token endpoint is not known: neither discovery nor [endpoints] gives it".to_owned())
    })?;
    Url::parse(endpoint).map_err(|_| Halt::Blocked(format!("the token endpoint `{endpoint}` is not an absolute URL")))
}

pub(super) fn add_authentication(
    context: &Context<'_>,
    pairs: &mut Pairs,
    authentication: &Authentication,
    args: &ExchangeArgs,
    client: &Client,
    own: &dyn Lookup,
) -> Result<(), Halt> {
    let mut body = authentication.body.clone();
    for (name, override_) in [
        ("client_assertion_type", &args.client_assertion_type),
        ("client_assertion", &args.client_assertion),
    ] {
        if !override_.is_keep() {
            let correct = body.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            body.retain(|(key, _)| key != name);
            let own = |wanted: &str| {
                if wanted == "assertion" {
                    correct.clone()
                } else {
                    own.value(wanted)
                }
            };
            put(context, &mut body, name, override_, correct.clone(), &own)?;
        }
    }
    pairs.extend(body);
    adapt_client_id(context, pairs, args.auth.by.is_none(), client);
    override_client_id(context, pairs, &args.client_id, own)
}

/// Names the client in the body too, where the profile says that the target wants it.
fn adapt_client_id(context: &Context<'_>, pairs: &mut Pairs, own_method: bool, client: &Client) {
    let adapted = context.world.profile.adapt.send_client_id && is_confidential(client) && own_method;
    if adapted && !pairs.iter().any(|(key, _)| key == "client_id") {
        pairs.push(("client_id".to_owned(), client.client_id.clone()));
    }
}

fn override_client_id(
    context: &Context<'_>,
    pairs: &mut Pairs,
    override_: &Override,
    own: &dyn Lookup,
) -> Result<(), Halt> {
    if override_.is_keep() {
        return Ok(());
    }
    pairs.retain(|(key, _)| key != "client_id");
    put(context, pairs, "client_id", override_, None, own)
}

pub(super) fn add_more(
    context: &Context<'_>,
    pairs: &mut Pairs,
    extra: &BTreeMap<String, Override>,
    without: &[crate::value::Template],
    own: &dyn Lookup,
) -> Result<(), Halt> {
    for (name, override_) in extra {
        put(context, pairs, name, override_, None, own)?;
    }
    for name in without {
        let name = context.fill(name, own)?;
        pairs.retain(|(key, _)| *key != name);
    }
    Ok(())
}

fn json_body(pairs: &Pairs) -> RequestBody {
    let object: serde_json::Map<String, serde_json::Value> = pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let bytes = Bytes::from(serde_json::Value::Object(object).to_string());
    RequestBody::Raw {
        content_type: "application/json".to_owned(),
        bytes,
    }
}

fn with_suffix(body: RequestBody, suffix: &str) -> RequestBody {
    let request = Request {
        method: HttpMethod::POST,
        url: placeholder_url(),
        headers: Vec::new(),
        body,
    };
    let (content_type, bytes) = request.wire_body().unwrap_or_default();
    let mut text = bytes.to_vec();
    text.extend_from_slice(suffix.as_bytes());
    RequestBody::Raw {
        content_type,
        bytes: text.into(),
    }
}

fn placeholder_url() -> Url {
    Url::parse("http://127.0.0.1/").expect("a constant URL")
}

impl ExchangeArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            client: self.client.stripped(),
            ..Self::default()
        }
    }
}

impl RefreshArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            ..Self::default()
        }
    }
}

impl IntrospectArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            ..Self::default()
        }
    }
}
