//! Form on command, and takes of one line.

mod common;

use backline_music::{Controls, DrumVoice, Metre, Part, PlannedBar};
use backline_play::{BarContext, Form, Line, plan_bar, retake};
use common::{context, ids, native, of};

fn bar(style: &str, adjust: impl Fn(&mut BarContext)) -> PlannedBar {
    let mut ctx = context(style, 2, native(style), &["A:min", "F"], "C");
    adjust(&mut ctx);
    plan_bar(&ctx, &Controls::default(), None)
}

fn struck(bar: &PlannedBar, key: u8) -> bool {
    bar.notes.iter().any(|n| n.part == Part::Drums && n.key == key && n.onset_beat < bar.start_beat + 0.1)
}

#[test]
fn an_intro_waits_with_kick_snare_and_bass() {
    for style in ids() {
        let intro = bar(style, |c| c.form = Form::Intro);
        assert!(intro.notes.iter().any(|n| n.part == Part::Chords), "{style}");
        assert!(of(std::slice::from_ref(&intro), Part::Bass).is_empty(), "{style}");
        for n in of(std::slice::from_ref(&intro), Part::Drums) {
            assert!(matches!(n.key, 42 | 44 | 46 | 51), "{style}: {}", n.key);
        }
    }
}

#[test]
fn a_break_stops_together_and_the_chords_ring() {
    for style in ids() {
        for (start, drums) in [(true, true), (false, false)] {
            let stop = bar(style, |c| (c.form, c.section_start) = (Form::Break, start));
            assert_eq!(struck(&stop, 36) && struck(&stop, 49), drums, "{style}");
            let late = stop.notes.iter().filter(|n| n.onset_beat > stop.start_beat + 0.1).count();
            assert_eq!(late, 0, "{style}: one stroke");
            let chords = of(std::slice::from_ref(&stop), Part::Chords);
            let whole = stop.metre.bar_quarters() * 0.9;
            assert!(
                !chords.is_empty() && chords.iter().all(|n| n.length_beats > whole),
                "{style}: {chords:?}"
            );
        }
    }
}

#[test]
fn an_ending_rings_out_and_then_there_is_silence() {
    for style in ids() {
        let last = bar(style, |c| (c.form, c.section_start) = (Form::Ending, true));
        assert!(struck(&last, 36) && Part::ALL.iter().all(|&p| last.notes.iter().any(|n| n.part == p)));
        assert!(!last.fill);
        assert!(bar(style, |c| c.form = Form::Ending).notes.is_empty(), "{style}");
    }
}

/// The stop is one chord and its bass note, however the groove breaks the chord up.
#[test]
fn a_stop_is_a_whole_chord_on_its_bass_note() {
    for style in ids() {
        for metre in [Metre::FOUR_FOUR, Metre::THREE_FOUR, Metre::new(6, 8).unwrap()] {
            for (i, energy) in [0.1, 0.5, 0.9].into_iter().enumerate() {
                for seed in 0..4 {
                    let controls = Controls { seed, ..Controls::default() };
                    // The bar before leads here, with another chord or with the same.
                    let before = ["C", "G:7"][(seed as usize + i) % 2];
                    let mut ctx = context(style, 2, metre, &[before], "C");
                    ctx.heard_energy = energy;
                    let groove = plan_bar(&ctx, &controls, None);
                    for (form, label, bass) in
                        [(Form::Ending, "C", 0), (Form::Break, "A:min7", 9), (Form::Ending, "F:maj/3", 9)]
                    {
                        let mut ctx = context(style, 3, metre, &[label], "D:min");
                        (ctx.form, ctx.section_start, ctx.heard_energy) = (form, true, energy);
                        let stop = plan_bar(&ctx, &controls, Some(&groove));
                        let said = format!("{style} {metre} {energy} {seed} {form:?} {label}");
                        let low = of(std::slice::from_ref(&stop), Part::Bass);
                        assert!(low.len() == 1 && low[0].key % 12 == bass, "{said}: {low:?}");
                        let mut tones: Vec<u8> = of(std::slice::from_ref(&stop), Part::Chords)
                            .iter()
                            .map(|n| n.key % 12)
                            .collect();
                        tones.sort_unstable();
                        tones.dedup();
                        // Beside the bass: a hand may leave the root or the fifth to it.
                        assert!(tones.len() >= 2, "{said}: {tones:?}");
                        let whole = metre.bar_quarters() * 0.9;
                        assert!(stop.notes.iter().all(|n| n.part == Part::Drums || n.length_beats > whole));
                    }
                }
            }
        }
    }
}

#[test]
fn a_section_starts_with_a_crash_in_the_middle_of_a_phrase() {
    for style in ids() {
        assert!(struck(&bar(style, |c| c.section_start = true), 49), "{style}");
        assert!(!struck(&bar(style, |_| {}), 49), "{style}");
    }
}

#[test]
fn what_grows_lifts_the_band_and_what_sinks_lightens_it() {
    let drive = |lift: f32| -> f64 {
        let bars: Vec<PlannedBar> = ids().iter().map(|style| bar(style, |c| c.lift = lift)).collect();
        bars.iter().flat_map(|b| &b.notes).map(|n| f64::from(n.velocity)).sum()
    };
    let [soft, even, loud] = [-1.0, 0.0, 1.0].map(drive);
    assert!(soft * 1.1 < even && even * 1.1 < loud, "{soft} {even} {loud}");
    assert_eq!(drive(f32::NAN), even);
}

#[test]
fn a_take_changes_one_line_and_nothing_else() {
    let controls = Controls { temperature: 0.8, ..Controls::default() };
    let lines = [
        Line::Drum(DrumVoice::Kick),
        Line::Drum(DrumVoice::Snare),
        Line::Part(Part::Chords),
        Line::Part(Part::Bass),
    ];
    for line in lines {
        let mut changed = 0;
        for style in ids() {
            let ctx = context(style, 2, Metre::FOUR_FOUR, &["A:min", "F"], "C");
            let first = plan_bar(&ctx, &controls, None);
            let second = retake(&first, &ctx, &controls, None, line, 1);
            let others = |bar: &PlannedBar| -> Vec<_> {
                let own = |key: u8| match line {
                    Line::Drum(DrumVoice::Kick) => key == 36,
                    Line::Drum(_) => matches!(key, 37..=39),
                    Line::Part(_) => true,
                };
                let part = if let Line::Part(part) = line { part } else { Part::Drums };
                bar.notes.iter().filter(|n| n.part != part || !own(n.key)).copied().collect()
            };
            assert_eq!(others(&first), others(&second), "{style}: {line:?}");
            changed += usize::from(first != second);
            // The same take is the same, and take 0 is the bar itself.
            assert_eq!(second, retake(&first, &ctx, &controls, None, line, 1));
            assert_eq!(first, retake(&first, &ctx, &controls, None, line, 0), "{style}: {line:?}");
        }
        assert!(changed > ids().len() / 2, "{line:?}: {changed}");
    }
}
