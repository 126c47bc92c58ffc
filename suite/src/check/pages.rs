//! What the pages and redirects between an authorization request and the app look like to a browser.
//!
//! RFC 6749 §10.13 (framing), RFC 9700 §4.2.4 (referrer) and §4.12 (307), RFC 6265 §8.3 and §4.1.2 (cookies).

use std::collections::HashSet;
use std::sync::Arc;

use schemars::JsonSchema;
use scraper::{Html, Selector};
use serde::Deserialize;
use url::Url;

use super::asked;
use super::finding::Finding;
use crate::http::{Exchange, Response};
use crate::step::Context;
use crate::step::context::Outcome;
use crate::target::profile::is_loopback;

/// `sign_in_pages`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInPagesArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: PageRule,
}

/// A rule about the pages on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageRule {
    /// No page with a form can be framed by any site.
    NotFramed,
    /// No page with a form may be stored.
    NotStored,
    /// A page with a form loads nothing from other sites, or says that they learn no addresses.
    NoThirdParties,
    /// A request that carried the password is not redirected with 307 or 308.
    PasswordNotRepeated,
    /// No form at all is redirected with 307 or 308.
    FormNotRepeated,
    /// Cookies are `HttpOnly`, and `Secure` where the page came by https.
    CookiesGuarded,
    /// The user was asked for the password, on this walk.
    PasswordAsked,
    /// Nothing was asked of the user, on this walk.
    NothingAsked,
    /// No page of this walk holds what came in as markup: no element has the attribute `onlaunchproof`.
    NoMarkup,
}

impl PageRule {
    /// Whether other walks say nothing of it.
    fn is_of_one_walk(self) -> bool {
        matches!(self, Self::PasswordAsked | Self::NothingAsked | Self::NoMarkup)
    }
}

/// `sign_in_pages`: judges the named walk; where it passed no page, since somebody was signed in, the run's other walks.
pub fn sign_in_pages(context: &Context<'_>, args: &SignInPagesArgs) -> Finding {
    let found = judge(context, args.rule, &of_walk(context, args.of.as_deref()));
    match found {
        // Without any page nothing was written on one.
        Finding::TooLittle(_) if args.rule == PageRule::NoMarkup && was_refused(context, args.of.as_deref()) => {
            Finding::Holds(Some(
                "no page was shown: the request was refused by a redirect".to_owned(),
            ))
        }
        Finding::TooLittle(_) if !args.rule.is_of_one_walk() => judge(context, args.rule, &of_run(context)),
        other => other,
    }
}

/// Whether the walk ended with an error at the app, and led there by redirects alone.
fn was_refused(context: &Context<'_>, of: Option<&str>) -> bool {
    let authorization = context.authorization(of);
    let at_the_app = authorization.is_some_and(|one| one.callback().is_some() && one.parameter("error").is_some());
    let redirects = |exchange: &Arc<Exchange>| {
        exchange
            .response()
            .is_some_and(|response| (300..400).contains(&response.status))
    };
    at_the_app && of_walk(context, of).iter().all(redirects)
}

fn of_walk(context: &Context<'_>, of: Option<&str>) -> Vec<Arc<Exchange>> {
    let deed = context
        .deeds
        .iter()
        .rev()
        .find(|deed| matches!(deed.outcome, Outcome::Authorized(_)) && deed.is(of));
    let ids = deed.map(|deed| deed.exchanges.as_slice()).unwrap_or_default();
    ids.iter()
        .filter_map(|id| context.world.recorder.exchange(*id))
        .collect()
}

fn of_run(context: &Context<'_>) -> Vec<Arc<Exchange>> {
    let mut all = context.world.recorder.all();
    all.retain(|exchange| exchange.step.starts_with("authorize"));
    all
}

