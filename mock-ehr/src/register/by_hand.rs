//! Clients by hand: `/clients` of the management listener lists, registers, changes and deletes them.
//!
//! What stands in the configuration is listed and stays as it is; what was registered, by whatever way, can be changed.

mod read;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde_json::{Value, json};

use self::read::{Asked, Wrong};
use crate::config::{Client, ClientKind, Secret, SecretMethod};
use crate::form::encode;
use crate::state::AppState;
use crate::store::registered::{Added, Known, Registration};
use crate::token::response::text_of;

/// Ids that begin so are given to apps that register themselves.
pub(super) const OF_APPS: &str = "registered";

/// `GET /clients`
pub(crate) async fn list(State(app): State<AppState>) -> Json<Value> {
    let configured = app.config().clients.iter().map(Known::Configured);
    let registered = app.store().registrations().into_iter().map(Known::Registered);
    Json(
        configured
            .chain(registered)
            .map(|client| shown(&app, &client))
            .collect(),
    )
}

/// `GET /clients/{client_id}`
pub(crate) async fn show(State(app): State<AppState>, id: Result<Path<String>, PathRejection>) -> Response {
    match id.ok().and_then(|Path(id)| app.client(&id)) {
        Some(client) => Json(shown(&app, &client)).into_response(),
        None => unknown(),
    }
}

/// `POST /clients`
pub(crate) async fn create(State(app): State<AppState>, body: Result<Json<Value>, JsonRejection>) -> Response {
    let asked = match asked(body) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let id = asked.client_id.clone();
    let id = id.unwrap_or_else(|| format!("by-hand-{}", app.chance().token::<6>()));
    if id.starts_with(OF_APPS) {
        let what = format!("ids that begin with {OF_APPS} are given to apps that register themselves");
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "client_id", &what);
    }
    if let Some(known) = app.client(&id) {
        return taken(&app, &known);
    }
    let client = match asked.client(&app, &id, None) {
        Ok(client) => client,
        Err(wrong) => return refuse_member(&wrong),
    };
    let answer = told(&app, &client, asked.client_secret.is_none());
    match app
        .store()
        .register(client.clone(), app.chance().token::<32>(), app.now())
    {
        Added::Yes => {
            let location = format!("/clients/{}", encode(&id));
            (StatusCode::CREATED, [(LOCATION, location)], Json(answer)).into_response()
        }
        Added::Taken => taken(&app, &client),
        Added::Full => full(),
    }
}

/// `PUT /clients/{client_id}`: what comes takes the place of what was; a secret that is left out stays.
pub(crate) async fn change(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let known = match registered(&app, id) {
        Ok(known) => known,
        Err(refused) => return *refused,
    };
    let asked = match asked(body) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let id = &known.client.client_id;
    if let Some(other) = asked.client_id.as_ref().filter(|other| *other != id) {
        let what = format!("the client at this address is {id}, and not {other}; an id cannot be changed");
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "client_id", &what);
    }
    let client = match asked.client(&app, id, known.client.client_secret.as_ref()) {
        Ok(client) => client,
        Err(wrong) => return refuse_member(&wrong),
    };
    let is_secret_new = asked.client_secret.is_none() && known.client.client_secret.is_none();
    let answer = told(&app, &client, is_secret_new);
    // Deleted in the meantime, it does not come back.
    if app.store().reregister(&client) {
        Json(answer).into_response()
    } else {
        unknown()
    }
}

/// `DELETE /clients/{client_id}`: with all that it was given.
pub(crate) async fn remove(State(app): State<AppState>, id: Result<Path<String>, PathRejection>) -> Response {
    match registered(&app, id) {
        Ok(known) => {
            app.store().unregister(&known.client.client_id);
            app.store().revoke_grants_of(&known.client.client_id, app.now());
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => *refused,
    }
}

fn asked(body: Result<Json<Value>, JsonRejection>) -> Result<Asked, Box<Response>> {
    let Json(body) = body.map_err(|error| Box::new(refuse(error.status(), "(body)", &error.body_text())))?;
    read::asked(&body).map_err(|wrong| Box::new(refuse_member(&wrong)))
}

/// One that can be changed.
fn registered(app: &AppState, id: Result<Path<String>, PathRejection>) -> Result<Arc<Registration>, Box<Response>> {
    let Ok(Path(id)) = id else {
        return Err(Box::new(unknown()));
    };
    if app.config().client(&id).is_some() {
        let what = format!("{id} stands in the configuration: change it there, or register another beside it");
        return Err(Box::new(refuse(StatusCode::CONFLICT, "client_id", &what)));
    }
    app.store().registration(&id).ok_or_else(|| Box::new(unknown()))
}

/// Which way it came here.
fn from(app: &AppState, client: &Client) -> &'static str {
    let id = client.client_id.as_str();
    if app.config().client(id).is_some() {
        "configuration"
    } else if app.first_try().is_some_and(|first| first.client_id == id) {
        "--app"
    } else if id.starts_with(OF_APPS) {
        "registration"
    } else {
        "management"
    }
}

/// A client without its secret.
fn shown(app: &AppState, client: &Client) -> Value {
    let mut shown = json!({
        "client_id": client.client_id,
        "from": from(app, client),
        "name": client.name,
        "kind": match client.kind {
            ClientKind::Public => "public",
            ClientKind::Symmetric => "symmetric",
            ClientKind::Asymmetric => "asymmetric",
            ClientKind::Backend => "backend",
        },
        "redirect_uris": client.redirect_uris,
        "launch_url": client.launch_url,
        "scopes": text_of(&client.scopes),
        "origins": client.origins,
        "require_pushed_authorization_requests": client.pushed_only,
    });
    if client.kind == ClientKind::Symmetric {
        shown["auth_methods"] = client.auth_methods.iter().map(|method| method_name(*method)).collect();
    }
    if matches!(client.kind, ClientKind::Asymmetric | ClientKind::Backend) {
        shown["jwks"] = json!(client.jwks);
        shown["jwks_uri"] = json!(client.jwks_uri);
        shown["key_fixtures"] = json!(client.key_fixtures);
    }
    shown
}

fn method_name(method: SecretMethod) -> &'static str {
    match method {
        SecretMethod::Basic => "client_secret_basic",
        SecretMethod::Post => "client_secret_post",
    }
}

/// With the secret, where it was made here: it is told once.
fn told(app: &AppState, client: &Client, is_secret_new: bool) -> Value {
    let mut told = shown(app, client);
    if let Some(Secret(secret)) = client.client_secret.as_ref().filter(|_| is_secret_new) {
        told["client_secret"] = json!(secret);
    }
    told
}

fn taken(app: &AppState, known: &Client) -> Response {
    let (id, from) = (&known.client_id, from(app, known));
    let what = format!("{id} is registered already ({from}); change it with PUT /clients/{id}");
    refuse(StatusCode::CONFLICT, "client_id", &what)
}

fn unknown() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "client_id",
        "there is no client of this id; GET /clients lists them",
    )
}

fn full() -> Response {
    refuse(
        StatusCode::CONFLICT,
        "(body)",
        "too many clients are registered; delete some, or POST /reset",
    )
}

fn refuse_member(wrong: &Wrong) -> Response {
    refuse(StatusCode::UNPROCESSABLE_ENTITY, &wrong.field, &wrong.what)
}

fn refuse(status: StatusCode, field: &str, what: &str) -> Response {
    (
        status,
        Json(json!({ "error": format!("{field}: {what}"), "field": field })),
    )
        .into_response()
}
