//! The bar pointer: a hidden Markov model over tempo, place in the bar and rhythm pattern.
//!
//! State space after Krebs, Böck & Widmer, "An efficient state-space model for joint tempo and meter
//! tracking", ISMIR 2015: a bar at a tempo is as many states as it has frames, the pointer moves one
//! state a frame, and the tempo changes at beats only. Patterns follow each other at bar lines (Krebs,
//! Böck & Widmer, ISMIR 2013). Run forwards it gives the probability of everything so far; with the
//! maximum in place of the sum, and the way back kept, it gives the best path (Viterbi).

use backline_music::Metre;

use super::activations::{Gains, Mark, marks};
use super::changes::{CHANGE_DELAY, ChangeModel, Spot};
use super::model::Patterns;
use super::{RHYTHM_FPS, RhythmFrame};

/// Slowest and fastest tactus.
pub const TEMPO_RANGE_BPM: (f64, f64) = (40.0, 240.0);
/// Slowest and fastest tactus of compound metres, whose tactus is three units long.
const COMPOUND_RANGE_BPM: (f64, f64) = (30.0, 150.0);
/// Ratio of neighbouring tempi.
const TEMPO_STEP: f64 = 1.025;
/// How fast tempo changes lose probability: λ in Krebs et al. 2015, equation 6.
const TEMPO_LAMBDA: f64 = 100.0;
/// Tempi on either side that can follow a tempo.
const REACH: usize = 3;
/// Probability that the next bar goes as this one.
const SAME_PATTERN: f32 = 0.85;
/// Probability that the metre changes at a bar line.
const OTHER_METRE: f32 = 0.002;
/// Share of the probability that is spread anew each frame, so that no mistake is for ever.
const LEAK: f32 = 2e-5;
/// Median and spread (natural logarithm) of tempo before anything is heard.
const TEMPO_PRIOR_BPM: (f64, f64) = (112.0, 0.42);
const COMPOUND_PRIOR_BPM: (f64, f64) = (66.0, 0.35);

/// Frames whose origins are kept at most (2 minutes, about 50 MB), and after settling.
const MOST_ROWS: usize = 6_000;
const KEPT_ROWS: usize = 3_000;
/// Beats nearer than this are one: the shortest period, less a frame or two.
const SEAM_FRAMES: usize = 10;

/// How paths that meet are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Their probabilities add up: what is known so far.
    Sum,
    /// The better one stays: the best path.
    Best,
}

/// The states of one pattern at one tempo. State `p` lies in slot `(p - head) mod len`, and the head moves on by
/// one each frame, so that the pointer moves without anything being copied.
struct Ring {
    pattern: usize,
    tempo: usize,
    first: usize,
    len: usize,
    head: usize,
    /// State at which each beat starts.
    beat_starts: Vec<usize>,
    /// States whose change of harmony is known now, with the spot in the bar where it was.
    spots: Vec<(usize, Spot)>,
    /// States on and next to beats.
    marks: Vec<(usize, Mark)>,
    /// Which table of bins holds this ring's.
    bins: usize,
    /// What the leak gives each state.
    leak: f32,
    /// Factor for metre and tempo in every frame.
    bonus: f32,
}

impl Ring {
    /// Where among all probabilities that of `state` lies now.
    fn slot(&self, state: usize) -> usize {
        self.first + if state < self.head { state + self.len - self.head } else { state - self.head }
    }

    /// Moves the pointer on by one state.
    fn advance(&mut self) {
        self.head = if self.head + 1 == self.len { 0 } else { self.head + 1 };
    }
}

/// Where a beat's first state came from: `tempo` and, at bar lines, `pattern`.
#[derive(Clone, Copy, Default)]
struct Origin {
    tempo: u8,
    pattern: u8,
}

/// A beat of the best path: frame, beat in the bar from 0, metre.
pub type PathBeat = (usize, usize, Metre);

