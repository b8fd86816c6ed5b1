//! Where beats lie, finer than frames: on the smoothest course of the tempo that what was heard allows.
//!
//! Times are taken to be a smooth sequence and noise. The sequence minimises squared distances and second differences, weighed by
//! a constant (Whittaker, Proceedings of the Edinburgh Mathematical Society, 1923; Eilers, Analytical Chemistry, 2003); generalised
//! cross-validation (Craven and Wahba, Numerische Mathematik, 1979) chooses the constant, so that a machine's beats become a
//! straight line and a drummer's follow the drummer. Single beats that lie off weigh less.

/// Constants that are tried: powers of ten, from where every beat stays to where all lie on a line.
const SMOOTHNESS: std::ops::RangeInclusive<i32> = -2..=16;
const SMOOTHNESS_STEP: f64 = 0.5;
/// What a free parameter counts in the cross-validation: more than 1, since neighbouring errors are alike.
const PARAMETER: f64 = 2.0;
/// How often weights and smoothness are chosen anew.
const ROUNDS: usize = 3;
/// Beats that lie further off than this many standard deviations weigh less; none that lie nearer than so many seconds.
const FAR: f64 = 2.5;
const LEAST_FAR_S: f64 = 0.004;
/// Median deviation of a normal distribution in standard deviations.
const MEDIAN_TO_SD: f64 = 1.4826;
/// Fewer beats than this say nothing of a course.
const FEWEST: usize = 5;
/// Beats go on in one course while they follow each other at at most this many times the step before, and at least that share of it.
const SAME_COURSE: f64 = 1.4;

/// The beats at `times_s`, of which each counts `weights` (more than 0), on the smoothest course that they allow. A gap or a
/// change to another octave begins another course.
pub fn straightened(times_s: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(times_s.len());
    let mut from = 0;
    for i in 1..=times_s.len() {
        let goes_on = i < times_s.len() && {
            let (step, before) = (times_s[i] - times_s[i - 1], times_s[i.max(2) - 1] - times_s[i.max(2) - 2]);
            i - from < 2 || (before / SAME_COURSE..=before * SAME_COURSE).contains(&step)
        };
        if !goes_on {
            out.extend(course(&times_s[from..i], &weights[from..i]));
            from = i;
        }
    }
    out
}

/// One course.
fn course(times_s: &[f64], weights: &[f64]) -> Vec<f64> {
    let n = times_s.len();
    if n < FEWEST {
        return times_s.to_vec();
    }
    // What lies on a line costs nothing; without it the numbers stay small.
    let step = (times_s[n - 1] - times_s[0]) / (n - 1) as f64;
    let line = |i: usize| times_s[0] + step * i as f64;
    let y: Vec<f64> = times_s.iter().enumerate().map(|(i, t)| t - line(i)).collect();
    let mean = weights.iter().sum::<f64>() / n as f64;
    let prior: Vec<f64> = weights.iter().map(|w| w / mean).collect();
    // Penalties of the slow and fast waves that a sequence is made of; what is constant or a line has none.
    let waves: Vec<f64> =
        (2..n).map(|i| (2.0 - 2.0 * libm::cos(std::f64::consts::PI * i as f64 / n as f64)).powi(2)).collect();
    let parameters = |smooth: f64| 2.0 + waves.iter().map(|wave| 1.0 / (1.0 + smooth * wave)).sum::<f64>();
    let mut best = y.clone();
    let mut w = prior.clone();
    for _ in 0..ROUNDS {
        let mut least = f64::INFINITY;
        for power in SMOOTHNESS {
            let smooth = libm::exp10(f64::from(power) * SMOOTHNESS_STEP);
            let free = n as f64 - PARAMETER * parameters(smooth);
            if free <= 0.0 {
                continue;
            }
            let told = smoothed(&y, &w, smooth);
            let off: f64 = y.iter().zip(&told).zip(&w).map(|((y, s), w)| w * (y - s).powi(2)).sum();
            let score = n as f64 * off / (free * free);
            if score < least {
                (least, best) = (score, told);
            }
        }
        let off: Vec<f64> = y.iter().zip(&best).map(|(y, s)| (y - s).abs()).collect();
        let mut sorted = off.clone();
        sorted.sort_by(f64::total_cmp);
        let far = (FAR * MEDIAN_TO_SD * sorted[n / 2]).max(LEAST_FAR_S);
        w = off.iter().zip(&prior).map(|(off, prior)| prior * (far / off.max(far))).collect();
    }
    best.iter().enumerate().map(|(i, s)| line(i) + s).collect()
}

