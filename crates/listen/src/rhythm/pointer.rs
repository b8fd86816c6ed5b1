//! The bar pointer: a hidden Markov model over tempo, place in the bar and rhythm pattern.
//!
//! State space after Krebs, Böck & Widmer, "An efficient state-space model for joint tempo and meter
//! tracking", ISMIR 2015: a bar at a tempo is as many states as it has frames, the pointer moves one
//! state a frame, and the tempo changes at beats only. Patterns follow each other at bar lines (Krebs,
//! Böck & Widmer, ISMIR 2013). Run forwards it gives the probability of everything so far; with the
//! maximum in place of the sum, and the way back kept, it gives the best path (Viterbi).

mod rings;

use std::ops::Range;

use backline_music::Metre;

use super::RhythmFrame;
use super::activations::Gains;
use super::changes::{ChangeModel, Spot};
use super::model::Patterns;
use crate::lanes::Lanes;
use rings::{Block, KINDS, Ring, Touch, by_kind};

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
/// On the way to the best path nothing leaks, since nobody would remember where it came from. Instead, what all patterns of a
/// metre have at a tempo is forgotten when it is less than this beside everything: a tempo that changes by a third, which goes
/// through those between, stays well above it. Most of the states are at rest then.
const LEAST_SHARE: f32 = 1e-20;
/// Median and spread (natural logarithm) of tempo before anything is heard.
const TEMPO_PRIOR_BPM: (f64, f64) = (112.0, 0.42);
const COMPOUND_PRIOR_BPM: (f64, f64) = (66.0, 0.35);

/// Tempi that hold less than this are not raised: there is nothing in them to go by.
const LEAST_HELD: f32 = 1e-20;
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

/// Number of no pattern.
const NO_PATTERN: u8 = u8::MAX;

/// Where a beat's first state came from: `tempo` and, at bar lines, `pattern`.
#[derive(Clone, Copy, Default)]
struct Origin {
    tempo: u8,
    pattern: u8,
}

/// A beat of the best path: frame, beat in the bar from 0, metre.
pub type PathBeat = (usize, usize, Metre);

/// What meets in one state: its probability, and the number of the tempo or pattern that it came from.
#[derive(Clone, Copy)]
struct Joined {
    prob: Lanes,
    from: Lanes,
}

impl Joined {
    /// Nothing yet; what would be said to come from `from`.
    fn nothing(from: u8) -> Self {
        Self { prob: Lanes::default(), from: Lanes::all(f32::from(from)) }
    }

    /// Keeps what comes from `from` where it is the better.
    fn choose(self, prob: Lanes, from: u8) -> Self {
        self.choose_each(prob, Lanes::all(f32::from(from)))
    }

    /// Keeps what comes from the number in the same lane of `from` where it is the better.
    fn choose_each(self, prob: Lanes, from: Lanes) -> Self {
        let better = prob.greater(self.prob);
        Self { prob: better.of(prob, self.prob), from: better.of(from, self.from) }
    }
}

/// What reaches the bar line at one tempo from all patterns of one metre: they differ in nothing that another pattern would
/// go by.
#[derive(Clone, Copy)]
struct Arrived {
    /// All of it.
    sum: f32,
    /// The most that a pattern brings, and which one does.
    best: f32,
    pattern: u8,
}

impl Arrived {
    const NOTHING: Self = Self { sum: 0.0, best: 0.0, pattern: NO_PATTERN };

    /// With what patterns bring whose first is `first`.
    fn with(mut self, prob: Lanes, first: usize) -> Self {
        self.sum += prob.sum();
        for (prob, pattern) in prob.numbers().into_iter().zip(first..) {
            if prob > self.best {
                (self.best, self.pattern) = (prob, pattern as u8);
            }
        }
        self
    }
}

/// How likely patterns are to follow each other at a bar line.
struct PatternChange {
    /// The blocks of each metre.
    metres: Vec<Range<usize>>,
    /// For each block, the probability that its patterns follow a pattern of each metre, if that pattern is to change.
    to_block: Vec<Vec<Lanes>>,
    /// For each block, the probability that its patterns go on beyond that.
    again: Vec<Lanes>,
}

