//! Changes of plain text on which the filters of [`super::filter`] are built.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Without its last character.
pub(super) fn without_last(text: &str) -> String {
    let mut shorter = text.to_owned();
    shorter.pop();
    shorter
}

/// The last letter, digit, `-` or `_` becomes another of its class: still well-formed, and wrong.
///
/// In base64url the change reaches the bits that count, even where the last character carries only two of them.
pub(super) fn flip_last(text: &str) -> String {
    // A shorter text of such characters may as well be base64url.
    let hexadecimal = text.len() >= 16
        && text
            .chars()
            .all(|character| character.is_ascii_hexdigit() || character == '-');
    let last = text
        .char_indices()
        .rev()
        .find_map(|(at, character)| Some((at, other(character, hexadecimal)?)));
    match last {
        Some((at, other)) => format!("{}{other}{}", &text[..at], &text[at + 1..]),
        None => text.to_owned(),
    }
}

fn other(character: char, hexadecimal: bool) -> Option<char> {
    Some(match character {
        'a'..='e' | 'A'..='E' if hexadecimal => char::from(u8::try_from(character).ok()? + 1),
        'f' if hexadecimal => 'a',
        'F' if hexadecimal => 'A',
        // In quarters of the base64url alphabet: A–P, Q–Z a–f, g–v, w–z 0–9 - _.
        'A'..='P' => 'Q',
        'Q'..='Z' => 'A',
        'a'..='f' => 'g',
        'g'..='v' => 'w',
        'w'..='z' => 'a',
        // No digit can change a quarter, so they change a sixteenth: 0–3, 4–7, 8–9.
        '0'..='3' => '4',
        '4'..='7' => '8',
        '8'..='9' => '0',
        '-' => '_',
        '_' => '-',
        _ => return None,
    })
}

/// The S256 challenge of a text, for scenarios that make one of another verifier.
pub(super) fn base64url_sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Every byte but the unreserved (RFC 3986 §2.3) as `%XX`.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            push_escape(&mut encoded, byte);
        }
    }
    encoded
}

/// The last unreserved character that is not part of an escape becomes one: the same to who decodes first.
pub(super) fn encode_last_unreserved(text: &str) -> String {
    let escaped = escaped_positions(text);
    let last = text
        .bytes()
        .enumerate()
        .rev()
        .find(|(at, byte)| is_unreserved(*byte) && !escaped[*at]);
    let Some((at, byte)) = last else { return text.to_owned() };
    let mut encoded = text[..at].to_owned();
    push_escape(&mut encoded, byte);
    encoded.push_str(&text[at + 1..]);
    encoded
}

/// Upper case, but the digits of escapes stay: their case means nothing.
pub(super) fn upper_outside_escapes(text: &str) -> String {
    let escaped = escaped_positions(text);
    text.char_indices()
        .map(|(at, character)| {
            if escaped[at] {
                character
            } else {
                character.to_ascii_uppercase()
            }
        })
        .collect()
}

/// For each byte, whether it belongs to an escape `%XX`.
fn escaped_positions(text: &str) -> Vec<bool> {
    let bytes = text.as_bytes();
    let mut escaped = vec![false; bytes.len()];
    for at in 0..bytes.len() {
        let is_escape =
            bytes[at] == b'%' && bytes.len() > at + 2 && bytes[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit);
        if is_escape {
            escaped[at..at + 3].fill(true);
        }
    }
    escaped
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn push_escape(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flipping_keeps_the_class() {
        for (text, flipped) in [
            ("abcA", "abcQ"),
            ("xyz_Z", "xyz_A"),
            ("tok3", "tok4"),
            ("tok9", "tok0"),
            ("token", "tokew"),
            ("0123456789abcdef", "0123456789abcdea"),
            ("6f1c2b3a-9a0e-4bde", "6f1c2b3a-9a0e-4bdf"),
            ("https://app.example/", "https://app.examplg/"),
            ("==", "=="),
            ("", ""),
            ("aé", "gé"),
        ] {
            assert_eq!(flip_last(text), flipped, "{text}");
        }
    }

    #[test]
    fn escapes_are_left_whole() {
        assert_eq!(upper_outside_escapes("/a%2fb%zc"), "/A%2fB%ZC");
        assert_eq!(encode_last_unreserved("%2f"), "%2f");
        assert_eq!(encode_last_unreserved("é"), "é");
        assert_eq!(without_last("né"), "n");
    }
}
