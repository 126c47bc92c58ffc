//! `push`: sends an authorization request to the server itself; a later `authorize` brings the reference only.
//!
//! RFC 9126: <https://www.rfc-editor.org/rfc/rfc9126>

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::ACCEPT;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::arguments::{AssertionArgs, AuthArgs, AuthorizeArgs, OnceMoreArgs};
use super::authorize::pushable;
use super::client_auth::authenticate;
use super::context::{Context, Halt, Outcome};
use super::discover::{answered, facts};
use super::overrides::put;
use super::world::Facts;
use crate::http::Request;
use crate::value::Override;

/// `push`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushArgs {
    /// Label for `pushed:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// The authorization request in it, and what is wrong with that.
    #[serde(default)]
    pub authorize: AuthorizeArgs,
    /// Client authentication.
    #[serde(default)]
    pub auth: AuthArgs,
    /// The client assertion.
    #[serde(default)]
    pub assertion: AssertionArgs,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Override>,
    /// A parameter that stands once more, by a name that a case gives.
    #[serde(default)]
    pub once_more: Option<OnceMoreArgs>,
}

/// Where requests are pushed to.
pub fn endpoint(known: &Facts) -> Option<&str> {
    known.told("pushed_authorization_request_endpoint")?.as_str()
}

/// Pushes a request.
pub async fn push(context: &mut Context<'_>, args: &PushArgs) -> Result<(), Halt> {
    let world = context.world;
    let client = context.client_of(args.authorize.client)?;
    let url = address(context).await?;
    let (mut pairs, sent) = pushable(context, &args.authorize).await?;
    let none = |_: &str| None;
    let authentication = authenticate(context, client, &args.auth, &args.assertion, &none)?;
    for (name, value) in &authentication.body {
        if name != "client_id" || !pairs.iter().any(|(key, _)| key == "client_id") {
            pairs.push((name.clone(), value.clone()));
        }
    }
    for (name, override_) in &args.extra {
        put(context, &mut pairs, name, override_, None, &none)?;
    }
    if let Some(more) = &args.once_more {
        let name = context.fill(&more.name, &none)?;
        pairs.push((name, context.fill(&more.value, &none)?));
    }
    let mut request = Request::form(url, pairs);
    authentication.sign(&mut request);
    request.header(ACCEPT, "application/json");
    let correct = *args == args.stripped();
    let name = client.name.clone();
    let assertion = authentication.assertion;
    let mut deed = answered(world, "push", args.label.clone(), name, correct, request, assertion).await;
    if let Outcome::Answered(answer) = &mut deed.outcome {
        answer.pushed = Some(Box::new(sent));
    }
    context.deeds.push(Arc::new(deed));
    Ok(())
}

/// Where requests are pushed to.
pub(super) async fn address(context: &Context<'_>) -> Result<Url, Halt> {
    let endpoint = endpoint(facts(context.world).await)
        .ok_or_else(|| Halt::Skip("the server lists no pushed_authorization_request_endpoint".to_owned()))?;
    Url::parse(endpoint).map_err(|_| Halt::Blocked(format!("`{endpoint}` is not an absolute URL")))
}

impl PushArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            authorize: self.authorize.stripped(),
            ..Self::default()
        }
    }
}
