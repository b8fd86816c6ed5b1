//! What was heard, in the JSON that `docs/analysis.md` describes.

use std::io::{self, Write};
use std::path::Path;

use backline_music::heard::Estimate;
use backline_music::{ChordSpan, Heard, Key, chord};
use serde::{Deserialize, Serialize};

use crate::FileError;
use crate::whole::write_bytes;

/// The version of the format; it rises when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

/// With or without hindsight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hearing {
    /// What the plug-in would have known at each moment.
    Online,
    /// With the whole recording known.
    Offline,
}

/// The recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the file, without its folder.
    pub name: String,
    /// Length.
    pub seconds: f64,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels in the file.
    pub channels: usize,
}

/// A tempo with its probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TempoJson {
    /// Felt beats a minute.
    pub bpm: f64,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// A metre with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetreJson {
    /// For example `4/4`.
    pub label: String,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BeatJson {
    /// When it falls.
    pub time_s: f64,
    /// Bar number, from 1; a pickup is bar 0.
    pub bar: i32,
    /// Beat in the bar, from 1.
    pub beat: u8,
    /// How sure it is, 0..=1.
    pub prob: f64,
    /// Up to which second the listener had heard when it said so.
    pub decided_s: f64,
}

/// A key and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyJson {
    /// The tonic, spelt as its signature has it.
    pub tonic: String,
    /// `major` or `minor`.
    pub mode: String,
    /// Its probability, 0..=1.
    pub prob: f64,
    /// The next likeliest key.
    pub runner_up: Option<KeyGuess>,
}

/// An alternative key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyGuess {
    /// The tonic.
    pub tonic: String,
    /// `major` or `minor`.
    pub mode: String,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// A stretch of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeySpanJson {
    /// Start.
    pub start_s: f64,
    /// End.
    pub end_s: f64,
    /// The key.
    #[serde(flatten)]
    pub key: KeyJson,
    /// Up to which second the listener had heard when it said so.
    pub decided_s: f64,
}

/// An alternative chord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChordGuess {
    /// Harte's syntax.
    pub label: String,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// A stretch of one chord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChordJson {
    /// Start.
    pub start_s: f64,
    /// End.
    pub end_s: f64,
    /// Harte's syntax, `N` for no chord; the root is spelt as the key at that time has it.
    pub label: String,
    /// Its probability, 0..=1.
    pub prob: f64,
    /// The next likeliest label.
    pub runner_up: Option<ChordGuess>,
    /// Up to which second the listener had heard when it said so.
    pub decided_s: f64,
}

/// A drum stroke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrumJson {
    /// When.
    pub time_s: f64,
    /// `kick`, `snare`, `closed_hat`, …
    pub voice: backline_music::DrumVoice,
    /// Strength, 0..=1.
    pub velocity: f64,
    /// Its probability, 0..=1.
    pub prob: f64,
    /// Up to which second the listener had heard when it said so.
    pub decided_s: f64,
}

/// The lead's pitch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MelodyJson {
    /// When.
    pub time_s: f64,
    /// Pitch in Hz, 0 if there is none.
    pub hz: f64,
    /// Whether a pitched lead sounds.
    pub voiced: bool,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// Loudness after EBU R 128.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoudnessJson {
    /// End of the window.
    pub time_s: f64,
    /// Over 0.4 s, LUFS.
    pub momentary_lufs: f64,
    /// Over 3 s, LUFS.
    pub short_term_lufs: f64,
}

/// Timbre of a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimbreJson {
    /// End of the window.
    pub time_s: f64,
    /// Spectral centroid, Hz.
    pub centroid_hz: f64,
    /// Frequency below which 85 % of the energy lies, Hz.
    pub rolloff_hz: f64,
    /// Thirteen mel-frequency cepstral coefficients.
    pub mfcc: Vec<f64>,
}

/// A style with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleProb {
    /// The style's id.
    pub id: String,
    /// Its probability, 0..=1.
    pub prob: f64,
}

/// Style and mood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleJson {
    /// Styles, likeliest first.
    pub top: Vec<StyleProb>,
    /// 0 (calm) … 1 (energetic).
    pub energy: f64,
    /// 0 (dark) … 1 (bright).
    pub valence: f64,
}

