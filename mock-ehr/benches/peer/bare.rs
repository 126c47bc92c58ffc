//! The least that an axum handler can do for a refresh: the same form, the same comparison of the secret, two new random
//! tokens, and with `openid` the same signature. What the mock takes beyond that is its own. `bare PORT COUNT FILE`
//! writes COUNT refresh tokens to FILE; a token that begins with `openid.` gets an id_token.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use serde_json::json;
use subtle::ConstantTimeEq as _;

const SECRET: &str = "test-only-another-secret";

struct Bare {
    tokens: Mutex<HashSet<String>>,
    key: KeyPair,
}

fn token() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(clippy::disallowed_methods, reason = "a benchmark of its own, not the mock")]
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn refresh(State(bare): State<Arc<Bare>>, Form(form): Form<HashMap<String, String>>) -> Response {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if !bool::from(field("client_secret").as_bytes().ct_eq(SECRET.as_bytes())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (before, mut after) = (field("refresh_token"), token());
    let signed = before.starts_with("openid.");
    if signed {
        after.insert_str(0, "openid.");
    }
    {
        let mut tokens = bare.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if !tokens.remove(before) {
            return StatusCode::BAD_REQUEST.into_response();
        }
        tokens.insert(after.clone());
    }
    let mut body =
        json!({ "access_token": token(), "token_type": "Bearer", "expires_in": 3600, "refresh_token": after });
    if signed {
        let claims =
            json!({ "iss": "http://127.0.0.1", "sub": "demo", "aud": "bench", "exp": 4_000_000_000_u64, "iat": 1 });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({ "alg": "RS256" })), part(&claims));
        let mut signature = vec![0; bare.key.public_modulus_len()];
        let made = bare.key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        );
        if made.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        body["id_token"] = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into();
    }
    Json(body).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, count, file] = arguments.as_slice() else {
        return Err("bare PORT COUNT FILE".into());
    };
    let prefix = std::env::var("PREFIX").unwrap_or_default();
    let tokens: Vec<String> = (0..count.parse::<usize>()?)
        .map(|_| prefix.clone() + &token())
        .collect();
    std::fs::write(file, tokens.join("\n") + "\n")?;
    let bare = Bare {
        tokens: Mutex::new(tokens.into_iter().collect()),
        key: KeyPair::generate(KeySize::Rsa2048)?,
    };
    let router = Router::new()
        .route("/auth/token", post(refresh))
        .with_state(Arc::new(bare));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    println!("ready");
    Ok(axum::serve(listener, router).await?)
}
