//! Which key: a hidden Markov model over seconds whose evidence is the net's word, or the chords' probabilities.
//!
//! How often each chord comes in a major and in a minor key was counted in Billboard's songs; the net learnt besides what
//! tells a key from its relative: which chord is home, what stands in the bass, what comes first and last.

use std::collections::VecDeque;

use backline_music::{Estimate, Key, KeySpan, Quality};

use super::net::KEYS;
use super::params::{CHORDS, CLASSES, NO_CHORD, QUALITIES, params};
use crate::calibration::Calibration;

/// Frames that make one step of evidence: about a second.
const STEP_FRAMES: usize = 22;
/// Say of a step: a chord lasts about two seconds and tells once.
const TRUST: f32 = 0.45;
/// The same of the net, which remembers what it heard: its word of one second has most of the song in it. The chords beside it
/// tell of this second alone, so they count for more: without them no change of key would outvote what the net remembers.
const TRUST_NET: f32 = 0.035;
const TRUST_CHORDS: f32 = 0.07;
/// The same of what music begins on.
const TRUST_FIRST: f32 = 0.055;
/// The same for the whole of a recording: exponent on the geometric mean of the net's probabilities.
const WHOLE_TRUST: f32 = 2.0;
/// No frame speaks against a key more than this, in the net's log probability.
const WORST: f32 = -12.0;
/// Of the whole, what the chords say counts this much beside the net's word; so does that music likes to begin at home, and,
/// less, to end there.
const CHORD_SHARE: f32 = 1.0;
const FIRST_SHARE: f32 = 1.0;
const LAST_SHARE: f32 = 0.5;
/// In a stream, that the music began there counts the less the less the net can believe in such a key, and not at all below this
/// log probability: songs change their key. The net that hears with hindsight tells of a change for itself.
const HOME_LEFT: f32 = -8.0;
/// Frames of music whose chord is the first, and the last: two and three seconds.
const FIRST_FRAMES: usize = 44;
const LAST_FRAMES: usize = 66;
/// Frames without any chord after which music begins anew: three seconds.
const STILL_FRAMES: usize = 64;
/// Share of a frame's chord that is left to the keys whose tonic it is not.
const ELSEWHERE: f32 = 0.05;
/// Chance that the key changes from one step to the next, and that it does so after a silence.
const CHANGE: f32 = 0.004;
const CHANGE_ANEW: f32 = 0.5;
/// Steps that hindsight may revise while streaming.
const OPEN_STEPS: usize = 120;

struct Step {
    start_s: f64,
    /// Whether it comes after so long a silence that it may be another song.
    anew: bool,
    evidence: [f32; KEYS],
}

impl Step {
    /// Chance that the key is another than in the step before.
    fn change(&self) -> f32 {
        if self.anew { CHANGE_ANEW } else { CHANGE }
    }

    /// The forward recursion from `forward`, the step before, normalised.
    fn after(&self, forward: &[f32; KEYS]) -> [f32; KEYS] {
        let top = self.evidence.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = forward.iter().sum();
        let change = self.change();
        let mut next = core::array::from_fn(|k| {
            let before = (1.0 - change) * forward[k] + change / 23.0 * (total - forward[k]);
            before * libm::expf(self.evidence[k] - top)
        });
        unit(&mut next);
        next
    }
}

/// Follows the key.
pub(crate) struct KeyTracker {
    hindsight: bool,
    /// Sum of the current step, frames in it, and where it began.
    sum: [f32; KEYS],
    frames: usize,
    start_s: f64,
    steps: VecDeque<Step>,
    open_steps: usize,
    /// Log score of each key at the end of the last settled step.
    entry: [f32; KEYS],
    spans: Vec<KeySpan>,
    settled: usize,
    now: Option<Estimate<Key>>,
    /// Sum of what the net told of each key, over so many frames of the whole.
    total: [f64; KEYS],
    told: usize,
    /// Sum of how much the first frames of music were each key's tonic chord, and of how many; then, as evidence.
    first: [f32; KEYS],
    first_frames: usize,
    began_on: [f32; KEYS],
    /// Frames without a chord up to now.
    still: usize,
    /// Whether the next step comes after a silence as long as [`STILL_FRAMES`].
    begins_anew: bool,
    /// The same of each of the last frames.
    last: VecDeque<[f32; KEYS]>,
    sure: Calibration,
}

