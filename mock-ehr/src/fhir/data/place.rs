//! Where the entries of a Bundle stand in its text, so that messages can say it.

/// The line on which the n-th entry of a Bundle begins, both counted as editors do and as lists do: lines from 1, entries
/// from 0.
pub(super) fn line_of_entry(text: &str, entry: usize) -> Option<usize> {
    let at = offset_of_entry(text.as_bytes(), entry)?;
    Some(text.get(..at)?.matches('\n').count() + 1)
}

fn offset_of_entry(text: &[u8], entry: usize) -> Option<usize> {
    let (mut depth, mut found, mut inside) = (0_usize, 0, false);
    let mut word: &[u8] = b"";
    let mut begins = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if begins && !byte.is_ascii_whitespace() {
            if found == entry && *byte != b']' {
                return Some(at);
            }
            (found, begins) = (found + 1, false);
        }
        match byte {
            b'"' => {
                let from = at + 1;
                at = end_of_string(text, from)?;
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
                depth = depth.checked_sub(1)?;
                if inside && depth == 1 {
                    return None;
                }
            }
            b',' => begins = inside && depth == 2,
            _ => {}
        }
        at += 1;
    }
    None
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
        let lines: Vec<_> = (0..4).map(|entry| line_of_entry(text, entry)).collect();
        assert_eq!(lines, [Some(3), Some(5), Some(5), None]);
        assert_eq!(line_of_entry("{\"entry\": []}", 0), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[\\[\\]{}\",:a\\\\ ]{0,40}") {
            let _ = line_of_entry(&text, 1);
        }
    }
}
