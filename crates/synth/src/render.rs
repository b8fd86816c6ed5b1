//! The synthesiser for files: notes on a tempo map in, a whole stereo recording out.

use backline_music::{PlannedNote, TempoMap};

use crate::Synth;

/// Two channels of equal length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stereo {
    /// Left.
    pub left: Vec<f32>,
    /// Right.
    pub right: Vec<f32>,
}

impl Stereo {
    /// Silence of `frames` samples a channel.
    pub fn silence(frames: usize) -> Self {
        Self { left: vec![0.0; frames], right: vec![0.0; frames] }
    }

    /// Samples a channel.
    pub const fn frames(&self) -> usize {
        self.left.len()
    }

    /// The mean of the channels.
    pub fn mono(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).map(|(l, r)| 0.5 * (l + r)).collect()
    }
}

/// Plays `notes` (in any order) at the samples that `tempo` gives them, for `frames` samples. Notes
/// before 0 or after the end are left out.
pub fn render(notes: &[PlannedNote], tempo: &TempoMap, sample_rate: f32, frames: usize) -> Stereo {
    let mut synth = Synth::new(sample_rate);
    let frame_of = |beat: f64| tempo.seconds_at(beat) * f64::from(sample_rate);
    // Off before on at the same sample, so that a repeated key sounds again.
    let mut events: Vec<(usize, bool, usize)> = Vec::with_capacity(notes.len() * 2);
    for (i, note) in notes.iter().enumerate() {
        let (on, off) =
            (frame_of(note.onset_beat).round(), frame_of(note.onset_beat + note.length_beats).round());
        if !on.is_finite() || !off.is_finite() || on < 0.0 || on >= frames as f64 {
            continue;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in 0..frames; off saturates
        let (on, off) = (on as usize, (off as usize).max(on as usize + 1));
        events.push((on, true, i));
        events.push((off, false, i));
    }
    events.sort_by_key(|&(frame, is_on, i)| (frame, is_on, notes[i].part, notes[i].key, i));

    let mut out = Stereo::silence(frames);
    let mut at = 0;
    for (frame, is_on, i) in events {
        let frame = frame.min(frames);
        synth.render_add(&mut out.left[at..frame], &mut out.right[at..frame]);
        at = frame;
        let note = &notes[i];
        if is_on {
            synth.note_on(note.part, note.key, note.velocity);
        } else {
            synth.note_off(note.part, note.key);
        }
    }
    synth.render_add(&mut out.left[at..], &mut out.right[at..]);
    out
}
