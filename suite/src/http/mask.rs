//! Masks secrets in texts without structure: JWTs anywhere, fields of HTML pages.

use super::redact::SECRETS;
use super::secret::Vault;

/// At most this many characters, with what is missing said.
/// At most this many characters, with what is missing said.
pub(super) fn cut(text: &str, kept: usize) -> String {
    match text.char_indices().nth(kept) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes more)", &text[..at], text.len() - at),
    }
}

/// Signed or encrypted JWTs that stand anywhere in a text.
pub(super) fn mask_jwts(vault: &Vault, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let length = rest[at..].find(|c| !inside(c)).unwrap_or(rest.len() - at);
        let token = &rest[at..at + length];
        out.push_str(&rest[..at]);
        if token.matches('.').count() >= 2 && token.len() > 40 {
            out.push_str(&vault.hide(token));
        } else {
            out.push_str(token);
        }
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// The page with the values of its password, hidden and secret fields masked.
pub(super) fn mask_inputs(vault: &Vault, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(found) = lower[done..].find("<input") {
        let start = done + found;
        let end = lower[start..].find('>').map_or(text.len(), |length| start + length);
        let tag = &text[start..end];
        let is = |name: &str, wanted: &[&str]| {
            attribute(tag, name).is_some_and(|(from, to)| wanted.contains(&tag[from..to].to_ascii_lowercase().as_str()))
        };
        out.push_str(&text[done..start]);
        match attribute(tag, "value") {
            Some((from, to)) if to > from && (is("type", &["password", "hidden"]) || is("name", SECRETS)) => {
                out.push_str(&tag[..from]);
                out.push_str(&vault.hide(&tag[from..to]));
                out.push_str(&tag[to..]);
            }
            _ => out.push_str(tag),
        }
        done = end;
    }
    out.push_str(&text[done..]);
    out
}

/// Where an attribute's value stands in a tag.
fn attribute(tag: &str, name: &str) -> Option<(usize, usize)> {
    let lower = tag.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(name) {
        let start = from + found;
        from = start + name.len();
        let before = lower[..start].chars().next_back();
        let Some(rest) = lower[from..].trim_start().strip_prefix('=') else {
            continue;
        };
        if !before.is_some_and(|c| c.is_whitespace() || matches!(c, '"' | '\'')) {
            continue;
        }
        let rest = rest.trim_start();
        let at = lower.len() - rest.len();
        return match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let length = rest[1..].find(quote).unwrap_or(rest.len() - 1);
                Some((at + 1, at + 1 + length))
            }
            _ => Some((at, at + rest.find(char::is_whitespace).unwrap_or(rest.len()))),
        };
    }
    None
}

/// A page that was passed on the way: its title and forms. What else it shows may be people's names.
pub(super) fn summary_of_page(text: &str) -> String {
    let page = scraper::Html::parse_document(text);
    let select = |css: &str| scraper::Selector::parse(css).expect("a fixed selector");
    let title = page
        .select(&select("title"))
        .next()
        .map(|title| title.text().collect::<String>());
    let mut lines = vec![format!(
        "(page “{}”, {} bytes)",
        title.as_deref().unwrap_or_default().trim(),
        text.len()
    )];
    for form in page.select(&select("form")) {
        let fields: Vec<&str> = form
            .select(&select("input, select, textarea, button"))
            .map(|field| field.attr("name").or(field.attr("type")).unwrap_or("button"))
            .take(40)
            .collect();
        let method = form.attr("method").unwrap_or("get").to_uppercase();
        lines.push(format!("(form {method} with {})", fields.join(", ")));
    }
    lines.join("\n")
}
