//! `userinfo`: asks who the user of an access token is.
//!
//! OpenID Connect Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::arguments::Method;
use super::context::{Context, Deed, Halt};
use super::discover::{answered, facts};
use super::fhir::unescaped;
use super::overrides::add_headers;
use super::world::Facts;
use crate::http::{Request, RequestBody};
use crate::value::{Lookup as _, Override, Template};

/// `userinfo`: a request of the userinfo endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserinfoArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the token response whose access token is sent; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// GET where absent.
    #[serde(default)]
    pub method: Method,
    /// Override of the bearer token.
    #[serde(default)]
    pub token: Override,
    /// A bearer token whose bytes are written percent-encoded: `%ff`.
    #[serde(default)]
    pub token_bytes: Option<Template>,
    /// Header fields besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
}

impl UserinfoArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            of: self.of.clone(),
            ..Self::default()
        }
    }
}

/// Where openid-configuration says that it is.
pub fn endpoint(facts: &Facts) -> Option<&str> {
    facts.openid.as_ref()?.get("userinfo_endpoint")?.as_str()
}

/// Asks.
pub async fn userinfo(context: &Context<'_>, args: &UserinfoArgs) -> Result<Deed, Halt> {
    let label = args.of.as_deref();
    let own = |name: &str| context.value(&format!("{}.{name}", label?));
    let at = endpoint(facts(context.world).await)
        .ok_or_else(|| Halt::Skip("openid-configuration lists no userinfo_endpoint".to_owned()))?;
    let url = Url::parse(at).map_err(|_| Halt::Blocked(format!("`{at}` is not an absolute URL")))?;
    let token = match &args.token {
        Override::Keep => Some(
            context
                .member(label, "access_token")
                .ok_or_else(|| Halt::Blocked("there is no access token to ask with".to_owned()))?,
        ),
        Override::Omit => None,
        Override::One(template) => Some(context.fill(template, &own)?),
        Override::Many(_) => return Err(Halt::Scenario("a bearer token is one text".to_owned())),
    };
    let mut request = Request {
        method: if args.method == Method::Post {
            http::Method::POST
        } else {
            http::Method::GET
        },
        url,
        headers: Vec::new(),
        body: RequestBody::Empty,
    };
    request.header(ACCEPT, "application/json");
    if let Some(template) = &args.token_bytes {
        let bytes = unescaped(format!("Bearer {}", context.fill(template, &own)?).as_bytes());
        let value = HeaderValue::from_bytes(&bytes)
            .map_err(|_| Halt::Scenario(format!("`{template}` cannot stand in a header field")))?;
        request.headers.push((AUTHORIZATION, value));
    } else if let Some(token) = token
        && !request.header(AUTHORIZATION, &format!("Bearer {token}"))
    {
        return Err(Halt::Error(
            "the access token holds characters that no header field can carry".to_owned(),
        ));
    }
    add_headers(context, &mut request, &args.headers)?;
    let correct = *args == args.stripped();
    let client = context.client.map(|client| client.name.clone()).unwrap_or_default();
    Ok(answered(
        context.world,
        "userinfo",
        args.label.clone(),
        client,
        correct,
        request,
        None,
    )
    .await)
}
