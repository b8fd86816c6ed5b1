//! Tests of the scheduler with plans made by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::clock::{Tightness, Tracker};
use crate::test_bars::bar;

const CHANNELS: [u8; 3] = [9, 0, 1];

fn note(part: Part, key: u8, onset_beat: f64, length_beats: f64) -> PlannedNote {
    PlannedNote { part, key, velocity: 100, onset_beat, length_beats }
}

fn plan(revision: u64, bars: Vec<PlannedBar>) -> Plan {
    Plan { revision, timeline: Timeline::Host, committed_beat: f64::NEG_INFINITY, bars }
}

/// Bars `from..to` of a groove: kick, hats that touch, held chords, bass; some of it early or late.
fn groove(revision: u64, from: i64, to: i64) -> Plan {
    let bars = (from..to)
        .map(|index| {
            let start = index as f64 * 4.0;
            let mut notes =
                vec![note(Part::Drums, 36, start - 0.01, 0.25), note(Part::Drums, 36, start + 2.003, 0.25)];
            for eighth in 0..8 {
                notes.push(note(Part::Drums, 42, start + f64::from(eighth) * 0.5, 0.5));
            }
            for key in [60, 64, 67] {
                notes.push(note(Part::Chords, key, start, 4.0));
            }
            for sixteenth in 0..16 {
                notes.push(note(Part::Bass, 40 + (sixteenth % 5), start + f64::from(sixteenth) * 0.25, 0.2));
            }
            notes.sort_by(|a, b| a.onset_beat.total_cmp(&b.onset_beat));
            bar(index, notes)
        })
        .collect();
    plan(revision, bars)
}

/// What the host reports: beat, tempo and loop.
type HostAt = (f64, f64, Option<(f64, f64)>);

/// Plays as the processor does, and watches what comes out.
struct Rig {
    scheduler: Scheduler,
    tracker: Tracker,
    events: Events,
    rate: f64,
    pos: u64,
    /// (stream sample, event), all of them.
    log: Vec<(u64, NoteEvent)>,
    sounding: BTreeMap<(u8, u8), u64>,
    parts: [bool; 3],
    channels: [u8; 3],
    /// Events that the host takes in a block.
    room: usize,
}

impl Rig {
    fn new(rate: f64) -> Self {
        Self {
            scheduler: Scheduler::new(rate),
            tracker: Tracker::new(Tightness::HOST),
            events: Events::default(),
            rate,
            pos: 0,
            log: Vec::new(),
            sounding: BTreeMap::new(),
            parts: [true; 3],
            channels: CHANNELS,
            room: usize::MAX,
        }
    }

    /// One block; `at` is the host's (beat, tempo, loop), `None` when it is stopped. Asserts what holds
    /// for every block.
    fn block(&mut self, frames: usize, at: Option<HostAt>, plan: &Plan) {
        let clock = match at {
            Some((beat, tempo, looping)) => {
                Some((Clock::Host, self.tracker.follow(beat, tempo, frames, self.rate, looping)))
            }
            None => {
                self.tracker.stop();
                None
            }
        };
        self.events.clear();
        let span = Span {
            offset: 0,
            frames,
            stream_pos: self.pos,
            clock,
            plan,
            parts: self.parts,
            channels: self.channels,
        };
        self.scheduler.run(&span, &mut self.events);
        let (mut last, mut taken) = (0, Vec::new());
        self.scheduler.deliver(&self.events, self.pos, |event| {
            let room = taken.len() < self.room;
            taken.extend(room.then_some(*event));
            room
        });
        for event in &taken {
            assert!((event.offset as usize) < frames, "offset {} of {frames}", event.offset);
            assert!(event.offset >= last, "out of order");
            last = event.offset;
            let voice = (event.channel, event.key);
            let time = self.pos + u64::from(event.offset);
            match event.velocity {
                Some(_) => assert_eq!(self.sounding.insert(voice, time), None, "struck twice: {voice:?}"),
                None => {
                    let begun = self.sounding.remove(&voice);
                    assert!(
                        begun.is_some_and(|begun| begun < time),
                        "off without on, or no length: {voice:?}"
                    );
                }
            }
            self.log.push((time, *event));
        }
        assert_eq!(self.sounding.len(), self.scheduler.sounding());
        self.pos += frames as u64;
    }

