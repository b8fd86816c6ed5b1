//! The harmony of a MIDI file: its chord symbols where it has them, else what its notes amount to.

use backline_music::{Chord, PitchClass, PlannedChord, Quality};

use super::{MidiNote, MidiSong};

/// The drum channel of General MIDI, counted from 0.
const DRUM_CHANNEL: u8 = 9;
/// Share of the markers that have to be chords for the markers to be believed.
const MOSTLY: f64 = 0.5;
/// What a sounding tone outside the chord costs, against 1 for one inside.
const OUTSIDE: f64 = 0.7;
/// What each tone of a chord beyond three costs, as a share of all that sounds: simple chords first.
const BEYOND_TRIAD: f64 = 0.08;
/// What a chord gains when its root is the lowest tone, as a share of all that sounds.
const ROOT_BELOW: f64 = 0.15;
/// Tones in a stretch that are too few to be called a chord.
const TOO_FEW: usize = 2;
/// Stretches that are read at most: hours of music.
const MAX_STRETCHES: u32 = 50_000;

impl MidiSong {
    /// The chords in order, in quarter notes from the file's start, equal neighbours joined.
    pub fn chords(&self) -> Vec<PlannedChord> {
        let end = self.end_tick();
        let cells = match self.marked_chords(end) {
            cells if !cells.is_empty() => cells,
            _ => self.chords_of_notes(end),
        };
        let quarters = |tick: u32| f64::from(tick) / f64::from(self.ppq.max(1));
        let mut out: Vec<PlannedChord> = Vec::new();
        for (from, to, chord, prob) in cells {
            let length_beats = quarters(to) - quarters(from);
            match out.last_mut() {
                Some(last) if last.chord == chord => last.length_beats += length_beats,
                _ if length_beats > 0.0 => {
                    out.push(PlannedChord { start_beat: quarters(from), length_beats, chord, prob });
                }
                _ => {}
            }
        }
        out
    }

    /// Where the last note ends.
    pub fn end_tick(&self) -> u32 {
        let notes = self.tracks.iter().flat_map(|track| &track.notes);
        notes.map(|note| note.tick.saturating_add(note.length)).max().unwrap_or(0)
    }

    fn marked_chords(&self, end: u32) -> Vec<(u32, u32, Option<Chord>, f32)> {
        let read: Vec<(u32, Option<Chord>)> = self
            .markers
            .iter()
            .filter_map(|(tick, text)| match text.trim() {
                "N.C." | "NC" | "N" => Some((*tick, None)),
                symbol => Chord::from_symbol(symbol).ok().map(|chord| (*tick, Some(chord))),
            })
            .collect();
        #[allow(clippy::cast_precision_loss)] // markers of a song
        let share = read.len() as f64 / self.markers.len().max(1) as f64;
        if share < MOSTLY {
            return Vec::new();
        }
        let ends = read.iter().skip(1).map(|next| next.0).chain([end]);
        read.iter().zip(ends).map(|(&(from, chord), to)| (from, to.max(from), chord, 1.0)).collect()
    }

    fn chords_of_notes(&self, end: u32) -> Vec<(u32, u32, Option<Chord>, f32)> {
        let pitched = self.tracks.iter().filter(|track| track.channel != DRUM_CHANNEL);
        let mut notes: Vec<MidiNote> = pitched.flat_map(|track| track.notes.iter().copied()).collect();
        notes.sort_unstable();
        let longest = notes.iter().map(|note| note.length).max().unwrap_or(0);
        let mut cells = Vec::new();
        let mut from = 0u32;
        while from < end && cells.len() < MAX_STRETCHES as usize {
            let to = from.saturating_add(self.stretch(from));
            // No note that began earlier than the longest one lasts can still sound.
            let first = notes.partition_point(|note| note.tick.saturating_add(longest) < from);
            let sounding = notes[first..].iter().take_while(|note| note.tick < to);
            let (chord, prob) = chord_of(sounding, from, to);
            cells.push((from, to, chord, prob));
            from = to;
        }
        // A stretch in which nothing says otherwise goes on with the chord before.
        for i in 1..cells.len() {
            if cells[i].2.is_none() && cells[i].3 < 0.5 {
                (cells[i].2, cells[i].3) = (cells[i - 1].2, cells[i - 1].3);
            }
        }
        cells
    }

    /// How long one chord is expected to hold at `tick`: half a bar of four quarters, else a bar.
    fn stretch(&self, tick: u32) -> u32 {
        let metre =
            self.metres.iter().take_while(|(at, _)| *at <= tick).last().map(|m| m.1).unwrap_or_default();
        let quarters = metre.bar_quarters();
        let quarters = if (quarters - 4.0).abs() < 1e-9 { 2.0 } else { quarters };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a bar
        let ticks = (quarters * f64::from(self.ppq)).round().max(1.0) as u32;
        ticks
    }
}

