//! Chance that can be asked again: uniform numbers hashed from seed, bar, part and purpose.
//!
//! No generator carries state from one question to the next, so that adding a question (or a part
//! that is switched off) never changes the answer to another, and a bar that is planned again comes
//! out the same. The mixing function is the finaliser of SplitMix64 (Steele, Lea & Flood, "Fast
//! splittable pseudorandom number generators", OOPSLA 2014).

/// What a number is drawn for. The discriminant goes into the hash: never reorder, only append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Choice of groove, comping rhythm, bass pattern or fill.
    Choice = 1,
    /// Whether a step sounds, the same in every second bar.
    Habit,
    /// Whether a step sounds, drawn anew for this bar.
    Whim,
    /// Whether a step follows its habit or a whim.
    Fresh,
    /// Deviation from the grid.
    Timing,
    /// Deviation from the written strength.
    Velocity,
    /// Cymbal decisions.
    Cymbal,
    /// Choice among voicings.
    Voicing,
    /// Choice among bass notes.
    Line,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The random numbers of one part in one bar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice {
    base: u64,
}

impl Dice {
    /// The stream of `part` in bar `index` under `seed`.
    pub(crate) fn new(seed: u32, index: i64, part: u64) -> Self {
        let mut base = mix(u64::from(seed).wrapping_add(GOLDEN));
        base = mix(base ^ index.cast_unsigned().wrapping_mul(GOLDEN));
        base = mix(base.wrapping_add(part.wrapping_mul(GOLDEN)));
        Self { base }
    }

    /// A number in `0.0..1.0`, the same for the same `purpose` and `item`.
    pub(crate) fn at(self, purpose: Purpose, item: u64) -> f64 {
        let hash = mix(mix(self.base ^ (purpose as u64).wrapping_mul(GOLDEN)) ^ item.wrapping_mul(GOLDEN));
        // The upper 53 bits fill the mantissa exactly.
        (hash >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A bell-shaped number in `-1.0..1.0`: the mean of three uniform ones, with a standard
    /// deviation of 1/3.
    pub(crate) fn bell(self, purpose: Purpose, item: u64) -> f64 {
        let sum: f64 = (0..3).map(|k| self.at(purpose, item.wrapping_mul(4).wrapping_add(k))).sum();
        sum * (2.0 / 3.0) - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_uniform_and_the_streams_unrelated() {
        let n = 4000;
        let (a, b) = (Dice::new(1, 0, 0), Dice::new(1, 1, 0));
        let mean: f64 = (0..n).map(|i| a.at(Purpose::Whim, i)).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let covariance: f64 =
            (0..n).map(|i| (a.at(Purpose::Whim, i) - 0.5) * (b.at(Purpose::Whim, i) - 0.5)).sum::<f64>()
                / n as f64;
        assert!(covariance.abs() < 0.005, "{covariance}");
        let spread: f64 = (0..n).map(|i| a.bell(Purpose::Timing, i).powi(2)).sum::<f64>() / n as f64;
        assert!((spread - 1.0 / 9.0).abs() < 0.01, "{spread}");
    }

    #[test]
    fn parts_and_bars_have_streams_of_their_own() {
        assert_ne!(Dice::new(1, 0, 0).base, Dice::new(1, 0, 1).base);
        assert_ne!(Dice::new(1, -1, 0).base, Dice::new(1, 1, 0).base);
    }
}
