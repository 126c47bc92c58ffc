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
    keep(writeln!(stream, "{text}"));
}

pub(crate) fn err(text: Arguments<'_>) {
    // Where even this cannot be said, there is nobody to say it to.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
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
