//! `flow`: authorize, exchange, read: as far as the server lets it, since the place of a refusal is often its choice.
//! A client whose registration was refused is not launched at all.

use std::sync::Arc;

use super::arguments::{ClientWord, FlowArgs};
use super::context::{Context, Halt, Outcome};
use super::{authorize, fhir, token};

/// Runs the stages until one gives nothing to go on with.
pub async fn flow(context: &mut Context<'_>, args: &FlowArgs) -> Result<(), Halt> {
    if args.authorize.client == ClientWord::Registered && was_refused(context) {
        return Ok(());
    }
    authorize::authorize(context, &args.authorize).await?;
    let Some(exchange) = &args.exchange else { return Ok(()) };
    let got_code = context
        .authorization(None)
        .is_some_and(|authorization| authorization.code().is_some());
    if !got_code {
        return Ok(());
    }
    let deed = token::exchange(context, exchange).await?.send(context.world).await;
    let got_token = matches!(&deed.outcome, Outcome::Answered(answer) if answer.text("access_token").is_some());
    context.deeds.push(Arc::new(deed));
    if let (Some(read), true) = (&args.fhir, got_token) {
        let deed = fhir::fhir(context, read).await?;
        context.deeds.push(Arc::new(deed));
    }
    Ok(())
}

/// Whether the last registration was refused.
fn was_refused(context: &Context<'_>) -> bool {
    let last = context.deeds.iter().rev().find(|deed| deed.verb == "register");
    last.is_some_and(|deed| match &deed.outcome {
        Outcome::Answered(answer) => answer
            .outcome()
            .is_ok_and(|response| (400..500).contains(&response.status)),
        _ => false,
    })
}

impl FlowArgs {
    /// The same flow without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            authorize: self.authorize.stripped(),
            exchange: self.exchange.as_ref().map(super::arguments::ExchangeArgs::stripped),
            fhir: self.fhir.as_ref().map(super::arguments::FhirArgs::stripped),
        }
    }
}
