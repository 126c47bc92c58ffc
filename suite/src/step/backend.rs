//! `backend`: a token request of a backend service, which no user takes part in.
//!
//! SMART App Launch 2.2, Backend Services: <https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html>, RFC 6749
//! §4.4.2.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::arguments::{AssertionArgs, AuthArgs, BodyForm, ClientWord, ExchangeArgs, Method};
use super::client_auth::authenticate;
use super::context::{Context, Halt};
use super::overrides::put;
use super::token::{Ready, add_authentication, add_more, from_label, post_pairs};
use crate::value::{Override, Template};

/// `backend`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub client: ClientWord,
    /// POST where absent.
    #[serde(default)]
    pub method: Method,
    /// How the parameters travel.
    #[serde(default)]
    pub body: BodyForm,
    /// Client authentication.
    #[serde(default)]
    pub auth: AuthArgs,
    /// The client assertion.
    #[serde(default)]
    pub assertion: AssertionArgs,
    /// Override of this parameter.
    #[serde(default)]
    pub grant_type: Override,
    /// Override of this parameter; the client's scopes in a correct request.
    #[serde(default)]
    pub scope: Override,
    /// Override of this parameter; absent in a correct request.
    #[serde(default)]
    pub client_id: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub client_assertion_type: Override,
    /// Override of this parameter (leave out, or send twice).
    #[serde(default)]
    pub client_assertion: Override,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Override>,
    /// Parameters to leave out, by a name that a case gives.
    #[serde(default)]
    pub without: Vec<Template>,
    /// Parameters that travel in the query of the URL instead of the body.
    #[serde(default)]
    pub in_query: Vec<Template>,
    /// Text appended to the body as it stands, percent-encoded.
    #[serde(default)]
    pub raw_suffix: Option<Template>,
    /// Header fields besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
}

/// Asks for a token.
pub async fn backend(context: &Context<'_>, args: &BackendArgs) -> Result<Ready, Halt> {
    let client = context.client_of(args.client)?;
    let own = from_label(context, None);
    let common = common(args);
    let authentication = authenticate(context, client, &args.auth, &args.assertion, &own)?;
    let mut pairs = Vec::new();
    let grant_type = Some("client_credentials".to_owned());
    put(context, &mut pairs, "grant_type", &args.grant_type, grant_type, &own)?;
    let scope = match &context.with.scope {
        Some(scope) => context.fill(scope, &own)?,
        None => client.scopes.clone(),
    };
    put(context, &mut pairs, "scope", &args.scope, Some(scope), &own)?;
    add_authentication(context, &mut pairs, &authentication, &common, client, &own)?;
    add_more(context, &mut pairs, &args.extra, &args.without, &own)?;
    let request = post_pairs(context, &common, pairs, &authentication, &own).await?;
    Ok(Ready {
        request,
        verb: "backend",
        label: args.label.clone(),
        client: client.name.clone(),
        correct: *args == args.stripped(),
        assertion: authentication.assertion,
        spent: None,
    })
}

/// The `exchange` of a backend service, which has no code: what is wrong with it is wrong here as well.
pub async fn instead_of_exchange(context: &Context<'_>, args: &ExchangeArgs) -> Result<Ready, Halt> {
    if !(args.code.is_keep() && args.redirect_uri.is_keep() && args.code_verifier.is_keep()) {
        return Err(Halt::Skip("a backend service redeems no code".to_owned()));
    }
    let args = BackendArgs {
        label: args.label.clone(),
        client: args.client,
        method: args.method,
        body: args.body,
        auth: args.auth.clone(),
        assertion: args.assertion.clone(),
        grant_type: args.grant_type.clone(),
        scope: Override::Keep,
        client_id: args.client_id.clone(),
        client_assertion_type: args.client_assertion_type.clone(),
        client_assertion: args.client_assertion.clone(),
        extra: args.extra.clone(),
        without: args.without.clone(),
        in_query: args.in_query.clone(),
        raw_suffix: args.raw_suffix.clone(),
        headers: args.headers.clone(),
    };
    backend(context, &args).await
}

/// What it has in common with an exchange.
fn common(args: &BackendArgs) -> ExchangeArgs {
    ExchangeArgs {
        method: args.method,
        body: args.body,
        auth: args.auth.clone(),
        client_id: args.client_id.clone(),
        client_assertion_type: args.client_assertion_type.clone(),
        client_assertion: args.client_assertion.clone(),
        in_query: args.in_query.clone(),
        raw_suffix: args.raw_suffix.clone(),
        headers: args.headers.clone(),
        ..ExchangeArgs::default()
    }
}

impl BackendArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            client: self.client.stripped(),
            ..Self::default()
        }
    }
}
