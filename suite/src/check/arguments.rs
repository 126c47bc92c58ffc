//! The arguments of every check.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::step::arguments::Document;
use crate::value::Template;

/// `refused_by: exchange`: a bare word, since it is what most scenarios end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// No code to any address, and no visit to one that is not registered.
    Authorize,
    /// At the authorization endpoint, or no token.
    Exchange,
    /// The pushed request was not kept.
    Push,
    /// No client was registered.
    Register,
    /// The registration was not shown, changed or ended.
    Manage,
    /// No token for a backend service.
    Backend,
    /// No new token.
    Refresh,
    /// At any stage up to the FHIR API: no data.
    Fhir,
    /// At any stage that was tried.
    Any,
    /// The introspection endpoint refused the caller.
    Introspect,
    /// The revocation endpoint refused the caller.
    Revoke,
    /// The userinfo endpoint refused the caller.
    Userinfo,
}

/// `accepted`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// What follows says something only if this step was accepted: if not, the verdict is `blocked`.
    #[serde(default)]
    pub basis: bool,
}

/// `at_most_one`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtMostOneArgs {
    /// Labels of the steps.
    pub of: Vec<String>,
}

/// `state`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// `true`: only judged where the walk ended at a callback; a refusal on a page is then no finding.
    #[serde(default)]
    pub or_page: bool,
}

/// `callback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Parameter that it must hold exactly once.
    #[serde(default)]
    pub has: Option<String>,
    /// Parameter that it must not hold.
    #[serde(default)]
    pub lacks: Option<String>,
    /// Error codes of which `error` must be one.
    #[serde(default)]
    pub error: Vec<String>,
    /// `error`, `error_description` and `error_uri` hold only the characters of RFC 6749 §4.1.2.1.
    #[serde(default)]
    pub characters: bool,
    /// The address without its response parameters must be this.
    #[serde(default)]
    pub at: Option<Template>,
    /// A refusal on a page of the server satisfies as well.
    #[serde(default)]
    pub or_page: bool,
    /// Parameters of the fragment too must lack it: `true` judges `lacks` there as well.
    #[serde(default)]
    pub and_fragment: bool,
}

/// `page`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// `error`: the walk ended at a page of the server, not at any callback.
    #[serde(default)]
    pub is: PageKind,
    /// Texts that the page must not hold as they stand (unescaped).
    #[serde(default)]
    pub lacks: Vec<Template>,
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// An error page of the server: nothing was sent to a callback.
    #[default]
    Error,
    /// Any end at all, short of a 5xx, a cut connection or silence.
    Answered,
}

/// `header`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Field name.
    pub name: String,
    /// A directive or word among its comma-separated values, any case.
    #[serde(default)]
    pub has: Option<String>,
    /// Its whole value.
    #[serde(default)]
    pub is: Option<Template>,
    /// It starts with this word, any case (`Bearer`).
    #[serde(default)]
    pub scheme: Option<String>,
    /// One of its values holds this text, any case.
    #[serde(default)]
    pub contains: Option<String>,
    /// None of its values holds this text, any case; a field that is not there holds none.
    #[serde(default)]
    pub lacks: Option<String>,
    /// It must not be there.
    #[serde(default)]
    pub absent: bool,
}

/// `content_type`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentTypeArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Media type, without parameters.
    pub is: String,
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Statuses, quoted: `["400", "401"]`; `4xx` for a class.
    pub is: Vec<String>,
}

/// `error`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Codes of which it must be one.
    pub is: Vec<String>,
}

/// `error_body`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBodyArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
}

