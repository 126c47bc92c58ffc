//! The keys of clients that registered an address instead of keys: fetched, read, and kept as long as the client allows.
//!
//! SMART App Launch 2.2, "Signature verification" and "Response":
//! <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>, RFC 9111 §5.2.2 for Cache-Control.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::private_key_jwt::{Assertion, named_client};
use crate::config::Client;
use crate::defect::Defect;
use crate::fetch::{Fetched, Trust};
use crate::form::Parameters;
use crate::keys::ClientKey;
use crate::state::AppState;
use crate::store::key_sets::KeySet;
use crate::variant::Variant;

/// At the longest, whatever the client allows.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What the defect that is out of patience waits.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// Fetches the keys of the client that an assertion speaks of, unless those that are known will do.
pub(crate) async fn refresh(app: &AppState, parameters: &Parameters) {
    let text = parameters.get("client_assertion");
    let Some(assertion) = text.and_then(|text| Assertion::read(app, text)) else {
        return;
    };
    let client = named_client(app, &assertion).and_then(|id| app.client(&id));
    let Some(client) = client.filter(|client| client.jwks_uri.is_some() && client.keys.is_empty()) else {
        return;
    };
    let defects = app.defects();
    let jku = assertion.header("jku");
    let address = address(app, &client, jku).unwrap_or_default();
    if let Some(known) = app.store().key_set(&client.client_id) {
        let forever = defects.has(Defect::JwksUriFetchedOnce);
        let fresh = app.now() < known.until && !defects.has(Defect::JwksUriNotCached);
        let has_kid = known.keys.as_ref().is_ok_and(|keys| {
            let kid = assertion.header("kid");
            keys.iter().any(|key| key.kid.as_deref() == kid)
        });
        // A kid that is not known may be new: it is looked up at once.
        if forever || (fresh && has_kid) {
            return;
        }
    }
    let set = fetch(app, &address).await;
    app.store().put_key_set(&client.client_id, set);
}

/// Where the keys are: what was registered, whatever the assertion says.
fn address(app: &AppState, client: &Client, jku: Option<&str>) -> Option<String> {
    let registered = client.jwks_uri.as_deref()?;
    if let Some(jku) = jku
        && app.defects().has(Defect::JwksUriJkuOfSameHost)
        && origin(jku) == origin(registered)
    {
        return Some(jku.to_owned());
    }
    Some(registered.to_owned())
}

/// Whether a jku may stand in an assertion of this client.
pub(super) fn is_registered(app: &AppState, client: &Client, jku: &str) -> bool {
    address(app, client, Some(jku)).is_some_and(|address| address == jku)
}

fn origin(url: &str) -> Option<String> {
    url::Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

async fn fetch(app: &AppState, address: &str) -> KeySet {
    let mut got = get(app, address).await;
    if let Ok(Fetched {
        status: 301 | 302 | 303 | 307 | 308,
        location: Some(location),
        ..
    }) = &got
        && app.variants().has(Variant::JwksUriRedirectFollowed)
    {
        got = get(app, &location.clone()).await;
    }
    let kept = got.as_ref().ok().and_then(max_age);
    let kept = if app.defects().has(Defect::JwksUriCachedTooLong) {
        SignedDuration::from_hours(1)
    } else {
        kept.unwrap_or(SignedDuration::ZERO).min(LONGEST)
    };
    KeySet {
        keys: got.and_then(|fetched| read(app, &fetched)),
        until: app.now() + kept,
    }
}

async fn get(app: &AppState, address: &str) -> Result<Fetched, String> {
    // RFC 9110 §4.3.4: whoever answers has to be who the address says.
    let trust = if address.starts_with("https:") && app.defects().has(Defect::JwksUriCertificateUnchecked) {
        Trust::Anyone
    } else {
        Trust::Authorities
    };
    let impatient = app.defects().has(Defect::JwksUriImpatient);
    let patience = if impatient { IMPATIENCE } else { app.patience() };
    let began = Instant::now();
    match tokio::time::timeout(patience, app.fetch().get(address, trust)).await {
        // On a busy machine the answer may be there before anybody looks at the clock: the defect looks at it then.
        Ok(fetched) if !impatient || began.elapsed() <= patience => fetched,
        _ => Err("it did not answer in time".to_owned()),
    }
}

/// RFC 9111 §5.2.2: how long the answer may be kept; not at all, where it says nothing.
fn max_age(fetched: &Fetched) -> Option<SignedDuration> {
    let directives = fetched.cache_control.as_deref()?.split(',').map(str::trim);
    let mut age = None;
    for directive in directives {
        if ["no-store", "no-cache"]
            .iter()
            .any(|no| directive.eq_ignore_ascii_case(no))
        {
            return None;
        }
        if let Some(seconds) = directive.to_ascii_lowercase().strip_prefix("max-age=") {
            age = seconds.parse::<i64>().ok().map(SignedDuration::from_secs);
        }
    }
    age
}

fn read(app: &AppState, fetched: &Fetched) -> Result<Vec<ClientKey>, String> {
    let defects = app.defects();
    if fetched.status != 200 {
        return Err(format!("it answered with status {}", fetched.status));
    }
    let kind = fetched.content_type.as_deref().unwrap_or_default();
    let is_json = kind.starts_with("application/json") || kind.starts_with("application/jwk-set+json");
    if !is_json && app.variants().has(Variant::JwksUriTextRefused) {
        return Err(format!("it came as '{kind}'"));
    }
    if !kind.starts_with("application/json") && defects.has(Defect::JwksUriJsonOnly) {
        return Err(format!("it came as '{kind}'"));
    }
    let document: serde_json::Value =
        serde_json::from_slice(&fetched.body).map_err(|_| "its answer is not JSON".to_owned())?;
    let listed = document["keys"].as_array().ok_or("its answer has no array keys")?;
    let mut keys = Vec::new();
    for jwk in listed {
        // RFC 7517 §4.2: a key for encryption verifies nothing; §5: what is not understood is ignored.
        let for_encryption = jwk["use"] == "enc";
        match ClientKey::from_jwk(jwk) {
            Ok(key) if !for_encryption => keys.push(key),
            _ if defects.has(Defect::JwksUriStrangeKeyRefused) => {
                return Err("it holds a key that is not for signatures".to_owned());
            }
            _ => {}
        }
    }
    if defects.has(Defect::JwksUriFirstKeyOnly) {
        keys.truncate(1);
    }
    Ok(keys)
}
