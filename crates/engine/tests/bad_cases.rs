//! What the band makes of music that gives it little to hold on to, heard from sound along a host's transport.

use std::collections::BTreeMap;

use backline_engine::Session;
use backline_music::score::{ChordVocabulary, wcsr};
use backline_music::{Chord, DrumVoice, Key, Metre, Mode, Part, PitchClass, PlannedBar, Transport};
use backline_synth::demo::{Comp, Groove, SAMPLE_RATE, Song, Spec, Voice};

const RATE: f64 = SAMPLE_RATE as f64;
/// One block of the host.
const BLOCK: usize = 441;

/// An electric piano that strikes once a bar and holds: what the cases are varied from.
const HELD: Spec = Spec {
    name: "held",
    tempo_bpm: 110.0,
    metre: Metre::FOUR_FOUR,
    key: Key::new(PitchClass::C, Mode::Major),
    form: &[(6, "C:maj | A:min | F:maj | G:maj")],
    comp: Comp { voice: Voice::Piano, rhythm: "X...............", low_key: 41, chord_key: 55, short: false },
    melody: None,
    bass: None,
    drums: None,
    swing: 0.0,
    drift: 0.0,
    loose_ms: 2.0,
    lead_in_s: 0.0,
    seed: 1,
};
const STRUCK: Comp = Comp { rhythm: "X...x...x...x...", ..HELD.comp };
const SILENT: Comp = Comp { rhythm: "................", ..HELD.comp };
const BEAT: Groove = Groove {
    rhythms: &[
        (DrumVoice::Kick, "X.......x.x....."),
        (DrumVoice::Snare, "....X.......X..."),
        (DrumVoice::ClosedHat, "x.x.x.x.x.x.x.x."),
    ],
};

/// What was played along a song.
struct Take {
    song: Song,
    /// As they stood when the playhead came to them; a bar that was not there then is missing.
    bars: Vec<PlannedBar>,
    /// What the listener held for the key at the end.
    key: Option<Key>,
}

impl Take {
    /// Share of the time after `bars` bars in which the chord of the plan was the song's, root and mode.
    fn right_after(&self, bars: f64) -> f64 {
        let second = |beat: f64| self.song.tempo.seconds_at(beat);
        let truth: Vec<_> = self.song.chords.iter().map(|c| (c.start_s, c.end_s, c.chord)).collect();
        let chords = self.bars.iter().flat_map(|b| &b.chords);
        let played: Vec<(f64, f64, Option<Chord>)> =
            chords.map(|c| (second(c.start_beat), second(c.start_beat + c.length_beats), c.chord)).collect();
        let from = second(bars * self.song.metre.bar_quarters());
        wcsr(&truth, &played, ChordVocabulary::MajMin, from).unwrap()
    }

    fn notes(&self, part: Part) -> usize {
        self.bars.iter().flat_map(|b| &b.notes).filter(|n| n.part == part).count()
    }
}

fn along(spec: &Spec) -> Take {
    let song = spec.render(SAMPLE_RATE);
    let mono = song.mono();
    let quarters = song.metre.bar_quarters();
    let quarter_bpm = song.tempo_bpm * song.metre.tactus_quarters();
    let mut session = Session::new(RATE).unwrap();
    let mut bars: BTreeMap<i64, PlannedBar> = BTreeMap::new();
    let mut last = -1;
    for (i, block) in mono.chunks(BLOCK).enumerate() {
        let pos_beats = (i * BLOCK) as f64 / RATE * quarter_bpm / 60.0;
        let bar_start_beats = (pos_beats / quarters).floor() * quarters;
        let index = (pos_beats / quarters) as i64;
        if index != last {
            last = index;
            let here = session.plan().bars.iter().find(|b| (b.start_beat - bar_start_beats).abs() < 1e-6);
            bars.extend(here.map(|bar| (index, bar.clone())));
        }
        let (tempo_bpm, metre) = (quarter_bpm, song.metre);
        session.feed(
            block,
            &Transport { playing: true, pos_beats, tempo_bpm, metre, bar_start_beats, loop_beats: None },
        );
    }
    let key = session.heard().key.map(|k| k.value);
    let take = Take { song, bars: bars.into_values().collect(), key };
    println!(
        "{}: {} bars, {} drum strokes, {} of chords, {} of bass; chords right after four bars {:.2}, after eight {:.2}; {:?}",
        spec.name,
        take.bars.len(),
        take.notes(Part::Drums),
        take.notes(Part::Chords),
        take.notes(Part::Bass),
        take.right_after(4.0),
        take.right_after(8.0),
        take.key.map(|k| k.to_string()),
    );
    // Whatever is heard, the bars come in time, one after the other, and stay within themselves.
    let bar_of = |b: &PlannedBar| (b.start_beat / quarters).round() as i64;
    assert!(
        take.bars.windows(2).all(|w| bar_of(&w[1]) == bar_of(&w[0]) + 1),
        "{}: a bar was late",
        spec.name
    );
    assert!(bar_of(&take.bars[0]) <= 2, "{}: entered in bar {}", spec.name, bar_of(&take.bars[0]));
    for n in take.bars.iter().flat_map(|b| b.notes.iter().map(move |n| (n, b.start_beat, b.end_beat()))) {
        assert!(n.0.onset_beat >= n.1 && n.0.onset_beat + n.0.length_beats <= n.2 + 1e-9, "{n:?}");
    }
    take
}