    fn ons(&self) -> Vec<(u64, u8, u8)> {
        self.log.iter().filter(|(_, e)| e.velocity.is_some()).map(|(t, e)| (*t, e.channel, e.key)).collect()
    }
}

/// Runs straight through `total` samples in blocks of `block`.
fn straight(rate: f64, tempo: f64, from: f64, block: usize, total: usize, plan: &Plan) -> Rig {
    let mut rig = Rig::new(rate);
    let mut done = 0;
    while done < total {
        let frames = block.min(total - done);
        rig.block(frames, Some((from + done as f64 / rate * tempo / 60.0, tempo, None)), plan);
        done += frames;
    }
    rig
}

#[test]
fn notes_fall_on_the_nearest_sample() {
    let plan = groove(1, 0, 8);
    let mut worst: f64 = 0.0;
    for (rate, tempo) in
        [(22_050.0, 61.7), (44_100.0, 120.0), (48_000.0, 174.0), (96_000.0, 90.1), (192_000.0, 133.3)]
    {
        let total = (rate * 60.0 / tempo * 20.0) as usize;
        let rig = straight(rate, tempo, 0.0, 509, total, &plan);
        let mut expected: Vec<(f64, u8, u8)> = plan
            .notes()
            .filter(|n| n.onset_beat < 20.0 - 1.0e-3)
            .map(|n| (n.onset_beat * rate * 60.0 / tempo, CHANNELS[n.part.index()], n.key))
            .collect();
        expected.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut played = rig.ons();
        played.sort();
        assert_eq!(played.len(), expected.len(), "{rate} Hz");
        for (got, want) in played.iter().zip(&expected) {
            // The first kick is early: it comes with the start.
            let error = (got.0 as f64 - want.0.max(0.0)).abs();
            worst = worst.max(error);
        }
    }
    assert!(worst <= 0.502, "{worst}");
    println!("worst onset error {worst:.4} samples");
}

#[test]
fn the_block_size_changes_nothing() {
    // 44.1 kHz at 120 BPM: a sixteenth is 5,512.5 samples, the hardest case for rounding.
    let plan = groove(1, 0, 6);
    let reference = straight(44_100.0, 120.0, 0.0, 8_192, 44_100 * 10, &plan).log;
    for block in [1, 16, 33, 64, 441, 512, 4_096] {
        let log = straight(44_100.0, 120.0, 0.0, block, 44_100 * 10, &plan).log;
        assert_eq!(log.len(), reference.len(), "block {block}");
        let sorted = |log: &[(u64, NoteEvent)]| {
            let mut times: Vec<_> =
                log.iter().map(|(t, e)| (*t, e.velocity.is_some(), e.channel, e.key)).collect();
            times.sort();
            times
        };
        assert_eq!(sorted(&log), sorted(&reference), "block {block}");
    }
}

#[test]
fn stopping_releases_on_the_first_sample() {
    let plan = groove(1, 0, 4);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 4_800, &plan);
    assert!(!rig.sounding.is_empty());
    let stop = rig.pos;
    rig.block(480, None, &plan);
    assert!(rig.sounding.is_empty());
    assert!(rig.log.iter().filter(|(t, _)| *t >= stop).all(|(t, e)| *t == stop && e.velocity.is_none()));
}

#[test]
fn a_part_switched_off_or_moved_is_released() {
    let plan = groove(1, 0, 4);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 4_800, &plan);
    let beat = |rig: &Rig| rig.pos as f64 / 24_000.0;
    rig.parts[Part::Chords.index()] = false;
    let here = rig.pos;
    rig.block(480, Some((beat(&rig), 120.0, None)), &plan);
    let offs = |rig: &Rig, channel| {
        rig.log.iter().filter(|(t, e)| *t == here && e.channel == channel && e.velocity.is_none()).count()
    };
    assert_eq!(offs(&rig, 0), 3, "the chord is released");
    assert!(rig.sounding.keys().all(|(channel, _)| *channel != 0));

    rig.parts = [true; 3];
    rig.channels = [9, 4, 1];
    for _ in 0..200 {
        rig.block(480, Some((beat(&rig), 120.0, None)), &plan);
    }
    assert!(rig.ons().iter().any(|(_, channel, _)| *channel == 4));
    rig.channels = [9, 5, 1];
    rig.block(480, Some((beat(&rig), 120.0, None)), &plan);
    assert!(rig.sounding.keys().all(|(channel, _)| *channel != 4), "released on the channel it began on");
}

