//! Reads scopes: SMART v1 and v2 resource scopes with their granular constraints, launch and identity scopes.
//!
//! SMART App Launch 2.2, "Scopes and Launch Context": <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use std::fmt;

use serde::{Deserialize, Serialize};

/// One scope, as the grammar understands it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Access to data: `patient/Observation.rs`.
    Resource(ResourceScope),
    /// `launch`: the context of the EHR that launches the app.
    Launch,
    /// `launch/patient`, `launch/encounter`, …: context to be chosen at launch. Holds the whole text; see
    /// [`Scope::launch_context`] for the part behind the slash.
    LaunchContext(String),
    /// `openid`
    OpenId,
    /// `fhirUser`
    FhirUser,
    /// `profile`, the first version's name of `fhirUser`.
    Profile,
    /// `offline_access`
    OfflineAccess,
    /// `online_access`
    OnlineAccess,
    /// `__introspect`: asks the introspection endpoint about tokens. SMART leaves the name to the server.
    Introspect,
    /// Whatever fits no rule; it is never granted.
    Unknown(String),
}

/// A scope on data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResourceScope {
    /// Whose data.
    pub context: Context,
    /// A resource type, or `*`.
    pub resource: String,
    /// What may be done with them.
    pub permissions: Permissions,
    /// Granular constraints (`?category=laboratory`), decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The scope as it was written.
    pub text: String,
}

/// Whose data a scope on data speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Context {
    /// `patient/`: the patient in context.
    Patient,
    /// `user/`: all that the signed-in user may reach.
    User,
    /// `system/`: all that the client itself may reach.
    System,
}

/// The five interactions, `cruds`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// `c`
    pub create: bool,
    /// `r`: read and vread
    pub read: bool,
    /// `u`
    pub update: bool,
    /// `d`
    pub delete: bool,
    /// `s`: search
    pub search: bool,
}

impl Scope {
    /// Reads one scope. Nothing is refused: what no rule knows is [`Scope::Unknown`].
    pub fn parse(text: &str) -> Self {
        match text {
            "launch" => Self::Launch,
            "openid" => Self::OpenId,
            "fhirUser" => Self::FhirUser,
            "profile" => Self::Profile,
            "offline_access" => Self::OfflineAccess,
            "online_access" => Self::OnlineAccess,
            "__introspect" => Self::Introspect,
            _ if is_launch_context(text) => Self::LaunchContext(text.to_owned()),
            _ => ResourceScope::parse(text).map_or_else(|| Self::Unknown(text.to_owned()), Self::Resource),
        }
    }

    /// Reads a `scope` parameter: scopes separated by spaces.
    pub fn parse_list(text: &str) -> Vec<Self> {
        // RFC 6749 §3.3: space-delimited; empty pieces of doubled spaces mean nothing.
        text.split(' ')
            .filter(|piece| !piece.is_empty())
            .map(Self::parse)
            .collect()
    }

    /// The scope as it was written.
    pub fn text(&self) -> &str {
        match self {
            Self::Resource(scope) => &scope.text,
            Self::Launch => "launch",
            Self::OpenId => "openid",
            Self::FhirUser => "fhirUser",
            Self::Profile => "profile",
            Self::OfflineAccess => "offline_access",
            Self::OnlineAccess => "online_access",
            Self::Introspect => "__introspect",
            Self::LaunchContext(text) | Self::Unknown(text) => text,
        }
    }

    /// `patient` of `launch/patient`, without a role (`launch/imagingstudy?role=x`); nothing for other scopes.
    pub fn launch_context(&self) -> Option<&str> {
        let Self::LaunchContext(text) = self else {
            return None;
        };
        let kind = text.strip_prefix("launch/")?;
        Some(kind.split_once('?').map_or(kind, |(kind, _)| kind))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Does the granted scope allow all that the asked one asks?
///
/// Contexts never mix. A constraint of the granted scope must stand in the asked one too; further constraints of
/// the asked scope only narrow.
pub fn covers(granted: &ResourceScope, asked: &ResourceScope) -> bool {
    granted.context == asked.context
        && (granted.resource == "*" || granted.resource == asked.resource)
        && granted.permissions.include(asked.permissions)
        && granted.query.iter().all(|constraint| asked.query.contains(constraint))
}

impl ResourceScope {
    /// Is this scope on `resource`, by name or by the wildcard?
    pub fn speaks_of(&self, resource: &str) -> bool {
        self.resource == "*" || self.resource == resource
    }

    fn parse(text: &str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        let context = Context::parse(context)?;
        let (access, query) = match rest.split_once('?') {
            Some((access, query)) => (access, Some(query)),
            None => (rest, None),
        };
        let (resource, permissions) = access.split_once('.')?;
        if resource != "*" && !is_resource_name(resource) {
            return None;
        }
        // SMART 2.2 scopes: only the second version's scopes carry constraints.
        let permissions = match (Permissions::parse_v1(permissions), query) {
            (Some(_), Some(_)) => return None,
            (Some(permissions), None) => permissions,
            (None, _) => Permissions::parse_v2(permissions)?,
        };
        let query = query.map_or_else(|| Some(Vec::new()), parse_query)?;
        Some(Self {
            context,
            resource: resource.to_owned(),
            permissions,
            query,
            text: text.to_owned(),
        })
    }
}

impl Context {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "patient" => Self::Patient,
            "user" => Self::User,
            "system" => Self::System,
            _ => return None,
        })
    }

    /// The word before the slash.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

