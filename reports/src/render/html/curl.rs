//! A `curl` line that repeats a request, safe to paste into bash: redacted values are variables to fill in, and no
//! byte of the evidence can leave its quotes.

use std::fmt::Write as _;

use crate::model::Request;
use crate::plain;

/// The command, one option a line.
pub(super) fn command(request: &Request, insecure: bool) -> String {
    let mut text = "curl -sS -i --path-as-is".to_owned();
    if insecure {
        text.push_str(" --insecure");
    }
    if request.url.contains(['[', ']', '{', '}']) {
        text.push_str(" --globoff");
    }
    let implied = if request.body.is_some() { "POST" } else { "GET" };
    if request.method != implied {
        let _ = write!(text, " -X {}", quote(&request.method));
    }
    let _ = write!(text, " \\\n  {}", quote(&request.url));
    for (name, value) in &request.headers {
        if name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        // curl leaves a header out when nothing follows the colon; a semicolon sends it empty.
        let header = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        let _ = write!(text, " \\\n  -H {}", quote(&header));
    }
    if let Some(body) = &request.body {
        let _ = write!(text, " \\\n  --data-raw {}", quote(body));
    }
    text
}

/// The names of the variables that stand for redacted values, in the order in which they occur.
pub(super) fn placeholders(command: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, _) in command.match_indices("\"$SECRET_") {
        let name: String = command[at + 2..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn quote(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (before, found) = match find_redacted(rest) {
            Some((start, end, digits)) => {
                let found = (digits.to_ascii_uppercase(), &rest[end..]);
                (&rest[..start], Some(found))
            }
            None => (rest, None),
        };
        quote_plain(before, &mut out);
        rest = match found {
            Some((digits, after)) => {
                let _ = write!(out, "\"$SECRET_{digits}\"");
                after
            }
            None => "",
        };
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

/// Single quotes; `$'…'` for what a terminal must not see.
fn quote_plain(text: &str, out: &mut String) {
    if text.is_empty() {
        return;
    }
    if !text.chars().any(plain::is_dangerous) {
        out.push('\'');
        out.push_str(&text.replace('\'', "'\\''"));
        out.push('\'');
        return;
    }
    out.push_str("$'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if plain::is_dangerous(c) => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('\'');
}

/// The first redacted value, plain or percent-encoded: where it starts, where it ends, its digits.
fn find_redacted(text: &str) -> Option<(usize, usize, &str)> {
    const MARKS: [&str; 3] = ["hmac:", "hmac%3A", "hmac%3a"];
    const ELLIPSES: [&str; 3] = ["…", "%E2%80%A6", "%e2%80%a6"];
    let mut from = 0;
    loop {
        let (at, mark) = MARKS
            .iter()
            .filter_map(|mark| text[from..].find(mark).map(|at| (from + at, mark)))
            .min_by_key(|m| m.0)?;
        let after = &text[at + mark.len()..];
        let digits = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
        if digits >= 4 {
            let end = at + mark.len() + digits;
            let ellipsis = ELLIPSES
                .iter()
                .find(|e| text[end..].starts_with(**e))
                .map_or(0, |e| e.len());
            return Some((at, end + ellipsis, &after[..digits]));
        }
        from = at + mark.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
        Request {
            method: if body.is_some() { "POST" } else { "GET" }.to_owned(),
            url: url.to_owned(),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_get_and_a_post() {
        assert_eq!(
            command(&request("https://e/a?b=c", &[], None), false),
            "curl -sS -i --path-as-is \\\n  'https://e/a?b=c'"
        );
        let post = request(
            "https://e/t",
            &[("Accept", "*/*"), ("Host", "e"), ("X-Empty", "")],
            Some("a=b&c=d"),
        );
        assert_eq!(
            command(&post, true),
            "curl -sS -i --path-as-is --insecure \\\n  'https://e/t' \\\n  -H 'Accept: */*' \\\n  -H 'X-Empty;' \\\n  --data-raw 'a=b&c=d'"
        );
    }

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(quote("it's $(rm -rf /) `id`"), "'it'\\''s $(rm -rf /) `id`'");
        assert_eq!(quote("a'\u{1b}\\"), "$'a\\'\\U0000001b\\\\'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn redacted_values_become_variables() {
        let quoted = quote("client_secret=hmac:ab12…&code=hmac%3Acd34ef%E2%80%A6&x=hmac:no");
        assert_eq!(
            quoted,
            "'client_secret='\"$SECRET_AB12\"'&code='\"$SECRET_CD34EF\"'&x=hmac:no'"
        );
        assert_eq!(placeholders(&quoted), ["SECRET_AB12", "SECRET_CD34EF"]);
    }
}
