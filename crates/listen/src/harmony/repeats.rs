//! What was heard when the same music came before, or comes again.
//!
//! Songs repeat themselves, and what covers the chords, a voice or a fill, differs from time to time; so what was heard at
//! all repetitions says more than what was heard at one (Mauch, Noland & Dixon, "Using musical structure to enhance
//! automatic chord transcription", ISMIR 2009). No sections are cut here: each moment looks for moments whose
//! surroundings sound alike, along the diagonals of the self-similarity matrix (Foote, ACM Multimedia 1999), and borrows
//! from them by how alike they are.

use std::collections::VecDeque;

use super::emission::normalise;
use super::params::CLASSES;
use crate::lanes::eight_sums;

/// Frames in a step, the unit in which repetitions are looked for: 0.19 s.
const STEP: usize = 4;
/// Steps before and after a moment that must be alike: 3.7 s each.
const AROUND: usize = 20;
/// A repetition begins this many steps away at least: 6 s.
const NEAREST: usize = 32;
/// And this many at most: ten minutes. The time it takes grows with it.
const FARTHEST: usize = 3_200;
/// Moments that are borrowed from at most.
const MOST: usize = 4;
/// Likeness from which on something is borrowed; 1 is the same.
const ALIKE: f32 = 0.5;
/// Exponent on the probabilities before they are compared, so that close contests look alike.
const FLATTENED: f32 = 0.7;
/// How much of the likeness is that of the chroma itself; the rest is that of the probabilities.
const CHROMA_SHARE: f32 = 0.5;
/// Values a step is compared by: square roots of its classes' probabilities and chroma, filled up to whole vectors.
const WIDTH: usize = (CLASSES + 24).next_multiple_of(8);

/// The moments most like one, likest first.
#[derive(Clone, Copy)]
struct Alike([(f32, usize); MOST]);

impl Alike {
    const NONE: Self = Self([(ALIKE, usize::MAX); MOST]);

    fn offer(&mut self, likeness: f32, step: usize) {
        let place = self.0.partition_point(|(other, _)| *other >= likeness);
        if place < MOST {
            self.0[place..].rotate_right(1);
            self.0[place] = (likeness, step);
        }
    }

    /// Steps and what each weighs.
    fn weighed(&self) -> impl Iterator<Item = (usize, f32)> + Clone {
        self.0
            .iter()
            .take_while(|(_, step)| *step != usize::MAX)
            .map(|(l, step)| (*step, (l - ALIKE) / (1.0 - ALIKE)))
    }
}

/// How much is borrowed.
pub(crate) struct Borrowing {
    /// Weight of what is borrowed from a moment that is quite the same, and most weight of all that is borrowed, where the
    /// moment itself has 1.
    weight: f32,
    most: f32,
    /// How much surer several witnesses are than one: 0 takes their mean, 1 takes them for independent.
    surer: f32,
}

impl Borrowing {
    /// Of what was heard of each frame.
    const HEARD: Self = Self { weight: 1.0, most: 2.0, surer: 0.6 };
    /// Of what was made of it, with hindsight.
    const DECODED: Self = Self { weight: 1.4, most: 2.0, surer: 0.6 };
    /// In a stream: of what was made of the frame that is heard.
    pub(crate) const STREAM: Self = Self { weight: 0.3, most: 2.0, surer: 0.4 };
    /// And of the one that sounds now: what came then is known, what comes now hardly heard.
    pub(crate) const NOW: Self = Self { weight: 3.0, most: 3.0, surer: 0.2 };

    /// Weighs log probabilities with those of `others`, by how much each of them is worth.
    fn lend<'a>(
        &self,
        own: &mut [f32; CLASSES],
        others: impl Iterator<Item = (&'a [f32; CLASSES], f32)> + Clone,
    ) {
        let total: f32 = others.clone().map(|(_, worth)| worth).sum();
        if total <= 0.0 {
            return;
        }
        let borrowed = (self.weight * total).min(self.most);
        for (other, worth) in others {
            let weight = borrowed * worth / total;
            own.iter_mut().zip(other).for_each(|(p, q)| *p += weight * q);
        }
        let scale = libm::powf(1.0 + borrowed, self.surer - 1.0);
        own.iter_mut().for_each(|p| *p *= scale);
    }
}

