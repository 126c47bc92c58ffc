//! Where a walk is over: at a callback, or at an origin that is not the target's.

use url::Url;

use super::{Landing, Visit};
use crate::target::sign_in::SignIn;

/// Whether going to this address ends the walk, before it is followed.
pub(super) fn landing_at(visit: &Visit, sign_in: &SignIn, url: &Url) -> Option<Landing> {
    if visit.callbacks.iter().any(|callback| arrives_at(url, callback)) {
        return Some(Landing::Callback(url.clone()));
    }
    let origin = url.origin().ascii_serialization();
    let start = visit.start.url.origin().ascii_serialization();
    let own = origin == start || visit.own_origins.contains(&origin) || sign_in.origins.contains(&origin);
    (!own).then(|| Landing::Foreign(url.clone()))
}

/// Scheme, host, port and path are the same: the browser would be there.
fn arrives_at(url: &Url, callback: &Url) -> bool {
    url.scheme() == callback.scheme()
        && url.host() == callback.host()
        && url.port_or_known_default() == callback.port_or_known_default()
        && url.path() == callback.path()
}

/// The address of a `Location`, relative to where it came from. A fragment is inherited (RFC 9110 §10.2.2), except
/// at a callback, where what the server wrote is judged as it came.
pub(super) fn follow_location(from: &Url, location: &[u8]) -> Option<Url> {
    from.join(String::from_utf8_lossy(location).trim()).ok()
}
