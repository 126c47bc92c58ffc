//! `tls`: asks the host of each https endpoint, once, for a version of TLS or for weak ciphers, or looks at its
//! certificate.
//!
//! RFC 9325 (BCP 195) §3.1.1 and §4.1.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::context::{Context, Deed, Halt, Outcome};
use super::discover::facts;
use super::plain_http::PlainAnswer;
use super::world::Facts;
use crate::http::{Failure, TlsAnswer, TlsOffer, TlsProbe, TlsProbed, TlsVersion, WeakSuites};
use crate::value::Template;

/// `tls`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// The one version that is offered: `ssl3.0`, `1.0` or `1.1`; `1.3` offers 1.2 as well. Without it the certificate is
    /// looked at.
    #[serde(default)]
    pub offers: Option<Template>,
    /// The cipher suites that are offered, by TLS 1.2 at most: `null`, `export`, `rc4`, `anonymous` or `triple_des`.
    #[serde(default)]
    pub suites: Option<Template>,
    /// The token endpoint is asked by plain http instead.
    #[serde(default)]
    pub plain_http: bool,
}

/// What one host said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Which hop was asked: host and port, and through which proxy.
    pub hop: String,
    /// What came of it.
    pub found: Probe,
}

/// What came of asking a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A version was offered, after the host had accepted TLS 1.2 or 1.3 from the same hand.
    Version {
        /// The offered one.
        offered: TlsVersion,
        /// The answer to the offer of TLS 1.2 and 1.3.
        control: Result<TlsAnswer, Failure>,
        /// The answer.
        answer: Result<TlsAnswer, Failure>,
    },
    /// Weak cipher suites were offered, after the host had accepted TLS 1.2 or 1.3 from the same hand.
    Suites {
        /// The offered ones.
        offered: WeakSuites,
        /// The answer to the offer of TLS 1.2 and 1.3 with good ones.
        control: Result<TlsAnswer, Failure>,
        /// The answer, and which suite it chose.
        answer: Result<(TlsAnswer, Option<u16>), Failure>,
    },
    /// The ordinary client connected.
    Certificate(Result<(), Failure>),
    /// The token endpoint was asked by plain http.
    Plain(Result<PlainAnswer, Failure>),
}

/// Asks each host.
pub async fn tls(context: &Context<'_>, args: &TlsArgs) -> Result<Deed, Halt> {
    let world = context.world;
    if args.plain_http {
        let (probed, exchange) = super::plain_http::ask(context).await?;
        return Ok(deed(args, vec![probed], vec![exchange]));
    }
    let hosts = hosts(context, facts(world).await)?;
    let offer = offer(context, args)?;
    let mut probed = Vec::new();
    for url in hosts {
        probed.push(match offer {
            Some(offer) => asked(context, &url, offer).await,
            None => Probed {
                hop: hop_of(&url),
                found: Probe::Certificate(world.transport.certificate(&url, &world.limits).await),
            },
        });
    }
    Ok(deed(args, probed, Vec::new()))
}

fn hop_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

/// The offer, after one that every host should accept.
async fn asked(context: &Context<'_>, url: &Url, offer: TlsOffer) -> Probed {
    let world = context.world;
    let ask = async |offer| {
        let probe = TlsProbe {
            url: url.clone(),
            offer,
            random: world.chance.bytes::<64>(),
        };
        world.transport.tls_probe(&probe, &world.limits).await
    };
    let usual = TlsOffer::Version(TlsVersion::Tls1_3);
    let control = ask(usual).await;
    let answer = if offer == usual {
        control.clone()
    } else {
        ask(offer).await
    };
    let hop = control
        .as_ref()
        .map_or_else(|_| hop_of(url), |probed| probed.hop.clone());
    let control = control.map(|probed| probed.answer);
    let found = match offer {
        TlsOffer::Version(offered) => Probe::Version {
            offered,
            control,
            answer: answer.map(|probed| probed.answer),
        },
        TlsOffer::Suites(offered) => Probe::Suites {
            offered,
            control,
            answer: answer.map(|TlsProbed { answer, suite, .. }| (answer, suite)),
        },
    };
    Probed { hop, found }
}

/// What the scenario offers; nothing where it looks at certificates.
fn offer(context: &Context<'_>, args: &TlsArgs) -> Result<Option<TlsOffer>, Halt> {
    let none = |_: &str| None;
    Ok(match (&args.offers, &args.suites) {
        (Some(_), Some(_)) => return Err(Halt::Scenario("`offers` and `suites` exclude each other".to_owned())),
        (Some(offers), None) => Some(TlsOffer::Version(version(&context.fill(offers, &none)?)?)),
        (None, Some(suites)) => {
            let word = context.fill(suites, &none)?;
            let weak = WeakSuites::named(&word).ok_or_else(|| {
                Halt::Scenario(format!(
                    "`{word}` names no cipher suites: null, export, rc4, anonymous or triple_des"
                ))
            })?;
            Some(TlsOffer::Suites(weak))
        }
        (None, None) => None,
    })
}

fn deed(args: &TlsArgs, probed: Vec<Probed>, exchanges: Vec<usize>) -> Deed {
    Deed {
        label: args.label.clone(),
        verb: "tls",
        client: String::new(),
        correct: false,
        outcome: Outcome::Probed(probed),
        exchanges,
    }
}

fn version(text: &str) -> Result<TlsVersion, Halt> {
    Ok(match text {
        "ssl3.0" => TlsVersion::Ssl3_0,
        "1.0" => TlsVersion::Tls1_0,
        "1.1" => TlsVersion::Tls1_1,
        "1.3" => TlsVersion::Tls1_3,
        other => {
            return Err(Halt::Scenario(format!(
                "`{other}` is no version that can be offered: ssl3.0, 1.0, 1.1, or 1.3 with 1.2"
            )));
        }
    })
}

/// One URL for each host and port with https among the endpoints.
fn hosts(context: &Context<'_>, facts: &Facts) -> Result<Vec<Url>, Halt> {
    let base = Some(context.world.profile.fhir_base.as_str());
    let authorize = facts.authorization_endpoint.as_ref().map(Url::as_str);
    let listed = [
        base,
        authorize,
        facts.token_endpoint.as_deref(),
        facts.introspection_endpoint.as_deref(),
        facts.revocation_endpoint.as_deref(),
        facts.jwks_uri.as_deref(),
        facts.issuer.as_deref(),
    ];
    let plays = context.world.transport.plays_tls();
    let mut hosts: Vec<Url> = Vec::new();
    for url in listed.into_iter().flatten().filter_map(|text| Url::parse(text).ok()) {
        let new = hosts.iter().all(|known| known.origin() != url.origin());
        if new && (url.scheme() == "https" || plays) {
            hosts.push(url);
        }
    }
    if hosts.is_empty() {
        let why = if context.world.profile.is_loopback() {
            "loopback: https is no duty there, and no endpoint has it"
        } else {
            "no endpoint has https; discovery/endpoints_https judges that"
        };
        return Err(Halt::Skip(why.to_owned()));
    }
    Ok(hosts)
}
