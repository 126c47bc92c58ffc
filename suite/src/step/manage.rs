//! `manage`: an app reads, changes or ends its own registration.
//!
//! RFC 7592 §2: <https://www.rfc-editor.org/rfc/rfc7592#section-2>

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::context::{Context, Deed, Halt, Outcome};
use super::discover::answered;
use super::register::filled;
use crate::http::{Request, RequestBody, Secret};
use crate::value::{Lookup as _, Override};

/// `manage`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManageArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the registration; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// What is done to it.
    pub to: Management,
    /// Override of the registration access token.
    #[serde(default)]
    pub token: Override,
    /// Of `update`: members instead of those that are registered; null leaves one out. Texts may hold placeholders.
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
}

/// What is done to a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// GET
    Read,
    /// PUT of all that is registered, with what the scenario changes.
    Update,
    /// DELETE
    Delete,
}

impl Management {
    /// What verdicts and controls call it.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Read => "read_registration",
            Self::Update => "update_registration",
            Self::Delete => "delete_registration",
        }
    }

    const fn method(self) -> http::Method {
        match self {
            Self::Read => http::Method::GET,
            Self::Update => http::Method::PUT,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// RFC 7592 §2.2: what an update never holds.
const NOT_SENT: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Reads, changes or ends a registration.
pub async fn manage(context: &mut Context<'_>, args: &ManageArgs) -> Result<(), Halt> {
    let world = context.world;
    let of = args.of.as_deref();
    let none = |name: &str| context.value(&format!("{}.{name}", of?));
    let missing = |what: &str| Halt::Skip(format!("the server gave no {what}"));
    let at = context
        .member(of, "registration_client_uri")
        .ok_or_else(|| missing("registration_client_uri"))?;
    let url = Url::parse(&at).map_err(|_| Halt::Blocked(format!("`{at}` is not an absolute URL")))?;
    let token = match &args.token {
        Override::Keep => context
            .member(of, "registration_access_token")
            .ok_or_else(|| missing("registration_access_token"))?,
        Override::Omit => String::new(),
        Override::One(template) => context.fill(template, &none)?,
        Override::Many(_) => return Err(Halt::Scenario("a bearer token is one text".to_owned())),
    };
    let registered = registered(context, of).ok_or_else(|| Halt::Blocked("no client was registered".to_owned()))?;
    let mut request = Request::get(url);
    request.method = args.to.method();
    request.header(ACCEPT, "application/json");
    if !token.is_empty() {
        request.header(AUTHORIZATION, &format!("Bearer {token}"));
    }
    if args.to == Management::Update {
        request.body = RequestBody::Raw {
            content_type: "application/json".to_owned(),
            bytes: Bytes::from(Value::Object(changed(context, &registered, args)?).to_string()),
        };
    }
    let correct = *args == args.stripped();
    let name = context.own_client()?.name.clone();
    let deed = answered(world, args.to.verb(), args.label.clone(), name, correct, request, None).await;
    if args.token.is_keep() {
        offered(&deed, args.to)?;
    }
    renew(context, &registered, &deed);
    context.deeds.push(Arc::new(deed));
    Ok(())
}

/// The last answer that describes the registration.
fn registered(context: &Context<'_>, of: Option<&str>) -> Option<Map<String, Value>> {
    let deeds = context.deeds.iter().rev().filter(|deed| deed.is(of));
    deeds
        .filter_map(|deed| match &deed.outcome {
            Outcome::Answered(answer) => answer.json.as_ref()?.as_object().cloned(),
            _ => None,
        })
        .find(|json| json.contains_key("client_id") && json.contains_key("registration_client_uri"))
}

fn changed(
    context: &Context<'_>,
    registered: &Map<String, Value>,
    args: &ManageArgs,
) -> Result<Map<String, Value>, Halt> {
    let mut members = registered.clone();
    members.retain(|name, _| !NOT_SENT.contains(&name.as_str()));
    for (name, value) in &args.metadata {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), filled(context, value)?);
        }
    }
    Ok(members)
}

/// RFC 7592 §2: a server need not offer each of the three, nor to every client; then it says so.
fn offered(deed: &Deed, to: Management) -> Result<(), Halt> {
    let Outcome::Answered(answer) = &deed.outcome else {
        return Ok(());
    };
    let word = match to {
        Management::Read => "read",
        Management::Update => "change",
        Management::Delete => "end",
    };
    match answer.outcome() {
        Ok(response) if matches!(response.status, 403 | 405 | 501) => Err(Halt::Skip(format!(
            "the server does not let an app {word} its registration: status {}",
            response.status
        ))),
        _ => Ok(()),
    }
}

/// RFC 7592 §2.1 and §2.2: an answer may bring a new token, and the old one is no good then.
fn renew(context: &Context<'_>, registered: &Map<String, Value>, deed: &Deed) {
    let Outcome::Answered(answer) = &deed.outcome else {
        return;
    };
    let text = |name: &str| registered.get(name).and_then(Value::as_str);
    let Some(token) = answer.text("registration_access_token") else {
        return;
    };
    let at = answer
        .text("registration_client_uri")
        .or_else(|| text("registration_client_uri"));
    if let (Some(client_id), Some(url)) = (text("client_id"), at.and_then(|at| Url::parse(at).ok())) {
        let token = Secret::new(token.to_owned());
        context.world.registrations.renew(client_id, url, token);
    }
}

impl ManageArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            to: self.to,
            token: Override::Keep,
            metadata: BTreeMap::new(),
        }
    }
}