impl Permissions {
    /// Everything: `cruds`.
    pub const ALL: Self = Self {
        create: true,
        read: true,
        update: true,
        delete: true,
        search: true,
    };

    /// Is all of `other` in `self`?
    pub fn include(self, other: Self) -> bool {
        (self.create || !other.create)
            && (self.read || !other.read)
            && (self.update || !other.update)
            && (self.delete || !other.delete)
            && (self.search || !other.search)
    }

    /// The letters in their order: `rs`.
    pub fn letters(self) -> String {
        self.flags()
            .into_iter()
            .filter_map(|(letter, on)| on.then_some(letter))
            .collect()
    }

    fn flags(self) -> [(char, bool); 5] {
        [
            ('c', self.create),
            ('r', self.read),
            ('u', self.update),
            ('d', self.delete),
            ('s', self.search),
        ]
    }

    // SMART 1.0 scopes: read, write, *.
    fn parse_v1(text: &str) -> Option<Self> {
        Some(match text {
            "read" => Self {
                read: true,
                search: true,
                ..Self::default()
            },
            "write" => Self {
                create: true,
                update: true,
                delete: true,
                ..Self::default()
            },
            "*" => Self::ALL,
            _ => return None,
        })
    }

    // SMART 2.2 scopes: some of the letters c, r, u, d, s, at least one, each once and in this order.
    fn parse_v2(text: &str) -> Option<Self> {
        let mut found = Self::default();
        let mut last = None;
        for letter in text.chars() {
            let place = "cruds".find(letter)?;
            if last.is_some_and(|last| place <= last) {
                return None;
            }
            last = Some(place);
            match letter {
                'c' => found.create = true,
                'r' => found.read = true,
                'u' => found.update = true,
                'd' => found.delete = true,
                _ => found.search = true,
            }
        }
        last.map(|_| found)
    }
}

fn is_resource_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphabetic())
}

// SMART 2.2 scopes: `launch/` and a resource type in lower case, perhaps with `?role=…`.
fn is_launch_context(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("launch/") else {
        return false;
    };
    let (kind, role) = match rest.split_once('?') {
        Some((kind, role)) => (kind, Some(role)),
        None => (rest, None),
    };
    !kind.is_empty()
        && kind.chars().all(|c| c.is_ascii_lowercase())
        && role.is_none_or(|role| {
            role.strip_prefix("role=")
                .is_some_and(|role| !role.is_empty() && is_printable(role))
        })
}