/// The whole model and its present probabilities.
pub struct BarPointer {
    join: Join,
    patterns: Patterns,
    changes: ChangeModel,
    /// Tactus tempi, slowest first.
    pub tempi_bpm: Vec<f64>,
    rings: Vec<Ring>,
    /// `ring_at[pattern][tempo]`
    ring_at: Vec<Vec<Option<usize>>>,
    /// Bin of each state, for each bar length and division in use.
    bins: Vec<Vec<u8>>,
    /// Probability of each state, times `total`.
    prob: Vec<f32>,
    total: f32,
    /// Probability of each ring.
    ring_mass: Vec<f32>,
    /// `tempo_change[to][from + REACH - to]`
    tempo_change: Vec<[f32; 2 * REACH + 1]>,
    /// `pattern_change[from][to]`
    pattern_change: Vec<Vec<f32>>,
    frame: usize,
    /// How well a pointer that may be anywhere in the bar expects each codeword:
    /// `anywhere[pattern * codes + code]`.
    anywhere: Vec<f32>,
    /// For [`Join::Best`]: origins of all beats' first states, frame by frame, from frame `first_row` on.
    origins: Vec<Origin>,
    first_row: usize,
    /// Beats of the best path that are settled, their origins forgotten.
    settled: Vec<PathBeat>,
    origins_per_frame: usize,
    /// First origin of each pattern within a frame.
    origin_first: Vec<usize>,
    /// What the net's word on the metre is worth, by pattern.
    metre_gain: Vec<f32>,
    outgoing: Vec<f32>,
    /// What reaches the bar line from each pattern at each tempo, and the tempo it had.
    mixed: Vec<f32>,
    mixed_from: Vec<u8>,
}

impl BarPointer {
    /// A pointer that may be anywhere.
    pub fn new(join: Join, patterns: Patterns) -> Self {
        let steps = libm::log(TEMPO_RANGE_BPM.1 / COMPOUND_RANGE_BPM.0) / libm::log(TEMPO_STEP);
        let tempi_bpm: Vec<f64> =
            (0..=steps as usize).rev().map(|i| TEMPO_RANGE_BPM.1 / libm::pow(TEMPO_STEP, i as f64)).collect();
        let mut pointer = Self {
            join,
            rings: Vec::new(),
            ring_at: vec![vec![None; tempi_bpm.len()]; patterns.patterns.len()],
            bins: Vec::new(),
            prob: Vec::new(),
            total: 1.0,
            ring_mass: Vec::new(),
            tempo_change: tempo_change(&tempi_bpm),
            pattern_change: pattern_change(&patterns),
            frame: 0,
            anywhere: Vec::new(),
            origins: Vec::new(),
            first_row: 0,
            settled: Vec::new(),
            origins_per_frame: 0,
            origin_first: Vec::new(),
            metre_gain: Vec::with_capacity(patterns.patterns.len()),
            outgoing: vec![0.0; tempi_bpm.len()],
            mixed: vec![0.0; tempi_bpm.len() * patterns.patterns.len()],
            mixed_from: vec![0; tempi_bpm.len() * patterns.patterns.len()],
            tempi_bpm,
            patterns,
            changes: ChangeModel::built_in(),
        };
        pointer.lay_out();
        pointer
    }

