//! From a spec to the notes and the sound.

use backline_music::{Chord, Metre, Part, PitchClass, PlannedNote, TempoMap};

use super::{Song, Spec, TrueChord, TrueHit, TrueNote, Voice};
use crate::dsp::{Noise, key_hz};
use crate::pluck::{Pluck, pluck_add};
use crate::{Stereo, render};

/// A sixteenth, in quarter notes.
const STEP: f64 = 0.25;
/// Silence kept after the last bar, in seconds.
const TAIL_S: f64 = 1.5;
/// Delay from string to string of a strummed chord, in seconds.
const STRUM_S: f64 = 0.007;
const PEAK: f32 = 0.8;

/// One note for one voice, its time in seconds.
struct Note {
    start_s: f64,
    end_s: f64,
    key: u8,
    velocity: u8,
}

/// What a bar holds, chord by chord in quarter notes from the bar's start.
type Bar = Vec<(f64, Chord)>;

pub(super) fn song(spec: &Spec, sample_rate: u32) -> Song {
    let bars = bars(spec);
    let bar_quarters = spec.metre.bar_quarters();
    let end_quarter = bar_quarters * bars.len() as f64;
    let tempo = tempo(spec, end_quarter);
    let end_s = tempo.seconds_at(end_quarter) + TAIL_S;
    let rate = f64::from(sample_rate);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // minutes of audio
    let frames = (end_s * rate).ceil() as usize;

    let mut player = Player { spec, tempo: &tempo, noise: Noise::new(spec.seed) };
    let comp = player.comp(&bars);
    let tune = player.tune(&bars);
    let drums = player.drums(bars.len());
    let bass = player.bass(&bars);

    let mut mix = Stereo::silence(frames);
    let mut add = |sound: &Stereo, gain: f32| {
        for (out, s) in mix.left.iter_mut().zip(&sound.left) {
            *out += s * gain;
        }
        for (out, s) in mix.right.iter_mut().zip(&sound.right) {
            *out += s * gain;
        }
    };
    add(&voice(spec.comp.voice, Part::Chords, &comp, sample_rate, frames, spec.seed), 0.8);
    if let Some((who, _)) = spec.melody {
        add(&voice(who, Part::Chords, &tune, sample_rate, frames, spec.seed ^ 0x55), 0.9);
    }
    if !drums.is_empty() {
        add(&voice(Voice::Piano, Part::Drums, &drums, sample_rate, frames, 0), 0.8);
    }
    if !bass.is_empty() {
        add(&voice(Voice::Piano, Part::Bass, &bass, sample_rate, frames, 0), 0.7);
    }
    let peak = mix.left.iter().chain(&mix.right).fold(0.0f32, |p, s| p.max(s.abs()));
    if peak > 0.0 {
        mix.left.iter_mut().chain(&mut mix.right).for_each(|s| *s *= PEAK / peak);
    }

    let tactus = spec.metre.tactus_quarters();
    let tactus_per_bar = usize::from(spec.metre.tactus_per_bar());
    let beats: Vec<f64> =
        (0..bars.len() * tactus_per_bar).map(|i| tempo.seconds_at(i as f64 * tactus)).collect();
    Song {
        name: spec.name,
        sample_rate,
        audio: mix,
        tempo_bpm: spec.tempo_bpm,
        metre: spec.metre,
        key: spec.key,
        downbeats: beats.iter().copied().step_by(tactus_per_bar).collect(),
        beats,
        chords: chords(&bars, spec.metre, &tempo, frames as f64 / rate),
        drums: drums
            .iter()
            .filter_map(|n| {
                let voice = backline_music::DrumVoice::from_gm_key(n.key)?;
                Some(TrueHit { time_s: n.start_s, voice, velocity: n.velocity })
            })
            .collect(),
        melody: tune.iter().map(|n| TrueNote { start_s: n.start_s, end_s: n.end_s, key: n.key }).collect(),
        tempo,
    }
}

/// The bars of the form. Labels that are no chords are left out; a test holds that there are none.
fn bars(spec: &Spec) -> Vec<Bar> {
    let mut bars = Vec::new();
    for &(times, section) in spec.form {
        let section: Vec<Bar> = section
            .split('|')
            .map(|bar| {
                let chords: Vec<Chord> = bar.split_whitespace().filter_map(|c| c.parse().ok()).collect();
                let share = spec.metre.bar_quarters() / chords.len().max(1) as f64;
                chords.into_iter().enumerate().map(|(i, c)| (i as f64 * share, c)).collect()
            })
            .collect();
        for _ in 0..times {
            bars.extend(section.iter().cloned());
        }
    }
    bars
}