/// The whole analysis of one recording. Times are seconds from its first sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Always `backline-analysis`.
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The recording.
    pub source: Source,
    /// With or without hindsight.
    pub hearing: Hearing,
    /// Felt beats a minute, if a beat was found.
    pub tempo_bpm: Option<f64>,
    /// Tempi that were considered, likeliest first.
    pub tempo_candidates: Vec<TempoJson>,
    /// Metre.
    pub metre: Option<MetreJson>,
    /// Beats.
    pub beats: Vec<BeatJson>,
    /// Key of the whole.
    pub key: Option<KeyJson>,
    /// Keys over time.
    pub keys: Vec<KeySpanJson>,
    /// Chords over time, contiguous.
    pub chords: Vec<ChordJson>,
    /// Drum strokes.
    pub drums: Vec<DrumJson>,
    /// The lead's pitch over time.
    pub melody: Vec<MelodyJson>,
    /// Loudness over time.
    pub loudness: Vec<LoudnessJson>,
    /// Timbre over time.
    pub timbre: Vec<TimbreJson>,
    /// Style and mood.
    pub style: StyleJson,
    /// Sentences for the musician.
    pub notices: Vec<String>,
}

/// Breaks lines between the fields of the analysis and between the items of its lists, and nowhere
/// deeper: a song has ten thousand items, which people search by line.
#[derive(Default)]
struct ItemLines {
    depth: usize,
}

impl ItemLines {
    fn line(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        const INDENTS: [&[u8]; 3] = [b"\n", b"\n  ", b"\n    "];
        INDENTS.get(self.depth).map_or(Ok(()), |indent| out.write_all(indent))
    }

    fn open(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        out.write_all(bracket)
    }

    fn close(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.depth == 0 {
            self.line(out)?;
        }
        out.write_all(bracket)
    }

    fn item(&self, out: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }
}

