//! A plucked string, for recordings that the band has to listen to.
//!
//! K. Karplus & A. Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music
//! Journal 7(2), 1983, with the tuning and the pick position of D. Jaffe & J. Smith, "Extensions of the
//! Karplus-Strong plucked-string algorithm", same issue. It allocates: it is not for the audio thread.

use crate::dsp::{Filter, Noise};

/// How a string is plucked.
#[derive(Debug, Clone, Copy)]
pub struct Pluck {
    /// Pitch in Hz.
    pub hz: f32,
    /// Seconds until the string is damped.
    pub length_s: f32,
    /// Strength, 0..=1: loudness and brightness.
    pub force: f32,
    /// Chooses the noise of the pick.
    pub seed: u32,
}

/// Adds the sound of `pluck` to `out`, from sample `start` on.
pub fn pluck_add(out: &mut [f32], start: usize, sample_rate: f32, pluck: &Pluck) {
    let period = sample_rate / pluck.hz;
    if !period.is_finite() || !(4.0..=100_000.0).contains(&period) || start >= out.len() {
        return;
    }
    // The loop's low-pass (a two-point mean, weighted) delays by `damp` samples; the rest is a whole
    // number of samples and a first-order all-pass.
    let damp = 0.5 - 0.18 * pluck.force.clamp(0.0, 1.0);
    let loop_samples = period - damp;
    let mut whole = libm::floorf(loop_samples);
    let mut fraction = loop_samples - whole;
    if fraction < 0.1 {
        whole -= 1.0;
        fraction += 1.0;
    }
    let all_pass = (1.0 - fraction) / (1.0 + fraction);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 3..=100_000
    let n = whole as usize;

    let mut noise = Noise::new(pluck.seed);
    let mut colour = Filter::new(900.0 + 5_200.0 * pluck.force, 0.6, sample_rate);
    let burst: Vec<f32> = (0..n).map(|_| colour.step(noise.sample()).low).collect();
    let pick = n / 7 + 1;
    let mut line: Vec<f32> = (0..n).map(|i| burst[i] - burst[(i + n - pick % n) % n]).collect();
    let mean = line.iter().sum::<f32>() / whole;
    let power = line.iter().map(|s| (s - mean) * (s - mean)).sum::<f32>() / whole;
    let gain = 0.22 * pluck.force / libm::sqrtf(power.max(1e-9));
    for s in &mut line {
        *s = (*s - mean) * gain;
    }

    // Low strings ring longer; each turn through the loop loses its share of 60 dB.
    let t60_s = (4.5 * libm::powf(110.0 / pluck.hz, 0.6)).clamp(0.5, 8.0);
    let loss = libm::expf(-6.907_755 * period / (t60_s * sample_rate));
    let damped = libm::expf(-6.907_755 / (0.09 * sample_rate));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let held = (pluck.length_s.clamp(0.0, 60.0) * sample_rate) as usize;

    let mut body = Filter::new(190.0, 1.4, sample_rate);
    let (mut at, mut last, mut ap_in, mut ap_out) = (0, 0.0f32, 0.0f32, 0.0f32);
    let mut release = 1.0f32;
    let ramp = (0.001 * sample_rate).max(1.0);
    for (i, sample) in out[start..].iter_mut().enumerate() {
        let string = line[at];
        let smooth = (1.0 - damp) * string + damp * last;
        last = string;
        let passed = all_pass * smooth + ap_in - all_pass * ap_out;
        ap_in = smooth;
        ap_out = passed;
        line[at] = passed * loss;
        at = if at + 1 == n { 0 } else { at + 1 };

        if i > held {
            release *= damped;
            if release < 3e-5 {
                break;
            }
        }
        #[allow(clippy::cast_precision_loss)]
        let attack = (i as f32 / ramp).min(1.0);
        *sample += (string + 0.35 * body.step(string).band) * release * attack;
    }
}
