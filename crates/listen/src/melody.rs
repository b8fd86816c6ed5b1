//! The lead's pitch over time: YIN with soft thresholds and a short look back.
//!
//! De Cheveigné & Kawahara, "YIN", JASA 111, 2002, equations 6 and 8, on audio brought down to
//! 11,025 Hz; instead of one threshold many are tried and vote, as in Mauch & Dixon, "pYIN", ICASSP
//! 2014, and the path through the candidates is the one that jumps least for its probability. In a
//! full mix it follows what is periodic and strong above 130 Hz: usually, not always, the lead.
//!
//! ```
//! use backline_listen::melody::MelodyTracker;
//!
//! let mut tracker = MelodyTracker::new();
//! let a440: Vec<f32> = (0..44_100).map(|i| (i as f32 * 440.0 / 44_100.0 * 6.2832).sin()).collect();
//! tracker.push(&a440);
//! let point = tracker.points()[40];
//! assert!(point.voiced && (point.hz - 440.0).abs() < 2.0);
//! ```

use std::collections::VecDeque;

use backline_music::MelodyPoint;

/// Rate of the samples that are pushed.
const RATE_HZ: f64 = 44_100.0;
/// One sample of so many is kept.
const DECIMATION: usize = 4;
/// Taps of the low-pass filter before that.
const TAPS: usize = 64;
/// Samples at the low rate from one point to the next: 11.6 ms.
const HOP: usize = 128;
/// Samples that are compared with their shifted selves: 35 ms.
const COMPARED: usize = 384;
/// Longest and shortest period: 69 Hz to 1,103 Hz.
const LONGEST: usize = 160;
const SHORTEST: usize = 10;
const FRAME: usize = COMPARED + LONGEST + 2;
/// Thresholds that vote.
const THRESHOLDS: usize = 40;
/// Outputs of the low-pass and lags that are reckoned side by side, which changes none of them.
const OUTPUTS_AT_ONCE: usize = 8;
const LAGS_AT_ONCE: usize = 2;
/// Candidates a point, and points that the path may still change.
const CANDIDATES: usize = 5;
const OPEN: usize = 6;
/// Log cost of a jump, a semitone; and the most that any jump costs.
const JUMP: f32 = 0.4;
const LONGEST_JUMP: f32 = 3.5;
/// Root mean square below which nothing is voiced (−60 dB).
const SILENCE: f32 = 1e-3;

/// Seconds of audio that must follow a point before it is given.
pub const LATENCY_S: f64 = ((FRAME / 2 + OPEN * HOP) * DECIMATION + TAPS / 2) as f64 / RATE_HZ;

#[derive(Clone, Copy, Default)]
struct Candidate {
    hz: f32,
    semitone: f32,
    prob: f32,
    score: f32,
    from: usize,
}

struct Column {
    time_s: f64,
    candidates: [Candidate; CANDIDATES],
}

/// Follows the pitch of the lead in a stream of samples at 44,100 Hz.
pub struct MelodyTracker {
    decimator: Decimator,
    high_pass: [HighPass; 2],
    /// Samples at the low rate that wait for the filter.
    fresh: Vec<f32>,
    /// The last `FRAME` samples at the low rate, oldest first, and how many are there in all.
    low: Vec<f32>,
    low_count: u64,
    votes: [(f32, f32); THRESHOLDS],
    columns: VecDeque<Column>,
    points: Vec<MelodyPoint>,
    history_s: Option<f64>,
}

impl Default for MelodyTracker {
    fn default() -> Self {
        Self::new()
    }
}

impl MelodyTracker {
    /// Follows a stream that starts now.
    pub fn new() -> Self {
        Self {
            decimator: Decimator::new(),
            high_pass: [HighPass::default(), HighPass::default()],
            fresh: Vec::new(),
            low: Vec::with_capacity(FRAME + HOP),
            low_count: 0,
            votes: votes(),
            columns: VecDeque::with_capacity(OPEN + 1),
            points: Vec::new(),
            history_s: None,
        }
    }

    /// Takes samples in. The points do not depend on how the samples are divided into calls. A
    /// sample that is not a number, or infinite, is read as 0.
    pub fn push(&mut self, samples: &[f32]) {
        self.decimator.push(samples, &mut self.fresh);
        for i in 0..self.fresh.len() {
            let [first, second] = &mut self.high_pass;
            self.low.push(second.next(first.next(self.fresh[i])));
            self.low_count += 1;
            if self.low.len() == FRAME {
                self.analyse();
                self.low.drain(..HOP);
            }
        }
        self.fresh.clear();
    }

