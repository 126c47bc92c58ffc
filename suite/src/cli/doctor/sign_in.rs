//! One real launch by the chosen browser, from the authorization request to a token; and a token for a service.

use super::finding::Finding;
use crate::engine::{given, steps};
use crate::scenario::model::{Given, With};
use crate::step::{Context, Halt, World};
use crate::target::{Client, ClientKind};

/// Launches one client, or every one.
pub(super) async fn rehearse(world: &World, every: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let clients = &world.profile.clients;
    // The simplest client first: what fails there fails with every other.
    let mut launched: Vec<&Client> = clients
        .iter()
        .filter(|client| client.kind != ClientKind::Backend)
        .collect();
    launched.sort_by_key(|client| client.kind);
    let services = clients.iter().filter(|client| client.kind == ClientKind::Backend);
    let most = if every { usize::MAX } else { 1 };
    if launched.is_empty() {
        findings.push(Finding::incomplete(
            "sign-in",
            "no client can be launched, so nobody signed in",
            "register a client with a redirect_uri, as said above",
        ));
    }
    for client in launched.into_iter().take(most).chain(services.take(most)) {
        findings.push(launch(world, client).await);
    }
    findings
}

async fn launch(world: &World, client: &Client) -> Finding {
    let with = With::default();
    let mut context = Context::new(world, Some(client), &with, None);
    let done = walk(&mut context, client.kind).await;
    let who = world
        .profile
        .users
        .values()
        .next()
        .map_or("nobody", |user| user.username.as_str());
    let name = &client.name;
    match done {
        Ok(()) if client.kind == ClientKind::Backend => Finding::ok(
            "sign-in",
            format!("{name}: the service got a token ({})", granted(&context)),
        ),
        Ok(()) => Finding::ok(
            "sign-in",
            format!(
                "{name}: launched by {} as {who} ({})",
                world.agent.name(),
                granted(&context)
            ),
        ),
        Err(Halt::Skip(why)) => Finding::warn(
            "sign-in",
            format!("{name}: not tried: {why}"),
            "nothing, where that is right",
        ),
        Err(Halt::Blocked(why) | Halt::Error(why) | Halt::Scenario(why)) => {
            Finding::fail("sign-in", format!("{name}: {why}"), advice(&context, client.kind))
        }
    }
}

async fn walk(context: &mut Context<'_>, kind: ClientKind) -> Result<(), Halt> {
    for step in given::steps(Given::Launched, kind) {
        steps::run(context, std::slice::from_ref(&step)).await?;
        given::accepted(context)?;
    }
    Ok(())
}

/// Which scopes came with the token, and which patient.
fn granted(context: &Context<'_>) -> String {
    let of = |name: &str| context.member(None, name);
    let scope = of("scope").unwrap_or_else(|| "no scope told".to_owned());
    match of("patient") {
        Some(patient) => format!("{scope}; patient {patient}"),
        None => format!("{scope}; no patient"),
    }
}

/// What to look at, by how far it came.
fn advice(context: &Context<'_>, kind: ClientKind) -> String {
    let exchanged = context
        .deeds
        .iter()
        .any(|deed| deed.verb == "exchange" || deed.verb == "backend");
    if exchanged {
        match kind {
            ClientKind::Public => "is this client registered as public, for the grant authorization_code?",
            ClientKind::Symmetric => {
                "does the secret belong to this client, and is `auth` (basic or post) the method that it is registered for?"
            }
            ClientKind::Asymmetric | ClientKind::Backend => {
                "is the public half of this key registered for this client, under its `kid`, or is the jwks_uri reachable \
                 from the server?"
            }
        }
        .to_owned()
    } else {
        "are client_id, the first of redirect_uris and the scopes as they are registered? Are user name and password \
         right? Where a page is not understood, describe it in [sign_in] script, or use --agent chrome or manual"
            .to_owned()
    }
}
