//! Loudness after EBU R 128, ten values a second.

use backline_music::heard::Loudness;
use ebur128::{EbuR128, Mode};

use crate::resample::ANALYSIS_RATE_HZ;
use crate::spectrum::FRAMES_PER_S;

/// What is said of silence, in LUFS.
const FLOOR_LUFS: f32 = -70.0;
/// Steps between two values.
const EVERY: u64 = (FRAMES_PER_S / 10.0) as u64;

/// Measures momentary and short-term loudness.
pub struct LoudnessMeter {
    meter: Option<EbuR128>,
    steps: u64,
}

impl LoudnessMeter {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self { meter: EbuR128::new(1, ANALYSIS_RATE_HZ as u32, Mode::M | Mode::S).ok(), steps: 0 }
    }

    /// Takes one step of audio that ends at `end_s`; returns a value every 0.1 s.
    pub fn push(&mut self, hop: &[f32], end_s: f64) -> Option<Loudness> {
        self.steps += 1;
        let meter = self.meter.as_mut()?;
        meter.add_frames_f32(hop).ok()?;
        if !self.steps.is_multiple_of(EVERY) {
            return None;
        }
        let lufs = |v: Result<f64, _>| match v {
            Ok(v) if v.is_finite() => (v as f32).max(FLOOR_LUFS),
            _ => FLOOR_LUFS,
        };
        Some(Loudness {
            time_s: end_s,
            momentary_lufs: lufs(meter.loudness_momentary()),
            short_term_lufs: lufs(meter.loudness_shortterm()),
        })
    }
}
