//! The states of the bar pointer: rings of them, with the patterns of one metre side by side in lanes.
//!
//! At a given tempo all patterns of a metre have the same states and differ only in what they expect there. So a
//! state holds the probabilities of up to [`LANES`] patterns, 0 where there is no pattern, and what is done to one is done to all of them.

use std::ops::Range;

use backline_music::Metre;

use super::super::RHYTHM_FPS;
use super::super::activations::{Mark, marks};
use super::super::changes::{CHANGE_DELAY, Spot};
use super::super::model::{MOST_BINS, Patterns};
use crate::lanes::{LANES, Lanes};

/// Up to [`LANES`] patterns of one metre.
pub struct Block {
    pub metre: Metre,
    /// Beats in the bar, and divisions of it.
    pub beats: usize,
    pub bins: usize,
    /// Which of all patterns these are.
    pub patterns: Range<usize>,
    /// Tempi that they can have; the rings at these lie in a row, the first at `first_ring`.
    pub tempi: Range<usize>,
    pub first_ring: usize,
    /// `gain[code][bin]`
    pub gain: Vec<[Lanes; MOST_BINS]>,
    /// How well a pointer that may be anywhere in the bar expects each codeword.
    pub anywhere: Vec<Lanes>,
}

impl Block {
    /// All patterns in blocks, in their order.
    pub fn all(model: &Patterns) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        for (i, pattern) in model.patterns.iter().enumerate() {
            match blocks.last_mut() {
                Some(block)
                    if block.metre == pattern.metre
                        && block.bins == pattern.bins
                        && block.patterns.len() < LANES =>
                {
                    block.patterns.end = i + 1;
                }
                _ => blocks.push(Self {
                    metre: pattern.metre,
                    beats: pattern.beats,
                    bins: pattern.bins,
                    patterns: i..i + 1,
                    tempi: 0..0,
                    first_ring: 0,
                    gain: Vec::new(),
                    anywhere: Vec::new(),
                }),
            }
        }
        for block in &mut blocks {
            let side_by_side = |at: usize| block.lanes(|i| model.patterns[i].gain[at]);
            let of_code = |code: usize| {
                let gain = |bin| {
                    if bin < block.bins { side_by_side(code * block.bins + bin) } else { Lanes::default() }
                };
                std::array::from_fn(gain)
            };
            block.gain = (0..model.codes()).map(of_code).collect();
            let mean = |gains: &[f32]| gains.iter().sum::<f32>() / block.bins as f32;
            block.anywhere = (0..model.codes() * block.bins)
                .step_by(block.bins)
                .map(|at| block.lanes(|i| mean(&model.patterns[i].gain[at..at + block.bins])))
                .collect();
        }
        blocks
    }

    /// What `of` says of each pattern.
    pub fn lanes(&self, of: impl Fn(usize) -> f32) -> Lanes {
        let mut lanes = [0.0; LANES];
        for (lane, pattern) in lanes.iter_mut().zip(self.patterns.clone()) {
            *lane = of(pattern);
        }
        Lanes::new(lanes)
    }

    /// The number of each pattern.
    pub fn numbers(&self) -> Lanes {
        self.lanes(|pattern| pattern as f32)
    }

    /// The rings of all tempi.
    pub fn rings(&self) -> Range<usize> {
        self.first_ring..self.first_ring + self.tempi.len()
    }

    /// Where among this block's origins of a frame those of a beat at a tempo begin.
    pub fn origin(&self, beat: usize, tempo: usize) -> usize {
        (beat * self.tempi.len() + tempo - self.tempi.start) * self.patterns.len()
    }

    /// The ring of a tempo.
    pub fn ring(&self, tempo: usize) -> Option<usize> {
        self.tempi.contains(&tempo).then(|| self.first_ring + tempo - self.tempi.start)
    }
}

/// A state that more happens to than to the others.
pub struct Touch {
    state: u16,
    /// Which [`Spot`] the harmony that is compared now was heard at, and which [`Mark`] this is: see [`kind`].
    pub kind: u8,
}

/// Kinds of touches: each spot or none, with each mark or none.
pub const KINDS: usize = 32;
/// Number of no spot and no mark: one more than there are.
const NOTHING: usize = 4;

/// The number of a touch at `spot` and at `mark`, below [`KINDS`].
fn kind(spot: Option<Spot>, mark: Option<Mark>) -> usize {
    spot.map_or(NOTHING, |s| s as usize) + (NOTHING + 1) * mark.map_or(NOTHING, |m| m as usize)
}

/// What `of` says of each kind of touch: of the number of its spot and of its mark, where it has one.
pub fn by_kind<T>(of: impl Fn(Option<usize>, Option<usize>) -> T) -> [T; KINDS] {
    let there = |number: usize| Some(number).filter(|n| *n < NOTHING);
    std::array::from_fn(|kind| of(there(kind % (NOTHING + 1)), there(kind / (NOTHING + 1))))
}

