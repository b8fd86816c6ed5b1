//! Timbre once a second: spectral centroid, roll-off and mel-frequency cepstral coefficients.

use backline_music::heard::Timbre;

use crate::spectrum::{BINS, FRAMES_PER_S, Filterbank, bin_hz};

const MEL_BANDS: usize = 40;
const COEFFICIENTS: usize = 13;
/// Share of the energy below the roll-off.
const ROLLOFF_SHARE: f64 = 0.85;
/// Steps between two values.
const EVERY: u32 = FRAMES_PER_S as u32;
/// A constant reaches this far up through the window: it has no timbre.
const OF_A_CONSTANT: usize = 2;
/// Power added before the logarithm: −100 dB.
const FLOOR_POWER: f32 = 1e-10;

/// Averages spectra over a second and describes them.
pub struct TimbreMeter {
    bank: Filterbank,
    /// Rows of the discrete cosine transform (type II, orthonormal).
    cosines: Vec<[f32; COEFFICIENTS]>,
    power: Vec<f32>,
    frames: u32,
}

impl TimbreMeter {
    /// Nothing heard yet.
    pub fn new() -> Self {
        // Slaney's and HTK's scales differ; this is HTK's: mel = 2595 log10(1 + f / 700).
        let mel = |hz: f64| 2_595.0 * libm::log10(1.0 + hz / 700.0);
        let hz = |mel: f64| 700.0 * (libm::pow(10.0, mel / 2_595.0) - 1.0);
        let (low, high) = (mel(40.0), mel(16_000.0));
        let edges: Vec<f64> =
            (0..MEL_BANDS + 2).map(|i| hz(low + (high - low) * i as f64 / (MEL_BANDS + 1) as f64)).collect();
        let bank = Filterbank::new(&edges);
        let n = bank.len();
        let cosines = (0..n)
            .map(|b| {
                std::array::from_fn(|c| {
                    let scale = if c == 0 { 1.0 / n as f64 } else { 2.0 / n as f64 };
                    let angle = std::f64::consts::PI * c as f64 * (b as f64 + 0.5) / n as f64;
                    (libm::sqrt(scale) * libm::cos(angle)) as f32
                })
            })
            .collect();
        Self { bank, cosines, power: vec![0.0; BINS], frames: 0 }
    }

    /// Takes the spectrum of the step that ends at `end_s`; returns a value every second.
    pub fn push(&mut self, magnitude: &[f32], end_s: f64) -> Option<Timbre> {
        self.power.iter_mut().zip(magnitude).for_each(|(p, m)| *p += m * m);
        self.frames += 1;
        if self.frames < EVERY {
            return None;
        }
        let timbre = self.describe(end_s);
        self.power.fill(0.0);
        self.frames = 0;
        Some(timbre)
    }

    fn describe(&mut self, time_s: f64) -> Timbre {
        self.power.iter_mut().for_each(|p| *p /= EVERY as f32);
        self.power[..OF_A_CONSTANT].fill(0.0);
        let total: f64 = self.power.iter().map(|p| f64::from(*p)).sum();
        let (mut centroid_hz, mut rolloff_hz) = (0.0, 0.0);
        if total > f64::from(FLOOR_POWER) {
            let magnitudes: f64 = self.power.iter().map(|p| f64::from(p.sqrt())).sum();
            let weighted: f64 =
                self.power.iter().enumerate().map(|(k, p)| bin_hz(k) * f64::from(p.sqrt())).sum();
            centroid_hz = weighted / magnitudes;
            let mut below = 0.0;
            for (k, p) in self.power.iter().enumerate() {
                below += f64::from(*p);
                if below >= ROLLOFF_SHARE * total {
                    rolloff_hz = bin_hz(k);
                    break;
                }
            }
        }
        let mut mel = vec![0.0; self.bank.len()];
        self.bank.apply(&self.power, &mut mel);
        let mut mfcc = [0.0; COEFFICIENTS];
        for (energy, row) in mel.iter().zip(&self.cosines) {
            let log = libm::logf(energy + FLOOR_POWER);
            mfcc.iter_mut().zip(row).for_each(|(c, w)| *c += w * log);
        }
        Timbre { time_s, centroid_hz: centroid_hz as f32, rolloff_hz: rolloff_hz as f32, mfcc }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{HOP, Spectrum};

    fn of_sine(hz: f64) -> Timbre {
        let (mut spectrum, mut meter) = (Spectrum::new(), TimbreMeter::new());
        let mut timbre = None;
        for step in 0..100 {
            let hop: Vec<f32> = (0..HOP)
                .map(|i| {
                    let t = (step * HOP + i) as f64 / 44_100.0;
                    libm::sin(t * hz * 2.0 * std::f64::consts::PI) as f32 * 0.5
                })
                .collect();
            spectrum.push(&hop);
            timbre = meter.push(&spectrum.magnitude, f64::from(step as u32 + 1) * 0.01).or(timbre);
        }
        timbre.unwrap()
    }

    #[test]
    fn centroid_and_rolloff_follow_the_pitch() {
        let (low, high) = (of_sine(500.0), of_sine(4_000.0));
        assert!((low.rolloff_hz - 500.0).abs() < 60.0, "{low:?}");
        assert!((high.rolloff_hz - 4_000.0).abs() < 60.0, "{high:?}");
        assert!(high.centroid_hz > 3.0 * low.centroid_hz);
        assert!(low.mfcc[1] > high.mfcc[1]);
    }

    #[test]
    fn a_constant_has_no_timbre() {
        let described = |constant: f32| {
            let (mut spectrum, mut meter) = (Spectrum::new(), TimbreMeter::new());
            let mut timbre = None;
            // The second second: in the first the constant begins, which is a click.
            for step in 0..200 {
                let at = |i: usize| (step * HOP + i) as f32 * std::f32::consts::TAU * 1_000.0 / 44_100.0;
                let hop: Vec<f32> = (0..HOP).map(|i| 0.2 * at(i).sin() + constant).collect();
                spectrum.push(&hop);
                timbre = meter.push(&spectrum.magnitude, f64::from(step as u32 + 1) * 0.01).or(timbre);
            }
            timbre.unwrap()
        };
        let (plain, offset) = (described(0.0), described(0.3));
        assert!((offset.centroid_hz / plain.centroid_hz - 1.0).abs() < 0.01, "{offset:?} {plain:?}");
        assert_eq!(offset.rolloff_hz, plain.rolloff_hz);
    }
}