/// `json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// JSON pointer: `/scope`; the whole document where absent.
    #[serde(default)]
    pub at: String,
    /// Type.
    #[serde(default)]
    pub is: Option<JsonKind>,
    /// The text (or the number's spelling) equals this.
    #[serde(default)]
    pub equals: Option<Template>,
    /// Equal to one of these, any case.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// An array or a space-separated text that holds this.
    #[serde(default)]
    pub has: Option<Template>,
    /// An array or a space-separated text that does not hold this.
    #[serde(default)]
    pub lacks: Option<Template>,
    /// It is not there.
    #[serde(default)]
    pub absent: bool,
    /// Not there is fine; what is there is judged.
    #[serde(default)]
    pub optional: bool,
    /// At least this number.
    #[serde(default)]
    pub at_least: Option<i64>,
    /// At most this number.
    #[serde(default)]
    pub at_most: Option<i64>,
    /// Only these characters.
    #[serde(default)]
    pub alphabet: Option<Alphabet>,
    /// A text of at most so many bytes.
    #[serde(default)]
    pub at_most_bytes: Option<usize>,
    /// A text of at least so many bytes.
    #[serde(default)]
    pub at_least_bytes: Option<usize>,
}

/// A JSON type, or a text of a certain form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonKind {
    /// A text.
    String,
    /// A text that is not empty.
    NonEmptyString,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
    /// An array.
    Array,
    /// An array of texts, not empty.
    Strings,
    /// An object.
    Object,
    /// An absolute URL without fragment.
    AbsoluteUrl,
    /// An absolute URL with https (loopback aside), without fragment.
    HttpsUrl,
    /// A FHIR id: 1 to 64 of `A-Z a-z 0-9 - .`.
    FhirId,
}

/// An alphabet of a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// `b64token`, RFC 6750 §2.1.
    B64token,
    /// VSCHAR, RFC 6749 appendix A.
    Vschar,
    /// `error` and `error_description`, RFC 6749 §5.2.
    ErrorText,
    /// Scope, RFC 6749 §3.3.
    Scope,
    /// Scope tokens, one space between two of them and none around, RFC 6749 §3.3; an empty text is such a list too.
    ScopeList,
}

/// `same`, `differ`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsArgs {
    /// The one.
    pub a: Template,
    /// The other.
    pub b: Template,
}

/// `unrelated`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnrelatedArgs {
    /// What was issued.
    pub value: Template,
    /// What must not be found in it: as it stands, base64-decoded, or hashed.
    pub to: Vec<Template>,
}

/// `entropy`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntropyArgs {
    /// Of which values of the run.
    pub of: Issued,
    /// Bits that they must be able to carry.
    pub bits: u32,
}

/// What a server issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Issued {
    /// Authorization codes.
    Code,
    /// Access tokens.
    AccessToken,
    /// Refresh tokens.
    RefreshToken,
}

/// `scope`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeArgs {
    /// Label or verb of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Granted scopes lie within these, equivalent spellings aside.
    #[serde(default)]
    pub within: Option<Template>,
    /// Granted scopes allow all of these, equivalent spellings aside.
    #[serde(default)]
    pub covers: Option<Template>,
    /// Granted scopes allow a part of these at least: the same data, the same interaction.
    #[serde(default)]
    pub reaches: Option<Template>,
    /// Granted scopes allow a part of each of these.
    #[serde(default)]
    pub reaches_each: Option<Template>,
    /// Granted scopes allow no part of these.
    #[serde(default)]
    pub misses: Option<Template>,
    /// Granted scopes over data are written in the grammar of this version.
    #[serde(default)]
    pub written_in: Option<ScopeGrammar>,
}

/// A grammar of scopes over data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeGrammar {
    /// `.read`, `.write`, `.*`
    V1,
    /// Letters of `cruds`.
    V2,
}

/// `within`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithinArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Milliseconds.
    pub milliseconds: u64,
}

/// `agrees`: rules of consistency, each judged by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreesArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Another document that must name the same endpoints; the document with itself where absent.
    #[serde(default)]
    pub with: Option<Document>,
    /// The rule of consistency within one document.
    #[serde(default)]
    pub rule: Option<DiscoveryRule>,
    /// A document that is not there is fine.
    #[serde(default)]
    pub optional: bool,
}

