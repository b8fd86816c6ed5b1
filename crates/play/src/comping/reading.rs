//! What the comping net reads at each step of a bar; `models/training/backline_training/comping/bar.py` builds the
//! same for training.

use backline_music::PlannedNote;

/// Steps of a bar in 4/4.
pub(crate) const STEPS: usize = 16;
/// States of a step.
pub(crate) const STATES: usize = 7;

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Nothing sounds.
    Rest,
    /// What was struck goes on.
    Hold,
    /// Three notes or more are struck.
    All,
    /// Two are.
    Two,
    /// One of the bar's low third.
    Low,
    /// One of its middle.
    Middle,
    /// One of its high third.
    High,
}

impl State {
    /// All of them, in the order of the net's output.
    pub(crate) const ALL: [Self; STATES] =
        [Self::Rest, Self::Hold, Self::All, Self::Two, Self::Low, Self::Middle, Self::High];

    /// Whether something is struck.
    pub(crate) fn is_stroke(self) -> bool {
        self as u8 >= Self::All as u8
    }
}

/// The states of a bar that lies at `start_beat`, as its chord notes have them.
pub(crate) fn states<'a>(notes: impl Iterator<Item = &'a PlannedNote>, start_beat: f64) -> [State; STEPS] {
    let steps = |beats: f64| (beats - start_beat) * 4.0;
    let notes: Vec<(f64, f64, u8)> =
        notes.map(|n| (steps(n.onset_beat), steps(n.onset_beat + n.length_beats), n.key)).collect();
    let inside = || notes.iter().filter(|n| (-0.5..STEPS as f64 - 0.5).contains(&n.0));
    let (low, high) = inside().fold((u8::MAX, 0), |(low, high), n| (low.min(n.2), high.max(n.2)));
    std::array::from_fn(|step| {
        let at = step as f64;
        let mut struck: Vec<u8> =
            inside().filter(|n| (at - 0.5..at + 0.5).contains(&n.0)).map(|n| n.2).collect();
        struck.sort_unstable();
        struck.dedup();
        match struck[..] {
            [] if notes.iter().any(|n| n.0 < at - 0.5 && n.1 > at + 0.5) => State::Hold,
            [] => State::Rest,
            [key] => {
                let place = if high == low { 0.5 } else { f64::from(key - low) / f64::from(high - low) };
                if place < 1.0 / 3.0 {
                    State::Low
                } else if place > 2.0 / 3.0 {
                    State::High
                } else {
                    State::Middle
                }
            }
            [_, _] => State::Two,
            _ => State::All,
        }
    })
}

/// All that is known before the bar is played.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    /// The bar before, if one leads here.
    pub(crate) before: Option<[State; STEPS]>,
    /// Where chords begin.
    pub(crate) changes: [bool; STEPS],
    /// How many strokes, and how many of them of the whole chord, among all bars: 0..=1.
    pub(crate) dense: f32,
    pub(crate) full: f32,
    pub(crate) tempo_bpm: f64,
    pub(crate) bar_in_phrase: u32,
}

impl Sheet {
    /// The features of `step`, after `own` was played at the steps before it.
    pub(crate) fn features(&self, step: usize, own: &[State]) -> Vec<f32> {
        let flag = |on: bool| f32::from(u8::from(on));
        let one_hot = |state: Option<State>| State::ALL.map(|s| flag(state == Some(s)));
        let before = |step: usize| self.before.and_then(|b| b.get(step).copied());
        let last = own.last().copied().or(before(STEPS - 1)).unwrap_or(State::Rest);
        let since = own.iter().rev().position(|s| s.is_stroke()).map_or(STEPS, |k| k + 1);
        let until = (step + 1..STEPS).find(|&s| self.changes[s]).map_or(STEPS, |s| s - step);
        let share = |steps: usize| steps as f32 / STEPS as f32;
        let mut x = Vec::with_capacity(64);
        x.extend(one_hot(Some(last)));
        // A bar begins with its last stroke out of sight.
        x.push(if own.is_empty() { 1.0 } else { share(since) });
        x.extend((0..STEPS).map(|i| flag(i == step)));
        x.extend(one_hot(before(step)));
        x.extend(one_hot(before(step + 1)));
        x.push(flag(self.before.is_some()));
        x.extend([flag(self.changes[step]), flag(self.changes.get(step + 1) == Some(&true)), share(until)]);
        x.extend([self.dense, self.full, 1.0]);
        #[allow(clippy::cast_possible_truncation)] // a few octaves
        x.push(libm::log2(self.tempo_bpm / 100.0) as f32);
        x.extend((0..4).map(|i| flag(i == self.bar_in_phrase % 4)));
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Example {
        state: [usize; STEPS],
        before: [usize; STEPS],
        changes: [u8; STEPS],
        x: Vec<Vec<f32>>,
    }

    #[test]
    fn a_bar_reads_as_it_did_in_training() {
        let json = include_bytes!("../../../../models/comping_net/bar.json");
        let example: Example = serde_json::from_slice(json).unwrap();
        let sheet = Sheet {
            before: Some(example.before.map(|s| State::ALL[s])),
            changes: example.changes.map(|c| c > 0),
            dense: 0.25,
            full: 0.625,
            tempo_bpm: 90.0,
            bar_in_phrase: 2,
        };
        let own = example.state.map(|s| State::ALL[s]);
        for (step, wanted) in example.x.iter().enumerate() {
            let read = sheet.features(step, &own[..step]);
            assert_eq!(read.len(), wanted.len());
            for (i, (a, b)) in read.iter().zip(wanted).enumerate() {
                assert!((a - b).abs() < 1e-6, "step {step}, feature {i}: {a} for {b}");
            }
        }
    }

    #[test]
    fn notes_read_as_states() {
        let note = |at: f64, length_beats: f64, key: u8| PlannedNote {
            part: backline_music::Part::Chords,
            key,
            velocity: 80,
            onset_beat: 8.0 + at,
            length_beats,
        };
        // A chord, held; two notes a little late; a low and a high one.
        let notes = [
            note(0.0, 0.9, 60),
            note(0.01, 0.9, 64),
            note(0.0, 0.9, 67),
            note(1.05, 0.4, 60),
            note(1.05, 0.4, 67),
            note(2.0, 0.2, 60),
            note(2.5, 0.2, 72),
        ];
        let read = states(notes.iter(), 8.0);
        use State::{All, High, Hold, Low, Rest, Two};
        assert_eq!(read[..6], [All, Hold, Hold, Hold, Two, Hold]);
        assert_eq!(read[6..], [Rest, Rest, Low, Rest, High, Rest, Rest, Rest, Rest, Rest]);
    }
}
