//! What the identity provider says of itself, and what it is asked for directly: its keys, a token, who the user is.
//!
//! OpenID Connect Discovery §4: <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>;
//! RFC 6749 §4.1.3; RFC 7636 §4.5; OpenID Connect Core §5.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::problem::Problem;
use super::settings::{IdentityProvider, address};
use crate::fetch::{Ask, Fetched};
use crate::form::encode;
use crate::state::AppState;

/// A provider, by its openid-configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(super) authorization_endpoint: Url,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    /// RP-Initiated Logout §2.1; not every provider has one.
    pub(super) end_session_endpoint: Option<Url>,
    secret_in_body: bool,
    /// RFC 9207 §3
    pub(super) names_itself: bool,
}

/// What the token endpoint gave.
pub(super) struct Tokens {
    pub(super) id_token: String,
    access_token: Option<String>,
}

impl Provider {
    /// Asks the provider who it is.
    pub(super) async fn discover(state: &AppState, settings: &IdentityProvider) -> Result<Self, Problem> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            settings.issuer.trim_end_matches('/')
        );
        let document = json(state, "openid-configuration", Ask::get(&url)).await?;
        if document["issuer"] != settings.issuer.as_str() {
            return Err(Problem::Metadata(format!(
                "it calls itself {}, and `issuer` is configured as \"{}\": both must be the same, character by character",
                document["issuer"], settings.issuer
            )));
        }
        let is_https = settings.issuer.starts_with("https:");
        let endpoint = |name: &str| {
            let text = document[name]
                .as_str()
                .ok_or_else(|| Problem::Metadata(format!("it has no `{name}`")))?;
            let url = address(text).map_err(|what| Problem::Metadata(format!("{name}: {what}")))?;
            if is_https && url.scheme() != "https" {
                return Err(Problem::Metadata(format!(
                    "{name}: `{text}` is no https, and the issuer is"
                )));
            }
            Ok(url)
        };
        let lists = |name: &str, value: &str| {
            let list = document[name].as_array()?;
            Some(list.iter().any(|known| known == value))
        };
        if lists("code_challenge_methods_supported", "S256") == Some(false) {
            return Err(Problem::Metadata("it does not know PKCE by S256".to_owned()));
        }
        let methods = "token_endpoint_auth_methods_supported";
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?.into(),
            jwks_uri: endpoint("jwks_uri")?.into(),
            userinfo_endpoint: endpoint("userinfo_endpoint").ok().map(String::from),
            end_session_endpoint: endpoint("end_session_endpoint").ok(),
            secret_in_body: lists(methods, "client_secret_basic") == Some(false)
                && lists(methods, "client_secret_post") == Some(true),
            names_itself: document["authorization_response_iss_parameter_supported"] == true,
        })
    }

    /// The keys that it signs with now.
    pub(super) async fn keys(&self, state: &AppState) -> Result<Value, Problem> {
        json(state, "key set", Ask::get(&self.jwks_uri)).await
    }

    /// Exchanges the code.
    pub(super) async fn redeem(
        &self,
        state: &AppState,
        settings: &IdentityProvider,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, Problem> {
        let redirect_uri = super::callback_of(state);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ];
        let secret = settings.client_secret.as_ref().map(|secret| secret.0.as_str());
        let by_header = secret.filter(|_| !self.secret_in_body);
        // RFC 6749 §2.3.1
        let authorization = by_header.map(|secret| {
            let pair = format!("{}:{}", encode(&settings.client_id), encode(secret));
            format!("Basic {}", STANDARD.encode(pair))
        });
        if authorization.is_none() {
            form.push(("client_id", &settings.client_id));
            form.extend(secret.map(|secret| ("client_secret", secret)));
        }
        let ask = Ask {
            url: &self.token_endpoint,
            authorization,
            form: Some(
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(form)
                    .finish(),
            ),
        };
        let mut answer = json(state, "token endpoint", ask).await?;
        let Value::String(id_token) = answer["id_token"].take() else {
            return Err(Problem::IdToken("the token response has no id_token".to_owned()));
        };
        Ok(Tokens {
            id_token,
            access_token: answer["access_token"].as_str().map(str::to_owned),
        })
    }

    /// What it says of the user beside the id_token. OpenID Connect Core §5.3.2: of the same user, or of nobody.
    pub(super) async fn userinfo(&self, state: &AppState, tokens: &Tokens, sub: &Value) -> Result<Value, Problem> {
        let (Some(url), Some(token)) = (&self.userinfo_endpoint, &tokens.access_token) else {
            return Ok(Value::Null);
        };
        let ask = Ask {
            authorization: Some(format!("Bearer {token}")),
            ..Ask::get(url)
        };
        let said = json(state, "userinfo endpoint", ask).await?;
        if said["sub"] != *sub {
            return Err(Problem::IdToken(
                "the userinfo endpoint speaks of another `sub` than the id_token".to_owned(),
            ));
        }
        Ok(said)
    }
}

/// Asks, with patience, for a JSON object.
async fn json(state: &AppState, what: &'static str, ask: Ask<'_>) -> Result<Value, Problem> {
    let url = ask.url.to_owned();
    let unusable = |why: String| Problem::Unusable {
        what,
        url: url.clone(),
        why,
    };
    let patience = state.patience();
    let answer = tokio::time::timeout(patience, state.provider_fetch().ask(ask))
        .await
        .map_err(|_| unusable(format!("no answer within {patience:?}")))?
        .map_err(unusable)?;
    let Fetched { status, body, .. } = answer;
    let document = serde_json::from_slice(&body).ok().filter(Value::is_object);
    if status == 200 {
        return document.ok_or_else(|| unusable("its answer is no JSON object".to_owned()));
    }
    let error = document.as_ref().and_then(|answer| answer["error"].as_str());
    let Some(error) = error else {
        return Err(unusable(format!("it answered with status {status}")));
    };
    let description = document
        .as_ref()
        .and_then(|answer| answer["error_description"].as_str());
    Err(Problem::Refused {
        by: what,
        error: error.to_owned(),
        description: description.map(str::to_owned),
    })
}
