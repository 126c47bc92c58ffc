//! Writes the credentials of HTTP Basic.
//!
//! RFC 6749 §2.3.1 and Appendix B: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::byte_serialize;

/// The value of `Authorization`, both parts form-encoded before they are joined, as RFC 6749 §2.3.1 asks.
///
/// What comes back is a secret: wrap it before it is recorded.
pub fn basic_header(client_id: &str, secret: &str) -> String {
    basic_header_raw(&form_encoded(client_id), &form_encoded(secret))
}

/// The value of `Authorization` with both parts as they stand, which is RFC 7617 without OAuth's extra encoding.
pub fn basic_header_raw(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

/// `true` where the two forms differ, so that trying both tells something.
pub fn encoding_matters(client_id: &str, secret: &str) -> bool {
    form_encoded(client_id) != client_id || form_encoded(secret) != secret
}

fn form_encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6749_holds() {
        let expected = "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW";
        assert_eq!(basic_header("s6BhdRkqt3", "gX1fBat3bV"), expected);
        assert_eq!(basic_header_raw("s6BhdRkqt3", "gX1fBat3bV"), expected);
    }

    #[test]
    fn reserved_characters_are_form_encoded_first() {
        let header = basic_header("a:b", "p w+%&£€");
        let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), "a%3Ab:p+w%2B%25%26%C2%A3%E2%82%AC");
    }

    #[test]
    fn plain_credentials_have_one_form_only() {
        assert!(!encoding_matters("app-1", "s3cret_x.y"));
        assert!(encoding_matters("app-1", "s3/cret"));
        assert!(encoding_matters("https://app.example", "secret"));
    }
}
