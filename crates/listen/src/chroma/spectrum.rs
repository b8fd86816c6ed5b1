//! Magnitude spectrum of real frames, the same bits on every processor.
//!
//! The planner of `rustfft` that picks vector instructions rounds differently from machine to
//! machine, so the scalar one is taken, at half the length: a real frame of `n` samples is read as
//! `n / 2` complex ones and the spectrum is untangled (Press et al., Numerical Recipes, 12.3). The complex samples are
//! dealt out to four transforms of a quarter of that length, which run side by side and are joined by
//! butterflies (Cooley & Tukey 1965, decimation in time by four): the same sums in half the time.

use std::sync::Arc;

use rustfft::num_complex::{Complex, Complex32};
use rustfft::{Fft, FftPlannerScalar};

use crate::lanes::{LANES, Lanes};

/// Windowed magnitude spectra of frames of one fixed length, a power of two.
pub(crate) struct Spectrum {
    window: Vec<f32>,
    windowed: Vec<f32>,
    quarters: Arc<dyn Fft<Lanes>>,
    /// Every fourth complex sample in each lane.
    dealt: Vec<Complex<Lanes>>,
    scratch: Vec<Complex<Lanes>>,
    /// What the lanes are turned by before they are joined.
    turns: Vec<Complex<Lanes>>,
    joined: Vec<Complex32>,
    twiddle: Vec<Complex32>,
}

impl Spectrum {
    /// For frames of `len` samples under a Hann window; `len` is a power of two, from 16.
    pub(crate) fn new(len: usize) -> Self {
        let (half, quarter) = (len / 2, len / 2 / LANES);
        let quarters = FftPlannerScalar::new().plan_fft_forward(quarter);
        let nothing = Complex::new(Lanes::default(), Lanes::default());
        let angle = |i: usize| core::f64::consts::TAU * i as f64 / len as f64;
        let turn = |i: usize| Complex32::new(libm::cos(angle(i)) as f32, -libm::sin(angle(i)) as f32);
        let turns = |k: usize| {
            let lane: [Complex32; LANES] = std::array::from_fn(|lane| turn(2 * lane * k));
            Complex::new(Lanes::new(lane.map(|t| t.re)), Lanes::new(lane.map(|t| t.im)))
        };
        Self {
            window: (0..len).map(|i| (0.5 - 0.5 * libm::cos(angle(i))) as f32).collect(),
            windowed: vec![0.0; len],
            dealt: vec![nothing; quarter],
            scratch: vec![nothing; quarters.get_inplace_scratch_len()],
            quarters,
            turns: (0..quarter).map(turns).collect(),
            joined: vec![Complex32::default(); half],
            twiddle: (0..half).map(turn).collect(),
        }
    }

    /// Magnitudes of the bins `0..len / 2`, scaled so that a full-scale sine reads about 0.5.
    /// Samples come as two pieces that follow each other and together fill the frame.
    pub(crate) fn magnitudes(&mut self, (first, second): (&[f32], &[f32]), out: &mut [f32]) {
        let (early, late) = self.windowed.split_at_mut(first.len());
        let (early_window, late_window) = self.window.split_at(first.len());
        for (out, samples, window) in [(early, first, early_window), (late, second, late_window)] {
            for ((out, s), w) in out.iter_mut().zip(samples).zip(window) {
                *out = s * w;
            }
        }
        for (dealt, x) in self.dealt.iter_mut().zip(self.windowed.chunks_exact(2 * LANES)) {
            *dealt = Complex::new(Lanes::new([x[0], x[2], x[4], x[6]]), Lanes::new([x[1], x[3], x[5], x[7]]));
        }
        self.quarters.process_with_scratch(&mut self.dealt, &mut self.scratch);
        self.join();
        self.untangle(out);
    }

    /// Makes one transform of the four.
    fn join(&mut self) {
        let (a, rest) = self.joined.split_at_mut(self.dealt.len());
        let (b, rest) = rest.split_at_mut(self.dealt.len());
        let (c, d) = rest.split_at_mut(self.dealt.len());
        let places = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
        for (((a, b), (c, d)), (x, turn)) in places.zip(self.dealt.iter().zip(&self.turns)) {
            let x = x * turn;
            let (re, im) = (x.re.numbers(), x.im.numbers());
            let [x0, x1, x2, x3] = std::array::from_fn(|lane| Complex32::new(re[lane], im[lane]));
            let (even, odd) = (x0 + x2, x1 + x3);
            let (even_left, odd_left) = (x0 - x2, x1 - x3);
            // Times −i.
            let odd_left = Complex32::new(odd_left.im, -odd_left.re);
            (*a, *b, *c, *d) = (even + odd, even_left + odd_left, even - odd, even_left - odd_left);
        }
    }

    /// Magnitudes of the real frame's bins. Bin `k` comes of places `k` and `len / 2 - k`; the first has no partner
    /// but itself.
    fn untangle(&self, out: &mut [f32]) {
        let half = self.joined.len();
        let scale = 0.5 / half as f32;
        let magnitude = |a: Complex32, b: Complex32, twiddle: Complex32| {
            let (even, odd) = (a + b.conj(), a - b.conj());
            // Times −i.
            let odd = Complex32::new(odd.im, -odd.re);
            let bin = even + odd * twiddle;
            (bin.re * bin.re + bin.im * bin.im).sqrt() * scale
        };
        let (first, rest) = (self.joined[0], &self.joined[1..]);
        out[0] = magnitude(first, first, self.twiddle[0]);
        let pairs = rest.iter().zip(rest.iter().rev()).zip(&self.twiddle[1..]);
        for (out, ((a, b), twiddle)) in out[1..half].iter_mut().zip(pairs) {
            *out = magnitude(*a, *b, *twiddle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, in double precision.
    fn defined(x: &[f32], bin: usize) -> f64 {
        let turn = core::f64::consts::TAU / x.len() as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (i, x) in x.iter().enumerate() {
            let x = f64::from(*x) * (0.5 - 0.5 * libm::cos(turn * i as f64));
            re += x * libm::cos(turn * (i * bin % 4_096) as f64);
            im -= x * libm::sin(turn * (i * bin % 4_096) as f64);
        }
        libm::sqrt(re * re + im * im) / (x.len() / 2) as f64
    }

    #[test]
    fn noise_reads_as_defined() {
        let mut seed = 7u32;
        for len in [16, 64, 512, 4_096] {
            let x: Vec<f32> = (0..len)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
                })
                .collect();
            let mut out = vec![0.0; len / 2];
            Spectrum::new(len).magnitudes((&x[..len / 3], &x[len / 3..]), &mut out);
            for (bin, out) in out.iter().enumerate().step_by(len / 16) {
                assert!((f64::from(*out) - defined(&x, bin)).abs() < 1e-6, "{len} {bin}");
            }
        }
    }

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
