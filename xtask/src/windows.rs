//! Windows, from Debian: cross-built, then proven under Wine against what Linux makes of the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::cross::{Made, debian_cargo, make};
use crate::hash::sha256;
use crate::install::{CLAP, VST3, copy, remove};
use crate::run::{command, run, shown, target};
use crate::setup::{Purpose, setup};

const TRIPLE: &str = "x86_64-pc-windows-gnu";
const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver";
/// One test may take no longer, in seconds.
const PATIENCE: &str = "900";
/// What is compiled: the tests need the plug-in and the command, which so come from one build with them.
const TESTS: [&str; 3] = ["hosts", "ole", "cli"];

/// Where all of it lies.
fn folder() -> PathBuf {
    target().join("windows")
}

/// The bundles and the command, where this verb leaves them.
pub fn bundled() -> PathBuf {
    folder().join("bundled")
}

/// Builds, bundles, tests and compares.
///
/// # Errors
/// A package is missing, the build fails, a test fails, or Windows makes other bytes than Linux.
pub fn windows(yes: bool) -> Result<()> {
    setup(Purpose::Windows, yes)?;
    let begun = Instant::now();
    let made = build()?;
    bundle(&made)?;
    println!("windows: built in {:.0} s", begun.elapsed().as_secs_f32());
    let wine = Wine::new()?;
    let shows = wine.shows_child_gl()?;
    let differing = compare(&wine, &made)?;
    let failed = tests(&wine, &made)?;
    println!("windows: all in {:.0} s", begun.elapsed().as_secs_f32());
    if !shows {
        println!(
            "windows: this Wine shows OpenGL in top-level windows only, so plug-in windows stay dark in it"
        );
    }
    ensure!(failed.is_empty(), "tests that fail under Wine: {}", failed.join(", "));
    ensure!(differing.is_empty(), "files that Windows and Linux make differently: {}", differing.join(", "));
    Ok(())
}

fn build() -> Result<Made> {
    let mut cargo = debian_cargo();
    cargo
        .args(["test", "--no-run", "--profile", "windows", "--target", TRIPLE, "--target-dir"])
        .arg(folder());
    cargo.args(["-Z", "build-std=std,panic_unwind,test", "--workspace", "--exclude", "xtask"]);
    for test in TESTS {
        cargo.args(["--test", test]);
    }
    make(&mut cargo)
}

/// The bundles are the very library that the tests load.
fn bundle(made: &Made) -> Result<()> {
    let library = made.libraries.get("backline").context("cargo has not made the plug-in")?;
    let folder = bundled();
    remove(&folder)?;
    let inner = folder.join(VST3).join("Contents/x86_64-win");
    fs::create_dir_all(&inner).with_context(|| format!("{} cannot be made", inner.display()))?;
    for (from, to) in [
        (library.as_path(), folder.join(CLAP)),
        (library, inner.join(VST3)),
        (made.program("backline")?, folder.join("backline.exe")),
    ] {
        copy(from, &to).with_context(|| format!("{} cannot be written", to.display()))?;
    }
    println!("windows: {} and {} and backline.exe are in {}", CLAP, VST3, folder.display());
    Ok(())
}

/// A Windows of its own under `target/`, and a screen that nobody sees.
pub struct Wine {
    prefix: PathBuf,
    display: String,
    screen: Child,
}

impl Wine {
    /// The one that is there, or a new one.
    ///
    /// # Errors
    /// A program is missing, or Wine cannot make it.
    pub fn new() -> Result<Self> {
        let mut screen = command("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-screen", "0", "1280x900x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb could not be started")?;
        let mut number = String::new();
        if let Some(out) = screen.stdout.take() {
            BufReader::new(out).read_line(&mut number)?;
        }
        let wine = Self { prefix: folder().join("wine"), display: format!(":{}", number.trim()), screen };
        let system = wine.prefix.join("drive_c/windows/system32");
        if !system.is_dir() {
            // Made under another name, so that one that was cut short is not taken for whole.
            let prefix = folder().join("wine.unfinished");
            remove(&prefix)?;
            fs::create_dir_all(&prefix)?;
            run(Self::at(&prefix, &wine.display).args([WINE, "wineboot", "-i"]))?;
            run(Self::at(&prefix, &wine.display).args([SERVER, "-w"]))?;
            fs::rename(&prefix, &wine.prefix)?;
        }
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/windows/process_prng.c");
        let library = system.join("bcryptprimitives.dll");
        run(mingw().args(["-shared", "-o"]).arg(library).args([source, "-ladvapi32"]))?;
        Ok(wine)
    }

    /// A command in the Windows at `prefix`, which still has to be told what to run.
    fn at(prefix: &Path, display: &str) -> Command {
        let mut wine = command("env");
        wine.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all").env("DISPLAY", display);
        // Names with other letters than English ones go through.
        wine.env("LC_ALL", "C.UTF-8");
        // Neither .NET nor a browser is asked for.
        wine.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        // The variables of a musician's own machine have no place there.
        for name in ["BACKLINE_CLIPS", "BACKLINE_PRESETS", "BACKLINE_MODELS", "BACKLINE_TASTE"] {
            wine.env_remove(name);
        }
        wine
    }

    /// A Windows program, ended when it takes too long.
    pub fn program(&self, program: &Path) -> Command {
        let mut wine = Self::at(&self.prefix, &self.display);
        wine.args(["timeout", PATIENCE, WINE]).arg(program);
        wine
    }

