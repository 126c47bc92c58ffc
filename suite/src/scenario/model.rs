//! The shape of a scenario file. `launchproof schema scenario` prints the JSON Schema made from these types.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use reports::model::Level;
use schemars::JsonSchema;
use serde::Deserialize;

use super::one_key::one_key_enum;
use crate::check::acceptance::{AcceptedArgs, AtMostOneArgs};
use crate::check::batch::EntryArgs;
use crate::check::brands::BrandsArgs;
use crate::check::burst::AllAnsweredArgs;
use crate::check::callback::{CallbackArgs, PageArgs, StateArgs};
use crate::check::cors::CorsArgs;
use crate::check::discovery::AgreesArgs;
use crate::check::entropy::EntropyArgs;
use crate::check::fhir_data::{DataArgs, GrantedArgs};
use crate::check::hygiene::{AnsweredArgs, EchoArgs, NoFieldArgs, NotSentToArgs, TraceArgs};
use crate::check::id_token::IdTokenArgs;
use crate::check::introspection::{IntrospectedContextArgs, IntrospectedExpArgs};
use crate::check::json::JsonArgs;
use crate::check::key_set::FetchedArgs;
use crate::check::keys::{JwksArgs, KeyRule};
use crate::check::launch_context::LaunchContextArgs;
use crate::check::message::{ContentTypeArgs, ErrorArgs, ErrorBodyArgs, HeaderArgs, StatusArgs, WithinArgs};
use crate::check::pages::SignInPagesArgs;
use crate::check::refusal::RefusedBy;
use crate::check::scope::ScopeArgs;
use crate::check::texts::{TextsArgs, UnrelatedArgs};
use crate::step::arguments::{
    AuthorizeArgs, DiscoverArgs, ExchangeArgs, FhirArgs, FlowArgs, InterleavedArgs, IntrospectArgs, LaunchArgs,
    RefreshArgs, RequestArgs, RevokeArgs, WaitArgs,
};
pub use crate::step::arguments::{LaunchKind, With};
pub use crate::step::backend::BackendArgs;
use crate::step::manage::ManageArgs;
use crate::step::preflight::PreflightArgs;
use crate::step::publish::PublishArgs;
use crate::step::push::PushArgs;
use crate::step::register::RegisterArgs;
use crate::step::userinfo::UserinfoArgs;
use crate::value::Template;

/// One obligation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What must hold, in one line.
    pub title: String,
    /// For the vendor who failed: what was done, what must happen, why it matters.
    pub about: String,
    /// What implementers usually got wrong.
    #[serde(default)]
    pub fix: Option<String>,
    /// The strength of the obligation.
    pub level: Level,
    /// The strength where RFC 9700 is promised (`--profile bcp`), if it is another: where that document, and not only our
    /// reading of it, says as much of exactly what is judged.
    #[serde(default)]
    pub bcp: Option<Level>,
    /// Ids in `fixtures/requirements`: `smart-2.2.0/31`.
    pub requirements: Vec<String>,
    /// What the target or its profile must have; see [`super::needs`].
    #[serde(default)]
    pub needs: Vec<String>,
    /// With which clients it is tried.
    #[serde(default)]
    pub clients: Clients,
    /// SMART versions in which it holds; all where absent.
    #[serde(default)]
    pub applies: Vec<String>,
    /// Where we stand.
    pub given: Given,
    /// Options of the given, and of every step that does not say otherwise.
    #[serde(default)]
    pub with: With,
    /// A table: one verdict a row.
    #[serde(default)]
    pub cases: IndexMap<String, Case>,
    /// What we do.
    #[serde(default)]
    pub when: Vec<Step>,
    /// The correct sequence whose acceptance makes a refusal count, where the fault is not an override.
    #[serde(default)]
    pub control: Vec<Step>,
    /// What must be seen for the judgement to mean anything; a skip where it is not.
    #[serde(default)]
    pub provided: Vec<Check>,
    /// What must be seen: all of it.
    pub then: Vec<Check>,
    /// Other answers that are legal: a pass with a note.
    #[serde(default)]
    pub allow: Vec<Allowed>,
    /// What takes away what the scenario created, sent whatever was found.
    #[serde(default)]
    pub clean_up: Vec<Step>,
}

/// A legal alternative.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Why it is legal; printed beside the verdict.
    pub note: String,
    /// What is seen then: all of it.
    pub then: Vec<Check>,
}

