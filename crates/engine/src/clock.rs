//! Stream seconds to beats: on the host's timeline while it runs, else on the heard beat.

use std::collections::VecDeque;

use backline_music::{Corrections, Heard, Metre, Timeline, Transport};

/// A place on the timeline at one stream time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    /// What the beats are counted on.
    pub timeline: Timeline,
    /// Quarter notes on that timeline.
    pub beat: f64,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    /// Metre in force.
    pub metre: Metre,
    /// First quarter note of the bar in force.
    pub bar_start: f64,
    /// Loop range in quarter notes, if one is active.
    pub loop_beats: Option<(f64, f64)>,
}

impl Position {
    /// One past the last quarter note of the bar in force.
    pub fn bar_end(&self) -> f64 {
        self.bar_start + self.metre.bar_quarters()
    }

    /// Start of the bar that follows the one that starts at `start`, the loop taken into account.
    pub fn next_bar_start(&self, start: f64) -> f64 {
        let end = start + self.metre.bar_quarters();
        match self.loop_beats {
            Some((from, to)) if start < to && end >= to - 1e-6 && to > from => {
                // The bar that holds the loop's start, counted from the bar lines in force.
                let bars = ((from - self.bar_start) / self.metre.bar_quarters() + 1e-9).floor();
                self.bar_start + bars * self.metre.bar_quarters()
            }
            _ => end,
        }
    }
}

/// The host's transports, each at the stream time of the block it came with.
#[derive(Debug, Default)]
pub(crate) struct HostClock {
    anchors: VecDeque<(f64, Transport)>,
}

/// Positions of a host that counts in ticks differ from the sample count by less than this.
const JUMP_BEATS: f64 = 0.02;

impl HostClock {
    /// Notes the transport at stream second `time_s`. Nonsense (no finite position or tempo) counts
    /// as a stopped transport.
    pub fn push(&mut self, time_s: f64, transport: &Transport) {
        let sane = transport.pos_beats.is_finite()
            && transport.bar_start_beats.is_finite()
            && transport.pos_beats.abs() < 1e9
            && transport.bar_start_beats.abs() < 1e9
            && (5.0..=1000.0).contains(&transport.tempo_bpm);
        let transport = if sane { *transport } else { Transport { playing: false, ..Transport::STOPPED } };
        // A block of no length is superseded by the one that follows at the same time.
        while self.anchors.back().is_some_and(|&(t, _)| t >= time_s) {
            self.anchors.pop_back();
        }
        // Blocks that continue the last anchor exactly add nothing; leaving them out keeps the
        // arithmetic the same for every division into blocks.
        if let Some((t0, last)) = self.anchors.back() {
            let same = last.playing == transport.playing
                && last.tempo_bpm == transport.tempo_bpm
                && last.metre == transport.metre
                && last.loop_beats == transport.loop_beats;
            let expected = last.pos_after(time_s - t0);
            let bars = (transport.bar_start_beats - last.bar_start_beats) / transport.metre.bar_quarters();
            if same
                && (expected - transport.pos_beats).abs() < JUMP_BEATS
                && (bars - bars.round()).abs() < 1e-3
            {
                return;
            }
        }
        self.anchors.push_back((time_s, transport));
    }

    /// Forgets anchors that no time from `time_s` on needs.
    pub fn forget_before(&mut self, time_s: f64) {
        while self.anchors.len() > 1 && self.anchors[1].0 <= time_s {
            self.anchors.pop_front();
        }
    }

    /// Position at a stream time, or `None` while the transport stands.
    pub fn at(&self, time_s: f64) -> Option<Position> {
        let &(t0, transport) = self.anchors.iter().rev().find(|(t, _)| *t <= time_s + 1e-9)?;
        if !transport.playing {
            return None;
        }
        let beat = transport.pos_after(time_s - t0);
        // Rounded, so that which side of a bar line a step falls on does not hang on the last bit.
        let beat = (beat * 1e6).round() / 1e6;
        let bar_quarters = transport.metre.bar_quarters();
        let bars = ((beat - transport.bar_start_beats) / bar_quarters + 1e-9).floor();
        Some(Position {
            timeline: Timeline::Host,
            beat,
            tempo_bpm: transport.tempo_bpm,
            metre: transport.metre,
            bar_start: transport.bar_start_beats + bars * bar_quarters,
            loop_beats: transport.loop_beats.filter(|(from, to)| from.is_finite() && to - from > 1e-3),
        })
    }
}

