//! The arithmetic that all voices share: sine, noise, decays and one filter.

/// `sin(2π · turns)`, for `|turns|` below 2³¹, with an error below 4·10⁻⁶.
///
/// Taylor's series to the ninth degree on a quarter turn. Plain additions and multiplications, so the
/// result is the same on every platform and cheaper than a library call.
#[inline]
pub fn sine(turns: f32) -> f32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // rounds to the nearest turn
    let nearest = (turns + if turns >= 0.0 { 0.5 } else { -0.5 }) as i32 as f32;
    let x = turns - nearest;
    let x = if x > 0.25 {
        0.5 - x
    } else if x < -0.25 {
        -0.5 - x
    } else {
        x
    };
    let z = x * x;
    x * (core::f32::consts::TAU + z * (-41.341_7 + z * (81.605_25 + z * (-76.705_86 + z * 42.058_693))))
}

/// White noise in −1..1 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003).
#[derive(Debug, Clone, Copy)]
pub struct Noise(u32);

impl Noise {
    /// Noise from a seed; every seed gives other noise.
    pub const fn new(seed: u32) -> Self {
        let mixed = seed.wrapping_mul(0x9E37_79B9) ^ 0x5BD1_E995;
        Self(if mixed == 0 { 1 } else { mixed })
    }

    /// The next 32 random bits.
    #[inline]
    pub const fn bits(&mut self) -> u32 {
        let mut x = self.0;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.0 = x;
        x
    }

    /// The next sample, −1..1.
    #[inline]
    pub fn sample(&mut self) -> f32 {
        #[allow(clippy::cast_possible_wrap, clippy::cast_precision_loss)]
        let signed = self.bits() as i32 as f32;
        signed * (1.0 / 2_147_483_648.0)
    }
}

/// The factor a sample by which a level falls 60 dB in `t60_s`.
pub fn decay(t60_s: f32, sample_rate: f32) -> f32 {
    libm::expf(-6.907_755 / (t60_s * sample_rate).max(1.0))
}

/// Frequency of a MIDI key in equal temperament, A4 = 440 Hz.
pub fn key_hz(key: u8) -> f32 {
    440.0 * libm::exp2f((f32::from(key) - 69.0) / 12.0)
}

/// Low-, band- and high-pass outputs of one step of [`Filter`].
#[derive(Debug, Clone, Copy)]
pub struct Bands {
    /// Below the cut-off.
    pub low: f32,
    /// Around it, 0 dB at the peak.
    pub band: f32,
    /// Above it.
    pub high: f32,
}

/// A state-variable filter, trapezoidal integration (A. Simper, "Solving the continuous SVF equations
/// using trapezoidal integration and equivalent currents", Cytomic, 2013).
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    k: f32,
    a1: f32,
    a2: f32,
    a3: f32,
    s1: f32,
    s2: f32,
}

impl Filter {
    /// A filter at rest.
    pub fn new(cutoff_hz: f32, q: f32, sample_rate: f32) -> Self {
        let mut filter = Self::default();
        filter.tune(cutoff_hz, q, sample_rate);
        filter
    }

    /// Moves the cut-off and keeps the state, so that sweeps do not click. Cut-offs beyond what the
    /// sample rate can carry are brought down.
    pub fn tune(&mut self, cutoff_hz: f32, q: f32, sample_rate: f32) {
        let normalised = (cutoff_hz / sample_rate).clamp(0.000_05, 0.45);
        let g = libm::tanf(core::f32::consts::PI * normalised);
        self.k = 1.0 / q;
        self.a1 = 1.0 / (1.0 + g * (g + self.k));
        self.a2 = g * self.a1;
        self.a3 = g * self.a2;
    }

    /// Filters one sample.
    #[inline]
    pub fn step(&mut self, input: f32) -> Bands {
        let v3 = input - self.s2;
        let v1 = self.a1 * self.s1 + self.a2 * v3;
        let v2 = self.s2 + self.a2 * self.s1 + self.a3 * v3;
        self.s1 = 2.0 * v1 - self.s1;
        self.s2 = 2.0 * v2 - self.s2;
        Bands { low: v2, band: self.k * v1, high: input - self.k * v1 - v2 }
    }
}

/// Leaves samples within ±0.8 as they are and bends what is louder, so that the result stays within ±1.
#[inline]
pub fn soft_clip(x: f32) -> f32 {
    let over = x.abs() - 0.8;
    if over <= 0.0 {
        x
    } else {
        let bent = 0.8 + over / (1.0 + over / 0.2);
        if x < 0.0 { -bent } else { bent }
    }
}

/// Gains of an equal-power pan, −1 (left) … 1 (right).
pub fn pan_gains(pan: f32) -> (f32, f32) {
    let angle = (pan.clamp(-1.0, 1.0) + 1.0) * core::f32::consts::FRAC_PI_4;
    (libm::cosf(angle), libm::sinf(angle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_is_a_sine() {
        for i in -4000..4000 {
            let turns = i as f32 / 997.0;
            let expected = libm::sin(f64::from(turns) * core::f64::consts::TAU) as f32;
            assert!((sine(turns) - expected).abs() < 1e-5, "{turns}: {} {expected}", sine(turns));
        }
    }

    #[test]
    fn filters_pass_what_they_should() {
        let gain = |hz: f32| {
            let mut filter = Filter::new(1_000.0, 0.707, 48_000.0);
            let mut peaks = (0.0f32, 0.0f32);
            for i in 0..48_000 {
                let out = filter.step(sine(hz * i as f32 / 48_000.0));
                if i > 4_800 {
                    peaks = (peaks.0.max(out.low.abs()), peaks.1.max(out.high.abs()));
                }
            }
            peaks
        };
        let (low_at_100, high_at_100) = gain(100.0);
        let (low_at_10k, high_at_10k) = gain(10_000.0);
        assert!(low_at_100 > 0.98 && high_at_100 < 0.02, "{low_at_100} {high_at_100}");
        assert!(low_at_10k < 0.02 && high_at_10k > 0.98, "{low_at_10k} {high_at_10k}");
    }

    #[test]
    fn clipping_is_smooth_and_bounded() {
        let mut last = -1.0;
        for i in -5_000..5_000 {
            let y = soft_clip(i as f32 / 500.0);
            assert!(y >= last && y.abs() < 1.0);
            last = y;
        }
        assert_eq!(soft_clip(0.5), 0.5);
    }
}
