//! `authorize` and `launch`: the request of SMART App Launch 2.2 "Obtain authorization code", and the walk behind it.
//!
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code>

use std::sync::Arc;

use http::Method as HttpMethod;
use http::header::CONTENT_TYPE;
use url::Url;

use super::arguments::{AuthorizeArgs, LaunchArgs, LaunchKind, Method, UserWord};
use super::context::{Authorization, Context, Deed, Halt, Outcome, Sent};
use super::discover::facts;
use super::pushed_only::{self, Pushed};
use crate::http::{Request, RequestBody};
use crate::oauth::pkce;
use crate::target::Client;
use crate::target::ehr_launch::{EhrLaunch, LaunchFor, Launched};
use crate::target::profile::Consent;
use crate::user_agent::http::BEFORE;
use crate::user_agent::{Altered, Landing, Persona, Session, Visit, Walk};
use crate::value::Override;

/// An authorization request that is ready to be walked.
pub(super) struct Prepared<'w> {
    visit: Visit,
    sent: Sent,
    client: &'w Client,
    label: Option<String>,
    correct: bool,
    launch_kind: LaunchKind,
    posted: bool,
    pushed: bool,
    /// What was sent before the browser went.
    before: Vec<usize>,
    /// Where it ended without a browser.
    ended: Option<Landing>,
}

impl Prepared<'_> {
    /// A walk that nobody made.
    fn unwalked(&self) -> Option<Walk> {
        Some(Walk {
            landing: self.ended.clone()?,
            exchanges: Vec::new(),
            signed_in: false,
            altered: Altered::NotMet,
            denied: false,
        })
    }
}

/// One authorization request and the walk to its end.
pub async fn authorize(context: &mut Context<'_>, args: &AuthorizeArgs) -> Result<(), Halt> {
    if let Some(label) = &args.pushed
        && context.member(Some(label), "request_uri").is_none()
        && context.find(Some(label)).is_some_and(|deed| deed.verb == "push")
    {
        // The push was refused: there is nothing to refer to, and the refusal is what is judged.
        return Ok(());
    }
    let prepared = prepare(context, args).await?;
    let walk = match prepared.unwalked() {
        Some(walk) => walk,
        None => context.world.agent.walk(&prepared.visit).await,
    };
    let settled = match &prepared.visit.tamper {
        Some(tamper) => super::tamper::settle(tamper, context.world.agent.name(), &walk),
        None => Ok(()),
    };
    let unasked = args.deny && !walk.denied && has_code(&walk.landing);
    finish(context, prepared, walk);
    if unasked {
        return Err(Halt::Skip(
            "the user would have denied, and no page asked: the code came at once".to_owned(),
        ));
    }
    settled
}

fn has_code(landing: &Landing) -> bool {
    matches!(landing, Landing::Callback(url) if url.query_pairs().any(|(name, _)| name == "code"))
}

/// Several authorization requests, walked by turns in one browser session.
pub async fn interleaved(context: &mut Context<'_>, all: &[AuthorizeArgs]) -> Result<(), Halt> {
    let session = format!("interleaved-{}", context.world.chance.token::<8>());
    let mut prepared = Vec::new();
    for args in all {
        let mut one = prepare(context, args).await?;
        one.visit.session = Session::Shared(session.clone());
        prepared.push(one);
    }
    let walked = prepared.iter().filter(|one| one.ended.is_none());
    let visits: Vec<Visit> = walked.map(|one| one.visit.clone()).collect();
    let walks = context.world.agent.walk_interleaved(&visits).await.ok_or_else(|| {
        Halt::Skip(format!(
            "the {} agent cannot walk two authorizations by turns",
            context.world.agent.name()
        ))
    })?;
    let mut walks = walks.into_iter();
    for one in prepared {
        if let Some(walk) = one.unwalked().or_else(|| walks.next()) {
            finish(context, one, walk);
        }
    }
    Ok(())
}

/// `launch`: begins an EHR launch and keeps its `launch`.
pub async fn launch(context: &mut Context<'_>, args: &LaunchArgs) -> Result<(), Halt> {
    let client = context.client_of(args.client)?;
    let (launched, exchange) = begin_launch(context, client, args).await?;
    context.deeds.push(Arc::new(Deed {
        label: args.label.clone(),
        verb: "launch",
        client: client.name.clone(),
        // One that is begun for another user is no part of a correct request.
        correct: args.user == UserWord::First,
        outcome: Outcome::Launched {
            launch: launched.launch,
            iss: launched.iss,
        },
        exchanges: exchange.into_iter().collect(),
    }));
    Ok(())
}