/// Added to decoded probabilities before their logarithm is borrowed: a decoder is surer than it is right.
const UNSURE: f32 = 0.01;

fn word(posterior: &[f32; CLASSES]) -> [f32; CLASSES] {
    posterior.map(|p| libm::logf(p + UNSURE))
}

/// Where the music of a recording comes again.
pub(crate) struct Repeats(Vec<Alike>);

impl Repeats {
    /// Looks for moments that are alike by the frames' log probabilities and the compressed chroma `y`.
    pub(crate) fn find(heard: &[[f32; CLASSES]], y: &[[f32; 24]]) -> Self {
        let usual = mean(y);
        let frames = heard.chunks_exact(STEP).zip(y.chunks_exact(STEP));
        let steps: Vec<[f32; WIDTH]> = frames.map(|(heard, y)| fingerprint(heard, y, &usual)).collect();
        Self(find(&steps))
    }

    /// Log probabilities `heard` of each frame, weighed with those of the frames where the same music came again. They are no
    /// longer normalised.
    pub(crate) fn borrow(&self, heard: &[[f32; CLASSES]]) -> Vec<[f32; CLASSES]> {
        self.lent(heard, heard, &Borrowing::HEARD)
    }

    /// The same with what a decoder made of those frames, their probabilities `decoded`: it knows what is around them.
    pub(crate) fn borrow_decoded(
        &self,
        heard: &[[f32; CLASSES]],
        decoded: &[[f32; CLASSES]],
    ) -> Vec<[f32; CLASSES]> {
        let words: Vec<_> = decoded.iter().map(word).collect();
        self.lent(heard, &words, &Borrowing::DECODED)
    }

    fn lent(
        &self,
        heard: &[[f32; CLASSES]],
        words: &[[f32; CLASSES]],
        how: &Borrowing,
    ) -> Vec<[f32; CLASSES]> {
        let mut lent = heard.to_vec();
        for (step, frames) in lent.chunks_exact_mut(STEP).enumerate() {
            for (frame, own) in frames.iter_mut().enumerate() {
                let others = self.0[step].weighed();
                how.lend(own, others.filter_map(|(o, worth)| Some((words.get(o * STEP + frame)?, worth))));
            }
        }
        lent
    }
}

/// Steps that a stream remembers: five minutes.
const REMEMBERED: usize = 1_600;
/// Steps over which a stream's likeness to what came before fades, by a factor of e: what was just played has gone like that
/// for seven seconds, and still does in this one.
const LONG: f32 = 50.0;
const SHORT: f32 = 4.0;

/// What was made of a stream so far, to borrow from when it comes again.
pub(crate) struct Memory {
    /// Frames heard.
    heard: usize,
    /// What was made of the frames from `first` on; later than they were heard.
    words: VecDeque<[f32; CLASSES]>,
    first: usize,
    /// Values of the last steps to compare them by.
    prints: VecDeque<[f32; WIDTH]>,
    /// The step that is not complete.
    step: Vec<([f32; CLASSES], [f32; 24])>,
    /// The chroma's running mean, and over how many steps.
    usual: [f32; 24],
    steps: usize,
    /// How like the last seconds are to those of so many steps before, over a long and a short while.
    long: Vec<f32>,
    short: Vec<f32>,
    /// Steps since when the music went as it goes now.
    alike: Alike,
}

impl Memory {
    /// Of a stream that starts now.
    pub(crate) fn new() -> Self {
        Self {
            heard: 0,
            words: VecDeque::new(),
            first: 0,
            prints: VecDeque::new(),
            step: Vec::with_capacity(STEP),
            usual: [0.0; 24],
            steps: 0,
            long: vec![0.0; REMEMBERED],
            short: vec![0.0; REMEMBERED],
            alike: Alike::NONE,
        }
    }

