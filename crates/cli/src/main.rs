//! The `backline` command: hear a recording, and play along with it.
//!
//! Exit codes: 0 done, 1 nothing found (silence, no beat), 2 error. A reader that closes the pipe early
//! is no error.

mod accompany;
mod analyze;
mod args;
mod demo;
mod inputs;
mod limiter;
mod progress;
mod report;
mod styles;
mod taste;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It did what it was asked to.
    Done,
    /// There was nothing to be heard.
    NothingFound,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Accompany(args) => accompany::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Styles => styles::run(),
        Command::Taste(args) => taste::run(&args),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NothingFound) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading stderr either.
            let _ = writeln!(io::stderr(), "backline: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Tells the musician something that is no result: on stderr, so that results can be piped on.
fn tell(sentence: &str) {
    let _ = writeln!(io::stderr(), "backline: {sentence}");
}
