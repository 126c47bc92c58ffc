//! What a scenario may need of a target or its profile, and whether it is there.

use super::{conditional, precautions};
use crate::oauth::scope::ScopeSet;
use crate::step::world::{Facts, World};
use crate::target::ehr_launch::EhrLaunch;
use crate::target::{Client, ClientKind, Credentials, Profile, SecretMethod};

/// Words that stand in `needs`, with what each means. `capability:NAME` and `lists:FIELD` stand besides.
pub const WORDS: &[(&str, &str)] = &[
    ("authorization_code", "an authorization endpoint"),
    (
        "standalone_launch",
        "standalone launch, where capabilities say which launches there are",
    ),
    ("ehr_launch", "[ehr_launch] in the profile"),
    ("openid", "`openid` among the client's scopes"),
    (
        "refresh",
        "`offline_access` or `online_access` among the client's scopes",
    ),
    (
        "encounter_a",
        "an encounter of the first patient that the EHR has open: [encounters] a, and `{encounter}` in [ehr_launch]",
    ),
    (
        "launch_names_user",
        "a second user in the profile, and `{user}` in [ehr_launch]",
    ),
    (
        "patient_scope",
        "`patient/Patient.rs`, or a wildcard that covers it, among the client's scopes",
    ),
    ("introspection", "an introspection endpoint"),
    ("revocation", "a revocation endpoint"),
    ("jwks", "a jwks_uri"),
    ("end_session", "an end_session_endpoint in openid-configuration"),
    ("brands", "a user_access_brand_bundle"),
    ("userinfo", "a userinfo_endpoint in openid-configuration"),
    (
        "request_uri_unclaimed",
        "openid-configuration does not say that the server fetches a `request_uri` that nobody registered",
    ),
    (
        "form_post",
        "`form_post` among response_modes_supported of openid-configuration, smart-configuration or the document of RFC 8414",
    ),
    (
        "probe_server",
        "an address of launchproof that the target reaches: on loopback, or at [listen] public_url",
    ),
    (
        "probe_server_tls",
        "an https address of launchproof that the target reaches: on loopback, on machines that can make a certificate",
    ),
    ("openid_document", "an openid-configuration at the issuer"),
    ("capability_statement", "a CapabilityStatement at /metadata"),
    (
        "backend",
        "a backend service in the profile, where client_credentials is listed",
    ),
    ("second_backend", "another backend service in the profile"),
    (
        "beyond_scopes",
        "scopes for which the client is not registered: beyond_scopes = \"system/*.cruds\"",
    ),
    (
        "introspection_scope",
        "a scope by which access tokens of the client open the introspection endpoint: introspection_scope = \"…\"",
    ),
    (
        "system_wildcard",
        "a backend service that may read and search every type: `system/*` among its scopes",
    ),
    (
        "key_server",
        "the client's jwks_uri is where launchproof can listen: on loopback, or at [listen] public_url",
    ),
    (
        "registration",
        "a registration_endpoint, and --allow registration off loopback: it registers clients",
    ),
    ("par", "a pushed_authorization_request_endpoint"),
    (
        "par_required",
        "require_pushed_authorization_requests, in discovery or of the client in the profile",
    ),
    ("second_client", "another client in the profile"),
    ("second_user", "a second user in the profile"),
    ("second_public", "another public client in the profile"),
    ("second_symmetric", "another client with a secret in the profile"),
    ("second_asymmetric", "another client with a key in the profile"),
    ("two_redirect_uris", "a client with two redirect_uris in the profile"),
    (
        "query_redirect",
        "a client with a redirect_uri that has a query of its own",
    ),
    ("https_redirect", "a client whose first redirect_uri is https"),
    (
        "loopback_redirect",
        "a client with a redirect_uri on a loopback address",
    ),
    (
        "browser_app",
        "a client with `origins`: the server is said to support apps in browsers",
    ),
    ("https_target", "a target off loopback, where https is a duty"),
    ("patient_b", "a second patient in the profile: [patients] b"),
    (
        "patient_b_selectable",
        "a first user who may pick patient b: [users.NAME] patients = [\"a\", \"b\"]",
    ),
    (
        "basic_client",
        "a client with a secret that is registered for HTTP Basic: auth = \"basic\"",
    ),
    (
        "conditional_create",
        "observations are created by condition (If-None-Exist), says the CapabilityStatement, and found by identifier",
    ),
    (
        "conditional_update",
        "observations are updated by condition, says the CapabilityStatement, and found by identifier",
    ),
    (
        "conditional_delete",
        "observations are deleted by condition, says the CapabilityStatement, and found by identifier",
    ),
    (
        "lockout",
        "--allow lockout, off loopback: it sends many wrong credentials",
    ),
    (
        "writes",
        "--allow writes, off loopback: it creates, changes and deletes resources of its own",
    ),
];

