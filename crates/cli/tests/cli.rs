//! The `backline` command as a process: what it writes, what it says, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use backline_files::wav::{Depth, write_wav};
use backline_files::{MidiSong, read_audio};
use backline_synth::demo::{DEMO, SPECS, Spec, demo_song};
use serde_json::Value;

fn backline<I: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_backline")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> i32 {
    let stderr = err(output);
    assert!(!stderr.contains("panicked"), "{stderr}");
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {stderr}"))
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn files_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// Eight bars of a song with drums, and its last chord.
fn short(name: &str) -> Spec {
    let spec = SPECS.iter().find(|s| s.name == name).unwrap();
    Spec { form: &[(2, "E:maj | A:maj | C#:min | B:maj"), (1, "E:maj")], ..*spec }
}

/// The demo song as a file, the same for all tests.
fn demo_wav() -> &'static Path {
    static DEMO: OnceLock<PathBuf> = OnceLock::new();
    DEMO.get_or_init(|| {
        // In one place for the processes of all tests, and put there in one step.
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("my song.wav");
        let own = path.with_extension(std::process::id().to_string());
        let song = demo_song();
        write_wav(&own, song.sample_rate, Depth::Bits16, &[&song.audio.left, &song.audio.right]).unwrap();
        std::fs::rename(&own, &path).unwrap();
        path
    })
}

fn schema_errors(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/analysis.schema.json")).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn analyze_writes_json_that_fits_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    for mode in [None, Some("--offline"), Some("--online")] {
        let mut args = vec!["analyze".as_ref(), demo_wav().as_os_str(), "--json".as_ref(), json.as_os_str()];
        args.extend(mode.map(std::ffi::OsStr::new));
        let output = backline(args);
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert!(out(&output).contains("my song.wav") && out(&output).contains("BPM"), "{}", out(&output));
        let text = fs::read_to_string(&json).unwrap();
        assert_eq!(schema_errors(&text), Vec::<String>::new());

        let a: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(a["hearing"], if mode == Some("--online") { "online" } else { "offline" });
        assert_eq!(a["source"]["channels"], 2);
        let seconds = a["source"]["seconds"].as_f64().unwrap();
        let beats = a["beats"].as_array().unwrap();
        assert!(beats.len() > 40, "{} beats", beats.len());
        for list in ["beats", "drums", "melody", "loudness", "timbre"] {
            let times: Vec<f64> =
                a[list].as_array().unwrap().iter().map(|x| x["time_s"].as_f64().unwrap()).collect();
            assert!(times.is_sorted(), "{list}");
            assert!(times.iter().all(|t| *t <= seconds + 1.0), "{list}");
        }
        for span in a["chords"].as_array().unwrap() {
            assert!(span["start_s"].as_f64().unwrap() <= span["end_s"].as_f64().unwrap());
        }
        if mode == Some("--online") {
            // Nothing is known of the end of the song at its start.
            assert!(beats[0]["decided_s"].as_f64().unwrap() < seconds / 2.0);
        }
    }
}

#[test]
fn the_schema_can_say_no() {
    let output = backline(["analyze".as_ref(), demo_wav().as_os_str(), "--json".as_ref(), "-".as_ref()]);
    assert_eq!(code(&output), 0);
    let good = out(&output);
    assert_eq!(schema_errors(&good), Vec::<String>::new());
    let a: Value = serde_json::from_str(&good).unwrap();
    for (field, wrong) in [
        ("tempo_bpm", Value::from(-3.0)),
        ("hearing", Value::from("sideways")),
        ("beats", serde_json::json!([{"time_s": 1.0}])),
        (
            "chords",
            serde_json::json!([{"start_s": 0.0, "end_s": 1.0, "label": "Am", "prob": 0.5, "runner_up": null, "decided_s": 1.0}]),
        ),
    ] {
        let mut bad = a.clone();
        bad[field] = wrong;
        assert!(!schema_errors(&bad.to_string()).is_empty(), "{field}");
    }
}

