//! Status, header fields, media type, OAuth error and time of an answer.
//!
//! RFC 6749 §5.1 and §5.2; RFC 9110.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, answer, deed};
use super::json::{Alphabet, in_alphabet};
use super::refusal::describe_answer;
use crate::http::Response;
use crate::step::Context;
use crate::step::context::{Answer, Outcome};
use crate::value::Template;

/// `header`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Field name.
    pub name: String,
    /// A directive or word among its comma-separated values, any case.
    #[serde(default)]
    pub has: Option<String>,
    /// Its whole value.
    #[serde(default)]
    pub is: Option<Template>,
    /// It starts with this word, any case (`Bearer`).
    #[serde(default)]
    pub scheme: Option<String>,
    /// One of its values holds this text, any case.
    #[serde(default)]
    pub contains: Option<String>,
    /// None of its values holds this text, any case; a field that is not there holds none.
    #[serde(default)]
    pub lacks: Option<String>,
    /// It must not be there.
    #[serde(default)]
    pub absent: bool,
}

/// `content_type`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentTypeArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Media type, without parameters.
    pub is: String,
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Statuses, quoted: `["400", "401"]`; `4xx` for a class.
    pub is: Vec<String>,
}

/// `error`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Codes of which it must be one.
    pub is: Vec<String>,
}

/// `error_body`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBodyArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
}

/// `within`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithinArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Milliseconds.
    pub milliseconds: u64,
}

fn response<'c>(context: &'c Context<'_>, of: Option<&str>) -> Result<(&'c Answer, &'c Response), Finding> {
    let answer = answer(context, of)?;
    let response = answer
        .outcome()
        .map_err(|failure| Finding::Undecided(failure.to_string()))?;
    if response.status == 429 || response.status == 408 {
        return Err(Finding::Undecided(describe_answer(answer)));
    }
    Ok((answer, response))
}

macro_rules! found {
    ($looked:expr) => {
        match $looked {
            Ok(value) => value,
            Err(finding) => return finding,
        }
    };
}

/// `header`.
pub fn header(context: &Context<'_>, args: &HeaderArgs) -> Finding {
    let (_, response) = found!(response(context, args.of.as_deref()));
    let name = &args.name;
    let values: Vec<String> = response
        .headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let observed = if values.is_empty() {
        format!("no {name}")
    } else {
        format!("{name}: {}", values.join(", "))
    };
    if args.absent {
        return Finding::when(values.is_empty(), format!("no {name}"), observed);
    }
    let holds = |text: &str| {
        let text = text.to_lowercase();
        values.iter().any(|value| value.to_lowercase().contains(&text))
    };
    if let Some(text) = &args.contains {
        return Finding::when(holds(text), format!("{name} with `{text}`"), observed);
    }
    if let Some(text) = &args.lacks {
        return Finding::when(!holds(text), format!("{name} without `{text}`"), observed);
    }
    if let Some(word) = &args.has {
        let there = values
            .iter()
            .flat_map(|value| value.split(','))
            .any(|one| one.trim().eq_ignore_ascii_case(word));
        return Finding::when(there, format!("{name} with `{word}`"), observed);
    }
    if let Some(scheme) = &args.scheme {
        let there = values.iter().any(|value| {
            value
                .split_whitespace()
                .next()
                .is_some_and(|first| first.trim_end_matches(',').eq_ignore_ascii_case(scheme))
        });
        return Finding::when(there, format!("{name} with the scheme {scheme}"), observed);
    }
    match &args.is {
        Some(wanted) => {
            let wanted = match context.fill(wanted, &|_: &str| None) {
                Ok(wanted) => wanted,
                Err(halt) => return Finding::Unreached(format!("{halt:?}")),
            };
            Finding::when(values == [wanted.clone()], format!("{name}: {wanted}"), observed)
        }
        None => Finding::when(!values.is_empty(), format!("a header field {name}"), observed),
    }
}

