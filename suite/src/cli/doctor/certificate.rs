//! What is right and wrong about the certificates that a host sends, and about our own.
//!
//! RFC 5280 §4.1, RFC 6125 §6.4, RFC 8446 §4.4.2.

use std::net::IpAddr;

use jiff::Timestamp;
use url::Url;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

use super::finding::{Finding, Health};
use crate::http::certificate_chain::presented;
use crate::http::{Failure, Secret};
use crate::step::World;

/// From so many days on an end that is near is told.
const SOON: i64 = 30;

/// The certificates of one https host: the doctor's reading of them, and the ordinary client's word on them.
pub(super) async fn examine(world: &World, url: &Url) -> Vec<Finding> {
    let network = &world.profile.network;
    let hop = url.host_str().unwrap_or_default().to_owned();
    let sent = match presented(network, url, world.limits.request).await {
        Ok(sent) => sent,
        Err(failure) => {
            return vec![Finding::fail(
                "tls",
                format!("{hop}: {failure}"),
                "is this an https port, and does whatever ends TLS there speak TLS 1.2 or 1.3?",
            )];
        }
    };
    let mut findings = of_chain(&hop, &sent.chain, world.now());
    if network.insecure {
        findings = findings.into_iter().map(Finding::excused).collect();
        findings.push(Finding::warn(
            "tls",
            "certificates are not checked (--insecure), which marks the report",
            "name the authority in the profile instead: [network] ca_file = \"authorities.pem\"",
        ));
    } else {
        let verdict = world.transport.certificate(url, &world.limits).await;
        if let (Err(failure), true) = (&verdict, sent.asks_for_certificate)
            && refuses_us(failure)
        {
            findings.push(Finding::fail(
                "tls",
                format!("{hop} asks for a client certificate and ended the connection: {failure}"),
                "add to the profile one that it takes: [network] client_cert = { file = \"client.pem\" }, one PEM text \
                 with certificate and private key (PKCS#8)",
            ));
            return findings;
        }
        findings.extend(of_trust(&hop, &sent.chain, &verdict, &findings));
    }
    if sent.asks_for_certificate && network.client_cert.is_none() {
        findings.push(Finding::warn(
            "tls",
            format!("{hop} asks for a client certificate, and goes on without one"),
            "where it wants one for some requests, add to the profile: [network] client_cert = { file = \"client.pem\" }",
        ));
    } else if !sent.asks_for_certificate && network.client_cert.is_some() {
        findings.push(Finding::warn(
            "tls",
            format!("{hop} does not ask for the client certificate that the profile has"),
            "take client_cert out of the profile, or switch on what asks for it there",
        ));
    }
    findings
}

/// Times, names and order, as anybody can read them.
pub(super) fn of_chain(hop: &str, chain: &[Vec<u8>], now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for (at, der) in chain.iter().enumerate() {
        match X509Certificate::from_der(der) {
            Ok((_, certificate)) => read.push(certificate),
            Err(error) => findings.push(Finding::fail(
                "tls",
                format!(
                    "{hop}: certificate {} of {} cannot be read: {error}",
                    at + 1,
                    chain.len()
                ),
                "let the server send certificates in the order of its chain, its own first",
            )),
        }
    }
    for (at, certificate) in read.iter().enumerate() {
        let what = format!(
            "{hop} sent {} of {}: {}, issued by {}, until {}",
            at + 1,
            read.len(),
            subject(certificate),
            certificate.issuer(),
            day(certificate.validity().not_after.timestamp()),
        );
        findings.push(of_time("tls", &what, certificate, now).unwrap_or_else(|| Finding::ok("tls", what)));
    }
    if let Some(own) = read.first()
        && !covers(own, hop)
    {
        let names = names(own);
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        findings.push(Finding::fail(
            "tls",
            format!("the certificate is not for {hop}; its names are: {names}"),
            "give the server a certificate with this name among its subjectAltNames, or use the name that it has",
        ));
    }
    let misplaced = read.windows(2).position(|pair| pair[0].issuer() != pair[1].subject());
    if let Some(at) = misplaced {
        findings.push(Finding::warn(
            "tls",
            format!("{hop}: certificate {} did not issue certificate {}", at + 2, at + 1),
            "let the server send each certificate behind the one that it issued, as RFC 8446 section 4.4.2 has it",
        ));
    }
    findings
}

/// Whether the other side ended the handshake, or the connection at once behind it, as TLS 1.3 does.
fn refuses_us(failure: &Failure) -> bool {
    match failure {
        Failure::Tls(words) => words.to_ascii_lowercase().contains("fatal alert"),
        Failure::Cut(_) | Failure::Connect(_) => true,
        _ => false,
    }
}

