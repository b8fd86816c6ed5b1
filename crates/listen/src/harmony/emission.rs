//! How likely each chord is at a frame: a small perceptron that looks from each root in turn.
//!
//! Input are means of compressed chroma over windows before, at and after the frame, rotated so
//! that the root comes first; one set of weights serves all twelve roots.

use std::collections::VecDeque;

use super::params::{CHORDS, CLASSES, Emission, Layer, NO_CHORD, QUALITIES};
use crate::chroma::ChromaFrame;
use crate::lanes::{LANES, Lanes};

/// Added to a frame's length before it is divided by it, so that near silence stays small.
const FLOOR: f32 = 0.5;

/// Compressed chroma from C (the frames count from A): square roots, scaled to a length below 1.
pub(crate) fn compress(frame: &ChromaFrame) -> [f32; 24] {
    let mut y = [0.0; 24];
    let mut power = 0.0;
    for (i, value) in y.iter_mut().enumerate() {
        let v = frame.chroma[i / 12 * 12 + (i % 12 + 3) % 12].max(0.0);
        *value = v.sqrt();
        power += v;
    }
    let scale = 1.0 / (power.sqrt() + FLOOR);
    y.iter_mut().for_each(|v| *v *= scale);
    y
}

/// Running sums of compressed chroma, from which the mean over any window is a difference.
pub(crate) struct Sums {
    /// Entry `i` is the sum of the frames before frame `first + i`.
    sums: VecDeque<[f64; 24]>,
    first: usize,
    keep: usize,
}

impl Sums {
    /// Remembers `keep` frames.
    pub(crate) fn new(keep: usize) -> Self {
        Self { sums: VecDeque::from([[0.0; 24]]), first: 0, keep }
    }

    /// Frames so far.
    pub(crate) fn len(&self) -> usize {
        self.first + self.sums.len() - 1
    }

    pub(crate) fn push(&mut self, y: &[f32; 24]) {
        let mut sum = self.sums.back().copied().unwrap_or([0.0; 24]);
        for (s, v) in sum.iter_mut().zip(y) {
            *s += f64::from(*v);
        }
        self.sums.push_back(sum);
        if self.sums.len() > self.keep {
            self.sums.pop_front();
            self.first += 1;
        }
    }

    /// Mean over the frames `from..to`, clipped to those that exist; 0 when none does.
    pub(crate) fn mean(&self, from: i64, to: i64) -> [f32; 24] {
        let clip = |i: i64| i.clamp(self.first as i64, self.len() as i64) as usize - self.first;
        let (a, b) = (clip(from), clip(to));
        let mut mean = [0.0; 24];
        if b > a {
            let n = (b - a) as f64;
            for (i, m) in mean.iter_mut().enumerate() {
                *m = ((self.sums[b][i] - self.sums[a][i]) / n) as f32;
            }
        }
        mean
    }
}

/// The perceptron's workspace.
pub(crate) struct Scorer {
    model: &'static Emission,
    seen: Vec<f32>,
    /// What goes into a layer: number and value of each input that is not 0.
    rows: Vec<(usize, f32)>,
    layers: Vec<Vec<f32>>,
}

impl Scorer {
    pub(crate) fn new(model: &'static Emission) -> Self {
        let layers = model.layers.iter().map(|l| vec![0.0; l.outputs]).collect();
        Self { model, seen: vec![0.0; model.windows.len() * 24], rows: Vec::new(), layers }
    }