/// `content_type`.
pub fn content_type(context: &Context<'_>, args: &ContentTypeArgs) -> Finding {
    let (_, response) = found!(response(context, args.of.as_deref()));
    let came = response.header("content-type").unwrap_or_default();
    let media = came.split(';').next().unwrap_or_default().trim();
    let observed = if came.is_empty() {
        "no Content-Type".to_owned()
    } else {
        format!("Content-Type: {came}")
    };
    Finding::when(
        media.eq_ignore_ascii_case(&args.is),
        format!("Content-Type: {}", args.is),
        observed,
    )
}

/// `status`.
pub fn status(context: &Context<'_>, args: &StatusArgs) -> Finding {
    let (answer, response) = found!(response(context, args.of.as_deref()));
    let came = response.status.to_string();
    let fits = |wanted: &String| wanted == &came || (wanted.ends_with("xx") && wanted[..1] == came[..1]);
    if response.status >= 500 && !args.is.iter().any(fits) {
        return Finding::ServerError(describe_answer(answer));
    }
    Finding::when(
        args.is.iter().any(fits),
        format!("status {}", args.is.join(" or ")),
        describe_answer(answer),
    )
}

/// `error`.
pub fn error(context: &Context<'_>, args: &ErrorArgs) -> Finding {
    let (answer, response) = found!(response(context, args.of.as_deref()));
    if response.status >= 500 {
        return Finding::ServerError(describe_answer(answer));
    }
    if answer.text("access_token").is_some() {
        return Finding::Unreached("the request was accepted, so there is no error to judge".to_owned());
    }
    let code = answer.text("error").unwrap_or_default();
    let wanted = args
        .is
        .iter()
        .map(|one| format!("`{one}`"))
        .collect::<Vec<_>>()
        .join(" or ");
    Finding::when(
        args.is.iter().any(|one| one == code),
        format!("error {wanted}"),
        describe_answer(answer),
    )
}

/// `error_body`: RFC 6749 §5.2, a JSON object with `error`, in the allowed characters.
pub fn error_body(context: &Context<'_>, args: &ErrorBodyArgs) -> Finding {
    let (answer, response) = found!(response(context, args.of.as_deref()));
    if response.status >= 500 {
        return Finding::ServerError(describe_answer(answer));
    }
    if answer.text("access_token").is_some() {
        return Finding::Unreached("the request was accepted, so there is no error to judge".to_owned());
    }
    let media = response.header("content-type").unwrap_or("none");
    if !media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
    {
        return Finding::broken("Content-Type: application/json", format!("Content-Type: {media}"));
    }
    let Some(json) = answer.json.as_ref().filter(|json| json.is_object()) else {
        return Finding::broken("a JSON object", describe_answer(answer));
    };
    let Some(code) = json["error"].as_str().filter(|code| !code.is_empty()) else {
        return Finding::broken("a member `error`, a text", describe_answer(answer));
    };
    for name in ["error", "error_description"] {
        match &json[name] {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) if in_alphabet(Alphabet::ErrorText, text) => {}
            other => {
                return Finding::broken(
                    format!("`{name}` a text of %x20-21, %x23-5B, %x5D-7E"),
                    format!("{name}: {other}"),
                );
            }
        }
    }
    Finding::Holds(Some(format!("error `{code}`")))
}

/// `within`.
pub fn within(context: &Context<'_>, args: &WithinArgs) -> Finding {
    let deed = found!(deed(context, args.of.as_deref()));
    let Outcome::Answered(answer) = &deed.outcome else {
        return Finding::Unreached("only an answer has a time".to_owned());
    };
    match answer.outcome() {
        Ok(response) => {
            let took = response.elapsed.as_millis();
            Finding::when(
                took <= u128::from(args.milliseconds),
                format!("an answer within {} ms", args.milliseconds),
                format!("{took} ms"),
            )
        }
        Err(failure) => Finding::broken(
            format!("an answer within {} ms", args.milliseconds),
            failure.to_string(),
        ),
    }
}