/// The sequence that minimises the squared distances from `y`, times `w`, and `smooth` times its squared second differences: a
/// system of equations with five diagonals, solved by elimination. At least four values.
fn smoothed(y: &[f64], w: &[f64], smooth: f64) -> Vec<f64> {
    let n = y.len();
    // Of how many second differences a value is an end or the middle.
    let diagonal = |i: usize| {
        let ends = usize::from(i >= 2) + usize::from(i + 2 < n);
        ends as f64 + if i >= 1 && i + 1 < n { 4.0 } else { 0.0 }
    };
    let beside = |i: usize| if i == 0 || i + 2 == n { -2.0 } else { -4.0 };
    // L D L' with a unit lower L of two diagonals below.
    let (mut d, mut one, mut two) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut x = vec![0.0; n];
    for i in 0..n {
        let back = |values: &[f64], k: usize| if i >= k { values[i - k] } else { 0.0 };
        d[i] = w[i] + smooth * diagonal(i)
            - back(&one, 1).powi(2) * back(&d, 1)
            - back(&two, 2).powi(2) * back(&d, 2);
        x[i] = w[i] * y[i] - back(&one, 1) * back(&x, 1) - back(&two, 2) * back(&x, 2);
        if i + 1 < n {
            one[i] = (smooth * beside(i) - back(&one, 1) * back(&two, 1) * back(&d, 1)) / d[i];
        }
        if i + 2 < n {
            two[i] = smooth / d[i];
        }
    }
    for i in (0..n).rev() {
        x[i] /= d[i];
        x[i] -=
            if i + 1 < n { one[i] * x[i + 1] } else { 0.0 } + if i + 2 < n { two[i] * x[i + 2] } else { 0.0 };
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise between −1 and 1, always the same.
    fn noise(i: usize) -> f64 {
        let mut x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn even(times_s: &[f64]) -> Vec<f64> {
        straightened(times_s, &vec![1.0; times_s.len()])
    }

    fn furthest(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_equations_are_solved() {
        for n in [4, 5, 9] {
            let (y, smooth): (Vec<f64>, _) = ((0..n).map(noise).collect(), 3.0);
            let w: Vec<f64> = (0..n).map(|i| 0.5 + 0.4 * noise(i + 50)).collect();
            let cost = |s: &[f64]| {
                let bends = s.windows(3).map(|s| (s[0] - 2.0 * s[1] + s[2]).powi(2)).sum::<f64>();
                smooth * bends + y.iter().zip(s).zip(&w).map(|((y, s), w)| w * (y - s).powi(2)).sum::<f64>()
            };
            let told = smoothed(&y, &w, smooth);
            for i in 0..n {
                for nudge in [-1e-3, 1e-3] {
                    let mut other = told.clone();
                    other[i] += nudge;
                    assert!(cost(&other) > cost(&told), "{n} values, the one at {i}");
                }
            }
        }
    }

    #[test]
    fn a_machines_beats_lie_on_a_line_to_the_ends() {
        let true_s: Vec<f64> = (0..128).map(|i| 0.35 + 0.483_87 * f64::from(i)).collect();
        let mut heard: Vec<f64> = true_s.iter().enumerate().map(|(i, t)| t + 0.008 * noise(i)).collect();
        // One is heard on another stroke.
        heard[60] += 0.04;
        let told = even(&heard);
        assert!(furthest(&told, &true_s) < 0.002, "{:.4} s off", furthest(&told, &true_s));
        let steps = told.windows(2).map(|w| w[1] - w[0]);
        assert!(steps.map(|s| (s - 0.483_87).abs()).fold(0.0, f64::max) < 0.000_5);
    }

    #[test]
    fn a_tempo_that_sways_is_followed() {
        let mut at = 0.5;
        let true_s: Vec<f64> = (0..120)
            .map(|i| {
                at += 0.55 * (1.0 + 0.03 * (f64::from(i) / 3.0).sin());
                at
            })
            .collect();
        let heard: Vec<f64> = true_s.iter().enumerate().map(|(i, t)| t + 0.005 * noise(i)).collect();
        assert!(furthest(&even(&heard), &true_s) < 0.01, "{:.4} s off", furthest(&even(&heard), &true_s));
    }

    #[test]
    fn beats_before_and_after_a_gap_know_nothing_of_each_other() {
        let first: Vec<f64> = (0..40).map(|i| 0.5 * f64::from(i)).collect();
        let after: Vec<f64> = (0..40).map(|i| 27.13 + 0.4 * f64::from(i)).collect();
        let both: Vec<f64> = first.iter().chain(&after).copied().collect();
        assert!(furthest(&even(&both), &both) < 1e-9);
        // And neither do those of another octave.
        let twice: Vec<f64> = (1..40).map(|i| 19.5 + 0.25 * f64::from(i)).collect();
        let both: Vec<f64> = first.iter().chain(&twice).copied().collect();
        assert!(furthest(&even(&both), &both) < 1e-9);
    }

    #[test]
    fn a_handful_stays_as_it_is_and_what_is_unsure_moves_first() {
        for n in 0..FEWEST {
            let few: Vec<f64> = (0..n).map(|i| i as f64 + 0.1 * noise(i)).collect();
            assert_eq!(even(&few), few);
        }
        let mut heard: Vec<f64> = (0..40).map(|i| 0.5 * f64::from(i)).collect();
        heard[20] += 0.003;
        let mut weights = vec![1.0; 40];
        let sure = even(&heard)[20];
        weights[20] = 0.05;
        let unsure = straightened(&heard, &weights)[20];
        assert!((unsure - 10.0).abs() < (sure - 10.0).abs());
    }
}
