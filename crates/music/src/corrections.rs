//! What the musician knows better than the listener: pinned tempo, key, metre and chords.

use serde::{Deserialize, Serialize};

use crate::{Chord, Key, Metre, PlannedChord};

/// Positions closer than this are one, in quarter notes.
const SAME_BEAT: f64 = 1.0e-6;
/// Corrected chords kept at most, so that a project cannot grow without bound; the oldest go first.
const MAX_CHORDS: usize = 4_096;

/// A chord that the musician has set. It is never overwritten by what is heard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChordPin {
    /// Start, in quarter notes of the timeline.
    pub start_beat: f64,
    /// Length in quarter notes, greater than 0.
    pub length_beats: f64,
    /// The chord, or `None` for no chord.
    pub chord: Option<Chord>,
    /// Whether the beats are those of the heard beat rather than the host's. Such pins mean nothing
    /// after the session and are not saved.
    #[serde(default)]
    pub on_heard_beat: bool,
}

impl ChordPin {
    /// One past its last quarter note.
    pub fn end_beat(&self) -> f64 {
        self.start_beat + self.length_beats
    }
}

/// Everything that the musician has corrected. `None` leaves a value to the listener.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Corrections {
    /// The heard beat is counted at the octave (double, half, …) nearest to this tempo, in quarter notes
    /// a minute. Which moment is a beat stays with the listener; the host's tempo is not touched.
    pub tempo_near_bpm: Option<f64>,
    /// The key that the band plays in.
    pub key: Option<Key>,
    /// The metre in which the heard beat is counted. While the host's transport runs, its metre holds.
    pub metre: Option<Metre>,
    /// Corrected chords, in order of start, without overlap on either timeline.
    pub chords: Vec<ChordPin>,
}

impl Corrections {
    /// Whether nothing is corrected.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Pins `pin`; what it covers of older pins gives way. Nonsense is ignored.
    pub fn pin(&mut self, pin: ChordPin) {
        let sane = pin.start_beat.is_finite() && pin.length_beats.is_finite();
        if !sane || pin.length_beats < SAME_BEAT || pin.start_beat.abs() > 1.0e9 || pin.length_beats > 1.0e4 {
            return;
        }
        self.unpin(pin.start_beat, pin.end_beat(), pin.on_heard_beat);
        self.chords.push(pin);
        self.chords.sort_by(|a, b| a.start_beat.total_cmp(&b.start_beat));
        let excess = self.chords.len().saturating_sub(MAX_CHORDS);
        self.chords.drain(..excess);
    }

    /// Gives `from..to` (quarter notes) back to the listener.
    pub fn unpin(&mut self, from: f64, to: f64, on_heard_beat: bool) {
        let mut kept = Vec::with_capacity(self.chords.len() + 1);
        for old in &self.chords {
            let apart = old.on_heard_beat != on_heard_beat
                || old.end_beat() <= from + SAME_BEAT
                || old.start_beat >= to - SAME_BEAT;
            if apart {
                kept.push(*old);
                continue;
            }
            if old.start_beat < from - SAME_BEAT {
                kept.push(ChordPin { length_beats: from - old.start_beat, ..*old });
            }
            if old.end_beat() > to + SAME_BEAT {
                kept.push(ChordPin { start_beat: to, length_beats: old.end_beat() - to, ..*old });
            }
        }
        self.chords = kept;
    }

    /// The pin that holds at `beat`.
    pub fn pin_at(&self, beat: f64, on_heard_beat: bool) -> Option<&ChordPin> {
        self.chords.iter().find(|pin| {
            pin.on_heard_beat == on_heard_beat
                && pin.start_beat <= beat + SAME_BEAT
                && beat < pin.end_beat() - SAME_BEAT
        })
    }

    /// `chords` (in order, without overlap) with the pinned chords laid over them, as far as they lie
    /// within `from..to`. A pinned chord is certain.
    pub fn overlay(
        &self,
        chords: Vec<PlannedChord>,
        from: f64,
        to: f64,
        on_heard_beat: bool,
    ) -> Vec<PlannedChord> {
        let pins: Vec<ChordPin> = self
            .chords
            .iter()
            .filter(|pin| {
                pin.on_heard_beat == on_heard_beat
                    && pin.start_beat < to - SAME_BEAT
                    && pin.end_beat() > from + SAME_BEAT
            })
            .copied()
            .collect();
        if pins.is_empty() {
            return chords;
        }
        let mut out = Vec::with_capacity(chords.len() + pins.len());
        let mut push = |chord: &PlannedChord, start: f64, end: f64| {
            if end > start + SAME_BEAT {
                out.push(PlannedChord { start_beat: start, length_beats: end - start, ..*chord });
            }
        };
        for chord in &chords {
            let end = chord.start_beat + chord.length_beats;
            let mut at = chord.start_beat;
            for pin in pins.iter().filter(|pin| pin.start_beat < end && pin.end_beat() > chord.start_beat) {
                push(chord, at, pin.start_beat.min(end));
                at = at.max(pin.end_beat());
            }
            push(chord, at, end);
        }
        for pin in pins {
            let (start, end) = (pin.start_beat.max(from), pin.end_beat().min(to));
            let chord =
                PlannedChord { start_beat: start, length_beats: end - start, chord: pin.chord, prob: 1.0 };
            push(&chord, start, end);
        }
        out.sort_by(|a, b| a.start_beat.total_cmp(&b.start_beat));
        out
    }

