//! Launch URLs that somebody at this machine typed in. The server's keys are public, so its signature alone does not
//! show that.

use super::Store;

/// More are not typed in by hand; then the first ones are forgotten.
const MOST: usize = 200;

impl Store {
    /// Remembers a launch URL.
    pub(crate) fn put_launch_url(&self, address: &str) {
        let mut tables = self.tables();
        if tables.launch_urls.iter().any(|known| known == address) {
            return;
        }
        if tables.launch_urls.len() >= MOST {
            tables.launch_urls.pop_front();
        }
        tables.launch_urls.push_back(address.to_owned());
    }

    /// Was this one typed in?
    pub(crate) fn is_launch_url(&self, address: &str) -> bool {
        self.tables().launch_urls.iter().any(|known| known == address)
    }
}
