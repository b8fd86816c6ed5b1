//! What was heard, bar by bar: harmony on the tactus grid, accents on the sixteenth grid.

use std::collections::{BTreeMap, VecDeque};

use backline_music::{Chord, ChordSpan, Corrections, Metre, Onset, PlannedBar, PlannedChord, Timeline};

use backline_play::{BarHarmony, BeatChord};

use crate::clock::Position;

/// Bars kept in order of hearing: as many as the anticipation compares.
const BARS_KEPT: usize = 192;
/// Bars kept by their place in the host's project: more than four hours of 4/4 at 120 BPM.
const PLACES_KEPT: usize = 8192;
/// A bar that was heard from this many quarter notes after its start on was heard from its start: the first step after a
/// start or a jump ends up to 10 ms after it.
const FROM_ITS_START: f64 = 0.05;

/// Stream second of what another session played, before any of this stream.
const BEFORE_S: f64 = -1.0e6;

/// One bar as it was heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeardBar {
    /// First quarter note.
    pub start_beat: f64,
    /// Metre.
    pub metre: Metre,
    /// Whether its beats are the host's.
    on_host: bool,
    /// (beat, stream second) pairs in order of both: where the timeline ran through this bar.
    points: Vec<(f64, f64)>,
    /// Quarter notes a minute when last seen.
    tempo_bpm: f64,
    /// Chord and probability at each tactus; filled as far as the music was heard.
    pub harmony: Vec<(Option<Chord>, f32)>,
    /// Strongest onset at each sixteenth, 0..=1.
    pub accents: Vec<f32>,
    steps: u32,
    audible_steps: u32,
}

impl HeardBar {
    fn new(position: &Position, time_s: f64) -> Self {
        let point = (position.beat, time_s);
        let on_host = matches!(position.timeline, Timeline::Host);
        Self { on_host, ..Self::starting(position.bar_start, position.metre, position.tempo_bpm, point) }
    }

    /// An empty bar whose timeline runs through `point` (beat, stream second).
    pub fn starting(start_beat: f64, metre: Metre, tempo_bpm: f64, point: (f64, f64)) -> Self {
        Self {
            start_beat,
            metre,
            on_host: false,
            points: vec![point],
            tempo_bpm,
            harmony: Vec::new(),
            accents: vec![0.0; sixteenths(metre)],
            steps: 0,
            audible_steps: 0,
        }
    }

    /// A bar that was played elsewhere on the host's beats: its harmony stands for what was heard.
    fn recalled(bar: &PlannedBar) -> Self {
        let point = (bar.start_beat, BEFORE_S);
        let starting = Self::starting(bar.start_beat, bar.metre, bar.tempo_bpm, point);
        let mut heard = Self { on_host: true, ..starting };
        let tactus = bar.metre.tactus_quarters();
        heard.harmony = (0..bar.metre.tactus_per_bar())
            .map(|i| {
                let beat = bar.start_beat + f64::from(i) * tactus + 1e-6;
                let chord = bar.chords.iter().rev().find(|chord| chord.start_beat <= beat);
                chord.map_or((None, 0.0), |chord| (chord.chord, chord.prob))
            })
            .collect();
        heard
    }

    /// Adds a point that the timeline ran through; earlier or equal ones are ignored.
    pub fn push_point(&mut self, beat: f64, time_s: f64) {
        if self.points.last().is_none_or(|&(b, t)| beat > b && time_s > t) {
            self.points.push((beat, time_s));
        }
    }

    /// Stream second at `beat`: interpolated between points, extrapolated by the tempo.
    pub fn time_at(&self, beat: f64) -> f64 {
        interpolate(&self.points, beat, 60.0 / self.tempo_bpm)
    }

    /// Beat at a stream second.
    fn beat_at(&self, time_s: f64) -> f64 {
        let after = self.points.partition_point(|&(_, t)| t <= time_s);
        let (b0, t0) = self.points[after.saturating_sub(1).min(self.points.len() - 1)];
        match self.points.get(after) {
            Some(&(b1, t1)) if after > 0 => b0 + (time_s - t0) * (b1 - b0) / (t1 - t0),
            _ => b0 + (time_s - t0) * self.tempo_bpm / 60.0,
        }
    }

    /// Beat from which this bar was heard: its start, unless the music started inside it.
    pub fn heard_from(&self) -> f64 {
        self.points[0].0
    }

