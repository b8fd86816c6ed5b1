//! How much the harmony changes, moment by moment: chords change on downbeats more than anywhere else.
//!
//! The chroma of the third of a second after a moment is compared with the third before it, bass and
//! treble apart, by the cosine. The strength becomes one of a few levels, and
//! `models/rhythm_hmm/train_changes.py` learnt how likely each level is on downbeats, in the middle of
//! the bar, on other beats and off the beat (Papadopoulos & Peeters, "Joint estimation of chords and
//! downbeats from an audio signal", IEEE TASLP 19(1), 2011, use the same bond the other way about).

use std::collections::VecDeque;

use super::{RHYTHM_FPS, frame_time_s};
use crate::chroma::{ChromaFrame, HOP_S};

/// Written by `models/rhythm_hmm/train_changes.py`.
const DATA: &str = include_str!("../../data_rhythm/changes.txt");
/// Chroma frames on either side of the moment: 0.37 s.
const REACH: usize = 8;
/// Chroma products smaller than this, a frame, are no harmony.
const FAINT: f32 = 0.05;
/// Mean of the strongest pitch class from which there is harmony to speak of: drums alone and noise stay
/// under 1.9, rendered music reaches 2.9 to 4.4, silence has 0.
const TONAL: f32 = 2.3;
/// Rhythm frames after a moment at which its change is known: half a chroma window, [`REACH`] frames
/// and rounding.
pub const CHANGE_DELAY: usize = 30;
/// Levels that are kept: more than [`CHANGE_DELAY`] lasts.
const KEPT: usize = 64;
/// Power that the likelihoods are raised to: 1.5 to 2 found more tempi and downbeats of rendered music
/// than 0.5 or 1.
const CHANGE_POWER: f64 = 1.75;

/// A place in the bar, as far as harmony cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The first beat.
    Downbeat,
    /// The beat in the middle of the bar.
    Middle,
    /// Any other beat.
    Beat,
    /// Between two beats.
    Between,
}

/// How likely each level of change is at each spot, over its overall likelihood.
pub struct ChangeModel {
    thresholds: Vec<f32>,
    gains: [Vec<f32>; 4],
}

impl ChangeModel {
    /// The built-in model. A damaged file tells nothing, so that harmony is left out.
    pub fn built_in() -> Self {
        let mut model = Self { thresholds: Vec::new(), gains: Default::default() };
        for line in DATA.lines() {
            let mut words = line.split_ascii_whitespace();
            let slot = match words.next() {
                Some("levels") => {
                    model.thresholds = words.filter_map(|w| w.parse().ok()).collect();
                    continue;
                }
                Some("downbeat") => 0,
                Some("middle") => 1,
                Some("beat") => 2,
                Some("between") => 3,
                _ => continue,
            };
            model.gains[slot] = words
                .filter_map(|w| w.parse::<f64>().ok())
                .map(|v| libm::exp(CHANGE_POWER * v) as f32)
                .collect();
        }
        model
    }

    /// Factor for a state at `spot` when the change there had `level` (from 1; 0 is unknown).
    pub fn gain(&self, spot: Spot, level: u8) -> f32 {
        let gains = &self.gains[spot as usize];
        usize::from(level).checked_sub(1).and_then(|i| gains.get(i)).copied().unwrap_or(1.0)
    }
}

/// Follows the chroma and says how much it changes.
pub struct ChangeMeter {
    thresholds: Vec<f32>,
    /// The last chroma frames, compressed, oldest first.
    frames: VecDeque<[f32; 24]>,
    /// Levels, the last one at boundary `known - 1`; boundary `i` lies before chroma frame `i`.
    levels: VecDeque<u8>,
    known: usize,
    taken: usize,
}

impl ChangeMeter {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self {
            thresholds: ChangeModel::built_in().thresholds,
            frames: VecDeque::new(),
            levels: VecDeque::new(),
            known: 0,
            taken: 0,
        }
    }

    /// Chroma frames taken so far.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next chroma frame.
    pub fn push(&mut self, frame: &ChromaFrame) {
        self.taken += 1;
        if self.frames.len() == 2 * REACH {
            self.frames.pop_front();
        }
        self.frames.push_back(frame.chroma.map(|v| v.max(0.0).sqrt()));
        if self.taken < REACH {
            return;
        }
        // The boundary before the youngest REACH frames; at first there is nothing before it.
        let level = if self.frames.len() < 2 * REACH || !self.is_tonal() { 0 } else { self.level() };
        if self.levels.len() == KEPT {
            self.levels.pop_front();
        }
        self.levels.push_back(level);
        self.known = self.taken - REACH + 1;
    }

    fn is_tonal(&self) -> bool {
        // The frames hold square roots.
        let strongest = |frame: &[f32; 24]| frame.iter().fold(0.0_f32, |a, b| a.max(b * b));
        self.frames.iter().map(strongest).sum::<f32>() >= TONAL * self.frames.len() as f32
    }

    fn level(&self) -> u8 {
        let strength = self.strength();
        1 + self.thresholds.partition_point(|t| *t <= strength) as u8
    }

    /// 0 when all goes on as it was, 2 when bass and treble are all new (or there is no harmony).
    fn strength(&self) -> f32 {
        let mut sums = [[0.0_f32; 24]; 2];
        for (i, frame) in self.frames.iter().enumerate() {
            for (sum, v) in sums[i / REACH].iter_mut().zip(frame) {
                *sum += v;
            }
        }
        let change = |range: std::ops::Range<usize>| {
            let (mut dot, mut before, mut after) = (0.0, 0.0, 0.0);
            for k in range {
                dot += sums[0][k] * sums[1][k];
                before += sums[0][k] * sums[0][k];
                after += sums[1][k] * sums[1][k];
            }
            1.0 - dot / ((before * after).sqrt() + FAINT * REACH as f32)
        };
        change(0..12) + change(12..24)
    }

    /// The level [`CHANGE_DELAY`] frames before rhythm frame `frame`, from 1; 0 when it is not known.
    pub fn at_frame(&self, frame: usize) -> u8 {
        let Some(then) = frame.checked_sub(CHANGE_DELAY) else { return 0 };
        let boundary = (frame_time_s(then) / HOP_S + 0.5).max(0.0).round() as usize;
        let oldest = self.known - self.levels.len().min(self.known);
        boundary.checked_sub(oldest).and_then(|i| self.levels.get(i)).copied().unwrap_or(0)
    }
}

/// The strength of change at every rhythm frame, for learning: what `train_changes.py` reads.
pub fn change_strengths(frames: &[ChromaFrame]) -> Vec<f32> {
    let mut meter = ChangeMeter::new();
    let mut strengths = Vec::new();
    for frame in frames {
        meter.push(frame);
        if meter.taken >= REACH {
            strengths.push(if meter.frames.len() < 2 * REACH { -1.0 } else { meter.strength() });
        }
    }
    let n = (frames.len() as f64 * HOP_S * RHYTHM_FPS) as usize;
    (0..n)
        .map(|i| {
            let boundary = (frame_time_s(i) / HOP_S + 0.5).max(0.0).round() as usize;
            strengths.get(boundary).copied().unwrap_or(-1.0)
        })
        .collect()
}
