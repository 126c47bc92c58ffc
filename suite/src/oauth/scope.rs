//! Reads scopes, and answers whether what was granted lies within what was asked.
//!
//! SMART 2.2 scopes-and-launch-context: <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>;
//! list syntax: RFC 6749 §3.3. Scopes of version 1 (`.read .write .*`) are read as their version 2 equivalents.

use percent_decode::decoded;

/// The scopes of one request or answer, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet {
    scopes: Vec<Scope>,
}

/// One scope: its text, and what it means where it names clinical data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    text: String,
    clinical: Option<Clinical>,
}

/// A scope over resources: `patient/Observation.rs?category=laboratory`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clinical {
    /// On whose behalf.
    pub context: Context,
    /// A resource type, or `*`.
    pub resource: String,
    /// What may be done.
    pub interactions: Interactions,
    /// Search parameters that narrow it, decoded; all of them must hold.
    pub narrowed_by: Vec<(String, String)>,
    /// Written in the grammar of version 1.
    pub version_1: bool,
}

/// Before the slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The patient in context.
    Patient,
    /// All that the user may see.
    User,
    /// A backend service.
    System,
}

/// Which of create, read, update, delete, search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interactions(u8);

const LETTERS: [char; 5] = ['c', 'r', 'u', 'd', 's'];

impl Interactions {
    /// One or more letters of `cruds`, in that order and once each, or a word of version 1 (then `true`).
    pub fn parse(text: &str) -> Option<(Self, bool)> {
        match text {
            "read" => return Self::parse("rs").map(|(read, _)| (read, true)),
            "write" => return Self::parse("cud").map(|(write, _)| (write, true)),
            "*" => return Self::parse("cruds").map(|(all, _)| (all, true)),
            _ => {}
        }
        let mut bits = 0;
        let mut next = 0;
        for letter in text.chars() {
            let found = LETTERS
                .iter()
                .position(|known| *known == letter)
                .filter(|position| *position >= next)?;
            next = found + 1;
            bits |= 1 << found;
        }
        (bits != 0).then_some((Self(bits), false))
    }

    /// `true` where every one of these is among the others.
    pub fn within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// One by one.
    pub fn each(self) -> impl Iterator<Item = Self> {
        (0..LETTERS.len())
            .map(|position| Self(1 << position))
            .filter(move |one| one.within(self))
    }
}

impl std::fmt::Display for Interactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, letter) in LETTERS.iter().enumerate() {
            if self.0 & (1 << position) != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl ScopeSet {
    /// Reads a list separated by spaces. Never fails: what has no meaning here is compared as text.
    pub fn parse(text: &str) -> Self {
        Self {
            scopes: text
                .split([' ', '\t', '\r', '\n'])
                .filter(|one| !one.is_empty())
                .map(Scope::parse)
                .collect(),
        }
    }

    /// Every scope.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.iter()
    }

    /// `true` where there is none.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// `true` where this very text is one of the scopes.
    pub fn contains(&self, text: &str) -> bool {
        self.scopes.iter().any(|scope| scope.text == text)
    }

    /// `true` where nothing here goes beyond `wider`, whatever the grammar in which either is written.
    pub fn is_subset_of(&self, wider: &Self) -> bool {
        self.beyond(wider).next().is_none()
    }

    /// The scopes here that `wider` does not cover.
    pub fn beyond<'a>(&'a self, wider: &'a Self) -> impl Iterator<Item = &'a Scope> {
        self.scopes.iter().filter(|scope| !wider.covers(scope))
    }

    /// `true` where some of what is allowed here is allowed there too: the same data in the same interaction, or the
    /// very same scope. A constraint on either side is taken to let some data through.
    pub fn overlaps(&self, other: &Self) -> bool {
        other.scopes.iter().any(|one| self.shares_with(one))
    }

    /// `true` where this holds for each of the others.
    pub fn overlaps_each(&self, other: &Self) -> bool {
        other.scopes.iter().all(|one| self.shares_with(one))
    }

    fn shares_with(&self, other: &Scope) -> bool {
        self.scopes.iter().any(|one| match (&one.clinical, &other.clinical) {
            (Some(one), Some(two)) => one.shares_with(two),
            _ => one.means_the_same(other),
        })
    }

    /// `true` where a scope over the data of the patient in context is among them.
    pub fn has_patient_scope(&self) -> bool {
        self.clinical().any(|clinical| clinical.context == Context::Patient)
    }

