//! Brings audio of any rate to the analysis rate, with its delay taken out.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, Fft, FixedAsync, FixedSync, Resampler, SincInterpolationParameters, WindowFunction};

/// The rate at which everything is analysed, in Hz.
pub const ANALYSIS_RATE_HZ: f64 = 44_100.0;

/// Frames of the FFT resampler's block that are aimed at: short enough for 5 ms of delay.
const BLOCK_FRAMES: usize = 256;
/// A block longer than this would mean that the rates have no common divisor worth the name.
const LONGEST_BLOCK_FRAMES: usize = 2_048;

/// Mono audio in at one rate, out at [`ANALYSIS_RATE_HZ`].
///
/// The output's sample `n` lies at stream time `n / 44,100` whatever the input rate: the filter's
/// delay is discarded at the start. Rates with a common divisor take the FFT path, odd ones (44,099
/// Hz, or fractional) a windowed sinc.
pub struct Resample {
    kind: Kind,
    /// Input that waits for a whole block.
    pending: Vec<f32>,
    /// Output of one block.
    block_out: Vec<f32>,
    /// Output samples still to be discarded, the filter's delay.
    to_skip: usize,
    rate_hz: f64,
    fed_frames: u64,
    made_frames: u64,
}

enum Kind {
    Same,
    Change(Box<dyn Resampler<f32>>),
}

impl Resample {
    /// A converter from `rate_hz`, or `None` when no filter can be made for it.
    pub fn new(rate_hz: f64) -> Option<Self> {
        let kind = if rate_hz == ANALYSIS_RATE_HZ { Kind::Same } else { Kind::Change(filter(rate_hz)?) };
        let (to_skip, out_max) = match &kind {
            Kind::Same => (0, 0),
            Kind::Change(r) => (r.output_delay(), r.output_frames_max()),
        };
        Some(Self {
            kind,
            pending: Vec::new(),
            block_out: vec![0.0; out_max],
            to_skip,
            rate_hz,
            fed_frames: 0,
            made_frames: 0,
        })
    }

    /// Takes audio in and appends what is ready to `out`.
    pub fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        self.fed_frames += mono.len() as u64;
        self.convert(mono, out);
    }

    /// Appends the rest, so that the output is as long as the input; nothing may follow.
    pub fn flush(&mut self, out: &mut Vec<f32>) {
        if matches!(self.kind, Kind::Same) {
            return;
        }
        let target = libm::ceil(self.fed_frames as f64 * ANALYSIS_RATE_HZ / self.rate_hz) as u64;
        let zeros = [0.0; 256];
        while self.made_frames < target {
            self.convert(&zeros, out);
        }
        let surplus = (self.made_frames - target) as usize;
        out.truncate(out.len().saturating_sub(surplus));
        self.made_frames = target;
    }

    fn convert(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        let resampler = match &mut self.kind {
            Kind::Same => {
                out.extend_from_slice(mono);
                self.made_frames += mono.len() as u64;
                return;
            }
            Kind::Change(r) => r,
        };
        self.pending.extend_from_slice(mono);
        let mut used = 0;
        loop {
            let need = resampler.input_frames_next();
            if self.pending.len() - used < need {
                break;
            }
            let out_max = self.block_out.len();
            let (Ok(input), Ok(mut output)) = (
                InterleavedSlice::new(&self.pending[used..used + need], 1, need),
                InterleavedSlice::new_mut(&mut self.block_out, 1, out_max),
            ) else {
                break;
            };
            // The sizes are the resampler's own, so this can't fail; if it did, silence would follow.
            let made = resampler.process_into_buffer(&input, &mut output, None).map_or(0, |(_, made)| made);
            used += need;
            let skip = self.to_skip.min(made);
            self.to_skip -= skip;
            out.extend_from_slice(&self.block_out[skip..made]);
            self.made_frames += (made - skip) as u64;
        }
        self.pending.drain(..used);
    }
}

fn filter(rate_hz: f64) -> Option<Box<dyn Resampler<f32>>> {
    let whole = rate_hz as usize;
    if whole as f64 == rate_hz {
        let fft =
            Fft::<f32>::new(whole, ANALYSIS_RATE_HZ as usize, BLOCK_FRAMES, 1, FixedSync::Input).ok()?;
        if fft.fft_size_in() <= LONGEST_BLOCK_FRAMES {
            return Some(Box::new(fft));
        }
    }
    let sinc = SincInterpolationParameters::new(64, WindowFunction::BlackmanHarris2);
    let resampler =
        Async::<f32>::new_sinc(ANALYSIS_RATE_HZ / rate_hz, 1.0, &sinc, BLOCK_FRAMES, 1, FixedAsync::Input)
            .ok()?;
    Some(Box::new(resampler))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Centre of gravity of a burst that is centred at 0.25 s, at any input rate.
    fn burst_centre_s(rate_hz: f64) -> f64 {
        let n = (rate_hz * 0.5) as usize;
        let x: Vec<f32> = (0..n)
            .map(|i| {
                let t = i as f64 / rate_hz - 0.25;
                (libm::exp(-(t * 200.0) * (t * 200.0)) * libm::cos(t * 2.0 * std::f64::consts::PI * 400.0))
                    as f32
            })
            .collect();
        let mut resample = Resample::new(rate_hz).unwrap();
        let mut y = Vec::new();
        for part in x.chunks(100) {
            resample.push(part, &mut y);
        }
        resample.flush(&mut y);
        assert_eq!(y.len(), (n as f64 * ANALYSIS_RATE_HZ / rate_hz).ceil() as usize, "{rate_hz}");
        let energy: f64 = y.iter().map(|v| f64::from(*v).powi(2)).sum();
        y.iter().enumerate().map(|(i, v)| f64::from(*v).powi(2) * i as f64).sum::<f64>()
            / energy
            / ANALYSIS_RATE_HZ
    }

    #[test]
    fn delay_is_taken_out_at_every_rate() {
        for rate_hz in [
            8_000.0, 11_025.0, 16_000.0, 22_050.0, 32_000.0, 44_099.0, 44_100.0, 48_000.0, 47_952.05,
            96_000.0, 192_000.0,
        ] {
            let error_ms = (burst_centre_s(rate_hz) - 0.25) * 1_000.0;
            assert!(error_ms.abs() < 0.05, "{rate_hz} Hz: {error_ms} ms");
        }
    }
}