#[test]
fn a_jump_releases_and_goes_on_there() {
    let plan = groove(1, 0, 8);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 4_800, &plan);
    let jump = rig.pos;
    rig.block(480, Some((8.0, 120.0, None)), &plan);
    let at_jump: Vec<_> = rig.log.iter().filter(|(t, _)| *t == jump).collect();
    assert!(at_jump.iter().any(|(_, e)| e.velocity.is_none()));
    // The kick of bar 2 is planned 10 thousandths early; whoever jumps to the bar line hears it.
    let struck: Vec<u8> = at_jump.iter().filter(|(_, e)| e.velocity.is_some()).map(|(_, e)| e.key).collect();
    assert!(struck.contains(&36) && struck.contains(&42) && struck.contains(&60), "{struck:?}");
}

#[test]
fn a_loop_wraps_inside_a_block() {
    // Loop over bar 1 (beats 4..8), 48 kHz, 120 BPM: 96,000 samples a turn.
    let plan = groove(1, 0, 8);
    for block in [64usize, 1_000, 8_192] {
        let mut rig = Rig::new(48_000.0);
        let mut done = 0usize;
        while done < 96_000 * 3 {
            let beat = 4.0 + ((done as f64) / 24_000.0) % 4.0;
            rig.block(block, Some((beat, 120.0, Some((4.0, 8.0)))), &plan);
            done += block;
        }
        let chords: Vec<u64> =
            rig.ons().iter().filter(|(_, c, k)| *c == 0 && *k == 60).map(|n| n.0).collect();
        assert!(chords.starts_with(&[0, 96_000, 192_000]), "{chords:?} at block {block}");
        // Once a turn, at its start: the early kick of the bar behind the loop is not played.
        let kicks: Vec<u64> =
            rig.ons().iter().filter(|(t, _, k)| *k == 36 && *t < 288_000).map(|n| n.0 % 96_000).collect();
        assert_eq!(kicks, [0, 48_072, 0, 48_072, 0, 48_072], "block {block}");
        for turn in [96_000, 192_000] {
            let offs =
                rig.log.iter().filter(|(t, e)| *t == turn && e.velocity.is_none() && e.channel == 0).count();
            assert_eq!(offs, 3, "the chord is released at the seam, block {block}");
        }
    }
}

#[test]
fn a_note_over_the_seam_of_a_loop_ends_there() {
    // From beat 7 to 11, in a loop over beats 4..8: a quarter note in each turn.
    let plan = plan(1, vec![bar(1, vec![note(Part::Bass, 40, 7.0, 4.0)])]);
    for block in [100usize, 480, 8_192] {
        let mut rig = Rig::new(48_000.0);
        while rig.pos < 96_000 * 2 + 8_192 {
            let beat = 4.0 + (rig.pos as f64 / 24_000.0) % 4.0;
            rig.block(block, Some((beat, 120.0, Some((4.0, 8.0)))), &plan);
        }
        let seen: Vec<_> = rig.log.iter().map(|(t, e)| (*t, e.velocity.is_some())).take(4).collect();
        let expected = [(72_000, true), (96_000, false), (168_000, true), (192_000, false)];
        assert_eq!(seen, expected, "block {block}");
    }
}

