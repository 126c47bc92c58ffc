//! A form that was made for another browser: what stands in it is sent with one's own cookies.
//!
//! RFC 6749 §10.12: a form belongs to the session for which its page was made.

use url::Url;

use super::tamper::{self, Change};
use super::{Landing, Persona, Visit};
use crate::http::Request;

/// Put behind `state`, so that it is seen whose request was answered.
const OWN: &str = "-own";

/// The form of the other browser, as that browser would have sent it.
pub(super) struct Foreign {
    request: Request,
    /// What the other user typed, and what this one types instead.
    typed: Vec<(String, String)>,
}

impl Foreign {
    pub(super) fn new(request: Request, typed: Vec<(String, String)>) -> Self {
        Self { request, typed }
    }

    /// Everything that its page held, and what this user types.
    pub(super) fn in_place_of(&self, own: &Request) -> Result<Request, String> {
        tamper::no_multipart(own)?;
        tamper::no_multipart(&self.request)?;
        let mut pairs = tamper::pairs(&self.request);
        for (_, value) in &mut pairs {
            if let Some((_, mine)) = self.typed.iter().find(|(theirs, _)| theirs == value) {
                mine.clone_into(value);
            }
        }
        let same = pairs == tamper::pairs(own) && self.request.url.path() == own.url.path();
        if same && (self.request.url.query() == own.url.query() || own.method == http::Method::GET) {
            return Err("the form holds nothing that another browser's would not hold as well".to_owned());
        }
        Ok(tamper::with_pairs(&self.request, pairs))
    }
}

/// The visit of the other browser, where the form of one is wanted.
pub(super) fn others(visit: &Visit) -> Option<Visit> {
    let Change::OtherBrowser(user) = &visit.tamper.as_ref()?.change else {
        return None;
    };
    Some(Visit {
        persona: Persona {
            user: user.clone(),
            ..visit.persona.clone()
        },
        ..visit.clone()
    })
}

/// The same visit with a state of its own.
pub(super) fn own(visit: &Visit) -> Visit {
    let mut own = visit.clone();
    let pairs: Vec<(String, String)> = visit.start.url.query_pairs().into_owned().collect();
    own.start
        .url
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(name, value)| {
            let mark = if name == "state" { OWN } else { "" };
            (name, format!("{value}{mark}"))
        }));
    own
}

/// Whether the server passed over what the form said, and finished what this browser itself had begun.
pub(super) fn finished_own(landing: &Landing) -> bool {
    let Landing::Callback(url) = landing else { return false };
    has(url, "code", |_| true) && has(url, "state", |state| state.ends_with(OWN))
}

fn has(url: &Url, name: &str, fits: impl Fn(&str) -> bool) -> bool {
    url.query_pairs().any(|(key, value)| key == name && fits(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(url: &str, pairs: &[(&str, &str)]) -> Request {
        let pairs = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Request::form(Url::parse(url).unwrap(), pairs)
    }

    #[test]
    fn what_the_page_held_is_theirs_and_what_is_typed_is_ones_own() {
        let at = "https://ehr.example/sign-in";
        let theirs = form(at, &[("csrf", "t1"), ("user", "eve"), ("pass", "e")]);
        let own = form(at, &[("csrf", "o1"), ("user", "demo"), ("pass", "d")]);
        let typed = vec![("eve".to_owned(), "demo".to_owned()), ("e".to_owned(), "d".to_owned())];
        let sent = Foreign::new(theirs, typed).in_place_of(&own).unwrap();
        let values: Vec<String> = tamper::pairs(&sent).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["t1", "demo", "d"]);
    }

    #[test]
    fn a_form_that_is_the_same_for_everybody_is_no_probe() {
        let at = "https://ehr.example/sign-in";
        let theirs = Foreign::new(form(at, &[("user", "demo")]), Vec::new());
        assert!(theirs.in_place_of(&form(at, &[("user", "demo")])).is_err());
        let other = "https://ehr.example/sign-in?flow=2";
        assert!(theirs.in_place_of(&form(other, &[("user", "demo")])).is_ok());
    }

    #[test]
    fn the_state_says_whose_request_was_answered() {
        let at = |text: &str| Landing::Callback(Url::parse(text).unwrap());
        assert!(finished_own(&at("https://app.example/cb?code=1&state=s-own")));
        assert!(!finished_own(&at("https://app.example/cb?code=1&state=s")));
        assert!(!finished_own(&at("https://app.example/cb?error=x&state=s-own")));
    }
}
