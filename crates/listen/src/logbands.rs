//! What the rhythm net hears: the level of each band against the recent peak, 50 frames a second.
//!
//! Bands are those of [`crate::onset`], twelve an octave from 27.5 Hz. Levels are measured against the
//! loudest band of the last seconds, so that a quiet recording looks like a loud one.

use std::sync::OnceLock;

use crate::onset::{OnsetStrength, SILENCE};
use crate::spectrum::{FRAMES_PER_S, HOP, Spectrum};

/// Spectra that are joined into one frame.
pub const FRAMES_JOINED: usize = 2;
/// Half-life of the peak that levels are measured against.
const PEAK_HALF_LIFE_S: f64 = 6.0;
/// Gain before the logarithm: what is 60 dB below the peak reads a tenth of it.
const COMPRESSION: f32 = 1_000.0;

/// Turns magnitudes in bands into frames of compressed levels.
pub(crate) struct LogBands {
    peak: f32,
    peak_decay: f32,
    held: Option<Vec<f32>>,
}

impl LogBands {
    /// With silence before.
    pub fn new() -> Self {
        Self {
            peak: 10.0 * SILENCE,
            peak_decay: libm::exp2(-1.0 / (PEAK_HALF_LIFE_S * FRAMES_PER_S)) as f32,
            held: None,
        }
    }

    /// Takes the bands of one spectrum; gives a frame, 0..=1 in each band, after every second one.
    pub fn push(&mut self, bands: &[f32]) -> Option<Vec<f32>> {
        let loudest = bands.iter().copied().fold(0.0, f32::max);
        self.peak = (self.peak * self.peak_decay).max(loudest).max(10.0 * SILENCE);
        let Some(mut frame) = self.held.take() else {
            self.held = Some(bands.to_vec());
            return None;
        };
        let gain = COMPRESSION / (FRAMES_JOINED as f32 * self.peak);
        let most = libm::log1pf(COMPRESSION);
        for (level, band) in frame.iter_mut().zip(bands) {
            *level = libm::log1pf((*level + band) * gain) / most;
        }
        Some(frame)
    }
}

/// What the rhythm net hears of a recording: frames of [`bands`] values each, one after the other.
pub fn features(mono_44100: &[f32]) -> Vec<f32> {
    let (mut spectrum, mut strength, mut log_bands) =
        (Spectrum::new(), OnsetStrength::new(), LogBands::new());
    mono_44100
        .chunks_exact(HOP)
        .filter_map(|hop| {
            spectrum.push(hop);
            strength.push(&spectrum.magnitude);
            log_bands.push(strength.bands())
        })
        .flatten()
        .collect()
}

/// Number of values in a frame.
pub fn bands() -> usize {
    static BANDS: OnceLock<usize> = OnceLock::new();
    *BANDS.get_or_init(|| OnsetStrength::new().bands().len())
}
