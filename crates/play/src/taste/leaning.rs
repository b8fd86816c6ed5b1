//! How taste is learnt: a logistic regression from the figures of what was judged to whether it was liked, with a
//! prior that leans nowhere.
//!
//! Fitted anew from all judgements by Newton's method, so that the same judgements always give the same leaning.

use super::figures::{Figure, Figures};

/// Weights and a constant: how often this musician likes anything.
const SIZE: usize = Figures::COUNT + 1;
/// Deviation of a weight before anything was judged.
const PRIOR_DEVIATION: f64 = 0.5;
/// The same for the constant.
const PRIOR_CONSTANT: f64 = 1.0;
/// Newton's method has long arrived by then.
const STEPS: usize = 20;
/// No step changes a weight by more than this, so that lopsided judgements cannot throw it off.
const LONGEST_STEP: f64 = 1.0;

/// What is liked more and what less.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaning([f64; SIZE]);

impl Leaning {
    /// The likeliest leaning for judgements of (figures, liked, weight).
    pub(super) fn fit(judged: impl Iterator<Item = (Figures, bool, f64)> + Clone) -> Self {
        let mut prior = [PRIOR_DEVIATION.powi(-2); SIZE];
        prior[SIZE - 1] = PRIOR_CONSTANT.powi(-2);
        let mut w = [0.0; SIZE];
        for _ in 0..STEPS {
            let mut gradient = [0.0; SIZE];
            let mut curvature = [[0.0; SIZE]; SIZE];
            for i in 0..SIZE {
                gradient[i] = -prior[i] * w[i];
                curvature[i][i] = prior[i];
            }
            for (figures, liked, weight) in judged.clone() {
                let mut x = [1.0; SIZE];
                x[..Figures::COUNT].copy_from_slice(&figures.0);
                let odds: f64 = x.iter().zip(&w).map(|(a, b)| a * b).sum();
                let prob = 1.0 / (1.0 + libm::exp(-odds));
                let (miss, bend) = (f64::from(u8::from(liked)) - prob, prob * (1.0 - prob));
                for i in 0..SIZE {
                    gradient[i] += weight * miss * x[i];
                    for j in 0..=i {
                        curvature[i][j] += weight * bend * x[i] * x[j];
                    }
                }
            }
            let step = solve(curvature, gradient);
            let longest = step.iter().fold(LONGEST_STEP, |most, s| s.abs().max(most));
            w.iter_mut().zip(step).for_each(|(w, s)| *w += s * LONGEST_STEP / longest);
        }
        Self(w)
    }

    /// How much more a bar is liked than one of all zeros, as the logarithm of odds.
    pub(super) fn score(&self, figures: &Figures) -> f64 {
        figures.0.iter().zip(&self.0).map(|(x, w)| x * w).sum()
    }

    /// What a usual deviation of `figure` does to the odds.
    pub(super) fn toward(&self, figure: Figure) -> f64 {
        self.0[figure as usize]
    }
}

/// Solves `a x = b` for a positive definite `a`, of which the lower half is read, by Cholesky's decomposition.
fn solve(mut a: [[f64; SIZE]; SIZE], mut b: [f64; SIZE]) -> [f64; SIZE] {
    for i in 0..SIZE {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            // The prior keeps every pivot above 0.
            a[i][j] = if i == j { libm::sqrt(a[i][i] - known) } else { (a[i][j] - known) / a[j][j] };
        }
    }
    for i in 0..SIZE {
        b[i] = (b[i] - (0..i).map(|k| a[i][k] * b[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..SIZE).rev() {
        b[i] = (b[i] - (i + 1..SIZE).map(|k| a[k][i] * b[k]).sum::<f64>()) / a[i][i];
    }
    b
}