fn is_printable(text: &str) -> bool {
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    text.bytes()
        .all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

fn parse_query(text: &str) -> Option<Vec<(String, String)>> {
    if !is_printable(text) {
        return None;
    }
    text.split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let well_formed = !name.is_empty() && !value.is_empty();
            well_formed
                .then(|| url::form_urlencoded::parse(pair.as_bytes()).into_owned().next())
                .flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(text: &str) -> ResourceScope {
        match Scope::parse(text) {
            Scope::Resource(scope) => scope,
            other => panic!("{text} is no scope on data but {other:?}"),
        }
    }

    #[test]
    fn words_are_known() {
        for (text, scope) in [
            ("launch", Scope::Launch),
            ("openid", Scope::OpenId),
            ("fhirUser", Scope::FhirUser),
            ("profile", Scope::Profile),
            ("offline_access", Scope::OfflineAccess),
            ("online_access", Scope::OnlineAccess),
            ("launch/patient", Scope::LaunchContext("launch/patient".into())),
        ] {
            assert_eq!(Scope::parse(text), scope);
        }
        assert_eq!(Scope::parse("launch/patient").launch_context(), Some("patient"));
        assert_eq!(
            Scope::parse("launch/imagingstudy?role=x").launch_context(),
            Some("imagingstudy")
        );
        assert_eq!(Scope::parse("launch").launch_context(), None);
    }

    #[test]
    fn first_and_second_version_mean_the_same() {
        for (v1, v2) in [("read", "rs"), ("write", "cud"), ("*", "cruds")] {
            let v1 = resource(&format!("patient/Observation.{v1}"));
            let v2 = resource(&format!("patient/Observation.{v2}"));
            assert_eq!(v1.permissions, v2.permissions);
            assert!(covers(&v1, &v2) && covers(&v2, &v1));
        }
    }

    #[test]
    fn constraints_are_decoded() {
        let scope = resource("patient/Observation.rs?category=http://t.example/c|laboratory&code=a%26b");
        let expected = [("category", "http://t.example/c|laboratory"), ("code", "a&b")];
        assert_eq!(
            scope.query,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_no_rule_knows_is_unknown() {
        for text in [
            "",
            "patient",
            "patient/",
            "patient/Observation",
            "patient/Observation.",
            "patient/Observation.sr",
            "patient/Observation.rr",
            "patient/Observation.RS",
            "patient/Observation.rx",
            "patient/observation.rs",
            "patient/Obs*.rs",
            "patient/*.rs?",
            "patient/*.rs?category",
            "patient/*.rs?=x",
            "patient/*.rs?category=",
            "patient/*.read?category=x",
            "Patient/Observation.rs",
            "clinician/Observation.rs",
            "launch/",
            "launch/Patient",
            "launch/patient?x=y",
            "OpenID",
            "fhiruser",
        ] {
            assert_eq!(Scope::parse(text), Scope::Unknown(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn covering_needs_context_type_permission_and_constraint() {
        let asked = resource("patient/Observation.rs?category=laboratory");
        for (granted, expected) in [
            ("patient/Observation.rs", true),
            ("patient/*.cruds", true),
            ("patient/Observation.rs?category=laboratory", true),
            ("patient/Observation.rs?category=vital-signs", false),
            ("patient/Observation.r", false),
            ("patient/Condition.rs", false),
            ("user/Observation.rs", false),
            ("system/*.cruds", false),
        ] {
            assert_eq!(covers(&resource(granted), &asked), expected, "{granted}");
        }
        assert!(
            !covers(&asked, &resource("patient/Observation.rs")),
            "a constraint never covers the whole"
        );
        assert!(!covers(&resource("patient/Observation.rs"), &resource("patient/*.rs")));
    }

    fn any_resource_scope() -> impl Strategy<Value = String> {
        let context = prop::sample::select(vec!["patient", "user", "system"]);
        let kind = prop::sample::select(vec!["*", "Patient", "Observation", "Condition"]);
        let letters = prop::sample::subsequence(vec!['c', 'r', 'u', 'd', 's'], 1..=5)
            .prop_map(|letters| letters.into_iter().collect::<String>());
        let query = prop::sample::subsequence(vec!["category=a", "category=b", "code=s|x"], 0..=3).prop_map(|pairs| {
            if pairs.is_empty() {
                String::new()
            } else {
                format!("?{}", pairs.join("&"))
            }
        });
        (context, kind, letters, query)
            .prop_map(|(context, kind, letters, query)| format!("{context}/{kind}.{letters}{query}"))
    }

    proptest! {
        #[test]
        fn any_text_is_kept_and_nothing_panics(text in "\\PC{0,40}") {
            let scope = Scope::parse(&text);
            prop_assert_eq!(scope.text(), text.as_str());
        }

        #[test]
        fn every_well_formed_scope_is_read_and_covers_itself(text in any_resource_scope()) {
            let scope = resource(&text);
            prop_assert!(covers(&scope, &scope));
            let permissions = text.split_once('.').expect("built with a dot").1.split('?').next().expect("first piece");
            prop_assert_eq!(scope.permissions.letters(), permissions);
        }

        #[test]
        fn letters_out_of_order_are_unknown(letters in "[cruds]{2,6}") {
            let sorted = letters.bytes().map(|b| b"cruds".iter().position(|l| *l == b)).collect::<Vec<_>>();
            let in_order = sorted.windows(2).all(|pair| pair[0] < pair[1]);
            let known = matches!(Scope::parse(&format!("user/Patient.{letters}")), Scope::Resource(_));
            prop_assert_eq!(known, in_order);
        }

        #[test]
        fn covering_is_transitive(a in any_resource_scope(), b in any_resource_scope(), c in any_resource_scope()) {
            let (a, b, c) = (resource(&a), resource(&b), resource(&c));
            if covers(&a, &b) && covers(&b, &c) {
                prop_assert!(covers(&a, &c));
            }
        }
    }
}
