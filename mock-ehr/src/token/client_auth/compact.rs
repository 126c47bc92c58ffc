//! Reads a compact JWS strictly: base64url without padding, and of a member that stands twice the last.
//!
//! RFC 7515 §2 and §4: <https://www.rfc-editor.org/rfc/rfc7515#section-2>, RFC 7519 §4:
//! <https://www.rfc-editor.org/rfc/rfc7519#section-4>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::defect::Defect;
use crate::state::AppState;

/// One part of a token, as the object that it is.
pub(super) fn object(app: &AppState, part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(unpadded(app, part)).ok()?;
    let Members(mut members) = serde_json::from_slice(&bytes).ok()?;
    // RFC 7519 §4: twice the same name is refused, or the last of them counts.
    if is_doubled(&members) && app.defects().has(Defect::AssertionFirstOfTwoCounts) {
        members.reverse();
    }
    Some(members.into_iter().collect())
}

/// The part without the padding that it must not have: only a defect overlooks it.
pub(super) fn unpadded<'a>(app: &AppState, part: &'a str) -> &'a str {
    if part.ends_with('=') && app.defects().has(Defect::AssertionPaddingAccepted) {
        part.trim_end_matches('=')
    } else {
        part
    }
}

fn is_doubled(members: &[(String, Value)]) -> bool {
    let mut rest = members;
    while let Some(((name, _), others)) = rest.split_first() {
        if others.iter().any(|(other, _)| other == name) {
            return true;
        }
        rest = others;
    }
    false
}

/// Every member of an object, in its order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
