//! How the input's loudness moves: whether the music has grown or become softer than it was.

use backline_music::heard::Loudness;

/// Below this momentary loudness nothing sounds, in LUFS.
pub(crate) const AUDIBLE_LUFS: f32 = -52.0;
/// This much louder than usual is a full lift, in LU.
const FULL_LU: f64 = 8.0;
/// Less than this of the past, in windows of loudness, says nothing about what is usual.
const LEAST_WINDOWS: usize = 20;

/// How the last `recent_s` seconds before `now_s` compare with all that was heard before them: −1 (much
/// softer) … 0 … 1 (much louder), in steps of a hundredth.
pub(crate) fn lift(loudness: &[Loudness], now_s: f64, recent_s: f64) -> f32 {
    let mean = |from_s: f64, to_s: f64| {
        let (mut sum, mut count) = (0.0, 0_usize);
        for l in loudness.iter().filter(|l| l.time_s > from_s && l.time_s <= to_s) {
            if l.momentary_lufs > AUDIBLE_LUFS {
                (sum, count) = (sum + f64::from(l.momentary_lufs), count + 1);
            }
        }
        #[allow(clippy::cast_precision_loss)] // a few thousand windows
        (sum / count.max(1) as f64, count)
    };
    let since_s = now_s - recent_s;
    let (recent, sounding) = mean(since_s, now_s);
    let (usual, windows) = mean(f64::NEG_INFINITY, since_s);
    if sounding == 0 || windows < LEAST_WINDOWS {
        return 0.0;
    }
    #[allow(clippy::cast_possible_truncation)] // within −1..=1
    let lift = (((recent - usual) / FULL_LU).clamp(-1.0, 1.0) * 100.0).round() as f32;
    lift / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn song(levels: &[f32]) -> Vec<Loudness> {
        let window = |(i, &lufs): (usize, &f32)| Loudness {
            time_s: 0.1 * (i + 1) as f64,
            momentary_lufs: lufs,
            short_term_lufs: lufs,
        };
        levels.iter().enumerate().map(window).collect()
    }

    #[test]
    fn growing_lifts_softening_sinks_and_little_says_nothing() {
        let with_end = |end: f32| song(&[vec![-20.0; 60], vec![end; 20]].concat());
        assert_eq!(lift(&with_end(-20.0), 8.0, 2.0), 0.0);
        assert_eq!(lift(&with_end(-16.0), 8.0, 2.0), 0.5);
        assert_eq!(lift(&with_end(-40.0), 8.0, 2.0), -1.0);
        // A rest is no softer playing.
        assert_eq!(lift(&with_end(-70.0), 8.0, 2.0), 0.0);
        assert_eq!(lift(&song(&[-20.0; 15]), 1.5, 1.0), 0.0);
    }
}