    /// Points so far, 11.6 ms apart.
    pub fn points(&self) -> &[MelodyPoint] {
        &self.points
    }

    /// How far back points are kept; `None` keeps all.
    pub fn set_history_s(&mut self, history_s: Option<f64>) {
        self.history_s = history_s;
    }

    fn analyse(&mut self) {
        let centre = self.low_count as f64 - FRAME as f64 / 2.0;
        let time_s = (centre * DECIMATION as f64 - TAPS as f64 / 2.0).max(0.0) / RATE_HZ;
        let mut candidates = candidates(&self.low, &self.votes);
        let last = self.columns.back();
        for c in &mut candidates {
            let own = libm::logf(c.prob.max(1e-3));
            let mut best = (0.0, 0);
            if let Some(last) = last {
                best.0 = f32::NEG_INFINITY;
                for (i, before) in last.candidates.iter().enumerate() {
                    let jump = ((c.semitone - before.semitone).abs() * JUMP).min(LONGEST_JUMP);
                    if before.score - jump > best.0 {
                        best = (before.score - jump, i);
                    }
                }
            }
            c.score = best.0 + own;
            c.from = best.1;
        }
        // Scores fall without end; only their differences count.
        let top = candidates.iter().map(|c| c.score).fold(f32::NEG_INFINITY, f32::max);
        candidates.iter_mut().for_each(|c| c.score -= top);
        self.columns.push_back(Column { time_s, candidates });
        if self.columns.len() <= OPEN {
            return;
        }
        let mut at = best_of(&self.columns[OPEN].candidates);
        for column in self.columns.iter().skip(1).rev() {
            at = column.candidates[at].from;
        }
        if let Some(column) = self.columns.pop_front() {
            let c = column.candidates[at];
            self.points.push(MelodyPoint {
                time_s: column.time_s,
                hz: c.hz,
                voiced: c.prob >= 0.5,
                prob: c.prob,
            });
        }
        if let Some(history_s) = self.history_s {
            let old = self.points.partition_point(|p| p.time_s < time_s - history_s.max(0.0));
            // A quarter too many may lie there, so that the rest is seldom moved.
            if old * 4 > self.points.len() {
                self.points.drain(..old);
            }
        }
    }
}

fn best_of(candidates: &[Candidate; CANDIDATES]) -> usize {
    (0..CANDIDATES).fold(0, |b, i| if candidates[i].score > candidates[b].score { i } else { b })
}

/// What each threshold weighs, all together 1; low ones weigh as in pYIN's beta(2, 18).
fn votes() -> [(f32, f32); THRESHOLDS] {
    let mut votes = [(0.0f32, 0.0f32); THRESHOLDS];
    let mut sum = 0.0;
    for (i, (threshold, weight)) in votes.iter_mut().enumerate() {
        *threshold = (i as f32 + 0.5) / THRESHOLDS as f32;
        *weight = *threshold * libm::powf(1.0 - *threshold, 12.0);
        sum += *weight;
    }
    votes.map(|(threshold, weight)| (threshold, weight / sum))
}

/// How much `x` differs from itself, shifted by `lag` and the next few samples (equation 6).
fn differences<const N: usize>(x: &[f32], lag: usize) -> [f32; N] {
    const WIDE: usize = 8;
    let mut sums = [[0.0f32; WIDE]; N];
    let shifted: [&[f32]; N] = std::array::from_fn(|n| &x[lag + n..lag + n + COMPARED]);
    for (i, a) in x[..COMPARED].chunks_exact(WIDE).enumerate() {
        let a: [f32; WIDE] = std::array::from_fn(|k| a[k]);
        for (sums, shifted) in sums.iter_mut().zip(&shifted) {
            let b = &shifted[i * WIDE..(i + 1) * WIDE];
            let squares: [f32; WIDE] = std::array::from_fn(|k| (a[k] - b[k]) * (a[k] - b[k]));
            *sums = std::array::from_fn(|k| sums[k] + squares[k]);
        }
    }
    sums.map(|sums| sums.iter().sum())
}

