//! The way to the target: names, proxy, connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use url::Url;

use super::finding::Finding;
use crate::http::Network;

/// Variables by which other programs find a proxy.
const PROXIES: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// What the environment says of a proxy, of which launchproof uses none.
pub(super) fn proxy(network: &Network, env: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(proxy) = &network.proxy {
        findings.push(Finding::ok(
            "proxy",
            format!("every request goes by {}", named(proxy.as_str())),
        ));
    }
    let said: Vec<String> = PROXIES
        .iter()
        .filter_map(|name| Some((name, env(name).filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("{name}={}", named(&value)))
        .collect();
    if !said.is_empty() && network.proxy.is_none() {
        findings.push(Finding::warn(
            "proxy",
            format!("the environment names a proxy that is not used: {}", said.join(", ")),
            "where the target is reached by it alone, add to the profile: [network] proxy = \"http://HOST:PORT\"",
        ));
    }
    findings
}

/// A proxy without the credentials that may stand in its address.
fn named(proxy: &str) -> String {
    match Url::parse(proxy) {
        Ok(url) if url.host_str().is_some() => {
            let host = url.host_str().unwrap_or_default();
            match url.port_or_known_default() {
                Some(port) => format!("{}://{host}:{port}", url.scheme()),
                None => format!("{}://{host}", url.scheme()),
            }
        }
        // `user:secret@host:port`, which some programs take.
        _ => proxy.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

/// The addresses of the host, and which of them take a connection.
pub(super) async fn reach(network: &Network, url: &Url, patience: Duration) -> Vec<Finding> {
    let target = network.proxy.as_ref().unwrap_or(url);
    let (Some(host), Some(port)) = (target.host_str(), target.port_or_known_default()) else {
        return vec![Finding::fail(
            "names",
            format!("{target} has no host"),
            "check the address in the profile",
        )];
    };
    let fixed = network.resolve.iter().find(|(name, _)| name == host);
    let (addresses, how) = match fixed {
        Some((_, address)) => (
            vec![SocketAddr::new(address.ip(), port)],
            "fixed by [network] resolve in the profile".to_owned(),
        ),
        None => match lookup(host, port, patience).await {
            Ok(found) => found,
            Err(why) => {
                return vec![Finding::fail(
                    "names",
                    format!("{host}: {why}"),
                    "check the host name, the name servers of this machine, and whether a VPN is needed; or fix its \
                     address in the profile: [network] resolve = { \"HOST\" = \"ADDRESS:PORT\" }",
                )];
            }
        },
    };
    let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let six = addresses.iter().filter(|address| address.is_ipv6()).count();
    let families = format!("{} IPv4, {six} IPv6", addresses.len() - six);
    let mut findings = vec![Finding::ok(
        "names",
        format!("{host}: {} ({families}; {how})", list.join(", ")),
    )];
    findings.extend(connect(&addresses, patience).await);
    findings
}

async fn lookup(host: &str, port: u16, patience: Duration) -> Result<(Vec<SocketAddr>, String), String> {
    let began = Instant::now();
    let bare = host.trim_matches(['[', ']']);
    let found = tokio::time::timeout(patience, tokio::net::lookup_host((bare, port))).await;
    let found = found
        .map_err(|_| format!("no answer of the name server within {patience:?}"))?
        .map_err(|error| format!("the name cannot be resolved: {error}"))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok((addresses, format!("resolved in {} ms", began.elapsed().as_millis())))
}

async fn connect(addresses: &[SocketAddr], patience: Duration) -> Vec<Finding> {
    let tried = addresses.iter().map(async |address| {
        let began = Instant::now();
        let done = tokio::time::timeout(patience, TcpStream::connect(address)).await;
        let done = match done {
            Ok(Ok(_)) => Ok(began.elapsed()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {patience:?}")),
        };
        (address, done)
    });
    let tried = futures::future::join_all(tried).await;
    let none = tried.iter().all(|(_, done)| done.is_err());
    tried
        .into_iter()
        .map(|(address, done)| match done {
            Ok(took) => Finding::ok("tcp", format!("{address} in {} ms", took.as_millis())),
            Err(why) if none => Finding::fail(
                "tcp",
                format!("{address}: {why}"),
                "start the server, or look at the port, the firewall and the VPN between here and there",
            ),
            Err(why) => Finding::warn(
                "tcp",
                format!("{address}: {why}"),
                "some clients try this address first and wait: take it out of the name's records, or let it answer",
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Health;

    #[test]
    fn a_proxy_of_the_environment_is_told_without_its_password() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "http://me:hunter2@proxy.example:3128".to_owned());
        let found = proxy(&Network::default(), &env);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].status, Health::Warn);
        assert!(
            found[0].what.contains("HTTPS_PROXY=http://proxy.example:3128"),
            "{found:?}"
        );
        assert!(!format!("{found:?}").contains("hunter2"));
        assert!(!named("me:hunter2@proxy.example:3128").contains("hunter2"));
        let network = Network {
            proxy: Url::parse("http://me:hunter2@proxy.example:3128").ok(),
            ..Network::default()
        };
        let found = proxy(&network, &env);
        assert_eq!(found[0].status, Health::Ok);
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_fails_with_what_to_do() {
        // RFC 6761 §6.4: never resolves.
        let url = Url::parse("https://ehr.invalid/fhir").expect("a URL");
        let found = reach(&Network::default(), &url, Duration::from_secs(5)).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].area, found[0].status), ("names", Health::Fail));
        let network = Network {
            resolve: vec![("ehr.invalid".to_owned(), ([127, 0, 0, 1], 9).into())],
            ..Network::default()
        };
        let found = reach(&network, &url, Duration::from_secs(5)).await;
        assert!(found[0].what.contains("[network] resolve"), "{found:?}");
        assert_eq!((found[1].area, found[1].status), ("tcp", Health::Fail));
    }
}