    fn lay_out(&mut self) {
        let mut bin_tables: Vec<(usize, usize)> = Vec::new();
        let mut first = 0;
        let mut weights = Vec::new();
        for (m, pattern) in self.patterns.patterns.iter().enumerate() {
            let compound = pattern.metre.is_compound();
            let range = if compound { COMPOUND_RANGE_BPM } else { TEMPO_RANGE_BPM };
            let prior = if compound { COMPOUND_PRIOR_BPM } else { TEMPO_PRIOR_BPM };
            for (j, bpm) in self.tempi_bpm.iter().enumerate() {
                if *bpm < range.0 * 0.99 || *bpm > range.1 * 1.01 {
                    continue;
                }
                let len = (pattern.beats as f64 * 60.0 * RHYTHM_FPS / bpm).round() as usize;
                let key = (len, pattern.bins);
                let bins = bin_tables.iter().position(|k| *k == key).unwrap_or_else(|| {
                    bin_tables.push(key);
                    self.bins.push((0..len).map(|p| (p * pattern.bins / len) as u8).collect());
                    bin_tables.len() - 1
                });
                let z = libm::log(bpm / prior.0) / prior.1;
                let weight = metre_prior(pattern.metre) * pattern.share * libm::exp(-0.5 * z * z) as f32;
                self.ring_at[m][j] = Some(self.rings.len());
                weights.push(weight);
                self.rings.push(Ring {
                    pattern: m,
                    tempo: j,
                    first,
                    len,
                    head: 0,
                    beat_starts: (0..pattern.beats).map(|b| (b * len).div_ceil(pattern.beats)).collect(),
                    spots: spots(pattern.metre, len),
                    marks: marks(pattern.beats, len),
                    bins,
                    leak: 0.0,
                    bonus: libm::exp(self.patterns.bonus(pattern.metre, *bpm)) as f32,
                });
                first += len;
            }
            self.origin_first.push(self.origins_per_frame);
            self.origins_per_frame += pattern.beats * self.tempi_bpm.len();
        }
        let sum: f32 = weights.iter().sum();
        let codes = self.patterns.codes();
        for pattern in &self.patterns.patterns {
            let mean = |gains: &[f32]| gains.iter().sum::<f32>() / pattern.bins as f32;
            self.anywhere
                .extend((0..codes).map(|c| mean(&pattern.gain[c * pattern.bins..(c + 1) * pattern.bins])));
        }
        self.prob = vec![0.0; first];
        self.ring_mass = weights.iter().map(|w| w / sum).collect();
        for (ring, mass) in self.rings.iter_mut().zip(&self.ring_mass) {
            let each = mass / ring.len as f32;
            ring.leak = each * LEAK;
            self.prob[ring.first..ring.first + ring.len].fill(each);
        }
    }

    /// Leaves only tempi within `tolerance` (a share) of `bpm`. To be called before anything is heard.
    pub fn keep_tempo(&mut self, bpm: f64, tolerance: f64) {
        for (ring, mass) in self.rings.iter_mut().zip(&mut self.ring_mass) {
            if (self.tempi_bpm[ring.tempo] / bpm - 1.0).abs() > tolerance {
                ring.bonus = 0.0;
                ring.leak = 0.0;
                *mass = 0.0;
                self.prob[ring.first..ring.first + ring.len].fill(0.0);
            }
        }
        self.total = self.prob.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    }

