//! The learnt part of the guess: two small nets of one hidden layer each, for the style and for the energy.

use std::sync::OnceLock;

use super::figures::FIGURES;

/// Written by `models/training/backline_training/style/export.py`.
const DATA: &str = include_str!("../../data_style/style.txt");
/// Figures further than this from their mean, in deviations, are taken to be mishearings.
const FARTHEST: f64 = 4.0;

/// One hidden layer and its outputs; each row holds weights and, last, the offset.
#[derive(Debug, Default)]
struct Layers {
    hidden: Vec<Vec<f64>>,
    out: Vec<Vec<f64>>,
}

impl Layers {
    fn run(&self, x: &[f64]) -> Vec<f64> {
        let hidden: Vec<f64> = self.hidden.iter().map(|row| affine(row, x).max(0.0)).collect();
        self.out.iter().map(|row| affine(row, &hidden)).collect()
    }
}

fn affine(row: &[f64], x: &[f64]) -> f64 {
    row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + row.get(x.len()).copied().unwrap_or(0.0)
}

/// What the figures of a stretch of music are judged by.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Style ids in the order of the outputs.
    pub(super) styles: Vec<String>,
    mean: Vec<f64>,
    /// One over the deviation.
    scale: Vec<f64>,
    style: Layers,
    energy: Layers,
}

impl Judge {
    /// As it was learnt.
    pub(super) fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Judge> = OnceLock::new();
        BUILT_IN.get_or_init(|| Self::read(DATA))
    }

    fn read(text: &str) -> Self {
        let mut judge = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            if name == "styles" {
                judge.styles = words.map(str::to_owned).collect();
                continue;
            }
            let row: Vec<f64> = words.filter_map(|w| w.parse().ok()).collect();
            match name {
                "mean" => judge.mean = row,
                "scale" => judge.scale = row,
                "style_hidden" => judge.style.hidden.push(row),
                "style" => judge.style.out.push(row),
                "energy_hidden" => judge.energy.hidden.push(row),
                "energy" => judge.energy.out.push(row),
                _ => {}
            }
        }
        judge
    }

    /// (probabilities of the styles, energy 0..=1).
    pub(super) fn judge(&self, figures: &[f32]) -> (Vec<f64>, f64) {
        debug_assert_eq!(figures.len(), FIGURES);
        let x: Vec<f64> = figures
            .iter()
            .zip(self.mean.iter().zip(&self.scale))
            .map(|(&x, (mean, scale))| ((f64::from(x) - mean) * scale).clamp(-FARTHEST, FARTHEST))
            .collect();
        let logits = self.style.run(&x);
        let best = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = logits.iter().map(|l| libm::exp(l - best)).collect();
        let sum: f64 = odds.iter().sum();
        let energy = self.energy.run(&x).first().map_or(0.5, |e| 1.0 / (1.0 + libm::exp(-e)));
        (odds.into_iter().map(|o| o / sum).collect(), energy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_whole() {
        let judge = Judge::built_in();
        let n = judge.styles.len();
        assert_eq!((judge.mean.len(), judge.scale.len(), judge.style.out.len()), (FIGURES, FIGURES, n));
        assert!(n >= 18 && judge.energy.out.len() == 1);
        for layers in [&judge.style, &judge.energy] {
            assert!(layers.hidden.iter().all(|row| row.len() == FIGURES + 1));
            assert!(layers.out.iter().all(|row| row.len() == layers.hidden.len() + 1));
        }
        let (prob, energy) = judge.judge(&[f32::MAX; FIGURES]);
        assert!((prob.iter().sum::<f64>() - 1.0).abs() < 1e-9 && (0.0..=1.0).contains(&energy));
    }
}
