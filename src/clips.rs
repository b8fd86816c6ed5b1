//! From captured bars to files: MIDI, a file a part, a lead sheet, or sound.

use std::path::{Path, PathBuf};

use backline_engine::folders::file_name;
use backline_files::midi::PPQ;
use backline_files::wav::{Depth, write_wav};
use backline_files::{LeadSheet, MidiSong};
use backline_music::{Key, Part, PlannedBar, PlannedNote, TempoMap};
use backline_synth::demo::DEMO;
use backline_synth::{Stereo, render};

use crate::demo::DEMO_BEAT;
use crate::editor::scene::{ClipChoice, Format};

/// Samples a second of clips that are sound.
const SAMPLE_RATE: u32 = 48_000;
/// Time for the last notes to ring out, in seconds.
const TAIL_S: f64 = 2.0;

/// Some bars, laid end to end from beat 0 at their own tempi.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What its files are called.
    pub name: String,
    bars: Vec<PlannedBar>,
    tempo: TempoMap,
    key: Option<Key>,
    part: Option<Part>,
}

impl Clip {
    /// What `choice` holds. `None` when that is nothing.
    pub fn of(choice: &ClipChoice, key: Option<Key>) -> Option<Self> {
        let (first, last) = (choice.bars.first()?, choice.bars.last()?);
        let mut bars = Vec::with_capacity(choice.bars.len());
        let mut points = Vec::with_capacity(choice.bars.len() + 1);
        let (mut start, mut seconds) = (0.0, 0.0);
        for bar in &choice.bars {
            let shift = start - bar.start_beat;
            let mut moved = PlannedBar::clone(bar);
            moved.start_beat = start;
            moved.chords.iter_mut().for_each(|chord| chord.start_beat += shift);
            // What leans out over the clip's start begins with it.
            moved.notes.iter_mut().for_each(|note| note.onset_beat = (note.onset_beat + shift).max(0.0));
            moved.notes.retain(|note| choice.part.is_none_or(|part| part == note.part));
            points.push((start, seconds));
            start += bar.metre.bar_quarters();
            seconds += bar.metre.bar_quarters() * 60.0 / bar.tempo_bpm.clamp(5.0, 1_000.0);
            bars.push(moved);
        }
        points.push((start, seconds));
        let part = choice.part.map_or(String::new(), |part| format!(" {part}"));
        let name = format!(
            "Backline {}-{}{part} {} {:.0} bpm",
            number(first.start_beat, first.metre.bar_quarters()),
            number(last.start_beat, last.metre.bar_quarters()),
            first.style,
            first.tempo_bpm
        );
        Some(Self { name: file_name(&name), bars, tempo: TempoMap::new(points), key, part: choice.part })
    }

    fn parts(&self) -> Vec<Part> {
        let sounds = |part: &Part| self.bars.iter().flat_map(|b| &b.notes).any(|n| n.part == *part);
        match self.part {
            Some(part) => vec![part],
            None => Part::ALL.into_iter().filter(sounds).collect(),
        }
    }

    /// The clip as a MIDI song of some parts.
    pub fn midi(&self, name: &str, parts: &[Part]) -> MidiSong {
        let style = self.bars.first().and_then(|bar| backline_play::style(&bar.style));
        let program = |part: Part| match (part, style) {
            (Part::Chords, Some(style)) => style.programs.chords,
            (Part::Bass, Some(style)) => style.programs.bass,
            (part, _) => backline_files::midi::default_program(part),
        };
        let mut song = MidiSong::from_plan(name, &self.bars, &self.tempo, self.key, parts, program);
        // Exactly its bars, so that it can be looped: a note that rings on would make it longer.
        let quarters: f64 = self.bars.iter().map(|bar| bar.metre.bar_quarters()).sum();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 64 bars
        song.cut_at((quarters * f64::from(PPQ)).round() as u32);
        song
    }