    /// Moves on by one frame and hears it. Returns the logarithm of how much better it was expected
    /// than if the place in the bar were not known: positive when the music keeps its beat.
    pub fn step(&mut self, frame: &RhythmFrame) -> f32 {
        if self.rings.is_empty() {
            return 0.0;
        }
        let code = self.patterns.code(&frame.strengths);
        let codes = self.patterns.codes();
        self.frame += 1;
        self.rings.iter_mut().for_each(Ring::advance);
        self.cross_beats();
        self.hear_change(frame.change);
        let told = frame.activations.as_ref().map(Gains::of);
        let by_net = told.as_ref().map_or(1.0, |told| self.hear_marks(told));
        self.metre_gain.clear();
        self.metre_gain.extend(
            self.patterns.patterns.iter().map(|p| told.as_ref().map_or(1.0, |told| told.metre(p.metre))),
        );
        let (mut total, mut anywhere) = (0.0_f32, 0.0_f32);
        let mut own_gain = [0.0_f32; 256];
        let share = if self.join == Join::Sum { self.total } else { self.total * 1e-6 };
        for (ring, mass) in self.rings.iter().zip(&mut self.ring_mass) {
            let pattern = &self.patterns.patterns[ring.pattern];
            let gain = &pattern.gain[code * pattern.bins..(code + 1) * pattern.bins];
            let bonus = ring.bonus * self.metre_gain[ring.pattern];
            for (own, gain) in own_gain.iter_mut().zip(gain) {
                *own = gain * bonus;
            }
            let head = ring.head;
            let (start, rest) = self.prob[ring.first..ring.first + ring.len].split_at_mut(ring.len - head);
            let bins = &self.bins[ring.bins];
            let leak = ring.leak * share;
            anywhere += *mass * bonus * self.anywhere[ring.pattern * codes + code];
            *mass =
                weigh(start, &bins[head..], &own_gain, leak) + weigh(rest, &bins[..head], &own_gain, leak);
            total += *mass;
        }
        let total = total.max(f32::MIN_POSITIVE);
        let expected = total / self.total;
        let scale = 1.0 / total;
        self.ring_mass.iter_mut().for_each(|m| *m *= scale);
        self.total = total;
        // The states are brought back to a sum of 1 only when they drift far off.
        if !(1e-9..1e9).contains(&total) {
            self.prob.iter_mut().for_each(|p| *p *= scale);
            self.total = 1.0;
        }
        if self.join == Join::Best {
            self.settle();
        }
        libm::logf(by_net * expected / anywhere.max(f32::MIN_POSITIVE))
    }

