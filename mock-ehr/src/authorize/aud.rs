//! Checks aud: the app must name the server to which it means to show the token.
//!
//! SMART App Launch 2.2, "Obtain authorization code": <https://hl7.org/fhir/smart-app-launch/app-launch.html>

use super::reason::Reason;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;
use crate::variant::Variant;

/// Does aud fit? `false` where a variant refuses later.
pub(crate) fn check(state: &AppState, parameters: &Parameters) -> Result<bool, Reason> {
    let (defects, variants) = (state.defects(), state.variants());
    let refused = match parameters.get("aud") {
        Some(aud) if fits(state, aud) => return Ok(true),
        _ if defects.has(Defect::AudNotChecked) => return Ok(true),
        None if defects.has(Defect::AudMissingAccepted) => return Ok(true),
        Some("") if defects.has(Defect::AudEmptyAccepted) => return Ok(true),
        None | Some("") => Reason::missing("aud", format!("the FHIR base '{}'", state.fhir_base())),
        Some(aud) if fits_loosely(state, aud) => return Ok(true),
        Some(aud) => Reason::Aud {
            was: aud.to_owned(),
            expected: state.fhir_base().into_owned(),
        },
    };
    if state.defects().has(Defect::AudAtExchangeHeals) {
        return Ok(false);
    }
    if variants.has(Variant::AudRefusedAtExchange) || variants.has(Variant::AudRefusedAtFhir) {
        return Ok(false);
    }
    Err(refused)
}

fn fits(state: &AppState, aud: &str) -> bool {
    let base = &*state.fhir_base();
    aud == base || (canonical(aud) == canonical(base) && !state.variants().has(Variant::TrailingSlashAudRefused))
}

/// RFC 3986 §6.2: the scheme's and host's letter case, the default port and one slash at the end make no difference;
/// everything else does.
fn canonical(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(at);
    // User information has letter case; with it nothing fits anyway.
    let mut authority = if authority.contains('@') {
        authority.to_owned()
    } else {
        authority.to_ascii_lowercase()
    };
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    if let Some(without) = authority.strip_suffix(default_port) {
        authority.truncate(without.len());
    }
    Some(format!(
        "{scheme}://{authority}{}",
        rest.strip_suffix('/').unwrap_or(rest)
    ))
}

/// Does an armed defect let this aud through?
fn fits_loosely(state: &AppState, aud: &str) -> bool {
    let defects = state.defects();
    let base = &*state.fhir_base();
    let (Ok(asked), Ok(known)) = (url::Url::parse(aud), url::Url::parse(base)) else {
        return defects.has(Defect::AudArrayFirst) && has_member(aud, base);
    };
    let port = |url: &url::Url| url.port_or_known_default();
    let path = |url: &url::Url| url.path().trim_end_matches('/').to_owned();
    let unadorned = asked.username().is_empty() && asked.query().is_none() && asked.fragment().is_none();
    let (scheme, host) = (asked.scheme() == known.scheme(), asked.host_str() == known.host_str());
    let (ports, paths) = (port(&asked) == port(&known), path(&asked) == path(&known));
    let ports_or_default = asked.port() == known.port();
    (defects.has(Defect::AudHostIgnored) && unadorned && scheme && ports && paths)
        || (defects.has(Defect::AudPortIgnored) && unadorned && scheme && host && paths)
        || (defects.has(Defect::AudSchemeIgnored) && unadorned && host && paths && (ports || ports_or_default))
        || (defects.has(Defect::AudPathPrefix) && aud.starts_with(base))
        || (defects.has(Defect::AudPathParent)
            && unadorned
            && scheme
            && host
            && ports
            && path(&known).starts_with(&path(&asked)))
        || (defects.has(Defect::AudPathCase)
            && unadorned
            && scheme
            && host
            && ports
            && path(&asked).eq_ignore_ascii_case(&path(&known)))
        || (defects.has(Defect::AudUserinfo)
            && scheme
            && host
            && ports
            && paths
            && asked.query().is_none()
            && asked.fragment().is_none())
        || (defects.has(Defect::AudQueryIgnored) && asked.username().is_empty() && scheme && host && ports && paths)
        || (defects.has(Defect::AudArrayFirst) && has_member(aud, base))
}

fn has_member(aud: &str, base: &str) -> bool {
    aud.split([',', ' ', '[', ']', '"', ';'])
        .any(|member| member.trim_end_matches('/') == base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_the_same_is_the_same() {
        let base = canonical("http://ehr.example/fhir");
        for same in [
            "http://ehr.example/fhir/",
            "HTTP://EHR.example/fhir",
            "http://ehr.example:80/fhir",
        ] {
            assert_eq!(canonical(same), base, "{same}");
        }
        for other in [
            "https://ehr.example/fhir",
            "http://ehr.example/FHIR",
            "http://ehr.example/fhir//",
            "http://ehr.example/x/../fhir",
            "http://ehr.example/fhir?x",
            "http://ehr.example/fhir#x",
            "http://user@ehr.example/fhir",
            "http://ehr.example:8080/fhir",
            "http:///ehr.example/fhir",
            "fhir",
        ] {
            assert_ne!(canonical(other), base, "{other}");
        }
    }
}
