//! Drum strokes out of the rhythm net's activations: peaks that stand above their voice's threshold.

use backline_music::{DrumHit, DrumVoice};

use crate::rhythm::net::{NetFrame, VOICES};
use crate::rhythm::{RHYTHM_FPS, heard_time_s};

/// The voices, in the order of the net's output.
const NAMES: [DrumVoice; VOICES] =
    [DrumVoice::Kick, DrumVoice::Snare, DrumVoice::ClosedHat, DrumVoice::LowTom, DrumVoice::Crash];
/// Probability from which a peak is a stroke: near the best onset F of each voice on the validation pieces
/// (`models/training/backline_training/rhythm/evaluate.py`).
const THRESHOLDS: [f32; VOICES] = [0.3, 0.3, 0.25, 0.3, 0.25];
/// Frames between two strokes of one voice, at least.
const REST_FRAMES: usize = 3;

/// Finds strokes in a stream of the net's frames.
pub(crate) struct StrokeListener {
    /// The last three probabilities and velocities of each voice, oldest first.
    recent: [[(f32, f32); 3]; VOICES],
    frames: usize,
    last_hit: [Option<usize>; VOICES],
}

impl StrokeListener {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self { recent: [[(0.0, 0.0); 3]; VOICES], frames: 0, last_hit: [None; VOICES] }
    }

    /// Takes the next frame, known at `end_s`; appends the strokes that it confirms.
    pub fn push(&mut self, frame: &NetFrame, end_s: f64, hits: &mut Vec<DrumHit>) {
        self.frames += 1;
        let first = hits.len();
        for (v, voice) in NAMES.into_iter().enumerate() {
            let recent = &mut self.recent[v];
            recent.rotate_left(1);
            recent[2] = frame.strokes[v];
            let [(before, _), (prob, velocity), (after, _)] = *recent;
            let is_peak = prob > before && prob >= after && prob > THRESHOLDS[v];
            if !is_peak || self.last_hit[v].is_some_and(|last| self.frames - last < REST_FRAMES) {
                continue;
            }
            self.last_hit[v] = Some(self.frames);
            // The top of the parabola through the three, in frames from the middle one.
            let top = 0.5 * (after - before) / (2.0 * prob - before - after).max(1e-3);
            let time_s = heard_time_s(self.frames - 2, true) + f64::from(top) / RHYTHM_FPS;
            hits.push(DrumHit { time_s: time_s.clamp(0.0, end_s), voice, velocity, prob, decided_s: end_s });
        }
        // Strokes of one frame are told in the order of their finer times.
        hits[first..].sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
    }
}