    /// Lays `over` on top: what it sets counts where both do.
    pub fn lay_under(&mut self, over: &Self) {
        self.tempo_near_bpm = over.tempo_near_bpm.or(self.tempo_near_bpm);
        self.key = over.key.or(self.key);
        self.metre = over.metre.or(self.metre);
        over.chords.iter().for_each(|pin| self.pin(*pin));
    }

    /// What a project keeps: pins on the heard beat mean nothing in another session.
    #[must_use]
    pub fn for_project(&self) -> Self {
        let mut kept = self.clone();
        kept.chords.retain(|pin| !pin.on_heard_beat);
        kept
    }

    /// Whether a tempo can be corrected to `bpm`.
    pub fn allows_tempo(bpm: f64) -> bool {
        (20.0..=400.0).contains(&bpm)
    }

    /// The same corrections without what no music can mean.
    #[must_use]
    pub fn sanitised(mut self) -> Self {
        self.tempo_near_bpm = self.tempo_near_bpm.filter(|bpm| Self::allows_tempo(*bpm));
        self.metre = self.metre.filter(|m| Metre::new(m.numerator, m.denominator).is_some());
        let pins = std::mem::take(&mut self.chords);
        pins.into_iter().for_each(|pin| self.pin(pin));
        self
    }

    /// How often a heard tempo is counted: 1 as heard, 2 twice as fast, 0.5 half as fast.
    pub fn tempo_octave(&self, heard_bpm: f64) -> f64 {
        let Some(near) = self.tempo_near_bpm else { return 1.0 };
        // Nearest as a ratio, so that 2 : 3 counts as far as 3 : 2; ties stay as heard.
        let distance = |scale: f64| {
            let ratio = heard_bpm * scale / near;
            ratio.max(1.0 / ratio)
        };
        [0.5, 2.0, 0.25, 4.0]
            .into_iter()
            .fold(1.0, |best, scale| if distance(scale) < distance(best) - 1.0e-9 { scale } else { best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(label: &str) -> Option<Chord> {
        label.parse().ok()
    }

    fn pin(start_beat: f64, length_beats: f64, label: &str) -> ChordPin {
        ChordPin { start_beat, length_beats, chord: chord(label), on_heard_beat: false }
    }

    #[test]
    fn a_new_pin_cuts_into_older_ones() {
        let mut c = Corrections::default();
        c.pin(pin(0.0, 8.0, "C:maj"));
        c.pin(pin(2.0, 2.0, "G:maj"));
        let cells: Vec<_> = c.chords.iter().map(|p| (p.start_beat, p.length_beats)).collect();
        assert_eq!(cells, [(0.0, 2.0), (2.0, 2.0), (4.0, 4.0)]);
        assert_eq!(c.pin_at(3.9, false).unwrap().chord, chord("G:maj"));
        assert_eq!(c.pin_at(3.9, true), None, "the other clock's beats are others");
        c.unpin(0.0, 8.0, false);
        assert!(c.is_empty());
    }

    #[test]
    fn pins_lie_over_the_plan() {
        let mut c = Corrections::default();
        c.pin(pin(6.0, 4.0, "D:min"));
        let plan = |start_beat, label| PlannedChord {
            start_beat,
            length_beats: 4.0,
            chord: chord(label),
            prob: 0.4,
        };
        let laid = c.overlay(vec![plan(4.0, "A:min")], 4.0, 8.0, false);
        let shown: Vec<_> = laid.iter().map(|c| (c.start_beat, c.length_beats, c.prob)).collect();
        assert_eq!(shown, [(4.0, 2.0, 0.4), (6.0, 2.0, 1.0)]);
        assert_eq!(laid[1].chord, chord("D:min"));
        // Where nothing was planned at all, the pin still holds.
        assert_eq!(c.overlay(Vec::new(), 8.0, 12.0, false).len(), 1);
    }

    #[test]
    fn tempo_octaves_come_from_the_ratio() {
        let near = |bpm| Corrections { tempo_near_bpm: Some(bpm), ..Corrections::default() };
        assert_eq!(near(96.0).tempo_octave(192.0), 0.5);
        assert_eq!(near(96.0).tempo_octave(97.0), 1.0);
        assert_eq!(near(180.0).tempo_octave(90.5), 2.0);
        assert_eq!(Corrections::default().tempo_octave(192.0), 1.0);
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut wild = Corrections { tempo_near_bpm: Some(f64::NAN), ..Corrections::default() };
        wild.chords = vec![pin(f64::NAN, 1.0, "C:maj"), pin(0.0, -1.0, "C:maj"), pin(1.0, 1.0, "C:maj")];
        let tame = wild.sanitised();
        assert_eq!((tame.tempo_near_bpm, tame.chords.len()), (None, 1));
    }
}
