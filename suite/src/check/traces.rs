//! Recognises what is left of a breakdown in an answer: stack traces and database errors, by the runtimes' own words.
//!
//! CWE-209. Only texts count that no specification and no ordinary sentence has.

/// What was found, in words; nothing where the text is clean.
pub(super) fn trace_in(text: &str) -> Option<String> {
    let plain = text
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("\\n", "\n");
    let known = KNOWN.iter().find(|(word, _)| plain.contains(word));
    if let Some((word, what)) = known {
        return Some(format!("{what} (`{}`)", word.trim()));
    }
    let located = LOCATED.iter().find(|(mark, _)| followed_by_number(&plain, mark));
    if let Some((mark, what)) = located {
        return Some(format!("{what} (a line number behind `{mark}`)"));
    }
    exception(&plain).map(|name| format!("the name of an exception (`{name}`)"))
}

const KNOWN: [(&str, &str); 33] = [
    ("Exception in thread \"", "a Java stack trace"),
    ("\n\tat java.", "a Java stack trace"),
    ("\n\tat org.", "a Java stack trace"),
    ("\n\tat com.", "a Java stack trace"),
    ("Caused by: java.", "a Java stack trace"),
    ("Caused by: org.", "a Java stack trace"),
    ("--- End of inner exception stack trace ---", "a .NET stack trace"),
    ("--- End of stack trace from previous location", "a .NET stack trace"),
    ("Server Error in '/' Application", "a .NET error page"),
    ("   at Microsoft.AspNetCore.", "a .NET stack trace"),
    ("Traceback (most recent call last)", "a Python stack trace"),
    (
        "You're seeing this error because you have <code>DEBUG = True</code>",
        "a Django debug page",
    ),
    ("Werkzeug Debugger", "a Python debug page"),
    ("at Object.<anonymous> (", "a Node stack trace"),
    ("(node:internal/", "a Node stack trace"),
    ("/node_modules/", "paths of a Node program"),
    ("processTicksAndRejections", "a Node stack trace"),
    ("[running]:\n", "a Go stack trace"),
    ("runtime error: ", "a Go panic"),
    ("PHP Fatal error:", "a PHP error"),
    ("<b>Fatal error</b>:", "a PHP error"),
    ("<b>Warning</b>:  ", "a PHP error"),
    ("Stack trace:\n#0", "a PHP stack trace"),
    ("' panicked at ", "a Rust panic"),
    ("RUST_BACKTRACE", "a Rust panic"),
    ("SQLSTATE[", "a database error"),
    ("ERROR:  syntax error at or near", "a database error"),
    ("You have an error in your SQL syntax", "a database error"),
    ("Unclosed quotation mark after the character string", "a database error"),
    ("SQLITE_ERROR", "a database error"),
    ("psycopg2.errors.", "a database error"),
    ("org.hibernate.", "a database error"),
    ("ORA-0", "a database error"),
];

/// Names of source files with a line behind.
const LOCATED: [(&str, &str); 9] = [
    (".java:", "a Java stack trace"),
    (".kt:", "a Kotlin stack trace"),
    (".scala:", "a Scala stack trace"),
    (".cs:line ", "a .NET stack trace"),
    (".py\", line ", "a Python stack trace"),
    (".rb:", "a Ruby stack trace"),
    (".js:", "a Node stack trace"),
    (".go:", "a Go stack trace"),
    (".php on line ", "a PHP error"),
];

fn followed_by_number(text: &str, mark: &str) -> bool {
    text.match_indices(mark)
        .any(|(at, _)| text[at + mark.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

/// `java.lang.NullPointerException`, `System.ArgumentException`: packages of the platform, then a name that ends so.
fn exception(text: &str) -> Option<&str> {
    const PACKAGES: [&str; 8] = [
        "java.lang.",
        "java.util.",
        "java.io.",
        "java.sql.",
        "javax.",
        "jakarta.",
        "org.springframework.",
        "System.",
    ];
    PACKAGES.iter().find_map(|package| {
        text.match_indices(package).find_map(|(at, _)| {
            let name = &text[at..];
            let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$')));
            let name = &name[..end.unwrap_or(name.len())];
            let name = name.trim_end_matches('.');
            (name.ends_with("Exception") || name.ends_with("Error")).then_some(name)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_of_every_runtime_are_known() {
        for trace in [
            "java.lang.NullPointerException: Cannot invoke\n\tat org.acme.Token.parse(Token.java:42)",
            "{\"diagnostics\":\"jakarta.servlet.ServletException\"}",
            "at Acme.Token.Parse(String s) in C:\\src\\Token.cs:line 12",
            "System.NullReferenceException: Object reference not set",
            "Traceback (most recent call last):\n  File \"/app/token.py\", line 3, in parse",
            "/app/lib/token.rb:17:in `parse'",
            "TypeError: x is undefined\n    at parse (/app/token.js:1:2)",
            "goroutine 1 [running]:\nmain.parse()",
            "<b>Fatal error</b>: Uncaught Error in /var/www/token.php on line 3",
            "thread 'main' panicked at src/token.rs:3:5",
            "SQLSTATE[42000]: Syntax error",
            "ORA-00933: SQL command not properly ended",
            "{\"stack\":\"Error\\n    at x (/srv/node_modules/express/lib/router.js)\"}",
        ] {
            assert!(trace_in(trace).is_some(), "{trace}");
        }
    }

    #[test]
    fn ordinary_errors_are_none() {
        for clean in [
            "{\"error\":\"invalid_request\",\"error_description\":\"Parameter 'code' is not UTF-8.\"}",
            "<script src=\"/static/app.js\"></script><p>System error. Please try again: see Error.</p>",
            "The Operating System. Exception handling is described in the manual.",
            "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"diagnostics\":\"HAPI-0389: Failed to parse\"}]}",
            "{\"system\":\"http://loinc.org\",\"code\":\"1\"}",
            "<a href=\"http://example.org/a.js?v=3\">",
        ] {
            assert_eq!(trace_in(clean), None, "{clean}");
        }
    }
}