async fn begin_launch(
    context: &Context<'_>,
    client: &Client,
    args: &LaunchArgs,
) -> Result<(Launched, Option<usize>), Halt> {
    let world = context.world;
    let Some(how) = &world.profile.ehr_launch else {
        return Err(Halt::Skip(
            "the profile has no [ehr_launch], so no EHR launch can be begun".to_owned(),
        ));
    };
    let EhrLaunch::Request(request) = how else {
        return Err(Halt::Skip(
            "[ehr_launch] page needs a person or Chromium at the EHR; give [ehr_launch] request to run this".to_owned(),
        ));
    };
    let key = args.patient.as_deref().or(context.with.patient.as_deref());
    let (patient, encounter) = (context.patient(key), context.encounter(key));
    let user = world
        .profile
        .users
        .values()
        .nth(usize::from(args.user == UserWord::Second))
        .map(|user| user.id.clone())
        .unwrap_or_default();
    let whom = LaunchFor {
        client_id: &client.client_id,
        user: &user,
        patient: patient.as_deref().unwrap_or_default(),
        encounter: encounter.as_deref().unwrap_or_default(),
        iss: &world.profile.fhir_base,
    };
    let (exchange, launched) = request.begin(world.transport.as_ref(), &world.limits, &whom).await;
    let id = exchange.map(|mut exchange| {
        "launch".clone_into(&mut exchange.step);
        exchange.at = world.recorder.elapsed();
        world.recorder.keep(exchange)
    });
    match launched {
        Ok(launched) => Ok((launched, id)),
        Err(error) => Err(Halt::Blocked(format!("no EHR launch could be begun: {error}"))),
    }
}

/// The browser session of this name in the scenarios of the item's client.
pub(super) fn named_session(context: &Context<'_>, name: &str) -> Session {
    let whose = context.client.map_or("", |client| client.name.as_str());
    Session::Shared(format!("{whose}-{name}"))
}