#[test]
fn drums_alone_are_joined_by_drums() {
    let take = along(&Spec { name: "drums only", comp: SILENT, drums: Some(BEAT), ..HELD });
    assert!(take.bars.iter().all(|b| b.notes.iter().any(|n| n.part == Part::Drums)));
    let pitched = |b: &&PlannedBar| b.notes.iter().any(|n| n.part != Part::Drums);
    assert!(take.bars.iter().filter(pitched).count() * 10 <= take.bars.len(), "harmony made up");
}

#[test]
fn pads_are_followed_in_their_harmony() {
    let take = along(&Spec { name: "pads", ..HELD });
    assert!(take.right_after(8.0) > 0.8);
    assert!(Part::ALL.iter().all(|&p| take.notes(p) > 0));
}

#[test]
fn fives_and_sevens_are_followed() {
    for (name, metre, rhythm) in [
        ("5/4", Metre { numerator: 5, denominator: 4 }, "X...x...x...X...x..."),
        ("7/8", Metre { numerator: 7, denominator: 8 }, "X...x...X.x..."),
    ] {
        let take = along(&Spec { name, metre, comp: Comp { rhythm, ..STRUCK }, ..HELD });
        assert!(take.right_after(8.0) > 0.8, "{name}");
        let whole =
            take.bars.iter().filter(|b| Part::ALL.iter().all(|&p| b.notes.iter().any(|n| n.part == p)));
        assert!(whole.count() * 10 >= take.bars.len() * 9, "{name}");
    }
}

#[test]
fn slow_and_fast_are_followed_in_time() {
    type Form = &'static [(u32, &'static str)];
    let cases: [(&str, f64, Form); 2] = [
        ("40 BPM", 40.0, &[(3, "C:maj | A:min | F:maj | G:maj")]),
        ("240 BPM", 240.0, &[(8, "C:maj | C:maj | A:min | A:min | F:maj | F:maj | G:maj | G:maj")]),
    ];
    for (name, tempo_bpm, form) in cases {
        let take = along(&Spec { name, tempo_bpm, form, comp: STRUCK, drums: Some(BEAT), ..HELD });
        assert!(take.right_after(8.0) > 0.7, "{name}");
    }
}

#[test]
fn a_chord_every_beat_does_not_break_the_band() {
    let take = along(&Spec {
        name: "a chord every beat",
        tempo_bpm: 90.0,
        form: &[(6, "C:maj A:min F:maj G:maj | A:min F:maj D:min G:maj")],
        comp: STRUCK,
        ..HELD
    });
    assert!(take.right_after(8.0) > 0.4);
}

#[test]
fn a_key_change_is_heard_and_played() {
    let take = along(&Spec {
        name: "key change",
        form: &[(3, "C:maj | A:min | F:maj | G:maj"), (5, "E:maj | C#:min | A:maj | B:maj")],
        comp: STRUCK,
        ..HELD
    });
    assert_eq!(take.key.map(|k| k.to_string()).as_deref(), Some("E major"));
    // The new part has come round once.
    assert!(take.right_after(17.0) > 0.8);
}

#[test]
fn a_jam_that_never_comes_back_is_hinted_at() {
    let take = along(&Spec {
        name: "never loops",
        form: &[(
            1,
            "C:maj | F#:min | D:maj | Ab:maj | B:min | Eb:maj | A:min | E:maj | Bb:min | G:maj | C#:min | F:maj | D:min | \
             Ab:min | E:min | Bb:maj | F#:maj | C:min | A:maj | Eb:min | B:maj | G:min | C#:maj | F:min",
        )],
        comp: STRUCK,
        ..HELD
    });
    let beginnings =
        || take.bars.iter().skip(4).filter_map(|b| b.chords.first()).filter(|c| c.chord.is_some());
    let said = beginnings().map(|c| f64::from(c.prob)).sum::<f64>() / beginnings().count() as f64;
    // What cannot be wrong by much: root and fifth, held.
    let hinted = take.bars.iter().skip(4).filter(|b| {
        let mut held = b.notes.iter().filter(|n| n.part == Part::Chords);
        held.all(|n| n.length_beats > 3.0)
    });
    let share = hinted.count() as f64 / (take.bars.len() - 4) as f64;
    println!(
        "the first chord of a bar is held to be right {said:.2} of the time; {share:.2} of the bars are only hinted at"
    );
    assert!(said < 0.3 && share > 0.6, "{said} {share}");
}

#[test]
fn bars_of_every_length_are_planned() {
    for (numerator, denominator) in [(1, 32), (2, 32), (7, 32), (1, 16), (3, 16), (5, 4), (32, 4), (32, 1)] {
        let metre = Metre::new(numerator, denominator).unwrap();
        let quarters = metre.bar_quarters();
        let mut session = Session::new(RATE).unwrap();
        for block in 0..60 {
            let pos_beats = f64::from(block) * BLOCK as f64 / RATE * 2.0;
            let bar_start_beats = (pos_beats / quarters).floor() * quarters;
            let transport = Transport {
                playing: true,
                pos_beats,
                tempo_bpm: 120.0,
                metre,
                bar_start_beats,
                loop_beats: None,
            };
            session.feed(&[0.0; BLOCK], &transport);
        }
        let bars = &session.plan().bars;
        println!("{metre}: {} bars", bars.len());
        for pair in bars.windows(2) {
            assert!((pair[1].start_beat - pair[0].end_beat()).abs() < 1e-6, "a gap between bars of {metre}");
        }
    }
}