/// Straight lines from beat to beat; with drift, the tempo rises and falls once in 16 beats.
fn tempo(spec: &Spec, end_quarter: f64) -> TempoMap {
    let tactus = spec.metre.tactus_quarters();
    let mut at_s = spec.lead_in_s;
    let mut points = Vec::new();
    let mut i = 0.0;
    while i * tactus <= end_quarter + tactus {
        points.push((i * tactus, at_s));
        let deviation = spec.drift * libm::sin(core::f64::consts::TAU * i / 16.0);
        at_s += 60.0 / (spec.tempo_bpm * (1.0 + deviation));
        i += 1.0;
    }
    TempoMap::new(points)
}

/// Contiguous truth over the whole recording; the last chord rings into the tail.
fn chords(bars: &[Bar], metre: Metre, tempo: &TempoMap, end_s: f64) -> Vec<TrueChord> {
    let starts: Vec<(f64, Chord)> = bars
        .iter()
        .enumerate()
        .flat_map(|(i, bar)| bar.iter().map(move |&(at, c)| (i as f64 * metre.bar_quarters() + at, c)))
        .map(|(quarter, c)| (tempo.seconds_at(quarter), c))
        .collect();
    let mut out: Vec<TrueChord> = Vec::new();
    if let Some(&(first, _)) = starts.first()
        && first > 0.0
    {
        out.push(TrueChord { start_s: 0.0, end_s: first, chord: None });
    }
    for (i, &(start_s, chord)) in starts.iter().enumerate() {
        let next = starts.get(i + 1).map_or(end_s, |n| n.0);
        match out.last_mut() {
            Some(last) if last.chord == Some(chord) => last.end_s = next,
            _ => out.push(TrueChord { start_s, end_s: next, chord: Some(chord) }),
        }
    }
    out
}

struct Player<'a> {
    spec: &'a Spec,
    tempo: &'a TempoMap,
    noise: Noise,
}