#[test]
fn accompany_writes_a_band() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two/deeper"));
    for folder in [&one, &two] {
        let output =
            backline(["accompany".as_ref(), demo_wav().as_os_str(), "-o".as_ref(), folder.as_os_str()]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert!(out(&output).contains("bars of"), "{}", out(&output));
    }
    assert_eq!(files_in(&one), WRITTEN);
    for name in WRITTEN {
        let same = fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap();
        assert!(same, "{name} differs from run to run");
    }
    let analysis = fs::read_to_string(one.join("analysis.json")).unwrap();
    assert_eq!(schema_errors(&analysis), Vec::<String>::new());

    let midi = |name: &str| MidiSong::parse(&fs::read(one.join(name)).unwrap()).unwrap();
    let band = midi("backing.mid");
    assert_eq!(band.name, "my song");
    assert_eq!(band.tracks.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["Drums", "Chords", "Bass"]);
    assert!(band.tracks[0].notes.len() > 64, "{} drum notes", band.tracks[0].notes.len());
    for (track, file) in band.tracks.iter().zip(["drums.mid", "chords.mid", "bass.mid"]) {
        let alone = midi(file);
        assert_eq!(alone.tracks.len(), 1);
        assert_eq!(alone.tracks[0].notes, track.notes);
        assert_eq!(alone.tempo, band.tempo);
        assert!(track.notes.iter().all(|n| n.length > 0 && n.velocity > 0));
    }

    let input = read_audio(demo_wav()).unwrap();
    let (backing, mix) =
        (read_audio(&one.join("backing.wav")).unwrap(), read_audio(&one.join("mix.wav")).unwrap());
    for sound in [&backing, &mix] {
        assert_eq!((sound.sample_rate, sound.frames()), (input.sample_rate, input.frames()));
        assert!(sound.left.iter().all(|s| s.abs() < 0.999), "it clips");
    }
    assert!(backing.left.iter().any(|s| s.abs() > 0.05), "the band is silent");
    // mix − backing is the recording, at its level but where peaks are limited.
    let power = |s: &mut dyn Iterator<Item = f32>| s.map(|s| f64::from(s * s)).sum::<f64>();
    let rest = power(&mut mix.left.iter().zip(&backing.left).map(|(m, b)| m - b));
    let level_db = 10.0 * (rest / power(&mut input.left.iter().copied())).log10();
    assert!((-3.0..0.5).contains(&level_db), "{level_db}");
}

/// What `accompany` writes for the whole band.
const WRITTEN: [&str; 8] = [
    "analysis.json",
    "backing.mid",
    "backing.wav",
    "bass.mid",
    "chords.mid",
    "drums.mid",
    "leadsheet.musicxml",
    "mix.wav",
];

#[test]
fn a_recording_is_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(demo_wav()).unwrap();
    let refused = |args: &[&std::ffi::OsStr], recording: &Path| {
        let before = files_in(dir.path());
        let output = Command::new(env!("CARGO_BIN_EXE_backline"))
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = err(&output);
        assert_eq!(code(&output), 2, "{args:?}: {said}");
        assert!(said.contains("written over it") && said.contains("Choose another"), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(out(&output), "");
        assert!(fs::read(recording).unwrap() == whole, "{args:?}: the recording has changed");
        assert_eq!(files_in(dir.path()), before, "{args:?}");
    };
    let [accompany, analyze, o, here, json] =
        ["accompany", "analyze", "-o", ".", "--json"].map(std::ffi::OsStr::new);
    for name in WRITTEN {
        let recording = dir.path().join(name);
        fs::write(&recording, &whole).unwrap();
        refused(&[accompany, name.as_ref(), o, here], &recording);
        refused(&[accompany, recording.as_os_str(), o, here], &recording);
        refused(&[analyze, name.as_ref(), json, format!("./{name}").as_ref()], &recording);
        fs::remove_file(&recording).unwrap();
    }
    // By other names of the same file.
    let take = dir.path().join("take.wav");
    fs::write(&take, &whole).unwrap();
    let mix = dir.path().join("mix.wav");
    fs::hard_link(&take, &mix).unwrap();
    refused(&[accompany, take.as_os_str(), o, here], &take);
    fs::remove_file(&mix).unwrap();
    #[cfg(unix)]
    for (link, to) in [(&mix, &take), (&take, &mix)] {
        let _ = fs::remove_file(link);
        fs::write(to, &whole).unwrap();
        std::os::unix::fs::symlink(to, link).unwrap();
        refused(&[accompany, take.as_os_str(), o, here], to);
        refused(&[analyze, take.as_os_str(), json, mix.as_os_str()], to);
        fs::remove_file(link).unwrap();
    }
    assert!(out(&backline(["accompany", "--help"])).contains("replaced"));
}