    /// Whether it was heard from its start on, as far as steps of 10 ms tell.
    pub fn is_whole(&self) -> bool {
        self.heard_from() <= self.start_beat + FROM_ITS_START
    }

    /// Share of the bar's steps in which something sounded.
    pub fn audible(&self) -> f32 {
        #[allow(clippy::cast_precision_loss)] // some hundreds
        let share = self.audible_steps as f32 / self.steps.max(1) as f32;
        share
    }

    /// What [`Memory::phrase_start`] files it by, if anything sounds in it.
    fn start_key(&self) -> Option<StartKey> {
        let has_chord = self.harmony.iter().any(|(chord, _)| chord.is_some());
        (has_chord || self.audible() > 0.5).then_some((self.on_host, self.metre, has_chord))
    }

    /// Reads the chord at each tactus from `chords`, as far as `until_s`: the one that sounds
    /// longest between a tactus and the next.
    pub fn read_harmony(&mut self, chords: &[ChordSpan], until_s: f64) {
        if self.points[0].1 <= BEFORE_S {
            return;
        }
        self.harmony.clear();
        let tactus = self.metre.tactus_quarters();
        for i in 0..self.metre.tactus_per_bar() {
            let from_beat = self.start_beat + f64::from(i) * tactus;
            let from = self.time_at(from_beat);
            let to = self.time_at(from_beat + tactus).min(until_s);
            // Too little of this tactus has been heard to say anything of it.
            if to - from < 0.05 {
                break;
            }
            self.harmony.push(dominant_chord(chords, from, to));
        }
    }

    /// The harmony as the anticipation reads it.
    pub fn bar_harmony(&self) -> BarHarmony {
        BarHarmony { beats: self.harmony.iter().map(|&(chord, prob)| BeatChord { chord, prob }).collect() }
    }

    /// The harmony as planned chords: equal neighbours joined, contiguous from the bar's start as far
    /// as it was heard.
    pub fn planned_chords(&self) -> Vec<PlannedChord> {
        let tactus = self.metre.tactus_quarters();
        let mut chords: Vec<PlannedChord> = Vec::new();
        for (i, &(chord, prob)) in self.harmony.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)] // at most 32
            let start_beat = self.start_beat + i as f64 * tactus;
            match chords.last_mut() {
                Some(last) if last.chord == chord => {
                    let beats = (last.length_beats / tactus).round();
                    #[allow(clippy::cast_possible_truncation)] // a probability
                    let mean = ((f64::from(last.prob) * beats + f64::from(prob)) / (beats + 1.0)) as f32;
                    last.prob = mean;
                    last.length_beats += tactus;
                }
                _ => chords.push(PlannedChord { start_beat, length_beats: tactus, chord, prob }),
            }
        }
        chords
    }
}

/// Sixteenths in a bar.
pub(crate) fn sixteenths(metre: Metre) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 512
    let n = (metre.bar_quarters() * 4.0).round() as usize;
    n.max(1)
}

fn interpolate(points: &[(f64, f64)], x: f64, slope: f64) -> f64 {
    let after = points.partition_point(|&(px, _)| px <= x);
    match (after.checked_sub(1).map(|i| points[i]), points.get(after)) {
        (Some((x0, y0)), Some(&(x1, y1))) => y0 + (x - x0) * (y1 - y0) / (x1 - x0),
        (Some((x0, y0)), None) => y0 + (x - x0) * slope,
        (None, Some(&(x1, y1))) => y1 + (x - x1) * slope,
        (None, None) => 0.0,
    }
}

/// The chord that sounds longest in a stretch of time, and its mean probability there times the
/// share of the stretch that it fills.
fn dominant_chord(chords: &[ChordSpan], from_s: f64, to_s: f64) -> (Option<Chord>, f32) {
    let first = chords.partition_point(|span| span.end_s <= from_s);
    let mut totals: Vec<(Option<Chord>, f64, f64)> = Vec::new();
    for span in chords[first..].iter().take_while(|span| span.start_s < to_s) {
        let overlap = span.end_s.min(to_s) - span.start_s.max(from_s);
        let weighted = overlap * f64::from(span.prob);
        match totals.iter_mut().find(|(chord, ..)| *chord == span.chord) {
            Some((_, time, prob)) => {
                *time += overlap;
                *prob += weighted;
            }
            None => totals.push((span.chord, overlap, weighted)),
        }
    }
    // Ties go to the chord that sounded first.
    let best = totals.into_iter().reduce(|a, b| if b.1 > a.1 + 1e-9 { b } else { a });
    #[allow(clippy::cast_possible_truncation)] // a probability
    best.map_or((None, 0.0), |(chord, _, prob)| (chord, (prob / (to_s - from_s)) as f32))
}

