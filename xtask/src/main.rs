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

use anyhow::{Context, Result, bail, ensure};

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
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((verb, rest)) = args.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match perform(verb, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Does what the words ask for; a word that says nothing is refused before anything is done.
fn perform(verb: &str, rest: &[String]) -> Result<()> {
    match verb {
        "install" => said(verb, rest, ["--yes"]).and_then(|[yes]| install::install(yes)),
        "test" => test::test(rest),
        "soak" => test::soak(rest),
        "ardour" => said(verb, rest, ["--yes"]).and_then(|[yes]| ardour::ardour(yes)),
        "bundle" => {
            said(verb, rest, ["--release"]).and_then(|[release]| install::bundle(release)).map(|_| ())
        }
        "bench" => test::bench(rest),
        "evaluate" => match rest.split_first() {
            Some((what, args)) if what == "hear" => evaluate::hear(args),
            Some((what, args)) if what == "play" => evaluate::play(args),
            Some((what, args)) if what == "tempo" => evaluate::tempo(args),
            _ => bail!("say what to evaluate: hear, play or tempo"),
        },
        "windows" => said(verb, rest, ["--yes"]).and_then(|[yes]| windows::windows(yes)),
        "macos" => {
            let [check, yes] = said(verb, rest, ["--check", "--yes"])?;
            ensure!(check, "a Mac can only be checked for from here: run `cargo xtask macos --check`");
            macos::check(yes)
        }
        "package" => {
            let [yes, development] = said(verb, rest, ["--yes", "--development"])?;
            package::package(yes, development)
        }
        "screenshots" => said(verb, rest, []).and_then(|[]| screenshots::screenshots()),
        "lint" => said(verb, rest, []).and_then(|[]| test::lint()),
        "setup" => said(verb, rest, ["--yes"]).and_then(|[yes]| setup::setup(setup::Purpose::Test, yes)),
        _ => bail!("there is no `cargo xtask {verb}`\n\n{USAGE}"),
    }
}

/// Which of the `known` words were said after the verb, in their order; `-y` is short for `--yes`.
fn said<const N: usize>(verb: &str, words: &[String], known: [&str; N]) -> Result<[bool; N]> {
    let mut said = [false; N];
    for word in words {
        let long = if word == "-y" { "--yes" } else { word };
        let at = known.iter().position(|one| *one == long).with_context(|| match N {
            0 => format!("`cargo xtask {verb}` takes no words, and `{word}` was said"),
            _ => format!("`cargo xtask {verb}` does not know `{word}`, only {}", known.join(" and ")),
        })?;
        said[at] = true;
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_nothing_are_refused_before_anything_is_done() {
        let refusal = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            perform(&words[0], &words[1..]).unwrap_err().to_string()
        };
        for (words, part) in [
            (&["bundle", "--relase"][..], "`--relase`"),
            (&["package", "--yes", "--develoment"], "`--develoment`"),
            (&["install", "now"], "`now`"),
            (&["lint", "--yes"], "`--yes`"),
            (&["screenshots", "all"], "`all`"),
            (&["macos"], "macos --check"),
            (&["evaluate"], "hear, play or tempo"),
            (&["evaluate", "tempo"], "FOLDER"),
            (&["evaluate", "tempo", "a", "b"], "`b`"),
            (&["evaluate", "hear", "--mode", "online"], "`--mode`"),
            (&["evaluate", "hear", "a", "--json"], "--json"),
            (&["evaluate", "play", "here"], "here` belongs"),
            (&["instal"], "cargo xtask instal"),
        ] {
            assert!(refusal(words).contains(part), "{words:?}: {}", refusal(words));
        }
        let yes = said("package", &["-y".to_owned()], ["--yes", "--development"]).unwrap();
        assert_eq!(yes, [true, false]);
    }
}