impl KeyTracker {
    pub(crate) fn new(hindsight: bool, sure: Calibration) -> Self {
        Self {
            hindsight,
            sum: [0.0; KEYS],
            frames: 0,
            start_s: 0.0,
            steps: VecDeque::new(),
            open_steps: if hindsight { usize::MAX } else { OPEN_STEPS },
            entry: [0.0; KEYS],
            spans: Vec::new(),
            settled: 0,
            now: None,
            total: [0.0; KEYS],
            told: 0,
            first: [0.0; KEYS],
            first_frames: 0,
            began_on: [0.0; KEYS],
            still: 0,
            begins_anew: false,
            last: VecDeque::new(),
            sure,
        }
    }

    pub(crate) fn spans(&self) -> &[KeySpan] {
        &self.spans
    }

    /// The span that still holds.
    pub(crate) fn last_mut(&mut self) -> Option<&mut KeySpan> {
        self.spans.last_mut()
    }

    pub(crate) fn now(&self) -> Option<Estimate<Key>> {
        self.now
    }

    /// Forgets spans that ended before `time_s`.
    pub(crate) fn forget(&mut self, time_s: f64) {
        let old = self.spans[..self.settled].iter().take_while(|s| s.end_s < time_s).count();
        self.spans.drain(..old);
        self.settled -= old;
    }

    /// Takes a frame's chord probabilities and what the net told of the key; true when a step was completed.
    pub(crate) fn push(
        &mut self,
        time_s: f64,
        posterior: &[f32; CLASSES],
        told: Option<&[f32; KEYS]>,
    ) -> bool {
        if self.frames == 0 {
            self.start_s = time_s;
        }
        let chords = of_chords(posterior);
        if posterior[NO_CHORD] < 0.5 {
            if self.still >= STILL_FRAMES && !self.last.is_empty() {
                // What follows may be another song: it begins anew.
                (self.first, self.first_frames) = ([0.0; KEYS], 0);
                self.began_on = [0.0; KEYS];
                self.begins_anew = true;
            }
            self.still = 0;
            self.hear_home(of_tonics(posterior));
        } else {
            self.still += 1;
        }
        match told {
            Some(told) => {
                self.told += 1;
                let at_home = |key: usize| told[key] + self.began_on[key];
                let believed = (0..KEYS).map(at_home).fold(f32::NEG_INFINITY, f32::max);
                let left = if self.hindsight { 1.0 } else { (1.0 - believed / HOME_LEFT).clamp(0.0, 1.0) };
                for key in 0..KEYS {
                    let (told, began_on) = (told[key].max(WORST), self.began_on[key]);
                    self.sum[key] +=
                        TRUST_NET * told + TRUST_CHORDS * chords[key] + TRUST_FIRST * left * began_on;
                    self.total[key] += f64::from(told + CHORD_SHARE * chords[key] + FIRST_SHARE * began_on);
                }
            }
            None => self.sum.iter_mut().zip(&chords).for_each(|(sum, c)| *sum += TRUST * c),
        }
        self.frames += 1;
        if self.frames < STEP_FRAMES {
            return false;
        }
        self.complete();
        true
    }

    /// Remembers the first and the last chord.
    fn hear_home(&mut self, tonics: [f32; KEYS]) {
        if self.first_frames < FIRST_FRAMES {
            self.first_frames += 1;
            self.first.iter_mut().zip(&tonics).for_each(|(sum, t)| *sum += t);
            if self.first_frames == FIRST_FRAMES {
                self.began_on = self.first.map(|sum| libm::logf(sum / FIRST_FRAMES as f32 + ELSEWHERE));
            }
        }
        if self.last.len() == LAST_FRAMES {
            self.last.pop_front();
        }
        self.last.push_back(tonics);
    }