    /// Weighs the log probabilities of the frame that lies `ahead` of the one that is heard next with those of the frames
    /// that lay there before.
    pub(crate) fn borrow(&self, own: &mut [f32; CLASSES], ahead: usize, how: &Borrowing) {
        let frame = self.heard + ahead;
        let known = |(back, worth): (usize, f32)| {
            let other = frame.checked_sub(back * STEP)?.checked_sub(self.first)?;
            Some((self.words.get(other)?, worth))
        };
        how.lend(own, self.alike.weighed().filter_map(known));
        normalise(own);
    }

    /// Hears a frame by itself: its log probabilities, and the compressed chroma `y`.
    pub(crate) fn hear(&mut self, own: &[f32; CLASSES], y: &[f32; 24]) {
        self.heard += 1;
        self.step.push((*own, *y));
        if self.step.len() == STEP {
            let (own, y): (Vec<_>, Vec<_>) = self.step.drain(..).unzip();
            self.compare(&own, &y);
        }
    }

    fn compare(&mut self, own: &[[f32; CLASSES]], y: &[[f32; 24]]) {
        self.steps = (self.steps + 1).min(REMEMBERED);
        for (usual, v) in self.usual.iter_mut().zip(mean(y)) {
            *usual += (v - *usual) / self.steps as f32;
        }
        let print = fingerprint(own, y, &self.usual);
        let (long, short) = (libm::expf(-1.0 / LONG), libm::expf(-1.0 / SHORT));
        for (before, back) in self.prints.iter().rev().zip(1..REMEMBERED) {
            let likeness = eight_sums(&print, before);
            self.long[back] = long * self.long[back] + (1.0 - long) * likeness;
            self.short[back] = short * self.short[back] + (1.0 - short) * likeness;
        }
        self.alike = Alike::NONE;
        for back in NEAREST..self.prints.len().min(REMEMBERED - 1) {
            let likeness = self.long[back];
            if likeness >= self.long[back - 1] && likeness >= self.long[back + 1] {
                self.alike.offer(likeness.min(self.short[back]), back);
            }
        }
        self.prints.push_back(print);
        if self.prints.len() >= REMEMBERED {
            self.prints.pop_front();
        }
    }

    /// Takes what was made of the next frame, the probabilities of its classes; every frame is heard first.
    pub(crate) fn remember(&mut self, decoded: &[f32; CLASSES]) {
        self.words.push_back(word(decoded));
        if self.words.len() > REMEMBERED * STEP {
            self.words.pop_front();
            self.first += 1;
        }
    }
}

/// A step's values to compare it by, so that the product of two is their likeness: classes' probabilities, and what
/// the chroma has beyond the recording's usual.
fn fingerprint(heard: &[[f32; CLASSES]], y: &[[f32; 24]], usual: &[f32; 24]) -> [f32; WIDTH] {
    let mut print = [0.0; WIDTH];
    let (classes, chroma) = print.split_at_mut(CLASSES);
    for frame in heard {
        let mut flat = frame.map(|p| FLATTENED * p);
        normalise(&mut flat);
        for (sum, p) in classes.iter_mut().zip(&flat) {
            *sum += libm::expf(*p) / STEP as f32;
        }
    }
    classes.iter_mut().for_each(|p| *p = ((1.0 - CHROMA_SHARE) * *p).sqrt());
    let mut beyond = mean(y);
    beyond.iter_mut().zip(usual).for_each(|(v, usual)| *v -= usual);
    let length = beyond.iter().map(|v| v * v).sum::<f32>().sqrt() + 1e-6;
    for (c, v) in chroma.iter_mut().zip(&beyond) {
        *c = CHROMA_SHARE.sqrt() * v / length;
    }
    print
}

fn mean(y: &[[f32; 24]]) -> [f32; 24] {
    let mut mean = [0.0f64; 24];
    for frame in y {
        mean.iter_mut().zip(frame).for_each(|(m, v)| *m += f64::from(*v));
    }
    mean.map(|m| (m / y.len().max(1) as f64) as f32)
}