/// The states of one block at one tempo. State `p` lies in slot `(p - head) mod len`, and the head moves on by
/// one each frame, so that the pointer moves without anything being copied.
pub struct Ring {
    pub block: usize,
    pub tempo: usize,
    first: usize,
    pub len: usize,
    head: usize,
    /// State at which each beat starts.
    pub beat_starts: Vec<usize>,
    /// Which of all touches are this ring's.
    pub touches: Range<usize>,
    /// The share of states that have each [`Mark`].
    pub marked: [f32; NOTHING],
    /// Bin of each state.
    bins: Vec<u8>,
    /// What the leak gives each state.
    pub leak: Lanes,
    /// Factor for metre and tempo in every frame; 0 where the tempo was left out.
    pub bonus: f32,
    /// Whether it holds nothing, so that nothing need be done to it.
    pub rests: bool,
}

impl Ring {
    /// The ring of `block`, which is number `number`, at tempo `tempo`; its states are those from `first` on. Adds its
    /// touches to all others.
    pub fn new(
        block: &Block,
        number: usize,
        (tempo, bpm): (usize, f64),
        first: usize,
        touches: &mut Vec<Touch>,
    ) -> Self {
        let len = (block.beats as f64 * 60.0 * RHYTHM_FPS / bpm).round() as usize;
        let (spots, marks) = (spots(block.metre, len), marks(block.beats, len));
        let mut states: Vec<usize> = spots.iter().map(|s| s.0).chain(marks.iter().map(|m| m.0)).collect();
        states.sort_unstable();
        states.dedup();
        let from = touches.len();
        let mut marked = [0.0; NOTHING];
        for state in states {
            let spot = spots.iter().find(|s| s.0 == state).map(|s| s.1);
            let mark = marks.iter().find(|m| m.0 == state).map(|m| m.1);
            if let Some(mark) = mark {
                marked[mark as usize] += 1.0 / len as f32;
            }
            touches.push(Touch { state: state as u16, kind: kind(spot, mark) as u8 });
        }
        Self {
            block: number,
            tempo,
            first,
            len,
            head: 0,
            beat_starts: (0..block.beats).map(|b| (b * len).div_ceil(block.beats)).collect(),
            touches: from..touches.len(),
            marked,
            bins: (0..len).map(|p| (p * block.bins / len) as u8).collect(),
            leak: Lanes::default(),
            bonus: 1.0,
            rests: false,
        }
    }

    /// Which of all `touches` is that of the first state of `beat`.
    pub fn start_of(&self, beat: usize, touches: &[Touch]) -> usize {
        let there = |t: &Touch| usize::from(t.state) == self.beat_starts[beat];
        self.touches.start + touches[self.touches.clone()].iter().position(there).unwrap_or(0)
    }

    /// Where among all states this ring's lie.
    pub fn states(&self) -> Range<usize> {
        self.first..self.first + self.len
    }

    /// The state that lies `slot` slots after the first.
    pub fn state(&self, slot: usize) -> usize {
        let state = slot + self.head;
        if state < self.len { state } else { state - self.len }
    }

    /// Moves the pointer on by one state and puts `waiting` into the states that are touched. Gives each of `states`
    /// what leaks to it and weighs it by the gain of its bin times `bonus`. In `waiting` is then what waits for the
    /// next frame. Returns the sum.
    pub fn step(
        &mut self,
        (states, touches, waiting): (&mut [Lanes], &[Touch], &mut [Lanes]),
        gain: &[Lanes; MOST_BINS],
        leak: Lanes,
        bonus: f32,
    ) -> Lanes {
        self.head = if self.head + 1 == self.len { 0 } else { self.head + 1 };
        for (touch, p) in touches.iter().zip(waiting.iter()) {
            states[self.slot(usize::from(touch.state))] = *p;
        }
        let (start, rest) = states.split_at_mut(self.len - self.head);
        let (before, after) = self.bins.split_at(self.head);
        let sum = weigh(start, after, gain, leak, bonus) + weigh(rest, before, gain, leak, bonus);
        self.fetch(states, touches, waiting);
        sum
    }

    /// Fills `waiting` with what will be in the touched states when the pointer has moved on.
    pub fn fetch(&self, states: &[Lanes], touches: &[Touch], waiting: &mut [Lanes]) {
        for (touch, p) in touches.iter().zip(waiting) {
            let state = usize::from(touch.state);
            *p = states[self.slot(if state == 0 { self.len - 1 } else { state - 1 })];
        }
    }

    /// Where among this ring's states `state` lies now.
    fn slot(&self, state: usize) -> usize {
        if state < self.head { state + self.len - self.head } else { state - self.head }
    }
}

fn weigh(states: &mut [Lanes], bins: &[u8], gain: &[Lanes; MOST_BINS], leak: Lanes, bonus: f32) -> Lanes {
    let bonus = Lanes::all(bonus);
    let weighed = |p: Lanes, bin: u8| (p + leak) * (gain[usize::from(bin) % MOST_BINS] * bonus);
    // Several sums, so that one addition need not wait for the other; their order is fixed.
    let mut sums = [Lanes::default(); 4];
    let ((states, last_states), (bins, last_bins)) = (states.as_chunks_mut::<4>(), bins.as_chunks::<4>());
    for (p, bin) in states.iter_mut().zip(bins) {
        for i in 0..4 {
            p[i] = weighed(p[i], bin[i]);
            sums[i] += p[i];
        }
    }
    for (p, bin) in last_states.iter_mut().zip(last_bins) {
        *p = weighed(*p, *bin);
        sums[0] += *p;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
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