#[test]
fn a_new_plan_leaves_sounding_notes_their_ends() {
    let long = plan(1, vec![bar(0, vec![note(Part::Chords, 60, 0.0, 2.0)])]);
    let other = plan(2, vec![bar(0, vec![note(Part::Bass, 40, 1.0, 0.5)])]);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 12_000, &long);
    while rig.pos < 60_000 {
        rig.block(480, Some((rig.pos as f64 / 24_000.0, 120.0, None)), &other);
    }
    let off = rig.log.iter().find(|(_, e)| e.key == 60 && e.velocity.is_none()).unwrap();
    assert_eq!(off.0, 48_000);
    assert!(rig.ons().contains(&(24_000, 1, 40)));
}

#[test]
fn a_plan_that_comes_a_little_late_still_plays_the_downbeat() {
    let empty = plan(1, Vec::new());
    let full = groove(2, 2, 6);
    let mut rig = Rig::new(48_000.0);
    rig.block(480, Some((8.0, 120.0, None)), &empty);
    rig.block(480, Some((8.0 + 480.0 / 24_000.0, 120.0, None)), &full);
    let struck: Vec<u8> = rig.ons().iter().filter(|(t, _, _)| *t == 480).map(|n| n.2).collect();
    assert!(struck.contains(&36) && struck.contains(&60), "{struck:?}");
    // And not twice when the next plan comes.
    let newer = groove(3, 2, 6);
    rig.block(480, Some((8.0 + 960.0 / 24_000.0, 120.0, None)), &newer);
    assert_eq!(rig.ons().iter().filter(|(t, _, _)| *t >= 960).count(), 0);
    // Later it is too late for drums, but not for what is held; much later it is too late for all.
    let held = |late: usize| {
        let mut rig = Rig::new(48_000.0);
        rig.block(late, Some((8.0, 120.0, None)), &empty);
        rig.block(480, Some((8.0 + late as f64 / 24_000.0, 120.0, None)), &full);
        rig.ons().iter().map(|n| n.2).collect::<Vec<u8>>()
    };
    assert_eq!(held(4_096), [60, 64, 67]);
    assert!(held(13_000).is_empty());
}

#[test]
fn a_clock_that_enters_again_where_it_is_strikes_nothing_twice() {
    // Round a loop of a bar, as a host does it that goes back to its very start with the next block.
    let plan = groove(1, 0, 2);
    let mut rig = Rig::new(48_000.0);
    let mut beat = 3.5;
    for _ in 0..60 {
        rig.block(500, Some((beat, 120.0, Some((0.0, 4.0)))), &plan);
        beat += 500.0 / 24_000.0;
        if beat > 4.0 {
            beat = 0.0;
        }
    }
    let kicks: Vec<u64> = rig.ons().iter().filter(|n| n.2 == 36).map(|n| n.0).collect();
    assert_eq!(kicks.len(), 1, "{kicks:?}");
    let chord: Vec<(u64, bool)> =
        rig.log.iter().filter(|(_, e)| e.key == 60).map(|(t, e)| (*t, e.velocity.is_some())).collect();
    assert!(chord[0].1 && (chord.len() == 1 || chord[1].0 > chord[0].0 + 10_000), "it is held: {chord:?}");
    // Or stands still, and says that it plays.
    let mut rig = Rig::new(48_000.0);
    for _ in 0..100 {
        rig.block(480, Some((0.0, 120.0, None)), &plan);
    }
    assert_eq!(rig.ons().iter().filter(|n| n.2 == 36).count(), 1);
    rig.block(480, None, &plan);
    assert!(rig.sounding.is_empty());
    // From further off it is a jump, and plays.
    let mut rig = Rig::new(48_000.0);
    for beat in [0.0, 0.04, 0.08, 0.12, 0.16, 0.0] {
        rig.block(960, Some((beat, 120.0, None)), &plan);
    }
    assert_eq!(rig.ons().iter().filter(|n| n.2 == 36).count(), 2);
}

#[test]
fn a_note_off_that_is_owed_outlives_the_next_note_of_its_key() {
    let plan = plan(1, vec![bar(0, vec![note(Part::Bass, 40, 0.0, 0.5), note(Part::Bass, 40, 0.5, 0.5)])]);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 11_520, &plan);
    assert_eq!(rig.sounding.len(), 1);
    // Off and on again in one block, and no room for either.
    rig.room = 0;
    rig.block(960, Some((11_520.0 / 24_000.0, 120.0, None)), &plan);
    rig.room = usize::MAX;
    rig.block(480, None, &plan);
    assert!(rig.sounding.is_empty(), "it hangs");
}

