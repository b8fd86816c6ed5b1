//! How well recordings are heard, against what is known of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::install;
use crate::run::{answers, command, root, run, target};

/// What an estimate is, beside the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Within 1 %.
    Right,
    /// Within 1 % of two, three, a half or a third of it.
    Octave,
    /// Something else.
    Wrong,
    /// No tempo was claimed.
    None,
}

/// What was said to one of these verbs, with paths that hold in whatever folder a program is run.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    /// The folder, if one was named.
    folder: Option<PathBuf>,
    /// Options, each before its value.
    options: Vec<String>,
}

/// Reads options, each with a value after it or behind `=`, and a folder among them. Those in `paths` have a path as
/// their value, those in `others` something else.
fn read(args: &[String], paths: &[&str], others: &[&str]) -> Result<Said> {
    let mut said = Said { folder: None, options: Vec::new() };
    let mut args = args.iter();
    while let Some(word) = args.next() {
        if !word.starts_with('-') {
            ensure!(said.folder.is_none(), "one folder can be named, and `{word}` is a second");
            said.folder = Some(std::path::absolute(word)?);
            continue;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, value),
            None => (word.as_str(), args.next().with_context(|| format!("{word} needs a value"))?.as_str()),
        };
        let value = if paths.contains(&option) {
            std::path::absolute(value)?.to_string_lossy().into_owned()
        } else if others.contains(&option) {
            value.to_owned()
        } else {
            bail!("there is no option `{option}` here, only {}", [paths, others].concat().join(", "));
        };
        said.options.extend([option.to_owned(), value]);
    }
    Ok(said)
}

/// The release build of the command line.
fn backline() -> Result<PathBuf> {
    install::build(true)?;
    Ok(target().join("release").join(format!("backline{}", std::env::consts::EXE_SUFFIX)))
}

/// Scores hearing by the field's definitions, nets beside rules beside peers: on the recordings of a folder, if `args`
/// name one, or on our own rendered songs. The options go to the training package's `hear`.
///
/// # Errors
/// A word is not known, the command line cannot be built, or Python with mir_eval is missing.
pub fn hear(args: &[String]) -> Result<()> {
    let Said { folder, options } = read(args, &["--json"], &["--modes", "--worst"])?;
    let backline = backline()?;
    let folder = match folder {
        Some(folder) => folder,
        None => {
            let songs = target().join("songs");
            run(command(&backline.to_string_lossy()).args(["demo", "--all", "-o"]).arg(&songs))?;
            songs
        }
    };
    let folder = folder.canonicalize().with_context(|| format!("{} is no folder", folder.display()))?;
    if !answers("python3", &["-c", "import mir_eval"]) {
        bail!(
            "scoring needs Python's mir_eval: make a virtual environment, activate it, and run \
             pip install './models/training[score]' (and [peers] to compare with other programs)"
        );
    }
    let mut python = command("python3");
    python.current_dir(root().join("models/training")).args(["-m", "backline_training.hear"]).arg(folder);
    run(python.arg("--backline").arg(backline).args(options))
}

/// Prints what the band plays as figures: voice-leading, violations, chord tones, the answer to a riff, speed. With
/// options, which go to the training package's `evaluate play`, every net's table before it.
///
/// # Errors
/// A word is not known, the programs that measure cannot be built, or Python lacks what the nets' tables need.
pub fn play(args: &[String]) -> Result<()> {
    let Said { folder, options } = read(args, &["--work", "--data", "--out", "--config"], &["--set"])?;
    if let Some(folder) = folder {
        bail!("`{}` belongs to no option: name folders by --work and --data", folder.display());
    }
    if options.is_empty() {
        return run(command("cargo").args([
            "run",
            "--release",
            "-p",
            "backline-play",
            "--example",
            "evaluate",
        ]));
    }
    if !answers("python3", &["-c", "import torch, onnx, scipy, mido"]) {
        bail!(
            "the nets' tables need PyTorch and more: make a virtual environment, activate it, and run \
             pip install './models/training[prepare]'"
        );
    }
    run(command("cargo").args(["build", "--workspace", "--examples"]))?;
    let mut python = command("python3");
    python.env("PYTHONPATH", root().join("models/training"));
    python.args(["-m", "backline_training", "evaluate", "play", "--bin"]);
    run(python.arg(target().join("debug/examples")).args(options))
}