fn judge(context: &Context<'_>, rule: PageRule, walk: &[Arc<Exchange>]) -> Finding {
    match rule {
        PageRule::NotFramed => each_page(
            walk,
            "X-Frame-Options or frame-ancestors, against framing",
            |_, response| frameable(response),
        ),
        PageRule::NotStored => each_page(walk, "Cache-Control with `no-store`", |_, response| {
            let values = joined(response, "cache-control");
            let stored = !words(&values).any(|word| word.eq_ignore_ascii_case("no-store"));
            stored.then(|| shown("Cache-Control", &values))
        }),
        PageRule::NoThirdParties => each_page(
            walk,
            "nothing from other sites, or a Referrer-Policy that keeps addresses from them",
            third_parties,
        ),
        PageRule::PasswordNotRepeated => not_repeated(walk, &passwords(context)),
        PageRule::FormNotRepeated => not_repeated(walk, &[]),
        PageRule::CookiesGuarded => cookies(walk),
        PageRule::PasswordAsked => asked::password_asked(walk, &of_run(context)),
        PageRule::NothingAsked => asked::nothing_asked(walk),
        PageRule::NoMarkup => asked::no_markup(walk),
    }
}

/// Judges each page with a form; `wrong` says what is wrong with one.
fn each_page(walk: &[Arc<Exchange>], expected: &str, wrong: impl Fn(&Url, &Response) -> Option<String>) -> Finding {
    let mut seen = HashSet::new();
    for exchange in walk {
        let Some(response) = exchange.response().filter(|response| has_form(response)) else {
            continue;
        };
        let mut url = exchange.request.url.clone();
        if let Some(observed) = wrong(&url, response) {
            url.set_query(None);
            return Finding::broken(
                format!("on each page of the sign-in: {expected}"),
                format!("{observed} on {url}"),
            );
        }
        seen.insert(url.path().to_owned());
    }
    if seen.is_empty() {
        return Finding::TooLittle("no page with a form was seen on the way to the app in this run".to_owned());
    }
    let mut paths: Vec<String> = seen.into_iter().collect();
    paths.sort();
    Finding::Holds(Some(format!("{} judged: {}", paths.len(), paths.join(", "))))
}

fn has_form(response: &Response) -> bool {
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("html"));
    html && response.status < 500 && response.text().to_ascii_lowercase().contains("<form")
}

fn joined(response: &Response, name: &str) -> Vec<String> {
    let values = response.headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

fn words(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(|value| value.split(',')).map(str::trim)
}

fn shown(name: &str, values: &[String]) -> String {
    if values.is_empty() {
        format!("no {name}")
    } else {
        format!("{name}: {}", values.join(", "))
    }
}

/// What lets any site frame this page. CSP3 §6.4.2: frame-ancestors goes before X-Frame-Options.
fn frameable(response: &Response) -> Option<String> {
    let policies = joined(response, "content-security-policy");
    let ancestors: Vec<&str> = words(&policies)
        .flat_map(|policy| policy.split(';'))
        .filter_map(|directive| {
            let (name, sources) = directive
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((directive.trim(), ""));
            name.eq_ignore_ascii_case("frame-ancestors").then_some(sources.trim())
        })
        .collect();
    if !ancestors.is_empty() {
        let open = |sources: &&str| {
            sources
                .split_whitespace()
                .any(|source| matches!(source, "*" | "https:" | "http:"))
        };
        return ancestors
            .iter()
            .all(open)
            .then(|| format!("frame-ancestors {}", ancestors.join(", ")));
    }
    let options = joined(response, "x-frame-options");
    let mut guarded = words(&options).filter(|word| !word.is_empty()).peekable();
    let is_guard = |word: &str| word.eq_ignore_ascii_case("deny") || word.eq_ignore_ascii_case("sameorigin");
    let safe = guarded.peek().is_some() && guarded.all(is_guard);
    (!safe).then(|| format!("{} and no frame-ancestors", shown("X-Frame-Options", &options)))
}

/// What the page loads from other sites, where they learn its address.
fn third_parties(url: &Url, response: &Response) -> Option<String> {
    let policies = joined(response, "referrer-policy");
    let last = words(&policies)
        .filter(|word| !word.is_empty())
        .last()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !matches!(last.as_str(), "" | "unsafe-url" | "no-referrer-when-downgrade") {
        return None;
    }
    let html = Html::parse_document(&response.text());
    if last.is_empty() && meta_policy(&html) {
        return None;
    }
    let site = site_of(url);
    let loaded = Selector::parse("script[src], img[src], iframe[src], link[rel~=stylesheet][href]").ok()?;
    let foreign = html.select(&loaded).find_map(|element| {
        let address = element.attr("src").or_else(|| element.attr("href"))?;
        let address = url
            .join(address.trim())
            .ok()
            .filter(|address| address.scheme().starts_with("http"))?;
        (site_of(&address) != site).then(|| address.host_str().unwrap_or_default().to_owned())
    })?;
    Some(format!(
        "a resource of {foreign}, with {}",
        shown("Referrer-Policy", &policies)
    ))
}

fn meta_policy(html: &Html) -> bool {
    Selector::parse("meta[name=referrer]").is_ok_and(|meta| html.select(&meta).next().is_some())
}

/// The last two labels of the host: a vendor's own addresses beside the server are no third parties.
fn site_of(url: &Url) -> String {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let labels: Vec<&str> = name.rsplit('.').take(2).collect();
            labels.join(".")
        }
        other => other.map(|host| host.to_string()).unwrap_or_default(),
    }
}

