//! The floor as a whole process: `floor COUNT FOLDER`.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if this fails as well.
            let _ = writeln!(io::stderr(), "floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (count, folder) = (arguments.next(), arguments.next());
    let count = count.and_then(|count| count.into_string().ok()?.parse().ok());
    let (Some(count), Some(folder), None) = (count, folder, arguments.next()) else {
        return Err(io::Error::new(ErrorKind::InvalidInput, "usage: floor COUNT FOLDER"));
    };
    let totals = tenantry_bench::run(count, Path::new(&folder))?;
    writeln!(io::stdout(), "{} files, {} bytes", totals.files, totals.bytes)
}
