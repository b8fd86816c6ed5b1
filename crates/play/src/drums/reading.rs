//! What the drummer's net reads at each step of a bar; `models/training/backline_training/drums/bar.py` builds
//! the same for training.

/// Voices of the kit, in the order of `DrumVoice::ALL`.
pub(crate) const VOICES: usize = 9;
/// How strongly each voice is struck at a step, 0 (not) …= 1.
pub(crate) type Levels = [f32; VOICES];

const STRAIGHT: usize = 16;
const TRIPLETS: usize = 12;
/// Accents are read from one step before to two after.
const REACH: [isize; 4] = [-1, 0, 1, 2];

/// All that is known before the bar is played.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Score {
    /// 12 steps in place of 16.
    pub(crate) triplets: bool,
    /// The groove as written, a row a step, and the written bar before it.
    pub(crate) chart: Vec<Levels>,
    pub(crate) before: Vec<Levels>,
    /// Index of the style among `styles` of them.
    pub(crate) style: usize,
    pub(crate) styles: usize,
    /// 0..=1, both.
    pub(crate) energy: f32,
    pub(crate) density: f32,
    pub(crate) tempo_bpm: f64,
    pub(crate) bar_in_phrase: u32,
    pub(crate) after_fill: bool,
    /// First step of the fill; the number of steps where there is none.
    pub(crate) fill_from: usize,
    /// How strongly each step was accented in the input, 0..=1; empty when nothing is known.
    pub(crate) accents: Vec<f32>,
}

impl Score {
    /// Steps of the bar.
    pub(crate) fn steps(&self) -> usize {
        if self.triplets { TRIPLETS } else { STRAIGHT }
    }

    /// The features of `step`, after `own` was struck at the step before.
    pub(crate) fn features(&self, step: usize, own: &Levels) -> Vec<f32> {
        let flag = |on: bool| f32::from(u8::from(on));
        let mut x = Vec::with_capacity(160);
        x.extend(own.iter().map(|&l| flag(l > 0.0)));
        x.extend(own);
        let position = step + if self.triplets { STRAIGHT } else { 0 };
        x.extend((0..STRAIGHT + TRIPLETS).map(|i| flag(i == position)));
        for written in [&self.chart, &self.before] {
            let here = written.get(step).copied().unwrap_or_default();
            let next = written.get(step + 1).copied().unwrap_or_default();
            x.extend(here.iter().map(|&l| flag(l > 0.0)));
            x.extend(here);
            x.extend(next.iter().map(|&l| flag(l > 0.0)));
            x.push(flag(!written.is_empty()));
        }
        x.extend((0..self.styles).map(|i| flag(i == self.style)));
        #[allow(clippy::cast_possible_truncation)] // a few octaves
        x.extend([self.energy, self.density, libm::log2(self.tempo_bpm / 120.0) as f32]);
        x.extend((0..4).map(|i| flag(i == self.bar_in_phrase % 4)));
        let in_fill = |s: usize| flag(s >= self.fill_from && s < self.steps());
        x.extend([flag(self.after_fill), in_fill(step), in_fill(step + 1), flag(!self.accents.is_empty())]);
        x.extend(REACH.map(|k| {
            let at = step.checked_add_signed(k).filter(|&s| s < self.steps());
            at.and_then(|s| self.accents.get(s)).copied().unwrap_or(0.0)
        }));
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Example {
        level: Vec<Levels>,
        chart: Vec<Levels>,
        before: Vec<Levels>,
        accents: Vec<f32>,
        x: Vec<Vec<f32>>,
    }

    #[test]
    fn a_bar_reads_as_it_did_in_training() {
        let json = include_bytes!("../../../../models/drums_net/bar.json");
        let example: Example = serde_json::from_slice(json).unwrap();
        let score = Score {
            triplets: false,
            chart: example.chart,
            before: example.before,
            style: 3,
            styles: 24,
            energy: 0.625,
            density: 0.25,
            tempo_bpm: 90.0,
            bar_in_phrase: 2,
            after_fill: true,
            fill_from: 12,
            accents: example.accents,
        };
        for (step, wanted) in example.x.iter().enumerate() {
            let own = if step == 0 { Levels::default() } else { example.level[step - 1] };
            let read = score.features(step, &own);
            assert_eq!(read.len(), wanted.len());
            for (i, (a, b)) in read.iter().zip(wanted).enumerate() {
                assert!((a - b).abs() < 1e-6, "step {step}, feature {i}: {a} for {b}");
            }
        }
    }
}