    /// Log probabilities of the classes at frame `index`.
    pub(crate) fn score(&mut self, sums: &Sums, index: usize) -> [f32; CLASSES] {
        let at = index as i64;
        for (seen, &(a, b)) in self.seen.chunks_exact_mut(24).zip(&self.model.windows) {
            seen.copy_from_slice(&sums.mean(at + i64::from(a), at + i64::from(b) + 1));
        }
        let mut scores = [0.0f32; CLASSES];
        for root in 0..12 {
            for (i, layer) in self.model.layers.iter().enumerate() {
                let (before, here) = self.layers.split_at_mut(i);
                self.rows.clear();
                match before.last() {
                    None => self.rows.extend((0..self.seen.len()).map(|row| {
                        let from_root = row / 12 * 12 + (row % 12 + root) % 12;
                        (row, self.seen[from_root])
                    })),
                    Some(before) => self.rows.extend(before.iter().map(|v| v.max(0.0)).enumerate()),
                }
                self.rows.retain(|(_, value)| *value != 0.0);
                layer.apply(&self.rows, &mut here[0]);
            }
            let out = self.layers.last().map_or(&[][..], |l| l);
            for (quality, &v) in out.iter().take(QUALITIES).enumerate() {
                scores[root * QUALITIES + quality] = v;
            }
            scores[NO_CHORD] += out.get(QUALITIES).copied().unwrap_or(0.0) / 3.0;
        }
        normalise(&mut scores);
        scores
    }

    /// First and last frame of each window that is looked at.
    pub(crate) fn windows(&self) -> &[(i32, i32)] {
        &self.model.windows
    }

    /// Log prior of a class.
    pub(crate) fn log_prior(&self, class: usize) -> f32 {
        self.model.log_prior[if class < CHORDS { class % QUALITIES } else { QUALITIES }]
    }
}

/// Lanes of columns that are reckoned at a time: their sums stay in registers.
const ABREAST: usize = 8;

impl Layer {
    /// Fills `out` with the bias and the weights of the `rows` times their values, each column added up in the order of the rows.
    fn apply(&self, rows: &[(usize, f32)], out: &mut [f32]) {
        let whole = self.bias.len() / ABREAST * ABREAST;
        let (many, few) = out.split_at_mut((whole * LANES).min(out.len()));
        for (out, first) in many.chunks_mut(ABREAST * LANES).zip((0..).step_by(ABREAST)) {
            self.add_up::<ABREAST>(rows, first, out);
        }
        for (out, first) in few.chunks_mut(LANES).zip(whole..) {
            self.add_up::<1>(rows, first, out);
        }
    }

    /// The columns of `N` lanes from lane `first` on.
    #[inline(always)]
    fn add_up<const N: usize>(&self, rows: &[(usize, f32)], first: usize, out: &mut [f32]) {
        let width = self.bias.len();
        let mut sums: [Lanes; N] = std::array::from_fn(|i| self.bias[first + i]);
        for &(row, value) in rows {
            let value = Lanes::all(value);
            let weights = &self.weights[row * width + first..][..N];
            for (sum, w) in sums.iter_mut().zip(weights) {
                *sum += value * *w;
            }
        }
        for (out, sum) in out.chunks_mut(LANES).zip(sums) {
            out.copy_from_slice(&sum.numbers()[..out.len()]);
        }
    }
}

/// Subtracts the logarithm of the sum of exponentials.
pub(crate) fn normalise(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|&v| libm::expf(v - top)).sum();
    let total = top + libm::logf(sum);
    scores.iter_mut().for_each(|v| *v -= total);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_any_width_add_up_their_rows() {
        for outputs in [1, 4, 12, 31, 32, 70] {
            let inputs = 5;
            let number = |i: usize| (i * 7_919 % 101) as f32 / 16.0 - 3.0;
            let (weights, bias): (Vec<f32>, Vec<f32>) =
                ((0..inputs * outputs).map(number).collect(), (0..outputs).map(|i| number(i + 3)).collect());
            let rows = [(0, 0.5), (2, -1.25), (4, 3.0)];
            let mut told = vec![f32::NAN; outputs];
            Layer::new(inputs, outputs, weights.clone(), bias.clone()).apply(&rows, &mut told);
            for (column, told) in told.into_iter().enumerate() {
                let sum =
                    rows.iter().fold(bias[column], |sum, (row, v)| sum + v * weights[row * outputs + column]);
                assert_eq!(told, sum, "column {column} of {outputs}");
            }
        }
    }

    #[test]
    fn what_is_missing_of_a_layer_is_nothing() {
        let mut told = [f32::NAN; 6];
        Layer::new(2, 6, vec![2.0; 7], vec![1.0; 2]).apply(&[(0, 1.0), (1, 10.0)], &mut told);
        assert_eq!(told, [23.0, 3.0, 2.0, 2.0, 2.0, 2.0]);
    }
}
