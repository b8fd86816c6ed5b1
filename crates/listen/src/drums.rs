//! Kick, snare and closed hat strokes: a small learnt classifier on what rises in which band.
//!
//! Each frame is described by how much twelve bands rose across it, how loud they are against the
//! recent peak, and whether the total flux peaks there; one hidden layer tells the three voices
//! apart. Weights: `models/drums_mlp/train.py`.

use backline_music::{DrumHit, DrumVoice};

use crate::onset::FLUX_DELAY_S;
use crate::spectrum::{FRAMES_PER_S, bin_hz};

/// Written by `models/drums_mlp/train.py`.
const DATA: &str = include_str!("../data_rhythm/drums.txt");
/// Edges of the bands in Hz.
const EDGES_HZ: [f64; BANDS + 1] =
    [30.0, 60.0, 90.0, 130.0, 200.0, 350.0, 600.0, 1_000.0, 2_000.0, 3_500.0, 6_000.0, 9_000.0, 16_000.0];
const BANDS: usize = 12;
/// Inputs of the classifier.
pub const INPUTS: usize = 2 * BANDS + 5;
/// The voices, in the order of the outputs.
const VOICES: [DrumVoice; 3] = [DrumVoice::Kick, DrumVoice::Snare, DrumVoice::ClosedHat];
/// Frames kept; the frame that is judged lies `AFTER` before the newest.
const KEPT: usize = 6;
const AFTER: usize = 2;
/// Time constant of the peak that levels are measured against.
const PEAK_DECAY_S: f64 = 10.0;
/// Levels under this share of the peak, or of full scale, are nothing.
const RELATIVE_FLOOR: f32 = 0.002;
const ABSOLUTE_FLOOR: f32 = 3e-5;
/// Frames between two strokes of one voice, at least.
const REST_FRAMES: u64 = 5;

/// Describes frames for the classifier.
pub(crate) struct DrumFeatures {
    /// First bin and end of each band.
    bands: [(usize, usize); BANDS],
    /// Amplitudes of the last frames, oldest first.
    levels: [[f32; BANDS]; KEPT],
    totals: [f32; KEPT],
    peak: f32,
    peak_decay: f32,
}

impl DrumFeatures {
    /// With silence before.
    pub fn new() -> Self {
        let bin = |hz: f64| (hz / bin_hz(1)).round() as usize;
        Self {
            bands: std::array::from_fn(|b| {
                let first = bin(EDGES_HZ[b]);
                (first, bin(EDGES_HZ[b + 1]).max(first + 1))
            }),
            levels: [[0.0; BANDS]; KEPT],
            totals: [0.0; KEPT],
            peak: ABSOLUTE_FLOOR,
            peak_decay: libm::exp(-1.0 / (PEAK_DECAY_S * FRAMES_PER_S)) as f32,
        }
    }

    /// Takes the newest spectrum and total flux; describes the frame two before.
    pub fn push(&mut self, magnitude: &[f32], total_flux: f32) -> [f32; INPUTS] {
        self.levels.rotate_left(1);
        self.totals.rotate_left(1);
        let newest = &mut self.levels[KEPT - 1];
        for (level, (first, end)) in newest.iter_mut().zip(self.bands) {
            *level = magnitude[first..end].iter().map(|m| m * m).sum::<f32>().sqrt();
        }
        self.totals[KEPT - 1] = total_flux;
        let loudest = newest.iter().copied().fold(0.0, f32::max);
        self.peak = (self.peak * self.peak_decay).max(loudest).max(ABSOLUTE_FLOOR);
        let floor = (self.peak * RELATIVE_FLOOR).max(ABSOLUTE_FLOOR);
        let judged = KEPT - 1 - AFTER;
        let mut x = [0.0; INPUTS];
        for b in 0..BANDS {
            let before = self.levels[judged - 3][b];
            let after = self.levels[judged..].iter().map(|l| l[b]).fold(0.0, f32::max);
            x[b] = libm::logf((after + floor) / (before + floor));
            x[BANDS + b] = libm::logf((after + floor) / (self.peak + floor));
        }
        for (slot, total) in x[2 * BANDS..].iter_mut().zip(&self.totals[judged - 2..]) {
            *slot = 10.0 * total;
        }
        x
    }
}

