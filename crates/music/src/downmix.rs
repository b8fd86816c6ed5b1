//! Two channels to the one that is listened to.

/// Time over which the energies of the channels' middle and side are averaged, in seconds.
const AVERAGED_S: f64 = 0.5;
/// Share of the middle in both energies under which the side is heard too, and under which it is heard in full: 17 and 20 dB
/// below the side. Wide mixes stay far above.
const SOME: f64 = 0.02;
const ALL: f64 = 0.01;
/// Energy of the middle that is taken to have been there before anything was heard: −50 dB, so that noise before the music
/// decides nothing.
const BEFORE: f64 = 1e-5;

/// Mixes stereo to mono, sample by sample, whatever the size of the blocks: the mean of both, and where they cancel out their
/// difference, so that a track with one side turned over (a cable, a widener) is not silence.
///
/// ```
/// let mut downmix = backline_music::Downmix::new(48_000.0);
/// assert_eq!(downmix.mix(0.5, 0.25), 0.375);
/// let turned: Vec<f32> = (0..96_000).map(|i| (f64::from(i) * 0.06).sin() as f32).map(|x| downmix.mix(x, -x)).collect();
/// assert!(turned[48_000..].iter().any(|x| *x > 0.99));
/// ```
#[derive(Debug, Clone)]
pub struct Downmix {
    middle: f64,
    side: f64,
    /// What is kept of the energies from sample to sample.
    keep: f64,
}

impl Downmix {
    /// For audio at `sample_rate` Hz of which nothing was heard yet.
    pub fn new(sample_rate: f64) -> Self {
        // Bounded, so that no rate makes it anything but an average.
        Self { middle: BEFORE, side: 0.0, keep: (1.0 - 1.0 / (AVERAGED_S * sample_rate)).clamp(0.0, 1.0) }
    }

    /// The next sample of both channels as one. What is no number counts as silence.
    ///
    /// # Realtime safety
    /// Wait-free, without allocation.
    pub fn mix(&mut self, left: f32, right: f32) -> f32 {
        let finite = |x: f32| if x.is_finite() { x } else { 0.0 };
        let (left, right) = (0.5 * finite(left), 0.5 * finite(right));
        let (middle, side) = (left + right, left - right);
        let average = |mean: f64, x: f32| {
            let power = f64::from(x) * f64::from(x);
            power + (mean - power) * self.keep
        };
        (self.middle, self.side) = (average(self.middle, middle), average(self.side, side));
        let both = self.middle + self.side;
        if self.middle >= SOME * both {
            return middle;
        }
        let share = ((SOME - self.middle / both) / (SOME - ALL)).min(1.0);
        #[allow(clippy::cast_possible_truncation)] // from 0 to 1
        let share = share as f32;
        middle + share * side
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    fn tone(i: usize) -> f32 {
        0.3 * (i as f64 * 0.05).sin() as f32
    }

    fn level(samples: &[f32]) -> f32 {
        (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn wide_stereo_is_the_mean_of_both_to_the_bit() {
        let mut downmix = Downmix::new(RATE);
        for i in 0..200_000 {
            // Two tones that go together, a quarter of a turn apart, on one side and the other: as wide as mixes are.
            let (l, r) = (tone(i), tone(i + 31) * 0.8);
            assert_eq!(downmix.mix(l, r), 0.5 * l + 0.5 * r);
        }
    }

    #[test]
    fn one_side_alone_is_half_of_it() {
        let mut downmix = Downmix::new(RATE);
        (0..100_000).for_each(|i| assert_eq!(downmix.mix(tone(i), 0.0), 0.5 * tone(i)));
    }

    #[test]
    fn what_cancels_out_is_heard_and_comes_and_goes_without_a_click() {
        let mut downmix = Downmix::new(RATE);
        let turned = |i: usize| (48_000..240_000).contains(&i);
        let heard: Vec<f32> =
            (0..336_000).map(|i| downmix.mix(tone(i), if turned(i) { -tone(i) } else { tone(i) })).collect();
        let whole = level(&heard[..48_000]);
        assert!((level(&heard[192_000..240_000]) / whole - 1.0).abs() < 0.01);
        assert!((level(&heard[288_000..]) / whole - 1.0).abs() < 0.01);
        // Where a side is turned over, the audio jumps itself; elsewhere no step is larger than the tone's own, and a little.
        let steps = heard.windows(2).map(|w| (w[1] - w[0]).abs());
        let largest = steps.enumerate().filter(|(i, _)| ![47_999, 239_999].contains(i)).map(|(_, step)| step);
        assert!(largest.fold(0.0, f32::max) < 0.3 * 0.05 * 1.1);
    }

    #[test]
    fn noise_of_two_tracks_before_the_music_decides_nothing() {
        let mut downmix = Downmix::new(RATE);
        for i in 0..24_000 {
            let hiss = if i % 2 == 0 { 1e-4 } else { -1e-4 };
            assert_eq!(downmix.mix(hiss, -hiss), 0.0);
        }
    }

    #[test]
    fn no_numbers_and_odd_rates_are_survived() {
        for rate in [0.0, f64::NAN, 1.0, 768_000.0] {
            let mut downmix = Downmix::new(rate);
            for x in [f32::NAN, f32::INFINITY, f32::MAX, -f32::MAX, 1e-42, 0.0, 0.5] {
                assert!(downmix.mix(x, -x).is_finite() && downmix.mix(x, x).is_finite(), "{x} at {rate}");
            }
        }
    }
}
