//! Alters one form on the way before it is sent: a patient or scope that was not offered, a form of another site.
//!
//! RFC 6749 §10.12 (forged requests) and §3.3; whatever cannot be altered on this server's pages is said, never passed.

use http::Method;
use http::header::{HeaderName, ORIGIN, REFERER};

use super::Persona;
use super::foreign::Foreign;
use crate::http::{Request, RequestBody};

/// Where a forged form comes from.
const STRANGER: &str = "https://attacker.example";

/// Which form, and what is altered in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tamper {
    /// The form.
    pub form: FormKind,
    /// The alteration.
    pub change: Change,
}

/// A form on the way from the authorization request to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormKind {
    /// It carries the password.
    SignIn,
    /// It carries the id of the patient that was picked.
    Picker,
    /// The user's decision.
    Consent,
}

impl FormKind {
    /// How messages call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in form",
            Self::Picker => "patient picker",
            Self::Consent => "consent form",
        }
    }
}

/// What is altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The id of another patient in place of the picked one.
    Patient(String),
    /// One more scope.
    Scope(String),
    /// It comes from another site: without its token against forgery, with the `Origin` of a stranger, and without
    /// cookies that a browser keeps from other sites.
    Forged,
    /// What stands in it was made for another browser, in which this user (a key in `[users]`) sits.
    OtherBrowser(String),
    /// Another password than the user's.
    Password(String),
}

/// What became of the alteration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Altered {
    /// No such form came.
    #[default]
    NotMet,
    /// The altered form was sent.
    Sent,
    /// The form has nothing that could be altered so; why.
    Impossible(String),
}

/// What the user types and picks.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    /// Who it is.
    pub(super) persona: &'a Persona,
    /// The user name.
    pub(super) username: &'a str,
    /// The password.
    pub(super) password: &'a str,
}

/// The altered request; nothing where this is another form, the reason where the form does not allow it.
pub(super) fn alter(
    tamper: &Tamper,
    typed: Typed<'_>,
    html: &str,
    typed_password: bool,
    request: &Request,
    foreign: Option<&Foreign>,
) -> Option<Result<Request, String>> {
    let Typed { persona, username, .. } = typed;
    (kind_of(persona, username, typed_password, request)? == tamper.form).then(|| match &tamper.change {
        Change::Patient(patient) => with_patient(persona, patient, html, request),
        Change::Scope(scope) => with_scope(scope, html, request),
        Change::Forged => forged(request),
        // The one who makes the form sends nothing: it is kept for the other.
        Change::OtherBrowser(_) => foreign.map_or_else(|| Ok(request.clone()), |foreign| foreign.in_place_of(request)),
        Change::Password(wrong) => with_password(typed.password, wrong, request),
    })
}

/// What form this request sends; a page that asks for the user name alone is none of the three.
pub(super) fn kind_of(persona: &Persona, username: &str, typed_password: bool, request: &Request) -> Option<FormKind> {
    if typed_password {
        return Some(FormKind::SignIn);
    }
    let pairs = pairs(request);
    let holds = |wanted: &str| !wanted.is_empty() && pairs.iter().any(|(_, value)| value == wanted);
    if persona.patient.as_deref().is_some_and(holds) {
        return Some(FormKind::Picker);
    }
    (request.method == Method::POST && !holds(username)).then_some(FormKind::Consent)
}

pub(super) fn pairs(request: &Request) -> Vec<(String, String)> {
    match &request.body {
        RequestBody::Form(pairs) => pairs.clone(),
        _ => request.url.query_pairs().into_owned().collect(),
    }
}