/// The whole model and its present probabilities.
pub struct BarPointer {
    join: Join,
    patterns: Patterns,
    blocks: Vec<Block>,
    changes: ChangeModel,
    /// Tactus tempi, slowest first.
    pub tempi_bpm: Vec<f64>,
    /// Those of one block lie side by side, slowest first.
    rings: Vec<Ring>,
    /// Probability of each state, times `total`.
    prob: Vec<Lanes>,
    /// The states that more happens to than to the others, ring by ring, and what waits for them: so that nobody has
    /// to look for them among all.
    touches: Vec<Touch>,
    waiting: Vec<Lanes>,
    /// For each block, beat by beat and tempo by tempo, which of all touches is the beat's first state.
    starts: Vec<Vec<u32>>,
    total: f32,
    /// Probability of each ring.
    ring_mass: Vec<Lanes>,
    /// `tempo_change[to][from + REACH - to]`, 0 beyond the ends.
    tempo_change: Vec<[Lanes; 2 * REACH + 1]>,
    pattern_change: PatternChange,
    frame: usize,
    /// For [`Join::Best`]: origins of all beats' first states, frame by frame, from frame `first_row` on.
    origins: Vec<Origin>,
    first_row: usize,
    /// Beats of the best path that are settled, their origins forgotten.
    settled: Vec<PathBeat>,
    origins_per_frame: usize,
    /// First origin of each block within a frame.
    origin_first: Vec<usize>,
    /// What leaves towards a beat at each tempo, with [`REACH`] tempi of nothing on either side.
    outgoing: Vec<Lanes>,
    /// What reaches the bar line from each block at each tempo, and the tempo it had.
    mixed: Vec<Joined>,
    /// What reaches it at one tempo from each metre.
    arrived: Vec<Arrived>,
    /// Which tempi a beat can have that follows one that does not rest: in one block, and in any.
    near: Vec<bool>,
    reached: Vec<bool>,
}

impl BarPointer {
    /// A pointer that may be anywhere.
    pub fn new(join: Join, patterns: Patterns) -> Self {
        let steps = libm::log(TEMPO_RANGE_BPM.1 / COMPOUND_RANGE_BPM.0) / libm::log(TEMPO_STEP);
        let tempi_bpm: Vec<f64> =
            (0..=steps as usize).rev().map(|i| TEMPO_RANGE_BPM.1 / libm::pow(TEMPO_STEP, i as f64)).collect();
        let blocks = Block::all(&patterns);
        let pattern_change = PatternChange::new(&patterns, &blocks);
        let mut pointer = Self {
            join,
            arrived: vec![Arrived::NOTHING; pattern_change.metres.len()],
            rings: Vec::new(),
            prob: Vec::new(),
            touches: Vec::new(),
            waiting: Vec::new(),
            starts: Vec::new(),
            total: 1.0,
            ring_mass: Vec::new(),
            tempo_change: tempo_change(&tempi_bpm),
            pattern_change,
            frame: 0,
            origins: Vec::new(),
            first_row: 0,
            settled: Vec::new(),
            origins_per_frame: 0,
            origin_first: Vec::new(),
            outgoing: vec![Lanes::default(); tempi_bpm.len() + 2 * REACH],
            mixed: vec![Joined::nothing(0); tempi_bpm.len() * blocks.len()],
            near: vec![false; tempi_bpm.len()],
            reached: vec![false; tempi_bpm.len()],
            tempi_bpm,
            patterns,
            blocks,
            changes: ChangeModel::built_in(),
        };
        pointer.lay_out();
        pointer
    }

