//! The arguments of every verb.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{Override, Template};

/// `discover`, `jwks`: a GET of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Which document.
    #[serde(default)]
    pub document: Document,
    /// Header fields to send; `Accept: application/json` where it says nothing.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
}

/// A discovery document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// `{fhir_base}/.well-known/smart-configuration`.
    #[default]
    Smart,
    /// `{issuer}/.well-known/openid-configuration`.
    Openid,
    /// `{fhir_base}/metadata`.
    Capability,
    /// RFC 8414 §3.1: `.well-known/oauth-authorization-server` between the issuer's host and its path.
    Oauth,
    /// `user_access_brand_bundle` of the SMART configuration.
    Brands,
}

/// `launch`: begins an EHR launch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// For which client: nothing for this one, or a word of [`ClientWord`].
    #[serde(default)]
    pub client: ClientWord,
    /// Key in `[patients]`.
    #[serde(default)]
    pub patient: Option<String>,
    /// For which user: the first of the profile, or the second.
    #[serde(default)]
    pub user: UserWord,
}

/// Whose session a launch is begun in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserWord {
    /// The first user of the profile, who signs in.
    #[default]
    First,
    /// The second user of the profile.
    Second,
}

/// Which client a step speaks as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientWord {
    /// The item's own client.
    #[default]
    Own,
    /// Another client, of the same kind where there is one.
    Other,
    /// Another public client.
    OtherPublic,
    /// Another client with a secret.
    OtherSymmetric,
    /// Another client with a key.
    OtherAsymmetric,
    /// Another backend service.
    OtherBackend,
    /// What the last `register` registered.
    Registered,
}

/// `authorize`: one authorization request and the walk that follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizeArgs {
    /// Label for `of:` and `{label.code}`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// GET or POST.
    #[serde(default)]
    pub method: Method,
    /// Who asks.
    #[serde(default)]
    pub client: ClientWord,
    /// Label of a `launch` step whose `launch` is sent; without it an EHR launch makes a fresh one.
    #[serde(default)]
    pub launch_of: Option<String>,
    /// Label of a `push` whose reference is sent instead of the parameters; `extra` may replace it, or add to it.
    #[serde(default)]
    pub pushed: Option<String>,
    /// Sends the parameters by the browser, also where the server takes pushed requests only; else they are pushed there.
    #[serde(default)]
    pub unpushed: bool,
    /// Key in `[patients]` that the user picks.
    #[serde(default)]
    pub patient: Option<String>,
    /// The user presses *deny*.
    #[serde(default)]
    pub deny: bool,
    /// Alters one form on the way.
    #[serde(default)]
    pub tamper: Option<Box<super::tamper::TamperArgs>>,
    /// Name of a browser session to share with other steps; fresh where absent. `NAME@before` has the cookies that session
    /// `NAME` had before the password was sent.
    #[serde(default)]
    pub session: Option<String>,
    /// Override of this parameter.
    #[serde(default)]
    pub response_type: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub client_id: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub redirect_uri: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub scope: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub state: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub aud: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub launch: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub nonce: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub code_challenge: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub code_challenge_method: Override,
    /// The verifier from which the challenge is made and that a later exchange sends.
    #[serde(default)]
    pub code_verifier: Option<Template>,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Override>,
    /// Parameters to leave out, by a name that a case gives.
    #[serde(default)]
    pub without: Vec<Template>,
    /// A whole query (or body) instead, percent-encoded as it stands.
    #[serde(default)]
    pub raw: Option<Template>,
    /// Text appended to the query (or body) as it stands, percent-encoded: `&x=%ff`.
    #[serde(default)]
    pub raw_suffix: Option<Template>,
    /// Text appended to the query of the URL as it stands, percent-encoded: `x=%ff`.
    #[serde(default)]
    pub raw_query: Option<Template>,
}

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// The usual one of this verb.
    #[default]
    #[serde(skip)]
    Usual,
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// PATCH.
    Patch,
    /// HEAD.
    Head,
}

impl ClientWord {
    /// Who speaks in the same step without anything wrong in it: a client that was just registered stays.
    pub fn stripped(self) -> Self {
        if self == Self::Registered { self } else { Self::Own }
    }
}

