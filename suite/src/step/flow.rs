//! `flow`: authorize, exchange, read: as far as the server lets it, since the place of a refusal is often its choice.

use std::sync::Arc;

use super::arguments::FlowArgs;
use super::context::{Context, Halt, Outcome};
use super::{authorize, fhir, token};

/// Runs the stages until one gives nothing to go on with.
pub async fn flow(context: &mut Context<'_>, args: &FlowArgs) -> Result<(), Halt> {
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
