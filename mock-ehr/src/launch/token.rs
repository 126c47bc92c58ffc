//! The `launch` value: a JWT signed by the server, so that an altered one is known for what it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::LaunchContext;
use super::fault::{self, Carrier, Riders};
use crate::config::IdTokenAlg;
use crate::keys::server_key;
use crate::state::AppState;

/// What a `launch` value says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchClaims {
    pub(crate) iss: String,
    pub(crate) client: String,
    #[serde(default)]
    pub(crate) user: Option<String>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    #[serde(default)]
    pub(crate) ctx: LaunchContext,
    /// Where the launch begins, where that is not the registered launch URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) launch_url: Option<String>,
    /// Names of the defects, and broken answers, that show in this launch only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<String>,
}

/// What a `launch` value is made for.
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a str,
    pub(crate) user: Option<&'a str>,
    pub(crate) launch_url: Option<String>,
    pub(crate) faults: Vec<String>,
}

const TYPE: &str = "launch+jwt";

pub(crate) fn make(state: &AppState, asked: Asked<'_>, ctx: LaunchContext) -> String {
    let now = state.now().as_second();
    let claims = LaunchClaims {
        iss: state.public_url().to_owned(),
        client: asked.client.to_owned(),
        user: asked.user.map(str::to_owned),
        iat: now,
        exp: now + state.config().launch_lifetime_seconds,
        jti: state.chance().token::<16>(),
        ctx,
        launch_url: asked.launch_url,
        faults: asked.faults,
    };
    server_key(IdTokenAlg::ES256).sign(TYPE, &json!(claims))
}

/// A `launch` value that can be read, whoever made it.
pub(crate) struct Read {
    pub(crate) claims: LaunchClaims,
    pub(crate) signed_by_us: bool,
}

pub(crate) fn read(state: &AppState, text: &str) -> Option<Read> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: serde_json::Value = decode(header)?;
    let claims: LaunchClaims = decode(claims)?;
    let signed_by_us = header["alg"] == "ES256"
        && header["typ"] == TYPE
        && claims.iss == state.public_url()
        && server_key(IdTokenAlg::ES256).verifies(message.as_bytes(), signature);
    Some(Read { claims, signed_by_us })
}

impl LaunchClaims {
    pub(crate) fn expires(&self) -> Timestamp {
        Timestamp::from_second(self.exp).unwrap_or(Timestamp::MIN)
    }

    /// What shows in this launch only.
    pub(crate) fn riders(&self) -> Riders {
        Riders {
            launch: self.jti.clone(),
            ..fault::named(Carrier::Launch, &self.faults).unwrap_or_default()
        }
    }
}

/// The claims of a JWT of this type that bears this server's signature.
pub(crate) fn verified<T: serde::de::DeserializeOwned>(kind: &str, text: &str) -> Option<T> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: serde_json::Value = decode(header)?;
    let key = server_key(IdTokenAlg::ES256);
    let is_ours = header["alg"] == key.alg && header["typ"] == kind && key.verifies(message.as_bytes(), signature);
    is_ours.then(|| decode(claims)).flatten()
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