    /// The clip by the built-in sounds, at `sample_rate` Hz.
    pub fn sound(&self, sample_rate: f32) -> Stereo {
        let notes: Vec<PlannedNote> = self.bars.iter().flat_map(|b| b.notes.iter().copied()).collect();
        let end_s = self.tempo.points().last().map_or(0.0, |p| p.1) + TAIL_S;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // minutes of audio
        let frames = (end_s * f64::from(sample_rate)) as usize;
        render(&notes, &self.tempo, sample_rate, frames)
    }

    /// Writes the clip into `folder`, which is made if need be; what was written. An older file is never
    /// replaced: the name gets a number.
    ///
    /// # Errors
    /// A sentence on why it could not be written.
    pub fn write(&self, folder: &Path, format: Format) -> Result<Vec<PathBuf>, String> {
        std::fs::create_dir_all(folder).map_err(|e| {
            let folder = folder.display();
            format!("The clip is not written: {folder} cannot be made ({e}). Check its permissions. The bars are kept.")
        })?;
        let failed =
            |e: backline_files::FileError| format!("The clip is not written: {e} The bars are kept.");
        let parts = self.parts();
        let mut written = Vec::new();
        match format {
            Format::Midi => {
                let path = free(folder, &self.name, "mid");
                self.midi(&self.name, &parts).write(&path).map_err(failed)?;
                written.push(path);
            }
            Format::MidiParts => {
                for part in parts {
                    let name =
                        if self.part.is_some() { self.name.clone() } else { format!("{} {part}", self.name) };
                    let path = free(folder, &name, "mid");
                    self.midi(&name, &[part]).write(&path).map_err(failed)?;
                    written.push(path);
                }
            }
            Format::MusicXml => {
                let path = free(folder, &self.name, "musicxml");
                LeadSheet { title: &self.name, bars: &self.bars, keys: self.key.into() }
                    .write(&path)
                    .map_err(failed)?;
                written.push(path);
            }
            Format::Wav => {
                let path = free(folder, &self.name, "wav");
                let sound = self.sound(SAMPLE_RATE as f32);
                write_wav(&path, SAMPLE_RATE, Depth::Bits24, &[&sound.left, &sound.right]).map_err(failed)?;
                written.push(path);
            }
        }
        Ok(written)
    }
}

/// The number of the bar of `quarters` that starts at `beat`, as the musician counts; the demo's count from 1 like
/// any song's.
pub fn number(beat: f64, quarters: f64) -> i64 {
    let from = if beat >= DEMO_BEAT { DEMO_BEAT } else { 0.0 };
    #[allow(clippy::cast_possible_truncation)] // positions are bounded by the clock
    let bars = ((beat - from) / quarters).round() as i64;
    bars + 1
}

/// The same of a bar's place on the timeline, counted from 0.
pub fn number_of(index: i64) -> i64 {
    let quarters = DEMO.metre.bar_quarters();
    number(index as f64 * quarters, quarters)
}