#[test]
fn a_key_struck_again_is_released_first() {
    let plan = plan(1, vec![bar(0, vec![note(Part::Bass, 40, 0.0, 4.0), note(Part::Bass, 40, 1.0, 1.0)])]);
    let rig = straight(48_000.0, 120.0, 0.0, 480, 96_000, &plan);
    let seen: Vec<_> = rig.log.iter().map(|(t, e)| (*t, e.velocity.is_some())).collect();
    assert_eq!(seen, [(0, true), (24_000, false), (24_000, true), (48_000, false)]);
}

#[test]
fn tempo_changes_move_the_rest() {
    let plan = plan(1, vec![bar(0, vec![note(Part::Bass, 40, 2.0, 1.0)])]);
    let mut rig = Rig::new(48_000.0);
    // A quarter note at 120, then 60 BPM: beat 2 falls at 24,000 + 48,000.
    let mut beat = 0.0;
    while rig.pos < 144_000 {
        let tempo = if rig.pos < 24_000 { 120.0 } else { 60.0 };
        rig.block(480, Some((beat, tempo, None)), &plan);
        beat += 480.0 / 48_000.0 * tempo / 60.0;
    }
    assert_eq!(rig.log.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [72_000, 120_000]);
}

#[test]
fn an_event_list_that_is_full_owes_nothing_for_long() {
    // 400 starts on one sample: more than can sound.
    let notes = (0..400u16).map(|i| note(Part::ALL[usize::from(i % 3)], (i % 128) as u8, 0.0, 1.0)).collect();
    let crowded = plan(1, vec![bar(0, notes)]);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 48_000, &crowded);
    rig.block(480, None, &crowded);
    assert!(rig.sounding.is_empty());
}

#[test]
fn a_refused_note_off_is_sent_again() {
    let plan = plan(1, vec![bar(0, vec![note(Part::Bass, 40, 0.0, 0.01)])]);
    let mut rig = straight(48_000.0, 120.0, 0.0, 480, 480, &plan);
    assert_eq!(rig.log.len(), 2);
    // The next time there is room for the note-on alone.
    rig.block(480, None, &plan);
    rig.room = 1;
    rig.block(480, Some((0.0, 120.0, None)), &plan);
    assert_eq!((rig.log.len(), rig.sounding.len()), (3, 1));
    rig.block(480, Some((0.02, 120.0, None)), &plan);
    assert!(rig.sounding.is_empty());
}

#[test]
fn the_heard_beat_may_be_corrected() {
    // The anchor wanders by up to 20 ms; no note may be doubled or lost.
    let mut scheduler = Scheduler::new(48_000.0);
    let mut tracker = Tracker::new(Tightness::HEARD);
    let mut events = Events::default();
    let mut bars = groove(1, 0, 40);
    let mut struck = BTreeMap::new();
    for block in 0..(48_000 * 30 / 256u64) {
        let pos = block * 256;
        let wobble = 0.02 * (block as f64 / 40.0).sin();
        bars.revision = block;
        bars.timeline = Timeline::Heard { anchor_s: wobble, anchor_beat: 0.0, tempo_bpm: 120.0 };
        let beat = (pos as f64 / 48_000.0 - wobble) * 2.0;
        let track = tracker.follow(beat, 120.0, 256, 48_000.0, None);
        assert_eq!(track.fresh, block == 0);
        events.clear();
        let span = Span {
            offset: 0,
            frames: 256,
            stream_pos: pos,
            clock: Some((Clock::Heard, track)),
            plan: &bars,
            parts: [true; 3],
            channels: CHANNELS,
        };
        scheduler.run(&span, &mut events);
        for event in events.as_slice().iter().filter(|e| e.velocity.is_some() && e.key == 36) {
            let beat = (pos + u64::from(event.offset)) as f64 / 24_000.0;
            let count = struck.entry((beat / 2.0).round() as i64).or_insert(0u32);
            *count += 1;
            assert_eq!(*count, 1, "kick doubled at beat {beat}");
        }
    }
    assert!(struck.len() >= 29, "{} kicks", struck.len());
}

