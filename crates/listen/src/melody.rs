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
    taps: [f32; TAPS],
    /// The last `TAPS` samples, twice in a row so that a window never wraps.
    input: [f32; 2 * TAPS],
    input_at: usize,
    samples: u64,
    high_pass: [HighPass; 2],
    /// The last `FRAME` samples at the low rate, oldest first, and how many are there in all.
    low: Vec<f32>,
    low_count: u64,
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
        let mut taps = [0.0f32; TAPS];
        let mut sum = 0.0;
        for (i, tap) in taps.iter_mut().enumerate() {
            let x = i as f64 - (TAPS as f64 - 1.0) / 2.0;
            let phase = core::f64::consts::PI * 2.0 * 3_600.0 / RATE_HZ * x;
            let hann = 0.5 + 0.5 * libm::cos(core::f64::consts::TAU * x / TAPS as f64);
            *tap = (libm::sin(phase) / phase * hann) as f32;
            sum += *tap;
        }
        taps.iter_mut().for_each(|t| *t /= sum);
        Self {
            taps,
            input: [0.0; 2 * TAPS],
            input_at: 0,
            samples: 0,
            high_pass: [HighPass::default(), HighPass::default()],
            low: Vec::with_capacity(FRAME + HOP),
            low_count: 0,
            columns: VecDeque::with_capacity(OPEN + 1),
            points: Vec::new(),
            history_s: None,
        }
    }

    /// Takes samples in. The points do not depend on how the samples are divided into calls. A
    /// sample that is not a number, or infinite, is read as 0.
    pub fn push(&mut self, samples: &[f32]) {
        for &s in samples {
            let s = if s.is_finite() { s.clamp(-16.0, 16.0) } else { 0.0 };
            self.input[self.input_at] = s;
            self.input[self.input_at + TAPS] = s;
            self.input_at = (self.input_at + 1) % TAPS;
            self.samples += 1;
            if self.samples.is_multiple_of(DECIMATION as u64) {
                let window = &self.input[self.input_at..self.input_at + TAPS];
                let low: f32 = window.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
                let [first, second] = &mut self.high_pass;
                self.low.push(second.next(first.next(low)));
                self.low_count += 1;
                if self.low.len() == FRAME {
                    self.analyse();
                    self.low.drain(..HOP);
                }
            }
        }
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
        let mut candidates = candidates(&self.low);
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

/// The periods that a frame may have, likeliest first.
fn candidates(x: &[f32]) -> [Candidate; CANDIDATES] {
    let mut found = [Candidate::default(); CANDIDATES];
    let power: f32 = x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32;
    if power < SILENCE * SILENCE {
        return found;
    }
    // Equations 6 and 8: the difference function over its running mean.
    let mut ratio = [1.0f32; LONGEST + 2];
    let mut total = 0.0;
    for lag in 1..LONGEST + 2 {
        let mut sums = [0.0f32; 8];
        for (a, b) in x[..COMPARED].chunks_exact(8).zip(x[lag..lag + COMPARED].chunks_exact(8)) {
            for i in 0..8 {
                let d = a[i] - b[i];
                sums[i] += d * d;
            }
        }
        let d: f32 = sums.iter().sum();
        total += d;
        ratio[lag] = if total > 0.0 { d * lag as f32 / total } else { 1.0 };
    }
    // Each threshold votes for the first dip below it; low thresholds weigh as in pYIN's beta(2, 18).
    let mut votes = [0.0f32; LONGEST + 2];
    let (mut sum, mut weights) = (0.0, [0.0f32; 40]);
    for (i, w) in weights.iter_mut().enumerate() {
        let threshold = (i as f32 + 0.5) / 40.0;
        *w = threshold * libm::powf(1.0 - threshold, 12.0);
        sum += *w;
    }
    for (i, w) in weights.iter().enumerate() {
        let threshold = (i as f32 + 0.5) / 40.0;
        let dip = (SHORTEST..=LONGEST)
            .find(|&l| ratio[l] < threshold && ratio[l] <= ratio[l - 1] && ratio[l] < ratio[l + 1]);
        if let Some(lag) = dip {
            votes[lag] += w / sum;
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
