//! Files that come into the window: a recording is heard with hindsight, by the same engine; a MIDI file is read.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use backline_engine::{Models, Taste, accompany};
use backline_files::{FileError, MidiSong, read_audio};
use backline_music::{Controls, Key, Metre, PlannedChord};

/// A MIDI file is never longer; what is, is none.
const MAX_MIDI_BYTES: u64 = 1 << 26;

/// What a file told.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The file's name.
    pub name: String,
    /// Quarter notes a minute, on the whole.
    pub tempo_bpm: f64,
    /// Key, if it is known.
    pub key: Option<Key>,
    /// Metre of most bars.
    pub metre: Metre,
    /// Its harmony in order, in quarter notes from its first bar line, equal neighbours joined.
    pub chords: Vec<PlannedChord>,
    /// What was odd about the file.
    pub notices: Vec<String>,
}

impl Taken {
    /// Bars that the harmony fills.
    pub fn bars(&self) -> usize {
        let end = self.chords.last().map_or(0.0, |c| c.start_beat + c.length_beats);
        (end / self.metre.bar_quarters() - 1e-6).ceil().max(0.0) as usize
    }
}

/// Reads or hears the file at `path`. Takes about a second a minute of music: not for the window's thread.
/// `progress` is told the share done.
///
/// # Errors
/// A sentence on why nothing could be taken from it.
pub fn take(path: &Path, progress: &mut dyn FnMut(f32)) -> Result<Taken, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let named =
        path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mid") || e.eq_ignore_ascii_case("midi"));
    if named || begins_as_midi(path) { read(path, name) } else { hear(path, name, progress) }
}

/// Whether a file is MIDI, whatever it is called.
fn begins_as_midi(path: &Path) -> bool {
    let mut begin = [0; 4];
    // Asked before it is opened: opening a named pipe would wait for ever.
    let is_file = std::fs::metadata(path).is_ok_and(|about| about.is_file());
    let read = |begin: &mut [u8]| std::fs::File::open(path)?.read_exact(begin);
    is_file && read(&mut begin).is_ok() && begin == *b"MThd"
}

/// The path that a text means which was typed or pasted: `~` is the musician's folder, and a `file:` address (RFC 8089) is a path,
/// too.
pub fn path_of(text: &str) -> PathBuf {
    let text = text.trim().trim_matches(['"', '\'']);
    if let Some(address) = text.strip_prefix("file:") {
        return path_of_address(address);
    }
    let inside = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
    match (inside, std::env::home_dir()) {
        (Some(inside), Some(home)) => home.join(inside.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(text),
    }
}

fn path_of_address(address: &str) -> PathBuf {
    let mut bytes = backline_filedrag::file_path(address.as_bytes()).unwrap_or_default();
    // `/C:/Music`, as Windows writes it.
    if cfg!(windows) && bytes.get(2) == Some(&b':') {
        bytes.remove(0);
    }
    path_of_bytes(bytes)
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

fn hear(path: &Path, name: String, progress: &mut dyn FnMut(f32)) -> Result<Taken, String> {
    let audio = read_audio(path).map_err(|error| error.to_string())?;
    let mono = audio.mono();
    let rate = f64::from(audio.sample_rate);
    let band =
        accompany(&mono, rate, &Models::installed(), &Controls::default(), &Taste::neutral(), None, progress)
            .map_err(|error| format!("{name} cannot be heard: {error}. Nothing was changed."))?;
    let points = band.tempo_map.points();
    let tempo_bpm = match (points.first(), points.last()) {
        (Some(first), Some(last)) if last.1 > first.1 && !band.bars.is_empty() => {
            (last.0 - first.0) / (last.1 - first.1) * 60.0
        }
        _ => {
            return Err(format!(
                "No beat was heard in {name}, so there are no bars to take. Try a recording of at least ten seconds \
                 with a clear pulse."
            ));
        }
    };
    let chords = joined(band.bars.iter().flat_map(|bar| &bar.chords).copied());
    let key = band.heard.key.map(|key| key.value);
    Ok(Taken { name, tempo_bpm, key, metre: band.metre, chords, notices: audio.notices })
}

fn read(path: &Path, name: String) -> Result<Taken, String> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => FileError::Missing(path.to_owned()).to_string(),
        _ => FileError::Unreadable { path: path.to_owned(), cause: source }.to_string(),
    };
    // Asked before it is opened: opening a named pipe would wait for ever.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > MAX_MIDI_BYTES {
        return Err(FileError::NotAFile(path.to_owned()).to_string());
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let song = MidiSong::parse(&bytes).map_err(|error| format!("{name}: {error}"))?;
    let chords = song.chords();
    if chords.iter().all(|c| c.chord.is_none()) {
        return Err(format!(
            "{name} has no chords that can be read, so there is nothing to take from it. Drop a MIDI file with chords, a \
             bass line and a melody, or one with chord symbols."
        ));
    }
    let (line, metre) = first_full_bar(&song);
    let end = song.end_tick().max(line + 1);
    let seconds = song.seconds_at(end) - song.seconds_at(line);
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(song.ppq.max(1));
    let tempo_bpm = quarters(end - line) / seconds.max(1e-9) * 60.0;
    let chords = after(&chords, quarters(line));
    Ok(Taken { name, tempo_bpm, key: song.key(), metre, chords, notices: Vec::new() })
}