/// Builds the request: correct first, then the overrides of the scenario.
pub(super) async fn prepare<'w>(context: &mut Context<'w>, args: &AuthorizeArgs) -> Result<Prepared<'w>, Halt> {
    let world = context.world;
    let client = context.client_of(args.client)?;
    let endpoint = facts(world).await.authorization_endpoint.clone().ok_or_else(|| {
        Halt::Blocked("the authorization endpoint is not known: neither discovery nor [endpoints] gives it".to_owned())
    })?;
    let launch_kind = context.with.launch;
    let mut before = Vec::new();
    let launch = launch_value(context, args, client, &mut before).await?;
    let patient_key = args.patient.as_deref().or(context.with.patient.as_deref());
    let defaults = Defaults::new(context, args, client, launch)?;
    let own = |name: &str| defaults.value(name);
    let pairs = if args.pushed.is_some() {
        reference(context, args, &defaults, &own)?
    } else {
        parameters(context, args, &defaults, &own)?
    };
    let once = |name: &str| {
        let mut values = pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone());
        values.next().filter(|_| values.next().is_none())
    };
    let sent = if let Some(sent) = pushed_before(context, args) {
        sent
    } else {
        Sent {
            state: once("state"),
            nonce: once("nonce"),
            redirect_uri: once("redirect_uri").unwrap_or_else(|| defaults.redirect_uri.clone()),
            scope: once("scope"),
            launch: once("launch"),
            code_verifier: defaults.code_verifier.clone(),
            patient: context.patient(patient_key),
        }
    };
    let mut start = request(context, args, &endpoint, &pairs, &own)?;
    let callbacks = callbacks(client, &sent.redirect_uri, &pairs);
    let user = world.profile.users.keys().next().cloned().unwrap_or_default();
    if args.session.as_deref().is_some_and(|name| name.ends_with(BEFORE)) && world.agent.name() != "http" {
        return Err(Halt::Skip(format!(
            "the {} agent cannot go back to the cookies of before the sign-in: run it with --agent http",
            world.agent.name()
        )));
    }
    let session = match (&args.session, world.profile.session.reuse) {
        // Whoever is signed in already meets none of the forms.
        _ if args.tamper.is_some() => Session::Fresh,
        // Each client's own: else only the first of them would meet a user who has not signed in yet.
        (Some(name), _) => named_session(context, name),
        (None, true) => Session::Shared(format!("user-{user}")),
        (None, false) => Session::Fresh,
    };
    if args.deny && world.profile.session.consent == Consent::Never {
        return Err(Halt::Skip(
            "the profile says that nobody is asked for consent, so that nobody can deny".to_owned(),
        ));
    }
    let step = args
        .label
        .as_ref()
        .map_or_else(|| "authorize".to_owned(), |label| format!("authorize ({label})"));
    let mut own_origins = world.profile.own_origins();
    own_origins.push(endpoint.origin().ascii_serialization());
    let (mut ahead, mut ended) = (Vec::new(), None);
    if args.pushed.is_none() && !args.unpushed && pushed_only::is_required(facts(world).await, Some(client)) {
        if args.tamper.as_ref().is_some_and(|tamper| tamper.of_another_browser) {
            return Err(Halt::Skip(
                "two browsers need two requests, and here one push, which serves one, comes before each".to_owned(),
            ));
        }
        let encoded = encoded(context, args, &pairs, &own)?;
        let query = args.raw_query.as_ref().map(|raw| context.fill(raw, &own)).transpose()?;
        let label = args.label.as_deref();
        match pushed_only::push(context, client, label, encoded, query.as_deref()).await? {
            Pushed::Reference(request_uri, exchange) => {
                ahead.push(exchange);
                start = by_reference(context, args, &endpoint, &pairs, request_uri)?;
            }
            Pushed::Ended(landing, exchange) => {
                ahead.push(exchange);
                ended = Some(landing);
            }
        }
    }
    let visit = Visit {
        start,
        callbacks,
        own_origins,
        persona: Persona {
            user,
            patient: sent.patient.clone(),
            allow: !args.deny,
        },
        session,
        step,
        tamper: args
            .tamper
            .as_ref()
            .map(|tamper| tamper.fill(context, &own))
            .transpose()?,
    };
    let correct = is_correct(context, args, client);
    if let Some((launched, id)) = before.pop() {
        context.deeds.push(Arc::new(Deed {
            label: None,
            verb: "launch",
            client: client.name.clone(),
            correct: true,
            outcome: Outcome::Launched {
                launch: launched.launch,
                iss: launched.iss,
            },
            exchanges: vec![id],
        }));
    }
    Ok(Prepared {
        visit,
        sent,
        client,
        label: args.label.clone(),
        correct,
        launch_kind,
        posted: args.method == Method::Post,
        pushed: args.pushed.is_some(),
        before: ahead,
        ended,
    })
}

/// The parameters that a push sends, and what later steps need of them.
pub(super) async fn pushable(context: &mut Context<'_>, args: &AuthorizeArgs) -> Result<(Pairs, Sent), Halt> {
    let client = context.client_of(args.client)?;
    let launch = launch_value(context, args, client, &mut Vec::new()).await?;
    let defaults = Defaults::new(context, args, client, launch)?;
    let pairs = parameters(context, args, &defaults, &|name: &str| defaults.value(name))?;
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let sent = Sent {
        state: find("state"),
        nonce: find("nonce"),
        redirect_uri: find("redirect_uri").unwrap_or_else(|| defaults.redirect_uri.clone()),
        scope: find("scope"),
        launch: find("launch"),
        code_verifier: defaults.code_verifier.clone(),
        patient: context.patient(args.patient.as_deref().or(context.with.patient.as_deref())),
    };
    Ok((pairs, sent))
}

/// What the push of this label sent.
fn pushed_before(context: &Context<'_>, args: &AuthorizeArgs) -> Option<Sent> {
    let deed = context.find(Some(args.pushed.as_deref()?))?;
    match &deed.outcome {
        Outcome::Answered(answer) => answer.pushed.as_deref().cloned(),
        _ => None,
    }
}

