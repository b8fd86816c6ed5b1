//! Tests, benchmarks and lints.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{answers, command, root, run, target};
use crate::setup::{Purpose, setup};

/// The seed of the property tests: the same cases on every run, so that a red run means a change. Set
/// `PROPTEST_RNG_SEED` to search elsewhere.
const PROPERTY_SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261121");

/// Runs every test of the workspace: with nextest where it is installed, else with cargo's own
/// runner. A window needs a display; where there is none, a virtual one is used.
///
/// # Errors
/// A test fails or cannot be built.
pub fn test(args: &[String]) -> Result<()> {
    setup(Purpose::Test, false)?;
    let nextest = answers("cargo", &["nextest", "--version"]);
    let mut tests = on_a_display();
    tests.args(if nextest { &["nextest", "run"][..] } else { &["test"][..] });
    tests.args(["--workspace", "--no-fail-fast"]);
    if std::env::var_os(PROPERTY_SEED.0).is_none() {
        tests.env(PROPERTY_SEED.0, PROPERTY_SEED.1);
    }
    run(tests.args(args))?;
    if nextest {
        run(command("cargo").args(["test", "--workspace", "--doc"]))?;
    }
    if args.is_empty() { try_training() } else { Ok(()) }
}

/// Runs the long tests at full length, one after the other: a million moves of the transport, an hour, sixteen
/// instances, kills while saving, and a hundred thousand damaged files of each kind. `BACKLINE_SOAK` set to a
/// number below 1 runs that share.
///
/// # Errors
/// A test fails or cannot be built.
pub fn soak(args: &[String]) -> Result<()> {
    let mut tests = on_a_display();
    tests.args([
        "test",
        "--workspace",
        "--test",
        "hosts",
        "--",
        "--test-threads",
        "1",
        "--nocapture",
        "soak::",
        "fuzz::",
    ]);
    if std::env::var_os("BACKLINE_SOAK").is_none() {
        tests.env("BACKLINE_SOAK", "1");
    }
    run(tests.args(args))
}

/// Tries out how the nets are trained, from data to scores, on tiny data. Needs a Python with PyTorch: without one
/// it says so and does nothing, since only who trains a net needs it.
fn try_training() -> Result<()> {
    let can = |python: &str| answers(python, &["-c", "import torch, scipy, mido, soundfile"]);
    let Some(system) = ["python3", "/usr/bin/python3"].into_iter().find(|python| can(python)) else {
        println!("training: left out, since no Python with torch, scipy, mido and soundfile was found");
        return Ok(());
    };
    // The scores' definitions and what reads exported nets are in no Debian package: they get an environment of
    // their own.
    let environment = target().join("training-python");
    let own = environment.join("bin/python").to_string_lossy().into_owned();
    if !answers(&own, &["-c", "import mir_eval, onnx"]) {
        run(command(system).args(["-m", "venv", "--clear", "--system-site-packages"]).arg(&environment))?;
        // Without a network the chain is tried up to its scores.
        let _ = run(command(&own).args(["-m", "pip", "install", "-q", "mir_eval==0.8.2", "onnx==1.16.2"]));
    }
    run(command("cargo").args(["build", "--workspace", "--examples"]))?;
    let mut chain = command(&own);
    chain.current_dir(root().join("models/training")).env("OMP_NUM_THREADS", "1");
    chain
        .args(["-W", "ignore", "-m", "backline_training.smoke", "--bin"])
        .arg(target().join("debug/examples"));
    run(chain.arg("--work").arg(target().join("training-smoke")))
}

/// `cargo`, under a virtual X server when there is no display.
fn on_a_display() -> Command {
    let has_display = std::env::var_os("DISPLAY").is_some_and(|d| !d.is_empty());
    if cfg!(target_os = "linux") && !has_display && answers("xvfb-run", &["--help"]) {
        let mut xvfb = command("xvfb-run");
        xvfb.args(["-a", "-s", "-screen 0 1600x1200x24"]).arg(command("cargo").get_program());
        xvfb
    } else {
        command("cargo")
    }
}

/// Runs the benchmarks.
///
/// # Errors
/// A benchmark fails or cannot be built.
pub fn bench(args: &[String]) -> Result<()> {
    run(command("cargo").args(["bench", "-p", "backline", "--benches", "--"]).args(args))
}

/// Formatting, clippy and licences.
///
/// # Errors
/// Something is not as it should be.
pub fn lint() -> Result<()> {
    run(command("cargo").args(["fmt", "--all", "--check"]))?;
    run(command("cargo").args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    licences()?;
    if answers("cargo", &["deny", "--version"]) {
        run(command("cargo").args(["deny", "check"]))?;
    }
    Ok(())
}

/// Licences whose terms a plug-in under MIT or Apache-2.0 meets by naming them.
const ALLOWED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MPL-2.0",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// Checks that everything the product is linked from may be shipped. Development-only dependencies
/// are left out, and so is what only other systems need: that is checked where it is packed (`licences::texts`).
fn licences() -> Result<()> {
    let mut refused = BTreeMap::new();
    for package in ["backline", "backline-cli"] {
        let tree = command("cargo")
            .args(["tree", "-p", package, "-e", "normal,build", "--prefix", "none", "-f", "{p}\t{l}"])
            .output()
            .context("cargo tree could not be started")?;
        if !tree.status.success() {
            bail!("cargo tree failed: {}", String::from_utf8_lossy(&tree.stderr));
        }
        for line in String::from_utf8_lossy(&tree.stdout).lines() {
            let (package, licence) = line.split_once('\t').unwrap_or((line, ""));
            if !allowed(licence.trim_end_matches(" (*)")) {
                refused.insert(package.to_owned(), licence.to_owned());
            }
        }
    }
    if !refused.is_empty() {
        bail!("these dependencies have licences that are not on the list in xtask/src/test.rs: {refused:?}");
    }
    println!("licences: all on the list");
    Ok(())
}

/// Whether a licence expression can be met: every part joined by AND, one of those joined by OR.
pub fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    expression.split(" AND ").all(|part| part.split(" OR ").any(|l| ALLOWED.contains(&l.trim())))
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn licence_expressions() {
        assert!(allowed("MIT OR Apache-2.0"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("(MIT OR GPL-3.0-only) AND OFL-1.1"));
        assert!(!allowed("GPL-3.0-only"));
        assert!(!allowed("MIT AND LGPL-2.1-or-later"));
        assert!(!allowed(""));
    }
}