/// For each step the steps whose surroundings are most like its own: places where the likeness falls on both sides.
fn find(steps: &[[f32; WIDTH]]) -> Vec<Alike> {
    let mut found = vec![Alike::NONE; steps.len()];
    let mut here = Vec::new();
    let mut farther = diagonal(steps, NEAREST);
    for away in NEAREST..FARTHEST.min(steps.len()) {
        // A step's likeness to its own surroundings is no repetition: the first diagonal has no nearer neighbour.
        let nearer = std::mem::replace(&mut here, farther);
        farther = diagonal(steps, away + 1);
        let at = |diagonal: &[f32], step: Option<usize>| {
            step.and_then(|i| diagonal.get(i)).copied().unwrap_or(f32::NEG_INFINITY)
        };
        for (i, &likeness) in here.iter().enumerate() {
            if likeness <= ALIKE {
                continue;
            }
            if likeness >= at(&nearer, Some(i)) && likeness >= at(&farther, Some(i)) {
                found[i].offer(likeness, i + away);
            }
            if likeness >= at(&nearer, Some(i + 1)) && likeness >= at(&farther, i.checked_sub(1)) {
                found[i + away].offer(likeness, i);
            }
        }
    }
    found
}

/// Likeness of the surroundings of each step to those of the step `away` from it; beyond the ends nothing is alike.
fn diagonal(steps: &[[f32; WIDTH]], away: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64];
    for (a, b) in steps.iter().zip(steps.get(away..).unwrap_or(&[])) {
        sums.push(sums[sums.len() - 1] + f64::from(eight_sums(a, b)));
    }
    let n = sums.len() - 1;
    (0..n)
        .map(|i| {
            let alike = sums[(i + AROUND + 1).min(n)] - sums[i.saturating_sub(AROUND)];
            (alike / (2 * AROUND + 1) as f64) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::lattice::arg_max;
    use super::super::params::QUALITIES;
    use super::*;

    /// What is heard of a class that stands out by `sure` log odds, and its root's chroma.
    fn frame(class: usize, sure: f32) -> ([f32; CLASSES], [f32; 24]) {
        let (mut p, mut y) = ([0.0; CLASSES], [0.05; 24]);
        p[class] = sure;
        normalise(&mut p);
        y[class / QUALITIES] = 0.6;
        y[12 + class / QUALITIES] = 0.6;
        (p, y)
    }

    /// Eight chords of two seconds in no simple order.
    fn passage(sure: f32) -> Vec<([f32; CLASSES], [f32; 24])> {
        let chord = |i: usize| [0, 55, 99, 44, 88, 23, 66, 110][i / 44];
        (0..8 * 44).map(|i| frame(chord(i), sure)).collect()
    }

    fn borrowed(frames: &[([f32; CLASSES], [f32; 24])]) -> Vec<[f32; CLASSES]> {
        let (heard, y): (Vec<_>, Vec<_>) = frames.iter().copied().unzip();
        Repeats::find(&heard, &y).borrow(&heard)
    }

    fn classes<'a>(heard: impl IntoIterator<Item = &'a [f32; CLASSES]>) -> Vec<usize> {
        heard.into_iter().map(|p| arg_max(p)).collect()
    }

    #[test]
    fn what_is_covered_once_is_heard_by_its_repetition() {
        let mut frames = passage(12.0);
        frames.extend(passage(12.0));
        let truth = classes(frames.iter().map(|f| &f.0));
        // A voice covers a second of the first time through.
        frames[100..122].fill(frame(33, 3.0));
        assert_ne!(classes(frames.iter().map(|f| &f.0)), truth);
        assert_eq!(classes(&borrowed(&frames)), truth);
    }

    #[test]
    fn what_never_comes_again_stays_as_it_was() {
        let frames = passage(12.0);
        assert_eq!(borrowed(&frames), frames.iter().map(|f| f.0).collect::<Vec<_>>());
    }

    /// A stream of `frames`, each decoded six frames later as it was heard.
    fn streamed(frames: &[([f32; CLASSES], [f32; 24])]) -> Memory {
        let mut memory = Memory::new();
        for (i, (own, y)) in frames.iter().enumerate() {
            memory.hear(own, y);
            if let Some(before) = i.checked_sub(6) {
                memory.remember(&frames[before].0.map(libm::expf));
            }
        }
        memory
    }

    /// What is made of `own`, `ahead` of the next frame of a stream.
    fn lent(memory: &Memory, own: [f32; CLASSES], ahead: usize, how: &Borrowing) -> usize {
        let mut lent = own;
        memory.borrow(&mut lent, ahead, how);
        assert!((lent.iter().map(|p| libm::expf(*p)).sum::<f32>() - 1.0).abs() < 1e-3);
        arg_max(&lent)
    }

    #[test]
    fn a_stream_hears_what_is_covered_by_what_came_before() {
        let first = passage(12.0);
        let mut frames = [&first[..], &first].concat();
        frames.extend(&first[..100]);
        let (truth, covered) = (arg_max(&first[100].0), frame(33, 0.8).0);
        assert_eq!(lent(&streamed(&frames), covered, 0, &Borrowing::STREAM), truth);
        // The first time nothing had come before; and what is heard clearly is believed.
        assert_eq!(lent(&streamed(&first[..100]), covered, 0, &Borrowing::STREAM), 33);
        assert_eq!(lent(&streamed(&frames), frame(33, 12.0).0, 0, &Borrowing::STREAM), 33);
    }

    #[test]
    fn a_change_is_shown_when_it_came_there_before() {
        let first = passage(12.0);
        let mut frames = [&first[..], &first].concat();
        // Four frames before the chord changes, and eight ahead of them.
        frames.extend(&first[..172]);
        let held = frame(arg_max(&first[172].0), 2.0).0;
        let next = arg_max(&first[180].0);
        assert_ne!(arg_max(&held), next);
        assert_eq!(lent(&streamed(&frames), held, 8, &Borrowing::NOW), next);
        assert_eq!(lent(&streamed(&first[..172]), held, 8, &Borrowing::NOW), arg_max(&held));
    }

    #[test]
    fn a_chord_that_was_held_for_long_does_not_come_back_by_itself() {
        let mut frames = vec![frame(0, 12.0); 1_600];
        let other = frame(44, 12.0);
        frames.extend([other; 24]);
        // A second later what sounds has never come before.
        assert_eq!(lent(&streamed(&frames), frame(44, 1.0).0, 8, &Borrowing::NOW), 44);
    }

    #[test]
    fn a_stream_remembers_so_much_and_no_more() {
        let long: Vec<_> = passage(12.0).into_iter().cycle().take((REMEMBERED + 300) * STEP).collect();
        let memory = streamed(&long);
        assert_eq!((memory.words.len(), memory.prints.len()), (REMEMBERED * STEP, REMEMBERED - 1));
        let next = long[long.len() % (8 * 44)].0;
        assert_eq!(lent(&memory, frame(33, 0.8).0, 0, &Borrowing::STREAM), arg_max(&next));
    }

    #[test]
    fn the_way_through_time_does_not_matter() {
        let mut frames = passage(10.0);
        frames.extend(passage(12.0));
        let forth = borrowed(&frames);
        assert_ne!(forth[200], frames[200].0, "nothing was borrowed");
        frames.reverse();
        for (a, b) in forth.iter().zip(borrowed(&frames).iter().rev()) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-2));
        }
    }

    #[test]
    fn recordings_of_any_length_are_taken() {
        for n in [0, 1, STEP, NEAREST * STEP, NEAREST * STEP + 1, 2 * (NEAREST + AROUND) * STEP] {
            let frames: Vec<_> = passage(12.0).into_iter().cycle().take(n).collect();
            assert_eq!(borrowed(&frames).len(), n);
        }
        // The same all the time: everything is alike, and nothing is out of bounds.
        let still = borrowed(&vec![frame(0, 12.0); 20_000]);
        assert!(classes(&still).iter().all(|class| *class == 0));
    }
}