/// RFC 9126 §4: the reference, and whose it is.
fn reference(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    defaults: &Defaults,
    own: &dyn crate::value::Lookup,
) -> Result<Pairs, Halt> {
    let mut pairs = Pairs::new();
    let label = args.pushed.as_deref();
    let request_uri = context.member(label, "request_uri");
    let mut put = |name: &str, override_: &Override, correct: Option<String>| {
        super::overrides::put(context, &mut pairs, name, override_, correct, own)
    };
    put("client_id", &args.client_id, defaults.value("client_id"))?;
    let replaced = args.extra.get("request_uri").unwrap_or(&Override::Keep);
    put("request_uri", replaced, request_uri)?;
    for (name, override_) in args.extra.iter().filter(|(name, _)| *name != "request_uri") {
        put(name, override_, None)?;
    }
    Ok(pairs)
}

async fn launch_value(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    client: &Client,
    before: &mut Vec<(Launched, usize)>,
) -> Result<Option<String>, Halt> {
    if let Some(label) = &args.launch_of {
        let launch = context.begun_launch(Some(label));
        return launch
            .map(Some)
            .ok_or_else(|| Halt::Scenario(format!("no launch step is labelled `{label}`")));
    }
    if context.with.launch == LaunchKind::Standalone {
        return Ok(None);
    }
    let launch = LaunchArgs {
        patient: args.patient.clone(),
        ..LaunchArgs::default()
    };
    let (launched, exchange) = begin_launch(context, client, &launch).await?;
    let value = launched.launch.clone();
    before.extend(exchange.map(|id| (launched, id)));
    Ok(Some(value))
}

/// Nothing wrong in it, and a `launch` that was begun for this client.
fn is_correct(context: &Context<'_>, args: &AuthorizeArgs, client: &Client) -> bool {
    let own_launch = args.launch_of.as_deref().is_none_or(|label| {
        context
            .deeds
            .iter()
            .any(|deed| deed.correct && deed.label.as_deref() == Some(label) && deed.client == client.name)
    });
    own_launch
        && AuthorizeArgs {
            launch_of: None,
            ..args.clone()
        } == args.stripped()
}

struct Defaults {
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: Option<String>,
    aud: String,
    launch: Option<String>,
    code_verifier: String,
}

impl Defaults {
    fn new(context: &Context<'_>, args: &AuthorizeArgs, client: &Client, launch: Option<String>) -> Result<Self, Halt> {
        let none = |_: &str| None;
        let scope = match &context.with.scope {
            Some(scope) => context.fill(scope, &none)?,
            None => scope_for(client, context.with.launch),
        };
        let chance = &context.world.chance;
        let code_verifier = match &args.code_verifier {
            Some(verifier) => context.fill(verifier, &none)?,
            None => chance.token::<32>(),
        };
        let redirect_uri =
            client.redirect_uris.first().cloned().ok_or_else(|| {
                Halt::Blocked(format!("client `{}` has no redirect_uris in the profile", client.name))
            })?;
        Ok(Self {
            client_id: client.client_id.clone(),
            redirect_uri,
            nonce: scope
                .split(' ')
                .any(|one| one == "openid")
                .then(|| chance.token::<16>()),
            scope,
            state: chance.token::<24>(),
            aud: context.world.profile.fhir_base.clone(),
            launch,
            code_verifier,
        })
    }

    fn value(&self, name: &str) -> Option<String> {
        match name {
            "client_id" => Some(self.client_id.clone()),
            "redirect_uri" => Some(self.redirect_uri.clone()),
            "scope" => Some(self.scope.clone()),
            "state" => Some(self.state.clone()),
            "nonce" => self.nonce.clone(),
            "aud" => Some(self.aud.clone()),
            "launch" => self.launch.clone(),
            "code_verifier" => Some(self.code_verifier.clone()),
            "code_challenge" => Some(pkce::s256(&self.code_verifier)),
            _ => None,
        }
    }
}

/// The client's scopes, with `launch` in place of `launch/patient` where the EHR begins the launch.
fn scope_for(client: &Client, launch: LaunchKind) -> String {
    let words = client.scopes.split_whitespace();
    match launch {
        LaunchKind::Standalone => words.filter(|word| *word != "launch").collect::<Vec<_>>().join(" "),
        LaunchKind::Ehr => {
            let others = words.filter(|word| *word != "launch" && !word.starts_with("launch/"));
            std::iter::once("launch").chain(others).collect::<Vec<_>>().join(" ")
        }
    }
}

