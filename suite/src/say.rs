//! What the program says on its two streams. A reader that went away (`| head`) ends neither a run nor the program, and a
//! full disk behind a stream is kept for the end.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::say::out(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::say::err(format_args!($($text)*)) };
}

static LOST: OnceLock<io::Error> = OnceLock::new();

pub(crate) fn out(text: Arguments<'_>) {
    let mut stream = anstream::stdout().lock();
    keep(if is_github() {
        writeln!(stream, "{}", tame(&text.to_string()))
    } else {
        writeln!(stream, "{text}")
    });
}

pub(crate) fn err(text: Arguments<'_>) {
    // Where even this cannot be said, there is nobody to say it to.
    let mut stream = anstream::stderr().lock();
    let _ = if is_github() {
        writeln!(stream, "{}", tame(&text.to_string()))
    } else {
        writeln!(stream, "{text}")
    };
}

/// JSON on standard output: the same value, whoever reads it.
pub(crate) fn json(text: &str) {
    let mut stream = anstream::stdout().lock();
    // Outside of strings JSON has no number sign.
    keep(writeln!(stream, "{}", text.replace("##[", "#\\u0023[")));
}

/// Whether GitHub Actions reads what is said, and takes commands from it.
fn is_github() -> bool {
    static SET: OnceLock<bool> = OnceLock::new();
    *SET.get_or_init(|| std::env::var_os("GITHUB_ACTIONS").is_some_and(|set| set == "true"))
}

/// Breaks what the runner would take for a command, since a server's words stand in what is said: `##[…]` anywhere in a
/// line, and `::…::` at its beginning.
fn tame(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let rest = line.trim_start();
        let blank = &line[..line.len() - rest.len()];
        let broken = if rest.starts_with("::") { "\\" } else { "" };
        lines.push(format!("{blank}{broken}{}", rest.replace("##[", "##\\[")));
    }
    lines.join("\n")
}

/// Bytes on standard output as they are.
pub(crate) fn raw(bytes: &[u8]) {
    let mut stream = io::stdout().lock();
    keep(stream.write_all(bytes).and_then(|()| stream.flush()));
}

fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        // The first says why; what follows from it does not.
        let _ = LOST.set(error);
    }
}

/// Why what was said on standard output did not all get there; a reader that went away has read what it wanted.
pub(crate) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_server_command_no_runner() {
        assert_eq!(tame("plain ##[add-mask]e"), "plain ##\\[add-mask]e");
        assert_eq!(tame("a\n \t ::error::x\nb"), "a\n \t \\::error::x\nb");
        assert_eq!(tame("a ::error::x # [b]\n"), "a ::error::x # [b]\n");
    }
}
