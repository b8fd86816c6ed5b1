//! Chords over time: a hidden Markov model over frames, decoded with a bounded memory.
//!
//! Viterbi's path says which chord; the forward-backward posterior says how surely (Rabiner, Proc.
//! IEEE 77, 1989, sections III.A and III.B). Frames older than the lattice is long are settled.

use std::collections::VecDeque;

use super::net::Told;
use super::params::{CLASSES, Decoder, NO_CHORD, QUALITIES, params};
use crate::lanes::eight_sums;

/// How the emissions are weighed against the changes; tuned on the validation songs
/// (`models/harmony_hmm/evaluate.py`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights {
    /// Exponent on the emissions: neighbouring frames share most of their window and are not
    /// independent witnesses.
    pub(crate) trust: f32,
    /// Log weight of a change of chord where no beat is known, on a downbeat, on another beat, a
    /// frame beside a beat, and elsewhere.
    pub(crate) change: [f32; 5],
}

impl Weights {
    /// For a stream, which has to say it at once: the ear counts for more.
    pub(crate) const ONLINE: Self = Self { trust: 1.0, change: [-1.0, -0.5, -1.0, -4.0, -10.0] };
    /// For a recording, whose frames bear each other out.
    pub(crate) const OFFLINE: Self = Self { trust: 0.6, change: [-4.0, -1.0, -2.0, -5.0, -12.0] };
}

/// Added to the log probability of "no chord": in the recordings that were learnt from it stands for
/// fades, speech and drum breaks, but what a musician plays to the plug-in, however thin, is mostly
/// music. Silence is told by its level.
const NO_CHORD_BIAS: f32 = -1.2;

/// Where a frame lies among the beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// No beat is known around here.
    Unknown,
    /// At the first beat of a bar.
    Downbeat,
    /// At another beat.
    Beat,
    /// One frame beside a beat.
    NearBeat,
    /// Away from the beats.
    Between,
}

/// One frame of the lattice.
pub(crate) struct Node {
    /// Number of the frame in the stream.
    pub(crate) index: usize,
    /// Compressed chroma, for the bass.
    pub(crate) y: [f32; 24],
    /// What the net tells of it, where there is one.
    pub(crate) told: Option<Told>,
    /// The class on the best path.
    pub(crate) class: usize,
    /// Probability of each class.
    pub(crate) posterior: [f32; CLASSES],
    likelihood: [f32; CLASSES],
    forward: [f32; CLASSES],
    from: [u8; CLASSES],
    change: f32,
}

/// The open end of the decoding.
pub(crate) struct Lattice {
    nodes: VecDeque<Node>,
    score: [f32; CLASSES],
    decoder: &'static Decoder,
    weights: Weights,
}

impl Lattice {
    pub(crate) fn new(weights: Weights) -> Self {
        Self { nodes: VecDeque::new(), score: [0.0; CLASSES], decoder: &params().decoder, weights }
    }

    pub(crate) fn nodes(&self) -> &VecDeque<Node> {
        &self.nodes
    }

    /// Takes the oldest frame out: it will not be revised.
    pub(crate) fn settle(&mut self) -> Option<Node> {
        self.nodes.pop_front()
    }

