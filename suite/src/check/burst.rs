//! Whether several requests at the same moment are all answered, and in time.
//!
//! A limit that says so (429, or 503 with Retry-After) is legal: RFC 6585 §4, RFC 9110 §15.6.4.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use super::refusal::describe_answer;
use crate::http::Failure;
use crate::step::Context;
use crate::step::context::Outcome;

/// `all_answered`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllAnsweredArgs {
    /// Verb of the steps.
    pub of: String,
    /// Milliseconds in which each answer must have come.
    pub milliseconds: u64,
}

/// One of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
enum One {
    Answered(u128),
    Limited,
    Broken(String),
    Unclear(String),
}

/// `all_answered`: with 200.
pub fn all_answered(context: &Context<'_>, args: &AllAnsweredArgs) -> Finding {
    let of = context.deeds.iter().filter(|deed| deed.verb == args.of);
    let all: Vec<One> = of
        .filter_map(|deed| match &deed.outcome {
            Outcome::Answered(answer) => Some(match answer.outcome() {
                Ok(response) => {
                    let told_when = response.header("retry-after").is_some();
                    match response.status {
                        200 => One::Answered(response.elapsed.as_millis()),
                        429 => One::Limited,
                        503 if told_when => One::Limited,
                        _ => One::Broken(describe_answer(answer)),
                    }
                }
                Err(Failure::Timeout(limit)) => One::Broken(format!("no answer within {limit:?}")),
                Err(failure) => One::Unclear(failure.to_string()),
            }),
            _ => None,
        })
        .collect();
    judge(&all, args.milliseconds)
}

fn judge(all: &[One], milliseconds: u64) -> Finding {
    let count = all.len();
    let expected = format!("{count} requests at the same moment, each answered with 200 within {milliseconds} ms");
    let (mut times, mut limited) = (Vec::new(), 0);
    for one in all {
        match one {
            One::Answered(took) => times.push(*took),
            One::Limited => limited += 1,
            One::Broken(words) => return Finding::broken(expected, words),
            One::Unclear(words) => return Finding::Undecided(words.clone()),
        }
    }
    let Some(slowest) = times.iter().max() else {
        return Finding::TooLittle("none of the requests was answered".to_owned());
    };
    if *slowest > u128::from(milliseconds) {
        return Finding::broken(expected, format!("{slowest} ms"));
    }
    let told = if limited > 0 {
        format!("; {limited} of {count} were told to come later")
    } else {
        String::new()
    };
    Finding::Holds(Some(format!("the slowest of {count} took {slowest} ms{told}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_legal_and_a_breakdown_is_not() {
        let fine = [One::Answered(5), One::Answered(9)];
        assert_eq!(
            judge(&fine, 10),
            Finding::Holds(Some("the slowest of 2 took 9 ms".into()))
        );
        let limited = [One::Answered(5), One::Limited];
        assert!(matches!(judge(&limited, 10), Finding::Holds(Some(note)) if note.contains("1 of 2")));
        for bad in [One::Answered(11), One::Broken("status 500".into())] {
            assert!(matches!(judge(&[One::Answered(5), bad], 10), Finding::Broken { .. }));
        }
        assert!(matches!(judge(&[One::Limited], 10), Finding::TooLittle(_)));
        let cut = [One::Answered(5), One::Unclear("cut".into())];
        assert!(matches!(judge(&cut, 10), Finding::Undecided(_)));
    }
}