    fn complete(&mut self) {
        let evidence = self.sum.map(|s| s / STEP_FRAMES as f32);
        let anew = std::mem::take(&mut self.begins_anew);
        self.steps.push_back(Step { start_s: self.start_s, anew, evidence });
        self.sum = [0.0; KEYS];
        self.frames = 0;
    }

    /// The key of everything heard, by what the net told of it; `None` where there is no net.
    pub(crate) fn whole(&self) -> Option<Estimate<Key>> {
        if self.told == 0 {
            return None;
        }
        let n = self.last.len().max(1) as f32;
        let mean: [f32; KEYS] = core::array::from_fn(|key| {
            let ended_on = self.last.iter().map(|l| l[key]).sum::<f32>() / n;
            (self.total[key] / self.told as f64) as f32 + LAST_SHARE * libm::logf(ended_on + ELSEWHERE)
        });
        let top = mean.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut p = mean.map(|m| libm::expf(WHOLE_TRUST * (m - top)));
        unit(&mut p);
        let best = (0..KEYS).fold(0, |b, k| if p[k] > p[b] { k } else { b });
        let (value, prob, runner_up) = pick(&p, best);
        Some(Estimate { value, prob, runner_up: Some(runner_up) })
    }

    /// Decodes what is open; `now_s` is the stream time.
    pub(crate) fn decode(&mut self, now_s: f64, finished: bool) {
        if finished && self.frames > 2 {
            self.complete();
        }
        let n = self.steps.len();
        if n == 0 || self.steps.iter().all(|s| s.evidence.iter().all(|&e| e == 0.0)) && self.settled == 0 {
            return;
        }
        let mut score = self.entry;
        let mut forward = self.entry.map(libm::expf);
        let mut from = Vec::with_capacity(n);
        let mut forwards = Vec::with_capacity(n);
        for step in &self.steps {
            let best = (0..KEYS).fold(0, |b, k| if score[k] > score[b] { k } else { b });
            let (stay, change) = (libm::logf(1.0 - step.change()), libm::logf(step.change() / 23.0));
            let mut back = [0u8; KEYS];
            let mut next = [0.0; KEYS];
            for k in 0..KEYS {
                let moves = score[best] + change > score[k] + stay;
                back[k] = if moves { best as u8 } else { k as u8 };
                next[k] = if moves { score[best] + change } else { score[k] + stay } + step.evidence[k];
            }
            let top = next.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            score = next.map(|s| s - top);
            from.push(back);
            forward = step.after(&forward);
            forwards.push(forward);
        }
        let mut path = vec![0usize; n];
        let mut key = (0..KEYS).fold(0, |b, k| if score[k] > score[b] { k } else { b });
        for t in (0..n).rev() {
            path[t] = key;
            key = usize::from(from[t][key]);
        }
        let mut backward = [1.0f32; KEYS];
        let mut posterior = vec![[0.0f32; KEYS]; n];
        for t in (0..n).rev() {
            for k in 0..KEYS {
                posterior[t][k] = forwards[t][k] * backward[k];
            }
            unit(&mut posterior[t]);
            let e = &self.steps[t].evidence;
            let top = e.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weighted: [f32; KEYS] = core::array::from_fn(|k| backward[k] * libm::expf(e[k] - top));
            let total: f32 = weighted.iter().sum();
            for k in 0..KEYS {
                let change = self.steps[t].change();
                backward[k] = (1.0 - change) * weighted[k] + change / 23.0 * (total - weighted[k]);
            }
            unit(&mut backward);
        }
        self.now = forwards.last().map(|f| {
            let (value, prob, runner_up) = self.pick(f, path[n - 1]);
            Estimate { value, prob, runner_up: Some(runner_up) }
        });
        let before = self.spans.split_off(self.settled);
        let mut t = 0;
        while t < n {
            let end = (t..n).find(|&e| path[e] != path[t]).unwrap_or(n);
            let mut mean = [0.0; KEYS];
            for p in &posterior[t..end] {
                for (m, v) in mean.iter_mut().zip(p) {
                    *m += v / (end - t) as f32;
                }
            }
            let (key, prob, runner_up) = self.pick(&mean, path[t]);
            let end_s = self.steps.get(end).map_or(now_s, |s| s.start_s);
            let start_s = if self.spans.is_empty() { 0.0 } else { self.steps[t].start_s };
            match self.spans.last_mut().filter(|s| t == 0 && s.key == key) {
                Some(last) => last.end_s = end_s,
                None => {
                    let known = before.iter().find(|b| b.key == key && (b.start_s - start_s).abs() < 1e-9);
                    let decided_s = known.map_or(now_s, |b| b.decided_s);
                    self.spans.push(KeySpan {
                        start_s,
                        end_s,
                        key,
                        prob,
                        runner_up: Some(runner_up),
                        decided_s,
                    });
                }
            }
            t = end;
        }
        self.settle(now_s);
    }

