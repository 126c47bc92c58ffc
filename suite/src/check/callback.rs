//! What came back to the app in the browser: `state`, codes, errors, and the page where nothing came back.
//!
//! RFC 6749 §4.1.2 and §4.1.2.1.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::finding::Finding;
use super::json::{Alphabet, in_alphabet};
use crate::step::Context;
use crate::step::context::{Authorization, Outcome};
use crate::step::landing;
use crate::user_agent::Landing;
use crate::value::{Lookup, Template};

/// `state`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// `true`: only judged where the walk ended at a callback; a refusal on a page is then no finding.
    #[serde(default)]
    pub or_page: bool,
}

/// `callback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Parameter that it must hold exactly once.
    #[serde(default)]
    pub has: Option<String>,
    /// Parameter that it must not hold.
    #[serde(default)]
    pub lacks: Option<String>,
    /// Error codes of which `error` must be one.
    #[serde(default)]
    pub error: Vec<String>,
    /// `error`, `error_description` and `error_uri` hold only the characters of RFC 6749 §4.1.2.1.
    #[serde(default)]
    pub characters: bool,
    /// The address without its response parameters must be this.
    #[serde(default)]
    pub at: Option<Template>,
    /// A refusal on a page of the server satisfies as well.
    #[serde(default)]
    pub or_page: bool,
    /// Parameters of the fragment too must lack it: `true` judges `lacks` there as well.
    #[serde(default)]
    pub and_fragment: bool,
}

/// `page`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageArgs {
    /// Label of the authorize step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// `error`: the walk ended at a page of the server, not at any callback.
    #[serde(default)]
    pub is: PageKind,
    /// Texts that the page must not hold as they stand (unescaped).
    #[serde(default)]
    pub lacks: Vec<Template>,
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// An error page of the server: nothing was sent to a callback.
    #[default]
    Error,
    /// Any end at all, short of a 5xx, a cut connection or silence.
    Answered,
}

fn authorization<'c>(context: &'c Context<'_>, of: Option<&str>) -> Result<&'c Authorization, Finding> {
    let of = of.filter(|of| *of != "authorize");
    context
        .authorization(of)
        .ok_or_else(|| Finding::Unreached("no authorization request was reached".to_owned()))
}

/// Ends that say nothing about a callback or a page.
fn undecided(authorization: &Authorization) -> Option<Finding> {
    match &authorization.landing {
        Landing::Trouble { status, .. } if *status >= 500 => {
            Some(Finding::ServerError(landing::describe(authorization)))
        }
        Landing::Trouble { .. } | Landing::Stuck { .. } | Landing::Failed(_) => {
            Some(Finding::Undecided(landing::describe(authorization)))
        }
        Landing::Callback(_) | Landing::Foreign(_) | Landing::Refused { .. } => None,
    }
}

fn all<'a>(authorization: &'a Authorization, name: &str) -> Vec<&'a str> {
    let both = authorization.query.iter().chain(&authorization.fragment);
    both.filter(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .collect()
}

/// `state` exactly once, exactly as sent; none where none was sent.
pub fn state(context: &Context<'_>, args: &StateArgs) -> Finding {
    let authorization = match authorization(context, args.of.as_deref()) {
        Ok(authorization) => authorization,
        Err(finding) => return finding,
    };
    if let Some(finding) = undecided(authorization) {
        return finding;
    }
    if authorization.callback().is_none() {
        let words = landing::describe(authorization);
        return if args.or_page {
            Finding::Holds(Some(words))
        } else {
            Finding::broken("a redirect with state", words)
        };
    }
    let came = all(authorization, "state");
    match (&authorization.sent.state, came.as_slice()) {
        (Some(sent), [one]) if sent == one => Finding::holds(),
        (None, []) => Finding::holds(),
        (Some(sent), []) => Finding::broken(format!("state `{sent}`"), "no state in the redirect"),
        (Some(sent), [one]) => Finding::broken(format!("state `{sent}`"), format!("state `{one}`")),
        (Some(sent), many) => Finding::broken(
            format!("state `{sent}` once"),
            format!("state {} times: {}", many.len(), many.join("`, `")),
        ),
        (None, many) => Finding::broken(
            "no state, since none was sent",
            format!("state `{}`", many.join("`, `")),
        ),
    }
}