/// Whether on the host's beats, the metre, and whether a chord sounds.
type StartKey = (bool, Metre, bool);

/// Everything remembered of the music's bars.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    bars: VecDeque<HeardBar>,
    /// The earliest starts among the bars that are kept no longer.
    starts: Vec<(StartKey, f64)>,
    places: BTreeMap<i64, HeardBar>,
    /// Stream time up to which onsets were taken in.
    onsets_until_s: f64,
}

/// Bars, heard and planned, are filed by the sixty-fourth note that they start on.
pub(crate) fn place(beat: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)] // positions are bounded by the clock
    let place = (beat * 16.0).round() as i64;
    place
}

impl Memory {
    /// Notes that the timeline stands at `position` at stream second `time_s`. `jumped` says that it
    /// did not get there by running on.
    pub fn step(&mut self, time_s: f64, position: &Position, audible: bool, jumped: bool) {
        let same_bar = self.bars.back().is_some_and(|bar| {
            !jumped && bar.metre == position.metre && (bar.start_beat - position.bar_start).abs() < 1e-3
        });
        if !same_bar {
            if let Some(bar) = self.bars.back_mut()
                && !jumped
            {
                // The crossing itself, so that the last tactus of the closing bar is timed exactly.
                let crossing = time_s - (position.beat - position.bar_start) * 60.0 / position.tempo_bpm;
                bar.push_point(position.bar_start, crossing);
            }
            let mut bar = HeardBar::new(position, time_s);
            if !jumped && position.beat - position.bar_start < 0.25 {
                let crossing = time_s - (position.beat - position.bar_start) * 60.0 / position.tempo_bpm;
                bar.points[0] = (position.bar_start, crossing);
            }
            self.keep(bar);
        }
        if let Some(bar) = self.bars.back_mut() {
            bar.tempo_bpm = position.tempo_bpm;
            bar.steps += 1;
            bar.audible_steps += u32::from(audible);
            // Two points a quarter note follow any tempo ramp closely.
            if bar.points.last().is_none_or(|&(beat, _)| position.beat - beat >= 0.5) {
                bar.push_point(position.beat, time_s);
            }
        }
    }

    /// Takes in a bar that was played elsewhere on the host's beats, after those that were.
    pub fn recall(&mut self, bar: &PlannedBar) {
        let heard = HeardBar::recalled(bar);
        self.places.insert(place(bar.start_beat), heard.clone());
        self.keep(heard);
    }

    /// Adds a bar. Of one that is too old to be kept, it is kept whether phrases are counted from it.
    fn keep(&mut self, bar: HeardBar) {
        self.bars.push_back(bar);
        if self.bars.len() > BARS_KEPT
            && let Some(bar) = self.bars.pop_front()
            && let Some(key) = bar.start_key()
        {
            match self.starts.iter_mut().find(|(k, _)| *k == key) {
                Some((_, start)) => *start = start.min(bar.start_beat),
                None => self.starts.push((key, bar.start_beat)),
            }
        }
    }

    /// Takes in onsets that were not seen before.
    pub fn hear_onsets(&mut self, onsets: &[Onset]) {
        let first = onsets.partition_point(|o| o.time_s <= self.onsets_until_s);
        for onset in &onsets[first..] {
            self.onsets_until_s = onset.time_s;
            // The newest bar that had begun by then.
            if let Some(bar) = self.bars.iter_mut().rev().find(|bar| bar.points[0].1 <= onset.time_s) {
                let beat = bar.beat_at(onset.time_s) - bar.start_beat;
                add_accent(&mut bar.accents, beat, onset.strength);
            }
        }
    }

    /// Reads the harmony of the last bars again: chords are revised for a while after they sounded.
    pub fn read_harmony(&mut self, chords: &[ChordSpan], until_s: f64) {
        for bar in self.bars.iter_mut().rev().take(4) {
            bar.read_harmony(chords, until_s);
        }
    }

