//! One small room: a feedback delay network of eight lines.
//!
//! J.-M. Jot & A. Chaigne, "Digital delay networks for designing artificial reverberators", AES
//! Convention 90, 1991: a lossless mixing matrix (here Hadamard's) with a gain per line that gives all
//! of them the same decay, and a one-pole low-pass per line for the air.

const LINES_MS: [f32; 8] = [19.3, 23.9, 28.1, 31.7, 36.1, 40.9, 44.3, 49.7];
const T60_S: f32 = 0.9;
const DAMPING_HZ: f32 = 4_500.0;
const LOW_CUT_HZ: f32 = 220.0;
/// Peak below which the room counts as silent.
const SILENT: f32 = 1e-6;

/// The room.
#[derive(Debug, Clone)]
pub struct Reverb {
    lines: [Vec<f32>; 8],
    at: [usize; 8],
    gains: [f32; 8],
    damped: [f32; 8],
    damping: f32,
    low: f32,
    low_cut: f32,
    quiet: u32,
    sleep_after: u32,
}

impl Reverb {
    /// A silent room; allocates its lines.
    pub fn new(sample_rate: f32) -> Self {
        let pole = |hz: f32| 1.0 - libm::expf(-core::f32::consts::TAU * (hz / sample_rate).min(0.5));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few thousand samples
        let samples = LINES_MS.map(|ms| ((ms * 0.001 * sample_rate) as usize).max(2));
        #[allow(clippy::cast_precision_loss)]
        let gains = samples.map(|n| libm::expf(-6.907_755 * n as f32 / (T60_S * sample_rate)));
        Self {
            #[allow(clippy::cast_possible_truncation)]
            sleep_after: samples.iter().max().copied().unwrap_or(0) as u32 + 1,
            lines: samples.map(|n| vec![0.0; n]),
            at: [0; 8],
            gains,
            damped: [0.0; 8],
            damping: pole(DAMPING_HZ),
            low: 0.0,
            low_cut: pole(LOW_CUT_HZ),
            quiet: u32::MAX,
        }
    }

    /// Empties the room.
    pub fn clear(&mut self) {
        for line in &mut self.lines {
            line.fill(0.0);
        }
        self.damped = [0.0; 8];
        self.low = 0.0;
        self.quiet = u32::MAX;
    }

    /// Whether nothing sounds in it.
    pub const fn silent(&self) -> bool {
        self.quiet > self.sleep_after
    }

    /// Adds the room's answer to `send`.
    pub fn add(&mut self, send: &[f32], left: &mut [f32], right: &mut [f32]) {
        for ((&input, l), r) in send.iter().zip(left).zip(right) {
            if self.silent() && input == 0.0 {
                continue;
            }
            self.low += (input - self.low) * self.low_cut;
            let bright = input - self.low;

            let mut v = [0.0f32; 8];
            let mut peak = bright.abs();
            for (i, v) in v.iter_mut().enumerate() {
                let out = self.lines[i][self.at[i]];
                self.damped[i] += (out - self.damped[i]) * self.damping;
                *v = self.damped[i] * self.gains[i];
                peak = peak.max(v.abs());
            }
            *l += (v[0] - v[2] + v[4] - v[6]) * 0.8;
            *r += (v[1] - v[3] + v[5] - v[7]) * 0.8;

            for half in [1, 2, 4] {
                for i in 0..8 {
                    if i & half == 0 {
                        let (a, b) = (v[i], v[i + half]);
                        v[i] = a + b;
                        v[i + half] = a - b;
                    }
                }
            }
            for (i, v) in v.iter().enumerate() {
                self.lines[i][self.at[i]] = bright + v * 0.353_553_4;
                self.at[i] += 1;
                if self.at[i] == self.lines[i].len() {
                    self.at[i] = 0;
                }
            }
            if peak > SILENT {
                self.quiet = 0;
            } else {
                self.quiet = self.quiet.saturating_add(1);
                if self.silent() {
                    self.clear();
                }
            }
        }
    }
}
