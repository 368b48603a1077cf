//! Programs that others wrote may wait for ever for what an engine never says. Nobody who runs the tests should.

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take: far longer than any does on a slow machine.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(20);

/// What a program says, as [`Command::output`] tells it. Fails, and ends the program, if it takes longer than [`LIMIT`].
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let out = read(child.stdout.take().unwrap());
    let errors = read(child.stderr.take().unwrap());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > LIMIT {
            // What it said stays unread: somebody that it started may hold the other end.
            child.kill().unwrap();
            child.wait().unwrap();
            // Not with its environment, which may have credentials.
            let arguments: Vec<_> = command.get_args().collect();
            panic!("{:?} {arguments:?} did not end within {} s", command.get_program(), LIMIT.as_secs());
        }
        std::thread::sleep(PAUSE);
    };
    Output { status, stdout: out.join().unwrap(), stderr: errors.join().unwrap() }
}

/// Takes what is said off a program's hands, or it would stop at a full pipe.
fn read(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    })
}
