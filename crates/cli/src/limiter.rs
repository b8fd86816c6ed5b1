//! A limiter for whole recordings: it looks ahead, so that peaks come down smoothly and nothing is cut off.
//!
//! The gain that each sample needs is held for the look-ahead, let go slowly, and averaged over the look-ahead. Every
//! value that enters the average of a sample was held for it, so the average is never above what it needs.

use std::collections::VecDeque;

/// How long before a peak the gain begins to fall.
const LOOK_AHEAD_S: f64 = 0.005;
/// In this time the gain comes back by all but a part in e of what it fell.
const RELEASE_S: f64 = 0.05;

/// Brings what is louder than `ceiling` down to it, both channels alike. What is nowhere louder stays as it is.
pub fn limit(left: &mut [f32], right: &mut [f32], ceiling: f32, sample_rate: f64) {
    let needed = |l: f32, r: f32| {
        let peak = l.abs().max(r.abs());
        if peak > ceiling { ceiling / peak } else { 1.0 }
    };
    if left.iter().zip(right.iter()).all(|(&l, &r)| needed(l, r) >= 1.0) {
        return;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few hundred
    let ahead = (LOOK_AHEAD_S * sample_rate).round().clamp(1.0, 1e6) as usize;
    let back = 1.0 - (-1.0 / (RELEASE_S * sample_rate).max(1.0)).exp();
    let frames = left.len().min(right.len());
    // Sample numbers with rising needs: the first is the least of the samples from here to the look-ahead.
    let mut least: VecDeque<(usize, f32)> = VecDeque::with_capacity(ahead + 2);
    let mut held: VecDeque<f64> = VecDeque::with_capacity(ahead + 2);
    let (mut next, mut gain, mut sum) = (0, 1.0f64, 0.0f64);
    for i in 0..frames {
        while next < frames && next <= i + ahead {
            let need = needed(left[next], right[next]);
            while least.pop_back_if(|(_, gain)| *gain >= need).is_some() {}
            least.push_back((next, need));
            next += 1;
        }
        while least.pop_front_if(|(at, _)| *at < i).is_some() {}
        let need = least.front().map_or(1.0, |(_, gain)| f64::from(*gain));
        gain = need.min(gain + (1.0 - gain) * back);
        held.push_back(gain);
        sum += gain;
        if held.len() > ahead + 1 {
            sum -= held.pop_front().unwrap_or(0.0);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        // The least again, for what rounding adds to the sum.
        let smooth = ((sum / held.len() as f64) as f32).min(needed(left[i], right[i]));
        left[i] = (left[i] * smooth).clamp(-ceiling, ceiling);
        right[i] = (right[i] * smooth).clamp(-ceiling, ceiling);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_come_down_smoothly_and_alike() {
        let rate = 48_000.0;
        let sound = |i: usize| {
            let hit = if (20_000..20_200).contains(&i) { 3.0 } else { 0.5 };
            hit * (i as f32 * 0.05).sin()
        };
        let (mut left, mut right): (Vec<f32>, Vec<f32>) =
            (0..48_000).map(|i| (sound(i), -0.5 * sound(i))).unzip();
        limit(&mut left, &mut right, 0.9, rate);
        let peak = left.iter().chain(&right).fold(0.0f32, |p, s| p.max(s.abs()));
        assert!(peak <= 0.9 && peak > 0.85, "{peak}");
        // Until the look-ahead and long after the peak nothing has changed.
        assert!((0..19_000).all(|i| left[i] == sound(i)), "untouched before");
        assert!((45_000..48_000).all(|i| (left[i] - sound(i)).abs() < 0.02), "back again");
        let gains: Vec<f32> =
            (0..48_000).map(|i| if sound(i).abs() > 0.05 { left[i] / sound(i) } else { f32::NAN }).collect();
        let step = gains.windows(2).filter(|w| w.iter().all(|g| g.is_finite())).map(|w| (w[1] - w[0]).abs());
        assert!(step.fold(0.0, f32::max) < 0.01, "smoothed");
        assert!(left.iter().zip(&right).all(|(l, r)| (0.5 * l + r).abs() < 1e-6), "linked");
        // What is not too loud stays bit for bit.
        let (mut l, mut r) = (vec![0.9f32; 9], vec![-0.3f32; 9]);
        limit(&mut l, &mut r, 0.9, rate);
        assert!(l == [0.9; 9] && r == [-0.3; 9]);
    }
}