/// The periods that a frame may have, likeliest first.
fn candidates(x: &[f32], thresholds: &[(f32, f32); THRESHOLDS]) -> [Candidate; CANDIDATES] {
    let mut found = [Candidate::default(); CANDIDATES];
    let power: f32 = x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32;
    if power < SILENCE * SILENCE {
        return found;
    }
    // The difference function over its running mean (equation 8).
    let mut ratio = [1.0f32; LONGEST + 2];
    let mut total = 0.0;
    for first in (1..LONGEST + 2).step_by(LAGS_AT_ONCE) {
        for (lag, d) in (first..LONGEST + 2).zip(differences::<LAGS_AT_ONCE>(x, first)) {
            total += d;
            ratio[lag] = if total > 0.0 { d * lag as f32 / total } else { 1.0 };
        }
    }
    // Each threshold votes for the first dip below it.
    let mut votes = [0.0f32; LONGEST + 2];
    let (mut dips, mut found_dips) = ([0; LONGEST], 0);
    for lag in SHORTEST..=LONGEST {
        if ratio[lag] <= ratio[lag - 1] && ratio[lag] < ratio[lag + 1] {
            dips[found_dips] = lag;
            found_dips += 1;
        }
    }
    for (threshold, weight) in thresholds {
        if let Some(lag) = dips[..found_dips].iter().find(|&&lag| ratio[lag] < *threshold) {
            votes[*lag] += weight;
        }
    }
    let deepest = (SHORTEST..=LONGEST).fold(SHORTEST, |b, l| if ratio[l] < ratio[b] { l } else { b });
    // Where no threshold is met there is still a best guess.
    votes[deepest] += 0.01;
    for slot in &mut found {
        let lag = (SHORTEST..=LONGEST).fold(SHORTEST, |b, l| if votes[l] > votes[b] { l } else { b });
        if votes[lag] <= 0.0 {
            break;
        }
        let (a, b, c) = (ratio[lag - 1], ratio[lag], ratio[lag + 1]);
        let curve = a - 2.0 * b + c;
        let shift = if curve > 1e-9 { (0.5 * (a - c) / curve).clamp(-0.5, 0.5) } else { 0.0 };
        let hz = (RATE_HZ / DECIMATION as f64) as f32 / (lag as f32 + shift);
        let semitone = 12.0 * libm::log2f(hz / 440.0);
        *slot = Candidate { hz, semitone, prob: votes[lag].min(1.0), score: 0.0, from: 0 };
        votes[lag] = 0.0;
    }
    found
}

/// Low-passes and keeps one sample of [`DECIMATION`].
struct Decimator {
    taps: [[f32; DECIMATION]; TAPS / DECIMATION],
    /// Every [`DECIMATION`]th sample from each of the first few on, as many as the next output needs: so that
    /// neighbouring outputs read neighbouring samples.
    phases: [Vec<f32>; DECIMATION],
    /// Which of them takes the next sample.
    next: usize,
}

impl Decimator {
    /// With silence before the first sample.
    fn new() -> Self {
        let mut taps = [[0.0f32; DECIMATION]; TAPS / DECIMATION];
        let mut sum = 0.0;
        for (i, tap) in taps.as_flattened_mut().iter_mut().enumerate() {
            let x = i as f64 - (TAPS as f64 - 1.0) / 2.0;
            let phase = core::f64::consts::PI * 2.0 * 3_600.0 / RATE_HZ * x;
            let hann = 0.5 + 0.5 * libm::cos(core::f64::consts::TAU * x / TAPS as f64);
            *tap = (libm::sin(phase) / phase * hann) as f32;
            sum += *tap;
        }
        taps.as_flattened_mut().iter_mut().for_each(|t| *t /= sum);
        Self { taps, phases: std::array::from_fn(|_| vec![0.0; TAPS / DECIMATION - 1]), next: 0 }
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let clean = |s: &f32| if s.is_finite() { s.clamp(-16.0, 16.0) } else { 0.0 };
        for (i, phase) in self.phases.iter_mut().enumerate() {
            let first = (i + DECIMATION - self.next) % DECIMATION;
            phase.extend(samples.iter().skip(first).step_by(DECIMATION).map(clean));
        }
        self.next = (self.next + samples.len()) % DECIMATION;
        let ready = self.phases[DECIMATION - 1].len() + 1 - TAPS / DECIMATION;
        let mut first = 0;
        while first + OUTPUTS_AT_ONCE <= ready {
            out.extend(self.filter::<OUTPUTS_AT_ONCE>(first));
            first += OUTPUTS_AT_ONCE;
        }
        for i in first..ready {
            out.extend(self.filter::<1>(i));
        }
        self.phases.iter_mut().for_each(|phase| _ = phase.drain(..ready));
    }

