//! Magnitude spectrum of real frames, the same bits on every processor.
//!
//! The planner of `rustfft` that picks vector instructions rounds differently from machine to
//! machine, so the scalar one is taken, at half the length: a real frame of `n` samples is read as
//! `n / 2` complex ones and the spectrum is untangled (Press et al., Numerical Recipes, 12.3).

use std::sync::Arc;

use rustfft::{Fft, FftPlannerScalar, num_complex::Complex32};

/// Windowed magnitude spectra of frames of one fixed, even length.
pub(crate) struct Spectrum {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    twiddle: Vec<Complex32>,
    buffer: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Spectrum {
    /// For frames of `len` samples under a Hann window; `len` is a power of two.
    pub(crate) fn new(len: usize) -> Self {
        let half = len / 2;
        let fft = FftPlannerScalar::new().plan_fft_forward(half);
        let scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
        let turn = |i: usize| core::f64::consts::TAU * i as f64 / len as f64;
        Self {
            fft,
            window: (0..len).map(|i| (0.5 - 0.5 * libm::cos(turn(i))) as f32).collect(),
            twiddle: (0..half)
                .map(|k| Complex32::new(libm::cos(turn(k)) as f32, -libm::sin(turn(k)) as f32))
                .collect(),
            buffer: vec![Complex32::default(); half],
            scratch,
        }
    }

    /// Magnitudes of the bins `0..len / 2`, scaled so that a full-scale sine reads about 0.5.
    /// Samples come as two pieces that follow each other and together fill the frame.
    pub(crate) fn magnitudes(&mut self, (first, second): (&[f32], &[f32]), out: &mut [f32]) {
        let half = self.buffer.len();
        let mut samples = first.iter().chain(second).zip(&self.window).map(|(s, w)| s * w);
        for slot in &mut self.buffer {
            *slot = Complex32::new(samples.next().unwrap_or(0.0), samples.next().unwrap_or(0.0));
        }
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let scale = 1.0 / half as f32;
        for (k, magnitude) in out.iter_mut().enumerate().take(half) {
            let a = self.buffer[k];
            let b = self.buffer[(half - k) % half].conj();
            let even = (a + b) * 0.5;
            let odd = (a - b) * Complex32::new(0.0, -0.5);
            let bin = even + odd * self.twiddle[k];
            *magnitude = (bin.re * bin.re + bin.im * bin.im).sqrt() * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_reads_a_half_at_its_bin() {
        let n = 1024;
        let x: Vec<f32> = (0..n)
            .map(|i| libm::sin(core::f64::consts::TAU * 100.0 * f64::from(i) / 1024.0) as f32)
            .collect();
        let mut out = vec![0.0; 512];
        Spectrum::new(1024).magnitudes((&x[..700], &x[700..]), &mut out);
        assert!((out[100] - 0.5).abs() < 1e-3, "{}", out[100]);
        assert!((out[101] - 0.25).abs() < 1e-3, "{}", out[101]);
        assert!(out[0] < 1e-5 && out[103] < 1e-5 && out[400] < 1e-5);
    }
}
