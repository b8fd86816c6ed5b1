//! Whatever comes in, what goes out can be played: no panic, no loose ends, the same every time.

mod common;

use backline_music::{
    Chord, Controls, Metre, Part, PitchClass, PlannedBar, PlannedChord, Quality, StyleChoice,
};
use backline_play::{BarContext, plan_bar};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -64.0..4000.0_f64,
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(-0.0), Just(1e-310), Just(1e300), Just(-1e9)
        ],
    ]
}

fn any_metre() -> impl Strategy<Value = Metre> {
    prop_oneof![
        4 => Just(Metre::FOUR_FOUR),
        2 => (1..=32_u8, 0..=5_u32).prop_map(|(n, d)| Metre { numerator: n, denominator: 1 << d }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(numerator, denominator)| Metre { numerator, denominator }),
    ]
}

fn any_chord() -> impl Strategy<Value = Option<Chord>> {
    prop::option::of((0..12, 0..11_usize, 0..12).prop_map(|(root, quality, bass)| {
        Chord::new(PitchClass::new(root), Quality::ALL[quality]).over(PitchClass::new(bass))
    }))
}

fn planned() -> impl Strategy<Value = PlannedChord> {
    (number(), number(), any_chord(), prop_oneof![Just(f32::NAN), -1.0..2.0_f32]).prop_map(
        |(start_beat, length_beats, chord, prob)| PlannedChord { start_beat, length_beats, chord, prob },
    )
}

fn any_context() -> impl Strategy<Value = BarContext> {
    let place = (any::<i64>(), number(), any_metre(), number());
    let harmony = (prop::collection::vec(planned(), 0..6), prop::option::of(planned()), any::<bool>());
    let heard = (prop::collection::vec(prop_oneof![Just(f32::NAN), -1.0..3.0_f32], 0..40), -2.0..2.0_f32);
    let style =
        prop_oneof![prop::sample::select(common::ids()).prop_map(str::to_owned), Just("polka".to_owned())];
    (place, harmony, heard, style, (any::<u32>(), any::<u32>())).prop_map(
        |(
            (index, start_beat, metre, tempo_bpm),
            (chords, next_chord, near),
            (accents, energy),
            style,
            (bar, phrase),
        )| {
            // Half of the time the chords lie where the bar is.
            let shift = if near && start_beat.is_finite() { start_beat } else { 0.0 };
            let chords = chords
                .into_iter()
                .map(|c| PlannedChord { start_beat: shift + c.start_beat.rem_euclid(8.0) - 2.0, ..c })
                .collect();
            BarContext {
                index,
                start_beat,
                metre,
                tempo_bpm,
                chords,
                next_chord,
                key: None,
                accents,
                heard_energy: energy,
                heard_valence: energy,
                style,
                bar_in_phrase: bar,
                phrase_bars: phrase,
                form: backline_play::Form::Groove,
                section_start: false,
                lift: 0.0,
            }
        },
    )
}

fn any_controls() -> impl Strategy<Value = Controls> {
    let knob = || prop_oneof![6 => -1.0..1.0_f32, 1 => Just(f32::NAN), 1 => Just(9.0_f32)];
    (prop::collection::vec(knob(), 6), any::<u32>(), any::<[bool; 3]>()).prop_map(|(k, seed, parts_on)| {
        Controls {
            style: StyleChoice::Auto,
            energy: k[0],
            brightness: k[1],
            density: k[2],
            swing: k[3],
            humanise: k[4],
            temperature: k[5],
            seed,
            parts_on,
            ..Controls::default()
        }
    })
}

