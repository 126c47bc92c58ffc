//! A browser with its cookies, and the person before it, who signs in, picks a patient and decides.

use http::StatusCode;
use scraper::{Html, Selector};

use super::{Answer, Form, TestEhr, pairs};

/// What the user does.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) username: &'static str,
    pub(crate) patient: &'static str,
    pub(crate) allows: bool,
}

pub(crate) const DOCTOR: Person = Person {
    username: "demo",
    patient: "patient-b",
    allows: true,
};
pub(crate) const DENIER: Person = Person {
    allows: false,
    ..DOCTOR
};

/// Where a walk through the pages ended.
#[derive(Debug, Clone)]
pub(crate) enum Landing {
    /// At an address of another origin.
    App(String),
    /// At a page that leads no further.
    Page(Answer),
}

impl Landing {
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).into_iter().next()
    }

    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let Self::App(address) = self else { return Vec::new() };
        let after = address
            .split_once('?')
            .map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        pairs(after)
            .into_iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::App(address) => address,
            Self::Page(_) => "",
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::App(_) => 0,
            Self::Page(answer) => answer.status.as_u16(),
        }
    }
}

impl TestEhr {
    pub(crate) fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    pub(crate) async fn browse(&self, path: &str) -> Answer {
        self.get_with(path, &[("cookie", &self.cookie_header())]).await
    }

    pub(crate) async fn submit(&self, path: &str, form: &Form) -> Answer {
        self.post(path, &[("cookie", &self.cookie_header())], form).await
    }

    /// Walks with a request through the pages.
    pub(crate) async fn walk(&self, request: &Form, person: &Person) -> Landing {
        let first = self.browse(&format!("/auth/authorize?{}", request.encode())).await;
        self.walk_on(first, person).await
    }

    /// Goes on from an answer.
    pub(crate) async fn walk_on(&self, mut answer: Answer, person: &Person) -> Landing {
        for _ in 0..20 {
            if answer.status.is_redirection() {
                let address = answer.header("location").to_owned();
                if !address.starts_with('/') {
                    return Landing::App(address);
                }
                answer = self.browse(&address).await;
                continue;
            }
            let Some((action, form)) = fill(&answer.body, person) else {
                return Landing::Page(answer);
            };
            let again = answer.status;
            if again != StatusCode::OK {
                return Landing::Page(answer);
            }
            answer = self.submit(&action, &form).await;
        }
        panic!("the pages go round in circles");
    }

    /// Walks only until a page of this path, whose form is given back.
    pub(crate) async fn walk_until(&self, request: &Form, person: &Person, path: &str) -> Form {
        let mut answer = self.browse(&format!("/auth/authorize?{}", request.encode())).await;
        for _ in 0..20 {
            if answer.status.is_redirection() {
                let address = answer.header("location").to_owned();
                answer = self.browse(&address).await;
                continue;
            }
            let (action, form) = fill(&answer.body, person).expect("a form");
            if action == path {
                return form;
            }
            answer = self.submit(&action, &form).await;
        }
        panic!("the page {path} never came");
    }
}

/// The first form of a page, filled in.
pub(crate) fn fill(body: &str, person: &Person) -> Option<(String, Form)> {
    let page = Html::parse_document(body);
    let select = |selector: &str| Selector::parse(selector).unwrap();
    let form = page.select(&select("form")).next()?;
    let mut filled = Form::default();
    for input in form.select(&select("input")) {
        let name = input.attr("name").unwrap_or_default();
        let value = input.attr("value").unwrap_or_default();
        filled = match (input.attr("type").unwrap_or("text"), name) {
            (_, "username" | "password") => filled.add(name, person.username),
            ("radio", _) if value != person.patient => filled,
            ("checkbox", _) if input.attr("checked").is_none() => filled,
            _ => filled.add(name, value),
        };
    }
    let decision = if person.allows { "allow" } else { "deny" };
    if form.select(&select("button[name=decision]")).next().is_some() {
        filled = filled.add("decision", decision);
    }
    Some((form.attr("action").unwrap_or_default().to_owned(), filled))
}
