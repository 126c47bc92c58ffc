//! Turns a recorded exchange into what a report may keep: secrets masked by where they stand, then by value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use reports::model::DecodedJwt;
use serde_json::{Map, Value};

use super::exchange::{Exchange, Request, Response};
use super::mask::{cut, mask_inputs, mask_jwts, summary_of_page};
use super::secret::Vault;

/// Parameters and members whose values are secrets.
pub(super) const SECRETS: &[&str] = &[
    "access_token",
    "assertion",
    "client_assertion",
    "client_data",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "id_token_hint",
    "launch",
    "otp",
    "passwd",
    "password",
    "refresh_token",
    "registration_access_token",
    "session_code",
    "subject_token",
    "token",
    "totp",
];
/// Parameters and members that say who somebody is.
const IDENTITIES: &[&str] = &[
    "address",
    "birthdate",
    "email",
    "family_name",
    "fhirUser",
    "given_name",
    "login_hint",
    "name",
    "nickname",
    "patient",
    "person",
    "phone_number",
    "preferred_username",
    "profile",
    "sub",
    "subject",
    "user",
    "username",
];
/// Members of a JWK that are private.
const PRIVATE_KEY_PARTS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// FHIR types without people in them: kept whole.
const HARMLESS_TYPES: &[&str] = &["CapabilityStatement", "OperationOutcome"];
/// FHIR types whose ids name a person.
const PERSON_TYPES: &[&str] = &["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"];
/// Characters of a body that are kept.
const KEPT: usize = 16 * 1024;
const KEPT_FULL: usize = 256 * 1024;

pub(super) fn redact(vault: &Vault, exchange: &Exchange, full: bool) -> reports::model::Exchange {
    let mut redactor = Redactor {
        vault,
        full,
        learns_only: false,
        decoded: Vec::new(),
    };
    let request = redactor.request(&exchange.request);
    let response = exchange.response().map(|response| redactor.response(response));
    let failure = exchange
        .outcome
        .as_ref()
        .err()
        .map(|failure| vault.scrub(&failure.to_string()));
    reports::model::Exchange {
        id: 0,
        step: exchange.step.clone(),
        at_ms: millis(exchange.at),
        request: redactor.scrub_request(request),
        response: response.map(|response| redactor.scrub_response(response)),
        failure,
        decoded: redactor.decoded,
    }
}

