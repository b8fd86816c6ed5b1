//! The learnt rhythm patterns: which onset strengths are likely where in the bar.

use backline_music::Metre;

use super::Weight;
use crate::lanes::LANES;
use crate::onset::GROUPS;

/// Written by `models/rhythm_hmm/train.py`.
const DATA: &str = include_str!("../../data_rhythm/rhythm.txt");
/// The file holds log likelihood ratios in this many steps a nat.
const STEPS_PER_NAT: f64 = 16.0;

/// Divisions of a bar, at most.
pub const MOST_BINS: usize = 128;

/// Added to the learnt offset of compound metres: the training music has far more of them than the
/// world, and its plain eighths made 6/8 out of much that is 4/4.
const COMPOUND_BONUS: f64 = -0.065;

/// The same for five beats in the bar, which the training music has as often as three: an eight-beat
/// pattern of 4/4 read as five slower beats is otherwise nearly as likely.
const FIVE_BONUS: f64 = -0.03;

/// One way in which a bar goes.
pub struct Pattern {
    /// Its metre.
    pub metre: Metre,
    /// Beats (tactus) in the bar.
    pub beats: usize,
    /// Divisions of the bar.
    pub bins: usize,
    /// Share of its metre's bars that go this way.
    pub share: f32,
    /// `gain[code * bins + bin]`: likelihood of the codeword there over its overall likelihood, raised
    /// to the power that was asked for.
    pub gain: Vec<f32>,
}

/// All patterns and the codewords that they speak of.
pub struct Patterns {
    codebook: Vec<[f32; GROUPS]>,
    /// The patterns; those of one metre lie side by side.
    pub patterns: Vec<Pattern>,
    /// Weights of [`Patterns::bonus`].
    bonus: [f64; 7],
    weight: Weight,
}