/// Precautions that are lifted; on loopback none holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allow {
    /// Many wrong credentials may be sent.
    pub lockout: bool,
    /// Resources may be created, changed and deleted.
    pub writes: bool,
}

/// Whether a need is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// It is there.
    Met,
    /// The target does not have or claim it.
    Skip(String),
    /// The target has it, the profile lacks it: which line to add.
    Unconfigured(String),
}

/// Whether the word exists.
pub fn is_known(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| *known == word)
        || word.strip_prefix("capability:").is_some_and(|name| !name.is_empty())
        || word.strip_prefix("lists:").is_some_and(|name| !name.is_empty())
}

/// Judges one need for one client.
pub fn judge(world: &World, facts: &Facts, client: Option<&Client>, allow: Allow, need: &str) -> Need {
    if let Some(name) = need.strip_prefix("capability:") {
        return claimed(facts, name);
    }
    if let Some(field) = need.strip_prefix("lists:") {
        let there = facts.smart.as_ref().is_some_and(|smart| smart.get(field).is_some());
        return met(there, || {
            Need::Skip(format!("smart-configuration does not list {field}"))
        });
    }
    let profile = &world.profile;
    let other = |kind: Option<ClientKind>| {
        profile.clients.iter().any(|one| {
            client.is_none_or(|own| own.name != one.name)
                && one.kind != ClientKind::Backend
                && kind.is_none_or(|kind| one.kind == kind)
        })
    };
    let add = |what: &str| Need::Unconfigured(format!("add {what} to the profile"));
    let second = |kind: ClientKind| {
        met(other(Some(kind)), || match unclaimed(facts, kind) {
            Some(reason) => Need::Skip(reason),
            None => add(&format!("another client of kind {}", kind.as_str())),
        })
    };
    match need {
        "authorization_code" => met(facts.authorization_endpoint.is_some(), || {
            Need::Skip("no authorization endpoint is known".to_owned())
        }),
        "standalone_launch" => launch_claimed(facts, "launch-standalone"),
        "ehr_launch" => match launch_claimed(facts, "launch-ehr") {
            Need::Met => met(profile.ehr_launch.is_some(), || {
                add("[ehr_launch]: how an EHR launch is begun")
            }),
            other => other,
        },
        "openid" => has_scope(client, |scopes| scopes.split(' ').any(|one| one == "openid"), "openid"),
        "refresh" => match has_scope(client, asks_refresh, "offline_access") {
            // Some servers give refresh tokens to confidential clients alone.
            Need::Unconfigured(_) if profile.clients.iter().any(|one| asks_refresh(&one.scopes)) => Need::Skip(
                "the profile asks for a refresh token with other clients alone; if this one can have it, add \
                 `offline_access` to its scopes"
                    .to_owned(),
            ),
            other => other,
        },
        "encounter_a" => met(profile.encounters.contains_key("a"), || {
            add("[encounters] a, and `{encounter}` in [ehr_launch]")
        }),
        // Also where the profile lacks one since the target has no page on which it would matter.
        "second_user" => met(profile.users.len() > 1, || {
            Need::Skip("the profile has one user; a second one would be added as [users.NAME]".to_owned())
        }),
        "launch_names_user" => {
            let named = profile.ehr_launch.as_ref().is_some_and(EhrLaunch::names_user);
            met(named && profile.users.len() > 1, || {
                add("a second user, and `{user}` in [ehr_launch]")
            })
        }
        "patient_scope" => has_scope(
            client,
            |scopes| ScopeSet::parse("patient/Patient.rs").is_subset_of(&ScopeSet::parse(scopes)),
            "patient/Patient.rs",
        ),
        "introspection" => listed(facts.introspection_endpoint.is_some(), "introspection_endpoint"),
        "revocation" => listed(facts.revocation_endpoint.is_some(), "revocation_endpoint"),
        "end_session" => met(
            facts
                .openid
                .as_ref()
                .is_some_and(|openid| openid["end_session_endpoint"].is_string()),
            || Need::Skip("openid-configuration lists no end_session_endpoint".to_owned()),
        ),
        "jwks" => listed(facts.jwks_uri.is_some(), "jwks_uri"),
        "brands" => listed(facts.brand_bundle.is_some(), "user_access_brand_bundle"),
        "userinfo" => met(crate::step::userinfo::endpoint(facts).is_some(), || {
            Need::Skip("openid-configuration lists no userinfo_endpoint".to_owned())
        }),
        "openid_document" => met(facts.openid.is_some(), || {
            Need::Skip("there is no openid-configuration at the issuer".to_owned())
        }),
        "conditional_create" | "conditional_update" | "conditional_delete" => conditional::claimed(facts, need),
        "capability_statement" => met(facts.capability.is_some(), || {
            Need::Skip("there is no CapabilityStatement at /metadata".to_owned())
        }),
        "backend" => met(
            profile.clients_of(ClientKind::Backend).next().is_some(),
            || match unclaimed(facts, ClientKind::Backend) {
                Some(reason) => Need::Skip(reason),
                None => add("a client of kind backend"),
            },
        ),
        "second_backend" => met(profile.clients_of(ClientKind::Backend).count() > 1, || {
            add("another client of kind backend")
        }),
        "system_wildcard" => has_scope(
            client,
            |scopes| ScopeSet::parse("system/*.rs").is_subset_of(&ScopeSet::parse(scopes)),
            "system/*.rs",
        ),
        "key_server" => match world.key_server.problem() {
            Some(problem) => Need::Unconfigured(problem.to_owned()),
            None => Need::Met,
        },
        "request_uri_unclaimed" => met(!claims_request_uri(facts), || {
            Need::Skip("the server says that it fetches a request_uri that nobody registered".to_owned())
        }),
        "form_post" => met(lists_form_post(facts), || {
            Need::Skip("the server does not list the response_mode form_post".to_owned())
        }),
        "probe_server" => met(world.key_server.probe().is_some(), || {
            let why = world.key_server.problem().unwrap_or(
                "the target reaches no address of launchproof: add [listen] public_url to the profile to run this",
            );
            Need::Skip(why.to_owned())
        }),
        "probe_server_tls" => met(world.key_server.untrusted().is_some(), || {
            Need::Skip("the target reaches no https address of launchproof".to_owned())
        }),
        "registration" => {
            if crate::step::register::endpoint(facts).is_none() {
                return Need::Skip("the server lists no registration_endpoint".to_owned());
            }
            met(precautions::may_register(world, facts), || {
                Need::Skip("it registers clients at the target; run with --allow registration".to_owned())
            })
        }
        "par" => met(crate::step::push::endpoint(facts).is_some(), || {
            Need::Skip("the server lists no pushed_authorization_request_endpoint".to_owned())
        }),
        "par_required" => met(crate::step::pushed_only::is_required(facts, client), || {
            Need::Skip("requests need not be pushed".to_owned())
        }),
        "beyond_scopes" => met(client.is_some_and(|client| client.beyond_scopes.is_some()), || {
            add("beyond_scopes of the client: scopes of the target for which it is not registered")
        }),
        "introspection_scope" => met(
            client.is_some_and(|client| client.introspection_scope.is_some()),
            || {
                let why =
                    "the profile names no introspection_scope, by which access tokens of the client would introspect";
                Need::Skip(why.to_owned())
            },
        ),
        "second_client" => met(other(None), || add("a second client")),
        "second_public" => second(ClientKind::Public),
        "second_symmetric" => second(ClientKind::Symmetric),
        "second_asymmetric" => second(ClientKind::Asymmetric),
        "two_redirect_uris" => met(client.is_some_and(|client| client.redirect_uris.len() > 1), || {
            add("a second redirect_uri of the client")
        }),
        "query_redirect" => {
            let there = client.is_some_and(|client| client.redirect_uris.iter().any(|uri| uri.contains('?')));
            met(there, || {
                add("a redirect_uri with a query, such as https://app.example/cb?tenant=7, of the client")
            })
        }
        "https_redirect" => {
            let https = client
                .and_then(|client| client.redirect_uris.first())
                .is_some_and(|uri| uri.starts_with("https:"));
            met(https, || add("an https redirect_uri, as the first of the client"))
        }
        "loopback_redirect" => {
            let loopback = client.is_some_and(|client| client.redirect_uris.iter().any(|uri| is_loopback(uri)));
            met(loopback, || add("a redirect_uri http://127.0.0.1:PORT/… of the client"))
        }
        "browser_app" => {
            let has_pages = |client: &Client| !client.origins.is_empty();
            let there = client.map_or_else(|| profile.clients.iter().any(has_pages), has_pages);
            met(there, || {
                let why =
                    "the profile gives no `origins` of this client: the server is not said to support apps in browsers";
                Need::Skip(why.to_owned())
            })
        }
        "https_target" => met(!profile.is_loopback(), || {
            Need::Skip("loopback: https is no duty there".to_owned())
        }),
        "patient_b" => met(profile.patients.contains_key("b"), || {
            add("[patients] b: one that the user of patient a must not reach")
        }),
        "patient_b_selectable" => selectable(profile),
        "basic_client" => {
            let basic = client.is_some_and(|client| {
                matches!(
                    &client.credentials,
                    Credentials::Secret {
                        method: SecretMethod::Basic,
                        ..
                    }
                )
            });
            met(basic, || {
                Need::Skip("the client is registered for client_secret_post".to_owned())
            })
        }
        "lockout" => met(precautions::may_lock_out(world, facts, allow), || {
            Need::Skip("it may lock the client out; run with --allow lockout".to_owned())
        }),
        "writes" => met(allow.writes || profile.is_loopback(), || {
            Need::Skip("it creates, changes and deletes resources of its own; run with --allow writes".to_owned())
        }),
        other => Need::Skip(format!("the need `{other}` is not known")),
    }
}

