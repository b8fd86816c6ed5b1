//! Fills lie on the beats of every metre, and leave no holes.

mod common;

use backline_music::{Controls, Metre, Part, PlannedBar, PlannedNote};
use backline_play::style::Lane;
use backline_play::{Models, plan_bar_with, style};
use common::{PROGRESSION, context, ids, native, of};

/// The last bar of a phrase, and the same bar in the middle of one.
fn last(id: &str, metre: Metre, energy: f32, seed: u32) -> [PlannedBar; 2] {
    let controls = Controls { seed, humanise: 0.0, temperature: 0.0, swing: -1.0, ..Controls::default() };
    [7, 5].map(|bar_in_phrase| {
        let mut ctx = context(id, 7, metre, PROGRESSION[7], "C");
        (ctx.heard_energy, ctx.bar_in_phrase) = (energy, bar_in_phrase);
        plan_bar_with(&Models::none(), &ctx, &controls, None)
    })
}

fn drums(bar: &PlannedBar, from: f64) -> Vec<PlannedNote> {
    let drums = of(std::slice::from_ref(bar), Part::Drums);
    drums.into_iter().filter(|n| n.onset_beat - bar.start_beat > from - 0.01).collect()
}

/// In 6/8, 9/8 and 12/8 a fill takes whole dotted quarters, and its kicks are on them.
#[test]
fn in_compound_metres_fills_lie_on_the_beats() {
    for text in ["6/8", "9/8", "12/8"] {
        let metre: Metre = text.parse().unwrap();
        for id in ids() {
            for energy in [0.5, 0.8, 1.0] {
                for seed in 0..4 {
                    let [bar, _] = last(id, metre, energy, seed);
                    if !bar.fill {
                        continue;
                    }
                    let quarters = metre.bar_quarters();
                    let lies = style(id).unwrap().fills.iter().any(|fill| {
                        let from = quarters - 1.5 * f64::from(fill.quarters);
                        let is = |n: &&PlannedNote, lane: Lane| n.key == lane.gm_key();
                        let hits = drums(&bar, from);
                        let spq = usize::from(style(id).unwrap().steps_per_quarter);
                        let written = fill.lanes.get(&Lane::Kick).map_or(&[][..], |p| p.steps());
                        let kicks = written.iter().step_by(spq).enumerate().all(|(beat, step)| {
                            let at = bar.start_beat + from + 1.5 * beat as f64;
                            let here =
                                |n: &PlannedNote| (n.onset_beat - at).abs() < 1e-6 && is(&n, Lane::Kick);
                            step.level == 0.0 || hits.iter().any(here)
                        });
                        // Every lane of the fill sounds, and the hands have left the groove.
                        let hats = [Lane::ClosedHat, Lane::OpenHat, Lane::Ride];
                        let left = fill.energy < 0.3
                            || !hits
                                .iter()
                                .any(|n| hats.iter().any(|&h| is(&n, h) && !fill.lanes.contains_key(&h)));
                        let sounds = fill.lanes.iter().all(|(&lane, p)| {
                            p.steps().iter().all(|s| s.level == 0.0) || hits.iter().any(|n| is(&n, lane))
                        });
                        from > 1.0 && kicks && left && sounds
                    });
                    assert!(lies, "{id} {text} at {energy}, seed {seed}: {:?}", drums(&bar, 0.0));
                }
            }
        }
    }
}

/// A soft band does not fall silent where the phrase ends.
#[test]
fn a_soft_fill_is_no_hole() {
    for id in ids() {
        for seed in 0..8 {
            let [fill, groove] = last(id, native(id), 0.15, seed);
            let from = fill.metre.bar_quarters() - fill.metre.tactus_quarters();
            let (filled, without) = (drums(&fill, from).len(), drums(&groove, from).len());
            assert!(filled >= without, "{id}, seed {seed}: {filled} strokes for {without}");
        }
    }
}