/// What a host may do to a transport.
#[derive(Debug, Clone)]
enum Move {
    Play { blocks: u8, frames: usize },
    Jump { beat: f64 },
    Tempo { bpm: f64 },
    Loop { start: f64, length: f64 },
    NoLoop,
    Stop { blocks: u8 },
    Parts([bool; 3]),
    Channel(u8),
    Reset,
    Plan { from: i64 },
    Quantise(bool),
    Room(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (1u8..12, prop_oneof![Just(1usize), 2usize..64, 64usize..2_048, Just(8_192)])
            .prop_map(|(blocks, frames)| Move::Play { blocks, frames }),
        2 => (-8.0..40.0f64).prop_map(|beat| Move::Jump { beat }),
        2 => prop_oneof![30.0..300.0f64, Just(f64::NAN), Just(0.0), Just(999.0)].prop_map(|bpm| Move::Tempo { bpm }),
        2 => (0.0..30.0f64, prop_oneof![Just(0.0), 0.001..0.1f64, 0.5..9.0f64])
            .prop_map(|(start, length)| Move::Loop { start, length }),
        1 => Just(Move::NoLoop),
        1 => (1u8..4).prop_map(|blocks| Move::Stop { blocks }),
        1 => any::<[bool; 3]>().prop_map(Move::Parts),
        1 => (0u8..16).prop_map(Move::Channel),
        1 => Just(Move::Reset),
        2 => (-3i64..10).prop_map(|from| Move::Plan { from }),
        1 => any::<bool>().prop_map(Move::Quantise),
        2 => prop_oneof![0usize..6, Just(usize::MAX)].prop_map(Move::Room),
    ]
}

proptest! {
    // 400 runs of 40 moves on average: 16,000 moves.
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_move_of_the_transport_leaves_a_note_hanging(
        moves in prop::collection::vec(moves(), 20..60),
        rate in prop_oneof![Just(22_050.0), Just(44_100.0), Just(48_000.0), Just(192_000.0)],
    ) {
        let mut rig = Rig::new(rate);
        let mut revision = 1;
        let mut plan = groove(revision, -2, 6);
        let (mut beat, mut tempo, mut looping, mut quantise) = (-2.0f64, 120.0f64, None, false);
        for step in moves {
            match step {
                Move::Play { blocks, frames } => {
                    for _ in 0..blocks {
                        let reported = if quantise { (beat * 960.0).floor() / 960.0 } else { beat };
                        rig.block(frames, Some((reported, tempo, looping)), &plan);
                        let per_sample = crate::clock::beats_per_sample(tempo, rate);
                        let usable = looping.filter(|(a, b)| b - a > 16.0 * per_sample);
                        beat = crate::clock::walk(beat, per_sample, frames, usable);
                    }
                }
                Move::Jump { beat: to } => beat = to,
                Move::Tempo { bpm } => tempo = bpm,
                Move::Loop { start, length } => looping = Some((start, start + length)),
                Move::NoLoop => looping = None,
                Move::Stop { blocks } => {
                    for _ in 0..blocks {
                        rig.block(256, None, &plan);
                    }
                    prop_assert!(rig.sounding.is_empty() || rig.room != usize::MAX);
                }
                Move::Parts(parts) => rig.parts = parts,
                Move::Channel(channel) => rig.channels = [channel, (channel + 1) % 16, channel],
                Move::Reset => rig.scheduler.stop(),
                Move::Plan { from } => {
                    revision += 1;
                    plan = groove(revision, from, from + 8);
                }
                Move::Quantise(on) => quantise = on,
                Move::Room(events) => rig.room = events,
            }
        }
        rig.room = usize::MAX;
        rig.block(64, None, &plan);
        prop_assert!(rig.sounding.is_empty());
        let ons = rig.log.iter().filter(|(_, e)| e.velocity.is_some()).count();
        prop_assert_eq!(ons * 2, rig.log.len());
    }
}
