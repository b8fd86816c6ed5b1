//! From a linear spectrum to one on the pitch scale: cosine kernels, running tuning, whitening.
//!
//! Mauch & Dixon, "Approximate note transcription for the improved identification of difficult
//! chords", ISMIR 2010, sections 3.1 and 3.2.

use core::f64::consts::{PI, TAU};

/// Bins of the log-frequency spectrum to a semitone.
pub(crate) const BINS_PER_SEMITONE: usize = 3;
/// Bins of the log-frequency spectrum; bin `j` lies at MIDI key `LOWEST_KEY + j / 3`.
pub(crate) const BINS: usize = 256;
/// Notes of the dictionary, A0 (MIDI key 21, at bin 3) and up.
pub(crate) const NOTES: usize = 84;
/// MIDI key at bin 0.
const LOWEST_KEY: f64 = 20.0;
/// Bins on each side that count in a bin's running mean and deviation: half an octave.
const REACH: usize = 6 * BINS_PER_SEMITONE;

/// A raised cosine of height 1 at 0 that reaches 0 at ±`half_width`.
pub(crate) fn bump(x: f64, half_width: f64) -> f64 {
    if x.abs() >= half_width { 0.0 } else { 0.5 + 0.5 * libm::cos(PI * x / half_width) }
}

/// Maps magnitudes of a Fourier spectrum onto the pitch scale.
pub(crate) struct LogFrequency {
    /// For each bin: the first Fourier bin and the weights from there on.
    kernels: Vec<(usize, Vec<f32>)>,
}

impl LogFrequency {
    /// For spectra of frames of `len` samples at `rate_hz`.
    pub(crate) fn new(len: usize, rate_hz: f64) -> Self {
        let width_hz = rate_hz / len as f64;
        let kernels = (0..BINS)
            .map(|j| {
                let at = |bins: f64| {
                    let key = LOWEST_KEY + (j as f64 + bins) / BINS_PER_SEMITONE as f64;
                    440.0 * libm::exp2((key - 69.0) / 12.0)
                };
                // Fourier bins that reach into the kernel, each spread by a raised cosine, so that
                // kernels narrower than a Fourier bin interpolate.
                let lo = ((at(-1.0) / width_hz) as usize).saturating_sub(1).max(1);
                let hi = ((at(1.0) / width_hz) as usize + 2).min(len / 2 - 1);
                let mut weights = vec![0.0f64; hi + 1 - lo];
                let steps = 64 + 8 * weights.len();
                for s in 0..steps {
                    let offset = -1.0 + 2.0 * (s as f64 + 0.5) / steps as f64;
                    let hz = at(offset);
                    let slice =
                        (at(offset + 1.0 / steps as f64) - at(offset - 1.0 / steps as f64)) / width_hz;
                    for (i, w) in weights.iter_mut().enumerate() {
                        *w += bump(offset, 1.0) * bump(hz / width_hz - (lo + i) as f64, 1.0) * slice;
                    }
                }
                (lo, weights.into_iter().map(|w| w as f32).collect())
            })
            .collect();
        Self { kernels }
    }

    pub(crate) fn map(&self, magnitudes: &[f32], out: &mut [f32; BINS]) {
        for (value, (first, weights)) in out.iter_mut().zip(&self.kernels) {
            // Four running sums, in an order that no compiler changes.
            let (m, w) = (magnitudes[*first..].chunks_exact(4), weights.chunks_exact(4));
            let rest = &magnitudes[*first + weights.len() / 4 * 4..];
            let tail: f32 = rest.iter().zip(w.remainder()).map(|(m, w)| m * w).sum();
            let mut sums = [0.0f32; 4];
            for (m, w) in m.zip(w) {
                for i in 0..4 {
                    sums[i] += m[i] * w[i];
                }
            }
            *value = sums[0] + sums[1] + sums[2] + sums[3] + tail;
        }
    }
}

/// Where the music's A lies, from the phase of the spectrum folded to one semitone, over time.
pub(crate) struct Tuning {
    re: f64,
    im: f64,
    keep: f64,
}

impl Tuning {
    /// A frame loses `1 - keep` of its say with each later frame.
    pub(crate) fn new(keep: f64) -> Self {
        Self { re: 0.0, im: 0.0, keep }
    }

    pub(crate) fn observe(&mut self, spectrum: &[f32; BINS]) {
        let total: f64 = spectrum.iter().map(|&v| f64::from(v)).sum();
        if total <= 1e-9 {
            return;
        }
        let mut folded = [0.0f64; BINS_PER_SEMITONE];
        for (bin, &v) in spectrum.iter().enumerate() {
            folded[bin % BINS_PER_SEMITONE] += f64::from(v) / total;
        }
        let (mut re, mut im) = (0.0, 0.0);
        for (i, v) in folded.iter().enumerate() {
            let turn = TAU * i as f64 / BINS_PER_SEMITONE as f64;
            re += v * libm::cos(turn);
            im += v * libm::sin(turn);
        }
        self.re = self.keep * self.re + re;
        self.im = self.keep * self.im + im;
    }