type Pairs = Vec<(String, String)>;

/// Whether `openid` is asked, after the overrides: a `nonce` belongs to it (OpenID Connect Core §3.1.2.1).
fn asks_identity(context: &Context<'_>, args: &AuthorizeArgs, own: &dyn crate::value::Lookup) -> bool {
    args.scope.is_keep()
        || args.scope.templates().iter().any(|scope| {
            context
                .fill(scope, own)
                .is_ok_and(|scope| scope.split(' ').any(|one| one == "openid"))
        })
}

fn parameters(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    defaults: &Defaults,
    own: &dyn crate::value::Lookup,
) -> Result<Pairs, Halt> {
    let mut pairs = Pairs::new();
    let mut put = |name: &str, override_: &Override, correct: Option<String>| -> Result<(), Halt> {
        super::overrides::put(context, &mut pairs, name, override_, correct, own)
    };
    put("response_type", &args.response_type, Some("code".to_owned()))?;
    put("client_id", &args.client_id, defaults.value("client_id"))?;
    put("redirect_uri", &args.redirect_uri, defaults.value("redirect_uri"))?;
    put("launch", &args.launch, defaults.launch.clone())?;
    put("scope", &args.scope, defaults.value("scope"))?;
    put("state", &args.state, defaults.value("state"))?;
    put("aud", &args.aud, defaults.value("aud"))?;
    put(
        "nonce",
        &args.nonce,
        defaults.nonce.clone().filter(|_| asks_identity(context, args, own)),
    )?;
    put("code_challenge", &args.code_challenge, defaults.value("code_challenge"))?;
    put(
        "code_challenge_method",
        &args.code_challenge_method,
        Some("S256".to_owned()),
    )?;
    for (name, value) in &context.world.profile.adapt.authorize {
        if !args.extra.contains_key(name) {
            put(name, &Override::Keep, Some(value.clone()))?;
        }
    }
    let remembered = context.world.profile.session.consent == Consent::Remembered;
    let says_prompt = args.extra.contains_key("prompt") || context.world.profile.adapt.authorize.contains_key("prompt");
    if (args.deny || args.tamper.is_some()) && remembered && !says_prompt {
        // Where consent is remembered, nobody is asked again, and nobody can deny, unless the request says so.
        put("prompt", &Override::Keep, Some("consent".to_owned()))?;
    }
    for (name, value) in &context.with.extra {
        let value = context.fill(value, own)?;
        put(name, &Override::Keep, Some(value))?;
    }
    for (name, override_) in &args.extra {
        put(name, override_, None)?;
    }
    for without in &args.without {
        let name = context.fill(without, own)?;
        pairs.retain(|(key, _)| *key != name);
    }
    Ok(pairs)
}

/// RFC 9126 §4: the request of a browser that brings a reference; `client_id` comes as the scenario wants it.
fn by_reference(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    endpoint: &Url,
    pairs: &Pairs,
    request_uri: String,
) -> Result<Request, Halt> {
    let args = AuthorizeArgs {
        method: args.method,
        ..AuthorizeArgs::default()
    };
    let whose = pairs.iter().filter(|(name, _)| name == "client_id").cloned();
    let pairs: Pairs = whose.chain([("request_uri".to_owned(), request_uri)]).collect();
    request(context, &args, endpoint, &pairs, &|_: &str| None)
}

/// The parameters as they are sent.
fn encoded(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    pairs: &Pairs,
    own: &dyn crate::value::Lookup,
) -> Result<String, Halt> {
    let mut encoded = match &args.raw {
        Some(raw) => context.fill(raw, own)?,
        None => url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish(),
    };
    if let Some(suffix) = &args.raw_suffix {
        encoded.push_str(&context.fill(suffix, own)?);
    }
    Ok(encoded)
}