    /// `pick`, with probabilities as they are to be read.
    fn pick(&self, p: &[f32; KEYS], key: usize) -> (Key, f32, (Key, f32)) {
        let (key, prob, (other, other_prob)) = pick(p, key);
        let prob = self.sure.of(prob);
        // The best path may hold on to a key through seconds that are likelier another.
        (key, prob, (other, self.sure.of(other_prob).min(prob).min(1.0 - prob)))
    }

    /// Lets go of the oldest steps; the spans that lie in them stay as they are.
    fn settle(&mut self, now_s: f64) {
        if self.steps.len() <= self.open_steps {
            return;
        }
        // In one go and not step by step, so that this is seldom.
        for _ in 0..self.open_steps / 2 {
            if let Some(step) = self.steps.pop_front() {
                self.entry = step.after(&self.entry.map(libm::expf)).map(|p| libm::logf(p.max(1e-20)));
            }
        }
        let edge = self.steps.front().map_or(now_s, |s| s.start_s);
        self.settled = self.spans.iter().take_while(|s| s.start_s < edge).count();
        if let Some(last) = self.spans[..self.settled].last_mut() {
            last.end_s = last.end_s.min(edge);
        }
        // What lies beyond the edge is found again at the next decoding, and joined if it goes on.
        if self.spans.len() == self.settled
            && let Some(last) = self.spans.last_mut()
        {
            last.end_s = now_s;
        }
    }
}

/// Mean log probability of the chords of a frame in each key; what is no chord says nothing.
fn of_chords(posterior: &[f32; CLASSES]) -> [f32; KEYS] {
    let table = &params().decoder.key;
    let mut evidence = [0.0; KEYS];
    for (class, &p) in posterior[..NO_CHORD].iter().enumerate() {
        if p > 1e-3 {
            for (key, sum) in evidence.iter_mut().enumerate() {
                let up = (class / QUALITIES + 24 - key % 12) % 12;
                *sum += p * table[key / 12 * CHORDS + up * QUALITIES + class % QUALITIES];
            }
        }
    }
    evidence
}

/// How much of a frame is each key's tonic chord: its triad, or that with a seventh or a suspension.
fn of_tonics(posterior: &[f32; CLASSES]) -> [f32; KEYS] {
    let sum = |root: usize, kinds: &[Quality]| -> f32 {
        kinds.iter().map(|&kind| posterior[root * QUALITIES + kind as usize]).sum()
    };
    core::array::from_fn(|key| match key / 12 {
        0 => sum(key % 12, &[Quality::Maj, Quality::Dom7, Quality::Maj7, Quality::Sus2, Quality::Sus4]),
        _ => sum(key % 12, &[Quality::Min, Quality::Min7]),
    })
}

fn unit(values: &mut [f32; KEYS]) {
    let sum: f32 = values.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        values.iter_mut().for_each(|v| *v /= sum);
    } else {
        values.fill(1.0 / KEYS as f32);
    }
}

/// A key with its probability, and the likeliest other.
fn pick(p: &[f32; KEYS], key: usize) -> (Key, f32, (Key, f32)) {
    let name = |k: usize| {
        Key::all().nth(k).unwrap_or(Key::new(backline_music::PitchClass::C, backline_music::Mode::Major))
    };
    let first = usize::from(key == 0);
    let other = (0..KEYS).filter(|&k| k != key).fold(first, |b, k| if p[k] > p[b] { k } else { b });
    (name(key), p[key], (name(other), p[other]))
}