    /// The next outputs from `first` on; how many are made at once makes no difference to any.
    fn filter<const N: usize>(&self, first: usize) -> [f32; N] {
        let mut sums = [0.0f32; N];
        for (i, taps) in self.taps.iter().enumerate() {
            for (phase, tap) in self.phases.iter().zip(taps) {
                for (sum, x) in sums.iter_mut().zip(&phase[first + i..first + i + N]) {
                    *sum += x * tap;
                }
            }
        }
        sums
    }
}

/// A one-pole high-pass at 130 Hz, against kick and bass.
#[derive(Default)]
struct HighPass {
    before: f32,
    out: f32,
}

impl HighPass {
    fn next(&mut self, x: f32) -> f32 {
        // exp(−2π · 130 / 11,025)
        const KEEP: f32 = 0.928_6;
        self.out = KEEP * (self.out + x - self.before);
        // Keeps denormal numbers out.
        if self.out.abs() < 1e-20 {
            self.out = 0.0;
        }
        self.before = x;
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice with vibrato and harmonics.
    fn sung(hz: f64, seconds: f64) -> Vec<f32> {
        let mut phase = 0.0;
        (0..(seconds * RATE_HZ) as usize)
            .map(|i| {
                let t = i as f64 / RATE_HZ;
                phase += core::f64::consts::TAU * hz * (1.0 + 0.01 * libm::sin(t * 35.0)) / RATE_HZ;
                (1..=6).map(|h| 0.2 / f64::from(h) * libm::sin(phase * f64::from(h))).sum::<f64>() as f32
            })
            .collect()
    }

    #[test]
    fn sung_notes_are_followed() {
        for hz in [110.0, 165.0, 220.0, 311.0, 440.0, 660.0, 880.0] {
            let mut tracker = MelodyTracker::new();
            tracker.push(&sung(hz, 1.0));
            let points = tracker.points();
            assert!(points.len() > 70);
            let good =
                points.iter().filter(|p| p.voiced && (f64::from(p.hz) / hz - 1.0).abs() < 0.02).count();
            assert!(good * 100 > points.len() * 92, "{hz}: {good} of {}", points.len());
        }
    }

    #[test]
    fn points_lie_where_the_notes_change() {
        let mut tracker = MelodyTracker::new();
        tracker.push(&[sung(220.0, 0.5), sung(330.0, 0.5)].concat());
        let turn = tracker.points().iter().find(|p| p.time_s > 0.2 && p.hz > 280.0).unwrap();
        assert!((turn.time_s - 0.5).abs() < 0.03, "{}", turn.time_s);
    }

    #[test]
    fn any_division_gives_the_same_and_history_is_bounded() {
        let audio = [sung(220.0, 1.0), sung(330.0, 1.0)].concat();
        let mut whole = MelodyTracker::new();
        whole.push(&audio);
        for size in [1, 441, 10_000] {
            let mut pieces = MelodyTracker::new();
            audio.chunks(size).for_each(|p| pieces.push(p));
            assert_eq!(whole.points(), pieces.points());
        }
        let mut bounded = MelodyTracker::new();
        bounded.set_history_s(Some(0.5));
        bounded.push(&audio);
        assert!(bounded.points().len() < 60);
        assert_eq!(bounded.points().last(), whole.points().last());
    }

    #[test]
    fn noise_silence_and_damage_have_no_pitch() {
        let mut seed = 7u32;
        let noise: Vec<f32> = (0..88_200)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        for audio in
            [noise, vec![0.0; 44_100], vec![f32::NAN; 44_100], vec![1e-38; 44_100], vec![1.0; 44_100]]
        {
            let mut tracker = MelodyTracker::new();
            tracker.push(&audio);
            let voiced = tracker.points().iter().filter(|p| p.voiced).count();
            assert!(voiced * 20 <= tracker.points().len(), "{voiced} of {}", tracker.points().len());
        }
    }
}