/// One hidden layer, then a probability and a velocity for each voice.
struct Net {
    mean: Vec<f32>,
    hidden: Vec<Vec<f32>>,
    prob: Vec<Vec<f32>>,
    velocity: Vec<Vec<f32>>,
    thresholds: Vec<f32>,
}

impl Net {
    fn built_in() -> Self {
        let mut net =
            Self { mean: vec![], hidden: vec![], prob: vec![], velocity: vec![], thresholds: vec![] };
        for line in DATA.lines() {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            let row: Vec<f32> = words.filter_map(|w| w.parse().ok()).collect();
            match name {
                "mean" => net.mean = row,
                "hidden" => net.hidden.push(row),
                "prob" => net.prob.push(row),
                "velocity" => net.velocity.push(row),
                "thresholds" => net.thresholds = row,
                _ => {}
            }
        }
        net
    }

    /// Probability and velocity of each voice.
    fn judge(&self, x: &[f32; INPUTS]) -> [(f32, f32); 3] {
        let centred: Vec<f32> = x.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let hidden: Vec<f32> = self.hidden.iter().map(|row| affine(row, &centred).max(0.0)).collect();
        std::array::from_fn(|v| match (self.prob.get(v), self.velocity.get(v)) {
            (Some(p), Some(velocity)) => {
                let prob = 1.0 / (1.0 + libm::expf(-affine(p, &hidden)));
                (prob, affine(velocity, &centred).clamp(0.05, 1.0))
            }
            _ => (0.0, 0.0),
        })
    }
}

/// `row` holds the weights and, last, the offset.
fn affine(row: &[f32], x: &[f32]) -> f32 {
    row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + row.get(x.len()).copied().unwrap_or(0.0)
}

/// Finds drum strokes in a stream of spectra.
pub(crate) struct DrumListener {
    features: DrumFeatures,
    net: Net,
    /// The last three probabilities (and velocities) of each voice, oldest first.
    recent: [[(f32, f32); 3]; 3],
    frame: u64,
    last_hit: [Option<u64>; 3],
}

impl DrumListener {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self {
            features: DrumFeatures::new(),
            net: Net::built_in(),
            recent: [[(0.0, 0.0); 3]; 3],
            frame: 0,
            last_hit: [None; 3],
        }
    }

    /// Takes the spectrum and flux of the step that ends at `end_s`; appends the strokes that it
    /// confirms.
    pub fn push(&mut self, magnitude: &[f32], total_flux: f32, end_s: f64, hits: &mut Vec<DrumHit>) {
        self.frame += 1;
        let x = self.features.push(magnitude, total_flux);
        let judged = self.net.judge(&x);
        for (v, voice) in VOICES.into_iter().enumerate() {
            let recent = &mut self.recent[v];
            recent.rotate_left(1);
            recent[2] = judged[v];
            let (prob, velocity) = recent[1];
            let threshold = self.net.thresholds.get(v).copied().unwrap_or(0.5);
            let is_peak = prob > recent[0].0 && prob >= recent[2].0 && prob > threshold;
            if is_peak && self.last_hit[v].is_none_or(|last| self.frame - last >= REST_FRAMES) {
                self.last_hit[v] = Some(self.frame);
                let time_s = (end_s - (AFTER + 1) as f64 / FRAMES_PER_S - FLUX_DELAY_S).max(0.0);
                hits.push(DrumHit { time_s, voice, velocity, prob, decided_s: end_s });
            }
        }
    }
}

/// What the classifier sees, frame by frame: for its training.
pub fn training_features(mono_44100: &[f32]) -> Vec<[f32; INPUTS]> {
    use crate::{onset::OnsetStrength, spectrum::HOP, spectrum::Spectrum};
    let (mut spectrum, mut strength, mut features) =
        (Spectrum::new(), OnsetStrength::new(), DrumFeatures::new());
    mono_44100
        .chunks_exact(HOP)
        .map(|hop| {
            spectrum.push(hop);
            let flux = strength.push(&spectrum.magnitude);
            features.push(&spectrum.magnitude, flux.total)
        })
        .collect()
}
