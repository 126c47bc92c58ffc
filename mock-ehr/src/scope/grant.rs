//! From what is asked to what can be granted.
//!
//! RFC 6749 §3.3: <https://www.rfc-editor.org/rfc/rfc6749#section-3.3>: less may be granted than was asked, and the
//! answer says so; never more.

use crate::fhir::types;
use crate::form::encode;

use super::grammar::{Permissions, ResourceScope, Scope, covers};

/// What of `asked` lies within `allowed`, in the order asked. What means nothing is left out.
pub(crate) fn grantable(asked: &[Scope], allowed: &[Scope]) -> Vec<Scope> {
    let mut granted: Vec<Scope> = Vec::new();
    for scope in asked {
        match scope {
            Scope::Unknown(_) => {}
            Scope::Resource(resource) => granted.extend(narrowed(resource, allowed)),
            // Which of them can be given depends on the launch; see `authorize::scope`.
            Scope::LaunchContext(_) if allowed.contains(&Scope::Launch) => granted.push(scope.clone()),
            _ if allowed.contains(scope) => granted.push(scope.clone()),
            _ => {}
        }
    }
    let mut unique = Vec::with_capacity(granted.len());
    for scope in granted {
        if !unique.contains(&scope) {
            unique.push(scope);
        }
    }
    unique
}

/// Does `granted` allow all of this scope?
pub(crate) fn includes(granted: &[Scope], scope: &Scope) -> bool {
    match scope {
        Scope::Resource(asked) => granted
            .iter()
            .any(|known| matches!(known, Scope::Resource(known) if covers(known, asked))),
        _ => granted.contains(scope),
    }
}

/// Every wildcard as the types that there are today.
pub(crate) fn by_type(granted: Vec<Scope>) -> Vec<Scope> {
    let named = |scope: Scope| match &scope {
        Scope::Resource(resource) if resource.resource == "*" => types()
            .map(|kind| Scope::parse(&resource.text.replacen("/*.", &format!("/{kind}."), 1)))
            .collect(),
        _ => vec![scope],
    };
    granted.into_iter().flat_map(named).collect()
}

/// Every scope of several letters as several scopes of one.
pub(crate) fn by_letter(granted: Vec<Scope>) -> Vec<Scope> {
    let split = |scope: Scope| match &scope {
        Scope::Resource(resource) => {
            let letters = resource.permissions.letters();
            match resource.text.split_once(&format!(".{letters}")) {
                Some((before, after)) => letters
                    .chars()
                    .map(|letter| Scope::parse(&format!("{before}.{letter}{after}")))
                    .collect(),
                None => vec![scope],
            }
        }
        _ => vec![scope],
    };
    granted.into_iter().flat_map(split).collect()
}

fn narrowed(asked: &ResourceScope, allowed: &[Scope]) -> Vec<Scope> {
    let allowed = || {
        allowed.iter().filter_map(|scope| match scope {
            Scope::Resource(resource) => Some(resource),
            _ => None,
        })
    };
    if allowed().any(|allowed| covers(allowed, asked)) {
        return vec![Scope::Resource(asked.clone())];
    }
    allowed()
        .filter_map(|allowed| both(asked, allowed))
        .map(|text| Scope::parse(&text))
        .collect()
}

/// The text of the scope that both allow.
fn both(asked: &ResourceScope, allowed: &ResourceScope) -> Option<String> {
    if asked.context != allowed.context {
        return None;
    }
    let resource = match (asked.resource.as_str(), allowed.resource.as_str()) {
        (asked, "*") => asked,
        ("*", allowed) => allowed,
        (asked, allowed) if asked == allowed => asked,
        _ => return None,
    };
    let (left, right) = (asked.permissions, allowed.permissions);
    let permissions = Permissions {
        create: left.create && right.create,
        read: left.read && right.read,
        update: left.update && right.update,
        delete: left.delete && right.delete,
        search: left.search && right.search,
    }
    .letters();
    if permissions.is_empty() {
        return None;
    }
    let mut query = asked.query.clone();
    query.extend(allowed.query.iter().filter(|pair| !asked.query.contains(pair)).cloned());
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let (context, _) = asked.text.split_once('/')?;
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{context}/{resource}.{permissions}{mark}{}", query.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(asked: &str, allowed: &str) -> String {
        let granted = grantable(&Scope::parse_list(asked), &Scope::parse_list(allowed));
        granted.iter().map(Scope::text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_covered_is_granted_as_asked_and_the_rest_is_narrowed() {
        assert_eq!(
            granted("openid patient/*.read nonsense", "openid patient/*.cruds"),
            "openid patient/*.read"
        );
        assert_eq!(
            granted("patient/*.cruds", "patient/Observation.rs"),
            "patient/Observation.rs"
        );
        assert_eq!(
            granted("patient/Observation.cruds", "patient/*.rs"),
            "patient/Observation.rs"
        );
        assert_eq!(granted("system/*.rs user/*.rs", "patient/*.rs"), "");
        assert_eq!(granted("openid openid", "openid"), "openid");
    }
}
