//! `wait`: lets time pass, on the target's clock where it offers one, in real time where `--slow` allows it.

use std::time::Duration;

use jiff::SignedDuration;

use super::arguments::Until;
use super::context::{Context, Deed, Halt, Outcome};
use crate::http::Request;

/// Ten minutes, the longest life that RFC 6749 §4.1.2 recommends for a code, and half a minute.
const CODE: i64 = 630;
/// Longer than a sensible `launch` lives.
const LAUNCH: i64 = 3_700;
/// SMART 2.2 client-confidential-asymmetric: an assertion lives for five minutes at most.
const ASSERTION: i64 = 280;

/// Lets the time pass.
pub async fn wait(context: &Context<'_>, until: Until) -> Result<Deed, Halt> {
    let world = context.world;
    let seconds = match until {
        Until::CodeExpired => CODE,
        Until::LaunchExpired => LAUNCH,
        Until::AssertionAged => ASSERTION,
        Until::TokenExpired => expires_in(context)? + 60,
    };
    let by = SignedDuration::from_secs(seconds);
    if let Some(url) = &world.profile.advance_url {
        let mut request = Request::get(url.clone());
        request.method = http::Method::POST;
        request.body = crate::http::RequestBody::Raw {
            content_type: "application/json".to_owned(),
            bytes: format!("{{\"seconds\":{seconds}}}").into(),
        };
        let (_, outcome) = world.send("wait", request).await;
        match outcome {
            Ok(response) if response.status < 300 => {
                world.clock.advance(by);
            }
            Ok(response) => {
                return Err(Halt::Error(format!(
                    "{url} answered {} to a shift of the clock",
                    response.status
                )));
            }
            Err(failure) => return Err(Halt::Error(format!("{url}: {failure}"))),
        }
    } else if world.clock.advance(by) {
        // The target shares this clock.
    } else if world.slow {
        tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())).await;
    } else {
        return Err(Halt::Skip(format!(
            "it takes {seconds} s of waiting; run with --slow, or give the profile [clock] advance_url"
        )));
    }
    Ok(Deed {
        label: None,
        verb: "wait",
        client: String::new(),
        correct: true,
        outcome: Outcome::Waited,
        exchanges: Vec::new(),
    })
}

fn expires_in(context: &Context<'_>) -> Result<i64, Halt> {
    context
        .deeds
        .iter()
        .rev()
        .find_map(|deed| match &deed.outcome {
            Outcome::Answered(answer) => answer.json.as_ref()?.get("expires_in")?.as_i64(),
            _ => None,
        })
        .filter(|seconds| (0..=86_400).contains(seconds))
        .ok_or_else(|| Halt::Skip("the token response gives no expires_in of a day or less to wait for".to_owned()))
}