fn passwords(context: &Context<'_>) -> Vec<String> {
    let users = context.world.profile.users.values();
    let passwords = users
        .filter_map(|user| user.password.as_ref())
        .map(crate::http::Secret::expose);
    passwords
        .flat_map(|password| {
            let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
            [password.to_owned(), encoded]
        })
        .filter(|password| !password.is_empty())
        .collect()
}

/// Of the POSTs (those that carry one of these, where there are any), none is answered with 307 or 308.
fn not_repeated(walk: &[Arc<Exchange>], secrets: &[String]) -> Finding {
    let mut judged = 0;
    for exchange in walk
        .iter()
        .filter(|exchange| exchange.request.method == http::Method::POST)
    {
        let Some(response) = exchange.response() else { continue };
        let body = exchange.request.wire_body().map(|(_, bytes)| bytes).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let carries = |secret: &String| {
            body.split('&')
                .any(|pair| pair.split_once('=').is_some_and(|(_, value)| value == secret))
        };
        let multipart = |secret: &String| body.lines().any(|line| line == secret);
        if !secrets.is_empty() && !secrets.iter().any(|secret| carries(secret) || multipart(secret)) {
            continue;
        }
        judged += 1;
        if matches!(response.status, 307 | 308) {
            let to = response
                .header("location")
                .and_then(|to| exchange.request.url.join(to).ok());
            let to = to.map_or_else(|| "nowhere".to_owned(), |url| url.origin().ascii_serialization());
            return Finding::broken(
                "303 (or 302), by which the browser goes on without the form",
                format!(
                    "status {} to {to}, by which it sends the form once more",
                    response.status
                ),
            );
        }
    }
    if judged == 0 {
        let what = if secrets.is_empty() { "form" } else { "password" };
        return Finding::TooLittle(format!("no {what} was seen on its way to the server in this run"));
    }
    Finding::holds()
}

