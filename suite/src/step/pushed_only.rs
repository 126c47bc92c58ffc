//! Servers that take pushed requests only: each authorization request is pushed first, and the browser brings its reference.
//!
//! RFC 9126 §4 and §5: <https://www.rfc-editor.org/rfc/rfc9126#section-5>

use http::header::{ACCEPT, CONTENT_TYPE};
use url::Url;

use super::arguments::{AssertionArgs, AuthArgs};
use super::client_auth::authenticate;
use super::context::{Answer, Context, Halt, Outcome};
use super::discover::answered;
use super::push;
use super::world::{Facts, World};
use crate::http::{Request, RequestBody};
use crate::target::Client;
use crate::user_agent::Landing;

/// RFC 9126 §5 and §6: the same name in the server's metadata and in a client's.
const REQUIRED: &str = "require_pushed_authorization_requests";

/// Whether the server says, or the profile of this client, that requests which were not pushed are refused.
pub fn is_required(facts: &Facts, client: Option<&Client>) -> bool {
    let told = [&facts.smart, &facts.openid, &facts.oauth];
    client.is_some_and(|client| client.pushed_only)
        || told.into_iter().flatten().any(|document| document[REQUIRED] == true)
}

/// What came of pushing a request.
pub(super) enum Pushed {
    /// The reference, and the id of the exchange.
    Reference(String, usize),
    /// The launch ends here, without a browser: a refusal at the push is one of the authorization request.
    Ended(Landing, usize),
}

/// Pushes parameters as they are encoded, with the client's own authentication and nothing wrong in that.
pub(super) async fn push(
    context: &Context<'_>,
    client: &Client,
    label: Option<&str>,
    mut encoded: String,
    query: Option<&str>,
) -> Result<Pushed, Halt> {
    let world = context.world;
    let mut url = push::address(context).await.map_err(|halt| match halt {
        Halt::Skip(why) => Halt::Blocked(format!("requests have to be pushed, and {why}")),
        other => other,
    })?;
    if let Some(query) = query {
        url.set_query(Some(query));
    }
    let authentication = authenticate(
        context,
        client,
        &AuthArgs::default(),
        &AssertionArgs::default(),
        &|_: &str| None,
    )?;
    // `client_id` is a parameter of the authorization request already, or its fault.
    let own = authentication.body.iter().filter(|(name, _)| name != "client_id");
    let more = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(own)
        .finish();
    if !more.is_empty() {
        encoded = format!("{encoded}&{more}");
    }
    let mut request = form(url, encoded);
    authentication.sign(&mut request);
    request.header(ACCEPT, "application/json");
    sent(world, client, label, request, authentication.assertion).await
}

fn form(url: Url, encoded: String) -> Request {
    let content_type = "application/x-www-form-urlencoded".to_owned();
    let mut request = Request::get(url);
    request.method = http::Method::POST;
    request.headers.retain(|(name, _)| name != CONTENT_TYPE);
    request.body = RequestBody::Raw {
        content_type,
        bytes: encoded.into(),
    };
    request
}

async fn sent(
    world: &World,
    client: &Client,
    label: Option<&str>,
    request: Request,
    assertion: Option<String>,
) -> Result<Pushed, Halt> {
    let label = label.map(str::to_owned);
    let deed = answered(world, "push", label, client.name.clone(), true, request, assertion).await;
    let id = deed.exchanges.first().copied().unwrap_or_default();
    let Outcome::Answered(answer) = deed.outcome else {
        return Err(Halt::Error("a push has an answer".to_owned()));
    };
    Ok(match landing(&answer) {
        Ok(reference) => Pushed::Reference(reference, id),
        Err(landing) => Pushed::Ended(landing, id),
    })
}

/// The reference, or what the answer to a push means for the launch.
fn landing(answer: &Answer) -> Result<String, Landing> {
    let response = answer.outcome().map_err(|failure| Landing::Failed(failure.clone()))?;
    let status = response.status;
    let error = answer.text("error");
    let text = match (error, answer.text("error_description")) {
        (Some(error), Some(why)) => format!("at the push, error `{error}`: {why}"),
        (Some(error), None) => format!("at the push, error `{error}`"),
        (None, _) => "at the push, without an OAuth error".to_owned(),
    };
    match (status, answer.text("request_uri")) {
        (200..=299, Some(reference)) => Ok(reference.to_owned()),
        (200..=299, None) => Err(Landing::Stuck {
            reason: format!("the push was answered with status {status}, and without request_uri"),
            screenshot: None,
        }),
        // A 403 without an OAuth error may come from something before the server.
        (403, _) if error.is_none() => Err(Landing::Trouble { status, text }),
        (400..=499, _) if !matches!(status, 408 | 429) => Err(Landing::Refused {
            status,
            text,
            inferred: false,
        }),
        _ => Err(Landing::Trouble { status, text }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::http::{Exchange, Failure, Response};

    fn answered(status: u16, body: &str) -> Result<String, Landing> {
        let outcome: Result<Response, Failure> = Ok(Response {
            status,
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
            elapsed: Duration::ZERO,
        });
        let request = Request::get(Url::parse("https://ehr.example/par").unwrap());
        landing(&Answer {
            exchange: Arc::new(Exchange {
                step: "push".to_owned(),
                at: Duration::ZERO,
                request,
                outcome,
            }),
            json: serde_json::from_str(body).ok(),
            assertion: None,
            spent: None,
            aim: None,
            pushed: None,
        })
    }

    #[test]
    fn each_document_may_say_that_requests_have_to_be_pushed() {
        let document = || Some(serde_json::json!({ REQUIRED: true }));
        let none = Facts::default;
        assert!(!is_required(&none(), None));
        let smart = Facts {
            smart: document(),
            ..none()
        };
        let openid = Facts {
            openid: document(),
            ..none()
        };
        let oauth = Facts {
            oauth: document(),
            ..none()
        };
        assert!([smart, openid, oauth].iter().all(|facts| is_required(facts, None)));
    }

    #[test]
    fn a_refusal_at_the_push_is_one_of_the_request() {
        assert_eq!(answered(201, r#"{"request_uri":"urn:x"}"#).unwrap(), "urn:x");
        let refused = answered(400, r#"{"error":"invalid_scope"}"#);
        assert!(matches!(
            refused,
            Err(Landing::Refused {
                status: 400,
                inferred: false,
                ..
            })
        ));
        assert!(matches!(answered(201, "{}"), Err(Landing::Stuck { .. })));
        assert!(matches!(answered(429, "{}"), Err(Landing::Trouble { status: 429, .. })));
        assert!(matches!(
            answered(403, "<html>"),
            Err(Landing::Trouble { status: 403, .. })
        ));
        assert!(matches!(answered(500, "{}"), Err(Landing::Trouble { status: 500, .. })));
    }
}
