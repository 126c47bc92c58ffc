//! What the pages of one walk ask of the user, and whether they hold what came in as markup.
//!
//! OpenID Connect Core §3.1.2.1 (`prompt`), RFC 6749 §10.14.

use std::sync::Arc;

use scraper::{Html, Selector};

use super::finding::Finding;
use crate::http::{Exchange, Response};

/// The attribute that the scenarios try to set.
const ATTRIBUTE: &str = "[onlaunchproof]";

/// A page asks for the password.
pub(super) fn password_asked(walk: &[Arc<Exchange>], run: &[Arc<Exchange>]) -> Finding {
    let asks = |exchange: &Arc<Exchange>| page(exchange).is_some_and(|html| finds(&html, "input[type=password i]"));
    if walk.is_empty() {
        return Finding::Unreached("no walk to the authorization endpoint was made".to_owned());
    }
    if walk.iter().any(asks) {
        return Finding::holds();
    }
    if !run.iter().any(asks) {
        return Finding::TooLittle("nobody was asked for a password in this run".to_owned());
    }
    Finding::broken(
        "a page that asks for the password",
        "none on the way to where the browser ended",
    )
}

/// No page has a form in which something can be typed, chosen or pressed; one that sends itself asks nothing.
pub(super) fn nothing_asked(walk: &[Arc<Exchange>]) -> Finding {
    const ASKS: &str = "form input:not([type=hidden i]), form button, form select, form textarea";
    let asking = walk
        .iter()
        .find(|exchange| page(exchange).is_some_and(|html| finds(&html, ASKS)));
    match asking {
        Some(exchange) => {
            let mut url = exchange.request.url.clone();
            url.set_query(None);
            Finding::broken(
                "an answer at once, without a page for the user",
                format!("a form at {url}"),
            )
        }
        None => Finding::holds(),
    }
}

/// No element has the attribute.
pub(super) fn no_markup(walk: &[Arc<Exchange>]) -> Finding {
    let mut pages = 0;
    for exchange in walk {
        let Some(html) = page(exchange) else { continue };
        pages += 1;
        if finds(&html, ATTRIBUTE) {
            let mut url = exchange.request.url.clone();
            url.set_query(None);
            return Finding::broken(
                "the value escaped, or not on the page at all",
                format!("an element made of it, on {url}"),
            );
        }
    }
    if pages == 0 {
        return Finding::TooLittle("no page was shown on this way".to_owned());
    }
    if walk.iter().any(was_not_seen) {
        return Finding::TooLittle("a page on this way was gone before it was recorded".to_owned());
    }
    Finding::Holds(Some(format!("{pages} pages judged")))
}

fn page(exchange: &Arc<Exchange>) -> Option<String> {
    let response: &Response = exchange.response()?;
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("html"));
    (html && !response.body.is_empty()).then(|| response.text().into_owned())
}

/// A page whose text is not there: a real browser had left it before anybody looked.
fn was_not_seen(exchange: &Arc<Exchange>) -> bool {
    exchange.response().is_some_and(|response| {
        let html = response
            .header("content-type")
            .is_some_and(|kind| kind.contains("html"));
        html && response.status == 200 && response.body.is_empty()
    })
}

fn finds(html: &str, css: &str) -> bool {
    // Parsing is dear, and most pages hold neither word.
    let lower = html.to_ascii_lowercase();
    let word = if css == ATTRIBUTE { "onlaunchproof" } else { "<form" };
    lower.contains(word)
        && Selector::parse(css).is_ok_and(|selector| Html::parse_document(html).select(&selector).next().is_some())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::CONTENT_TYPE;
    use url::Url;

    use super::*;
    use crate::http::Request;

    fn seen(body: &str) -> Vec<Arc<Exchange>> {
        let mut headers = http::HeaderMap::new();
        headers.insert(CONTENT_TYPE, "text/html".parse().unwrap());
        vec![Arc::new(Exchange {
            step: "authorize".into(),
            at: Duration::ZERO,
            request: Request::get(Url::parse("https://ehr.example/sign-in?x=1").unwrap()),
            outcome: Ok(Response {
                status: 200,
                headers,
                body: body.to_owned().into(),
                elapsed: Duration::ZERO,
            }),
        })]
    }

    /// Closes an attribute in either kind of quotes, and opens an element.
    const VALUE: &str = "x\" onlaunchproof=\"1\" ' onlaunchproof='1' <svg onlaunchproof=1>";

    #[test]
    fn markup_is_what_a_browser_takes_for_markup() {
        for open in [
            format!("<input value=\"{VALUE}\">"),
            format!("<input value='{VALUE}'>"),
            format!("<p>{VALUE}"),
            format!("<input value=\"{}\">", VALUE.replace('<', "&lt;")),
        ] {
            assert!(matches!(no_markup(&seen(&open)), Finding::Broken { .. }), "{open}");
        }
        let entities = VALUE.replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
        for safe in [
            format!("<input value=\"{entities}\">"),
            format!("<p>{}", VALUE.replace('<', "&lt;")),
            "<p>nothing of it".to_owned(),
        ] {
            assert!(matches!(no_markup(&seen(&safe)), Finding::Holds(_)), "{safe}");
        }
        assert!(matches!(no_markup(&[]), Finding::TooLittle(_)));
    }

    #[test]
    fn a_form_that_sends_itself_asks_nothing() {
        let itself = "<form method=post><input type=hidden name=code><noscript><button>Go</button></noscript></form>";
        assert!(matches!(nothing_asked(&seen(itself)), Finding::Holds(_)));
        let asks = "<form><input type=hidden name=a><button>Allow</button></form>";
        assert!(matches!(nothing_asked(&seen(asks)), Finding::Broken { .. }));
    }

    #[test]
    fn where_nobody_is_ever_asked_nothing_is_said() {
        let password = seen("<form><input type=password></form>");
        let none = seen("<form><button>Allow</button></form>");
        assert!(matches!(password_asked(&password, &password), Finding::Holds(_)));
        assert!(matches!(password_asked(&none, &password), Finding::Broken { .. }));
        assert!(matches!(password_asked(&none, &none), Finding::TooLittle(_)));
    }
}
