//! NNLS chroma: which pitch classes sound, in the bass and above, twenty times a second.
//!
//! After Mauch & Dixon, "Approximate note transcription for the improved identification of
//! difficult chords", ISMIR 2010: Hann window of 16,384 samples, hop of 2,048, a spectrum of three
//! bins a semitone, running tuning, whitening over half an octave to each side, non-negative least
//! squares on harmonic tones whose partials decay by 0.7, and two windows over the notes. The same
//! definition as the chroma of the Billboard data set, from which the chord model was learnt.
//!
//! ```
//! use backline_listen::chroma::ChromaExtractor;
//!
//! let mut extractor = ChromaExtractor::new();
//! let a440: Vec<f32> = (0..44_100).map(|i| (i as f32 * 440.0 / 44_100.0 * 6.2832).sin()).collect();
//! extractor.push(&a440);
//! let frame = extractor.frames().back().unwrap();
//! assert!(frame.chroma[12] > 1.0); // treble half, starting at A
//! ```

mod logfreq;
mod nnls;
pub(crate) mod spectrum;

use std::collections::VecDeque;

use logfreq::{BINS, LogFrequency, NOTES, Tuning, Whitening, bump, retune};
use nnls::Nnls;

use crate::lanes::eight_sums;
pub(crate) use spectrum::Spectrum;

/// Rate of the samples that are pushed.
pub const RATE_HZ: f64 = 44_100.0;
/// Samples from one frame to the next.
pub const HOP: usize = 2_048;
/// Samples in a frame.
pub const WINDOW: usize = 16_384;
/// Seconds from one frame to the next.
pub const HOP_S: f64 = HOP as f64 / RATE_HZ;
/// A frame is known when this much audio after its centre has been pushed: half a window.
pub const LATENCY_S: f64 = WINDOW as f64 / 2.0 / RATE_HZ;

/// Root mean square below which a frame counts as silent (−86 dB).
const SILENCE: f32 = 5e-5;
/// Peak of the log-frequency spectrum below which nothing is pitched (a full-scale sine reads about 1).
const NO_PITCH: f32 = 1e-5;
/// Share of the tuning estimate that a frame leaves to its predecessors: they fade over 40 s.
const TUNING_KEEP: f64 = 0.9988;

/// The pitch classes of one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChromaFrame {
    /// Centre of the window. Frame `i` lies at `i` × [`HOP_S`]; before the first sample there is
    /// silence.
    pub time_s: f64,
    /// 0–11 the bass, 12–23 the treble, each from A upwards; in units of the local spectral
    /// deviation, typically 0–4, all 0 for silence.
    pub chroma: [f32; 24],
    /// Root mean square of the windowed samples, 1 for a full-scale square wave.
    pub energy: f32,
}

impl ChromaFrame {
    /// Numbers in a frame, as the training's tools write it.
    pub const NUMBERS: usize = 25;

    /// The chroma, then the energy.
    pub fn numbers(&self) -> [f32; Self::NUMBERS] {
        std::array::from_fn(|i| self.chroma.get(i).copied().unwrap_or(self.energy))
    }

    /// Frames out of the numbers of all of them, one after the other, from the first of a recording on.
    pub fn of_numbers(numbers: &[f32]) -> Vec<Self> {
        let (frames, _) = numbers.as_chunks::<{ Self::NUMBERS }>();
        let frame = |(i, numbers): (usize, &[f32; Self::NUMBERS])| Self {
            time_s: i as f64 * HOP_S,
            chroma: std::array::from_fn(|k| numbers[k]),
            energy: numbers[Self::NUMBERS - 1],
        };
        frames.iter().enumerate().map(frame).collect()
    }
}

/// Makes chroma frames of a stream of samples.
pub struct ChromaExtractor {
    /// The last `WINDOW` samples, as a ring.
    ring: Vec<f32>,
    at: usize,
    /// Samples still missing to the next frame.
    missing: usize,
    next_frame: u64,
    spectrum: Spectrum,
    magnitudes: Vec<f32>,
    log_frequency: LogFrequency,
    tuning: Tuning,
    whitening: Whitening,
    nnls: Nnls,
    profile: Vec<[f32; 2]>,
    frames: VecDeque<ChromaFrame>,
}

impl Default for ChromaExtractor {
    fn default() -> Self {
        Self::new()
    }
}