    /// How far the music lies above A = 440 Hz, in semitones, −0.5..=0.5.
    pub(crate) fn semitones(&self) -> f64 {
        if self.re.abs() + self.im.abs() < 1e-12 { 0.0 } else { libm::atan2(self.im, self.re) / TAU }
    }
}

/// Moves the spectrum so that the music's semitones lie on every third bin.
pub(crate) fn retune(spectrum: &[f32; BINS], semitones: f64, out: &mut [f32; BINS]) {
    let shift = semitones * BINS_PER_SEMITONE as f64;
    let whole = libm::floor(shift);
    let part = (shift - whole) as f32;
    for (bin, value) in out.iter_mut().enumerate() {
        let at = |i: i64| usize::try_from(i).ok().and_then(|i| spectrum.get(i)).copied().unwrap_or(0.0);
        let i = bin as i64 + whole as i64;
        *value = at(i) * (1.0 - part) + at(i + 1) * part;
    }
}

/// Keeps what stands out of its half octave, in units of the deviation there.
pub(crate) struct Whitening {
    weights: [f32; 2 * REACH + 1],
    /// Sum of the weights that fall on bins, for each bin.
    norms: [f32; BINS],
}

impl Whitening {
    pub(crate) fn new() -> Self {
        let mut weights = [0.0; 2 * REACH + 1];
        for (i, w) in weights.iter_mut().enumerate() {
            // Hamming.
            *w = (0.54 + 0.46 * libm::cos(PI * (i as f64 - REACH as f64) / (REACH as f64 + 0.5))) as f32;
        }
        let mut whitening = Self { weights, norms: [0.0; BINS] };
        whitening.norms = whitening.weighted_sums(&[1.0; BINS]);
        whitening
    }

    /// The sum around each bin, weighted; nothing lies beyond the ends.
    fn weighted_sums(&self, x: &[f32; BINS]) -> [f32; BINS] {
        let mut padded = [0.0; BINS + 2 * REACH];
        padded[REACH..REACH + BINS].copy_from_slice(x);
        let mut sums = [0.0; BINS];
        for (i, w) in self.weights.iter().enumerate() {
            sums.iter_mut().zip(&padded[i..]).for_each(|(sum, v)| *sum += v * w);
        }
        sums
    }

    fn smooth(&self, x: &[f32; BINS]) -> [f32; BINS] {
        let mut mean = self.weighted_sums(x);
        mean.iter_mut().zip(&self.norms).for_each(|(mean, norm)| *mean /= norm);
        mean
    }

    pub(crate) fn whiten(&self, spectrum: &mut [f32; BINS]) {
        let mean = self.smooth(spectrum);
        let mut square = [0.0; BINS];
        for ((s, v), m) in square.iter_mut().zip(spectrum.iter()).zip(&mean) {
            *s = (v - m) * (v - m);
        }
        let variance = self.smooth(&square);
        for ((v, m), s) in spectrum.iter_mut().zip(&mean).zip(&variance) {
            // The floor (−120 dB) keeps rounding from being blown up where nothing sounds.
            *v = if *v > *m { (*v - *m) / (s.sqrt() + 1e-6) } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuning_is_read_from_a_comb() {
        for cents in [-40, -20, 0, 10, 30, 45] {
            let mut spectrum = [0.0f32; BINS];
            for semitone in 1..84 {
                let centre = f64::from(semitone) * 3.0 + f64::from(cents) * 0.03;
                for (bin, v) in spectrum.iter_mut().enumerate() {
                    *v += bump(bin as f64 - centre, 1.5) as f32;
                }
            }
            let mut tuning = Tuning::new(0.99);
            tuning.observe(&spectrum);
            assert!(
                (tuning.semitones() - f64::from(cents) / 100.0).abs() < 0.02,
                "{cents}: {}",
                tuning.semitones()
            );
        }
    }

    #[test]
    fn whitening_does_not_care_for_level() {
        let mut quiet = [0.0f32; BINS];
        for (i, v) in quiet.iter_mut().enumerate() {
            *v = 0.01 * (1.0 + libm::sin(i as f64 * 1.7) as f32) + if i % 36 == 0 { 0.5 } else { 0.0 };
        }
        let mut loud = quiet.map(|v| v * 64.0);
        Whitening::new().whiten(&mut quiet);
        Whitening::new().whiten(&mut loud);
        for (a, b) in quiet.iter().zip(&loud) {
            assert!((a - b).abs() < 0.02 * a.max(1.0), "{a} {b}");
        }
    }
}
