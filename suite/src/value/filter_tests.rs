//! Every filter by example, and what holds for any text.

use proptest::prelude::*;

use super::*;

fn with(value: &str, filter: &str) -> String {
    let (name, argument) = match filter.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (filter, None),
    };
    apply(name, argument, value).unwrap()
}

/// An argument that the filter accepts.
fn argument_for(filter: &str) -> Option<&'static str> {
    [None, Some("7")]
        .into_iter()
        .find(|argument| check(filter, *argument).is_ok())
        .unwrap()
}

#[test]
fn each_filter_changes_its_part_and_no_other() {
    let uri = "https://app.example/cb?a=1";
    for (filter, expected) in [
        ("scheme:http", "http://app.example/cb?a=1"),
        ("userinfo:good.example", "https://good.example@app.example/cb?a=1"),
        ("host:x.example", "https://x.example/cb?a=1"),
        ("host_prefix:x", "https://xapp.example/cb?a=1"),
        (
            "host_suffix:.attacker.example",
            "https://app.example.attacker.example/cb?a=1",
        ),
        ("subdomain:x", "https://x.app.example/cb?a=1"),
        ("port:1", "https://app.example:1/cb?a=1"),
        ("upper_host", "https://APP.EXAMPLE/cb?a=1"),
        ("upper_path", "https://app.example/CB?a=1"),
        ("backslash_authority", r"https:\\app.example/cb?a=1"),
        (
            "backslash_authority:x.example",
            r"https://x.example\@app.example/cb?a=1",
        ),
        ("path_append:/x", "https://app.example/cb/x?a=1"),
        ("dot_segments", "https://app.example/x/../cb?a=1"),
        ("encode_last_char", "https://app.example/c%62?a=1"),
        ("trailing_slash", "https://app.example/cb/?a=1"),
        ("query:b=2", "https://app.example/cb?a=1&b=2"),
        ("without_query", "https://app.example/cb"),
        ("fragment:x", "https://app.example/cb?a=1#x"),
        ("drop_last_char", "https://app.example/cb?a="),
    ] {
        assert_eq!(with(uri, filter), expected, "{filter}");
    }
}

#[test]
fn other_shapes_of_uri() {
    for (uri, filter, expected) in [
        (
            "http://127.0.0.1:4567/callback",
            "port:1",
            "http://127.0.0.1:1/callback",
        ),
        ("http://[::1]:4567/cb", "port:1", "http://[::1]:1/cb"),
        ("http://[::1]/cb", "port:1", "http://[::1]:1/cb"),
        ("http://[::1]:4567/cb", "host:x", "http://x:4567/cb"),
        ("https://u@app.example/cb", "userinfo:v", "https://v@app.example/cb"),
        ("https://app.example", "trailing_slash", "https://app.example/"),
        ("https://app.example/", "trailing_slash", "https://app.example"),
        ("https://app.example", "dot_segments", "https://app.example/x/.."),
        ("https://app.example/a/", "dot_segments", "https://app.example/a/x/../"),
        ("https://app.example/a%2fb/", "upper_path", "https://app.example/A%2fB/"),
        ("https://app.example/a/", "encode_last_char", "https://app.example/%61/"),
        (
            "https://app.example/a%2f",
            "encode_last_char",
            "https://app.example/%61%2f",
        ),
        ("https://app.example/cb?", "query:b=2", "https://app.example/cb?b=2"),
        ("https://app.example/cb#f", "query:b=2", "https://app.example/cb?b=2#f"),
        ("org.example.app:/cb", "scheme:org.attacker.app", "org.attacker.app:/cb"),
        ("org.example.app:/cb", "dot_segments", "org.example.app:/x/../cb"),
        ("org.example.app:cb", "dot_segments", "org.example.app:x/../cb"),
    ] {
        assert_eq!(with(uri, filter), expected, "{uri} {filter}");
    }
}

#[test]
fn a_filter_without_its_part_changes_nothing() {
    for filter in [
        "host:x",
        "host_prefix:x",
        "host_suffix:x",
        "subdomain:x",
        "port:1",
        "userinfo:x",
        "upper_host",
        "backslash_authority",
    ] {
        assert_eq!(with("org.example.app:/cb", filter), "org.example.app:/cb", "{filter}");
    }
    assert_eq!(with("https://app.example", "encode_last_char"), "https://app.example");
    assert_eq!(with("https://app.example", "upper_path"), "https://app.example");
    assert_eq!(
        with("https://app.example/cb", "without_query"),
        "https://app.example/cb"
    );
    assert_eq!(with("not a uri", "scheme:x"), "not a uri");
}

