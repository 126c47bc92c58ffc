//! A mock that listens on loopback, as apps of other processes need it, and what it saw of them.

use mock_ehr::journal::Entry;
use mock_ehr::{Builder, MockEhr};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Ends with this value.
pub(crate) struct Served {
    pub(crate) mock: MockEhr,
    serving: JoinHandle<()>,
}

impl Served {
    /// With the built-in clients and users, as far as `alter` leaves them.
    pub(crate) async fn new(alter: impl FnOnce(Builder) -> Builder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let mock = alter(MockEhr::builder().public_url(public_url)).build().unwrap();
        let served = mock.clone();
        let serving = tokio::spawn(async move { served.serve(listener).await.unwrap() });
        Self { mock, serving }
    }

    /// What was asked of this path, oldest first.
    pub(crate) fn asked(&self, method: &str, path: &str) -> Vec<Entry> {
        let mut entries = self.mock.state().journal().entries();
        entries.retain(|entry| entry.request.method == method && entry.request.path == path);
        entries
    }

    /// The values of a parameter of the query or of the form, one for each request; empty where it was not sent.
    pub(crate) fn sent(&self, method: &str, path: &str, name: &str) -> Vec<String> {
        let of = |entry: &Entry| {
            let mut parameters = entry.request.query.iter().chain(&entry.request.form);
            let found = parameters.find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        self.asked(method, path).iter().map(of).collect()
    }

    /// Whatever was refused: by a status, or by an error that the browser carried to the app.
    pub(crate) fn refused(&self) -> Vec<String> {
        let mut entries = self.mock.state().journal().entries();
        // Browsers look for it by themselves.
        entries.retain(|entry| entry.request.path != "/favicon.ico");
        let refusal = |entry: &Entry| {
            let (request, response) = (&entry.request, &entry.response);
            let location = response.location.as_deref().unwrap_or_default();
            let told = url::Url::parse(location).ok().and_then(|address| {
                let mut pairs = address.query_pairs();
                pairs
                    .find(|(name, _)| name == "error")
                    .map(|(_, error)| error.into_owned())
            });
            let why = told.or_else(|| (response.status >= 400).then(|| response.status.to_string()))?;
            Some(format!("{} {} {why}", request.method, request.path))
        };
        entries.iter().filter_map(refusal).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