/// Registers every secret of the exchange, and keeps nothing else of it.
pub(super) fn learn(vault: &Vault, exchange: &Exchange, full: bool) {
    let mut redactor = Redactor {
        vault,
        full,
        learns_only: true,
        decoded: Vec::new(),
    };
    let request = redactor.request(&exchange.request);
    let _ = redactor.scrub_request(request);
    if let Some(response) = exchange.response() {
        let response = redactor.response(response);
        let _ = redactor.scrub_response(response);
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Redactor<'a> {
    vault: &'a Vault,
    full: bool,
    /// What stands in a text is registered, and the text itself is of no use.
    learns_only: bool,
    decoded: Vec<DecodedJwt>,
}

impl Redactor<'_> {
    fn request(&mut self, request: &Request) -> reports::model::Request {
        let body = request
            .wire_body()
            .map(|(content_type, bytes)| self.body(&content_type, &bytes, true));
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((name.as_str().to_owned(), self.header(name, value)));
        }
        reports::model::Request {
            method: request.method.to_string(),
            url: self.url(request.url.as_str()),
            headers,
            body,
        }
    }

    fn response(&mut self, response: &Response) -> reports::model::Response {
        let content_type = response.header("content-type").unwrap_or_default().to_owned();
        reports::model::Response {
            status: response.status,
            headers: self.headers(&response.headers),
            body: self.body(&content_type, &response.body, response.status >= 400),
            body_bytes: response.body.len() as u64,
            elapsed_ms: millis(response.elapsed),
        }
    }

    fn headers(&mut self, headers: &HeaderMap) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for (name, value) in headers {
            texts.push((name.as_str().to_owned(), self.header(name, value)));
        }
        texts
    }

    /// After every secret of the exchange is known, by value: wherever else it stands.
    fn scrub_request(&self, mut request: reports::model::Request) -> reports::model::Request {
        request.url = self.clean(&request.url);
        for (_, value) in &mut request.headers {
            *value = self.clean(value);
        }
        request.body = request.body.map(|body| self.clean(&body));
        request
    }

    fn scrub_response(&self, mut response: reports::model::Response) -> reports::model::Response {
        for (_, value) in &mut response.headers {
            *value = self.clean(value);
        }
        response.body = self.clean(&response.body);
        response
    }

    fn clean(&self, text: &str) -> String {
        let text = mask_jwts(self.vault, text);
        if self.learns_only {
            text
        } else {
            self.vault.scrub(&text)
        }
    }

    fn header(&mut self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match name.as_str() {
            "authorization" | "proxy-authorization" => match text.split_once(' ') {
                Some((scheme, credentials)) => {
                    self.decode("Authorization", credentials);
                    format!("{scheme} {}", self.vault.hide(credentials))
                }
                None => self.vault.hide(&text),
            },
            "cookie" => text
                .split(';')
                .map(|pair| self.cookie(pair))
                .collect::<Vec<_>>()
                .join(";"),
            "set-cookie" => match text.split_once(';') {
                Some((pair, attributes)) => format!("{};{attributes}", self.cookie(pair)),
                None => self.cookie(&text),
            },
            "location" | "content-location" | "referer" | "refresh" | "link" => self.url(&text),
            other if other.contains("token") || other.contains("secret") || other.contains("api-key") => {
                self.vault.hide(&text)
            }
            _ => text,
        }
    }

    fn cookie(&self, pair: &str) -> String {
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() => format!("{name}={}", self.vault.hide(value)),
            _ => pair.to_owned(),
        }
    }

    /// A URL, or anything that has one's query: parameters masked in place, the rest as it was spelled.
    fn url(&mut self, text: &str) -> String {
        let (before, rest) = text.find(['?', '#']).map_or((text, ""), |at| text.split_at(at));
        let mut out = self.path(before);
        let mut part = String::new();
        for c in rest.chars() {
            if matches!(c, '?' | '#' | '&' | ';' | '>' | ' ') {
                out.push_str(&self.pair(&part));
                part.clear();
                out.push(c);
            } else {
                part.push(c);
            }
        }
        out.push_str(&self.pair(&part));
        out
    }

    /// The id after the type of a person.
    fn path(&self, text: &str) -> String {
        if self.full {
            return text.to_owned();
        }
        let mut previous = "";
        let segments: Vec<String> = text
            .split('/')
            .map(|segment| {
                let is_id = PERSON_TYPES.contains(&previous) && !segment.is_empty() && !segment.starts_with(['$', '_']);
                previous = segment;
                if is_id {
                    self.vault.mask(segment)
                } else {
                    segment.to_owned()
                }
            })
            .collect();
        segments.join("/")
    }

    fn pair(&mut self, pair: &str) -> String {
        let Some((raw_name, raw_value)) = pair.split_once('=') else {
            return pair.to_owned();
        };
        let decode = |raw: &str| -> String {
            url::form_urlencoded::parse(format!("x={raw}").as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let (name, value) = (decode(raw_name), decode(raw_value));
        if value.is_empty() {
            pair.to_owned()
        } else if SECRETS.contains(&name.as_str()) {
            self.decode(&name, &value);
            format!("{raw_name}={}", self.vault.hide(&value))
        } else if self.is_identity(&name) || (name == "_id" && !self.full) {
            format!("{raw_name}={}", self.vault.mask(&value))
        } else if value.contains("://") {
            let inner = self.url(&value);
            if inner == value {
                pair.to_owned()
            } else {
                format!("{raw_name}={inner}")
            }
        } else {
            pair.to_owned()
        }
    }

    fn is_identity(&self, name: &str) -> bool {
        !self.full && IDENTITIES.contains(&name)
    }

    fn body(&mut self, content_type: &str, bytes: &[u8], words_matter: bool) -> String {
        if bytes.is_empty() {
            return String::new();
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return format!("({} bytes that are not UTF-8)", bytes.len());
        };
        let content_type = content_type.to_ascii_lowercase();
        let kept = if self.full { KEPT_FULL } else { KEPT };
        if content_type.contains("x-www-form-urlencoded") {
            let pairs: Vec<String> = text.split('&').map(|pair| self.pair(pair)).collect();
            return cut(&pairs.join("&"), kept);
        }
        if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text) {
            let redacted = self.json(value);
            return cut(&serde_json::to_string_pretty(&redacted).unwrap_or_default(), kept);
        }
        if content_type.contains("html") || text.trim_start().starts_with('<') {
            return if self.full || words_matter {
                cut(&mask_inputs(self.vault, text), kept)
            } else if self.learns_only {
                String::new()
            } else {
                summary_of_page(text)
            };
        }
        cut(text, kept)
    }

    fn json(&mut self, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let kind = members.get("resourceType").and_then(Value::as_str).map(str::to_owned);
                match kind {
                    Some(kind) if HARMLESS_TYPES.contains(&kind.as_str()) => Value::Object(members),
                    Some(kind) if !self.full => self.resource(&kind, &members),
                    _ => self.object(members),
                }
            }
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            other => other,
        }
    }

    fn object(&mut self, members: Map<String, Value>) -> Value {
        let is_key = members.contains_key("kty");
        let mut out = Map::new();
        for (name, value) in members {
            let redacted = match value {
                Value::String(text) => Value::String(self.member(&name, &text, is_key)),
                Value::Array(items) if self.is_identity(&name) => {
                    items.into_iter().map(|item| self.hash(item)).collect()
                }
                value @ Value::Object(_) if self.is_identity(&name) => self.hash(value),
                other => self.json(other),
            };
            out.insert(name, redacted);
        }
        Value::Object(out)
    }

    fn member(&mut self, name: &str, text: &str, is_key: bool) -> String {
        // `code` is also what some servers call the word for an error.
        let is_word = name == "code" && text.len() < 16;
        if text.is_empty() || is_word {
            text.to_owned()
        } else if SECRETS.contains(&name) || (is_key && PRIVATE_KEY_PARTS.contains(&name)) {
            self.decode(name, text);
            self.vault.hide(text)
        } else if self.is_identity(name) {
            self.vault.mask(text)
        } else if text.contains("://") {
            self.url(text)
        } else {
            text.to_owned()
        }
    }

    fn hash(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.vault.mask(&text)),
            Value::Null | Value::Bool(_) => value,
            other => Value::String(self.vault.mask(&other.to_string())),
        }
    }

    /// What is left of a FHIR resource: its type, and whether it is the one seen elsewhere.
    fn resource(&self, kind: &str, members: &Map<String, Value>) -> Value {
        let mut out = Map::new();
        out.insert("resourceType".into(), kind.into());
        if let Some(id) = members.get("id").and_then(Value::as_str) {
            out.insert("id".into(), self.vault.mask(id).into());
        }
        if kind == "Bundle" {
            for name in ["type", "total"] {
                if let Some(value) = members.get(name) {
                    out.insert(name.into(), value.clone());
                }
            }
            let entries = members
                .get("entry")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let resources = entries
                .iter()
                .filter_map(|entry| entry.get("resource")?.as_object())
                .map(|resource| {
                    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
                    self.resource(kind, resource)
                });
            out.insert(
                "entry".into(),
                resources
                    .map(|resource| serde_json::json!({ "resource": resource }))
                    .collect(),
            );
        }
        Value::Object(out)
    }

    /// Keeps header and claims of a JWT; the signature is dropped, so that the token cannot be used.
    fn decode(&mut self, name: &str, token: &str) {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let read = |part: &str| -> Option<Value> {
            let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let (Some(header), Some(Value::Object(claims))) = (read(header), read(claims)) else {
            return;
        };
        // The `sub` of a client assertion is the client.
        let subject = claims.get("sub").filter(|_| name == "client_assertion").cloned();
        let mut inner = Redactor {
            vault: self.vault,
            full: self.full,
            learns_only: self.learns_only,
            decoded: Vec::new(),
        };
        let mut claims = inner.object(claims);
        if self.learns_only {
            return;
        }
        if let Some(subject) = subject {
            claims["sub"] = subject;
        }
        let scrub = |value: &Value| {
            serde_json::from_str(&self.vault.scrub(&value.to_string())).unwrap_or_else(|_| Value::from("(unreadable)"))
        };
        let jwt = DecodedJwt {
            name: name.to_owned(),
            header: scrub(&header),
            claims: scrub(&claims),
        };
        if !self.decoded.contains(&jwt) {
            self.decoded.push(jwt);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use url::Url;

    use super::*;
    use crate::http::RequestBody;

    fn jwt(claims: &Value) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"ES256"}"#),
            part(&claims.to_string()),
            part("the-signature-bytes")
        )
    }

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Response {
            status,
            headers: map,
            body: body.to_owned().into(),
            elapsed: Duration::from_millis(3),
        }
    }

    fn exchange(request: Request, response: Response) -> Exchange {
        Exchange {
            step: "test".into(),
            at: Duration::ZERO,
            request,
            outcome: Ok(response),
        }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn no_secret_of_a_whole_launch_survives() {
        let vault = Vault::new([7; 32]);
        vault.register("hunter2-the-password");
        let id_token =
            jwt(&serde_json::json!({ "sub": "dr-jones", "fhirUser": "Practitioner/dr-jones", "aud": "app-1" }));
        let assertion = jwt(&serde_json::json!({ "iss": "app-1", "sub": "app-1", "jti": "once" }));
        let mut sign_in = Request::form(
            url("https://ehr.example/login?launch=LAUNCH-value-9f"),
            vec![
                ("username".into(), "dr-jones".into()),
                ("password".into(), "hunter2-the-password".into()),
            ],
        );
        sign_in.header(http::header::COOKIE, "session=COOKIE-value-1; theme=dark");
        let mut redeem = Request::form(
            url("https://ehr.example/token"),
            vec![
                ("code".into(), "CODE-value-77".into()),
                ("code_verifier".into(), "VERIFIER-value-1234567890".into()),
                ("client_assertion".into(), assertion.clone()),
            ],
        );
        redeem.header(http::header::AUTHORIZATION, "Basic YXBwLTI6U0VDUkVULXZhbHVlLTU1");
        let tokens = serde_json::json!({
            "access_token": "ACCESS-value-abc", "refresh_token": "REFRESH-value-abc", "id_token": id_token,
            "patient": "patient-id-42", "scope": "launch/patient", "token_type": "Bearer",
        });
        let mut read = Request::get(url("https://ehr.example/fhir/Patient/patient-id-42?_id=patient-id-42"));
        read.header(http::header::AUTHORIZATION, "Bearer ACCESS-value-abc");
        let exchanges = [
            exchange(
                sign_in,
                response(
                    302,
                    &[
                        ("location", "https://app.example/cb?code=CODE-value-77&state=xyz"),
                        ("set-cookie", "session=COOKIE-value-2; Path=/; HttpOnly"),
                    ],
                    "",
                ),
            ),
            exchange(
                redeem,
                response(200, &[("content-type", "application/json")], &tokens.to_string()),
            ),
            exchange(
                read,
                response(
                    200,
                    &[],
                    r#"{"resourceType":"Patient","id":"patient-id-42","name":[{"family":"Winterbottom"}]}"#,
                ),
            ),
            exchange(
                Request::get(url("https://ehr.example/error?x=ACCESS-value-abc")),
                response(
                    400,
                    &[("content-type", "text/html")],
                    &format!(
                        "<p>hunter2-the-password {assertion}</p><input type=password name=p value='OTHER-password-1'>\
                         <input name=\"code\" value=\"PAGE-code-1\">"
                    ),
                ),
            ),
        ];
        let kept: Vec<_> = exchanges.iter().map(|exchange| vault.redact(exchange, false)).collect();
        let text = serde_json::to_string_pretty(&kept).unwrap();
        let secrets = [
            "hunter2",
            "LAUNCH-value",
            "COOKIE-value",
            "CODE-value",
            "VERIFIER-value",
            "ACCESS-value",
            "REFRESH-value",
            "YXBwLTI6",
            "the-signature",
            "dr-jones",
            "patient-id-42",
            "Winterbottom",
            "OTHER-password",
            "PAGE-code",
            id_token.as_str(),
            assertion.as_str(),
        ];
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
        for needed in [
            "app-1",
            "state=xyz",
            "HttpOnly",
            "launch/patient",
            "Basic hmac:",
            "\"jti\": \"once\"",
        ] {
            assert!(text.contains(needed), "{needed} not in\n{text}");
        }
        assert_eq!(kept[1].decoded.len(), 2);
    }

    #[test]
    fn the_same_secret_has_the_same_mask_and_only_in_this_run() {
        let (one, other) = (Vault::new([1; 32]), Vault::new([2; 32]));
        assert_eq!(one.mask("a code"), one.mask("a code"));
        assert_ne!(one.mask("a code"), other.mask("a code"));
        assert_eq!(one.mask("a code").len(), "hmac:ab12cd34ef56".len());
    }

    #[test]
    fn full_evidence_keeps_data_but_no_secret() {
        let vault = Vault::new([7; 32]);
        let body = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Winterbottom"}]}"#;
        let mut request = Request::get(url("https://ehr.example/fhir/Patient/p1"));
        request.header(http::header::AUTHORIZATION, "Bearer ACCESS-value-abc");
        let kept = vault.redact(&exchange(request, response(200, &[], body)), true);
        assert!(kept.response.unwrap().body.contains("Winterbottom"));
        assert!(!format!("{:?}", kept.request).contains("ACCESS-value"));
    }

    #[test]
    fn odd_bodies_do_not_break_it() {
        let vault = Vault::new([7; 32]);
        for body in [
            "<input",
            "<input value=",
            "<input value='",
            "{",
            "[[",
            "eyJ",
            "é<INPUT VALUE=\"é\" type=hidden",
            "=",
        ] {
            let request = Request {
                method: Method::POST,
                url: url("https://ehr.example/?=&&code=&code"),
                headers: Vec::new(),
                body: RequestBody::Raw {
                    content_type: "text/html".into(),
                    bytes: body.to_owned().into(),
                },
            };
            let _ = vault.redact(&exchange(request, response(500, &[("cookie", ";;=")], body)), true);
        }
    }

    #[test]
    fn a_word_that_stands_for_a_token_is_masked_only_there() {
        let vault = Vault::new([7; 32]);
        let mut wrong = Request::get(url("https://ehr.example/fhir/Patient"));
        wrong.header(http::header::AUTHORIZATION, "Bearer");
        let wrong = vault.redact(&exchange(wrong, response(401, &[], "")), false);
        assert!(!format!("{:?}", wrong.request).contains("Bearer"));
        let answer = response(
            200,
            &[("content-type", "application/json")],
            r#"{"token_type":"Bearer"}"#,
        );
        let right = vault.redact(&exchange(Request::get(url("https://ehr.example/token")), answer), false);
        assert!(right.response.unwrap().body.contains("Bearer"));
    }
}