    fn lay_out(&mut self) {
        let mut first = 0;
        let mut weights: Vec<Lanes> = Vec::new();
        for (number, block) in self.blocks.iter_mut().enumerate() {
            let compound = block.metre.is_compound();
            let range = if compound { COMPOUND_RANGE_BPM } else { TEMPO_RANGE_BPM };
            let prior = if compound { COMPOUND_PRIOR_BPM } else { TEMPO_PRIOR_BPM };
            let slowest = self.tempi_bpm.partition_point(|bpm| *bpm < range.0 * 0.99);
            let end = self.tempi_bpm.partition_point(|bpm| *bpm <= range.1 * 1.01);
            (block.tempi, block.first_ring) = (slowest..end, self.rings.len());
            for (tempo, &bpm) in self.tempi_bpm.iter().enumerate().take(end).skip(slowest) {
                let mut ring = Ring::new(block, number, (tempo, bpm), first, &mut self.touches);
                ring.bonus = libm::exp(self.patterns.bonus(block.metre, bpm)) as f32;
                first += ring.len;
                self.rings.push(ring);
                let z = libm::log(bpm / prior.0) / prior.1;
                let at_tempo = libm::exp(-0.5 * z * z) as f32;
                let prior = metre_prior(block.metre);
                weights.push(block.lanes(|i| prior * self.patterns.patterns[i].share * at_tempo));
            }
            let (rings, touches) = (&self.rings[block.rings()], &self.touches);
            let starts = |beat| rings.iter().map(move |ring| ring.start_of(beat, touches) as u32);
            self.starts.push((0..block.beats).flat_map(starts).collect());
            self.origin_first.push(self.origins_per_frame);
            self.origins_per_frame += block.beats * block.tempi.len() * block.patterns.len();
        }
        let whole: f32 = weights.iter().map(|w| w.sum()).sum();
        self.prob = vec![Lanes::default(); first];
        self.ring_mass = weights.iter().map(|w| *w * (1.0 / whole)).collect();
        for (ring, mass) in self.rings.iter_mut().zip(&self.ring_mass) {
            let each = *mass * (1.0 / ring.len as f32);
            ring.leak = if self.join == Join::Sum { each * LEAK } else { Lanes::default() };
            self.prob[ring.states()].fill(each);
        }
        self.waiting = vec![Lanes::default(); self.touches.len()];
        self.fetch();
    }

    fn fetch(&mut self) {
        for ring in &self.rings {
            let (touches, waiting) =
                (&self.touches[ring.touches.clone()], &mut self.waiting[ring.touches.clone()]);
            ring.fetch(&self.prob[ring.states()], touches, waiting);
        }
    }

    /// Leaves only tempi within `tolerance` (a share) of one of those in `bpm`. To be called before anything is heard.
    pub fn keep_tempi(&mut self, bpm: &[f64], tolerance: f64) {
        for (ring, mass) in self.rings.iter_mut().zip(&mut self.ring_mass) {
            let tempo = self.tempi_bpm[ring.tempo];
            if !bpm.iter().any(|kept| (tempo / kept - 1.0).abs() <= tolerance) {
                ring.bonus = 0.0;
                ring.rests = true;
                ring.leak = Lanes::default();
                *mass = Lanes::default();
                self.prob[ring.states()].fill(Lanes::default());
            }
        }
        self.total = self.prob.iter().map(|p| p.sum()).sum::<f32>().max(f32::MIN_POSITIVE);
        self.fetch();
    }