    /// Weighs the states at beats by what the net says; how much better that was expected than anywhere.
    fn hear_marks(&mut self, told: &Gains) -> f32 {
        let (mut gained, mut anywhere) = (0.0, 0.0);
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            let mut extra = 0.0;
            for (state, mark) in &ring.marks {
                let p = &mut self.prob[ring.slot(*state)];
                let gain = told.marks[*mark as usize] - 1.0;
                gained += *p * gain;
                extra += gain;
                *p += *p * gain;
            }
            anywhere += mass * (1.0 + extra / ring.len as f32);
        }
        let before = self.total;
        self.total = (self.total + gained).max(f32::MIN_POSITIVE);
        self.total / (before * anywhere.max(f32::MIN_POSITIVE))
    }

    /// Weighs the states that were at a beat, or between two, when the harmony was compared.
    fn hear_change(&mut self, change: u8) {
        if change == 0 {
            return;
        }
        let gains = [Spot::Downbeat, Spot::Middle, Spot::Beat, Spot::Between]
            .map(|spot| self.changes.gain(spot, change));
        let mut gained = 0.0;
        for ring in &self.rings {
            for (state, spot) in &ring.spots {
                let p = &mut self.prob[ring.slot(*state)];
                let weighed = *p * gains[*spot as usize];
                gained += weighed - *p;
                *p = weighed;
            }
        }
        // What harmony says is no evidence for a beat: noise has changes, too.
        self.total = (self.total + gained).max(f32::MIN_POSITIVE);
    }

    /// Lets tempo change at every beat, and the pattern at every bar line.
    fn cross_beats(&mut self) {
        let tempi = self.tempi_bpm.len();
        let keep = self.join == Join::Best;
        let row = self.origins.len();
        if keep {
            self.origins.resize(row + self.origins_per_frame, Origin::default());
        }
        for m in 0..self.ring_at.len() {
            for beat in 0..self.patterns.patterns[m].beats {
                self.outgoing.fill(0.0);
                for (j, ring) in self.ring_at[m].iter().enumerate() {
                    if let Some(r) = ring {
                        self.outgoing[j] = self.prob[self.slot(*r, beat)];
                    }
                }
                for to in 0..tempi {
                    let Some(r) = self.ring_at[m][to] else { continue };
                    let (lowest, end) = around(to, tempi);
                    let change = &self.tempo_change[to][lowest + REACH - to..end + REACH - to];
                    let arriving =
                        self.outgoing[lowest..end].iter().zip(change).map(|(p, change)| p * change);
                    let mut joined = (0.0_f32, to as u8);
                    if keep {
                        for (from, p) in arriving.enumerate() {
                            if p > joined.0 {
                                joined = (p, (lowest + from) as u8);
                            }
                        }
                    } else {
                        joined.0 = arriving.fold(0.0, |sum, p| sum + p);
                    }
                    if beat == 0 {
                        (self.mixed[m * tempi + to], self.mixed_from[m * tempi + to]) = joined;
                    } else {
                        let slot = self.slot(r, beat);
                        self.prob[slot] = joined.0;
                        if keep {
                            self.origins[row + self.origin_first[m] + beat * tempi + to] =
                                Origin { tempo: joined.1, pattern: m as u8 };
                        }
                    }
                }
            }
        }
        for m in 0..self.ring_at.len() {
            self.outgoing.fill(0.0);
            let first = row + self.origin_first[m];
            if keep {
                for (to, origin) in self.origins[first..first + tempi].iter_mut().enumerate() {
                    *origin = Origin { tempo: to as u8, pattern: m as u8 };
                }
            }
            // Pattern by pattern over all tempi at once; where a pattern lacks a tempo, nothing is mixed.
            for from in 0..self.ring_at.len() {
                let change = self.pattern_change[from][m];
                let mixed = &self.mixed[from * tempi..(from + 1) * tempi];
                let joined = self.outgoing.iter_mut().zip(mixed).map(|(joined, p)| (joined, p * change));
                if keep {
                    let tempi_from = &self.mixed_from[from * tempi..(from + 1) * tempi];
                    let origins = &mut self.origins[first..first + tempi];
                    for (((joined, p), origin), tempo) in joined.zip(origins).zip(tempi_from) {
                        if p > *joined {
                            *joined = p;
                            *origin = Origin { tempo: *tempo, pattern: from as u8 };
                        }
                    }
                } else {
                    joined.for_each(|(joined, p)| *joined += p);
                }
            }
            for to in 0..tempi {
                if let Some(r) = self.ring_at[m][to] {
                    let slot = self.slot(r, 0);
                    self.prob[slot] = self.outgoing[to];
                }
            }
        }
    }

    /// Slot of the first state of `beat`.
    fn slot(&self, ring: usize, beat: usize) -> usize {
        let ring = &self.rings[ring];
        ring.slot(ring.beat_starts[beat])
    }

    /// Probability of each tempo.
    pub fn tempo_masses(&self, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.tempi_bpm.len(), 0.0);
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            out[ring.tempo] += mass;
        }
    }

    /// Probability of each metre, in the order in which the patterns come.
    pub fn metre_masses(&self) -> Vec<(Metre, f32)> {
        let mut masses: Vec<(Metre, f32)> = Vec::new();
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            let metre = self.patterns.patterns[ring.pattern].metre;
            match masses.iter_mut().find(|(m, _)| *m == metre) {
                Some(entry) => entry.1 += mass,
                None => masses.push((metre, *mass)),
            }
        }
        masses
    }

    /// Calls `visit(metre, place in the bar in beats, probability)` for all states of the tempi
    /// `from..=to` that matter.
    pub fn visit(&self, from: usize, to: usize, mut visit: impl FnMut(Metre, f32, f32)) {
        let scale = 1.0 / self.total;
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            if *mass < 1e-4 || ring.tempo < from || ring.tempo > to {
                continue;
            }
            let pattern = &self.patterns.patterns[ring.pattern];
            let head = ring.head;
            let beats_per_state = pattern.beats as f32 / ring.len as f32;
            for (s, p) in self.prob[ring.first..ring.first + ring.len].iter().enumerate() {
                let place = if s < ring.len - head { s + head } else { s + head - ring.len };
                visit(pattern.metre, place as f32 * beats_per_state, *p * scale);
            }
        }
    }

    /// Bounds the memory: when many frames wait, the beats of all but the last minute are settled. Paths
    /// that differ now have long met there.
    fn settle(&mut self) {
        let rows = self.origins.len() / self.origins_per_frame.max(1);
        if rows < MOST_ROWS {
            return;
        }
        let dropped = rows - KEPT_ROWS;
        let until = self.first_row + dropped;
        let mut path = self.best_path();
        path.truncate(path.partition_point(|b| b.0 < until));
        self.settled = path;
        self.origins.drain(..dropped * self.origins_per_frame);
        self.first_row = until;
    }

    /// The best path that ends now, earliest beat first.
    pub fn best_path(&self) -> Vec<PathBeat> {
        let mut path = self.open_path();
        path.reverse();
        let Some(last) = self.settled.last() else { return path };
        // Where the two disagree on the beat at the seam, the settled one stays.
        let from = path.partition_point(|b| b.0 < last.0 + SEAM_FRAMES);
        self.settled.iter().copied().chain(path[from..].iter().copied()).collect()
    }

    /// The best path back to the oldest origin that is kept, latest beat first.
    fn open_path(&self) -> Vec<PathBeat> {
        let mut path = Vec::new();
        let Some(best) =
            (0..self.rings.len()).max_by(|a, b| self.ring_peak(*a).total_cmp(&self.ring_peak(*b)))
        else {
            return path;
        };
        let mut ring = best;
        let mut place = {
            let r = &self.rings[ring];
            let states = &self.prob[r.first..r.first + r.len];
            let slot = (0..r.len).max_by(|a, b| states[*a].total_cmp(&states[*b])).unwrap_or(0);
            (slot + r.head) % r.len
        };
        // `frame` counts the frames heard; the frame heard first is number 0.
        let mut frame = self.frame;
        while frame > 0 {
            let r = &self.rings[ring];
            let beat = r.beat_starts.iter().rposition(|start| *start <= place).unwrap_or(0);
            let since = place - r.beat_starts[beat];
            if since >= frame {
                break;
            }
            frame -= since;
            path.push((frame - 1, beat, self.patterns.patterns[r.pattern].metre));
            let Some(row) = (frame - 1).checked_sub(self.first_row) else { break };
            let row = row * self.origins_per_frame;
            let origin =
                self.origins[row + self.origin_first[r.pattern] + beat * self.tempi_bpm.len() + r.tempo];
            let (pattern, tempo) = (usize::from(origin.pattern), usize::from(origin.tempo));
            let Some(before) = self.ring_at[pattern][tempo] else { break };
            ring = before;
            // The state before this beat's first: the last one of the beat before.
            let starts = &self.rings[ring].beat_starts;
            place = if beat == 0 { self.rings[ring].len - 1 } else { starts[beat] - 1 };
            frame -= 1;
        }
        path
    }

    fn ring_peak(&self, ring: usize) -> f32 {
        let r = &self.rings[ring];
        self.prob[r.first..r.first + r.len].iter().copied().fold(0.0, f32::max)
    }
}