/// The heard beat as a clock. Quarter notes are counted by the beats that passed, not by the numbers
/// of heard bars: those are revised, and a bar may turn out shorter than the metre.
#[derive(Debug, Default)]
pub(crate) struct HeardClock {
    /// The beat that was last expected: its stream second and its position.
    expected: Option<(f64, f64)>,
    /// Where the musician's own bars are counted from, and the corrections they hold for.
    counted_from: Option<(f64, Metre, f64)>,
}

impl HeardClock {
    /// Position at a stream time, or `None` while no beat is being followed.
    pub fn at(&mut self, heard: &Heard, corrections: &Corrections, time_s: f64) -> Option<Position> {
        let next = heard.next_beat?;
        let heard_metre = heard.metre?.value;
        let tactus_bpm = heard.tempo_bpm?.value;
        // A beat that is counted twice as fast is twice as many quarter notes long.
        let octave = corrections.tempo_octave(tactus_bpm * heard_metre.tactus_quarters());
        let tactus = heard_metre.tactus_quarters() * octave;
        let metre = corrections.metre.unwrap_or(heard_metre);
        if !(tactus_bpm.is_finite() && tactus_bpm > 1.0 && next.time_s.is_finite()) {
            return None;
        }
        let in_bar = f64::from(next.beat.saturating_sub(1)) * tactus;
        let anchor_beat = match self.expected {
            // The first beat lies in bar 0 of the timeline, in its place.
            None => in_bar,
            Some((last_s, position)) => {
                let passed = ((next.time_s - last_s) * tactus_bpm / 60.0).round();
                position + passed.max(0.0) * tactus
            }
        };
        self.expected = Some((next.time_s, anchor_beat));
        let tempo_bpm = tactus_bpm * tactus;
        let beat = anchor_beat + (time_s - next.time_s) * tempo_bpm / 60.0;
        let bar_quarters = metre.bar_quarters();
        let heard_start = anchor_beat - in_bar;
        // Bars that are not those heard are counted on from the bar line that was heard first.
        let bar_start = if octave == 1.0 && metre == heard_metre {
            self.counted_from = None;
            heard_start
        } else {
            match self.counted_from {
                Some((from, m, o)) if m == metre && o == octave => from,
                _ => {
                    self.counted_from = Some((heard_start, metre, octave));
                    heard_start
                }
            }
        };
        Some(Position {
            timeline: Timeline::Heard { anchor_s: next.time_s, anchor_beat, tempo_bpm },
            beat,
            tempo_bpm,
            metre,
            bar_start: bar_start + ((beat - bar_start) / bar_quarters + 1e-9).floor() * bar_quarters,
            loop_beats: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backline_music::{Beat, Estimate};

    fn playing(pos_beats: f64, metre: Metre, bar_start_beats: f64) -> Transport {
        Transport { playing: true, pos_beats, tempo_bpm: 120.0, metre, bar_start_beats, loop_beats: None }
    }

    #[test]
    fn positions_run_between_anchors_and_know_their_bar() {
        let mut clock = HostClock::default();
        clock.push(0.0, &playing(6.0, Metre::THREE_FOUR, 6.0));
        let later = clock.at(2.0).unwrap();
        assert_eq!(later.beat, 10.0);
        assert_eq!(later.bar_start, 9.0);
        clock.push(3.0, &Transport::STOPPED);
        assert!(clock.at(3.5).is_none());
        assert!(clock.at(2.9).is_some());
    }

    #[test]
    fn pre_roll_bars_are_negative() {
        let mut clock = HostClock::default();
        clock.push(0.0, &playing(-4.0, Metre::FOUR_FOUR, -4.0));
        assert_eq!(clock.at(1.0).unwrap().bar_start, -4.0);
        assert_eq!(clock.at(2.0).unwrap().bar_start, 0.0);
    }

    #[test]
    fn the_bar_after_the_loops_end_is_its_start() {
        let mut clock = HostClock::default();
        clock.push(0.0, &Transport { loop_beats: Some((4.0, 12.0)), ..playing(4.0, Metre::FOUR_FOUR, 4.0) });
        let position = clock.at(0.0).unwrap();
        assert_eq!(position.next_bar_start(4.0), 8.0);
        assert_eq!(position.next_bar_start(8.0), 4.0);
        assert_eq!(position.next_bar_start(16.0), 20.0); // beyond the loop: on it goes
        // Eight quarters a loop, two a second: the loop's end is its start.
        assert_eq!(clock.at(4.0).unwrap().beat, 4.0);
        assert_eq!(clock.at(4.5).unwrap().beat, 5.0);
        assert_eq!(clock.at(4.5).unwrap().bar_start, 4.0);
    }

    #[test]
    fn nonsense_from_a_host_counts_as_stopped() {
        let mut clock = HostClock::default();
        clock.push(0.0, &playing(f64::NAN, Metre::FOUR_FOUR, 0.0));
        assert!(clock.at(1.0).is_none());
        clock.push(1.0, &Transport { tempo_bpm: 0.0, ..playing(0.0, Metre::FOUR_FOUR, 0.0) });
        assert!(clock.at(1.5).is_none());
    }

    #[test]
    fn heard_beats_are_counted_as_they_pass() {
        let beat = |time_s, bar, beat| Beat { time_s, bar, beat, prob: 1.0, decided_s: 0.0 };
        let heard = |next_beat| Heard {
            next_beat: Some(next_beat),
            tempo_bpm: Some(Estimate::certain(120.0)),
            metre: Some(Estimate::certain(Metre::FOUR_FOUR)),
            ..Heard::default()
        };
        const AS_HEARD: Corrections =
            Corrections { tempo_near_bpm: None, key: None, metre: None, chords: Vec::new() };
        let mut clock = HeardClock::default();
        let first = clock.at(&heard(beat(1.0, 1, 3)), &AS_HEARD, 0.9).unwrap();
        assert!((first.beat - 1.8).abs() < 1e-9);
        assert_eq!(first.bar_start, 0.0);
        // A revision of the same beat does not count; the next beat does.
        assert!((clock.at(&heard(beat(1.02, 1, 3)), &AS_HEARD, 1.02).unwrap().beat - 2.0).abs() < 1e-9);
        assert!((clock.at(&heard(beat(1.5, 1, 4)), &AS_HEARD, 1.5).unwrap().beat - 3.0).abs() < 1e-9);
        // The listener finds that the bar began here: the count goes on, the bar line moves.
        let moved = clock.at(&heard(beat(2.0, 9, 1)), &AS_HEARD, 2.0).unwrap();
        assert!((moved.beat - 4.0).abs() < 1e-9);
        let moved = clock.at(&heard(beat(2.5, 10, 1)), &AS_HEARD, 2.5).unwrap();
        assert!((moved.beat - 5.0).abs() < 1e-9);
        assert_eq!(moved.bar_start, 5.0);
    }

    #[test]
    fn a_heard_beat_is_counted_as_the_musician_says() {
        let heard = |i: u32| Heard {
            next_beat: Some(Beat {
                time_s: 1.0 + f64::from(i) * 0.5,
                bar: 1,
                beat: 1 + (i % 4) as u8,
                prob: 1.0,
                decided_s: 0.0,
            }),
            tempo_bpm: Some(Estimate::certain(120.0)),
            metre: Some(Estimate::certain(Metre::FOUR_FOUR)),
            ..Heard::default()
        };
        let half = Corrections { tempo_near_bpm: Some(62.0), ..Corrections::default() };
        let waltz = Corrections { metre: Some(Metre::THREE_FOUR), ..Corrections::default() };
        let (mut slow, mut three) = (HeardClock::default(), HeardClock::default());
        for i in 0..24 {
            let time_s = 1.0 + f64::from(i) * 0.5;
            let place = slow.at(&heard(i), &half, time_s).unwrap();
            assert_eq!((place.tempo_bpm, place.beat), (60.0, f64::from(i) * 0.5));
            assert_eq!(place.bar_start, (place.beat / 4.0).floor() * 4.0, "bars are whole");
            let place = three.at(&heard(i), &waltz, time_s).unwrap();
            assert_eq!(place.bar_start, (place.beat / 3.0).floor() * 3.0);
            assert_eq!(place.tempo_bpm, 120.0);
        }
    }
}
