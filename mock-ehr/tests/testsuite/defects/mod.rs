//! Each defect shows on the wire: a probe that is quiet without it and goes off with it.

pub(crate) mod about_token;
pub(crate) mod assertion;
mod authorize;
mod backend;
mod brands;
mod client_auth;
mod code;
pub(crate) mod conditional;
mod cors;
mod discovery;
mod forged_tokens;
pub(crate) mod form_post;
pub(crate) mod jwks_uri;
mod launch_context;
pub(crate) mod openid;
pub(crate) mod pages;
mod pushed;
mod redirect_uri;
mod registration;
pub(crate) mod registration_management;
mod resource;
mod robustness;
mod scopes;
mod session_cookie;
mod token;

use mock_ehr::Defect;

use crate::harness::TestEhr;

/// Does the mock misbehave in the way of this defect?
pub(crate) async fn misbehaves(ehr: &TestEhr, defect: Defect) -> bool {
    if let Some(answer) = discovery::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = pages::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = authorize::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = redirect_uri::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = code::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = robustness::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = token::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = client_auth::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = assertion::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = backend::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = brands::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = cors::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = jwks_uri::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = scopes::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = registration::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = registration_management::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = pushed::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = about_token::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = openid::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = form_post::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = forged_tokens::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = conditional::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = session_cookie::probe(ehr, defect).await {
        return answer;
    }
    if let Some(answer) = resource::probe(ehr, defect).await {
        return answer;
    }
    // Without a probe it cannot show, and the test names it among those that do not.
    false
}

#[tokio::test]
async fn every_defect_shows_and_nothing_shows_without_it() {
    let mut wrong = Vec::new();
    for defect in Defect::ALL {
        if misbehaves(&TestEhr::new(), *defect).await {
            wrong.push(format!("{defect}: shows without being armed"));
        }
        let ehr = TestEhr::with_defect(*defect);
        if !misbehaves(&ehr, *defect).await {
            wrong.push(format!("{defect}: does not show, or has no probe"));
        }
        if !ehr.mock.consulted_defects().contains(defect) {
            wrong.push(format!("{defect}: its hook was not reached"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        Defect::ALL.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_reset_arms_what_was_armed_at_the_start() {
    let ehr = TestEhr::with_defect(Defect::StateDropped);
    ehr.mock.set_defects([Defect::CodeRace]);
    ehr.mock.reset();
    assert_eq!(ehr.mock.state().defects().armed(), [Defect::StateDropped]);
}