    /// Lets the plan's harmony stand for what was not heard: in bars of silence, in all of the last
    /// bars when `frozen`, and in the rest of the bar that sounds now, as far as the plan came true.
    /// `planned` gives the chords planned for the bar that starts at a beat.
    pub fn hold_harmony<'a>(&mut self, frozen: bool, planned: impl Fn(f64) -> Option<&'a [PlannedChord]>) {
        for (age, bar) in self.bars.iter_mut().rev().take(2).enumerate() {
            let tactus = bar.metre.tactus_quarters();
            let plan: Vec<(Option<Chord>, f32)> = planned(bar.start_beat).map_or_else(Vec::new, |chords| {
                (0..bar.metre.tactus_per_bar())
                    .map(|i| {
                        let beat = bar.start_beat + (f64::from(i) + 0.5) * tactus;
                        let chord = chords.iter().rev().find(|c| c.start_beat <= beat);
                        chord.map_or((None, 0.0), |c| (c.chord, c.prob))
                    })
                    .collect()
            });
            if (frozen || bar.audible() < 0.3) && !plan.is_empty() {
                bar.harmony = plan;
            } else if age == 0 {
                let heard = bar.harmony.len();
                let came_true = plan.len() > heard && plan.iter().zip(&bar.harmony).all(|(p, h)| p.0 == h.0);
                while bar.harmony.len() < usize::from(bar.metre.tactus_per_bar()) {
                    match (came_true, bar.harmony.last()) {
                        (true, _) => bar.harmony.push(plan[bar.harmony.len()]),
                        (false, Some(&last)) => bar.harmony.push(last),
                        (false, None) => break,
                    }
                }
            }
        }
    }

    /// Lays the musician's chords over the harmony of the last bars, as far as those were heard: what is
    /// anticipated from them then follows the correction too.
    pub fn correct(&mut self, corrections: &Corrections, on_heard_beat: bool) {
        if corrections.chords.is_empty() {
            return;
        }
        for bar in self.bars.iter_mut() {
            let tactus = bar.metre.tactus_quarters();
            for (i, cell) in (0u32..).zip(&mut bar.harmony) {
                // The middle of the tactus: a pin that covers less than half of it does not name it.
                let beat = bar.start_beat + (f64::from(i) + 0.5) * tactus;
                if let Some(pin) = corrections.pin_at(beat, on_heard_beat) {
                    *cell = (pin.chord, 1.0);
                }
            }
        }
    }

    /// Remembers the newest bar at its place in the host's project.
    pub fn remember_places(&mut self) {
        for bar in self.bars.iter().rev().skip(1).take(2) {
            // Bars that were heard in part or in silence say nothing of the place.
            if bar.is_whole() && bar.audible() > 0.5 {
                self.places.insert(place(bar.start_beat), bar.clone());
            }
        }
        while self.places.len() > PLACES_KEPT {
            self.places.pop_first();
        }
    }

    /// What was heard at this place when the song last came by.
    pub fn at_place(&self, start_beat: f64, metre: Metre) -> Option<&HeardBar> {
        self.places.get(&place(start_beat)).filter(|bar| bar.metre == metre)
    }

    /// First quarter note of the bar that phrases are counted from: the earliest with a chord on this clock
    /// and in this metre, else the earliest in which anything sounds. A bar is counted from there and not by
    /// how many were heard, so that whoever stops, jumps and plays on finds each bar of the project in its
    /// place.
    pub fn phrase_start(&self, position: &Position) -> Option<f64> {
        let on_host = matches!(position.timeline, Timeline::Host);
        let earliest = |has_chord: bool| {
            let key = (on_host, position.metre, has_chord);
            let kept = self.bars.iter().filter(|bar| bar.start_key() == Some(key)).map(|bar| bar.start_beat);
            let gone = self.starts.iter().filter(|(k, _)| *k == key).map(|(_, start)| *start);
            kept.chain(gone).reduce(f64::min)
        };
        earliest(true).or_else(|| earliest(false))
    }

    /// Bars in order of hearing, the one that sounds now last.
    pub fn bars(&self) -> &VecDeque<HeardBar> {
        &self.bars
    }

    /// Mean accents of the last complete bars of this metre; empty when there are none.
    pub fn accents(&self, metre: Metre) -> Vec<f32> {
        mean_accents(self.bars.iter().rev().skip(1).filter(|bar| bar.metre == metre).take(4))
    }
}

