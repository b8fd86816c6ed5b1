//! Backline's chores: `cargo xtask install`, `test`, `soak`, `ardour`, `bundle`, `bench`, `lint`, `setup`, `evaluate`,
//! `screenshots`, `windows`, `macos`, `package`.

mod ardour;
mod cross;
mod evaluate;
mod hash;
mod install;
mod licences;
mod macos;
mod package;
mod run;
mod screenshots;
mod setup;
mod test;
mod windows;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <verb>

  install [--yes]      system packages, release build, bundle, install into your plug-in folders, then
                       prove it: the demo song is accompanied through the installed CLAP
  test [ARGS]          all tests (ARGS go to the test runner)
  soak [ARGS]          the long tests at full length (about an hour; BACKLINE_SOAK=0.1 runs a tenth)
  ardour [--yes]       the VST3 in Ardour without a screen, on JACK: two tracks, and where their notes come
  bundle [--release]   build the VST3 and CLAP bundles into target/bundled
  bench [ARGS]         benchmarks (ARGS go to criterion)
  evaluate hear [FOLDER] [OPTIONS]
                       scores what is heard on recordings with known truth (our own songs, if no FOLDER is
                       named): nets, rules, and peers that are installed; needs Python with mir_eval
  evaluate play [--work DIR --data DIR]
                       what the band plays, as figures: voice-leading, violations, the answer to a riff, speed;
                       with folders to work in and of the data sets, every net beside its baselines as well
  evaluate tempo FOLDER
                       tempo of real recordings against their names ('120 BPM') or annotations
  windows [--yes]      from Debian: build for Windows into target/windows/bundled, run the host tests under Wine,
                       and compare what the command line writes with Linux's, byte by byte
  macos --check [--yes]
                       from Debian: compile everything for both kinds of Mac, as far as that goes without linking
  package [--yes] [--development]
                       archive, .deb and, where `windows` has been run, zip into target/packages: each made twice,
                       compared and tried out (--development: of what the tests have built)
  screenshots          pictures of the window in every state and theme, into target/screenshots
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
        "soak" => test::soak(&rest),
        "ardour" => ardour::ardour(yes),
        "bundle" => install::bundle(rest.iter().any(|a| a == "--release")).map(|_| ()),
        "bench" => test::bench(&rest),
        "evaluate" if rest.first().is_some_and(|what| what == "hear") => evaluate::hear(&rest[1..]),
        "evaluate" if rest.first().is_some_and(|what| what == "play") => evaluate::play(&rest[1..]),
        "evaluate" if rest.len() == 2 && rest[0] == "tempo" => {
            evaluate::tempo(std::path::Path::new(&rest[1]))
        }
        "windows" => windows::windows(yes),
        "macos" if rest.iter().any(|a| a == "--check") => macos::check(yes),
        "package" => package::package(yes, rest.iter().any(|a| a == "--development")),
        "screenshots" => screenshots::screenshots(),
        "lint" => test::lint(),
        "setup" => setup::setup(setup::Purpose::Test, yes),
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