#[test]
fn texts_of_any_kind() {
    for (value, filter, expected) in [
        ("aBc1", "upper", "ABC1"),
        ("aBc1", "lower", "abc1"),
        ("aBc1", "reverse", "1cBa"),
        ("aBc1", "first:2", "aB"),
        ("aBc1", "first:9", "aBc1"),
        ("aBc1", "truncate:3", "aBc"),
        ("aB", "repeat:3", "aBaBaB"),
        ("aB", "repeat:0", ""),
        ("a/é~", "percent_encode", "a%2F%C3%A9~"),
        (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "base64url_sha256",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
    ] {
        assert_eq!(with(value, filter), expected, "{filter}");
    }
}

#[test]
fn a_wrong_use_says_what_is_wrong() {
    let message = |filter, argument| apply(filter, argument, "x").unwrap_err().to_string();
    assert_eq!(message("uper", None), "there is no filter `uper`");
    assert_eq!(message("port", None), "the filter `port` needs an argument: `|port:…`");
    assert_eq!(
        message("upper", Some("1")),
        "the filter `upper` takes no argument, and has `1`"
    );
    assert_eq!(
        message("first", Some("x")),
        "the filter `first` takes a whole number from 0 to 65536, not `x`"
    );
    assert!(apply("repeat", Some("99999999999"), "x").is_err());
}

#[test]
fn every_listed_filter_can_be_used_and_they_are_sorted() {
    assert!(FILTERS.is_sorted());
    for filter in FILTERS {
        let argument = argument_for(filter);
        // Those of tokens and of scopes are tried on such, beside what they do.
        if filter.starts_with("jwt_") || filter.starts_with("scopes_") {
            continue;
        }
        let changed = apply(filter, argument, "https://app.example:1/a/cb?x=y").unwrap();
        let same = ["lower", "repeat"].contains(filter);
        assert!(same || changed != "https://app.example:1/a/cb?x=y", "{filter}");
    }
}

fn uri() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["https", "http", "org.example.app"]),
        prop::sample::select(vec![
            "app.example",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "u:p@app.example",
        ]),
        proptest::option::of(1_u16..),
        "(/[a-zA-Z0-9.%~_-]{0,6}){0,3}",
        proptest::option::of("[a-z=&%/?:]{0,8}"),
        proptest::option::of("[a-z?/:#]{0,5}"),
    )
        .prop_map(|(scheme, host, port, path, query, fragment)| {
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
            format!("{scheme}://{host}{port}{path}{query}{fragment}")
        })
}

proptest! {
    #[test]
    fn cutting_and_joining_gives_any_text_back(text in "\\PC*", uri in uri()) {
        prop_assert_eq!(Parts::split(&text).join(), text);
        prop_assert_eq!(Parts::split(&uri).join(), uri);
    }

    #[test]
    fn no_filter_panics_on_any_text(text in "\\PC*", argument in "\\PC{0,4}", filter in prop::sample::select(FILTERS)) {
        let _ = apply(filter, Some(&argument), &text);
        let _ = apply(filter, argument_for(filter), &text);
    }

    #[test]
    fn the_parts_agree_with_a_url_library(uri in uri()) {
        let Ok(url) = url::Url::parse(&uri) else { return Ok(()) };
        let parts = Parts::split(&uri);
        prop_assert_eq!(parts.scheme.as_deref(), Some(url.scheme()));
        prop_assert_eq!(parts.host.as_deref(), url.host_str());
        let default = matches!((url.scheme(), parts.port.as_deref()), ("https", Some("443")) | ("http", Some("80")));
        prop_assert!(default || parts.port == url.port().map(|port| port.to_string()));
        prop_assert_eq!(parts.query.is_some(), url.query().is_some());
        prop_assert_eq!(parts.fragment.is_some(), url.fragment().is_some());
    }

    #[test]
    fn changes_that_a_url_library_undoes_stay_in_the_text(path in "(/[a-z]{1,6}){1,3}") {
        let uri = format!("https://app.example{path}");
        for filter in ["dot_segments", "upper_host", "encode_last_char"] {
            let changed = apply(filter, None, &uri).unwrap();
            prop_assert_ne!(&changed, &uri);
            if filter != "encode_last_char" {
                let normal = url::Url::parse(&changed).unwrap();
                prop_assert_eq!(normal.as_str(), &uri);
            }
        }
        let slash = apply("trailing_slash", None, &uri).unwrap();
        prop_assert_eq!(apply("trailing_slash", None, &slash).unwrap(), uri);
    }

    #[test]
    fn a_flipped_text_differs_in_one_character_of_the_same_class(text in "[A-Za-z0-9_-]{1,60}") {
        let flipped = apply("flip_last", None, &text).unwrap();
        let different: Vec<(char, char)> = text.chars().zip(flipped.chars()).filter(|(a, b)| a != b).collect();
        prop_assert_eq!(flipped.len(), text.len());
        prop_assert_eq!(different.len(), 1);
        let (was, is) = different[0];
        prop_assert_eq!(was.is_ascii_uppercase(), is.is_ascii_uppercase());
        prop_assert_eq!(was.is_ascii_lowercase(), is.is_ascii_lowercase());
        prop_assert_eq!(was.is_ascii_digit(), is.is_ascii_digit());
    }

    /// Else a forgiving decoder reads the same bytes, and a server that verifies well would be blamed.
    #[test]
    fn flipping_base64url_changes_the_bytes_that_it_stands_for(bytes in prop::collection::vec(any::<u8>(), 1..100)) {
        use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
        use base64::{Engine as _, alphabet};
        let forgiving = GeneralPurpose::new(
            &alphabet::URL_SAFE,
            GeneralPurposeConfig::new().with_encode_padding(false).with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
        );
        let flipped = apply("flip_last", None, &URL_SAFE_NO_PAD.encode(&bytes)).unwrap();
        prop_assert_ne!(forgiving.decode(flipped).unwrap(), bytes);
    }
}