impl Patterns {
    /// The built-in patterns, as far as they count.
    ///
    /// A damaged file gives no patterns, and thus no beats; a test holds that the built-in one is whole.
    pub fn built_in(weight: Weight) -> Self {
        let mut codebook = Vec::new();
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut tables: Vec<Vec<f32>> = Vec::new();
        let mut bonus = [0.0; 7];
        for line in DATA.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("code") => {
                    let mut code = [0.0; GROUPS];
                    for (slot, word) in code.iter_mut().zip(words) {
                        *slot = word.parse().unwrap_or(0.0);
                    }
                    codebook.push(code);
                }
                Some("pattern") => {
                    let numbers: Vec<f32> = words.filter_map(|w| w.parse().ok()).collect();
                    let [beats, compound, bins, share] = numbers[..] else { continue };
                    let metre = if compound > 0.0 {
                        Metre::new(3 * beats as u8, 8)
                    } else {
                        Metre::new(beats as u8, 4)
                    };
                    patterns.push(Pattern {
                        metre: metre.unwrap_or_default(),
                        beats: beats as usize,
                        bins: bins as usize,
                        share,
                        gain: Vec::new(),
                    });
                    tables.push(Vec::new());
                }
                Some("bin") => {
                    if let Some(table) = tables.last_mut() {
                        table.extend(
                            words
                                .filter_map(|w| w.parse::<f64>().ok())
                                .map(|v| libm::exp(v / STEPS_PER_NAT * weight.evidence) as f32),
                        );
                    }
                }
                Some("bonus") => {
                    for (slot, word) in bonus.iter_mut().zip(words) {
                        *slot = word.parse().unwrap_or(0.0);
                    }
                }
                _ => {}
            }
        }
        for (pattern, table) in patterns.iter_mut().zip(tables) {
            // The file goes bin by bin; the tracker wants all bins of one codeword together.
            let (codes, bins) = (codebook.len(), pattern.bins);
            if table.len() == codes * bins {
                pattern.gain = (0..codes * bins).map(|i| table[(i % bins) * codes + i / bins]).collect();
            }
        }
        patterns.retain(|p| !p.gain.is_empty() && p.bins <= MOST_BINS && p.beats > 0);
        Self { codebook, patterns, bonus, weight }
    }

    /// The patterns that find the beats where a net counts the bars: no bars of five beats, and of each metre the
    /// commonest, as many as are reckoned with at once. Beats and tempi are found as well by these, in half the time.
    pub fn for_beats(mut self) -> Self {
        self.patterns.retain(|p| p.beats != 5);
        let shares: Vec<(Metre, f32)> = self.patterns.iter().map(|p| (p.metre, p.share)).collect();
        let commoner =
            |p: &Pattern| shares.iter().filter(|(m, share)| *m == p.metre && *share > p.share).count();
        self.patterns.retain(|p| commoner(p) < LANES);
        self
    }

    /// What each frame adds to the logarithm of a reading in `metre` at `bpm`. Patterns pooled over all
    /// tempi fit some tempi better than they should; this offset, learnt against the usual confusions
    /// (twice, half, three halves), makes up for it.
    pub fn bonus(&self, metre: Metre, bpm: f64) -> f64 {
        let z = libm::log(bpm / 110.0);
        let [three, compound, five, line, curve, compound_line, compound_curve] = self.bonus;
        let bonus = match (metre.numerator, metre.is_compound()) {
            (_, true) => COMPOUND_BONUS + compound + compound_line * z + compound_curve * z * z,
            (n, false) => {
                let offset = if n == 3 {
                    three
                } else if n == 5 {
                    FIVE_BONUS + five
                } else {
                    0.0
                };
                offset + line * z + curve * z * z
            }
        };
        self.weight.tempo * bonus
    }

    /// Number of codewords.
    pub fn codes(&self) -> usize {
        self.codebook.len()
    }

    /// The codeword nearest to a frame.
    pub fn code(&self, frame: &[f32; GROUPS]) -> usize {
        let root = frame.map(f32::sqrt);
        let mut best = (f32::INFINITY, 0);
        for (i, code) in self.codebook.iter().enumerate() {
            let distance: f32 = code.iter().zip(&root).map(|(a, b)| (a - b) * (a - b)).sum();
            if distance < best.0 {
                best = (distance, i);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_is_whole() {
        let all = Patterns::built_in(Weight { evidence: 1.0, tempo: 1.0 });
        assert_eq!(all.codebook.len(), 48);
        for metre in ["4/4", "3/4", "6/8", "5/4"] {
            let metre: Metre = metre.parse().unwrap();
            assert!(all.patterns.iter().any(|p| p.metre == metre), "{metre}");
        }
        for p in &all.patterns {
            assert_eq!(p.gain.len(), p.bins * all.codebook.len());
            assert_eq!(p.beats, usize::from(p.metre.tactus_per_bar()));
            assert!(p.gain.iter().all(|g| g.is_finite() && *g > 0.0));
        }
    }

    #[test]
    fn beats_are_found_by_the_commonest_patterns_of_each_metre_but_five() {
        let count = |all: &Patterns, metre: &str| {
            all.patterns
                .iter()
                .filter(|p| p.metre == metre.parse().unwrap())
                .map(|p| p.share)
                .collect::<Vec<_>>()
        };
        let weight = Weight { evidence: 1.0, tempo: 1.0 };
        let (all, fewer) = (Patterns::built_in(weight), Patterns::built_in(weight).for_beats());
        assert!(count(&fewer, "5/4").is_empty());
        for metre in ["4/4", "3/4", "6/8"] {
            let (mut all, fewer) = (count(&all, metre), count(&fewer, metre));
            assert_eq!(fewer.len(), all.len().min(LANES), "{metre}");
            all.retain(|share| !fewer.contains(share));
            assert!(
                all.iter().all(|left_out| fewer.iter().all(|kept| kept > left_out)),
                "{metre}: {all:?} {fewer:?}"
            );
        }
    }

    #[test]
    fn stillness_and_a_full_onset_are_different_codewords() {
        let all = Patterns::built_in(Weight { evidence: 1.0, tempo: 1.0 });
        assert_ne!(all.code(&[0.0; GROUPS]), all.code(&[1.0; GROUPS]));
    }
}