/// The first bar line of a song, and its metre: what comes before, a pickup or the time until a recording's music begins, has
/// a metre of its own that holds for one bar, shorter than those of the song.
fn first_full_bar(song: &MidiSong) -> (u32, Metre) {
    let bar = |metre: Metre| metre.bar_quarters() * f64::from(song.ppq);
    match song.metres[..] {
        [(0, pickup), (line, metre), ..]
            if (bar(pickup) - f64::from(line)).abs() < 0.5 && bar(pickup) < bar(metre) =>
        {
            (line, metre)
        }
        [(_, metre), ..] => (0, metre),
        [] => (0, Metre::default()),
    }
}

/// The chords from `start_beat` on, counted from there.
fn after(chords: &[PlannedChord], start_beat: f64) -> Vec<PlannedChord> {
    let moved = chords.iter().map(|chord| {
        let start = (chord.start_beat - start_beat).max(0.0);
        let length_beats = chord.start_beat + chord.length_beats - start_beat - start;
        PlannedChord { start_beat: start, length_beats, ..*chord }
    });
    moved.filter(|chord| chord.length_beats > 1e-6).collect()
}

/// Equal neighbours joined; what lies before the first bar line is left out.
fn joined(chords: impl Iterator<Item = PlannedChord>) -> Vec<PlannedChord> {
    let mut out: Vec<PlannedChord> = Vec::new();
    for chord in chords.filter(|c| c.start_beat >= -1e-6) {
        match out.last_mut() {
            Some(last)
                if last.chord == chord.chord
                    && (last.start_beat + last.length_beats - chord.start_beat).abs() < 1e-6 =>
            {
                last.length_beats += chord.length_beats;
            }
            _ => out.push(chord),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use backline_files::wav::{Depth, write_wav};
    use backline_music::{Chord, StyleChoice};
    use backline_synth::demo::DEMO;

    use super::*;

    fn told(chords: &[PlannedChord]) -> Vec<String> {
        chords.iter().map(|c| c.chord.map_or_else(|| "–".into(), Chord::symbol)).collect()
    }

    #[test]
    fn a_recording_and_its_midi_file_tell_the_same_song() {
        let dir = tempfile::tempdir().unwrap();
        let song = DEMO.render(22_050);
        let frames = 22_050 * 26;
        let wav = dir.path().join("demo take 1.wav");
        let sides = [&song.audio.left[..frames], &song.audio.right[..frames]];
        write_wav(&wav, 22_050, Depth::Bits24, &sides).unwrap();
        let mut shares = Vec::new();
        let heard = take(&wav, &mut |share| shares.push(share)).unwrap();
        assert_eq!(heard.name, "demo take 1.wav");
        assert!((heard.tempo_bpm - DEMO.tempo_bpm).abs() < 0.5, "{}", heard.tempo_bpm);
        assert_eq!(heard.metre, DEMO.metre);
        assert!(heard.key.is_some());
        assert_eq!(told(&heard.chords)[..4], ["Am", "F", "C", "G"], "{:?}", heard.chords);
        assert!((8..=11).contains(&heard.bars()), "{} bars", heard.bars());
        assert!(shares.len() > 3 && shares.windows(2).all(|w| w[0] <= w[1]));

        // What the band makes of it, read back as a file of notes alone.
        let mono: Vec<f32> = sides[0].iter().zip(sides[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        let band = accompany(
            &mono,
            22_050.0,
            &Models::none(),
            // Plain triads, whatever the song is taken for.
            &Controls { style: StyleChoice::Named("rock".into()), ..Controls::default() },
            &Taste::neutral(),
            None,
            &mut |_| {},
        )
        .unwrap();
        let tempo = backline_music::TempoMap::steady(DEMO.tempo_bpm);
        let parts = backline_music::Part::ALL;
        let mut midi = MidiSong::from_plan("x", &band.bars, &tempo, heard.key, &parts, |_| 0);
        midi.markers.clear();
        let path = dir.path().join("band.MID");
        midi.write(&path).unwrap();
        let read = take(&path, &mut |_| {}).unwrap();
        assert_eq!((read.key, read.metre), (heard.key, heard.metre));
        assert!((read.tempo_bpm - DEMO.tempo_bpm).abs() < 0.1);
        // The band adds sevenths; roots, and minor or major, are the song's.
        let triads = |chords: &[PlannedChord]| -> Vec<_> {
            chords.iter().take(8).map(|c| c.chord.map(|c| (c.root, c.quality.is_minor()))).collect()
        };
        assert_eq!(triads(&read.chords), triads(&heard.chords), "{:?}", told(&read.chords));
    }

    /// Four bars of four quarters at 120 BPM, a chord each.
    fn four_bars() -> Vec<backline_music::PlannedBar> {
        let chords = ["A:min", "F:maj", "C:maj", "G:maj"];
        let bar = |(i, label): (i64, &str)| {
            let start_beat = i as f64 * 4.0;
            let note = |key| backline_music::PlannedNote {
                part: backline_music::Part::Chords,
                key,
                velocity: 90,
                onset_beat: start_beat,
                length_beats: 4.0,
            };
            let chord: Chord = label.parse().unwrap();
            backline_music::PlannedBar {
                index: i,
                start_beat,
                metre: Metre::FOUR_FOUR,
                tempo_bpm: 120.0,
                style: "rock".into(),
                fill: false,
                chords: vec![PlannedChord { start_beat, length_beats: 4.0, chord: Some(chord), prob: 0.9 }],
                notes: chord.tones().map(|tone| note(48 + tone.index())).collect(),
            }
        };
        (0..).zip(chords).map(bar).collect()
    }

    #[test]
    fn a_file_is_taken_from_its_first_full_bar() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backing.mid");
        let parts = [backline_music::Part::Chords];
        // The music begins after so many seconds: at once, on a bar line, with 5/8 and with three quarters before it.
        for lead_in_s in [0.0, 2.0, 1.27, 1.48] {
            let points = (0..=4).map(|i| (f64::from(i) * 4.0, lead_in_s + f64::from(i) * 2.0));
            let tempo = backline_music::TempoMap::new(points);
            let mut midi = MidiSong::from_plan("x", &four_bars(), &tempo, None, &parts, |_| 0);
            for marked in [true, false] {
                if !marked {
                    midi.markers.clear();
                }
                midi.write(&path).unwrap();
                let taken = take(&path, &mut |_| {}).unwrap();
                let mut chords = taken.chords.clone();
                // A whole bar of rest is a bar of the file.
                let rest = if lead_in_s == 2.0 { 4.0 } else { 0.0 };
                chords.retain(|chord| chord.chord.is_some());
                let starts: Vec<f64> = chords.iter().map(|chord| chord.start_beat - rest).collect();
                assert_eq!(starts, [0.0, 4.0, 8.0, 12.0], "{lead_in_s} s, marked: {marked}");
                assert_eq!(told(&chords), ["Am", "F", "C", "G"]);
                assert_eq!(taken.metre, Metre::FOUR_FOUR);
                assert!((taken.tempo_bpm - 120.0).abs() < 0.1, "{lead_in_s}: {}", taken.tempo_bpm);
            }
        }
    }

    #[test]
    fn a_file_is_what_it_begins_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("song.bin");
        let tempo = backline_music::TempoMap::steady(120.0);
        let midi = MidiSong::from_plan("x", &four_bars(), &tempo, None, &backline_music::Part::ALL, |_| 0);
        midi.write(&path).unwrap();
        assert_eq!(told(&take(&path, &mut |_| {}).unwrap().chords), ["Am", "F", "C", "G"]);
    }

    #[test]
    fn a_path_is_understood_as_it_is_typed_or_pasted() {
        let home = std::env::home_dir().unwrap();
        for (text, path) in [
            (" '/songs/take 3.wav' ", PathBuf::from("/songs/take 3.wav")),
            ("~/x.wav", home.join("x.wav")),
            ("~", home),
            ("~x.wav", PathBuf::from("~x.wav")),
            ("file:///songs/J%C3%BCrgen%20100%25.wav", PathBuf::from("/songs/Jürgen 100%.wav")),
            ("file://localhost/a.mid", PathBuf::from("/a.mid")),
            ("file:/50%.mid", PathBuf::from("/50%.mid")),
        ] {
            assert_eq!(path_of(text), path, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_taken_costs_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let silence = dir.path().join("silence.wav");
        write_wav(&silence, 22_050, Depth::Bits16, &[&vec![0.0; 22_050 * 4]]).unwrap();
        let mut drums = MidiSong { ppq: 480, ..MidiSong::default() };
        let hit = backline_files::midi::MidiNote { tick: 0, key: 36, length: 100, velocity: 90 };
        drums.tracks.push(backline_files::midi::MidiTrack {
            channel: 9,
            notes: vec![hit],
            ..Default::default()
        });
        for (path, word) in [
            (file("broken.mid", b"MThd nonsense"), "not a MIDI file"),
            (file("drums.mid", &drums.to_bytes()), "no chords"),
            (file("text.wav", b"this is a letter"), "not audio"),
            (file("empty.flac", b""), "empty"),
            (silence, "No beat"),
            (dir.path().join("gone.mp3"), "no such file"),
            (dir.path().join("gone.mid"), "no such file"),
            (dir.path().to_owned(), "not a file"),
        ] {
            let why = take(&path, &mut |_| {}).unwrap_err();
            assert!(why.contains(word) && why.ends_with('.'), "{path:?}: {why}");
        }
    }
}
