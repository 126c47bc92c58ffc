//! Which precautions hold at a target: none where everything that could come to harm is on this machine.

use url::Url;

use super::needs::Allow;
use crate::step::register;
use crate::step::world::{Facts, World};
use crate::target::Profile;
use crate::target::profile::is_loopback;

/// Whether clients may be registered. A FHIR base on this machine may be a tunnel, and the identity provider elsewhere.
pub fn may_register(world: &World, facts: &Facts) -> bool {
    world.allow_registration || registers_here(&world.profile, facts)
}

/// Whether the clients that are registered are registered on this machine.
pub fn registers_here(profile: &Profile, facts: &Facts) -> bool {
    profile.is_loopback() && register::endpoint(facts).is_none_or(here)
}

/// Whether credentials may be tried that are wrong.
pub fn may_lock_out(world: &World, facts: &Facts, allow: Allow) -> bool {
    allow.lockout || (world.profile.is_loopback() && judges_credentials_here(facts))
}

/// Whether every endpoint that judges credentials of users or clients is on this machine.
fn judges_credentials_here(facts: &Facts) -> bool {
    let authorization = facts.authorization_endpoint.as_ref().map(Url::as_str);
    let pushed = facts
        .told("pushed_authorization_request_endpoint")
        .and_then(serde_json::Value::as_str);
    let others = [
        &facts.token_endpoint,
        &facts.introspection_endpoint,
        &facts.revocation_endpoint,
    ];
    let mut known = others.into_iter().filter_map(Option::as_deref);
    known.all(here) && [authorization, pushed].into_iter().flatten().all(here)
}

fn here(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at_home() -> Profile {
        Profile::for_url("http://127.0.0.1:8080/fhir").unwrap()
    }

    #[test]
    fn a_registration_elsewhere_is_not_ours_because_the_fhir_base_is() {
        let facts = |endpoint: &str| Facts {
            smart: Some(json!({"registration_endpoint": endpoint})),
            ..Facts::default()
        };
        assert!(registers_here(&at_home(), &facts("http://127.0.0.1:9/register")));
        assert!(!registers_here(&at_home(), &facts("https://idp.example/register")));
        assert!(!registers_here(&at_home(), &facts("not a url")));
        let remote = Profile::for_url("https://ehr.example/fhir").unwrap();
        assert!(!registers_here(&remote, &facts("http://127.0.0.1:9/register")));
    }

    #[test]
    fn one_endpoint_elsewhere_is_enough_to_spare_accounts() {
        let home = || Facts {
            authorization_endpoint: Url::parse("http://localhost:9/authorize").ok(),
            token_endpoint: Some("http://127.0.0.1:9/token".to_owned()),
            ..Facts::default()
        };
        assert!(judges_credentials_here(&home()));
        let elsewhere = || Some("https://idp.example/x".to_owned());
        for facts in [
            Facts {
                authorization_endpoint: elsewhere().and_then(|url| Url::parse(&url).ok()),
                ..home()
            },
            Facts {
                token_endpoint: elsewhere(),
                ..home()
            },
            Facts {
                introspection_endpoint: elsewhere(),
                ..home()
            },
            Facts {
                smart: Some(json!({"pushed_authorization_request_endpoint": elsewhere()})),
                ..home()
            },
        ] {
            assert!(!judges_credentials_here(&facts), "{facts:?}");
        }
    }
}