    /// Adds a frame with the log probabilities of its classes.
    pub(crate) fn push(
        &mut self,
        index: usize,
        y: [f32; 24],
        told: Option<Told>,
        log_prob: &[f32; CLASSES],
        place: Place,
    ) {
        let mut emission = log_prob.map(|p| self.weights.trust * p);
        emission[NO_CHORD] += self.weights.trust * NO_CHORD_BIAS;
        let change = self.weights.change[place as usize];
        let mut from = [0u8; CLASSES];
        if self.nodes.is_empty() && self.score.iter().all(|&s| s == 0.0) {
            self.score = emission;
        } else {
            let mut best = [(f32::NEG_INFINITY, 0u8); CLASSES];
            for (before, row) in self.decoder.log_change.chunks_exact(CLASSES).enumerate() {
                let score = self.score[before];
                // Far behind, no change of chord makes up for it.
                if score < -60.0 {
                    continue;
                }
                for (b, v) in best.iter_mut().zip(row) {
                    if score + v > b.0 {
                        *b = (score + v, before as u8);
                    }
                }
            }
            for class in 0..CLASSES {
                let (moved, before) = best[class];
                let stay = self.score[class] >= moved + change;
                from[class] = if stay { class as u8 } else { before };
                self.score[class] = if stay { self.score[class] } else { moved + change } + emission[class];
            }
        }
        let top = self.score.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.score.iter_mut().for_each(|s| *s -= top);

        let loudest = emission.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let likelihood = emission.map(|e| libm::expf(e - loudest));
        let change = libm::expf(change);
        let mut forward = match self.nodes.back() {
            None => likelihood,
            Some(last) => {
                let mut moved = [0.0f32; CLASSES];
                for (f, row) in last.forward.iter().zip(self.decoder.change.chunks_exact(CLASSES)) {
                    if *f > 1e-7 {
                        for (m, c) in moved.iter_mut().zip(row) {
                            *m += f * c;
                        }
                    }
                }
                let mut forward = [0.0; CLASSES];
                for (class, f) in forward.iter_mut().enumerate() {
                    *f = (last.forward[class] + change * moved[class]) * likelihood[class];
                }
                forward
            }
        };
        normalise(&mut forward);
        let class = arg_max(&self.score);
        self.nodes.push_back(Node {
            index,
            y,
            told,
            class,
            posterior: forward,
            likelihood,
            forward,
            from,
            change,
        });
    }

    /// Brings the best path and the posteriors of the last `depth` frames up to date; the path is
    /// followed to the oldest open frame.
    pub(crate) fn refresh(&mut self, depth: usize) {
        let mut class = arg_max(&self.score);
        for node in self.nodes.iter_mut().rev() {
            node.class = class;
            class = usize::from(node.from[class]);
        }
        let mut backward = [1.0f32; CLASSES];
        for node in self.nodes.iter_mut().rev().take(depth) {
            for (p, (f, b)) in node.posterior.iter_mut().zip(node.forward.iter().zip(&backward)) {
                *p = f * b;
            }
            normalise(&mut node.posterior);
            let weighted: [f32; CLASSES] = core::array::from_fn(|c| backward[c] * node.likelihood[c]);
            for (class, row) in self.decoder.change.chunks_exact(CLASSES).enumerate() {
                let moved: f32 = eight_sums(row, &weighted);
                backward[class] = weighted[class] + node.change * moved;
            }
            normalise(&mut backward);
        }
    }
}

pub(crate) fn arg_max(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = i;
        }
    }
    best
}

fn normalise(values: &mut [f32; CLASSES]) {
    let sum: f32 = values.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        values.iter_mut().for_each(|v| *v /= sum);
    } else {
        values.fill(1.0 / CLASSES as f32);
    }
}

/// Log probabilities for a silent frame: no chord.
pub(crate) fn silent() -> [f32; CLASSES] {
    let mut log_prob = [-10.0; CLASSES];
    log_prob[NO_CHORD] = -0.01;
    log_prob
}

/// Likeliest bass interval above the root for a stretch of one chord with mean compressed chroma
/// `y`, with its probability.
pub(crate) fn bass(class: usize, y: &[f32; 24]) -> (u8, f32) {
    let (root, quality) = (class / QUALITIES, class % QUALITIES);
    let weights = &params().decoder.bass;
    let mut scores = [0.0f32; 12];
    let mut add = |row: usize, value: f32| {
        for (s, w) in scores.iter_mut().zip(&weights[row * 12..(row + 1) * 12]) {
            *s += value * w;
        }
    };
    for i in 0..24 {
        add(i, y[i / 12 * 12 + (i % 12 + root) % 12]);
    }
    add(24 + quality, 1.0);
    add(35, 1.0);
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = scores.map(|s| libm::expf(s - top));
    let best = arg_max(&powers);
    (best as u8, powers[best] / powers.iter().sum::<f32>())
}