    /// Shares the probability of the `clusters` (ranges of tempi, which do not overlap, and what each is to count beside
    /// the others) anew among them; what each tempo holds of places and patterns stays as it is.
    pub fn share_tempi(&mut self, clusters: &[(Range<usize>, f32)]) {
        let mut held = vec![0.0_f32; clusters.len()];
        let mut tempi: Vec<Option<usize>> = vec![None; self.tempi_bpm.len()];
        for (c, (range, _)) in clusters.iter().enumerate() {
            tempi[range.clone()].fill(Some(c));
        }
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            if let Some(c) = tempi[ring.tempo] {
                held[c] += mass.sum();
            }
        }
        let there: f32 = held.iter().sum();
        let wanted: f32 =
            clusters.iter().zip(&held).filter(|(_, h)| **h > LEAST_HELD).map(|(c, _)| c.1).sum();
        if there <= 0.0 || wanted <= 0.0 {
            return;
        }
        for (ring, mass) in self.rings.iter().zip(&mut self.ring_mass) {
            let Some(c) = tempi[ring.tempo].filter(|c| held[*c] > LEAST_HELD) else { continue };
            let more = clusters[c].1 / wanted * there / held[c];
            *mass = *mass * more;
            self.prob[ring.states()].iter_mut().for_each(|p| *p = *p * more);
            self.waiting[ring.touches.clone()].iter_mut().for_each(|p| *p = *p * more);
        }
    }

    /// Moves on by one frame and hears it. Returns the logarithm of how much better it was expected
    /// than if the place in the bar were not known: positive when the music keeps its beat.
    pub fn step(&mut self, frame: &RhythmFrame) -> f32 {
        if self.rings.is_empty() {
            return 0.0;
        }
        let code = self.patterns.code(&frame.strengths);
        self.frame += 1;
        self.cross_beats();
        self.cross_bar_lines();
        let told = frame.said.as_ref().map(|said| Gains::of(&said.activations));
        let by_net = self.hear_touches(frame.change, told.as_ref());
        let (mut total, mut anywhere) = (Lanes::default(), Lanes::default());
        // Nothing where paths add up: there is always something that leaks.
        let least = if self.join == Join::Best { LEAST_SHARE * self.total } else { 0.0 };
        for block in &self.blocks {
            let by_metre = told.as_ref().map_or(1.0, |told| told.metre(block.metre));
            let gain = &block.gain[code];
            for r in block.rings() {
                let (ring, mass) = (&mut self.rings[r], &mut self.ring_mass[r]);
                let waiting = &mut self.waiting[ring.touches.clone()];
                if ring.rests {
                    // It holds nothing; what reaches a tempo that was left out, or is too little, does not stay.
                    ring.rests = ring.bonus == 0.0 || waiting.iter().all(|p| p.sum() <= least);
                    if ring.rests {
                        waiting.fill(Lanes::default());
                        continue;
                    }
                }
                let bonus = ring.bonus * by_metre;
                anywhere += *mass * block.anywhere[code] * bonus;
                let (states, touches) = (&mut self.prob[ring.states()], &self.touches[ring.touches.clone()]);
                *mass = ring.step((states, touches, waiting), gain, ring.leak * self.total, bonus);
                if mass.sum() < least {
                    ring.rests = true;
                    *mass = Lanes::default();
                    states.fill(Lanes::default());
                    waiting.fill(Lanes::default());
                }
                total += *mass;
            }
        }
        let (total, anywhere) = (total.sum().max(f32::MIN_POSITIVE), anywhere.sum());
        let expected = total / self.total;
        let scale = 1.0 / total;
        self.ring_mass.iter_mut().for_each(|m| *m = *m * scale);
        self.total = total;
        // The states are brought back to a sum of 1 only when they drift far off.
        if !(1e-9..1e9).contains(&total) {
            self.prob.iter_mut().chain(&mut self.waiting).for_each(|p| *p = *p * scale);
            self.total = 1.0;
        }
        if self.join == Join::Best {
            self.settle();
        }
        libm::logf(by_net * expected / anywhere.max(f32::MIN_POSITIVE))
    }

    /// Weighs the states that were at a beat, or between two, when the harmony was compared, by what it did there; and
    /// the states at beats by what the net says. Returns how much better the net's word was expected than anywhere.
    fn hear_touches(&mut self, change: u8, told: Option<&Gains>) -> f32 {
        let by_spot = [Spot::Downbeat, Spot::Middle, Spot::Beat, Spot::Between]
            .map(|spot| self.changes.gain(spot, change));
        let by_mark = told.map_or([0.0; 4], |told| told.marks.map(|gain| gain - 1.0));
        // What changes in a touched state, what it gains, and what is then left.
        let factors = by_kind(|spot, mark| {
            let (spot, more) = (spot.map_or(1.0, |s| by_spot[s]), mark.map_or(0.0, |m| by_mark[m]));
            [spot - 1.0, spot * more, spot * (1.0 + more)].map(Lanes::all)
        });
        let (mut changed, mut gained, mut anywhere) = (Lanes::default(), Lanes::default(), 0.0);
        for ring in self.rings.iter().filter(|ring| !ring.rests) {
            let touches = ring.touches.clone();
            for (touch, p) in self.touches[touches.clone()].iter().zip(&mut self.waiting[touches]) {
                let [changes, gains, leaves] = &factors[usize::from(touch.kind) % KINDS];
                changed += *p * *changes;
                gained += *p * *gains;
                *p = *p * *leaves;
            }
        }
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            let extra: f32 = ring.marked.iter().zip(&by_mark).map(|(n, more)| n * more).sum();
            anywhere += mass.sum() * (1.0 + extra);
        }
        // What harmony says is no evidence for a beat: noise has changes, too.
        let before = (self.total + changed.sum()).max(f32::MIN_POSITIVE);
        self.total = (before + gained.sum()).max(f32::MIN_POSITIVE);
        if told.is_none() { 1.0 } else { self.total / (before * anywhere.max(f32::MIN_POSITIVE)) }
    }

    /// Lets tempo change at every beat. What reaches the bar line waits in `mixed`.
    fn cross_beats(&mut self) {
        let tempi = self.tempi_bpm.len();
        let keep = self.join == Join::Best;
        let row = self.origins.len();
        if keep {
            self.origins.resize(row + self.origins_per_frame, Origin::default());
        }
        self.reached.fill(false);
        for (b, block) in self.blocks.iter().enumerate() {
            self.outgoing.fill(Lanes::default());
            self.near.fill(false);
            for ring in self.rings[block.rings()].iter().filter(|ring| !ring.rests) {
                let (lowest, end) = around(ring.tempo, tempi);
                self.near[lowest..end].fill(true);
            }
            self.reached.iter_mut().zip(&self.near).for_each(|(reached, near)| *reached |= near);
            for (beat, starts) in self.starts[b].chunks_exact(block.tempi.len()).enumerate() {
                for (outgoing, start) in self.outgoing[REACH + block.tempi.start..].iter_mut().zip(starts) {
                    *outgoing = self.waiting[*start as usize];
                }
                for (to, start) in block.tempi.clone().zip(starts) {
                    if !self.near[to] {
                        // All that could arrive here rests.
                        self.mixed[b * tempi + to] = Joined::nothing(to as u8);
                        continue;
                    }
                    let around = &self.outgoing[to..=to + 2 * REACH];
                    let mut joined = Joined::nothing(to as u8);
                    let arriving =
                        around.iter().zip(&self.tempo_change[to]).map(|(from, change)| *from * *change);
                    if keep {
                        for (i, arriving) in arriving.enumerate() {
                            joined = joined.choose(arriving, (to + i).saturating_sub(REACH) as u8);
                        }
                    } else {
                        joined.prob = arriving.sum();
                    }
                    if beat == 0 {
                        self.mixed[b * tempi + to] = joined;
                        continue;
                    }
                    self.waiting[*start as usize] = joined.prob;
                    if keep {
                        let first = row + self.origin_first[b] + block.origin(beat, to);
                        for ((l, pattern), tempo) in
                            block.patterns.clone().enumerate().zip(joined.from.numbers())
                        {
                            self.origins[first + l] = Origin { tempo: tempo as u8, pattern: pattern as u8 };
                        }
                    }
                }
            }
        }
    }

    /// Lets the pattern change at every bar line.
    fn cross_bar_lines(&mut self) {
        let tempi = self.tempi_bpm.len();
        let keep = self.join == Join::Best;
        let row = self.origins.len().saturating_sub(self.origins_per_frame);
        let PatternChange { metres, to_block, again } = &self.pattern_change;
        for to in (0..tempi).filter(|to| self.reached[*to]) {
            for (arrived, blocks) in self.arrived.iter_mut().zip(metres) {
                // Where a pattern lacks a tempo, nothing is mixed.
                let mixed =
                    blocks.clone().map(|b| (self.mixed[b * tempi + to].prob, &self.blocks[b].patterns));
                *arrived = mixed.fold(Arrived::NOTHING, |sum, (prob, own)| sum.with(prob, own.start));
            }
            let of_metres =
                metres.iter().enumerate().flat_map(|(m, blocks)| blocks.clone().map(move |b| (m, b)));
            for (m, b) in of_metres {
                let block = &self.blocks[b];
                if !block.tempi.contains(&to) {
                    continue;
                }
                let start = self.starts[b][to - block.tempi.start] as usize;
                let changes = to_block[b].iter().zip(&self.arrived);
                let own = self.mixed[b * tempi + to].prob;
                if !keep {
                    let changed: Lanes = changes.map(|(change, arrived)| *change * arrived.sum).sum();
                    self.waiting[start] = changed + own * again[b];
                    continue;
                }
                let mut joined = Joined::nothing(NO_PATTERN);
                for (change, arrived) in changes {
                    joined = joined.choose(*change * arrived.best, arrived.pattern);
                }
                joined = joined.choose_each(own * (again[b] + to_block[b][m]), block.numbers());
                self.waiting[start] = joined.prob;
                let first = row + self.origin_first[b] + block.origin(0, to);
                for ((l, own), from) in block.patterns.clone().enumerate().zip(joined.from.numbers()) {
                    let from = from as usize;
                    let came = self.blocks.iter().position(|other| other.patterns.contains(&from));
                    let (tempo, pattern) = match came {
                        Some(other) => {
                            let lane = from - self.blocks[other].patterns.start;
                            (self.mixed[other * tempi + to].from.numbers()[lane] as u8, from)
                        }
                        None => (to as u8, own),
                    };
                    self.origins[first + l] = Origin { tempo, pattern: pattern as u8 };
                }
            }
        }
    }

    /// Probability of each tempo.
    pub fn tempo_masses(&self, out: &mut Vec<f32>) {
        self.tempo_masses_in(|_| true, out);
    }

    /// Probability of each tempo in the metres that `counts` says.
    pub fn tempo_masses_in(&self, counts: impl Fn(Metre) -> bool, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.tempi_bpm.len(), 0.0);
        for block in self.blocks.iter().filter(|block| counts(block.metre)) {
            for r in block.rings() {
                out[self.rings[r].tempo] += self.ring_mass[r].sum();
            }
        }
    }

    /// Probability of each metre, in the order in which the patterns come.
    pub fn metre_masses(&self) -> Vec<(Metre, f32)> {
        let mut masses: Vec<(Metre, f32)> = Vec::new();
        for block in &self.blocks {
            let mass = self.ring_mass[block.rings()].iter().map(|m| m.sum()).sum::<f32>();
            match masses.last_mut() {
                Some(entry) if entry.0 == block.metre => entry.1 += mass,
                _ => masses.push((block.metre, mass)),
            }
        }
        masses
    }

    /// Fills `out` with metre, place in the bar in beats and probability of all states of the tempi `from..=to` that
    /// matter.
    pub fn places(&self, from: usize, to: usize, out: &mut Vec<(Metre, f32, f32)>) {
        let scale = 1.0 / self.total;
        out.clear();
        for (ring, mass) in self.rings.iter().zip(&self.ring_mass) {
            let matters = Lanes::new(mass.numbers().map(|mass| if mass < 1e-4 { 0.0 } else { 1.0 }));
            if matters == Lanes::default() || ring.tempo < from || ring.tempo > to {
                continue;
            }
            let block = &self.blocks[ring.block];
            let beats_per_state = block.beats as f32 / ring.len as f32;
            out.extend(self.prob[ring.states()].iter().enumerate().map(|(slot, p)| {
                (block.metre, ring.state(slot) as f32 * beats_per_state, (*p * matters).sum() * scale)
            }));
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
        let Some((mut ring, mut lane, mut place)) = self.best_state() else { return path };
        // `frame` counts the frames heard; the frame heard first is number 0.
        let mut frame = self.frame;
        while frame > 0 {
            let (r, block) = (&self.rings[ring], &self.blocks[self.rings[ring].block]);
            let beat = r.beat_starts.iter().rposition(|start| *start <= place).unwrap_or(0);
            let since = place - r.beat_starts[beat];
            if since >= frame {
                break;
            }
            frame -= since;
            path.push((frame - 1, beat, block.metre));
            let Some(row) = (frame - 1).checked_sub(self.first_row) else { break };
            let row = row * self.origins_per_frame;
            let origin = self.origins[row + self.origin_first[r.block] + block.origin(beat, r.tempo) + lane];
            let (pattern, tempo) = (usize::from(origin.pattern), usize::from(origin.tempo));
            let Some(from) = self.blocks.iter().find(|b| b.patterns.contains(&pattern)) else { break };
            let Some(before) = from.ring(tempo) else { break };
            (ring, lane) = (before, pattern - from.patterns.start);
            // The state before this beat's first: the last one of the beat before.
            let starts = &self.rings[ring].beat_starts;
            place = if beat == 0 { self.rings[ring].len - 1 } else { starts[beat] - 1 };
            frame -= 1;
        }
        path
    }

    /// The likeliest state: its ring, lane and number.
    fn best_state(&self) -> Option<(usize, usize, usize)> {
        let mut best = (f32::NEG_INFINITY, None);
        for (r, ring) in self.rings.iter().enumerate() {
            let lanes = self.blocks[ring.block].patterns.len();
            for (slot, state) in self.prob[ring.states()].iter().enumerate() {
                for (lane, p) in state.numbers()[..lanes].iter().enumerate() {
                    if *p > best.0 {
                        best = (*p, Some((r, lane, ring.state(slot))));
                    }
                }
            }
        }
        best.1
    }
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

fn tempo_change(tempi_bpm: &[f64]) -> Vec<[Lanes; 2 * REACH + 1]> {
    let weight =
        |from: usize, to: usize| libm::exp(-TEMPO_LAMBDA * (tempi_bpm[to] / tempi_bpm[from] - 1.0).abs());
    let n = tempi_bpm.len();
    let mut change = vec![[Lanes::default(); 2 * REACH + 1]; n];
    for from in 0..n {
        let (lowest, end) = around(from, n);
        let sum: f64 = (lowest..end).map(|to| weight(from, to)).sum();
        for to in lowest..end {
            change[to][from + REACH - to] = Lanes::all((weight(from, to) / sum) as f32);
        }
    }
    change
}

impl PatternChange {
    fn new(model: &Patterns, blocks: &[Block]) -> Self {
        let all = &model.patterns;
        let metres: Vec<Range<usize>> = blocks
            .chunk_by(|a, b| a.metre == b.metre)
            .scan(0, |first, blocks| {
                let from = *first;
                *first += blocks.len();
                Some(from..*first)
            })
            .collect();
        let change = |from: Metre, to: usize| {
            let to = &all[to];
            if to.metre == from {
                return (1.0 - OTHER_METRE) * (1.0 - SAME_PATTERN) * to.share;
            }
            let others: f32 =
                all.iter().filter(|b| b.metre != from).map(|b| metre_prior(b.metre) * b.share).sum();
            OTHER_METRE * metre_prior(to.metre) * to.share / others
        };
        let from_each = |block: &Block| {
            metres.iter().map(|of| block.lanes(|to| change(blocks[of.start].metre, to))).collect()
        };
        Self {
            to_block: blocks.iter().map(from_each).collect(),
            again: blocks.iter().map(|block| block.lanes(|_| (1.0 - OTHER_METRE) * SAME_PATTERN)).collect(),
            metres,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::super::model::Pattern;
    use super::super::net::{Activations, NetFrame};
    use super::*;

    /// Kick and snare at 120 beats a minute, the harmony changing now and then, and a net that hears the beats.
    fn heard(i: usize) -> RhythmFrame {
        let (beat, downbeat) = (i.is_multiple_of(25), i.is_multiple_of(100));
        let activations = Activations {
            beat: if beat { 3.0 } else { -4.0 },
            downbeat: if downbeat { 2.0 } else { -5.0 },
            ..Activations::default()
        };
        RhythmFrame {
            strengths: if downbeat {
                [1.0, 0.0, 0.3, 0.5]
            } else {
                [0.0, 1.0, 1.0, 0.5].map(|s| s * f32::from(beat))
            },
            change: 1 + (i % 3) as u8,
            said: Some(NetFrame { activations, ..NetFrame::default() }),
        }
    }

    #[test]
    fn what_waits_is_what_the_states_hold_and_no_pattern_is_ever_where_there_is_none() {
        for join in [Join::Sum, Join::Best] {
            let mut pointer = BarPointer::new(join, Patterns::built_in(Weight::BESIDE_NET));
            for i in 0..700 {
                pointer.step(&heard(i));
            }
            for (ring, mass) in pointer.rings.iter().zip(&pointer.ring_mass) {
                let patterns = pointer.blocks[ring.block].patterns.len();
                let states = &pointer.prob[ring.states()];
                assert!(states.iter().all(|p| p.numbers()[patterns..].iter().all(|p| *p == 0.0)));
                let some = states.iter().any(|p| p.sum() > 0.0);
                assert!(some != ring.rests && (join == Join::Best || !ring.rests));
                if join == Join::Sum {
                    assert!(states.iter().all(|p| p.numbers()[..patterns].iter().all(|p| *p > 0.0)));
                }
                let held = states.iter().copied().sum::<Lanes>() * (1.0 / pointer.total);
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * b + 1e-12;
                assert!(held.numbers().iter().zip(&mass.numbers()).all(close), "{held:?} {mass:?}");
            }
            let at_rest = pointer.rings.iter().filter(|ring| ring.rests).count();
            assert!(join == Join::Sum || 2 * at_rest > pointer.rings.len(), "{at_rest} rings rest");
            let waiting = pointer.waiting.clone();
            pointer.fetch();
            assert_eq!(waiting, pointer.waiting);
            let masses = pointer.metre_masses();
            assert!((masses.iter().map(|m| m.1).sum::<f32>() - 1.0).abs() < 1e-3);
            assert!(masses[0].0 == Metre::FOUR_FOUR && masses[0].1 > 0.5, "{masses:?}");
        }
    }

    #[test]
    fn what_crosses_a_bar_line_is_what_each_pattern_brings() {
        let at_bar_lines = |join| {
            let mut pointer = BarPointer::new(join, Patterns::built_in(Weight::BESIDE_NET));
            for i in 0..300 {
                pointer.step(&heard(i));
            }
            pointer.cross_beats();
            pointer.cross_bar_lines();
            pointer
        };
        for join in [Join::Sum, Join::Best] {
            let pointer = at_bar_lines(join);
            let (blocks, tempi) = (&pointer.blocks, pointer.tempi_bpm.len());
            let all = &pointer.patterns.patterns;
            let brings = |from: usize, tempo: usize| {
                let b = blocks.iter().position(|b| b.patterns.contains(&from)).unwrap();
                pointer.mixed[b * tempi + tempo].prob.numbers()[from - blocks[b].patterns.start]
            };
            for (b, block) in blocks.iter().enumerate() {
                for (tempo, start) in block.tempi.clone().zip(&pointer.starts[b]) {
                    let arrived = pointer.waiting[*start as usize].numbers();
                    for (to, arrived) in block.patterns.clone().zip(arrived) {
                        let prior = |p: &Pattern| metre_prior(p.metre) * p.share;
                        let each = (0..all.len()).map(|from| {
                            let others = all.iter().filter(|p| p.metre != all[from].metre);
                            let change = if all[from].metre == all[to].metre {
                                let again = if from == to { SAME_PATTERN } else { 0.0 };
                                (1.0 - OTHER_METRE) * (again + (1.0 - SAME_PATTERN) * all[to].share)
                            } else {
                                OTHER_METRE * prior(&all[to]) / others.map(prior).sum::<f32>()
                            };
                            change * brings(from, tempo)
                        });
                        let expected = if join == Join::Sum { each.sum() } else { each.fold(0.0, f32::max) };
                        assert!((arrived - expected).abs() <= 1e-4 * expected, "{arrived} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn tempi_share_their_probability_as_they_are_told() {
        let mut pointer = BarPointer::new(Join::Sum, Patterns::built_in(Weight::BESIDE_NET));
        for i in 0..200 {
            pointer.step(&heard(i));
        }
        let mut masses = Vec::new();
        pointer.tempo_masses(&mut masses);
        let (a, b) = (20..24, 48..52);
        let of = |masses: &[f32], range: &Range<usize>| masses[range.clone()].iter().sum::<f32>();
        let (both, all) = (of(&masses, &a) + of(&masses, &b), masses.iter().sum::<f32>());
        pointer.share_tempi(&[(a.clone(), 3.0), (b.clone(), 1.0)]);
        pointer.tempo_masses(&mut masses);
        assert!((of(&masses, &a) / both - 0.75).abs() < 1e-3 && (of(&masses, &b) / both - 0.25).abs() < 1e-3);
        assert!((masses.iter().sum::<f32>() / all - 1.0).abs() < 1e-3);
        let waiting = pointer.waiting.clone();
        pointer.fetch();
        assert_eq!(waiting, pointer.waiting, "what waits is what the states hold");
        pointer.share_tempi(&[]);
        pointer.tempo_masses(&mut masses);
        assert!((of(&masses, &a) / both - 0.75).abs() < 1e-3);
    }

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
            pointer.step(&RhythmFrame { strengths, change: 0, said: None });
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