impl serde_json::ser::Formatter for ItemLines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if self.depth == 1 {
            return self.item(out, first);
        }
        if first { Ok(()) } else { out.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

/// Six decimals (a microsecond), so that the file does not carry digits that mean nothing.
fn tidy(x: f64) -> f64 {
    if x.is_finite() { (x * 1e6).round() / 1e6 } else { 0.0 }
}

/// Five decimals for what was computed in single precision.
fn tidy32(x: f32) -> f64 {
    if x.is_finite() { (f64::from(x) * 1e5).round() / 1e5 } else { 0.0 }
}

fn prob(x: f32) -> f64 {
    tidy32(x).clamp(0.0, 1.0)
}

fn key_names(key: Key) -> (String, String) {
    let tonic = key.tonic.name(key.accidentals() < 0).to_owned();
    (tonic, if key.mode == backline_music::Mode::Major { "major" } else { "minor" }.to_owned())
}

fn key_json(key: Key, p: f32, runner_up: Option<(Key, f32)>) -> KeyJson {
    let (tonic, mode) = key_names(key);
    let runner_up = runner_up.map(|(other, p)| {
        let (tonic, mode) = key_names(other);
        KeyGuess { tonic, mode, prob: prob(p) }
    });
    KeyJson { tonic, mode, prob: prob(p), runner_up }
}

fn chord_json(span: &ChordSpan, key: Option<Key>) -> ChordJson {
    let label = |chord| chord::label_in(chord, key);
    ChordJson {
        start_s: tidy(span.start_s),
        end_s: tidy(span.end_s),
        label: label(span.chord),
        prob: prob(span.prob),
        runner_up: span.runner_up.map(|(other, p)| ChordGuess { label: label(other), prob: prob(p) }),
        decided_s: tidy(span.decided_s),
    }
}

impl Analysis {
    /// The analysis of `source` from what was heard; `notices` of the file come first.
    pub fn new(source: Source, hearing: Hearing, heard: &Heard, notices: &[String]) -> Self {
        let key = |e: &Estimate<Key>| key_json(e.value, e.prob, e.runner_up);
        Self {
            format: "backline-analysis".to_owned(),
            version: VERSION,
            source: Source { seconds: tidy(source.seconds), ..source },
            hearing,
            tempo_bpm: heard.tempo_bpm.map(|t| tidy(t.value)),
            tempo_candidates: heard
                .tempo_candidates
                .iter()
                .map(|&(bpm, p)| TempoJson { bpm: tidy(bpm), prob: prob(p) })
                .collect(),
            metre: heard.metre.map(|m| MetreJson { label: m.value.to_string(), prob: prob(m.prob) }),
            beats: heard
                .beats
                .iter()
                .map(|b| BeatJson {
                    time_s: tidy(b.time_s),
                    bar: b.bar,
                    beat: b.beat,
                    prob: prob(b.prob),
                    decided_s: tidy(b.decided_s),
                })
                .collect(),
            key: heard.key.as_ref().map(key),
            keys: heard
                .keys
                .iter()
                .map(|k| KeySpanJson {
                    start_s: tidy(k.start_s),
                    end_s: tidy(k.end_s),
                    key: key_json(k.key, k.prob, k.runner_up),
                    decided_s: tidy(k.decided_s),
                })
                .collect(),
            chords: heard
                .chords
                .iter()
                .map(|c| chord_json(c, heard.key_at((c.start_s + c.end_s) / 2.0)))
                .collect(),
            drums: heard
                .drums
                .iter()
                .map(|d| DrumJson {
                    time_s: tidy(d.time_s),
                    voice: d.voice,
                    velocity: prob(d.velocity),
                    prob: prob(d.prob),
                    decided_s: tidy(d.decided_s),
                })
                .collect(),
            melody: heard
                .melody
                .iter()
                .map(|m| MelodyJson {
                    time_s: tidy(m.time_s),
                    hz: tidy32(m.hz).max(0.0),
                    voiced: m.voiced,
                    prob: prob(m.prob),
                })
                .collect(),
            loudness: heard
                .loudness
                .iter()
                .map(|l| LoudnessJson {
                    time_s: tidy(l.time_s),
                    momentary_lufs: tidy32(l.momentary_lufs),
                    short_term_lufs: tidy32(l.short_term_lufs),
                })
                .collect(),
            timbre: heard
                .timbre
                .iter()
                .map(|t| TimbreJson {
                    time_s: tidy(t.time_s),
                    centroid_hz: tidy32(t.centroid_hz),
                    rolloff_hz: tidy32(t.rolloff_hz),
                    mfcc: t.mfcc.iter().map(|&c| tidy32(c)).collect(),
                })
                .collect(),
            style: StyleJson {
                top: heard
                    .style
                    .top
                    .iter()
                    .map(|(id, p)| StyleProb { id: id.clone(), prob: prob(*p) })
                    .collect(),
                energy: prob(heard.style.energy),
                valence: prob(heard.style.valence),
            },
            notices: notices.iter().chain(&heard.notices).cloned().collect(),
        }
    }

    /// The JSON text: a line for each beat, chord and so on, and a line break at the end.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, ItemLines::default());
        // Writing into memory cannot fail, and all keys are strings.
        let _ = self.serialize(&mut serializer);
        text.push(b'\n');
        String::from_utf8(text).unwrap_or_default()
    }

    /// Writes the JSON file.
    ///
    /// # Errors
    /// The folder or the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_bytes(path, self.to_json().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use backline_music::heard::KeySpan;
    use backline_music::{Mode, PitchClass};

    use super::*;

    #[test]
    fn labels_are_spelt_in_the_key_of_their_time() {
        let chord = |start_s: f64, label: &str| ChordSpan {
            start_s,
            end_s: start_s + 2.0,
            chord: label.parse().ok(),
            prob: 0.9,
            runner_up: Some((label.parse().ok(), 0.1)),
            decided_s: start_s,
        };
        let key = Key::new(PitchClass::E, Mode::Major);
        let flats = Key::new(PitchClass::new(8), Mode::Major);
        let heard = Heard {
            key: Some(Estimate { value: key, prob: 0.8, runner_up: None }),
            keys: vec![KeySpan {
                start_s: 2.0,
                end_s: 4.0,
                key: flats,
                prob: 0.8,
                runner_up: None,
                decided_s: 4.0,
            }],
            chords: vec![chord(0.0, "C#:min/b3"), chord(2.0, "Db:maj"), chord(4.0, "G#:min")],
            ..Heard::default()
        };
        let source = Source { name: String::new(), seconds: 6.0, sample_rate: 44_100, channels: 1 };
        let analysis = Analysis::new(source, Hearing::Offline, &heard, &[]);
        let labels: Vec<&str> = analysis.chords.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(labels, ["C#:min/b3", "Db:maj", "G#:min"]);
        assert_eq!(analysis.chords[0].runner_up.as_ref().map(|r| r.label.as_str()), Some("C#:min/b3"));
    }
}