/// How a client authenticates, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthArgs {
    /// The way; the client's own where absent.
    #[serde(default)]
    pub by: Option<AuthWay>,
    /// Whose credentials; the item's own client's where absent.
    #[serde(default)]
    pub of: ClientWord,
    /// Override of the secret.
    #[serde(default)]
    pub secret: Override,
    /// Override of the client_id that goes with the secret.
    #[serde(default)]
    pub id: Override,
}

/// A way of client authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthWay {
    /// Nothing; `client_id` is sent for a public client only.
    None,
    /// Nothing but `client_id` in the body.
    IdOnly,
    /// HTTP Basic, form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic of the raw texts.
    BasicRaw,
    /// In the body.
    Post,
    /// Basic and body.
    Both,
    /// In the query of the URL.
    Query,
    /// A client assertion.
    Assertion,
    /// A client assertion and, besides, a secret in the body.
    AssertionAndSecret,
}

/// The client assertion, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertionArgs {
    /// Claims: a text, null to leave out, a list for an array; `{now+600}` is a number.
    #[serde(default)]
    pub claims: BTreeMap<String, Override>,
    /// Header members, likewise; `jwk: "{attacker}"` embeds the attacker's public key.
    #[serde(default)]
    pub header: BTreeMap<String, Override>,
    /// How it is signed.
    #[serde(default)]
    pub sign_with: SignWith,
    /// A label whose assertion is sent once more, byte for byte.
    #[serde(default)]
    pub again: Option<String>,
    /// A claim or a header member that stands once more, behind all others.
    #[serde(default)]
    pub once_more: Option<OnceMoreArgs>,
    /// `true`: each part ends in the `=` that base64url in a JWT leaves out; the signature is over what is sent.
    #[serde(default)]
    pub padded: bool,
}

/// A member of an assertion that stands twice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnceMoreArgs {
    /// In the header instead of the claims.
    #[serde(default)]
    pub in_header: bool,
    /// Its name.
    pub name: Template,
    /// Its second value; `now-60` is a number.
    pub value: Template,
}

/// How an assertion is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignWith {
    /// The client's registered key.
    #[default]
    Own,
    /// A key that nobody registered, under the `kid` of the registered one.
    Attacker,
    /// The key that `publish` calls `next`, under its own `kid`.
    Next,
    /// The key of another registered client, under this client's `kid`.
    OtherClient,
    /// `alg: none`, empty signature.
    None,
    /// HMAC with the registered public key (PEM) as secret.
    HmacPublicPem,
    /// HMAC with the registered public key (DER) as secret.
    HmacPublicDer,
    /// HMAC with the registered public key (JWK) as secret.
    HmacPublicJwk,
    /// One bit of the signature changed.
    BitFlipped,
    /// The signature left out.
    Stripped,
    /// The signature of other claims.
    OtherPayload,
    /// The client's own signature, under a header that names an algorithm of another type of key.
    OtherTypeNamed,
    /// HMAC (HS384) with the registered public key (PEM) as secret.
    Hmac384PublicPem,
    /// An ECDSA signature of zeros; a skip where the client's key is no EC key.
    EcdsaZero,
    /// The client's own ECDSA signature in DER; a skip where its key is no EC key.
    EcdsaDer,
    /// The client's own signature without its last byte.
    Truncated,
    /// The client's own signature and one byte more.
    Lengthened,
    /// The RSA key of 1024 bits that `publish` calls `weak`, under its own `kid`.
    Weak,
}

/// `exchange`: redeems a code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the authorization whose code is redeemed; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Who redeems.
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
    /// Override of this parameter.
    #[serde(default)]
    pub code: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub redirect_uri: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub code_verifier: Override,
    /// Override of this parameter.
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
    /// Text appended to the query of the URL as it stands, percent-encoded: `x=%ff`.
    #[serde(default)]
    pub raw_query: Option<Template>,
    /// Header fields besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
}

/// How parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// A JSON object.
    Json,
    /// All in the query, no body.
    Query,
}

/// `refresh`: redeems a refresh token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the token response whose refresh token is used; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Who redeems.
    #[serde(default)]
    pub client: ClientWord,
    /// Client authentication.
    #[serde(default)]
    pub auth: AuthArgs,
    /// The client assertion.
    #[serde(default)]
    pub assertion: AssertionArgs,
    /// Override of this parameter.
    #[serde(default)]
    pub grant_type: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub refresh_token: Override,
    /// Override of this parameter; absent in a correct request.
    #[serde(default)]
    pub scope: Override,
    /// Override of this parameter.
    #[serde(default)]
    pub client_id: Override,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Override>,
}

