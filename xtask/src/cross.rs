//! Building for other systems, with Debian's own Rust: it comes with the source of the standard library, which rustup's
//! needs a download for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{command, shown};

/// Debian's cargo, whatever cargo runs this program.
pub fn debian_cargo() -> Command {
    let mut cargo = command("/usr/bin/cargo");
    cargo.env("PATH", "/usr/bin:/bin").env("RUSTC_BOOTSTRAP", "1");
    // What rustup's proxies have set would lead back to its toolchain.
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_TARGET_DIR", "LD_LIBRARY_PATH"] {
        cargo.env_remove(name);
    }
    cargo
}

/// What cargo has made.
#[derive(Debug, Default)]
pub struct Made {
    /// Test programs by the name of their file in `tests/`.
    pub tests: BTreeMap<String, PathBuf>,
    /// Programs by name.
    pub programs: BTreeMap<String, PathBuf>,
    /// Libraries that other programs load, by name.
    pub libraries: BTreeMap<String, PathBuf>,
    /// Warnings about the workspace's own code.
    pub warnings: Vec<String>,
}

impl Made {
    /// The program called `name`.
    ///
    /// # Errors
    /// Cargo has not made it.
    pub fn program(&self, name: &str) -> Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).with_context(|| format!("cargo has not made {name}"))
    }
}

/// Runs a cargo command to its end and lists what it has made.
///
/// # Errors
/// The build fails.
pub fn make(cargo: &mut Command) -> Result<Made> {
    cargo.arg("--message-format=json");
    let shown = shown(cargo);
    eprintln!("$ {shown}");
    let started = cargo.stdout(Stdio::piped()).spawn();
    let mut cargo = started.with_context(|| format!("`{shown}` could not be started"))?;
    let mut made = Made::default();
    for line in cargo.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        // Between cargo's messages may stand what a build script has printed.
        if let Ok(message) = serde_json::from_str::<Value>(&line?) {
            note(&message, &mut made);
        }
    }
    let status = cargo.wait()?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(made)
}

/// Takes down what one of cargo's messages tells.
fn note(message: &Value, made: &mut Made) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let Some(name) = text(&message["target"]["name"]) else { return };
    let kinds: Vec<&str> =
        message["target"]["kind"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match message["reason"].as_str() {
        Some("compiler-artifact") => {
            let program = text(&message["executable"]).map(PathBuf::from);
            let is_test = message["profile"]["test"] == Value::Bool(true);
            match program {
                Some(path) if is_test && kinds == ["test"] => drop(made.tests.insert(name, path)),
                Some(path) if !is_test && kinds == ["bin"] => drop(made.programs.insert(name, path)),
                None if kinds.contains(&"cdylib") => {
                    let files = message["filenames"].as_array().into_iter().flatten().filter_map(text);
                    let library = files.map(PathBuf::from).find(|file| {
                        file.extension().is_some_and(|e| e == "dll" || e == "so" || e == "dylib")
                    });
                    made.libraries.extend(library.map(|file| (name, file)));
                }
                _ => {}
            }
        }
        // Of other people's crates cargo tells no warnings.
        Some("compiler-message") => {
            eprint!("{}", message["message"]["rendered"].as_str().unwrap_or_default());
            if message["message"]["level"] == "warning" {
                made.warnings
                    .extend(text(&message["message"]["message"]).map(|what| format!("{name}: {what}")));
            }
        }
        _ => {}
    }
}
