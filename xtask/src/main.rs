//! Backline's chores: `cargo xtask install`, `test`, `bundle`, `bench`, `lint`, `setup`.

mod evaluate;
mod install;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <verb>

  install [--yes]      system packages, release build, bundle, install into your plug-in folders, then
                       prove it: the demo song is accompanied through the installed CLAP
  test [ARGS]          all tests (ARGS go to the test runner)
  bundle [--release]   build the VST3 and CLAP bundles into target/bundled
  bench [ARGS]         benchmarks (ARGS go to criterion)
  evaluate FOLDER      tempo of real recordings against their names ('120 BPM') or annotations
  lint                 rustfmt, clippy without warnings, licences of the dependencies
  setup [--yes]        install the system packages that building and testing need";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let yes = rest.iter().any(|a| a == "--yes" || a == "-y");
    let result = match verb.as_str() {
        "install" => install::install(yes),
        "test" => test::test(&rest),
        "bundle" => install::bundle(rest.iter().any(|a| a == "--release")).map(|_| ()),
        "bench" => test::bench(&rest),
        "evaluate" if !rest.is_empty() => evaluate::evaluate(std::path::Path::new(&rest[0])),
        "lint" => test::lint(),
        "setup" => setup::setup(yes),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