/// The chord that the notes between two ticks amount to, and how sure that is. Few tones say nothing (0); silence
/// says that there is none (1).
fn chord_of<'a>(notes: impl Iterator<Item = &'a MidiNote>, from: u32, to: u32) -> (Option<Chord>, f32) {
    let mut weight = [0.0f64; 12];
    let mut lowest: Option<u8> = None;
    for note in notes {
        let sounds = note.tick.saturating_add(note.length).min(to).saturating_sub(note.tick.max(from));
        if sounds > 0 {
            weight[usize::from(note.key % 12)] += f64::from(sounds) * f64::from(note.velocity.max(1));
            lowest = Some(lowest.map_or(note.key, |key| key.min(note.key)));
        }
    }
    let total: f64 = weight.iter().sum();
    let Some(lowest) = lowest else { return (None, 1.0) };
    if weight.iter().filter(|w| **w > 0.05 * total).count() <= TOO_FEW {
        return (None, 0.0);
    }
    let mut best: (f64, Option<Chord>) = (0.0, None);
    for root in (0..12).map(PitchClass::new) {
        for quality in Quality::ALL {
            let chord = Chord::new(root, quality);
            let inside: f64 = chord.tones().map(|tone| weight[usize::from(tone.index())]).sum();
            #[allow(clippy::cast_precision_loss)] // three or four
            let beyond = chord.tones().count() as f64 - 3.0;
            let below = if PitchClass::of_key(lowest) == root { ROOT_BELOW } else { 0.0 };
            let missing =
                chord.tones().filter(|tone| weight[usize::from(tone.index())] < 0.05 * total).count();
            #[allow(clippy::cast_precision_loss)]
            let score = inside - OUTSIDE * (total - inside)
                + total * (below - BEYOND_TRIAD * beyond - 0.1 * missing as f64);
            if score > best.0 {
                best = (score, Some(chord));
            }
        }
    }
    #[allow(clippy::cast_possible_truncation)] // a share
    let prob = (best.0 / total).clamp(0.0, 1.0) as f32;
    (best.1, prob)
}

#[cfg(test)]
mod tests {
    use backline_music::Metre;

    use super::super::MidiTrack;
    use super::*;

    fn song(chords: &[&str], markers: bool) -> MidiSong {
        let mut song = MidiSong { ppq: 480, metres: vec![(0, Metre::FOUR_FOUR)], ..MidiSong::default() };
        let mut notes = Vec::new();
        for (i, label) in chords.iter().enumerate() {
            let chord: Chord = label.parse().unwrap();
            let tick = u32::try_from(i).unwrap() * 1_920;
            if markers {
                song.markers.push((tick, chord.symbol()));
            }
            for (k, tone) in chord.tones().enumerate() {
                let low = if k == 0 { 36 } else { 60 };
                notes.push(MidiNote { tick, key: low + tone.index(), length: 1_900, velocity: 80 });
            }
            // Somebody sings across it.
            notes.push(MidiNote { tick: tick + 480, key: 74, length: 120, velocity: 50 });
        }
        notes.sort_unstable();
        song.tracks.push(MidiTrack { notes, ..MidiTrack::default() });
        // Drums have keys, and no harmony.
        let kit = MidiNote { tick: 0, key: 37, length: 9_000, velocity: 127 };
        song.tracks.push(MidiTrack { channel: DRUM_CHANNEL, notes: vec![kit], ..MidiTrack::default() });
        song
    }

    #[test]
    fn symbols_are_believed_and_notes_are_read() {
        let labels = ["A:min7", "D:7", "G:maj7", "G:maj7", "F#:hdim7", "B:7", "E:min", "E:sus4"];
        let expected: Vec<Option<Chord>> = ["A:min7", "D:7", "G:maj7", "F#:hdim7", "B:7", "E:min", "E:sus4"]
            .map(|l| l.parse().ok())
            .to_vec();
        for markers in [true, false] {
            let chords = song(&labels, markers).chords();
            assert_eq!(chords.iter().map(|c| c.chord).collect::<Vec<_>>(), expected, "markers: {markers}");
            assert_eq!((chords[2].start_beat, chords[2].length_beats.round()), (8.0, 8.0));
        }
        let mut named = song(&labels, false);
        named.markers = vec![(0, "Verse".into()), (3_840, "Chorus".into()), (5_760, "C".into())];
        assert_eq!(named.chords().len(), expected.len(), "names of parts are no chords");
    }

    #[test]
    fn what_says_nothing_has_no_chords() {
        assert!(MidiSong::default().chords().is_empty());
        let lone = MidiNote { tick: 0, key: 60, length: 1_920, velocity: 80 };
        let track = MidiTrack { notes: vec![lone], ..MidiTrack::default() };
        let song = MidiSong { ppq: 480, tracks: vec![track], ..MidiSong::default() };
        assert!(song.chords().iter().all(|c| c.chord.is_none()));
    }
}
