//! Finds every registered secret in a text, in each of the forms in which one travels.
//!
//! Secrets come one by one, thousands in a run, while texts are scrubbed: an automaton over all of them would be built
//! again and again. Here a pattern is found by its first bytes, so that a new one costs nothing.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are not searched for.
const SHORTEST: usize = 6;
/// Values of this length are secrets wherever they stand; shorter ones only as whole words, so that a client secret
/// `secret` does not blot out the parameter's name `client_secret`.
const CERTAIN: usize = 12;

/// The registered secrets, found by their first bytes.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    known: HashSet<String>,
    patterns: Vec<Pattern>,
    /// First eight bytes (six of a shorter pattern) → patterns that begin so.
    by_prefix: HashMap<u64, Vec<u32>>,
    /// One bit for each hashed prefix: what it does not have is not looked up.
    eights: Sieve,
    sixes: Sieve,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    mask: String,
    whole_word: bool,
}

impl Scrubber {
    pub(super) fn register(&mut self, secret: &str, mask: &str) {
        if secret.chars().count() < SHORTEST || !self.known.insert(secret.to_owned()) {
            return;
        }
        let whole_word = secret.len() < CERTAIN;
        let mut seen = HashSet::new();
        for text in spellings(secret) {
            if seen.insert(text.clone()) {
                self.add(Pattern {
                    text,
                    mask: mask.to_owned(),
                    whole_word,
                });
            }
        }
        for text in base64_cores(secret) {
            if seen.insert(text.clone()) {
                self.add(Pattern {
                    text,
                    mask: mask.to_owned(),
                    whole_word: false,
                });
            }
        }
    }

    fn add(&mut self, pattern: Pattern) {
        let bytes = pattern.text.as_bytes();
        let (sieve, key) = if bytes.len() >= 8 {
            (&mut self.eights, prefix(bytes, 8))
        } else {
            (&mut self.sixes, prefix(bytes, SHORTEST))
        };
        let Ok(at) = u32::try_from(self.patterns.len()) else {
            return;
        };
        sieve.insert(key);
        self.by_prefix.entry(key).or_default().push(at);
        self.patterns.push(pattern);
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut found: Vec<(usize, usize, &str)> = Vec::new();
        for start in 0..bytes.len() {
            let rest = &bytes[start..];
            for (sieve, length) in [(&self.eights, 8), (&self.sixes, SHORTEST)] {
                if sieve.is_empty() || rest.len() < length {
                    continue;
                }
                let key = prefix(rest, length);
                if !sieve.may_have(key) {
                    continue;
                }
                for at in self.by_prefix.get(&key).into_iter().flatten() {
                    let pattern = &self.patterns[*at as usize];
                    let end = start + pattern.text.len();
                    let here = rest.starts_with(pattern.text.as_bytes());
                    if here && (!pattern.whole_word || stands_alone(text, start, end)) {
                        found.push((start, end, &pattern.mask));
                    }
                }
            }
        }
        replace(text, found)
    }
}

/// The first `length` bytes, at most eight, as a number.
fn prefix(bytes: &[u8], length: usize) -> u64 {
    bytes[..length]
        .iter()
        .fold(length as u64, |key, byte| (key << 8) ^ u64::from(*byte))
}

/// A set of numbers that may say yes wrongly, never no.
#[derive(Debug, Default)]
struct Sieve {
    bits: Vec<u64>,
}

impl Sieve {
    const WORDS: usize = 1 << 14;

    fn place(key: u64) -> (usize, u64) {
        // Twenty bits: they fit a usize everywhere.
        let hash = usize::try_from(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44).unwrap_or_default();
        ((hash >> 6) % Self::WORDS, 1 << (hash & 63))
    }

    fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    fn insert(&mut self, key: u64) {
        self.bits.resize(Self::WORDS, 0);
        let (word, bit) = Self::place(key);
        self.bits[word] |= bit;
    }

    fn may_have(&self, key: u64) -> bool {
        let (word, bit) = Self::place(key);
        self.bits[word] & bit != 0
    }
}

/// The value as it stands, as a URL, a form and JSON write it.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let json = json[1..json.len() - 1].to_owned();
    let slashes = json.replace('/', "\\/");
    let lower = lower_percent(&percent);
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    vec![secret.to_owned(), form, percent, lower, json, slashes, html]
}

fn lower_percent(text: &str) -> String {
    let mut after = 0;
    text.chars()
        .map(|c| {
            after = if c == '%' { 3 } else { i32::max(after - 1, 0) };
            if after > 0 { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

/// The part of the value's base64 that does not depend on its neighbours, for each of the three alignments.
fn base64_cores(secret: &str) -> Vec<String> {
    let mut cores = Vec::new();
    for skip in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, skip).chain(secret.bytes()).collect();
        let start = (skip * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            if let Some(core) = encoded.get(start..end)
                && core.len() > SHORTEST
            {
                cores.push(core.to_owned());
            }
        }
    }
    cores
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    !text[..start].chars().next_back().is_some_and(part) && !text[end..].chars().next().is_some_and(part)
}

/// Replaces each union of overlapping matches by the mask of the longest of them.
fn replace(text: &str, mut found: Vec<(usize, usize, &str)>) -> String {
    found.sort_unstable_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut rest = found.into_iter().peekable();
    while let Some((start, mut end, mut mask)) = rest.next() {
        let mut longest = end - start;
        while let Some((next_start, next_end, next_mask)) = rest.next_if(|next| next.0 < end) {
            if next_end - next_start > longest {
                (longest, mask) = (next_end - next_start, next_mask);
            }
            end = end.max(next_end);
        }
        out.push_str(&text[done..start]);
        out.push_str(mask);
        done = end;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_secret_is_found() {
        let mut scrubber = Scrubber::default();
        let secret = "p&ss w/rd\"+é=long";
        scrubber.register(secret, "MASK");
        let basic = STANDARD_NO_PAD.encode(format!("client-x:{secret}"));
        let json = serde_json::json!({ "password": secret }).to_string();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("password", secret)
            .finish();
        for text in [
            format!("({secret})"),
            basic,
            json,
            form.clone(),
            form.replace('+', "%20"),
        ] {
            let clean = scrubber.scrub(&text);
            assert!(clean.contains("MASK"), "{text} → {clean}");
            assert!(!clean.contains("w/rd") && !clean.contains("w%2Frd"), "{clean}");
        }
    }

    #[test]
    fn a_short_secret_is_masked_as_a_word_and_not_inside_one() {
        let mut scrubber = Scrubber::default();
        scrubber.register("secret", "MASK");
        assert_eq!(
            scrubber.scrub("client_secret=secret&x=secrets"),
            "client_secret=MASK&x=secrets"
        );
    }

    #[test]
    fn a_secret_inside_a_longer_one_leaves_nothing_of_the_longer() {
        let mut scrubber = Scrubber::default();
        scrubber.register("abcdefghijkl", "SHORT");
        assert_eq!(scrubber.scrub("abcdefghijkl"), "SHORT");
        scrubber.register("abcdefghijklmnopqrst", "LONG");
        assert_eq!(scrubber.scrub("x abcdefghijklmnopqrst y"), "x LONG y");
    }

    #[test]
    fn many_secrets_registered_one_by_one_are_all_found() {
        let mut scrubber = Scrubber::default();
        for n in 0..500 {
            scrubber.register(&format!("secret-value-{n:04}"), "M");
            assert_eq!(
                scrubber.scrub(&format!("a secret-value-{n:04} b secret-value-0000")),
                "a M b M"
            );
        }
    }
}
