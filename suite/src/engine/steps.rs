//! Runs one step after another, each within the time that a step may take.

use std::sync::Arc;

use crate::scenario::Step;
use crate::step::arguments::ClientWord;
use crate::step::{
    Context, Halt, authorize, backend, discover, fhir, flow, manage, preflight, publish, push, register, token,
    userinfo, wait,
};
use crate::target::ClientKind;

/// Runs these steps; stops at the first that cannot go on.
pub async fn run(context: &mut Context<'_>, steps: &[Step]) -> Result<(), Halt> {
    for step in steps {
        // Before the step's own time begins.
        if matches!(step, Step::Authorize(_) | Step::Flow(_) | Step::Interleaved(_)) {
            context.world.pace().await;
        }
        let limit = context.world.limits.step;
        if matches!(step, Step::Wait(_)) {
            one(context, step).await?;
            continue;
        }
        let done = tokio::time::timeout(limit, one(context, step)).await;
        context.keep_asked();
        match done {
            Ok(done) => done?,
            Err(_) => {
                return Err(Halt::Error(format!(
                    "`{}` took longer than the {limit:?} of a step",
                    step.word()
                )));
            }
        }
    }
    Ok(())
}

async fn one(context: &mut Context<'_>, step: &Step) -> Result<(), Halt> {
    match step {
        Step::Discover(args) => discover::discover(context, args, "discover").await,
        Step::Jwks(args) => discover::discover(context, args, "jwks").await,
        Step::Publish(args) => publish::publish(context, args),
        Step::Push(args) => push::push(context, args).await,
        Step::Register(args) => register::register(context, args).await,
        Step::Manage(args) => manage::manage(context, args).await,
        // A backend service has no user to send anywhere.
        Step::Authorize(args)
            if args.client == ClientWord::Own
                && context.client.is_some_and(|client| client.kind == ClientKind::Backend) =>
        {
            Ok(())
        }
        Step::Launch(args) => authorize::launch(context, args).await,
        Step::Authorize(args) => authorize::authorize(context, args).await,
        Step::Interleaved(args) => authorize::interleaved(context, &args.authorize).await,
        Step::Flow(args) => flow::flow(context, args).await,
        Step::Together(steps) => together(context, steps).await,
        Step::Exchange(_) | Step::Backend(_) | Step::Refresh(_) | Step::Introspect(_) | Step::Revoke(_) => {
            let deed = prepare(context, step).await?.send(context.world).await;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Fhir(args) => {
            let deed = fhir::fhir(context, args).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Userinfo(args) => {
            let deed = userinfo::userinfo(context, args).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Request(args) => {
            let deed = fhir::request(context, args).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Preflight(args) => {
            let deed = preflight::preflight(context, args).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Tls(args) => {
            let deed = crate::step::tls::tls(context, args).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
        Step::Wait(args) => {
            let deed = wait::wait(context, args.until).await?;
            context.deeds.push(Arc::new(deed));
            Ok(())
        }
    }
}

/// Prepares all, then sends all at the same moment.
async fn together(context: &mut Context<'_>, steps: &[Step]) -> Result<(), Halt> {
    let of_fhir: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Fhir(args) => Some(args),
            _ => None,
        })
        .collect();
    if !of_fhir.is_empty() && of_fhir.len() == steps.len() {
        context.world.room_for(steps.len()).await;
        let deeds = fhir::together(context, &of_fhir).await?;
        context.deeds.extend(deeds.into_iter().map(Arc::new));
        return Ok(());
    }
    let of_documents: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Discover(args) => Some(args),
            _ => None,
        })
        .collect();
    if !of_documents.is_empty() && of_documents.len() == steps.len() {
        context.world.room_for(steps.len()).await;
        let deeds = discover::together(context, &of_documents).await?;
        context.deeds.extend(deeds.into_iter().map(Arc::new));
        return Ok(());
    }
    let mut ready = Vec::new();
    for step in steps {
        ready.push(prepare(context, step).await?.raced());
    }
    let world = context.world;
    world.room_for(ready.len()).await;
    let deeds = futures::future::join_all(ready.into_iter().map(|one| one.send(world))).await;
    for deed in deeds {
        context.deeds.push(Arc::new(deed));
    }
    Ok(())
}

/// A step that can be raced: built now, sent later.
async fn prepare(context: &Context<'_>, step: &Step) -> Result<token::Ready, Halt> {
    match step {
        Step::Exchange(args) => token::exchange(context, args).await,
        Step::Backend(args) => backend::backend(context, args).await,
        Step::Refresh(args) => token::refresh(context, args).await,
        Step::Introspect(args) => token::about_token(context, args, "introspect").await,
        Step::Revoke(args) => token::about_token(context, args, "revoke").await,
        other => Err(Halt::Scenario(format!(
            "`{}` cannot be raced in `together`",
            other.word()
        ))),
    }
}
