//! Writes scopes over data in the grammar of the other version: the filters of `{scope|scopes_v1}`.
//!
//! SMART 2.2 scopes-and-launch-context: `.read` is `.rs`, `.write` is `.cud`, `.*` is `.cruds`.

const WORDS: [(&str, &str); 3] = [("read", "rs"), ("write", "cud"), ("*", "cruds")];

/// Letters as words, where version 1 has one; `.r` and constraints have none and stay.
pub(super) fn in_v1(scopes: &str) -> String {
    translated(scopes, |letters| {
        WORDS.iter().find(|(_, known)| *known == letters).map(|(word, _)| *word)
    })
}

/// Words as letters.
pub(super) fn in_v2(scopes: &str) -> String {
    translated(scopes, |word| {
        WORDS
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, letters)| *letters)
    })
}

fn translated(scopes: &str, other: impl Fn(&str) -> Option<&'static str>) -> String {
    let one = |scope: &str| -> String {
        let over_data = ["patient/", "user/", "system/"]
            .iter()
            .any(|context| scope.starts_with(context));
        match scope.rsplit_once('.') {
            Some((resource, access)) if over_data => match other(access) {
                Some(access) => format!("{resource}.{access}"),
                None => scope.to_owned(),
            },
            _ => scope.to_owned(),
        }
    };
    scopes.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_over_data_are_translated_and_others_stay() {
        let v2 = "launch/patient openid patient/*.rs user/Patient.cruds patient/Observation.r";
        let v1 = "launch/patient openid patient/*.read user/Patient.* patient/Observation.r";
        assert_eq!(in_v1(v2), v1);
        assert_eq!(in_v2(v1), v2);
        assert_eq!(in_v1("offline_access a.rs"), "offline_access a.rs");
    }
}
