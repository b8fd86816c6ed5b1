//! Loudness after EBU R 128, ten values a second, of the mono mix on both sides: what a meter in the session shows of music
//! in the middle. What lies apart, left and right, is told up to 3 LU too low.

use backline_music::heard::Loudness;
use ebur128::{EbuR128, Mode};

use crate::resample::ANALYSIS_RATE_HZ;
use crate::spectrum::FRAMES_PER_S;

/// What is said of silence, in LUFS.
const FLOOR_LUFS: f32 = -70.0;
/// Steps between two values: a tenth of a second.
const EVERY: u64 = (FRAMES_PER_S / 10.0) as u64;
const EVERY_MS: u32 = 100;
/// Tenths of a second that the momentary and the short-term loudness look back.
const MOMENTARY: usize = 4;
const SHORT_TERM: usize = 30;
/// Loudness of energy 1 (ITU-R BS.1770, equation 2).
const UNIT_LUFS: f64 = -0.691;
/// By how much two equal channels are louder than one.
const BOTH_SIDES_LU: f64 = 3.010_3;

/// Measures momentary and short-term loudness.
pub struct LoudnessMeter {
    meter: Option<EbuR128>,
    steps: u64,
    /// Energy of the last tenths of a second, oldest first: so that no sample is summed more than once.
    energies: [f64; SHORT_TERM],
}

impl LoudnessMeter {
    /// Nothing heard yet.
    pub fn new() -> Self {
        let meter = EbuR128::new(1, ANALYSIS_RATE_HZ as u32, Mode::M).ok();
        Self { meter, steps: 0, energies: [0.0; SHORT_TERM] }
    }

    /// Takes one step of audio that ends at `end_s`; returns a value every 0.1 s.
    pub fn push(&mut self, hop: &[f32], end_s: f64) -> Option<Loudness> {
        self.steps += 1;
        let meter = self.meter.as_mut()?;
        meter.add_frames_f32(hop).ok()?;
        if !self.steps.is_multiple_of(EVERY) {
            return None;
        }
        let tenth = meter.loudness_window(EVERY_MS).unwrap_or(f64::NEG_INFINITY);
        self.energies.rotate_left(1);
        self.energies[SHORT_TERM - 1] = libm::exp10((tenth - UNIT_LUFS) / 10.0);
        Some(Loudness {
            time_s: end_s,
            momentary_lufs: self.last_lufs(MOMENTARY),
            short_term_lufs: self.last_lufs(SHORT_TERM),
        })
    }

    /// Loudness of the last `tenths`.
    fn last_lufs(&self, tenths: usize) -> f32 {
        let energy = self.energies[SHORT_TERM - tenths..].iter().sum::<f64>() / tenths as f64;
        let lufs = 10.0 * libm::log10(energy) + UNIT_LUFS + BOTH_SIDES_LU;
        if lufs.is_finite() { (lufs as f32).max(FLOOR_LUFS) } else { FLOOR_LUFS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::HOP;

    #[test]
    fn tenths_of_a_second_together_are_as_loud_as_the_whole() {
        let mut meter = LoudnessMeter::new();
        let mut whole = EbuR128::new(2, ANALYSIS_RATE_HZ as u32, Mode::M | Mode::S).unwrap();
        let (mut seed, mut told) = (1_u32, 0);
        for step in 0..600_u32 {
            // Noise that swells, with a rest of a second and a half in it.
            let level = if (250..400).contains(&step) { 0.0 } else { step as f32 / 600.0 };
            let hop: Vec<f32> = (0..HOP)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    level * ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0)
                })
                .collect();
            whole.add_frames_f32(&hop.iter().flat_map(|x| [*x, *x]).collect::<Vec<_>>()).unwrap();
            let Some(loudness) = meter.push(&hop, 0.0) else { continue };
            told += 1;
            let close = |a: f32, b: f64| (f64::from(a) - b.max(f64::from(FLOOR_LUFS))).abs() < 1e-4;
            assert!(
                close(loudness.momentary_lufs, whole.loudness_momentary().unwrap()),
                "{step} {loudness:?}"
            );
            assert!(
                close(loudness.short_term_lufs, whole.loudness_shortterm().unwrap()),
                "{step} {loudness:?}"
            );
        }
        assert_eq!(told, 60);
    }
}