/// The ordinary client's word, and why it may be so.
fn of_trust(hop: &str, chain: &[Vec<u8>], verdict: &Result<(), Failure>, so_far: &[Finding]) -> Option<Finding> {
    let words = match verdict {
        Ok(()) => return Some(Finding::ok("tls", format!("{hop}: the chain is trusted"))),
        Err(Failure::Tls(words)) => words,
        // Whatever went wrong behind the handshake is told where the documents are asked for.
        Err(Failure::Cut(_) | Failure::Timeout(_) | Failure::NotHttp(_)) => return None,
        Err(failure) => {
            return Some(Finding::fail(
                "tls",
                format!("{hop}: {failure}"),
                "it was reached a moment ago: try again, and look at what stands before the server",
            ));
        }
    };
    let read: Vec<_> = chain
        .iter()
        .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
        .collect();
    let (own, last) = (read.first()?, read.last()?);
    let unknown = words.to_ascii_lowercase().contains("unknownissuer");
    if own.issuer() == own.subject() {
        return Some(Finding::fail(
            "tls",
            format!("{hop}: nobody vouches for the certificate, it is self-signed ({words})"),
            "where that is meant, save it as PEM and name it in the profile: [network] ca_file = \"server.pem\"; apps \
             will not trust it",
        ));
    }
    if unknown {
        let at = issuers_at(last).map_or_else(String::new, |url| format!(" (it is at {url})"));
        let issuer = last.issuer();
        return Some(if read.len() == 1 {
            Finding::fail(
                "tls",
                format!(
                    "{hop} sent its own certificate alone, and {issuer}, which issued it, is not known here ({words})"
                ),
                format!(
                    "if that is an intermediate, let the server send it too, which is the usual mistake (nginx: \
                     fullchain.pem){at}; if it is an authority of yours, name it in the profile: [network] ca_file"
                ),
            )
        } else {
            Finding::fail(
                "tls",
                format!("{hop}: the chain ends at {issuer}, which is not known here ({words})"),
                format!("name that authority in the profile: [network] ca_file = \"authorities.pem\"{at}"),
            )
        });
    }
    if so_far.iter().any(|one| one.status == Health::Fail) {
        // Why is said already.
        return None;
    }
    Some(Finding::fail(
        "tls",
        format!("{hop}: {words}"),
        "let the server send a chain that clients can verify, or name its authority in the profile: [network] ca_file",
    ))
}

/// The client certificate of the profile.
pub(super) fn of_client(pem: Option<&Secret>, now: Timestamp) -> Vec<Finding> {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    let Some(pem) = pem else { return Vec::new() };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.expose().as_bytes())
        .filter_map(Result::ok)
        .collect();
    let Some(own) = certificates
        .first()
        .and_then(|der| Some(X509Certificate::from_der(der).ok()?.1))
    else {
        return vec![Finding::of_profile(
            "tls",
            "[network] client_cert holds no certificate",
            "give one PEM text with the certificate and its private key (PKCS#8)",
        )];
    };
    let what = format!(
        "our client certificate: {}, issued by {}, until {}",
        subject(&own),
        own.issuer(),
        day(own.validity().not_after.timestamp())
    );
    vec![of_time("tls", &what, &own, now).unwrap_or_else(|| Finding::ok("tls", what))]
}

/// A certificate that is not valid now, or not for long.
fn of_time(area: &'static str, what: &str, certificate: &X509Certificate<'_>, now: Timestamp) -> Option<Finding> {
    let (from, until) = (
        certificate.validity().not_before.timestamp(),
        certificate.validity().not_after.timestamp(),
    );
    let now = now.as_second();
    if until < now {
        let ago = (now - until) / 86_400;
        return Some(Finding::fail(
            area,
            format!("{what}: it expired {ago} days ago"),
            "renew it, and see to it that what renews it also reloads the server",
        ));
    }
    if from > now {
        return Some(Finding::fail(
            area,
            format!("{what}: it is valid from {} only", day(from)),
            "look at the clock of this machine, and at when the certificate was made",
        ));
    }
    let left = (until - now) / 86_400;
    (left < SOON).then(|| {
        Finding::warn(
            area,
            format!("{what}: it expires in {left} days"),
            "renew it before it does",
        )
    })
}

fn day(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(
        |_| "a time that nobody can write".to_owned(),
        |time| time.to_string().chars().take(10).collect(),
    )
}

fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if subject.is_empty() {
        names(certificate)
            .first()
            .cloned()
            .unwrap_or_else(|| "without a name".to_owned())
    } else {
        subject
    }
}

/// DNS names and addresses among the subjectAltNames.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(all)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|four| IpAddr::from(four).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|six| IpAddr::from(six).to_string()),
            _ => None,
        },
        _ => None,
    };
    all.value.general_names.iter().filter_map(name).collect()
}

/// RFC 6125 §6.4.3: a wildcard stands for the whole first label.
fn covers(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    names(certificate).iter().any(|name| {
        let name = name.to_ascii_lowercase();
        let wildcard = || {
            let behind = name.strip_prefix("*.")?;
            let (_, rest) = host.split_once('.')?;
            Some(rest == behind)
        };
        name == host || wildcard().unwrap_or(false)
    })
}

/// RFC 5280 §4.2.2.1: where the certificate of the issuer can be fetched.
fn issuers_at(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        access.accessdescs.iter().find_map(|description| {
            let is_issuers = description.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2";
            match &description.access_location {
                GeneralName::URI(uri) if is_issuers => Some((*uri).to_owned()),
                _ => None,
            }
        })
    })
}
