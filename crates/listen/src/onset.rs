//! How strongly something starts, in four bands, every 10 ms; and the onsets themselves.
//!
//! Spectral flux over a log-spaced filterbank with a maximum filter along frequency, after Böck &
//! Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013; each band is first
//! divided by its own recent peak, after Stowell & Plumbley, "Adaptive whitening for improved
//! real-time audio onset detection", ICMC 2007.

use backline_music::Onset;

use crate::spectrum::{FRAMES_PER_S, Filterbank};

/// Groups of bands whose flux is told apart.
pub const GROUPS: usize = 4;
/// Upper edges of the groups in Hz: kick and bass; body of snare, chords; attack; hats.
const EDGES_HZ: [f64; GROUPS] = [150.0, 800.0, 5_000.0, f64::INFINITY];
/// Frames between the two spectra that are compared.
const LAG: usize = 2;
/// Time constant of the whitening's peak.
const WHITEN_DECAY_S: f64 = 8.0;
/// Half-life of the peak that a group's flux is measured against.
const PEAK_HALF_LIFE_S: f64 = 4.0;
/// Bands under this share of the strongest band are not lifted any further.
const RELATIVE_FLOOR: f32 = 0.003;
/// Magnitudes below this are silence: about −94 dBFS.
pub const SILENCE: f32 = 2e-5;
/// Flux, as a share of a full onset, below which a group counts as still.
const FLUX_FLOOR: f32 = 0.02;
/// An onset shows in the flux this long after it sounded, counted from the end of the frame:
/// measured on rendered drums (`models/rhythm_hmm/train.py`).
pub const FLUX_DELAY_S: f64 = 0.025;

/// What starts in one 10 ms step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flux {
    /// Strength in each group against its recent peak, 0..=1.
    pub groups: [f32; GROUPS],
    /// Strength over all bands, not normalised.
    pub total: f32,
}

/// Turns spectra into [`Flux`].
pub struct OnsetStrength {
    bank: Filterbank,
    group_of: Vec<usize>,
    group_size: [f32; GROUPS],
    bands: Vec<f32>,
    peaks: Vec<f32>,
    /// The last `LAG` compressed frames, oldest first, and room for the present one.
    logs: [Vec<f32>; LAG + 1],
    group_peaks: [f32; GROUPS],
    whiten_decay: f32,
    peak_decay: f32,
    /// Loudest band of the present frame.
    pub level: f32,
}

impl OnsetStrength {
    /// With silence before.
    pub fn new() -> Self {
        let bank = Filterbank::log_spaced(27.5, 16_000.0, 12);
        let group_of: Vec<usize> = bank
            .centre_hz
            .iter()
            .map(|hz| EDGES_HZ.iter().position(|edge| hz < edge).unwrap_or(GROUPS - 1))
            .collect();
        let mut group_size = [0.0; GROUPS];
        group_of.iter().for_each(|g| group_size[*g] += 1.0);
        let n = bank.len();
        Self {
            bank,
            group_of,
            group_size,
            bands: vec![0.0; n],
            peaks: vec![SILENCE; n],
            logs: std::array::from_fn(|_| vec![0.0; n]),
            group_peaks: [FLUX_FLOOR; GROUPS],
            whiten_decay: libm::exp(-1.0 / (WHITEN_DECAY_S * FRAMES_PER_S)) as f32,
            peak_decay: libm::exp2(-1.0 / (PEAK_HALF_LIFE_S * FRAMES_PER_S)) as f32,
            level: 0.0,
        }
    }

    /// Magnitudes of the present frame in its bands.
    pub fn bands(&self) -> &[f32] {
        &self.bands
    }

    /// Flux at the next frame.
    pub fn push(&mut self, magnitude: &[f32]) -> Flux {
        self.bank.apply(magnitude, &mut self.bands);
        self.level = self.bands.iter().copied().fold(0.0, f32::max);
        let strongest = self.peaks.iter().copied().fold(0.0, f32::max);
        let floor = (strongest * RELATIVE_FLOOR).max(SILENCE);
        self.logs.rotate_left(1);
        let [before, .., now] = &mut self.logs;
        for ((band, peak), log) in self.bands.iter().zip(&mut self.peaks).zip(now.iter_mut()) {
            *peak = (*peak * self.whiten_decay).max(*band).max(SILENCE);
            // From 0 at silence to 1 at the band's recent peak.
            *log = libm::log1pf(20.0 * band / peak.max(floor)) * (1.0 / 3.044_522_4);
        }
        let n = now.len();
        let mut sums = [0.0_f32; GROUPS];
        for b in 0..n {
            let reference = before[b.saturating_sub(1)].max(before[b]).max(before[(b + 1).min(n - 1)]);
            sums[self.group_of[b]] += (now[b] - reference).max(0.0);
        }
        let mut flux = Flux { total: sums.iter().sum::<f32>() / n as f32, ..Flux::default() };
        for (g, sum) in sums.iter().enumerate() {
            let mean = sum / self.group_size[g];
            self.group_peaks[g] = (self.group_peaks[g] * self.peak_decay).max(mean).max(FLUX_FLOOR);
            flux.groups[g] = mean / self.group_peaks[g];
        }
        flux
    }
}

/// Picks onsets out of the total flux: a local maximum that stands out of its recent past.
pub struct OnsetPicker {
    recent: [f32; 5],
    mean: f32,
    peak: f32,
    frame: u64,
    last_onset_frame: Option<u64>,
    peak_decay: f32,
}

impl OnsetPicker {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self {
            recent: [0.0; 5],
            mean: 0.0,
            peak: FLUX_FLOOR,
            frame: 0,
            last_onset_frame: None,
            peak_decay: libm::exp2(-1.0 / (2.0 * FRAMES_PER_S)) as f32,
        }
    }

    /// Takes the flux of the frame that ends at `end_s`; returns the onset that it confirms.
    pub fn push(&mut self, total: f32, end_s: f64) -> Option<Onset> {
        self.frame += 1;
        self.recent.rotate_left(1);
        self.recent[4] = total;
        self.mean += 0.05 * (total - self.mean);
        self.peak = (self.peak * self.peak_decay).max(total).max(FLUX_FLOOR);
        // The candidate lies two frames back: two frames on either side are known.
        let candidate = self.recent[2];
        let is_peak =
            self.recent.iter().enumerate().all(|(i, v)| if i < 2 { *v < candidate } else { *v <= candidate });
        let stands_out =
            candidate > FLUX_FLOOR && candidate > 0.15 * self.peak && candidate > 1.8 * self.mean;
        let rested = self.last_onset_frame.is_none_or(|last| self.frame - last >= 5);
        if !(is_peak && stands_out && rested) {
            return None;
        }
        self.last_onset_frame = Some(self.frame);
        let time_s = (end_s - 2.0 / FRAMES_PER_S - FLUX_DELAY_S).max(0.0);
        Some(Onset { time_s, strength: (candidate / self.peak).min(1.0) })
    }
}