/// Raises the accent at the sixteenth nearest to `beat` (quarter notes from the bar's start); what
/// falls beyond the bar's last sixteenth belongs to its first, as an anticipated downbeat.
pub(crate) fn add_accent(accents: &mut [f32], beat: f64, strength: f32) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // wrapped below
    let sixteenth = (beat * 4.0).round().clamp(0.0, 1e6) as usize;
    let i = sixteenth % accents.len();
    accents[i] = accents[i].max(strength.clamp(0.0, 1.0));
}

/// The mean of some bars' accents; empty for no bars.
pub(crate) fn mean_accents<'a>(bars: impl Iterator<Item = &'a HeardBar>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    let mut n = 0.0f32;
    for bar in bars {
        sum.resize(bar.accents.len(), 0.0);
        sum.iter_mut().zip(&bar.accents).for_each(|(s, a)| *s += a);
        n += 1.0;
    }
    sum.iter_mut().for_each(|s| *s /= n);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use backline_music::Timeline;

    fn position(beat: f64) -> Position {
        Position {
            timeline: Timeline::Host,
            beat,
            tempo_bpm: 120.0,
            metre: Metre::FOUR_FOUR,
            bar_start: (beat / 4.0).floor() * 4.0,
            loop_beats: None,
        }
    }

    fn run(memory: &mut Memory, from_beat: f64, time_s: f64, seconds: f64) {
        let steps = (seconds * 100.0).round();
        for i in 0..steps as i32 {
            let dt = f64::from(i) / 100.0;
            memory.step(time_s + dt, &position(from_beat + dt * 2.0), true, i == 0);
        }
    }

    fn span(start_s: f64, end_s: f64, label: &str) -> ChordSpan {
        let chord = Some(label.parse().unwrap());
        ChordSpan { start_s, end_s, chord, prob: 0.8, runner_up: None, decided_s: end_s }
    }

    #[test]
    fn harmony_lands_on_the_tactus_grid() {
        let mut memory = Memory::default();
        run(&mut memory, 0.0, 1.0, 4.0);
        // Changes fall 30 ms late, as heard changes do.
        let chords = [span(1.0, 3.03, "A:min"), span(3.03, 4.03, "F:maj"), span(4.03, 5.0, "C:maj")];
        memory.read_harmony(&chords, 5.0);
        let bars: Vec<_> = memory.bars().iter().map(HeardBar::planned_chords).collect();
        assert_eq!(bars.len(), 2);
        assert_eq!(bars[0].len(), 1);
        assert_eq!((bars[0][0].start_beat, bars[0][0].length_beats), (0.0, 4.0));
        assert_eq!(bars[1].iter().map(|c| c.start_beat).collect::<Vec<_>>(), [4.0, 6.0]);
        assert_eq!(bars[1][0].chord, Some("F:maj".parse().unwrap()));
    }

    #[test]
    fn accents_land_on_their_sixteenth() {
        let mut memory = Memory::default();
        run(&mut memory, 0.0, 0.0, 4.5);
        // Beat 2 and the sixteenth before beat 4 of the second bar (at 120 BPM a sixteenth is 125 ms).
        memory.hear_onsets(&[Onset { time_s: 2.51, strength: 1.0 }, Onset { time_s: 3.36, strength: 0.5 }]);
        let bar = &memory.bars()[1];
        assert_eq!(bar.accents[4], 1.0);
        assert_eq!(bar.accents[11], 0.5);
        assert_eq!(bar.accents.iter().filter(|a| **a > 0.0).count(), 2);
    }

    #[test]
    fn a_place_is_known_the_second_time_round() {
        let mut memory = Memory::default();
        run(&mut memory, 0.0, 0.0, 4.0);
        memory.read_harmony(&[span(0.0, 4.0, "E:min")], 4.0);
        run(&mut memory, 0.0, 4.0, 0.5); // jumped back
        memory.remember_places();
        let bar = memory.at_place(0.0, Metre::FOUR_FOUR).unwrap();
        assert_eq!(bar.planned_chords()[0].chord, Some("E:min".parse().unwrap()));
        assert!(memory.at_place(0.0, Metre::THREE_FOUR).is_none());
        assert!(memory.at_place(8.0, Metre::FOUR_FOUR).is_none());
    }
}