fn cookies(walk: &[Arc<Exchange>]) -> Finding {
    let mut count = 0;
    for exchange in walk {
        let Some(response) = exchange.response() else { continue };
        for cookie in joined(response, "set-cookie") {
            let mut parts = cookie.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
            let flags: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
            let ends = value.is_empty() || flags.iter().any(|flag| flag == "max-age=0");
            if ends {
                continue;
            }
            count += 1;
            let url = &exchange.request.url;
            let by_tls = url.scheme() == "https" && !is_loopback(url);
            for (flag, duty) in [("httponly", true), ("secure", by_tls)] {
                if duty && !flags.iter().any(|one| one == flag) {
                    return Finding::broken(
                        "cookies of the sign-in that are HttpOnly, and Secure where they come by https",
                        format!("the cookie `{name}` without {flag}"),
                    );
                }
            }
        }
    }
    if count == 0 {
        return Finding::TooLittle("no cookie was set on the way to the app in this run".to_owned());
    }
    Finding::holds()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::Request;

    fn exchange(request: Request, status: u16, headers: &[(&'static str, &str)], body: &str) -> Arc<Exchange> {
        let mut fields = http::HeaderMap::new();
        for (name, value) in headers {
            fields.append(*name, value.parse().unwrap());
        }
        Arc::new(Exchange {
            step: "authorize".into(),
            at: Duration::ZERO,
            request,
            outcome: Ok(Response {
                status,
                headers: fields,
                body: body.to_owned().into(),
                elapsed: Duration::ZERO,
            }),
        })
    }

    fn page(headers: &[(&'static str, &str)], body: &str) -> Response {
        let mut all = vec![("content-type", "text/html")];
        all.extend(headers);
        let url = Url::parse("https://login.ehr.example/sign-in?state=1").unwrap();
        exchange(Request::get(url), 200, &all, body).response().unwrap().clone()
    }

    #[test]
    fn framing_is_judged_by_the_newer_header_first() {
        for safe in [
            &[("x-frame-options", "DENY")][..],
            &[("x-frame-options", "sameorigin")],
            &[("content-security-policy", "default-src 'self'; frame-ancestors 'none'")],
            &[("content-security-policy", "frame-ancestors https://ehr.example")],
            &[("content-security-policy", "frame-ancestors")],
        ] {
            assert_eq!(frameable(&page(safe, "")), None, "{safe:?}");
        }
        for open in [
            &[][..],
            &[("x-frame-options", "ALLOWALL")],
            &[("x-frame-options", "ALLOW-FROM https://a.example")],
            &[
                ("x-frame-options", "DENY"),
                ("content-security-policy", "frame-ancestors *"),
            ],
            &[("content-security-policy", "default-src 'self'")],
        ] {
            assert!(frameable(&page(open, "")).is_some(), "{open:?}");
        }
    }

    #[test]
    fn a_third_party_is_one_that_learns_the_address() {
        let url = Url::parse("https://login.ehr.example/sign-in").unwrap();
        let foreign = "<img src=\"https://stats.example/p.gif\">";
        assert!(third_parties(&url, &page(&[], foreign)).is_some());
        assert!(third_parties(&url, &page(&[("referrer-policy", "unsafe-url")], foreign)).is_some());
        assert_eq!(
            third_parties(&url, &page(&[("referrer-policy", "origin")], foreign)),
            None
        );
        assert_eq!(
            third_parties(&url, &page(&[], "<script src=\"https://cdn.ehr.example/a.js\">")),
            None
        );
        assert_eq!(
            third_parties(
                &url,
                &page(&[], "<img src=\"/logo.png\"><a href=\"https://x.example\">")
            ),
            None
        );
    }

    #[test]
    fn a_307_counts_after_a_password() {
        let url = Url::parse("https://ehr.example/sign-in").unwrap();
        let form = |value: &str| Request::form(url.clone(), vec![("password".into(), value.into())]);
        let secrets = ["s3cret".to_owned()];
        let judge = |status, value: &str| not_repeated(&[exchange(form(value), status, &[], "")], &secrets);
        assert!(matches!(judge(307, "s3cret"), Finding::Broken { .. }));
        assert!(matches!(judge(303, "s3cret"), Finding::Holds(_)));
        assert!(matches!(judge(307, "other"), Finding::TooLittle(_)));
    }

    #[test]
    fn cookies_are_secure_only_by_https() {
        let cookie = |url: &str, flags: &'static str| {
            let request = Request::get(Url::parse(url).unwrap());
            cookies(&[exchange(request, 200, &[("set-cookie", flags)], "")])
        };
        assert!(matches!(
            cookie("http://127.0.0.1/", "a=b; HttpOnly"),
            Finding::Holds(_)
        ));
        assert!(matches!(
            cookie("https://ehr.example/", "a=b; HttpOnly"),
            Finding::Broken { .. }
        ));
        assert!(matches!(
            cookie("https://ehr.example/", "a=b; HttpOnly; Secure"),
            Finding::Holds(_)
        ));
        assert!(matches!(
            cookie("https://ehr.example/", "a=; Max-Age=0"),
            Finding::TooLittle(_)
        ));
    }
}