#[test]
fn the_bar_lines_of_the_midi_file_are_the_recordings() {
    let dir = tempfile::tempdir().unwrap();
    let (wav, folder) = (dir.path().join("house.wav"), dir.path().join("band"));
    let spec = SPECS.iter().find(|s| s.name == "house_fm").unwrap();
    let song =
        Spec { form: &[(4, "F:min7 | Db:maj7 | Ab:maj | Eb:maj"), (1, "F:min7")], ..*spec }.render(44_100);
    write_wav(&wav, song.sample_rate, Depth::Bits16, &[&song.audio.left, &song.audio.right]).unwrap();
    let output = backline(["accompany".as_ref(), wav.as_os_str(), "-o".as_ref(), folder.as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let band = MidiSong::parse(&fs::read(folder.join("backing.mid")).unwrap()).unwrap();
    let a: Value = serde_json::from_str(&fs::read_to_string(folder.join("analysis.json")).unwrap()).unwrap();

    let (lead_in, metre) = *band.metres.last().unwrap();
    let bar_ticks = (metre.bar_quarters() * f64::from(band.ppq)) as u32;
    let from_line = |seconds: f64, ticks: u32| {
        (0..300)
            .map(|line| (band.seconds_at(lead_in + line * ticks) - seconds).abs())
            .fold(f64::INFINITY, f64::min)
    };
    let beats = a["beats"].as_array().unwrap();
    let heard: Vec<f64> =
        beats.iter().filter(|b| b["beat"] == 1).map(|b| b["time_s"].as_f64().unwrap()).collect();
    assert!(heard.len() >= 15, "{} bars", heard.len());
    for downbeat in heard {
        let off = from_line(downbeat, bar_ticks);
        assert!(off < 50e-6, "the downbeat heard at {downbeat} s is {off} s from a bar line");
    }
    // And the beats of the file are those that were played.
    for beat in &song.beats[4..song.beats.len() - 4] {
        let off = from_line(*beat, u32::from(band.ppq));
        assert!(off < 0.04, "the beat played at {beat} s is {off} s from a beat of the file");
    }
}

#[test]
fn the_knobs_reach_the_band() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("song.wav");
    let song = short("rock_e").render(22_050);
    write_wav(&wav, 22_050, Depth::Bits16, &[&song.mono()]).unwrap();
    let play = |name: &str, extra: &[&str]| {
        let folder = dir.path().join(name);
        let mut args = vec!["accompany".as_ref(), wav.as_os_str(), "-o".as_ref(), folder.as_os_str()];
        args.extend(extra.iter().map(std::ffi::OsStr::new));
        let output = backline(args);
        assert_eq!(code(&output), 0, "{extra:?}: {}", err(&output));
        (MidiSong::parse(&fs::read(folder.join("backing.mid")).unwrap()).unwrap(), files_in(&folder))
    };
    let fixed = ["--style", "rock", "--bars", "8", "--humanise", "0"];
    let with = |more: &[&'static str]| [&fixed[..], more].concat();
    let (plain, _) = play("plain", &with(&[]));
    let notes = |song: &MidiSong| song.tracks.iter().map(|t| t.notes.len()).sum::<usize>();
    let bars = |song: &MidiSong| {
        let bar = song.metres.last().unwrap().1.bar_quarters() * f64::from(song.ppq);
        let ticks = || song.tracks.iter().flat_map(|t| &t.notes).map(|n| n.tick);
        f64::from(ticks().max().unwrap() - ticks().min().unwrap()) / bar
    };
    assert!(bars(&plain) <= 8.5, "{} bars", bars(&plain));
    let (loose, _) = play("loose", &["--style", "rock", "--bars", "8", "--humanise", "1"]);
    assert_ne!(plain.tracks, loose.tracks);
    let (other_seed, _) = play("seed", &with(&["--seed", "99", "--temperature", "1"]));
    assert_ne!(plain.tracks, other_seed.tracks);
    let (sparse, _) = play("sparse", &with(&["--density", "-1", "--energy=-1"]));
    let (busy, _) = play("busy", &with(&["--density", "1", "--energy", "1"]));
    assert!(notes(&sparse) < notes(&plain) && notes(&plain) < notes(&busy));
    let (drums, files) = play("drums", &with(&["--parts", "drums"]));
    assert_eq!(drums.tracks.len(), 1);
    assert!(files.contains(&"drums.mid".to_owned()) && !files.contains(&"bass.mid".to_owned()));
}

#[test]
fn any_rate_depth_and_number_of_channels() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.wav");
    // 8-bit, 8 kHz, mono: a header by hand, since nobody should write such files any more.
    let song = short("rock_e").render(8_000);
    let data: Vec<u8> = song.mono().iter().map(|s| (128.0 + s * 127.0) as u8).collect();
    let mut bytes =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data".to_vec();
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(&data);
    let riff = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&riff);
    fs::write(&path, bytes).unwrap();
    let output = backline(["analyze".as_ref(), path.as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("8000 Hz, mono"), "{}", out(&output));

    let song = short("rock_e").render(192_000);
    write_wav(&path, 192_000, Depth::Float32, &[&song.audio.left, &song.audio.right]).unwrap();
    let folder = dir.path().join("band");
    let output = backline(["accompany".as_ref(), path.as_os_str(), "-o".as_ref(), folder.as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let mix = read_audio(&folder.join("mix.wav")).unwrap();
    assert_eq!((mix.sample_rate, mix.frames()), (192_000, song.audio.frames()));
}

#[test]
fn silence_is_nothing_found() {
    let dir = tempfile::tempdir().unwrap();
    let (wav, json, band) =
        (dir.path().join("silence.wav"), dir.path().join("a.json"), dir.path().join("band"));
    write_wav(&wav, 44_100, Depth::Bits16, &[&vec![0.0; 44_100 * 12]]).unwrap();
    let output = backline(["analyze".as_ref(), wav.as_os_str(), "--json".as_ref(), json.as_os_str()]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("silent"), "{}", err(&output));
    let text = fs::read_to_string(&json).unwrap();
    assert_eq!(schema_errors(&text), Vec::<String>::new());

    let output = backline(["accompany".as_ref(), wav.as_os_str(), "-o".as_ref(), band.as_os_str()]);
    assert_eq!(code(&output), 1);
    assert_eq!(files_in(&band), ["analysis.json"], "no band for silence");
}

/// Recordings too short for a beat end with 0 or 1, never otherwise.
#[test]
fn short_recordings_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("short.wav");
    for frames in [1usize, 2, 100, 4_000, 44_100] {
        let noise: Vec<f32> = (0..frames).map(|i| ((i * 7919 % 1000) as f32 / 500.0 - 1.0) * 0.5).collect();
        write_wav(&wav, 44_100, Depth::Bits16, &[&noise]).unwrap();
        for mode in ["--offline", "--online"] {
            let output = backline(["analyze".as_ref(), wav.as_os_str(), mode.as_ref()]);
            assert!(matches!(code(&output), 0 | 1), "{frames} {mode}: {}", err(&output));
        }
        let band = dir.path().join(format!("band {frames}"));
        let output = backline(["accompany".as_ref(), wav.as_os_str(), "-o".as_ref(), band.as_os_str()]);
        assert!(matches!(code(&output), 0 | 1), "{frames}: {}", err(&output));
    }
}

#[test]
fn broken_files_end_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(demo_wav()).unwrap();
    let header = whole[..44].to_vec();
    let mut zero = header.clone();
    zero[40..44].copy_from_slice(&0u32.to_le_bytes());
    for (name, bytes, says) in [
        ("empty.wav", Vec::new(), "empty"),
        ("text.wav", b"These are the lyrics of my song, and no audio.\n".repeat(99), "not audio"),
        ("zero.wav", zero, "0 seconds"),
        ("header.wav", header[..20].to_vec(), "Export"),
        ("noise.mp3", whole[1_000..5_000].iter().map(|b| b & 0x7f).collect(), "Export"),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let band = dir.path().join("band");
        for args in [
            vec!["analyze".as_ref(), path.as_os_str()],
            vec!["accompany".as_ref(), path.as_os_str(), "-o".as_ref(), band.as_os_str()],
        ] {
            let output = backline(args);
            assert_eq!(code(&output), 2, "{name}: {}", err(&output));
            let said = err(&output);
            assert!(said.contains(says) && said.contains(name), "{name}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        assert_eq!(files_in(&band), Vec::<String>::new(), "{name}");
    }
    for missing in [dir.path().join("nowhere.wav"), dir.path().to_owned()] {
        let output = backline(["analyze".as_ref(), missing.as_os_str()]);
        assert_eq!(code(&output), 2, "{}", err(&output));
    }
}

#[test]
fn a_truncated_recording_is_used_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("half.wav");
    let whole = fs::read(demo_wav()).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let output = backline(["analyze".as_ref(), path.as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("breaks off"), "{}", out(&output));
}

#[test]
fn samples_that_are_no_numbers_are_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nan.wav");
    let song = short("rock_e").render(22_050);
    write_wav(&path, 22_050, Depth::Float32, &[&song.mono()]).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for at in (44..bytes.len() - 4).step_by(40_004) {
        let wild = if at % 8 == 4 { f32::NAN } else { f32::INFINITY };
        bytes[at..at + 4].copy_from_slice(&wild.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let output = backline(["analyze".as_ref(), path.as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("NaN"), "{}", out(&output));
}

#[test]
fn nets_that_cannot_be_used_leave_the_rules_and_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("song.wav");
    let song = short("folk_g").render(44_100);
    write_wav(&wav, song.sample_rate, Depth::Bits16, &[&song.audio.left, &song.audio.right]).unwrap();
    // What was heard, and how many nets the notices name.
    let analyse = |words: &[&std::ffi::OsStr]| {
        let json = dir.path().join("heard.json");
        let mut all = vec!["analyze".as_ref(), wav.as_os_str(), "--json".as_ref(), json.as_os_str()];
        all.extend(words);
        let output = backline(all);
        assert_eq!(code(&output), 0, "{}", err(&output));
        let mut heard: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
        let notices = heard["notices"].take().to_string();
        (heard, notices.matches("simpler rules").count())
    };
    let (rules, named) = analyse(&["--rules".as_ref()]);
    assert_eq!(named, 0);
    let (nets, named) = analyse(&[]);
    assert_eq!(named, 0);
    assert_ne!(nets, rules, "the nets are not asked");

    // A net under another's name, a net cut short, and no net.
    let place = |names: &[(&str, &str)], folder: &Path| {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        for (from, to) in names {
            fs::create_dir_all(folder.join(to)).unwrap();
            for file in ["net.json", "net.onnx"] {
                fs::copy(shipped.join(from).join(file), folder.join(to).join(file)).unwrap();
            }
        }
    };
    let offline = "harmony_offline_net";
    let wrong = dir.path().join("models");
    place(&[("harmony_net", "rhythm_net"), (offline, offline)], &wrong);
    let cut = wrong.join("harmony_offline_net/net.onnx");
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let (heard, named) = analyse(&["--models".as_ref(), wrong.as_ref()]);
    assert_eq!((heard, named), (rules, 5));

    let own = dir.path().join("Modèles – 日本 #1");
    place(
        &["rhythm_net", "rhythm_offline_net", "bars_net", "harmony_net", offline].map(|name| (name, name)),
        &own,
    );
    let (heard, _) = analyse(&["--models".as_ref(), own.as_ref()]);
    assert_eq!(heard, nets);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a file");
    fs::write(&file, b"x").unwrap();
    let inside = file.join("band");
    for args in [
        vec!["accompany".as_ref(), demo_wav().as_os_str(), "-o".as_ref(), inside.as_os_str()],
        vec!["demo".as_ref(), "-o".as_ref(), inside.as_os_str()],
        vec!["analyze".as_ref(), demo_wav().as_os_str(), "--json".as_ref(), inside.as_os_str()],
    ] {
        let output = backline(args);
        assert_eq!(code(&output), 2);
        let said = err(&output).to_lowercase();
        assert!(said.contains("choose") && said.contains("a file"), "{said}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn demo_writes_the_song_and_its_truth() {
    let dir = tempfile::tempdir().unwrap();
    let output = backline(["demo".as_ref(), "-o".as_ref(), dir.path().as_os_str()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(files_in(dir.path()), ["demo.json", "demo.wav"]);
    let audio = read_audio(&dir.path().join("demo.wav")).unwrap();
    assert!(audio.seconds() > 70.0 && audio.notices.is_empty());
    let truth: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("demo.json")).unwrap()).unwrap();
    assert_eq!(truth["tempo_bpm"], DEMO.tempo_bpm);
    assert_eq!(truth["key"], "A minor");
    assert_eq!(truth["beats_s"].as_array().unwrap().len(), 132);
}

#[test]
fn styles_lists_what_accompany_takes() {
    let output = backline(["styles"]);
    assert_eq!(code(&output), 0);
    let listed: Vec<String> =
        out(&output).lines().filter_map(|l| l.split_whitespace().next().map(str::to_owned)).collect();
    let known: Vec<String> = backline_play::styles().iter().map(|s| s.id.clone()).collect();
    assert_eq!(listed, known);
    let output = backline(["accompany", "song.wav", "-o", "band", "--style", "polka-core"]);
    assert_eq!(code(&output), 2);
    assert!(known.iter().all(|id| err(&output).contains(id)), "{}", err(&output));
}

#[test]
fn wrong_words_are_explained() {
    for args in [
        vec![],
        vec!["analyse-me"],
        vec!["analyze"],
        vec!["analyze", "a.wav", "--online", "--offline"],
        vec!["accompany", "a.wav"],
        vec!["accompany", "a.wav", "-o", "x", "--energy", "2"],
        vec!["accompany", "a.wav", "-o", "x", "--swing", "loud"],
        vec!["accompany", "a.wav", "-o", "x", "--humanise", "-0.5"],
        vec!["accompany", "a.wav", "-o", "x", "--brightness", "NaN"],
        vec!["accompany", "a.wav", "-o", "x", "--bars", "0"],
        vec!["accompany", "a.wav", "-o", "x", "--parts", "kazoo"],
    ] {
        let output = backline(&args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(!err(&output).is_empty(), "{args:?}");
    }
    for args in [["--help"], ["--version"]] {
        assert_eq!(code(&backline(args)), 0);
    }
    assert!(out(&backline(["accompany", "--help"])).contains("Exit codes"));
}

#[test]
fn a_closed_pipe_is_success() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_backline"))
        .arg("analyze")
        .arg(demo_wav())
        .args(["--json", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(err(&output), "");
}

/// A taste is shown, exported and forgotten, and only played by when that is asked for.
#[test]
fn a_taste_is_shown_exported_forgotten_and_never_used_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("own.json");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backline"));
        command.args(args).env("BACKLINE_TASTE", &own).stdin(Stdio::null()).output().unwrap()
    };
    let nothing = run(&["taste", "show"]);
    assert_eq!(code(&nothing), 1, "{}", err(&nothing));
    assert!(out(&nothing).contains("nothing judged yet"));
    let judgement =
        r#"{"style":"pop","verdict":"disliked","figures":{"drum strokes":2.0,"long chords":-1.0}}"#;
    let taste = format!(r#"{{"backline_taste":1,"judgements":[{}]}}"#, [judgement; 12].join(","));
    fs::write(&own, &taste).unwrap();
    let shown = out(&run(&["taste", "show"]));
    assert!(
        shown.contains("12 judgements: 0 liked, 0 kept, 12 disliked") && shown.contains("less drum strokes"),
        "{shown}"
    );

    let wav = demo_wav().to_string_lossy().into_owned();
    let notes = |args: &[&str]| {
        let folder = dir.path().join("out");
        let to = folder.to_string_lossy().into_owned();
        let output = run(&[&["accompany", wav.as_str(), "-o", to.as_str(), "--bars", "8"], args].concat());
        assert_eq!(code(&output), 0, "{}", err(&output));
        fs::read(folder.join("backing.mid")).unwrap()
    };
    let plain = notes(&[]);
    let own_taste = notes(&["--taste"]);
    assert_ne!(own_taste, plain);
    let copy = dir.path().join("copy.json").to_string_lossy().into_owned();
    assert_eq!(code(&run(&["taste", "export", &copy])), 0);
    assert_eq!(code(&run(&["taste", "reset"])), 0);
    assert!(!own.exists());
    assert_eq!(notes(&[&format!("--taste={copy}")]), own_taste, "carried elsewhere");

    let missing = run(&["accompany", &wav, "-o", &copy, "--taste=nowhere.json"]);
    assert!(
        code(&missing) == 2 && err(&missing).contains("there is no taste in nowhere.json"),
        "{}",
        err(&missing)
    );
    fs::write(&own, "{").unwrap();
    let damaged = run(&["taste", "show"]);
    assert!(code(&damaged) == 2 && err(&damaged).contains("is not used"), "{}", err(&damaged));
}