/// OpenID Connect Discovery §3: `request_uri_parameter_supported` without `require_request_uri_registration`.
fn claims_request_uri(facts: &Facts) -> bool {
    let says = |name: &str| facts.openid.as_ref().is_some_and(|document| document[name] == true);
    says("request_uri_parameter_supported") && !says("require_request_uri_registration")
}

/// OpenID Connect Discovery §3, RFC 8414 §2: modes that are not listed are `query` and `fragment`.
fn lists_form_post(facts: &Facts) -> bool {
    let documents = facts.openid.iter().chain(&facts.smart).chain(&facts.oauth);
    documents
        .filter_map(|document| document.get("response_modes_supported")?.as_array())
        .flatten()
        .any(|mode| mode.as_str() == Some("form_post"))
}

/// Whether the first user may pick patient b; a user of whom the profile names other patients only may not.
fn selectable(profile: &Profile) -> Need {
    let user = profile.users.values().next();
    let patients = user.map(|user| user.patients.as_slice()).unwrap_or_default();
    if profile.patients.contains_key("b") && patients.iter().any(|key| key == "b") {
        return Need::Met;
    }
    if let (Some(user), false) = (user, patients.is_empty()) {
        return Need::Skip(format!(
            "the profile says that `{}` can pick no other patient",
            user.username
        ));
    }
    Need::Unconfigured(
        "add to the profile: [patients] b, and to the first user `patients = [\"a\", \"b\"]` where that user may pick \
         both, `[\"a\"]` where not"
            .to_owned(),
    )
}