/// A path that is not taken.
fn free(folder: &Path, name: &str, extension: &str) -> PathBuf {
    let first = folder.join(format!("{name}.{extension}"));
    if !first.exists() {
        return first;
    }
    (2u32..10_000)
        .map(|i| folder.join(format!("{name} ({i}).{extension}")))
        .find(|path| !path.exists())
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backline_music::{Metre, PlannedChord};

    use super::*;

    fn captured() -> Vec<Arc<PlannedBar>> {
        // As after a loop: bars 5, 6, then 5 again, at another tempo.
        [(4, 120.0), (5, 120.0), (4, 60.0)]
            .into_iter()
            .map(|(index, tempo_bpm)| {
                let start_beat = index as f64 * 4.0;
                let note = |part, key, at: f64| PlannedNote {
                    part,
                    key,
                    velocity: 90,
                    onset_beat: start_beat + at,
                    length_beats: 0.5,
                };
                Arc::new(PlannedBar {
                    index,
                    start_beat,
                    metre: Metre::FOUR_FOUR,
                    tempo_bpm,
                    style: "rock".into(),
                    fill: false,
                    chords: vec![PlannedChord {
                        start_beat,
                        length_beats: 4.0,
                        chord: "A:min".parse().ok(),
                        prob: 0.9,
                    }],
                    notes: vec![
                        note(Part::Drums, 36, -0.02),
                        note(Part::Bass, 33, 0.0),
                        note(Part::Chords, 60, 2.0),
                    ],
                })
            })
            .collect()
    }

    fn choice(bars: usize, part: Option<Part>) -> ClipChoice {
        let captured = captured();
        ClipChoice { bars: captured[captured.len().saturating_sub(bars)..].to_vec(), part }
    }

    #[test]
    fn bars_lie_end_to_end_at_their_tempi() {
        let clip = Clip::of(&choice(8, None), None).unwrap();
        let song = MidiSong::parse(&clip.midi("x", &Part::ALL).to_bytes()).unwrap();
        let bass: Vec<u32> =
            song.tracks.iter().find(|t| t.name == "Bass").unwrap().notes.iter().map(|n| n.tick).collect();
        assert_eq!(bass, [0, 3_840, 7_680], "from the first tick on, bar by bar");
        assert!((song.seconds_at(11_520) - 8.0).abs() < 1e-3, "two seconds a bar, then four");
        assert_eq!(song.metres, [(0, Metre::FOUR_FOUR)]);
        assert_eq!(song.markers, [(0, "Am".to_owned())]);
        let last = Clip::of(&choice(1, Some(Part::Bass)), None).unwrap();
        assert_eq!((last.bars.len(), last.parts()), (1, vec![Part::Bass]));
        assert_eq!(Clip::of(&choice(0, None), None), None);
    }

    #[test]
    fn a_clip_is_as_long_as_its_bars() {
        let mut choice = choice(3, None);
        // The bass rests in the last bar, and a chord rings on beyond it.
        let last = Arc::make_mut(&mut choice.bars[2]);
        last.notes.retain(|note| note.part != Part::Bass);
        let chord = last.notes.iter_mut().find(|note| note.part == Part::Chords).unwrap();
        chord.length_beats = 7.0;
        let clip = Clip::of(&choice, None).unwrap();
        let song = MidiSong::parse(&clip.midi("x", &Part::ALL).to_bytes()).unwrap();
        assert_eq!((song.end, song.end_tick()), (3 * 3_840, 3 * 3_840));
        let bass = MidiSong::parse(&clip.midi("x", &[Part::Bass]).to_bytes()).unwrap();
        assert_eq!(bass.end, 3 * 3_840);
        assert!(bass.end_tick() < 2 * 3_840);
    }

    #[test]
    fn every_format_is_written_beside_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new").join("clips");
        let clip = Clip::of(&choice(2, None), None).unwrap();
        for (format, files) in
            [(Format::Midi, 1), (Format::MidiParts, 3), (Format::MusicXml, 1), (Format::Wav, 1)]
        {
            let first = clip.write(&folder, format).unwrap();
            let second = clip.write(&folder, format).unwrap();
            assert_eq!((first.len(), second.len()), (files, files));
            for path in first.iter().chain(&second) {
                assert!(std::fs::metadata(path).unwrap().len() > 100, "{path:?}");
            }
            assert!(first.iter().all(|path| !second.contains(path)), "nothing is replaced");
        }
    }

    #[test]
    fn bars_are_counted_from_one_in_the_demo_too() {
        assert_eq!([number_of(0), number_of(11), number_of(-1)], [1, 12, 0]);
        let demo = (DEMO_BEAT / DEMO.metre.bar_quarters()) as i64;
        assert_eq!([number_of(demo), number_of(demo + 7)], [1, 8]);
        assert_eq!(number(DEMO_BEAT + 8.0, 4.0), 3);
    }

    #[test]
    fn a_folder_that_refuses_costs_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taken");
        std::fs::write(&file, "x").unwrap();
        let clip = Clip::of(&choice(2, None), None).unwrap();
        let why = clip.write(&file, Format::Midi).unwrap_err();
        assert!(why.starts_with("The clip is not written") && why.ends_with("kept."), "{why}");
    }
}