pub(super) fn with_pairs(request: &Request, pairs: Vec<(String, String)>) -> Request {
    let mut altered = request.clone();
    if let RequestBody::Form(own) = &mut altered.body {
        *own = pairs;
    } else {
        altered.url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    altered
}

pub(super) fn no_multipart(request: &Request) -> Result<(), String> {
    match request.body {
        RequestBody::Raw { .. } => Err("the form is sent as multipart/form-data, which is not altered".to_owned()),
        _ => Ok(()),
    }
}

/// Whether the page offers this value.
fn offers(html: &str, value: &str) -> bool {
    [
        format!("value=\"{value}\""),
        format!("value='{value}'"),
        format!("value={value}"),
    ]
    .iter()
    .any(|text| html.contains(text))
}

fn with_patient(persona: &Persona, patient: &str, html: &str, request: &Request) -> Result<Request, String> {
    no_multipart(request)?;
    if offers(html, patient) {
        return Err(format!("the page offers the patient `{patient}` to this user"));
    }
    let picked = persona.patient.as_deref().unwrap_or_default();
    let mut pairs = pairs(request);
    for (_, value) in pairs.iter_mut().filter(|(_, value)| value == picked) {
        patient.clone_into(value);
    }
    Ok(with_pairs(request, pairs))
}

fn with_scope(scope: &str, html: &str, request: &Request) -> Result<Request, String> {
    no_multipart(request)?;
    if offers(html, scope) {
        return Err(format!("the page offers the scope `{scope}`"));
    }
    let mut pairs = pairs(request);
    let named: Vec<usize> = (0..pairs.len())
        .filter(|at| pairs[*at].0.to_ascii_lowercase().contains("scope"))
        .collect();
    let Some(first) = named.first() else {
        return Err("the consent form names no scope, so there is nothing to add to".to_owned());
    };
    match named.iter().find(|at| pairs[**at].1.contains(' ')) {
        Some(list) => pairs[*list].1 = format!("{} {scope}", pairs[*list].1),
        None => pairs.push((pairs[*first].0.clone(), scope.to_owned())),
    }
    Ok(with_pairs(request, pairs))
}

fn with_password(password: &str, wrong: &str, request: &Request) -> Result<Request, String> {
    no_multipart(request)?;
    let mut pairs = pairs(request);
    // A user name may be the same word, and stands before it.
    let typed = pairs.iter_mut().rev().find(|(_, value)| value == password);
    match typed {
        Some((_, value)) if !password.is_empty() => wrong.clone_into(value),
        _ => return Err("the sign-in form does not send the password as it was typed".to_owned()),
    }
    Ok(with_pairs(request, pairs))
}

/// Names under which frameworks send a token against forged requests.
const TOKENS: [&str; 7] = [
    "csrf",
    "xsrf",
    "authenticity",
    "requestverification",
    "form_token",
    "formtoken",
    "antiforgery",
];

fn forged(request: &Request) -> Result<Request, String> {
    no_multipart(request)?;
    let is_token = |name: &str| {
        let name = name.to_ascii_lowercase();
        TOKENS.iter().any(|word| name.contains(word))
    };
    let (tokens, kept): (Vec<_>, Vec<_>) = pairs(request).into_iter().partition(|(name, _)| is_token(name));
    // What a stranger cannot guess protects the form under whatever name it has.
    if tokens.is_empty()
        && let Some((name, _)) = kept.iter().find(|(_, value)| cannot_be_guessed(value))
    {
        return Err(format!(
            "the form has no field with a usual name of a token against forged requests, and `{name}` may be one"
        ));
    }
    let mut altered = with_pairs(request, kept);
    altered.header(ORIGIN, STRANGER);
    altered.header(REFERER, &format!("{STRANGER}/"));
    altered.header(HeaderName::from_static("sec-fetch-site"), "cross-site");
    Ok(altered)
}

/// Long, and of letters and digits mixed: an id or a token, not a word.
fn cannot_be_guessed(value: &str) -> bool {
    value.len() >= 12 && value.bytes().any(|byte| byte.is_ascii_digit()) && !value.contains(' ')
}

/// Whether this request was forged here.
pub(super) fn is_forged(request: &Request) -> bool {
    request
        .headers
        .iter()
        .any(|(name, value)| name == ORIGIN && value == STRANGER)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Request {
        let pairs = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Request::form(Url::parse("https://ehr.example/consent").unwrap(), pairs)
    }

    fn doctor() -> Persona {
        Persona {
            user: "doctor".into(),
            patient: Some("patient-a".into()),
            allow: true,
        }
    }

    fn typed(persona: &Persona) -> Typed<'_> {
        Typed {
            persona,
            username: "demo",
            password: "demo",
        }
    }

    #[test]
    fn a_wrong_password_goes_where_the_right_one_was() {
        let change = tamper(FormKind::SignIn, Change::Password("wrong".into()));
        let request = form(&[("user", "demo"), ("pass", "demo"), ("button", "in")]);
        let altered = alter(&change, typed(&doctor()), "", true, &request, None)
            .unwrap()
            .unwrap();
        assert_eq!(sent(&altered)[0].1, "demo");
        assert_eq!(sent(&altered)[1].1, "wrong");
        let hashed = form(&[("user", "demo "), ("pass", "2a97516c354b68848cdbd8f54a226a0a")]);
        assert!(
            alter(&change, typed(&doctor()), "", true, &hashed, None)
                .unwrap()
                .is_err()
        );
    }

    fn tamper(form: FormKind, change: Change) -> Tamper {
        Tamper { form, change }
    }

    fn sent(request: &Request) -> Vec<(String, String)> {
        pairs(request)
    }

    #[test]
    fn the_picked_patient_is_replaced_and_nothing_else() {
        let request = form(&[("request", "r1"), ("patient", "patient-a")]);
        let change = tamper(FormKind::Picker, Change::Patient("nobody".into()));
        let altered = alter(&change, typed(&doctor()), "<p>", false, &request, None)
            .unwrap()
            .unwrap();
        assert_eq!(sent(&altered)[1].1, "nobody");
        assert_eq!(sent(&altered)[0].1, "r1");
    }

    #[test]
    fn an_offered_patient_is_no_probe() {
        let request = form(&[("patient", "patient-a")]);
        let change = tamper(FormKind::Picker, Change::Patient("b".into()));
        let answer = alter(&change, typed(&doctor()), "<input value=\"b\">", false, &request, None).unwrap();
        assert!(answer.unwrap_err().contains("offers"));
    }

    #[test]
    fn a_scope_is_added_in_either_manner() {
        let change = |scope: &str| tamper(FormKind::Consent, Change::Scope(scope.into()));
        let many = form(&[("scope", "a"), ("scope", "b")]);
        let altered = alter(&change("c"), typed(&doctor()), "", false, &many, None)
            .unwrap()
            .unwrap();
        assert_eq!(sent(&altered).len(), 3);
        let one = form(&[("grantedScopes", "a b")]);
        let altered = alter(&change("c"), typed(&doctor()), "", false, &one, None)
            .unwrap()
            .unwrap();
        assert_eq!(sent(&altered)[0].1, "a b c");
        let none = form(&[("accept", "Yes")]);
        assert!(
            alter(&change("c"), typed(&doctor()), "", false, &none, None)
                .unwrap()
                .is_err()
        );
    }

    #[test]
    fn a_forged_form_lacks_its_token_and_has_another_origin() {
        let change = tamper(FormKind::Consent, Change::Forged);
        let request = form(&[("_csrf", "x"), ("decision", "allow")]);
        let altered = alter(&change, typed(&doctor()), "", false, &request, None)
            .unwrap()
            .unwrap();
        assert_eq!(sent(&altered).len(), 1);
        assert!(is_forged(&altered));
        let unnamed = form(&[("session_code", "Vb3kQ9x1LmN0pQ"), ("decision", "allow")]);
        assert!(
            alter(&change, typed(&doctor()), "", false, &unnamed, None)
                .unwrap()
                .is_err()
        );
    }

    #[test]
    fn forms_are_told_apart() {
        let persona = doctor();
        let kind = |request: &Request, password| kind_of(&persona, "demo", password, request);
        assert_eq!(kind(&form(&[("u", "demo")]), true), Some(FormKind::SignIn));
        assert_eq!(kind(&form(&[("u", "demo")]), false), None);
        assert_eq!(kind(&form(&[("p", "patient-a")]), false), Some(FormKind::Picker));
        assert_eq!(kind(&form(&[("decision", "allow")]), false), Some(FormKind::Consent));
    }
}