/// A row of a table: its values, used as `{case.name}`, and what it needs besides.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Needs of this row alone.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Said of this row, where its name does not.
    #[serde(default)]
    pub title: Option<String>,
    /// The values. One that leaves a placeholder as it was is a skip, never sent.
    #[serde(default)]
    pub set: BTreeMap<String, Template>,
}

/// With which clients a scenario is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clients {
    /// The first client of the profile that suits.
    #[default]
    Any,
    /// The first of each kind: one verdict a kind.
    Each,
    /// The first public one.
    Public,
    /// The first with a secret.
    Symmetric,
    /// The first with a key.
    Asymmetric,
    /// The first with a key, and the first backend service where the profile has one, whose verdict ends in `@backend`: its
    /// `exchange` is a token request of its own.
    Keyed,
    /// The first backend service.
    Backend,
    /// The first backend service or client with a key whose keys are at a `jwks_uri`.
    JwksUri,
    /// The first with a secret and the first with a key: one verdict each.
    Confidential,
    /// No client takes part.
    None,
}

/// A starting state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Nothing was sent.
    Nothing,
    /// The endpoints are known.
    Discovered,
    /// A fresh, unspent code.
    Authorized,
    /// A token response; shared with others: look only.
    Launched,
    /// A token response of one's own: may be spent.
    LaunchedAlone,
    /// A token response of a backend service; shared with others: look only.
    BackendToken,
    /// A token response and the answer to its refresh, of one's own.
    Refreshed,
}

/// One thing that we do.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Step {
    /// Fetches a discovery document.
    Discover(DiscoverArgs),
    /// Begins an EHR launch and keeps its `launch`.
    Launch(LaunchArgs),
    /// Sends the browser to the authorization endpoint and walks to the end.
    Authorize(AuthorizeArgs),
    /// Redeems a code.
    Exchange(ExchangeArgs),
    /// Asks for a token without any user.
    Backend(BackendArgs),
    /// Changes what the key server of the run answers for the client.
    Publish(PublishArgs),
    /// Sends an authorization request to the server itself.
    Push(Box<PushArgs>),
    /// Registers a client.
    Register(RegisterArgs),
    /// Reads, changes or ends a registration.
    Manage(ManageArgs),
    /// Redeems a refresh token.
    Refresh(RefreshArgs),
    /// Asks the introspection endpoint about a token.
    Introspect(IntrospectArgs),
    /// Revokes a token.
    Revoke(RevokeArgs),
    /// Reads or searches with a token.
    Fhir(FhirArgs),
    /// Asks the userinfo endpoint who the user is.
    Userinfo(UserinfoArgs),
    /// Fetches the server's keys.
    Jwks(DiscoverArgs),
    /// Any request.
    Request(RequestArgs),
    /// Asks as a browser does before a page of another origin may send a request.
    Preflight(PreflightArgs),
    /// Asks hosts about their TLS.
    Tls(crate::step::tls::TlsArgs),
    /// Lets time pass.
    Wait(WaitArgs),
    /// Sends several at the same moment.
    Together(Vec<Step>),
    /// Walks several authorization requests by turns in one browser session.
    Interleaved(InterleavedArgs),
    /// Authorize, exchange and read, as far as the server lets it.
    Flow(Box<FlowArgs>),
}

one_key_enum!(Step, "step", {
    "discover" => Discover,
    "launch" => Launch,
    "authorize" => Authorize,
    "exchange" => Exchange,
    "backend" => Backend,
    "publish" => Publish,
    "push" => Push,
    "register" => Register,
    "manage" => Manage,
    "refresh" => Refresh,
    "introspect" => Introspect,
    "revoke" => Revoke,
    "fhir" => Fhir,
    "userinfo" => Userinfo,
    "jwks" => Jwks,
    "request" => Request,
    "preflight" => Preflight,
    "tls" => Tls,
    "wait" => Wait,
    "together" => Together,
    "interleaved" => Interleaved,
    "flow" => Flow,
});