/// `introspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the token response that is asked about; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub client: ClientWord,
    /// Client authentication.
    #[serde(default)]
    pub auth: AuthArgs,
    /// The client assertion.
    #[serde(default)]
    pub assertion: AssertionArgs,
    /// Override of this parameter; the access token in a correct request.
    #[serde(default)]
    pub token: Override,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Override>,
}

/// `revoke`.
pub type RevokeArgs = IntrospectArgs;

/// `fhir`: a request of the FHIR API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FhirArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Label of the token response whose access token is sent; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Below the FHIR base; `Patient/{token_patient}` where absent.
    #[serde(default)]
    pub path: Option<Template>,
    /// GET where absent.
    #[serde(default)]
    pub method: Method,
    /// Override of the bearer token.
    #[serde(default)]
    pub token: Override,
    /// Header fields besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
    /// Form parameters: the body of a `_search`.
    #[serde(default)]
    pub form: BTreeMap<String, Override>,
    /// A resource, or any other JSON, as the body; its texts may hold placeholders.
    #[serde(default)]
    pub resource: Option<serde_json::Value>,
    /// Content-Type of `resource`; `application/fhir+json` where absent.
    #[serde(default)]
    pub content_type: Option<String>,
    /// In place of the access token, which has to be a JWT, one that its server did not sign.
    #[serde(default)]
    pub forge: Option<Forge>,
    /// The cookies of this browser session (`session` of `authorize`) besides, those that a browser sends with a request
    /// of another site's page.
    #[serde(default)]
    pub cookies: Option<String>,
}

/// By whom a forged access token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forge {
    /// By a stranger's key, under the `kid` of the server's.
    AttackerKey,
    /// By a stranger's key, which stands in the header (`jwk`).
    OwnKey,
    /// By HMAC, with the server's public key in PEM as the secret; `jwks` comes first.
    PublicKeyAsSecret,
}

/// `request`: anything else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// GET where absent.
    #[serde(default)]
    pub method: Method,
    /// Absolute URL.
    pub url: Template,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, Override>,
    /// Form parameters.
    #[serde(default)]
    pub form: BTreeMap<String, Override>,
    /// A body as it stands, with `Content-Type` among the headers.
    #[serde(default)]
    pub body: Option<Template>,
    /// A body whose bytes are written percent-encoded: `%00%ff`.
    #[serde(default)]
    pub bytes: Option<Template>,
}

/// `wait`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitArgs {
    /// Until what has passed.
    pub until: Until,
}

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Ten and a half minutes: the longest life that RFC 6749 §4.1.2 recommends for a code, and some.
    CodeExpired,
    /// `expires_in` of the last token response and a minute.
    TokenExpired,
    /// An hour: longer than any sensible `launch` lives.
    LaunchExpired,
    /// Four minutes and forty seconds: almost as long as a client assertion may live.
    AssertionAged,
}

/// `interleaved`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterleavedArgs {
    /// The authorization requests, each with a label.
    pub authorize: Vec<AuthorizeArgs>,
}

/// `flow`: goes as far as the server lets it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowArgs {
    /// First.
    #[serde(default)]
    pub authorize: AuthorizeArgs,
    /// Then, where a code came.
    #[serde(default)]
    pub exchange: Option<ExchangeArgs>,
    /// Then, where a token came.
    #[serde(default)]
    pub fhir: Option<FhirArgs>,
}

/// Options of a given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct With {
    /// How the launch begins.
    #[serde(default)]
    pub launch: LaunchKind,
    /// Scopes asked for, instead of the client's.
    #[serde(default)]
    pub scope: Option<Template>,
    /// Key in `[patients]`: `a` or `b`.
    #[serde(default)]
    pub patient: Option<String>,
    /// Parameters added to every authorization request, such as `nonce` or `prompt`.
    #[serde(default)]
    pub extra: BTreeMap<String, Template>,
}

/// How a launch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaunchKind {
    /// The app starts it.
    #[default]
    Standalone,
    /// The EHR starts it and hands `launch` to the app.
    Ehr,
}