impl Player<'_> {
    /// Seconds of a sixteenth of a bar, swing and looseness included.
    fn time_s(&mut self, bar: usize, step: usize) -> f64 {
        let straight = step as f64 * STEP;
        let whole = straight.floor();
        let u = straight - whole;
        let middle = 0.5 + self.spec.swing / 6.0;
        let swung = if u < 0.5 { u * middle / 0.5 } else { middle + (u - 0.5) * (1.0 - middle) / 0.5 };
        let quarter = bar as f64 * self.spec.metre.bar_quarters() + whole + swung;
        let loose = f64::from(self.noise.sample()) * self.spec.loose_ms * 1e-3;
        (self.tempo.seconds_at(quarter) + loose).max(0.0)
    }

    fn comp(&mut self, bars: &[Bar]) -> Vec<Note> {
        let comp = self.spec.comp;
        let mut notes = Vec::new();
        for (b, bar) in bars.iter().enumerate() {
            let rhythm = if b + 1 == bars.len() { "X" } else { comp.rhythm };
            for (step, what) in rhythm.chars().enumerate() {
                let Some(chord) = chord_at(bar, step) else { continue };
                let voicing = voicing(chord, comp.low_key, comp.chord_key);
                // A strumming hand comes down on the beat over all strings, and up again off the beat over
                // the high ones, more lightly.
                let up = comp.voice == Voice::Guitar && step % 4 != 0;
                let strings = if up { 2..voicing.len() } else { 0..voicing.len() };
                let (range, force) = match what {
                    'X' => (0..voicing.len(), 104),
                    'x' => (strings, if up { 72 } else { 90 }),
                    'o' => (1..voicing.len(), 62),
                    'b' => (0..1, 96),
                    digit => match digit.to_digit(10) {
                        Some(n @ 1..) => {
                            let i = 1 + (n as usize - 1) % (voicing.len() - 1);
                            (i..i + 1, 84)
                        }
                        _ => continue,
                    },
                };
                let single = range.len() == 1;
                let start_s = self.time_s(b, step);
                let end_step = if comp.short {
                    step + 1
                } else if single {
                    // A picked string rings until the chord changes or the bar ends.
                    next_change(bar, step, self.spec.metre)
                } else {
                    next_stroke(rhythm, bar, step, self.spec.metre)
                };
                let end_s = self.time_s(b, end_step).max(start_s + 0.05);
                let strum = if comp.voice == Voice::Guitar && !single { STRUM_S } else { 0.0 };
                let count = range.len();
                for (i, &key) in voicing[range].iter().enumerate() {
                    let order = if up { count - 1 - i } else { i };
                    notes.push(Note { start_s: start_s + strum * order as f64, end_s, key, velocity: force });
                }
            }
        }
        notes
    }

    fn tune(&mut self, bars: &[Bar]) -> Vec<Note> {
        let Some((_, rhythms)) = self.spec.melody else { return Vec::new() };
        let mut notes: Vec<Note> = Vec::new();
        let mut key = 74u8;
        for (b, bar) in bars.iter().enumerate() {
            if b + 1 == bars.len() || rhythms.is_empty() {
                break;
            }
            let rhythm = rhythms[b % rhythms.len()];
            for (step, what) in rhythm.chars().enumerate() {
                if !matches!(what, 'x' | 'X') {
                    continue;
                }
                let Some(chord) = chord_at(bar, step) else { continue };
                let strong = step % 4 == 0;
                let wish = i32::from(key) + [-4, -2, -1, 1, 2, 3, 5, 2][self.noise.bits() as usize % 8];
                key = nearest_key(wish, strong, chord, self.spec);
                let start_s = self.time_s(b, step);
                let gap = rhythm.chars().skip(step + 1).take_while(|c| !matches!(c, 'x' | 'X' | ',')).count();
                let end_s = self.time_s(b, step + 1 + gap).max(start_s + 0.05) - 0.01;
                notes.push(Note { start_s, end_s, key, velocity: if what == 'X' { 104 } else { 90 } });
            }
        }
        notes
    }

    fn bass(&mut self, bars: &[Bar]) -> Vec<Note> {
        let Some(rhythm) = self.spec.bass else { return Vec::new() };
        let mut notes = Vec::new();
        for (b, bar) in bars.iter().enumerate() {
            let rhythm = if b + 1 == bars.len() { "1" } else { rhythm };
            for (step, what) in rhythm.chars().enumerate() {
                let Some(chord) = chord_at(bar, step) else { continue };
                let intervals = chord.quality.intervals();
                let interval = match what {
                    '1' => i32::from(chord.root.interval_to(chord.bass)),
                    '3' => i32::from(intervals[1]),
                    '5' => i32::from(intervals[2]),
                    '7' => intervals.get(3).map_or(12, |&i| i32::from(i)),
                    '8' => i32::from(chord.root.interval_to(chord.bass)) + 12,
                    _ => continue,
                };
                let low = lowest_from(chord.root, 28);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 28..64
                let key = (i32::from(low) + interval) as u8;
                let start_s = self.time_s(b, step);
                let gap = rhythm.chars().skip(step + 1).take_while(|c| *c == '.').count();
                let end_s = self.time_s(b, step + 1 + gap).max(start_s + 0.05) - 0.015;
                notes.push(Note { start_s, end_s, key, velocity: 96 });
            }
        }
        notes
    }

    fn drums(&mut self, bars: usize) -> Vec<Note> {
        let Some(groove) = self.spec.drums else { return Vec::new() };
        let mut notes = Vec::new();
        for b in 0..bars.saturating_sub(1) {
            for &(voice, rhythm) in groove.rhythms {
                for (step, what) in rhythm.chars().enumerate() {
                    let velocity = match what {
                        'X' => 118,
                        'x' => 94,
                        'o' => 52,
                        _ => continue,
                    };
                    let start_s = self.time_s(b, step);
                    notes.push(Note { start_s, end_s: start_s + 0.1, key: voice.gm_key(), velocity });
                }
            }
        }
        notes.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then(a.key.cmp(&b.key)));
        notes
    }
}

fn chord_at(bar: &Bar, step: usize) -> Option<Chord> {
    let quarter = step as f64 * STEP + 1e-9;
    bar.iter().rev().find(|&&(at, _)| at <= quarter).map(|&(_, c)| c)
}

/// The step at which the chord that sounds at `step` ends.
fn next_change(bar: &Bar, step: usize, metre: Metre) -> usize {
    let quarter = step as f64 * STEP + 1e-9;
    let end = bar.iter().map(|&(at, _)| at).find(|&at| at > quarter).unwrap_or(metre.bar_quarters());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within a bar
    let steps = (end / STEP).round() as usize;
    steps
}