/// One thing that must be seen.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Check {
    /// The server refused at this stage or before; counts only between two accepted controls.
    RefusedBy(RefusedBy),
    /// The server did what was asked.
    Accepted(AcceptedArgs),
    /// Of several steps at the same moment, at most one was accepted.
    AtMostOne(AtMostOneArgs),
    /// The authorization response carries `state` exactly once and unchanged.
    State(StateArgs),
    /// What the address holds to which the browser was sent back.
    Callback(CallbackArgs),
    /// What the pages and redirects on the way to the app look like to a browser.
    SignInPages(SignInPagesArgs),
    /// The answer of the authorization endpoint as a form that the browser posts.
    FormPost(crate::check::form_post::FormPostArgs),
    /// What hosts said of their TLS.
    Tls(crate::check::tls::TlsCheckArgs),
    /// The answer is no breakdown: below 500, and in time.
    Answered(AnsweredArgs),
    /// No answer shows the code behind.
    NoStackTrace(TraceArgs),
    /// No answer repeats these texts.
    NotEchoed(EchoArgs),
    /// No answer has this header field.
    NoField(NoFieldArgs),
    /// No redirect leads to this host.
    NotSentTo(NotSentToArgs),
    /// What the page is at which a refused walk ended.
    Page(PageArgs),
    /// A header field of an answer.
    Header(HeaderArgs),
    /// Whether a browser lets a page of another origin send a request and read its answer.
    Cors(CorsArgs),
    /// The media type of an answer.
    ContentType(ContentTypeArgs),
    /// The status of an answer.
    Status(StatusArgs),
    /// The OAuth error code of a refusal.
    Error(ErrorArgs),
    /// The shape of an error answer of the token endpoint (RFC 6749 §5.2).
    ErrorBody(ErrorBodyArgs),
    /// A member of a JSON answer.
    Json(JsonArgs),
    /// Two texts are the same.
    Same(TextsArgs),
    /// Two texts differ.
    Differ(TextsArgs),
    /// One value cannot be read out of another.
    Unrelated(UnrelatedArgs),
    /// How many bits the values seen in this run can carry.
    Entropy(EntropyArgs),
    /// What was granted lies within what was asked.
    Scope(ScopeArgs),
    /// What the guide says of `fhirContext` and `authorization_details`.
    LaunchContext(LaunchContextArgs),
    /// The answer came within this time.
    Within(WithinArgs),
    /// Of several requests at the same moment, each was answered in time.
    AllAnswered(AllAnsweredArgs),
    /// Two discovery documents, or two parts of one, do not contradict each other.
    Agrees(AgreesArgs),
    /// How often the target fetched the keys that a client published.
    Fetched(FetchedArgs),
    /// The bundle of user-access brands is sound.
    Brands(BrandsArgs),
    /// The server's keys are sound.
    Keys(JwksArgs),
    /// What an id_token says of itself and of the user.
    IdToken(IdTokenArgs),
    /// `exp` of an introspection agrees with `expires_in` of the token response.
    IntrospectedExp(IntrospectedExpArgs),
    /// Launch context of the token response stands in an introspection.
    IntrospectedContext(IntrospectedContextArgs),
    /// Whose resources an answer of the FHIR API holds, and which.
    Data(DataArgs),
    /// What became of one entry of a batch or transaction.
    Entry(EntryArgs),
    /// What a token response grants, and what it does not.
    Granted(GrantedArgs),
}

impl Check {
    /// Whether it judges what came in the run so far: then it says the more, the later it is made.
    pub fn is_of_the_whole_run(&self) -> bool {
        match self {
            Self::Entropy(_) => true,
            Self::Keys(args) => args.rule == KeyRule::OfThisRun,
            _ => false,
        }
    }
}

one_key_enum!(Check, "check", {
    "refused_by" => RefusedBy,
    "accepted" => Accepted,
    "at_most_one" => AtMostOne,
    "state" => State,
    "callback" => Callback,
    "sign_in_pages" => SignInPages,
    "form_post" => FormPost,
    "tls" => Tls,
    "answered" => Answered,
    "no_stack_trace" => NoStackTrace,
    "not_echoed" => NotEchoed,
    "no_field" => NoField,
    "not_sent_to" => NotSentTo,
    "page" => Page,
    "header" => Header,
    "cors" => Cors,
    "content_type" => ContentType,
    "status" => Status,
    "error" => Error,
    "error_body" => ErrorBody,
    "json" => Json,
    "same" => Same,
    "differ" => Differ,
    "unrelated" => Unrelated,
    "entropy" => Entropy,
    "scope" => Scope,
    "launch_context" => LaunchContext,
    "within" => Within,
    "all_answered" => AllAnswered,
    "agrees" => Agrees,
    "fetched" => Fetched,
    "brands" => Brands,
    "keys" => Keys,
    "id_token" => IdToken,
    "introspected_exp" => IntrospectedExp,
    "introspected_context" => IntrospectedContext,
    "data" => Data,
    "entry" => Entry,
    "granted" => Granted,
});
