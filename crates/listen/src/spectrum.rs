//! Cuts the analysis stream into overlapping frames and takes their spectra, one every 10 ms.

use crate::chroma::Spectrum as Magnitudes;
use crate::resample::ANALYSIS_RATE_HZ;

/// Samples between frames: 10 ms.
pub const HOP: usize = 441;
/// Samples in a frame: 46 ms.
pub const FRAME: usize = 2_048;
/// Frames a second.
pub const FRAMES_PER_S: f64 = ANALYSIS_RATE_HZ / HOP as f64;
/// Magnitudes in a spectrum.
pub const BINS: usize = FRAME / 2 + 1;

/// Frequency of bin `k` in Hz.
pub fn bin_hz(k: usize) -> f64 {
    k as f64 * ANALYSIS_RATE_HZ / FRAME as f64
}

/// The magnitude spectrum of the last 46 ms, the same bits on every processor.
pub struct Spectrum {
    magnitudes: Magnitudes,
    /// The last `FRAME` samples, oldest first.
    history: Vec<f32>,
    /// Magnitudes; a full-scale sine has 1. The last bin, half the rate, is left at 0.
    pub magnitude: Vec<f32>,
}

impl Spectrum {
    /// With silence before the first sample.
    pub fn new() -> Self {
        Self { magnitudes: Magnitudes::new(FRAME), history: vec![0.0; FRAME], magnitude: vec![0.0; BINS] }
    }

    /// Takes the next [`HOP`] samples and renews [`Spectrum::magnitude`].
    pub fn push(&mut self, hop: &[f32]) {
        self.history.copy_within(hop.len().., 0);
        let start = FRAME - hop.len();
        self.history[start..].copy_from_slice(hop);
        self.magnitudes.magnitudes((&self.history, &[]), &mut self.magnitude);
        self.magnitude.iter_mut().for_each(|m| *m *= 2.0);
    }
}

/// Triangular filters over the bins of a [`Spectrum`].
pub struct Filterbank {
    /// First bin and weights of each band.
    bands: Vec<(usize, Vec<f32>)>,
    /// Centre of each band in Hz.
    pub centre_hz: Vec<f64>,
}

impl Filterbank {
    /// Bands centred at `centres_hz` (ascending), each reaching to its neighbours' centres. Bands
    /// narrower than a bin take the nearest bin; doubles are dropped. Each band's weights add up to 1.
    pub fn new(centres_hz: &[f64]) -> Self {
        let mut bins: Vec<usize> =
            centres_hz.iter().map(|hz| (hz / bin_hz(1)).round() as usize).filter(|k| *k < BINS).collect();
        bins.dedup();
        let mut bands = Vec::new();
        let mut centre_hz = Vec::new();
        for w in bins.windows(3) {
            let (left, centre, right) = (w[0], w[1], w[2]);
            let mut weights: Vec<f32> = (left + 1..right)
                .map(|k| {
                    if k <= centre {
                        (k - left) as f32 / (centre - left) as f32
                    } else {
                        (right - k) as f32 / (right - centre) as f32
                    }
                })
                .collect();
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|w| *w /= sum);
            bands.push((left + 1, weights));
            centre_hz.push(bin_hz(centre));
        }
        Self { bands, centre_hz }
    }

    /// `per_octave` bands an octave from `low_hz` to `high_hz`.
    pub fn log_spaced(low_hz: f64, high_hz: f64, per_octave: u32) -> Self {
        let step = libm::exp2(1.0 / f64::from(per_octave));
        let centres: Vec<f64> = std::iter::successors(Some(low_hz), |hz| Some(hz * step))
            .take_while(|hz| *hz <= high_hz)
            .collect();
        Self::new(&centres)
    }

    /// Number of bands.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// Mean magnitude in each band.
    pub fn apply(&self, magnitude: &[f32], out: &mut [f32]) {
        for ((first, weights), out) in self.bands.iter().zip(out) {
            *out = weights.iter().zip(&magnitude[*first..]).map(|(w, m)| w * m).sum();
        }
    }
}