/// The step of the next whole-chord stroke, or the end of the chord.
fn next_stroke(rhythm: &str, bar: &Bar, step: usize, metre: Metre) -> usize {
    let next = rhythm.chars().enumerate().skip(step + 1).find(|(_, c)| matches!(c, 'x' | 'X' | 'o' | ','));
    let end = next_change(bar, step, metre);
    next.map_or(end, |(i, _)| i.min(end))
}

/// The lowest key from `from` on with this pitch class.
fn lowest_from(pc: PitchClass, from: u8) -> u8 {
    from + PitchClass::of_key(from).interval_to(pc)
}

/// The bass note, then the chord in the octave from `chord_key` on, its lowest note doubled on top of a
/// triad.
fn voicing(chord: Chord, low_key: u8, chord_key: u8) -> Vec<u8> {
    let mut upper: Vec<u8> = chord.tones().map(|pc| lowest_from(pc, chord_key)).collect();
    upper.sort_unstable();
    if upper.len() == 3 {
        upper.push(upper[0] + 12);
    }
    let mut keys = vec![lowest_from(chord.bass, low_key)];
    keys.extend(upper);
    keys
}

/// The key nearest to `wish` within the tune's range that fits: a chord tone on the beat, else a note of
/// the scale that is no semitone from a chord tone (or a chord tone).
fn nearest_key(wish: i32, strong: bool, chord: Chord, spec: &Spec) -> u8 {
    let fits = |key: i32| {
        let pc = PitchClass::new(key);
        let tone = chord.tones().any(|t| t == pc);
        let clash = chord.tones().any(|t| matches!(t.interval_to(pc), 1 | 11));
        tone || (!strong && spec.key.contains(pc) && !clash)
    };
    let wish = wish.clamp(67, 84);
    let near = (0..12).flat_map(|d| [wish - d, wish + d]).find(|&k| (65..=88).contains(&k) && fits(k));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 65..=88
    let key = near.unwrap_or(wish) as u8;
    key
}

/// The sound of one player.
fn voice(who: Voice, part: Part, notes: &[Note], sample_rate: u32, frames: usize, seed: u32) -> Stereo {
    #[allow(clippy::cast_precision_loss)]
    let rate = sample_rate as f32;
    match who {
        Voice::Piano => {
            // One quarter note a second, so that seconds are beats.
            let planned: Vec<PlannedNote> = notes
                .iter()
                .map(|n| PlannedNote {
                    part,
                    key: n.key,
                    velocity: n.velocity,
                    onset_beat: n.start_s,
                    length_beats: n.end_s - n.start_s,
                })
                .collect();
            render(&planned, &TempoMap::steady(60.0), rate, frames)
        }
        Voice::Guitar => {
            let mut sound = Stereo::silence(frames);
            for (i, n) in notes.iter().enumerate() {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let (start, number) = ((n.start_s * f64::from(sample_rate)).round() as usize, i as u32);
                let pluck = Pluck {
                    hz: key_hz(n.key),
                    #[allow(clippy::cast_possible_truncation)]
                    length_s: (n.end_s - n.start_s) as f32,
                    force: f32::from(n.velocity) / 127.0,
                    seed: seed.wrapping_add(number.wrapping_mul(0x9E37)),
                };
                pluck_add(&mut sound.left, start, rate, &pluck);
            }
            sound.right.clone_from(&sound.left);
            sound
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DEMO, SPECS};
    use super::*;

    #[test]
    fn every_label_of_every_song_is_a_chord() {
        for spec in SPECS.iter().chain([&DEMO]) {
            for (_, section) in spec.form {
                for bar in section.split('|') {
                    let labels: Vec<&str> = bar.split_whitespace().collect();
                    assert!(!labels.is_empty(), "{}: an empty bar in {section}", spec.name);
                    for label in labels {
                        assert!(label.parse::<Chord>().is_ok(), "{}: {label}", spec.name);
                    }
                }
            }
            let steps = (spec.metre.bar_quarters() / STEP) as usize;
            let mut rhythms = vec![spec.comp.rhythm];
            rhythms.extend(spec.bass);
            rhythms.extend(spec.melody.iter().flat_map(|m| m.1.iter().copied()));
            rhythms.extend(spec.drums.iter().flat_map(|d| d.rhythms.iter().map(|r| r.1)));
            for rhythm in rhythms {
                assert_eq!(rhythm.chars().count(), steps, "{}: {rhythm}", spec.name);
            }
        }
    }
}
