//! Packages: an archive with an installer and a `.deb` for Linux, and a zip for Windows, the same bytes each time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cross::make;
use crate::hash::sha256;
use crate::install::{self, CLAP, VST3, copy, remove};
use crate::licences;
use crate::run::{answers, command, root, run, target};
use crate::setup::{Purpose, setup};
use crate::windows::{self, Wine};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The time that every file in a package bears, in seconds since 1970: 2026-01-01. An archive keeps times, and one
/// that is made again must not differ.
const TIME: &str = "1767225600";
/// Debian wants to know whom to write to.
const MAINTAINER: &str = "Backline <backline@example.invalid>";

/// What goes into each package beside the plug-in.
const PAPERS: [(&str, &str); 8] = [
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("NOTICES.md", "NOTICES.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("docs/quickstart.html", "QUICKSTART.html"),
    ("docs/analysis.md", "docs/analysis.md"),
    ("docs/analysis.schema.json", "docs/analysis.schema.json"),
    ("presets/factory.json", "presets/factory.json"),
];

/// The plug-in and the command of one system.
struct Product {
    clap: PathBuf,
    vst3: PathBuf,
    command: PathBuf,
}

/// Makes every package twice, compares, and tries them out.
///
/// # Errors
/// A build fails, a package differs from its twin, or one does not hold what it should.
pub fn package(yes: bool, development: bool) -> Result<()> {
    setup(Purpose::Package, yes)?;
    let folder = target().join("packages");
    remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let linux = if development { development_build(&folder)? } else { release_build()? };
    let stem = format!("backline-{VERSION}-linux-x86_64");
    let mut made = vec![
        twice(&folder, &format!("{stem}.tar.zst"), &|to| tar(&linux, &stem, to))?,
        twice(&folder, &format!("backline_{VERSION}_amd64.deb"), &|to| deb(&linux, to))?,
    ];
    try_archive(&linux, &stem, &made[0])?;
    try_deb(&linux, &made[1])?;
    let foreign = windows::bundled();
    if foreign.join("backline.exe").is_file() {
        let product = Product {
            clap: foreign.join(CLAP),
            vst3: foreign.join(VST3),
            command: foreign.join("backline.exe"),
        };
        let stem = format!("backline-{VERSION}-windows-x86_64");
        made.push(twice(&folder, &format!("{stem}.zip"), &|to| zip(&product, &stem, to))?);
        try_zip(&product, &stem, &made[2])?;
    } else {
        println!("package: no zip for Windows, since `cargo xtask windows` has not made its bundles yet");
    }
    for path in made {
        let bytes = fs::read(&path)?;
        println!("{} {:>9} bytes  {}", sha256(&bytes), bytes.len(), path.display());
    }
    Ok(())
}

fn release_build() -> Result<Product> {
    let bundled = install::bundle(true)?;
    let command = target().join("release/backline");
    Ok(Product { clap: bundled.join(CLAP), vst3: bundled.join(VST3), command })
}

/// What the tests have built anyway: for trying out the packages, not for musicians.
fn development_build(folder: &Path) -> Result<Product> {
    let mut cargo = command("cargo");
    let made = make(cargo.args(["test", "--no-run", "--workspace", "--test", "hosts", "--test", "cli"]))?;
    let library = made.libraries.get("backline").context("cargo has not made the plug-in")?;
    let bundled = folder.join("development");
    let (clap, vst3) = (bundled.join(CLAP), bundled.join(VST3));
    let inner = vst3.join("Contents/x86_64-linux");
    fs::create_dir_all(&inner)?;
    copy(library, &clap)?;
    copy(library, &inner.join("Backline.so"))?;
    Ok(Product { clap, vst3, command: made.program("backline")?.to_owned() })
}

/// Makes a package two times in two folders; it is the same, or it is an error.
fn twice(folder: &Path, name: &str, make: &dyn Fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = folder.join(name);
    let again = folder.join("again").join(name);
    for to in [&path, &again] {
        let parent = to.parent().context("a package lies in a folder")?;
        fs::create_dir_all(parent)?;
        make(to).with_context(|| format!("{name} could not be made"))?;
    }
    let (first, second) = (fs::read(&path)?, fs::read(&again)?);
    if let Some(at) = (0..first.len().max(second.len())).find(|at| first.get(*at) != second.get(*at)) {
        bail!("{name} is not the same when it is made again: see byte {at} of it and of {}", again.display());
    }
    remove(&folder.join("again"))?;
    Ok(path)
}

/// Papers, licences and model cards, into `to`.
fn papers(to: &Path, triple: &str) -> Result<()> {
    for (from, name) in PAPERS {
        put(&root().join(from), &to.join(name), 0o644)?;
    }
    let cards = fs::read_dir(root().join("models"))?;
    for entry in cards {
        let model = entry?;
        let card = model.path().join("MODEL_CARD.md");
        if card.is_file() {
            let name = format!("models/{}.md", model.file_name().to_string_lossy());
            put(&card, &to.join(name), 0o644)?;
        }
    }
    write(&to.join("LICENCES-OF-LIBRARIES.txt"), &licences::texts(triple)?, 0o644)
}

/// The plug-in itself, with the command under `command`.
fn product(product: &Product, to: &Path, command: &Path) -> Result<()> {
    put(&product.clap, &to.join(CLAP), 0o644)?;
    put(&product.vst3, &to.join(VST3), 0o644)?;
    put(&product.command, command, 0o755)
}

fn tar(linux: &Product, stem: &str, to: &Path) -> Result<()> {
    let stage = stage(to)?;
    let inner = stage.join(stem);
    product(linux, &inner, &inner.join("backline"))?;
    papers(&inner, "x86_64-unknown-linux-gnu")?;
    write(&inner.join("install.sh"), include_str!("package/install.sh"), 0o755)?;
    let mut tar = command("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    tar.arg(format!("--mtime=@{TIME}")).args(["--use-compress-program", "zstd -19 -T1 -q"]);
    run(tar.arg("-cf").arg(to).arg("-C").arg(&stage).arg(stem))?;
    remove(&stage)?;
    Ok(())
}

fn deb(linux: &Product, to: &Path) -> Result<()> {
    let stage = stage(to)?;
    let doc = stage.join("usr/share/doc/backline");
    put(&linux.clap, &stage.join("usr/lib/clap").join(CLAP), 0o644)?;
    put(&linux.vst3, &stage.join("usr/lib/vst3").join(VST3), 0o644)?;
    put(&linux.command, &stage.join("usr/bin/backline"), 0o755)?;
    papers(&doc, "x86_64-unknown-linux-gnu")?;
    let licence = fs::read_to_string(root().join("LICENSE-MIT"))?;
    let copyright = format!(
        "Backline is licensed under MIT (below) or Apache-2.0 (LICENSE-APACHE), at your option.\n\
         The licences of its libraries are in LICENCES-OF-LIBRARIES.txt, other notices in NOTICES.md.\n\n{licence}"
    );
    write(&doc.join("copyright"), &copyright, 0o644)?;
    let size: u64 = files(&stage)?.iter().map(|path| fs::metadata(path).map_or(0, |m| m.len())).sum();
    let control = format!(
        "Package: backline\nVersion: {VERSION}\nSection: sound\nPriority: optional\nArchitecture: amd64\n\
         Maintainer: {MAINTAINER}\nInstalled-Size: {}\nDepends: libc6 (>= {}), libgcc-s1\n\
         Recommends: libgl1, libx11-6, libx11-xcb1, libxcb1, libxcursor1\n\
         Description: band that listens, as a VST3 and CLAP plug-in\n \
         Backline hears what is played on a track, works out tempo, beats, key and chords while the song runs,\n \
         and answers with matching drums, chords and bass as MIDI.\n",
        size / 1024,
        newest_libc(&[&linux.clap, &linux.command])?,
    );
    write(&stage.join("DEBIAN/control"), &control, 0o644)?;
    let mut deb = command("dpkg-deb");
    deb.env("SOURCE_DATE_EPOCH", TIME).args(["--root-owner-group", "-Zxz", "--threads-max=1"]);
    touch(&stage)?;
    run(deb.arg("--build").arg(&stage).arg(to))?;
    remove(&stage)?;
    Ok(())
}

fn zip(foreign: &Product, stem: &str, to: &Path) -> Result<()> {
    let stage = stage(to)?;
    let inner = stage.join(stem);
    product(foreign, &inner, &inner.join("backline.exe"))?;
    papers(&inner, "x86_64-pc-windows-gnu")?;
    let script = include_str!("package/install.cmd").replace('\n', "\r\n");
    write(&inner.join("install.cmd"), &script, 0o644)?;
    touch(&stage)?;
    let mut zip = command("zip");
    zip.current_dir(&stage).env("TZ", "UTC").args(["-X", "-D", "-9", "-q"]).arg(to);
    for path in files(&inner)? {
        zip.arg(path.strip_prefix(&stage)?);
    }
    run(&mut zip)?;
    remove(&stage)?;
    Ok(())
}

/// An empty folder in which a package is laid out.
fn stage(package: &Path) -> Result<PathBuf> {
    let stage = package.with_extension("stage");
    remove(&stage)?;
    remove(package)?;
    fs::create_dir_all(&stage)?;
    Ok(stage)
}

/// Copies a file or a folder; its files get the rights `mode`.
fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let parent = to.parent().context("a file lies in a folder")?;
    let missing = || format!("{} cannot be packed", from.display());
    fs::create_dir_all(parent).with_context(missing)?;
    copy(from, to).with_context(missing)?;
    for file in files(to)? {
        fs::set_permissions(file, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn write(to: &Path, text: &str, mode: u32) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::write(to, text)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// All files under `path`, in the order of their names; or `path` itself.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut inside = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    inside.sort();
    let mut all = Vec::new();
    for path in inside {
        all.extend(files(&path)?);
    }
    Ok(all)
}

/// Gives all under `folder` the packages' time.
fn touch(folder: &Path) -> Result<()> {
    run(command("find").arg(folder).args(["-exec", "touch", "-h", "-d", &format!("@{TIME}"), "{}", "+"]))
}

/// The newest version of the C library that one of `programs` asks for, such as `2.34`.
fn newest_libc(programs: &[&Path]) -> Result<String> {
    let mut newest = (0, 0);
    for program in programs {
        let bytes = fs::read(program)?;
        for at in behind(&bytes, b"GLIBC_") {
            let word: String = bytes[at..]
                .iter()
                .take_while(|b| b.is_ascii_digit() || **b == b'.')
                .map(|b| char::from(*b))
                .collect();
            let mut numbers = word.split('.').map(|n| n.parse().unwrap_or(0));
            newest = newest.max((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)));
        }
    }
    ensure!(newest > (0, 0), "the plug-in asks for no C library, which cannot be");
    Ok(format!("{}.{}", newest.0, newest.1))
}

/// Where the bytes behind each `needle` begin.
fn behind<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes
        .windows(needle.len())
        .enumerate()
        .filter(move |(_, w)| *w == needle)
        .map(|(at, _)| at + needle.len())
}

/// An empty folder for trying a package out.
fn trial(package: &Path) -> Result<PathBuf> {
    let trial = package.with_extension("trial");
    remove(&trial)?;
    fs::create_dir_all(&trial)?;
    Ok(trial)
}

/// Unpacks the archive as a musician does, runs its installer in a home with a difficult name, and looks at what
/// lies there; then removes it again.
fn try_archive(linux: &Product, stem: &str, package: &Path) -> Result<()> {
    let trial = trial(package)?;
    run(command("tar").arg("-xf").arg(package).arg("-C").arg(&trial))?;
    let home = trial.join("Jürgen's home #1");
    fs::create_dir_all(&home)?;
    let installer = || -> Command {
        let mut sh = command("sh");
        sh.env("HOME", &home).arg(trial.join(stem).join("install.sh"));
        sh
    };
    // Twice: the second time over what is there.
    run(&mut installer())?;
    run(&mut installer())?;
    same(&linux.clap, &home.join(".clap").join(CLAP))?;
    same(&linux.vst3, &home.join(".vst3").join(VST3))?;
    same(&linux.command, &home.join(".local/bin/backline"))?;
    ensure!(
        answers(&home.join(".local/bin/backline").to_string_lossy(), &["styles"]),
        "the installed command does not run"
    );
    run(installer().arg("--remove"))?;
    ensure!(files(&home)?.is_empty(), "the installer leaves files behind when it removes");
    complete(&trial.join(stem))?;
    remove(&trial)?;
    Ok(())
}

fn try_deb(linux: &Product, package: &Path) -> Result<()> {
    let trial = trial(package)?;
    run(command("dpkg-deb").arg("-x").arg(package).arg(&trial))?;
    same(&linux.clap, &trial.join("usr/lib/clap").join(CLAP))?;
    same(&linux.vst3, &trial.join("usr/lib/vst3").join(VST3))?;
    same(&linux.command, &trial.join("usr/bin/backline"))?;
    complete(&trial.join("usr/share/doc/backline"))?;
    remove(&trial)?;
    Ok(())
}

/// Unpacks the zip and runs its installer under Wine, for a user with a difficult name: into an empty home, over what is
/// there, where it cannot write, and out again.
fn try_zip(foreign: &Product, stem: &str, package: &Path) -> Result<()> {
    let trial = trial(package)?;
    run(command("unzip").arg("-q").arg(package).arg("-d").arg(&trial))?;
    let inner = trial.join(stem);
    same(&foreign.clap, &inner.join(CLAP))?;
    same(&foreign.vst3, &inner.join(VST3))?;
    same(&foreign.command, &inner.join("backline.exe"))?;
    complete(&inner)?;

    // Windows tells programs where a user's things lie; this says otherwise, and lies in a folder of that user's, so
    // that no difficult letter has to stand in a script.
    let home = trial.join("Jürgen's (R&B) #1");
    let script = format!("@set \"LOCALAPPDATA=%~dp0home\"\r\n@call \"%~dp0..\\{stem}\\install.cmd\" %*\r\n");
    write(&home.join("try.cmd"), &script, 0o644)?;
    let wine = Wine::new()?;
    let installer = |word: &[&str]| -> Result<(Option<i32>, String)> {
        let mut cmd = wine.program(Path::new("cmd"));
        cmd.current_dir(&home).args(["/c", "try.cmd"]).args(word).stdin(Stdio::null());
        let output = cmd.output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let common = home.join("home/Programs/Common");
    let (clap, vst3) = (common.join("CLAP").join(CLAP), common.join("VST3").join(VST3));
    for round in ["into an empty home", "over what is there"] {
        let (code, said) = installer(&[])?;
        ensure!(code == Some(0), "the zip's installer fails {round}: {said}");
        same(&foreign.clap, &clap)?;
        same(&foreign.vst3, &vst3)?;
        ensure!(files(&common)?.len() == 2, "the zip's installer leaves other files {round}");
    }
    // Where it cannot write, here since a file stands in a folder's place, it says so and leaves what was there.
    remove(&common.join("CLAP"))?;
    write(&common.join("CLAP"), "x", 0o644)?;
    let (code, said) = installer(&[])?;
    ensure!(
        code == Some(1) && said.contains("could not be installed"),
        "the zip's installer hides a failure: {said}"
    );
    same(&foreign.vst3, &vst3)?;
    remove(&common.join("CLAP"))?;
    installer(&[])?;
    let (code, said) = installer(&["--remove"])?;
    ensure!(code == Some(0) && files(&common)?.is_empty(), "the zip's installer does not remove: {said}");
    ensure!(installer(&["--help"])?.0 != Some(0), "the zip's installer takes any word");
    println!("package: the zip's installer installs, replaces, refuses and removes under Wine");
    remove(&trial)?;
    Ok(())
}

/// Whether two files, or two folders, are the same.
fn same(one: &Path, other: &Path) -> Result<()> {
    let (left, right) = (files(one)?, files(other)?);
    let names = |all: &[PathBuf], root: &Path| -> Vec<PathBuf> {
        all.iter().map(|p| p.strip_prefix(root).unwrap_or(p).to_owned()).collect()
    };
    ensure!(names(&left, one) == names(&right, other), "{} has other files than it should", other.display());
    for (a, b) in left.iter().zip(&right) {
        ensure!(fs::read(a)? == fs::read(b)?, "{} is not what was packed", b.display());
    }
    Ok(())
}

/// Whether the papers are all there.
fn complete(folder: &Path) -> Result<()> {
    for (from, name) in PAPERS {
        same(&root().join(from), &folder.join(name))?;
    }
    let text = fs::read_to_string(folder.join("LICENCES-OF-LIBRARIES.txt"))?;
    for name in ["nice-plug ", "symphonia ", "triple_buffer ", "epaint_default_fonts ", "tract-onnx "] {
        ensure!(text.contains(&format!("\n{name}")), "the licence of {name}is missing");
    }
    ensure!(files(&folder.join("models"))?.len() > 4, "model cards are missing");
    Ok(())
}
