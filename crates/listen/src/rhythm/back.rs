//! The beats before one that is known, as they were played.

use std::ops::Range;

/// A beat follows the last within these shares of the period.
const STEP: Range<f64> = 0.8..1.25;
/// How far beats stray from even ones: a share of the period, and in frames at least.
const STRAYS: f64 = 0.04;
const STRAYS_FRAMES: f64 = 1.0;
/// Log odds of beats are believed up to this.
const MOST_LOGIT: f32 = 5.0;
/// Beats on either side that a beat is evened out by.
const REACH: usize = 3;

/// Places of the beats up to the one at `last`, about `period` frames from each other, where `beat` gives the log odds of a beat
/// at each of the frames that were heard up to there (the first is frame 0): the best way back through them, in the sense of
/// Ellis (Journal of New Music Research, 2007).
pub fn beats_back(beat: impl Fn(usize) -> f32, last: f64, period: f64) -> Vec<f64> {
    let end = (last + 0.5).max(0.0) as usize;
    let strays = (STRAYS * period).max(STRAYS_FRAMES);
    let (least, most) = ((STEP.start * period) as usize, (STEP.end * period) as usize + 1);
    let steps: Vec<(usize, f64)> =
        (least.max(1)..=most).map(|step| (step, -0.5 * ((step as f64 - period) / strays).powi(2))).collect();
    let mut score = vec![f64::NEG_INFINITY; end + 1];
    let mut after = vec![0; end + 1];
    score[end] = 0.0;
    for at in (0..end).rev() {
        for &(step, even) in steps.iter().filter(|(step, _)| at + step <= end) {
            let joined = score[at + step] + even;
            if joined > score[at] {
                (score[at], after[at]) = (joined, at + step);
            }
        }
        score[at] += f64::from(beat(at).clamp(-MOST_LOGIT, MOST_LOGIT));
    }
    let firsts = 0..(period as usize + 1).min(end + 1);
    let first = firsts.max_by(|a, b| score[*a].total_cmp(&score[*b]));
    let Some(mut at) = first.filter(|at| score[*at] > f64::NEG_INFINITY) else { return vec![last] };
    let mut beats = vec![at as f64];
    while at != end {
        at = after[at];
        beats.push(at as f64);
    }
    let mut even = evened(&beats);
    if let Some(known) = even.last_mut() {
        *known = last;
    }
    even
}

/// The beats at `places` without the frames' coarseness: each on the line through its neighbours.
fn evened(places: &[f64]) -> Vec<f64> {
    let even = |i: usize| {
        let reach = REACH.min(i).min(places.len() - 1 - i);
        let around = &places[i - reach..=i + reach];
        // Symmetric window: the line's value in its middle is the mean.
        around.iter().sum::<f64>() / around.len() as f64
    };
    (0..places.len()).map(even).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tempo_that_drifts_is_followed_back() {
        // From 24 to 26.6 frames a beat, and between the beats a lesser onset.
        let mut beats = vec![7.0];
        while beats.len() < 24 {
            beats.push(beats[beats.len() - 1] + 24.0 + 2.6 * beats.len() as f64 / 24.0);
        }
        let near = |i: usize, at: f64| (i as f64 - at).abs() < 0.6;
        let heard = |i: usize| {
            let off = beats.windows(2).any(|pair| near(i, (pair[0] + pair[1]) / 2.0));
            if beats.iter().any(|at| near(i, *at)) {
                2.0
            } else if off {
                0.0
            } else {
                -4.0
            }
        };
        let last = beats[beats.len() - 1];
        let found = beats_back(heard, last, 26.6);
        assert_eq!(found.len(), beats.len(), "{found:?}");
        for (found, true_at) in found.iter().zip(&beats) {
            assert!((found - true_at).abs() < 2.0, "{found} for {true_at}");
        }
        assert_eq!(found[found.len() - 1].to_bits(), last.to_bits());
    }

    #[test]
    fn where_nothing_is_heard_beats_are_even() {
        let found = beats_back(|_| -3.0, 301.3, 25.0);
        assert!(found[0] < 30.0, "{found:?}");
        assert!(found.windows(2).all(|pair| (pair[1] - pair[0] - 25.0).abs() < 1.1), "{found:?}");
    }

    #[test]
    fn a_beat_before_which_there_is_none_stands_alone() {
        for last in [-2.0, 0.0, 3.0] {
            assert_eq!(beats_back(|_| 1.0, last, 25.0), [last]);
        }
    }
}