    /// `true` where the app asks for a patient to be chosen, or needs one: `launch/patient` or `patient/…`.
    pub fn wants_patient(&self) -> bool {
        self.contains("launch/patient") || self.has_patient_scope()
    }

    /// `true` where a refresh token is asked for.
    pub fn wants_refresh(&self) -> bool {
        self.contains("offline_access") || self.contains("online_access")
    }

    /// `true` where an id_token is asked for.
    pub fn wants_id_token(&self) -> bool {
        self.contains("openid")
    }

    /// Scopes over data.
    pub fn clinical(&self) -> impl Iterator<Item = &Clinical> {
        self.scopes.iter().filter_map(|scope| scope.clinical.as_ref())
    }

    fn covers(&self, scope: &Scope) -> bool {
        if self.scopes.iter().any(|other| other.means_the_same(scope)) {
            return true;
        }
        let Some(clinical) = &scope.clinical else { return false };
        // Each interaction may be covered by another scope: `.r` and `.s` together are `.rs`.
        clinical.interactions.each().all(|one| {
            self.clinical()
                .any(|other| one.within(other.interactions) && other.reaches_all_of(clinical))
        })
    }
}

impl std::fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, scope) in self.scopes.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{}", scope.text)?;
        }
        Ok(())
    }
}

impl Scope {
    fn parse(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            clinical: Clinical::parse(text),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its meaning, where it is over data.
    pub fn clinical(&self) -> Option<&Clinical> {
        self.clinical.as_ref()
    }

    /// RFC 6749 §3.3: visible ASCII without quotation mark and backslash.
    pub fn is_in_grammar(&self) -> bool {
        self.text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    }

    /// SMART 1.0 asked for identity by `profile`, later versions by `fhirUser`; servers answer either for the other.
    fn means_the_same(&self, other: &Self) -> bool {
        let name = |scope: &Self| {
            if scope.text == "profile" {
                "fhirUser".to_owned()
            } else {
                scope.text.clone()
            }
        };
        self.text == other.text || name(self) == name(other)
    }
}

impl Clinical {
    fn parse(text: &str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        let context = match context {
            "patient" => Context::Patient,
            "user" => Context::User,
            "system" => Context::System,
            _ => return None,
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (resource, interactions) = rest.split_once('.')?;
        let named = resource.starts_with(|first: char| first.is_ascii_uppercase())
            && resource.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (interactions, version_1) = Interactions::parse(interactions)?;
        // Granular scopes begin with version 2, so a query behind a word of version 1 has no meaning.
        if !(named || resource == "*") || (version_1 && query.is_some()) {
            return None;
        }
        let narrowed_by = match query {
            None => Vec::new(),
            Some(query) => parameters(query)?,
        };
        Some(Self {
            context,
            resource: resource.to_owned(),
            interactions,
            narrowed_by,
            version_1,
        })
    }

    fn shares_with(&self, other: &Self) -> bool {
        let wild = self.resource == "*" || other.resource == "*";
        self.context == other.context
            && (wild || self.resource == other.resource)
            && self.interactions.0 & other.interactions.0 != 0
    }

    /// `true` where every resource of `other` is one of these; interactions are compared by the caller.
    fn reaches_all_of(&self, other: &Self) -> bool {
        let resource = self.resource == "*" || self.resource == other.resource;
        let as_wide = |wide: &(String, String)| other.narrowed_by.iter().any(|narrow| is_narrower(narrow, wide));
        self.context == other.context && resource && self.narrowed_by.iter().all(as_wide)
    }
}

/// `category=a` is narrower than `category=a,b`; with a modifier only the same text is taken as equal.
fn is_narrower(narrow: &(String, String), wide: &(String, String)) -> bool {
    if narrow.0 != wide.0 {
        return false;
    }
    let alternatives: Vec<&str> = wide.1.split(',').collect();
    narrow.1 == wide.1 || (!narrow.0.contains(':') && narrow.1.split(',').all(|one| alternatives.contains(&one)))
}

fn parameters(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (!name.is_empty() && !value.is_empty()).then(|| (decoded(name), decoded(value)))
        })
        .collect()
}

/// Percent-decoding in which `+` stays `+`: a scope is not a form.
mod percent_decode {
    pub(super) fn decoded(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut position = 0;
        while position < bytes.len() {
            let escape = (bytes[position] == b'%')
                .then(|| text.get(position + 1..position + 3))
                .flatten()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            out.push(escape.unwrap_or(bytes[position]));
            position += if escape.is_some() { 3 } else { 1 };
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