/// The states [`CHANGE_DELAY`] frames after each beat of a bar of `len` states, and after each half or
/// third of a beat.
fn spots(metre: Metre, len: usize) -> Vec<(usize, Spot)> {
    let beats = usize::from(metre.tactus_per_bar());
    let parts = if metre.is_compound() { 3 } else { 2 };
    (0..beats * parts)
        .map(|i| {
            let spot = match (i % parts, i / parts) {
                (0, 0) => Spot::Downbeat,
                (0, beat) if 2 * beat == beats => Spot::Middle,
                (0, _) => Spot::Beat,
                _ => Spot::Between,
            };
            ((i * len / (beats * parts) + CHANGE_DELAY) % len, spot)
        })
        .collect()
}

/// Weighs `states` by the gain of their bins and returns their sum.
fn weigh(states: &mut [f32], bins: &[u8], gain: &[f32; 256], leak: f32) -> f32 {
    // Four sums, so that one addition need not wait for the other; their order is fixed.
    let mut sums = [0.0_f32; 4];
    let (mut four_states, mut four_bins) = (states.chunks_exact_mut(4), bins.chunks_exact(4));
    for (p, bin) in (&mut four_states).zip(&mut four_bins) {
        for i in 0..4 {
            p[i] = (p[i] + leak) * gain[usize::from(bin[i])];
            sums[i] += p[i];
        }
    }
    for (p, bin) in four_states.into_remainder().iter_mut().zip(four_bins.remainder()) {
        *p = (*p + leak) * gain[usize::from(*bin)];
        sums[0] += *p;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

fn metre_prior(metre: Metre) -> f32 {
    match (metre.numerator, metre.denominator) {
        (4, 4) => 0.80,
        (3, 4) => 0.09,
        (6, 8) => 0.09,
        _ => 0.02,
    }
}

/// The tempi from which, and to which, `tempo` of `tempi` can change: the first, and one past the last.
fn around(tempo: usize, tempi: usize) -> (usize, usize) {
    (tempo.saturating_sub(REACH), (tempo + REACH + 1).min(tempi))
}

fn tempo_change(tempi_bpm: &[f64]) -> Vec<[f32; 2 * REACH + 1]> {
    let weight =
        |from: usize, to: usize| libm::exp(-TEMPO_LAMBDA * (tempi_bpm[to] / tempi_bpm[from] - 1.0).abs());
    let n = tempi_bpm.len();
    let mut change = vec![[0.0; 2 * REACH + 1]; n];
    for from in 0..n {
        let (lowest, end) = around(from, n);
        let sum: f64 = (lowest..end).map(|to| weight(from, to)).sum();
        for to in lowest..end {
            change[to][from + REACH - to] = (weight(from, to) / sum) as f32;
        }
    }
    change
}

fn pattern_change(patterns: &Patterns) -> Vec<Vec<f32>> {
    let all = &patterns.patterns;
    all.iter()
        .enumerate()
        .map(|(from, a)| {
            let others: f32 =
                all.iter().filter(|b| b.metre != a.metre).map(|b| metre_prior(b.metre) * b.share).sum();
            all.iter()
                .enumerate()
                .map(|(to, b)| {
                    if b.metre != a.metre {
                        OTHER_METRE * metre_prior(b.metre) * b.share / others
                    } else {
                        let again = if from == to { SAME_PATTERN } else { 0.0 };
                        (1.0 - OTHER_METRE) * (again + (1.0 - SAME_PATTERN) * b.share)
                    }
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn the_path_of_a_long_recording_has_no_seam_and_bounded_memory() {
        let mut pointer = BarPointer::new(Join::Best, Patterns::built_in(Weight::ALONE));
        // 120 beats a minute, kick and snare, for two and a half minutes.
        for i in 0..7_500 {
            let strengths = match i % 50 {
                0 => [1.0, 0.0, 0.3, 0.5],
                25 => [0.0, 1.0, 1.0, 0.5],
                _ => [0.0; 4],
            };
            pointer.step(&RhythmFrame { strengths, change: 0, activations: None });
            assert!(pointer.origins.len() <= MOST_ROWS * pointer.origins_per_frame);
        }
        assert!(pointer.first_row > 0, "the test is too short to settle anything");
        let path = pointer.best_path();
        let period = path[40].0 - path[39].0;
        assert!(path.len() * period > 7_200, "{} beats of {period} frames", path.len());
        for pair in path.windows(2).skip(16) {
            assert!((pair[1].0 - pair[0].0).abs_diff(period) <= 3, "{pair:?}");
            assert_eq!(pair[1].1, (pair[0].1 + 1) % 4, "{pair:?}");
        }
    }
}
