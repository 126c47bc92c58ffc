//! The ways in which servers get the comparison of redirect addresses wrong, one defect each.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::authorize::pushed;
use crate::config::Client;
use crate::defect::Defect;
use crate::form::{Parameters, decode};
use crate::state::AppState;

/// The redirect_uri in a request object, whose signature nobody looks at.
pub(super) fn of_object(object: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(object.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.get("redirect_uri")?.as_str()?.to_owned())
}

/// Does an armed defect let this address through?
pub(super) fn accepts(state: &AppState, client: &Client, parameters: &Parameters, asked: &str) -> bool {
    let defects = state.defects();
    let any = |like: &dyn Fn(&str) -> bool| client.redirect_uris.iter().any(|known| like(known));
    let parts = Parts::of(asked);
    (defects.has(Defect::RedirectUriAny))
        || (pushed::is_pushed(parameters)
            && (defects.has(Defect::ParRedirectUriUnchecked) || defects.has(Defect::ParQueryWins)))
        || (defects.has(Defect::RedirectUriPrefixMatch) && any(&|known| asked.starts_with(known)))
        || (defects.has(Defect::RedirectUriOriginOnly)
            && any(&|known| {
                let known = Parts::of(known);
                (known.scheme, known.userinfo, known.host, known.port)
                    == (parts.scheme, parts.userinfo, parts.host, parts.port)
            }))
        || (defects.has(Defect::RedirectUriCaseInsensitive) && any(&|known| known.eq_ignore_ascii_case(asked)))
        || (defects.has(Defect::RedirectUriIgnoresQuery)
            && any(&|known| {
                Parts {
                    query: Parts::of(known).query,
                    ..parts
                } == Parts::of(known)
            }))
        || (defects.has(Defect::RedirectUriIgnoresFragment)
            && any(&|known| {
                Parts {
                    fragment: Parts::of(known).fragment,
                    ..parts
                } == Parts::of(known)
            }))
        || (defects.has(Defect::RedirectUriTrailingSlash)
            && any(&|known| known.trim_end_matches('/') == asked.trim_end_matches('/')))
        || (defects.has(Defect::RedirectUriDecodesPercent)
            && any(&|known| {
                String::from_utf8_lossy(&decode(asked.as_bytes())).trim_end_matches('/') == known.trim_end_matches('/')
            }))
        || (defects.has(Defect::RedirectUriNormalisesDots)
            && any(&|known| {
                let resolved = resolve_dots(asked);
                resolved != asked && (resolved == known || asked.starts_with(known))
            }))
        || (defects.has(Defect::RedirectUriSchemeIgnored)
            && any(&|known| {
                Parts {
                    scheme: Parts::of(known).scheme,
                    ..parts
                } == Parts::of(known)
            }))
        || (defects.has(Defect::RedirectUriPortIgnored)
            && any(&|known| {
                Parts {
                    port: Parts::of(known).port,
                    ..parts
                } == Parts::of(known)
            }))
        || (defects.has(Defect::RedirectUriUserinfo)
            && any(&|known| {
                Parts {
                    userinfo: Parts::of(known).userinfo,
                    ..parts
                } == Parts::of(known)
            }))
        || (defects.has(Defect::RedirectUriHostSuffix)
            && any(&|known| {
                let known = Parts::of(known);
                parts.host.starts_with(known.host)
                    && Parts {
                        host: known.host,
                        ..parts
                    } == known
            }))
        || (defects.has(Defect::RedirectUriSubdomain)
            && any(&|known| {
                let known = Parts::of(known);
                let is_below = parts
                    .host
                    .strip_suffix(known.host)
                    .is_some_and(|rest| rest.ends_with('.'));
                is_below
                    && Parts {
                        host: known.host,
                        ..parts
                    } == known
            }))
        || (defects.has(Defect::RedirectUriOtherClient)
            && state
                .config()
                .clients
                .iter()
                .any(|other| other.redirect_uris.iter().any(|known| known == asked)))
        || (defects.has(Defect::ResponseModeUnchecked)
            && parameters.filled("response_mode").is_some_and(|mode| mode != "query"))
}

/// An address in pieces, each as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts<'a> {
    scheme: &'a str,
    userinfo: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (text, fragment) = cut(text, '#');
        let (text, query) = cut(text, '?');
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let (userinfo, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (authority, ""),
        };
        Self {
            scheme,
            userinfo,
            host,
            port,
            path,
            query,
            fragment,
        }
    }
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn resolve_dots(text: &str) -> String {
    let lower = text.replace("%2e", ".").replace("%2E", ".");
    let (scheme, rest) = lower.split_once("://").unwrap_or(("", &lower));
    let mut kept: Vec<&str> = Vec::new();
    for segment in rest.split('/') {
        match segment {
            // The first piece is the authority, above which there is nothing.
            ".." if kept.len() > 1 => {
                kept.pop();
            }
            "." | ".." => {}
            _ => kept.push(segment),
        }
    }
    format!("{scheme}://{}", kept.join("/"))
}
