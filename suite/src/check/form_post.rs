//! The answer of the authorization endpoint as a form that the browser posts to the app.
//!
//! OAuth 2.0 Form Post Response Mode §2:
//! <https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html#FormPostResponseMode>

use std::sync::Arc;

use schemars::JsonSchema;
use scraper::{ElementRef, Html, Selector};
use serde::Deserialize;
use url::Url;

use super::finding::Finding;
use crate::http::{Exchange, Response};
use crate::step::context::{Authorization, Context, Outcome};
use crate::step::landing;
use crate::user_agent::Landing;

/// `form_post`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormPostArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// What is judged.
    pub rule: FormPostRule,
    /// A refusal on a page of the server satisfies as well.
    #[serde(default)]
    pub or_page: bool,
}

/// A rule about the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormPostRule {
    /// It comes as a form with the method POST at the app's address, and nothing of it stands in that address.
    Delivered,
    /// The page with the form may not be stored.
    NotStored,
}

/// `form_post`.
pub fn form_post(context: &Context<'_>, args: &FormPostArgs) -> Finding {
    let Some(deed) = context
        .deeds
        .iter()
        .rev()
        .find(|deed| matches!(deed.outcome, Outcome::Authorized(_)) && deed.is(args.of.as_deref()))
    else {
        return Finding::Unreached("no authorization request was reached".to_owned());
    };
    let Outcome::Authorized(authorization) = &deed.outcome else {
        return Finding::Unreached("no authorization request was reached".to_owned());
    };
    let walk: Vec<Arc<Exchange>> = deed
        .exchanges
        .iter()
        .filter_map(|id| context.world.recorder.exchange(*id))
        .collect();
    match ended(authorization, args.or_page) {
        Ok(callback) => judge(args.rule, &authorization.sent.redirect_uri, callback, &walk),
        Err(finding) => finding,
    }
}

/// The callback where the walk ended; what is to be said where it ended elsewhere.
fn ended(authorization: &Authorization, or_page: bool) -> Result<&Url, Finding> {
    let words = || landing::describe(authorization);
    match &authorization.landing {
        Landing::Callback(url) => Ok(url),
        Landing::Trouble { status, .. } if *status >= 500 => Err(Finding::ServerError(words())),
        Landing::Trouble { .. } | Landing::Stuck { .. } | Landing::Failed(_) => Err(Finding::Undecided(words())),
        Landing::Refused { .. } if or_page => Err(Finding::Holds(Some(words()))),
        Landing::Foreign(_) | Landing::Refused { .. } => {
            Err(Finding::broken("a form that is posted to the app", words()))
        }
    }
}

fn judge(rule: FormPostRule, redirect_uri: &str, callback: &Url, walk: &[Arc<Exchange>]) -> Finding {
    let Some((exchange, response)) = walk.last().and_then(|exchange| Some((exchange, exchange.response()?))) else {
        return Finding::TooLittle("nothing was recorded of this walk".to_owned());
    };
    if matches!(response.status, 300..400) {
        return Finding::broken(
            "a page with a form that is posted to the app",
            format!("a redirect with status {} to the app", response.status),
        );
    }
    match rule {
        FormPostRule::NotStored => not_stored(response),
        FormPostRule::Delivered => delivered(redirect_uri, callback, &exchange.request.url, response),
    }
}

fn not_stored(response: &Response) -> Finding {
    let fields = response.headers.get_all("cache-control").iter();
    let said: Vec<String> = fields
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let has = said
        .iter()
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("no-store"));
    let observed = if said.is_empty() {
        "no Cache-Control".to_owned()
    } else {
        format!("Cache-Control: {}", said.join(", "))
    };
    Finding::when(
        has,
        "Cache-Control with `no-store` on the page that carries the answer",
        observed,
    )
}

