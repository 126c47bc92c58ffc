//! Links to further pages: what upstream calls the page, sealed for the token whose search it belongs to.
//!
//! Nothing is kept here: the link holds all, and only the same app, user, patient and scopes can open it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::chance::Chance;

/// The parameter of a link.
pub(super) const NAME: &str = "_page";

/// What a link stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    /// Upstream's address of the page, below its base.
    pub(super) at: String,
    /// The parameters of the search whose meaning is the mock's: includes, and how much of each resource is shown.
    pub(super) asked: Vec<(String, String)>,
}

/// What seals, as long as the mock runs.
pub(super) struct Seal(Option<LessSafeKey>);

impl Seal {
    pub(super) fn new(chance: &Chance) -> Self {
        let bytes: [u8; 32] = Sha256::digest(chance.token::<32>()).into();
        // Thirty-two bytes are a key of this algorithm; were they none, there would be no further pages.
        Self(UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new))
    }

    /// The value of the parameter.
    pub(super) fn close(&self, page: &Page, binding: &str, chance: &Chance) -> Option<String> {
        let drawn = Sha256::digest(chance.token::<32>());
        let nonce: [u8; NONCE_LEN] = drawn[..NONCE_LEN].try_into().ok()?;
        let mut text = serde_json::to_vec(page).ok()?;
        let key = self.0.as_ref()?;
        let bound = Aad::from(binding.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut text)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// What the value stands for, if it was sealed here for the same token.
    pub(super) fn open(&self, value: &str, binding: &str) -> Option<Page> {
        let mut bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self
            .0
            .as_ref()?
            .open_in_place(nonce, Aad::from(binding.as_bytes()), sealed)
            .ok()?;
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_for_its_token_only() {
        let chance = Chance::new(Some(1));
        let seal = Seal::new(&chance);
        let page = Page {
            at: "?_getpages=abc".to_owned(),
            asked: vec![("_include".to_owned(), "Observation:subject".to_owned())],
        };
        let sealed = seal.close(&page, "app, a", &chance).expect("it is sealed");
        assert!(!sealed.contains("abc"));
        assert_eq!(seal.open(&sealed, "app, a"), Some(page.clone()));
        assert_eq!(seal.open(&sealed, "app, b"), None);
        assert_eq!(Seal::new(&chance).open(&sealed, "app, a"), None);
        let mut altered = sealed.clone();
        altered.replace_range(20..21, if &sealed[20..21] == "A" { "B" } else { "A" });
        for other in [altered.as_str(), "", "AAAA", "not base64!"] {
            assert_eq!(seal.open(other, "app, a"), None, "{other}");
        }
        assert_ne!(seal.close(&page, "app, a", &chance), Some(sealed));
    }
}
