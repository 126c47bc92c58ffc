//! What runs cannot share: addresses on this machine at which they listen, and the server with its clock. Profiles that
//! have one in common wait for each other.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use url::Url;

type Place = Arc<tokio::sync::Mutex<()>>;

/// Who is at work where.
#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<String, Place>>);

impl Places {
    /// The addresses of this profile, as soon as all of them are free. They are taken in the order of their names, so that
    /// no two profiles wait for each other.
    pub(super) async fn of(&self, profile: &Path) -> Vec<OwnedMutexGuard<()>> {
        let text = std::fs::read_to_string(profile).unwrap_or_default();
        let mut taken = Vec::new();
        for address in addresses(&text) {
            let place = {
                let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(all.entry(address).or_default())
            };
            taken.push(place.lock_owned().await);
        }
        taken
    }
}

/// Where the keys of its clients are published, and the origins of its server: a clock that one run moves lets the codes
/// and tokens of another expire, and wrong secrets lock clients out for both. The profile itself is read later, once, since its secrets may cost somebody
/// a password; what cannot be read here is told then.
fn addresses(text: &str) -> BTreeSet<String> {
    let Ok(table) = text.parse::<toml::Table>() else {
        return BTreeSet::new();
    };
    let clients = table.get("clients").and_then(toml::Value::as_table);
    let uris = clients
        .into_iter()
        .flat_map(|clients| clients.iter())
        .filter_map(|(_, client)| client.get("jwks_uri")?.as_str());
    let bind = table.get("listen").and_then(|listen| listen.get("bind")?.as_str());
    let clock = table.get("clock").and_then(|clock| clock.get("advance_url"));
    let servers = table.get("fhir_base").into_iter().chain(clock).filter_map(|url| {
        let url = Url::parse(url.as_str()?).ok()?;
        // Names of this machine are one server on one port.
        let on_loopback = crate::target::profile::is_loopback(&url);
        Some(match url.port_or_known_default().filter(|_| on_loopback) {
            Some(port) => format!("port {port}"),
            None => format!("server {}", url.origin().ascii_serialization()),
        })
    });
    uris.filter_map(|uri| Url::parse(uri).ok())
        .filter(crate::target::profile::is_loopback)
        .filter_map(|url| url.port_or_known_default())
        .map(|port| format!("port {port}"))
        .chain(
            bind.and_then(|bind| bind.rsplit(':').next())
                .map(|port| format!("port {port}")),
        )
        .chain(servers)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_listens_where_its_clients_publish_keys() {
        let text = "fhir_base = \"x\"\n[clients.a]\njwks_uri = \"http://127.0.0.1:9390/a\"\n[clients.b]\njwks_uri = \
                    \"http://localhost:9390/b\"\n[clients.c]\njwks_uri = \"https://tunnel.example/c\"\n[listen]\nbind = \
                    \"127.0.0.1:4568\"\n";
        let expected = ["port 4568", "port 9390"].map(str::to_owned);
        assert_eq!(addresses(text), BTreeSet::from(expected));
        assert!(addresses("not toml [").is_empty());
    }

    #[test]
    fn profiles_of_one_server_share_its_clock() {
        let of = |base: &str, advance: &str| {
            addresses(&format!(
                "fhir_base = \"{base}\"\n[clock]\nadvance_url = \"{advance}\"\n"
            ))
        };
        let one = of("https://ehr.example/a/fhir", "http://127.0.0.1:9/clock");
        assert!(!one.is_disjoint(&of("https://ehr.example:443/b/fhir", "http://127.0.0.1:8/clock")));
        assert!(!one.is_disjoint(&of("https://other.example/fhir", "http://localhost:9/clock")));
        assert!(one.is_disjoint(&of("https://other.example/fhir", "http://127.0.0.1:8/clock")));
    }
}
