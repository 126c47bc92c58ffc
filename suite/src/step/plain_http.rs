//! Asks the token endpoint by plain http, where it is an https one; nothing that is a secret goes with it.
//!
//! RFC 6749 §3.2: <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>

use http::header::ACCEPT;
use url::Url;

use super::context::{Context, Halt};
use super::discover::facts;
use super::tls::{Probe, Probed};
use crate::http::{Exchange, Failure, Request};

/// What came by plain http.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainAnswer {
    /// The status.
    pub status: u16,
    /// `Location`, where there is one.
    pub location: Option<String>,
    /// `error` of a JSON body, where there is one.
    pub error: Option<String>,
}

/// Asks; what was found, and the id of the exchange.
pub(super) async fn ask(context: &Context<'_>) -> Result<(Probed, usize), Halt> {
    let world = context.world;
    let url = plain(
        facts(world).await.token_endpoint.as_deref(),
        world.transport.plays_tls(),
    )?;
    let hop = format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default()
    );
    // What no server grants: the answer tells only who read it.
    let form = vec![("grant_type".to_owned(), "urn:launchproof:plain-http".to_owned())];
    let mut request = Request::form(url, form);
    request.header(ACCEPT, "application/json");
    let at = world.recorder.elapsed();
    let outcome = world.transport.plain_http(&request, &world.limits).await;
    let found = outcome.as_ref().map_err(Failure::clone).map(|response| PlainAnswer {
        status: response.status,
        location: response.header("location").map(str::to_owned),
        error: response
            .json()
            .and_then(|json| json["error"].as_str().map(str::to_owned)),
    });
    let id = world.recorder.keep(Exchange {
        step: "tls (plain http)".to_owned(),
        at,
        request,
        outcome,
    });
    let found = Probe::Plain(found);
    Ok((Probed { hop, found }, id))
}

/// The same address by plain http: port 80 in place of 443, else the port that is named.
fn plain(endpoint: Option<&str>, plays: bool) -> Result<Url, Halt> {
    let endpoint = endpoint.ok_or_else(|| Halt::Skip("the token endpoint is not known".to_owned()))?;
    let mut url = Url::parse(endpoint).map_err(|_| Halt::Blocked(format!("`{endpoint}` is not an absolute URL")))?;
    match url.scheme() {
        "https" => {
            url.set_scheme("http")
                .map_err(|()| Halt::Error(format!("`{endpoint}` cannot be asked by plain http")))?;
            Ok(url)
        }
        _ if plays => Ok(url),
        _ => Err(Halt::Skip(
            "the token endpoint has no https; discovery/endpoints_https judges that".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_is_exchanged_and_a_named_one_kept() {
        let plain = |text| plain(Some(text), false).map(String::from);
        assert_eq!(plain("https://ehr.example/token").unwrap(), "http://ehr.example/token");
        assert_eq!(
            plain("https://ehr.example:8443/token").unwrap(),
            "http://ehr.example:8443/token"
        );
        assert!(plain("http://ehr.example/token").is_err());
    }
}
