//! Where the entries of a Bundle stand in its text, so that messages can say it.

/// The lines on which the entries of a Bundle begin, counted from 1 as editors do; in one pass.
pub(super) fn lines_of_entries(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for at in offsets_of_entries(text.as_bytes()) {
        line += text.get(counted..at).unwrap_or_default().matches('\n').count();
        counted = at;
        lines.push(line);
    }
    lines
}

fn offsets_of_entries(text: &[u8]) -> Vec<usize> {
    let (mut depth, mut inside) = (0_usize, false);
    let mut word: &[u8] = b"";
    let mut begins = false;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if begins && !byte.is_ascii_whitespace() {
            if *byte != b']' {
                found.push(at);
            }
            begins = false;
        }
        match byte {
            b'"' => {
                let from = at + 1;
                let Some(end) = end_of_string(text, from) else {
                    return found;
                };
                at = end;
                if depth == 1 {
                    word = &text[from..at];
                }
            }
            b'[' | b'{' => {
                depth += 1;
                inside = inside || (depth == 2 && *byte == b'[' && word == b"entry");
                begins = inside && depth == 2;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 || (inside && depth == 1) {
                    return found;
                }
            }
            b',' => begins = inside && depth == 2,
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where the quotation mark stands that ends a string.
fn end_of_string(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_are_found_by_their_lines() {
        let text = "{\"type\": \"entry\", \"link\": [{\"entry\": [1]}],\n\"entry\": [\n {\"a\\\"[\": 1},\n\n {\"b\": [1, 2]}, 3\n]}";
        assert_eq!(lines_of_entries(text), [3, 5, 5]);
        assert!(lines_of_entries("{\"entry\": []}").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[\\[\\]{}\",:a\\\\ ]{0,40}") {
            let _ = lines_of_entries(&text);
        }
    }
}