    /// Whether OpenGL shows in a child window, as a plug-in's is.
    fn shows_child_gl(&self) -> Result<bool> {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/windows/child_gl.c");
        let program = folder().join("child_gl.exe");
        run(mingw().arg("-o").arg(&program).args([source, "-lopengl32", "-lgdi32"]))?;
        let status = self.program(&program).status()?;
        println!(
            "windows: OpenGL in a top-level window {}, in a child window {}",
            if matches!(status.code(), Some(0 | 1)) { "shows" } else { "does not show" },
            if status.success() { "shows" } else { "does not show" }
        );
        Ok(status.success())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Wine's server first, so that it does not wait for a screen that is gone.
        let _ = Self::at(&self.prefix, &self.display).args([SERVER, "-k"]).status();
        let _ = self.screen.kill();
        let _ = self.screen.wait();
    }
}

fn mingw() -> Command {
    let mut mingw = command("x86_64-w64-mingw32-gcc");
    mingw.args(["-O2", "-Wall", "-Werror"]);
    mingw
}

/// Runs each test in a process of its own; the names of those that fail.
fn tests(wine: &Wine, made: &Made) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    for suite in TESTS {
        let program =
            made.tests.get(suite).with_context(|| format!("cargo has not made the test {suite}"))?;
        let listed = wine.program(program).args(["--list", "--format", "terse"]).output()?;
        ensure!(listed.status.success(), "the tests of {suite} cannot be listed under Wine");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for test in listed.lines().filter_map(|line| line.trim_end().strip_suffix(": test")) {
            let begun = Instant::now();
            let mut one = wine.program(program);
            let output = one.args(["--exact", test, "--nocapture"]).stdin(Stdio::null()).output()?;
            let verdict = if output.status.success() { "ok    " } else { "FAILED" };
            println!("{verdict} {suite}::{test} ({:.1} s)", begun.elapsed().as_secs_f32());
            let said = String::from_utf8_lossy(&output.stdout);
            if output.status.success() {
                // What a test has measured, without what the runner says around it.
                for line in said.lines().filter(|line| line.contains("worst error") || line.contains("hangs"))
                {
                    println!("         {line}");
                }
            } else {
                print!("{said}{}", String::from_utf8_lossy(&output.stderr));
                failed.push(format!("{suite}::{test}"));
            }
        }
    }
    Ok(failed)
}

/// What the command is told, in both systems, in a folder that is empty at first.
const SAID: [&[&str]; 6] = [
    &["demo", "-o", "."],
    &["analyze", "demo.wav", "--json", "offline.json"],
    &["analyze", "demo.wav", "--online", "--json", "online.json"],
    &["analyze", "faster.wav", "--json", "faster.json"],
    &["accompany", "demo.wav", "-o", "gehört #1", "--seed", "7"],
    &["accompany", "faster.wav", "-o", "bossa", "--style", "bossa", "--energy", "0.3"],
];

/// Lets both systems hear and accompany the demo song; the files that are not the same in both.
fn compare(wine: &Wine, made: &Made) -> Result<Vec<String>> {
    let mut cargo = command("cargo");
    let native = make(cargo.args(["test", "--no-run", "--workspace", "--test", "cli"]))?;
    let (native, foreign) = (native.program("backline")?.to_owned(), made.program("backline")?.to_owned());
    let linux = files_of("linux", &|| command(&native.to_string_lossy()))?;
    let windows = files_of("windows", &|| wine.program(&foreign))?;
    let mut differing = Vec::new();
    for name in linux.keys().chain(windows.keys().filter(|name| !linux.contains_key(*name))) {
        let (here, there) = (linux.get(name), windows.get(name));
        let same = here == there;
        let show = |hash: Option<&String>| hash.map_or("missing", String::as_str).to_owned();
        if same {
            println!("same   {}  {name}", show(here));
        } else {
            println!("DIFFER {}  {name} on Linux\n       {}  on Windows", show(here), show(there));
            differing.push(name.clone());
        }
    }
    println!("windows: {} of {} files have the same bytes", linux.len() - differing.len(), linux.len());
    Ok(differing)
}

/// Runs the commands and gives the SHA-256 of every file that they leave, by its path.
fn files_of(system: &str, backline: &dyn Fn() -> Command) -> Result<BTreeMap<String, String>> {
    let folder = folder().join("compared").join(system);
    remove(&folder)?;
    fs::create_dir_all(&folder)?;
    for said in SAID {
        if said.contains(&"faster.wav") {
            faster(&folder)?;
        }
        let mut backline = backline();
        backline.current_dir(&folder).args(said).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = backline.output()?;
        if !output.status.success() {
            bail!("`{}` failed: {}", shown(&backline), String::from_utf8_lossy(&output.stderr));
        }
    }
    let mut hashes = BTreeMap::new();
    let mut folders = vec![folder.clone()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(&inside)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
                hashes.insert(name, sha256(&fs::read(&path)?));
            }
        }
    }
    Ok(hashes)
}

/// The demo song's samples, said to be 48 kHz instead of 44.1: the resampler hears it too.
fn faster(folder: &Path) -> Result<()> {
    let mut wav = fs::read(folder.join("demo.wav"))?;
    ensure!(wav.len() > 32 && &wav[12..16] == b"fmt ", "demo.wav does not begin with its format");
    let frame = u32::from(u16::from_le_bytes([wav[32], wav[33]]));
    wav[24..28].copy_from_slice(&48_000u32.to_le_bytes());
    wav[28..32].copy_from_slice(&(48_000 * frame).to_le_bytes());
    fs::write(folder.join("faster.wav"), wav)?;
    Ok(())
}
