//! Music that gives a band little to hold on to: what a musician can live with.

mod common;

use backline_music::{Controls, Key, Metre, Mode, Part, PitchClass, PlannedBar, PlannedChord};
use backline_play::{Anticipator, BarHarmony, BeatChord, Models, plan_bar};
use common::{chord, context, eight_with, ids, of};

fn notes(bars: &[PlannedBar], part: Part) -> usize {
    of(bars, part).len()
}

/// Drums only: the band's drums go on and no harmony is made up.
#[test]
fn without_harmony_only_the_drums_play() {
    for style in ids() {
        let bars = eight_with(style, Metre::FOUR_FOUR, &Controls::default(), |c| {
            c.chords.clear();
            (c.next_chord, c.key) = (None, None);
        });
        assert!(bars.iter().all(|b| notes(std::slice::from_ref(b), Part::Drums) > 0), "{style}");
        assert_eq!(notes(&bars, Part::Chords) + notes(&bars, Part::Bass), 0, "{style}");
    }
}

/// Pads: no accents, little energy. The band stays under them, and every part still plays.
#[test]
fn without_rhythm_the_band_is_calm_and_whole() {
    for style in ids() {
        let soft = eight_with(style, Metre::FOUR_FOUR, &Controls::default(), |c| {
            (c.accents, c.heard_energy) = (vec![0.0; 16], 0.05);
        });
        let loud = eight_with(style, Metre::FOUR_FOUR, &Controls::default(), |c| c.heard_energy = 0.95);
        let force = |bars: &[PlannedBar]| -> f64 {
            bars.iter().flat_map(|b| &b.notes).map(|n| f64::from(n.velocity)).sum()
        };
        assert!(Part::ALL.iter().all(|&p| notes(&soft, p) > 0), "{style}");
        assert!(force(&soft) < 0.8 * force(&loud), "{style}: {} {}", force(&soft), force(&loud));
    }
}

/// In 5/4 and 7/8 the kick has the one, and something strikes in the second half of the bar.
#[test]
fn odd_metres_have_their_one_and_are_filled() {
    for metre in ["5/4", "7/8"] {
        let metre: Metre = metre.parse().unwrap();
        let mut ones = 0;
        for style in ids() {
            let bars = eight_with(style, metre, &Controls::default(), |_| {});
            for bar in &bars[1..7] {
                let drums = of(std::slice::from_ref(bar), Part::Drums);
                let half = bar.start_beat + metre.bar_quarters() / 2.0;
                assert!(drums.iter().any(|n| n.onset_beat > half), "{style} {metre}");
                ones += usize::from(drums.iter().any(|n| n.key == 36 && n.onset_beat < bar.start_beat + 0.1));
            }
        }
        assert!(ones > 6 * ids().len() * 3 / 4, "{metre}: {ones}");
    }
}

/// At 240 BPM no hand strikes faster than hands can; at 40 the band does not fall asleep.
#[test]
fn slow_and_fast_stay_playable() {
    for style in ids() {
        for tempo_bpm in [40.0, 240.0] {
            let straight = Controls { density: 1.0, humanise: 0.0, ..Controls::default() };
            let bars = eight_with(style, Metre::FOUR_FOUR, &straight, |c| c.tempo_bpm = tempo_bpm);
            for bar in bars.iter().filter(|b| !b.fill) {
                let drums = of(std::slice::from_ref(bar), Part::Drums);
                let hats: Vec<f64> =
                    drums.iter().filter(|n| matches!(n.key, 42 | 46 | 51)).map(|n| n.onset_beat).collect();
                for pair in hats.windows(2).filter(|p| p[1] > p[0]) {
                    let apart_s = (pair[1] - pair[0]) * 60.0 / tempo_bpm;
                    // Trap's hats roll by machine.
                    let least_s = if style == "trap" { 0.029 } else { 0.06 };
                    assert!(tempo_bpm < 240.0 || apart_s > least_s, "{style}: {apart_s} s");
                }
                assert!(drums.len() >= 2, "{style} at {tempo_bpm}");
            }
        }
    }
}

