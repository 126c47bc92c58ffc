//! Addresses as RFC 3986 has them, for formats whose readers insist on it. A redacted value ends in an ellipsis, for one.

use std::fmt::Write as _;

/// The address with what may not stand in it percent-encoded; `None` where it names no host.
pub(crate) fn of(address: &str) -> Option<String> {
    if !url::Url::parse(address).is_ok_and(|url| url.has_host()) {
        return None;
    }
    let authority = address.find("://").map_or(0, |at| at + 3);
    let path = address[authority..]
        .find(['/', '?', '#'])
        .map_or(address.len(), |at| authority + at);
    let mut out = String::with_capacity(address.len() + 16);
    let mut fragment = false;
    for (at, c) in address.char_indices() {
        let allowed = match c {
            // Brackets enclose an IPv6 address and nothing else.
            '[' | ']' => at < path,
            '#' => !std::mem::replace(&mut fragment, true),
            '%' => is_escape(&address[at + 1..]),
            _ => is_allowed(c),
        };
        if allowed {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    Some(out)
}

/// RFC 3986 §2.2 and §2.3, without what is looked at by its place.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?@!$&'()*+,;=".contains(c)
}

fn is_escape(after: &str) -> bool {
    after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_may_not_stand_in_an_address_is_encoded() {
        for (address, expected) in [
            ("https://e/a?b=c#d", Some("https://e/a?b=c#d")),
            (
                "https://e/?x=hmac:ab12…&y=%zz%2",
                Some("https://e/?x=hmac:ab12%E2%80%A6&y=%25zz%252"),
            ),
            ("http://[::1]:8080/a[0]#b#c", Some("http://[::1]:8080/a%5B0%5D#b%23c")),
            (
                "https://e/\"<>\\^`{|} ",
                Some("https://e/%22%3C%3E%5C%5E%60%7B%7C%7D%20"),
            ),
            ("javascript:alert(1)", None),
            ("", None),
            ("no address", None),
        ] {
            assert_eq!(super::of(address).as_deref(), expected, "{address}");
        }
    }
}