fn delivered(redirect_uri: &str, callback: &Url, page: &Url, response: &Response) -> Finding {
    let html = Html::parse_document(&response.text());
    let Ok(forms) = Selector::parse("form") else {
        return Finding::Undecided("the page cannot be read".to_owned());
    };
    let Some(form) = html.select(&forms).find(|form| leads_to(*form, page, callback)) else {
        // Such as where the agent keeps no bodies.
        return Finding::TooLittle("the page that led to the app has no form in what was recorded of it".to_owned());
    };
    let method = form.attr("method").unwrap_or("get").trim().to_ascii_lowercase();
    if method != "post" {
        return Finding::broken("a form with the method POST", format!("the method {method}"));
    }
    let action = action(form, page);
    let stray = action.as_ref().and_then(|action| stray(action, redirect_uri));
    match stray {
        Some(name) => Finding::broken(
            "nothing of the answer in the address of the form",
            format!("`{name}` in its query or fragment"),
        ),
        None => Finding::holds(),
    }
}

fn action(form: ElementRef<'_>, page: &Url) -> Option<Url> {
    page.join(form.attr("action")?.trim()).ok()
}

/// Scheme, host, port and path are those of the callback.
fn leads_to(form: ElementRef<'_>, page: &Url, callback: &Url) -> bool {
    action(form, page).is_some_and(|action| {
        action.scheme() == callback.scheme()
            && action.host() == callback.host()
            && action.port_or_known_default() == callback.port_or_known_default()
            && action.path() == callback.path()
    })
}

/// A parameter of the answer that stands in the address, beyond what the app's own address has.
fn stray(action: &Url, redirect_uri: &str) -> Option<String> {
    let own = Url::parse(redirect_uri).ok();
    let fragment = action.fragment().unwrap_or_default();
    let both = action
        .query_pairs()
        .chain(url::form_urlencoded::parse(fragment.as_bytes()));
    let answers = ["code", "state", "error", "access_token", "id_token"];
    both.map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(name, _)| answers.contains(&name.as_str()))
        .find(|pair| {
            let known = |own: &Url| own.query_pairs().any(|(name, value)| name == pair.0 && value == pair.1);
            !own.as_ref().is_some_and(known)
        })
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::Request;

    const APP: &str = "https://app.example/cb?tenant=7";

    fn seen(status: u16, cache: Option<&str>, body: &str) -> Vec<Arc<Exchange>> {
        let mut headers = http::HeaderMap::new();
        if let Some(cache) = cache {
            headers.insert("cache-control", cache.parse().unwrap());
        }
        vec![Arc::new(Exchange {
            step: "authorize".into(),
            at: Duration::ZERO,
            request: Request::get(Url::parse("https://ehr.example/consent").unwrap()),
            outcome: Ok(Response {
                status,
                headers,
                body: body.to_owned().into(),
                elapsed: Duration::ZERO,
            }),
        })]
    }

    fn judged(rule: FormPostRule, walk: &[Arc<Exchange>]) -> Finding {
        judge(rule, APP, &Url::parse(&format!("{APP}&code=1")).unwrap(), walk)
    }

    fn is_broken(finding: &Finding) -> bool {
        matches!(finding, Finding::Broken { .. })
    }

    #[test]
    fn the_answer_is_posted_and_stands_in_no_address() {
        let delivered = |body: &str| judged(FormPostRule::Delivered, &seen(200, None, body));
        let right = "<form method=POST action='https://app.example/cb?tenant=7'><input name=code value=1></form>";
        assert_eq!(delivered(right), Finding::holds());
        for wrong in [
            right.replace("method=POST", ""),
            right.replace("method=POST", "method=get"),
            right.replace("tenant=7", "tenant=7&code=1"),
            right.replace("tenant=7", "tenant=7#code=1"),
        ] {
            assert!(is_broken(&delivered(&wrong)), "{wrong}");
        }
        assert!(matches!(delivered(""), Finding::TooLittle(_)));
        assert!(is_broken(&judged(FormPostRule::Delivered, &seen(303, None, ""))));
    }

    #[test]
    fn the_page_with_the_answer_is_not_kept() {
        let kept = |cache| judged(FormPostRule::NotStored, &seen(200, cache, ""));
        assert_eq!(kept(Some("private, No-Store")), Finding::holds());
        assert!(is_broken(&kept(Some("no-cache"))));
        assert!(is_broken(&kept(None)));
    }
}