/// A chord every beat: each sounds in the chords or the bass, and the bass plays each one's bass note.
#[test]
fn a_chord_every_beat_is_followed() {
    let harmony = ["C:maj", "E:min7", "F:maj7", "G:7"];
    let (mut followed, mut all) = (0, 0);
    for style in ids() {
        let ctx = context(style, 1, Metre::FOUR_FOUR, &harmony, "C");
        let bar = plan_bar(&ctx, &Controls { humanise: 0.0, ..Controls::default() }, None);
        for (i, label) in harmony.iter().enumerate() {
            let from = ctx.start_beat + i as f64;
            let tone = |n: &&backline_music::PlannedNote| {
                let near = n.onset_beat > from - 0.3 && n.onset_beat < from + 0.99;
                n.part != Part::Drums && near && chord(label).contains(PitchClass::of_key(n.key))
            };
            all += 1;
            followed += usize::from(bar.notes.iter().any(|n| tone(&n)));
        }
    }
    assert!(followed * 20 >= all * 19, "{followed} of {all}");
}

/// After a key change the bass plays in the new key at once.
#[test]
fn a_key_change_is_taken_along() {
    for style in ids() {
        let mut before = context(style, 3, Metre::FOUR_FOUR, &["C"], "Db");
        before.key = Some(Key::new(PitchClass::C, Mode::Major));
        let last = plan_bar(&before, &Controls::default(), None);
        let mut after = context(style, 4, Metre::FOUR_FOUR, &["Db"], "Gb");
        after.key = Some(Key::new(PitchClass::new(1), Mode::Major));
        let bar = plan_bar(&after, &Controls::default(), Some(&last));
        let key = after.key.unwrap();
        let approach = |n: &backline_music::PlannedNote| n.onset_beat >= bar.start_beat + 3.0;
        for n in of(std::slice::from_ref(&bar), Part::Bass).iter().filter(|n| !approach(n)) {
            assert!(key.contains(PitchClass::of_key(n.key)), "{style}: {}", n.key);
        }
    }
}

/// A jam that never loops: the guess stays modest, and what is played below the confidence limit is what
/// cannot be wrong.
#[test]
fn a_jam_that_never_loops_is_not_claimed_to() {
    let mut state = 7_u32;
    let mut draw = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let jam: Vec<BarHarmony> = (0..48)
        .map(|_| {
            let minor = draw(2) == 0;
            let root = PitchClass::new(draw(12) as i32);
            let label = format!("{root}:{}", if minor { "min" } else { "maj" });
            let beat = BeatChord { chord: Some(chord(&label)), prob: 1.0 };
            BarHarmony { beats: vec![beat; 4] }
        })
        .collect();
    for anticipator in [Anticipator::new(), Anticipator::with(Models::built_in())] {
        let (mut said, mut right) = (0.0_f64, 0.0_f64);
        for i in 16..48 {
            let next = &anticipator.predict(&jam[..i], 1)[0].beats[0];
            said += f64::from(next.prob) / 32.0;
            right += f64::from(u8::from(next.chord == jam[i].beats[0].chord)) / 32.0;
        }
        println!("said {said:.2}, right {right:.2}");
        // Below the limit under which only root and fifth are played.
        assert!(said < 0.29, "said {said}, right {right}");
    }
    let mut ctx = context("rock", 1, Metre::FOUR_FOUR, &["F:min7"], "C");
    ctx.chords = vec![PlannedChord { prob: 0.15, ..ctx.chords[0] }];
    let bar = plan_bar(&ctx, &Controls::default(), None);
    let pitched = bar.notes.iter().filter(|n| n.part != Part::Drums);
    assert!(pitched.clone().count() > 0 && pitched.clone().all(|n| matches!(n.key % 12, 5 | 0)));
}