/// Why clients of this kind need not be tried: the server lists capabilities, and theirs is not among them.
pub fn unclaimed(facts: &Facts, kind: ClientKind) -> Option<String> {
    if kind == ClientKind::Backend {
        let listed = |field: &str, word: &str| {
            let list = facts.smart.as_ref()?.get(field)?.as_array()?;
            Some(list.iter().any(|one| one.as_str() == Some(word)))
        };
        // SMART 2.2 conformance: the grant is listed where backend services are supported.
        if listed("grant_types_supported", "client_credentials") == Some(false) {
            return Some("the server does not list the grant client_credentials".to_owned());
        }
        // Any OAuth server may list the grant; that of SMART gives scopes of the level `system`.
        let scopes = facts
            .smart
            .as_ref()
            .and_then(|smart| smart.get("scopes_supported")?.as_array());
        let system = |scope: &serde_json::Value| scope.as_str().is_some_and(|scope| scope.starts_with("system/"));
        return scopes
            .is_some_and(|scopes| !scopes.iter().any(system))
            .then(|| "the server lists no scope of the level system/".to_owned());
    }
    let capability = match kind {
        ClientKind::Public => "client-public",
        ClientKind::Symmetric => "client-confidential-symmetric",
        ClientKind::Asymmetric | ClientKind::Backend => "client-confidential-asymmetric",
    };
    let lists_some = !facts.capabilities.is_empty();
    (lists_some && !facts.capabilities.iter().any(|one| one == capability))
        .then(|| format!("the server does not claim the capability {capability}"))
}

fn met(there: bool, otherwise: impl FnOnce() -> Need) -> Need {
    if there { Need::Met } else { otherwise() }
}

fn claimed(facts: &Facts, name: &str) -> Need {
    met(facts.capabilities.iter().any(|one| one == name), || {
        Need::Skip(format!("the server does not claim the capability {name}"))
    })
}

/// A launch is taken for granted where the server lists no capabilities at all (SMART 1.0, or [endpoints] alone).
fn launch_claimed(facts: &Facts, name: &str) -> Need {
    if facts.capabilities.is_empty() {
        Need::Met
    } else {
        claimed(facts, name)
    }
}

fn listed(there: bool, field: &str) -> Need {
    met(there, || Need::Skip(format!("the server lists no {field}")))
}

fn has_scope(client: Option<&Client>, test: impl Fn(&str) -> bool, word: &str) -> Need {
    let there = client.is_some_and(|client| test(&client.scopes));
    met(there, || {
        Need::Unconfigured(format!("add `{word}` to the client's scopes in the profile"))
    })
}

fn asks_refresh(scopes: &str) -> bool {
    ScopeSet::parse(scopes).wants_refresh()
}

fn is_loopback(uri: &str) -> bool {
    uri.starts_with("http://127.0.0.1") || uri.starts_with("http://[::1]")
}