/// A rule of consistency within smart-configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryRule {
    /// `client-confidential-asymmetric` ↔ `private_key_jwt` and an algorithm.
    AsymmetricAuthentication,
    /// `client-confidential-symmetric` ↔ a secret method, where methods are listed.
    SymmetricAuthentication,
    /// `client-public` ↔ `none`, where methods are listed.
    PublicClients,
    /// launch capabilities ↔ `authorization_endpoint` and `authorization_code`.
    Launch,
    /// `sso-openid-connect` ↔ `issuer` and `jwks_uri`.
    SingleSignOn,
    /// `permission-offline`, `permission-online` ↔ `refresh_token` among the grants.
    RefreshGrant,
    /// Capabilities without a colon are among those that the guide defines.
    CapabilityNames,
    /// `private_key_jwt` among the methods ↔ `client-confidential-asymmetric`.
    AsymmetricClaimed,
    /// `client_credentials` among the grants ↔ what backend services authenticate by.
    BackendServices,
    /// Where a launch is claimed, one set of capabilities is whole.
    CapabilitySet,
    /// `context-ehr-…` ↔ `launch-ehr`, `context-standalone-…` ↔ `launch-standalone`.
    ContextLaunch,
    /// `permission-v1`, `permission-v2` ↔ the spelling of the listed scopes.
    ScopeSyntax,
    /// Capabilities ↔ the scopes that they need, where scopes are listed.
    ScopesListed,
    /// `issuer` ↔ `sso-openid-connect`.
    IssuerClaimed,
    /// `issuer` is an https address without query and fragment.
    IssuerForm,
    /// `issuer` is not the address of a document below it.
    IssuerIsBase,
    /// A method with a JWT ↔ the algorithms that it is signed by.
    SigningAlgorithms,
    /// `associated_endpoints` are objects with `url` and `capabilities`.
    AssociatedEndpoints,
    /// `authorization_code` among the grants ↔ `authorization_endpoint`, and `code` among the response types.
    AuthorizationCode,
    /// No field lacks the `_supported` of its name.
    FieldNames,
    /// The CapabilityStatement has `oauth-uris` with `authorize` and `token`.
    OauthUris,
    /// The CapabilityStatement names SMART among its security services.
    SecurityService,
}

/// `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwksArgs {
    /// Label of the `jwks` step; the last answer where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: KeyRule,
}

/// A rule about a JWK set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyRule {
    /// It is a JWK set with at least one key.
    IsJwks,
    /// Nothing private or symmetric is published.
    PublicOnly,
    /// Each key has `kty` and `kid`, and no `kid` stands twice.
    UniqueKids,
    /// RSA keys of 2048 bits and more, EC points on their curves.
    Strength,
    /// It has every key that the id_tokens of this run named by `kid`.
    OfThisRun,
}

/// `launch_context`: what the guide says of a member of the token response; nothing is judged where it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchContextArgs {
    /// Label or verb of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: ContextRule,
    /// Of `has_type`: the resource type.
    #[serde(default)]
    pub resource: Option<String>,
}

/// A rule about the launch context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextRule {
    /// `fhirContext` is an array of objects.
    Objects,
    /// Each of its entries has `reference`, `canonical` or `identifier`.
    Named,
    /// The members of an entry have the types that the guide gives them.
    Types,
    /// No entry refers to a patient or an encounter, but with a role other than `launch`.
    NoPatientOrEncounter,
    /// No `role` is an empty text.
    RoleNotEmpty,
    /// A `role` other than `launch` is an absolute URI.
    RoleAbsolute,
    /// An entry with `identifier` or `canonical` has a `type`.
    Typed,
    /// SMART 2.0: an entry that is a text is a relative reference, to neither a patient nor an encounter. Objects, which came
    /// with 2.1, are passed over.
    References,
    /// One of the entries is of the given resource type.
    HasType,
    /// Members that neither SMART nor OAuth defines are full URIs, or begin with two underscores.
    ExtensionsNamed,
    /// `authorization_details` is an array of objects with `type`, `locations` and `fhirVersions`.
    AuthorizationDetails,
}