fn check(bar: &PlannedBar) {
    let end = bar.end_beat();
    for note in &bar.notes {
        assert!(note.onset_beat >= bar.start_beat && note.onset_beat < end, "{note:?}");
        assert!(
            note.length_beats > 0.0 && note.onset_beat + note.length_beats < end + 1e-9,
            "{note:?} {end}"
        );
        assert!((1..=127).contains(&note.velocity) && note.key <= 127, "{note:?}");
    }
    let order = |n: &backline_music::PlannedNote| (n.onset_beat, n.part, n.key);
    assert!(bar.notes.windows(2).all(|w| order(&w[0]) <= order(&w[1])), "sorted");
    for part in Part::ALL {
        let notes = common::of(std::slice::from_ref(bar), part);
        for (i, a) in notes.iter().enumerate() {
            for b in notes[i + 1..].iter().filter(|b| b.key == a.key || part == Part::Bass) {
                assert!(a.onset_beat + a.length_beats <= b.onset_beat + 1e-9, "{a:?} runs into {b:?}");
            }
        }
    }
    let bass = common::of(std::slice::from_ref(bar), Part::Bass);
    assert!(bass.iter().all(|n| (28..=55).contains(&n.key)), "{bass:?}");
    let mut at = bar.start_beat;
    for c in &bar.chords {
        assert!(
            (c.start_beat - at).abs() < 1e-5 * (1.0 + at.abs()) && c.length_beats > 0.0,
            "{:?}",
            bar.chords
        );
        at = c.start_beat + c.length_beats;
    }
    if !bar.chords.is_empty() {
        assert!((at - end).abs() < 1e-5 * (1.0 + at.abs()), "{:?} {end}", bar.chords);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bar_can_be_played(ctx in any_context(), controls in any_controls(), before in any_context()) {
        let previous = plan_bar(&before, &controls, None);
        let bar = plan_bar(&ctx, &controls, Some(&previous));
        check(&bar);
        // The same again, bit for bit.
        prop_assert_eq!(format!("{:?}", &bar), format!("{:?}", plan_bar(&ctx, &controls, Some(&previous))));
    }

    #[test]
    fn a_part_that_is_off_changes_nothing_else(ctx in any_context(), controls in any_controls()) {
        let all = plan_bar(&ctx, &Controls { parts_on: [true; 3], ..controls.clone() }, None);
        let some = plan_bar(&ctx, &controls, None);
        let kept: Vec<_> = all.notes.iter().filter(|n| controls.parts_on[n.part.index()]).copied().collect();
        prop_assert_eq!(kept, some.notes);
    }
}

#[test]
fn every_style_fills_every_usual_metre() {
    for style in common::ids() {
        for metre in
            ["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8", "9/8", "5/8", "2/2", "6/4", "7/4", "3/8"]
        {
            let metre: Metre = metre.parse().unwrap();
            for energy in [-1.0, 0.0, 1.0] {
                let controls = Controls { energy, ..Controls::default() };
                let bars = common::eight(style, metre, &controls);
                bars.iter().for_each(check);
                for part in Part::ALL {
                    let sounding = bars.iter().filter(|b| b.notes.iter().any(|n| n.part == part)).count();
                    assert!(sounding == 8, "{style} {metre} {energy}: {part} plays in {sounding} of 8 bars");
                }
            }
        }
    }
}

/// Notes on the stage: two sticks, feet apart, hats open or closed.
#[test]
fn the_drummer_has_two_hands() {
    for style in common::ids() {
        for seed in 0..6 {
            let controls = Controls {
                seed,
                humanise: 0.0,
                density: 1.0,
                energy: 1.0,
                temperature: 1.0,
                ..Controls::default()
            };
            for bar in common::eight(style, common::native(style), &controls) {
                let drums = common::of(&[bar], Part::Drums);
                for note in &drums {
                    let together: Vec<u8> =
                        drums.iter().filter(|n| n.onset_beat == note.onset_beat).map(|n| n.key).collect();
                    let sticks = together.iter().filter(|&&k| !matches!(k, 36 | 44)).count();
                    assert!(sticks <= 2, "{style}: {together:?}");
                    assert!(
                        together.iter().filter(|&&k| matches!(k, 42 | 44 | 46)).count() <= 1,
                        "{style}: {together:?}"
                    );
                }
            }
        }
    }
}
