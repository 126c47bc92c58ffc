//! Makes hostile text harmless where people read it: what could steer a terminal, hide or reorder text, or break XML
//! is shown as `\u{1b}` instead. Trojan Source (CVE-2021-42574) is the reason for the bidirectional controls.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every dangerous character made visible; line feeds and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    replace(text, |c| c != '\n' && c != '\t' && is_dangerous(c))
}

/// As [`visible`], on one line: line feeds and tabs are shown too.
pub fn line(text: &str) -> Cow<'_, str> {
    replace(text, is_dangerous)
}

/// At most `limit` characters of one line, with an ellipsis where something is missing.
pub fn cut(text: &str, limit: usize) -> String {
    let shown = line(text);
    if shown.chars().count() <= limit {
        return shown.into_owned();
    }
    let mut short: String = shown.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// At most `limit` bytes from the start, cut between characters, and how many bytes are missing.
pub fn head(text: &str, limit: usize) -> (&str, usize) {
    if text.len() <= limit {
        return (text, 0);
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], text.len() - end)
}

/// Whether a reader could be deceived by this character, or a terminal or an XML parser harmed.
pub fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Hangul and Mongolian fillers: they take no room.
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            // Zero-width characters and bidirectional controls.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Interlinear annotation and the noncharacters that XML forbids.
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            // Tags: a hidden copy of ASCII.
            | '\u{e0000}'..='\u{e007f}')
}

fn replace(text: &str, dangerous: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&dangerous) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !dangerous(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Writing to a String cannot fail.
            _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_reorderings_and_nulls_become_visible() {
        assert_eq!(visible("a\u{1b}[31m\u{202e}b\0"), "a\\u{1b}[31m\\u{202e}b\\u{0}");
        assert_eq!(visible("two\nlines\r\n"), "two\nlines\\r\n");
        assert_eq!(line("two\nlines"), "two\\nlines");
    }

    #[test]
    fn ordinary_text_is_borrowed() {
        assert!(matches!(visible("Ünïcode — ‘fine’ 漢字"), Cow::Borrowed(_)));
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(head("äöü", 3), ("ä", 4));
    }
}