impl ChromaExtractor {
    /// An extractor for a stream that starts now, at 44,100 Hz.
    pub fn new() -> Self {
        let profile = (0..NOTES).map(|n| profile(n as f64 + 21.0)).collect();
        Self {
            ring: vec![0.0; WINDOW],
            at: 0,
            missing: WINDOW / 2,
            next_frame: 0,
            spectrum: Spectrum::new(WINDOW),
            magnitudes: vec![0.0; WINDOW / 2],
            log_frequency: LogFrequency::new(WINDOW, RATE_HZ),
            tuning: Tuning::new(TUNING_KEEP),
            whitening: Whitening::new(),
            nnls: Nnls::new(),
            profile,
            frames: VecDeque::new(),
        }
    }

    /// Takes samples in; frames that become complete are added to [`Self::frames`]. The frames do
    /// not depend on how the samples are divided into calls. A sample that is not a number, or
    /// infinite, is read as 0.
    pub fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.missing));
            rest = later;
            for &s in now {
                self.ring[self.at] = if s.is_finite() { s.clamp(-16.0, 16.0) } else { 0.0 };
                self.at = (self.at + 1) % WINDOW;
            }
            self.missing -= now.len();
            if self.missing == 0 {
                self.missing = HOP;
                let frame = self.analyse();
                self.frames.push_back(frame);
            }
        }
    }

    /// Frames so far, oldest first.
    pub fn frames(&self) -> &VecDeque<ChromaFrame> {
        &self.frames
    }

    /// Takes the oldest frame out.
    pub fn pop(&mut self) -> Option<ChromaFrame> {
        self.frames.pop_front()
    }

    /// Samples that are missing to the next frame.
    pub fn missing(&self) -> usize {
        self.missing
    }

    fn analyse(&mut self) -> ChromaFrame {
        let time_s = self.next_frame as f64 * HOP_S;
        self.next_frame += 1;
        let (newer, older) = self.ring.split_at(self.at);
        let power = (eight_sums(older, older) + eight_sums(newer, newer)) / WINDOW as f32;
        let energy = power.sqrt();
        let mut chroma = [0.0f32; 24];
        if energy < SILENCE {
            return ChromaFrame { time_s, chroma, energy };
        }
        self.spectrum.magnitudes((older, newer), &mut self.magnitudes);
        let mut raw = [0.0; BINS];
        self.log_frequency.map(&self.magnitudes, &mut raw);
        // A constant or a rumble below the lowest note has level but no pitch; what the transform's
        // rounding leaves of it is not music.
        if raw.iter().fold(0.0f32, |a, &b| a.max(b)) < NO_PITCH {
            return ChromaFrame { time_s, chroma, energy };
        }
        self.tuning.observe(&raw);
        let mut tuned = [0.0; BINS];
        retune(&raw, self.tuning.semitones(), &mut tuned);
        // Level must not matter, but the floor of the whitening must: full scale is the unit.
        let peak = tuned.iter().fold(0.0f32, |a, &b| a.max(b)).max(1e-9);
        tuned.iter_mut().for_each(|v| *v /= peak);
        self.whitening.whiten(&mut tuned);
        let mut notes = [0.0; NOTES];
        self.nnls.solve(&tuned, &mut notes);
        for (note, (&amount, &[bass, treble])) in notes.iter().zip(&self.profile).enumerate() {
            chroma[note % 12] += amount * bass;
            chroma[12 + note % 12] += amount * treble;
        }
        ChromaFrame { time_s, chroma, energy }
    }
}

/// How much a MIDI key counts in the bass and in the treble.
fn profile(key: f64) -> [f32; 2] {
    // Centres and widths as in the reference plug-in, read off its output.
    let bass = bump(key - 39.15, 18.85);
    let treble = bump(key - 62.5, 42.0);
    [bass as f32, treble as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_their_numbers_say() {
        let mut extractor = ChromaExtractor::new();
        extractor.push(&(0..40_000).map(|i| (i as f32 * 0.05).sin()).collect::<Vec<_>>());
        let frames: Vec<ChromaFrame> = extractor.frames().iter().copied().collect();
        let numbers: Vec<f32> = frames.iter().flat_map(ChromaFrame::numbers).collect();
        assert!(frames.len() > 10 && frames[9].energy > 0.1 && frames[9].chroma.iter().any(|v| *v > 0.1));
        assert_eq!(ChromaFrame::of_numbers(&numbers), frames);
    }
}
