//! The first signal lets open requests finish; the second, or the bound, ends them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::program::Program;

/// A request whose body is not there yet: it is open for as long as the test wants.
fn half(program: &Program) -> TcpStream {
    let mut socket = TcpStream::connect(program.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        socket,
        "POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    // It asks for the body, so it has the request.
    let mut answer = [0; 25];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

fn wait_until_closed(program: &Program) {
    let since = Instant::now();
    while TcpStream::connect(program.address()).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(5), "it still accepts");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_open_request_is_answered_and_nothing_new_is_accepted() {
    for signal in ["INT", "TERM"] {
        let program = Program::start(&[]);
        let mut open = half(&program);
        program.signal(signal);
        wait_until_closed(&program);
        open.write_all(b"a=b").unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("invalid_request"),
            "{answer}"
        );
        let (good, said) = program.ended();
        assert!(
            good && said.contains("Stopping") && said.contains("every open request was answered"),
            "{said}"
        );
    }
}

#[test]
fn a_request_that_does_not_end_is_cut_at_the_bound() {
    let program = Program::start(&["--stop-within", "1"]);
    let _open = half(&program);
    program.signal("TERM");
    let (good, said) = program.ended();
    assert!(good && said.contains("1 s were over"), "{said}");
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let program = Program::start(&["--stop-within", "600"]);
    let _open = half(&program);
    program.signal("INT");
    wait_until_closed(&program);
    program.signal("INT");
    let (good, said) = program.ended();
    assert!(good && said.contains("Stopped at once"), "{said}");
}

#[test]
fn an_open_page_of_the_inspector_does_not_keep_it() {
    let program = Program::start(&["--stop-within", "600"]);
    let mut page = TcpStream::connect(program.address()).unwrap();
    write!(
        page,
        "GET /inspect/events HTTP/1.1\r\nHost: {}\r\n\r\n",
        program.address()
    )
    .unwrap();
    let mut first = [0; 15];
    page.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    program.signal("TERM");
    let (good, said) = program.ended();
    assert!(good && said.contains("every open request was answered"), "{said}");
}