/// `callback`.
pub fn callback(context: &Context<'_>, args: &CallbackArgs) -> Finding {
    let authorization = match authorization(context, args.of.as_deref()) {
        Ok(authorization) => authorization,
        Err(finding) => return finding,
    };
    if let Some(finding) = undecided(authorization) {
        return finding;
    }
    let words = landing::describe(authorization);
    if let (Landing::Foreign(url), Some(_)) = (&authorization.landing, &args.at) {
        // An address of ours that stands for an attacker's; any other may be a page on the way.
        return if url.host_str().is_some_and(|host| host.ends_with("attacker.example")) {
            Finding::broken("the browser sent to no address that is not registered", words)
        } else {
            Finding::Undecided(words)
        };
    }
    let Some(url) = authorization.callback() else {
        return if args.or_page {
            Finding::Holds(Some(words))
        } else {
            Finding::broken("a redirect to the app", words)
        };
    };
    if let Some(name) = &args.has {
        let count = all(authorization, name).len();
        if count != 1 {
            return Finding::broken(format!("`{name}` exactly once"), format!("{count} times: {words}"));
        }
    }
    if let Some(name) = &args.lacks {
        let in_fragment = authorization.fragment.iter().any(|(key, _)| key == name);
        let in_query = authorization.query.iter().any(|(key, _)| key == name);
        if in_query || (in_fragment && args.and_fragment) {
            return Finding::broken(format!("no `{name}` in the redirect"), words);
        }
    }
    if !args.error.is_empty() {
        let error = authorization.parameter("error").unwrap_or_default();
        if !args.error.iter().any(|known| known == error) {
            return Finding::broken(format!("error {}", quoted(&args.error)), words);
        }
    }
    if args.characters
        && let Some(finding) = characters(authorization)
    {
        return finding;
    }
    match &args.at {
        Some(at) => address(context, args.of.as_deref(), url, at, &words),
        None => Finding::holds(),
    }
}

/// RFC 6749 §4.1.2.1: %x20-21, %x23-5B, %x5D-7E; of `error_uri` without the space.
fn characters(authorization: &Authorization) -> Option<Finding> {
    for name in ["error", "error_description", "error_uri"] {
        for value in all(authorization, name) {
            let sound = value.is_empty() || in_alphabet(Alphabet::ErrorText, value);
            if !sound || (name == "error_uri" && value.contains(' ')) {
                return Some(Finding::broken(
                    format!("`{name}` of %x20-21, %x23-5B, %x5D-7E (RFC 6749 §4.1.2.1)"),
                    format!("{name}: {value}"),
                ));
            }
        }
    }
    None
}

fn address(context: &Context<'_>, of: Option<&str>, url: &Url, at: &crate::value::Template, words: &str) -> Finding {
    let own = |name: &str| context.value(&format!("{}.{name}", of?));
    let wanted = match context.fill(at, &own) {
        Ok(wanted) => wanted,
        Err(halt) => return Finding::Unreached(format!("{halt:?}")),
    };
    let Ok(wanted_url) = Url::parse(&wanted) else {
        return Finding::Unreached(format!("`{wanted}` is not a URL"));
    };
    let came: Vec<_> = url.query_pairs().collect();
    let same = wanted_url.origin() == url.origin()
        && wanted_url.path() == url.path()
        && wanted_url.query_pairs().all(|pair| came.contains(&pair));
    Finding::when(same, format!("a redirect to {wanted}"), words)
}

/// `page`.
pub fn page(context: &Context<'_>, args: &PageArgs) -> Finding {
    let authorization = match authorization(context, args.of.as_deref()) {
        Ok(authorization) => authorization,
        Err(finding) => return finding,
    };
    if let Some(finding) = undecided(authorization) {
        return finding;
    }
    let words = landing::describe(authorization);
    if args.is == PageKind::Error && !matches!(authorization.landing, Landing::Refused { .. }) {
        return Finding::broken("an error page of the server, and nothing sent to any callback", words);
    }
    for text in &args.lacks {
        let Ok(text) = context.fill(text, &|_: &str| None) else {
            continue;
        };
        if bodies(context).iter().any(|body| body.contains(&text)) {
            return Finding::broken(
                format!("`{text}` escaped, or not on the page at all"),
                "on the page as it was sent",
            );
        }
    }
    Finding::holds()
}

/// HTML bodies of the last walk.
fn bodies(context: &Context<'_>) -> Vec<String> {
    let last = context
        .deeds
        .iter()
        .rev()
        .find(|deed| matches!(deed.outcome, Outcome::Authorized(_)));
    let ids = last.map(|deed| deed.exchanges.clone()).unwrap_or_default();
    ids.into_iter()
        .filter_map(|id| context.world.recorder.exchange(id))
        .filter_map(|exchange| {
            let response = exchange.response()?;
            let html = response.header("content-type").is_none_or(|kind| kind.contains("html"));
            html.then(|| response.text().into_owned())
        })
        .collect()
}

fn quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(" or ")
}