fn request(
    context: &Context<'_>,
    args: &AuthorizeArgs,
    endpoint: &Url,
    pairs: &Pairs,
    own: &dyn crate::value::Lookup,
) -> Result<Request, Halt> {
    let encoded = encoded(context, args, pairs, own)?;
    let mut url = endpoint.clone();
    if let Some(more) = &args.raw_query {
        let more = context.fill(more, own)?;
        url.set_query(Some(&match endpoint.query() {
            Some(before) if !before.is_empty() => format!("{before}&{more}"),
            _ => more,
        }));
    }
    if args.method == Method::Post {
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let body = RequestBody::Raw {
            content_type,
            bytes: encoded.into(),
        };
        return Ok(Request {
            method: HttpMethod::POST,
            url,
            headers: Vec::new(),
            body,
        });
    }
    let query = match url.query() {
        Some(before) if !before.is_empty() => format!("{before}&{encoded}"),
        _ => encoded,
    };
    url.set_query(Some(&query));
    let mut request = Request::get(url);
    request.headers.retain(|(name, _)| name != CONTENT_TYPE);
    Ok(request)
}

/// Every address at which the walk must stop: the registered ones and whatever was asked for.
fn callbacks(client: &Client, sent: &str, pairs: &Pairs) -> Vec<Url> {
    let asked = pairs
        .iter()
        .filter(|(name, _)| name == "redirect_uri")
        .map(|(_, value)| value.as_str());
    client
        .redirect_uris
        .iter()
        .map(String::as_str)
        .chain(std::iter::once(sent))
        .chain(asked)
        .filter_map(|text| Url::parse(text).ok())
        .collect()
}

fn finish(context: &mut Context<'_>, prepared: Prepared<'_>, walk: Walk) {
    let world = context.world;
    let Prepared {
        sent,
        client,
        label,
        correct,
        launch_kind,
        posted,
        pushed,
        before,
        ..
    } = prepared;
    let walked = walk.exchanges.into_iter().map(|exchange| world.recorder.keep(exchange));
    let exchanges = before.into_iter().chain(walked).collect();
    if walk.signed_in {
        world.recorder.signed_in();
    }
    let (query, fragment, registered) = match &walk.landing {
        Landing::Callback(url) => {
            let query = url.query_pairs().into_owned().collect();
            let fragment = url.fragment().unwrap_or_default();
            let fragment = url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
            (query, fragment, is_registered(client, url))
        }
        _ => (Vec::new(), Vec::new(), false),
    };
    let authorization = Authorization {
        sent,
        landing: walk.landing,
        query,
        fragment,
        registered,
        launch_kind,
        posted,
        pushed,
    };
    // A faulty request may have put a value of its own into the callback.
    if let Some(code) = authorization.code().filter(|_| correct) {
        let mut codes = world
            .issued
            .codes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        codes.push(code.to_owned());
    }
    context.deeds.push(Arc::new(Deed {
        label,
        verb: "authorize",
        client: client.name.clone(),
        correct,
        outcome: Outcome::Authorized(Box::new(authorization)),
        exchanges,
    }));
}

/// Whether a callback's address, response parameters aside, is one that the client registered.
///
/// RFC 6749 §3.1.2.3: simple string comparison; RFC 8252 §7.3: any port of a loopback address.
pub fn is_registered(client: &Client, callback: &Url) -> bool {
    client.redirect_uris.iter().any(|registered| {
        let Ok(registered) = Url::parse(registered) else {
            return false;
        };
        let loopback = matches!(registered.host_str(), Some("127.0.0.1" | "[::1]"));
        let same_port = loopback || registered.port_or_known_default() == callback.port_or_known_default();
        let kept: Vec<_> = registered.query_pairs().collect();
        let came: Vec<_> = callback.query_pairs().collect();
        registered.scheme() == callback.scheme()
            && registered.host_str() == callback.host_str()
            && same_port
            && registered.username() == callback.username()
            && registered.path() == callback.path()
            && kept.iter().all(|pair| came.contains(pair))
            && came
                .iter()
                .all(|pair| kept.contains(pair) || is_response_parameter(&pair.0))
    })
}

/// Parameters that an authorization server adds to a redirect_uri.
fn is_response_parameter(name: &str) -> bool {
    const ADDED: [&str; 10] = [
        "code",
        "state",
        "iss",
        "error",
        "error_description",
        "error_uri",
        "session_state",
        "scope",
        "expires_in",
        "token_type",
    ];
    ADDED.contains(&name)
}

impl AuthorizeArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            method: self.method,
            launch_of: None,
            patient: self.patient.clone(),
            session: self.session.clone(),
            client: self.client.stripped(),
            pushed: self.pushed.clone(),
            ..Self::default()
        }
    }
}
