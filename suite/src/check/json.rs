//! Members of a JSON answer: presence, type, value, alphabet.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::finding::{Finding, decided_answer};
use super::refusal::describe_answer;
use crate::step::Context;
use crate::value::Template;

/// `json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// JSON pointer: `/scope`; the whole document where absent.
    #[serde(default)]
    pub at: String,
    /// Type.
    #[serde(default)]
    pub is: Option<JsonKind>,
    /// The text (or the number's spelling) equals this.
    #[serde(default)]
    pub equals: Option<Template>,
    /// Equal to one of these, any case.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// An array or a space-separated text that holds this.
    #[serde(default)]
    pub has: Option<Template>,
    /// An array or a space-separated text that does not hold this.
    #[serde(default)]
    pub lacks: Option<Template>,
    /// It is not there.
    #[serde(default)]
    pub absent: bool,
    /// Not there is fine; what is there is judged.
    #[serde(default)]
    pub optional: bool,
    /// At least this number.
    #[serde(default)]
    pub at_least: Option<i64>,
    /// At most this number.
    #[serde(default)]
    pub at_most: Option<i64>,
    /// Only these characters.
    #[serde(default)]
    pub alphabet: Option<Alphabet>,
    /// A text of at most so many bytes.
    #[serde(default)]
    pub at_most_bytes: Option<usize>,
    /// A text of at least so many bytes.
    #[serde(default)]
    pub at_least_bytes: Option<usize>,
}

/// A JSON type, or a text of a certain form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonKind {
    /// A text.
    String,
    /// A text that is not empty.
    NonEmptyString,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
    /// An array.
    Array,
    /// An array of texts, not empty.
    Strings,
    /// An object.
    Object,
    /// An absolute URL without fragment.
    AbsoluteUrl,
    /// An absolute URL with https (loopback aside), without fragment.
    HttpsUrl,
    /// A FHIR id: 1 to 64 of `A-Z a-z 0-9 - .`.
    FhirId,
}

/// An alphabet of a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// `b64token`, RFC 6750 §2.1.
    B64token,
    /// VSCHAR, RFC 6749 appendix A.
    Vschar,
    /// `error` and `error_description`, RFC 6749 §5.2.
    ErrorText,
    /// Scope, RFC 6749 §3.3.
    Scope,
    /// Scope tokens, one space between two of them and none around, RFC 6749 §3.3; an empty text is such a list too.
    ScopeList,
}

/// `json`.
pub fn json(context: &Context<'_>, args: &JsonArgs) -> Finding {
    let answer = match decided_answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let Some(document) = &answer.json else {
        return Finding::broken("a JSON body", describe_answer(answer));
    };
    let name = if args.at.is_empty() {
        "the document"
    } else {
        args.at.trim_start_matches('/')
    };
    let Some(value) = document.pointer(&args.at) else {
        let missing = format!("no `{name}` in the answer");
        return if args.absent || args.optional {
            Finding::holds()
        } else {
            Finding::broken(wanted(args, name), missing)
        };
    };
    if args.absent {
        return Finding::broken(format!("no `{name}`"), shown(name, value));
    }
    judged(context, args, name, value)
}

fn judged(context: &Context<'_>, args: &JsonArgs, name: &str, value: &Value) -> Finding {
    let loopback = context.world.profile.is_loopback();
    if let Some(kind) = args.is
        && !is_kind(kind, value, loopback)
    {
        return Finding::broken(format!("`{name}` {}", kind_words(kind)), shown(name, value));
    }
    let spelled = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(template) = &args.equals {
        match context.fill(template, &|_: &str| None) {
            Ok(wanted) if wanted == spelled => {}
            Ok(wanted) => return Finding::broken(format!("`{name}` equal to `{wanted}`"), shown(name, value)),
            Err(halt) => return Finding::Unreached(format!("{halt:?}")),
        }
    }
    if !args.one_of.is_empty() && !args.one_of.iter().any(|one| one.eq_ignore_ascii_case(&spelled)) {
        return Finding::broken(
            format!("`{name}` one of {}", args.one_of.join(", ")),
            shown(name, value),
        );
    }
    for (template, should) in [(&args.has, true), (&args.lacks, false)] {
        let Some(template) = template else { continue };
        match context.fill(template, &|_: &str| None) {
            Ok(word) if holds(value, &word) == should => {}
            Ok(word) => {
                let verb = if should { "with" } else { "without" };
                return Finding::broken(format!("`{name}` {verb} `{word}`"), shown(name, value));
            }
            Err(halt) => return Finding::Unreached(format!("{halt:?}")),
        }
    }
    if let Some(number) = value.as_f64() {
        #[expect(clippy::cast_precision_loss, reason = "bounds of a scenario are small")]
        let (low, high) = (
            args.at_least.map(|low| low as f64),
            args.at_most.map(|high| high as f64),
        );
        if low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high) {
            return Finding::broken(bounds(args, name), shown(name, value));
        }
    } else if args.at_least.is_some() || args.at_most.is_some() {
        return Finding::broken(bounds(args, name), shown(name, value));
    }
    if let (Some(alphabet), Some(text)) = (args.alphabet, value.as_str())
        && !in_alphabet(alphabet, text)
    {
        return Finding::broken(format!("`{name}` {}", alphabet_words(alphabet)), shown(name, value));
    }
    match (args.at_most_bytes, value.as_str()) {
        (Some(most), Some(text)) if text.len() > most => Finding::broken(
            format!("`{name}` a text of {most} bytes or less"),
            format!("{} bytes", text.len()),
        ),
        _ => long_enough(args, name, value),
    }
}