/// Analyses every recording below the folder in `args` whose tempo is known: from "120 BPM" in its name, or from a
/// file of the same stem that ends in `.tempo`, wherever below the folder that lies.
///
/// # Errors
/// No folder is named, the command line cannot be built, or the folder cannot be read.
pub fn tempo(args: &[String]) -> Result<()> {
    let folder = read(args, &[], &[])?.folder.context("name the FOLDER of recordings to evaluate on")?;
    let backline = backline()?;
    let mut files = Vec::new();
    walk(&folder, &mut files)?;
    files.sort();
    let json = std::env::temp_dir().join(format!("backline-evaluate-{}.json", std::process::id()));
    let mut verdicts = Vec::new();
    let mut failed = 0;
    println!("{:44} {:>7} {:>7}  verdict", "recording", "true", "heard");
    for file in files.iter().filter(|f| is_audio(f)) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let _ = fs::remove_file(&json);
        let output =
            command(&backline.to_string_lossy()).arg("analyze").arg(file).arg("--json").arg(&json).output();
        let code = output.context("the backline command could not be started")?.status.code();
        if !matches!(code, Some(0 | 1)) {
            failed += 1;
            println!("{name:44} exit {code:?}");
            continue;
        }
        let Some(truth) = named_bpm(&name).or_else(|| annotated_bpm(&name, &files)) else { continue };
        let heard =
            fs::read(&json).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        let heard = heard.and_then(|json| json["tempo_bpm"].as_f64());
        let verdict = judge(truth, heard);
        println!("{name:44} {truth:7.1} {:7.1}  {verdict:?}", heard.unwrap_or(f64::NAN));
        verdicts.push(verdict);
    }
    let _ = fs::remove_file(&json);
    let count = |v| verdicts.iter().filter(|x| **x == v).count();
    println!(
        "{} recordings: {} right within 1 %, {} an octave or a third off, {} wrong, {} no tempo; {failed} not analysed",
        verdicts.len(),
        count(Verdict::Right),
        count(Verdict::Octave),
        count(Verdict::Wrong),
        count(Verdict::None)
    );
    if failed > 0 {
        bail!("{failed} recordings could not be analysed");
    }
    Ok(())
}

fn judge(truth: f64, heard: Option<f64>) -> Verdict {
    let Some(heard) = heard else { return Verdict::None };
    let near = |factor: f64| (heard / (truth * factor) - 1.0).abs() <= 0.01;
    if near(1.0) {
        Verdict::Right
    } else if [2.0, 3.0, 0.5, 1.0 / 3.0].into_iter().any(near) {
        Verdict::Octave
    } else {
        Verdict::Wrong
    }
}

/// The number before "BPM" in a name.
fn named_bpm(name: &str) -> Option<f64> {
    name[..name.find("BPM")?].split_whitespace().next_back()?.parse().ok()
}

/// The first number of the annotation that belongs to a recording.
fn annotated_bpm(name: &str, files: &[PathBuf]) -> Option<f64> {
    let annotation = files.iter().find(|f| {
        f.extension().is_some_and(|e| e == "tempo") && f.file_stem().is_some_and(|stem| stem == name)
    })?;
    fs::read_to_string(annotation).ok()?.split_whitespace().next()?.parse().ok()
}

fn is_audio(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    ["wav", "aif", "aiff", "flac", "mp3", "ogg"].iter().any(|e| extension == *e)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("{} cannot be read", folder.display()))?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_in_every_folder_and_stand_anywhere() {
        let words = |all: &str| all.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let here = |name: &str| std::env::current_dir().unwrap().join(name);
        let json = here("out.json").to_string_lossy().into_owned();
        for said in [
            "songs --modes online --json out.json",
            "--modes online songs --json=out.json",
            "--modes online --json out.json songs",
        ] {
            let said = read(&words(said), &["--json"], &["--modes", "--worst"]).unwrap();
            assert_eq!(said.folder, Some(here("songs")));
            assert_eq!(said.options, ["--modes", "online", "--json", &json]);
        }
        assert_eq!(read(&words("--modes online"), &[], &["--modes"]).unwrap().folder, None);
        assert!(read(&words("--modes"), &[], &["--modes"]).is_err());
        assert!(read(&words("--help"), &[], &["--modes"]).is_err());
    }

    #[test]
    fn names_and_verdicts() {
        assert_eq!(named_bpm("latin_guitar01 - 126 BPM"), Some(126.0));
        assert_eq!(named_bpm("kick01"), None);
        assert_eq!(judge(126.0, Some(126.9)), Verdict::Right);
        assert_eq!(judge(126.0, Some(63.0)), Verdict::Octave);
        assert_eq!(judge(126.0, Some(100.0)), Verdict::Wrong);
        assert_eq!(judge(126.0, None), Verdict::None);
    }
}