/// Says how long the text is, and never what it says: it may be a secret.
fn long_enough(args: &JsonArgs, name: &str, value: &Value) -> Finding {
    match (args.at_least_bytes, value.as_str()) {
        (Some(least), Some(text)) if text.len() < least => Finding::broken(
            format!("`{name}` a text of {least} bytes or more"),
            format!("{} bytes", text.len()),
        ),
        _ => Finding::holds(),
    }
}

fn bounds(args: &JsonArgs, name: &str) -> String {
    match (args.at_least, args.at_most) {
        (Some(low), Some(high)) => format!("`{name}` a number from {low} to {high}"),
        (Some(low), None) => format!("`{name}` a number of {low} or more"),
        (None, high) => format!("`{name}` a number of {} or less", high.unwrap_or_default()),
    }
}

fn wanted(args: &JsonArgs, name: &str) -> String {
    match (args.is, &args.has) {
        (Some(kind), _) => format!("`{name}` {}", kind_words(kind)),
        (None, Some(word)) => format!("`{name}` with `{word}`"),
        (None, None) => format!("`{name}`"),
    }
}

fn shown(name: &str, value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("`{name}`: {}…", &text[..at]),
        None => format!("`{name}`: {text}"),
    }
}

fn holds(value: &Value, word: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(word)),
        Value::String(text) => text.split(' ').any(|one| one == word),
        _ => false,
    }
}

fn is_kind(kind: JsonKind, value: &Value, loopback: bool) -> bool {
    match kind {
        JsonKind::String => value.is_string(),
        JsonKind::NonEmptyString => value.as_str().is_some_and(|text| !text.is_empty()),
        JsonKind::Number => value.is_number(),
        JsonKind::Integer => value.is_i64() || value.is_u64(),
        JsonKind::Boolean => value.is_boolean(),
        JsonKind::Array => value.is_array(),
        JsonKind::Strings => value
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string)),
        JsonKind::Object => value.is_object(),
        JsonKind::AbsoluteUrl => absolute(value).is_some(),
        JsonKind::HttpsUrl => absolute(value).is_some_and(|url| url.scheme() == "https" || loopback),
        JsonKind::FhirId => value.as_str().is_some_and(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        }),
    }
}

fn absolute(value: &Value) -> Option<Url> {
    let url = Url::parse(value.as_str()?).ok()?;
    (url.has_host() && url.fragment().is_none() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn kind_words(kind: JsonKind) -> &'static str {
    match kind {
        JsonKind::String => "a text",
        JsonKind::NonEmptyString => "a text that is not empty",
        JsonKind::Number => "a JSON number",
        JsonKind::Integer => "a whole JSON number",
        JsonKind::Boolean => "true or false",
        JsonKind::Array => "an array",
        JsonKind::Strings => "an array of texts, not empty",
        JsonKind::Object => "an object",
        JsonKind::AbsoluteUrl => "an absolute URL without fragment",
        JsonKind::HttpsUrl => "an absolute https URL without fragment",
        JsonKind::FhirId => "a FHIR id, without the resource type",
    }
}

/// Whether every character is in the alphabet; an empty text is not, but for a list.
pub fn in_alphabet(alphabet: Alphabet, text: &str) -> bool {
    if alphabet == Alphabet::ScopeList {
        let sound = |token: &str| in_alphabet(Alphabet::Scope, token) && !is_glued(token);
        return text.is_empty() || text.split(' ').all(sound);
    }
    let fits = |byte: u8| match alphabet {
        Alphabet::B64token => byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte),
        Alphabet::Vschar => (0x20..=0x7e).contains(&byte),
        Alphabet::ErrorText => matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e),
        Alphabet::Scope | Alphabet::ScopeList => matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e),
    };
    !text.is_empty() && text.bytes().all(fits)
}

/// Several scopes in one token: a comma is legal within a scope (`?category=a,b`), but not between two that are known.
fn is_glued(token: &str) -> bool {
    const KNOWN: [&str; 5] = ["openid", "fhirUser", "profile", "offline_access", "online_access"];
    const BEGINNINGS: [&str; 4] = ["patient/", "user/", "system/", "launch"];
    let is_scope = |piece: &str| KNOWN.contains(&piece) || BEGINNINGS.iter().any(|begin| piece.starts_with(begin));
    token
        .split([',', ';', '+', '|'])
        .filter(|piece| is_scope(piece))
        .count()
        > 1
}

fn alphabet_words(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::B64token => "of the characters of a bearer token (RFC 6750 §2.1)",
        Alphabet::Vschar => "of visible ASCII and space (RFC 6749 appendix A)",
        Alphabet::ErrorText => "of %x20-21, %x23-5B, %x5D-7E (RFC 6749 §5.2)",
        Alphabet::Scope => "of scope-tokens and spaces (RFC 6749 §3.3)",
        Alphabet::ScopeList => "of scope-tokens with one space between two of them, none around (RFC 6749 §3.3)",
    }
}
