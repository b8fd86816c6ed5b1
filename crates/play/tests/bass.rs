//! The bass line: its intervals, where it anticipates, and what it meets in the chords.

mod common;

use backline_music::{Controls, Key, Mode, Part, PitchClass, PlannedBar, PlannedNote};
use backline_play::style::{BassStep, Pick};
use backline_play::{BarContext, plan_bar, style};
use common::{chord, context, ids, native, of};

fn settled(seed: u32) -> Controls {
    Controls { seed, humanise: 0.0, temperature: 0.0, ..Controls::default() }
}

/// Bars of one chord each, in C major unless `adjust` says otherwise; the first follows the last.
fn bars(
    style: &str,
    chords: &[&str],
    energy: f32,
    controls: &Controls,
    adjust: impl Fn(&mut BarContext),
) -> Vec<PlannedBar> {
    let mut bars: Vec<PlannedBar> = Vec::new();
    for i in 0..8_usize.max(chords.len()) {
        let next = chords[(i + 1) % chords.len()];
        let mut ctx = context(style, i as i64, native(style), &[chords[i % chords.len()]], next);
        ctx.heard_energy = energy;
        adjust(&mut ctx);
        bars.push(plan_bar(&ctx, controls, bars.last()));
    }
    bars
}

fn bass(bar: &PlannedBar) -> Vec<PlannedNote> {
    of(std::slice::from_ref(bar), Part::Bass)
}

fn at(bar: &PlannedBar, note: &PlannedNote) -> f64 {
    note.onset_beat - bar.start_beat
}

#[test]
fn the_boogie_climbs_through_its_chord() {
    for root in 0..12 {
        let label = format!("{}:7", PitchClass::new(root));
        for energy in [0.3, 0.55, 1.0] {
            let mut sixths = 0;
            for bar in bars("blues_shuffle", &[&label], energy, &settled(1), |c| c.key = None) {
                let line: Vec<u8> = bass(&bar).iter().map(|n| n.key).collect();
                for pair in line.windows(2) {
                    assert!(pair[0].abs_diff(pair[1]) <= 7, "{label} at {energy}: {line:?}");
                    let degree = |key: u8| (i32::from(key) - root).rem_euclid(12);
                    if (degree(pair[0]), degree(pair[1])) == (7, 9) {
                        sixths += 1;
                        assert_eq!(pair[1], pair[0] + 2, "{label}: {line:?}");
                    }
                }
            }
            assert!(sixths > 0, "{label} at {energy}");
        }
    }
    // Root and fifth alone still go down where there is room.
    let line = bass(&bars("country", &["C"], 0.1, &settled(1), |_| {})[1]);
    assert_eq!(line.iter().map(|n| n.key).collect::<Vec<_>>(), [36, 31]);
}

#[test]
fn singing_lines_do_not_break() {
    for style in ["blues_shuffle", "soul", "country", "waltz", "bossa"] {
        let (mut wide, mut all) = (0, 0);
        for energy in [0.1, 0.3, 0.5, 0.7, 0.9] {
            for seed in 0..3 {
                let chords = ["C", "A:min", "D:min", "G:7", "E:min", "F", "B:hdim7", "E:7"];
                let bars = bars(style, &chords, energy, &Controls { humanise: 0.0, ..settled(seed) }, |_| {});
                let line: Vec<u8> = bars.iter().flat_map(bass).map(|n| n.key).collect();
                all += line.len();
                wide += line.windows(2).filter(|p| p[0].abs_diff(p[1]) > 12).count();
            }
        }
        println!("{style}: {wide} of {all} beyond an octave");
        assert!(wide * 20 <= all, "{style}: {wide} of {all}");
    }
}

/// Lines fall by more than a ninth seldom, and never from one end of the neck to the other.
#[test]
fn lines_do_not_fall_from_the_neck() {
    let chords = ["C", "A:min", "F", "G", "E:min", "A:7", "D:min", "G:7"];
    for style in ["blues_shuffle", "bossa", "indie", "country", "ballad", "soul"] {
        let (mut wide, mut all, mut widest) = (0, 0, 0);
        for energy in [0.2, 0.5, 0.8] {
            for seed in 0..4 {
                let mut line: Vec<u8> = Vec::new();
                let mut last: Option<PlannedBar> = None;
                for i in 0..32 {
                    let (now, next) = (chords[i % 8], chords[(i + 1) % 8]);
                    let mut ctx = context(style, i as i64, native(style), &[now], next);
                    ctx.heard_energy = energy;
                    let bar = plan_bar(&ctx, &Controls { seed, ..Controls::default() }, last.as_ref());
                    line.extend(bass(&bar).iter().map(|n| n.key));
                    last = Some(bar);
                }
                all += line.len();
                let leaps = line.windows(2).map(|p| p[0].abs_diff(p[1]));
                wide += leaps.clone().filter(|leap| *leap > 14).count();
                widest = leaps.fold(widest, u8::max);
                assert!(line.iter().all(|k| (28..=55).contains(k)), "{style}: {line:?}");
            }
        }
        println!("{style}: {wide} of {all} beyond a ninth, the widest {widest}");
        assert!(wide * 45 <= all && widest <= 18, "{style}: {wide} of {all}, the widest {widest}");
    }
}

#[test]
fn the_tumbao_anticipates() {
    let chords = ["C", "F", "D:min", "G:7"];
    let mut anticipated = 0;
    for energy in [0.4, 0.6, 1.0] {
        let bars = bars("latin", &chords, energy, &settled(1), |_| {});
        for (i, pair) in bars.windows(2).enumerate() {
            let (line, next) = (bass(&pair[0]), bass(&pair[1]));
            let root = chord(chords[(i + 1) % 4]).bass.index();
            let ponche = line.last().unwrap();
            assert_eq!((at(&pair[0], ponche), ponche.key % 12), (3.0, root), "bar {i} at {energy}");
            anticipated += usize::from(at(&pair[1], &next[0]) > 0.0);
        }
        let first = bass(&bars[0]);
        assert_eq!(first[0].key % 12, 0, "no chord begins on its fifth: {first:?}");
    }
    assert!(anticipated > 6, "it leaves the one: {anticipated}");
}

#[test]
fn on_minor_chords_too_the_bass_stays_in_the_key() {
    for style in ids() {
        let walks = |line: &backline_play::style::BassLine| line.steps.steps().contains(&BassStep::Walk);
        let walk_from =
            backline_play::style(style).unwrap().bass.iter().find(|l| walks(l)).map_or(2.0, |l| l.energy);
        for energy in [0.3, 0.5, 0.7, 0.9] {
            for label in ["A:min", "E:min", "D:min", "A:min7", "B:dim", "G:7", "F:maj7"] {
                for bar in bars(style, &[label, "C", label, label], energy, &settled(1), |_| {}) {
                    let chord = bar.chords[0].chord.unwrap();
                    let key = Key::new(PitchClass::C, Mode::Major);
                    // The last beat leads on.
                    let end = bar.metre.bar_quarters() - bar.metre.tactus_quarters() - 0.01;
                    for n in bass(&bar).iter().filter(|n| at(&bar, n) < end && energy < walk_from - 0.2) {
                        let pc = PitchClass::of_key(n.key);
                        assert!(
                            chord.contains(pc) || key.contains(pc),
                            "{style} {energy} {label}: {}",
                            n.key
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn where_the_chords_are_ahead_the_bass_is_with_them() {
    let (mut met, mut wrong) = (0, Vec::new());
    for style in ["rock", "punk", "house", "pop"] {
        for seed in 0..8 {
            let chords = ["F", "C", "G", "A:min"];
            let bars = bars(style, &chords, 1.0, &Controls { temperature: 0.3, ..settled(seed) }, |_| {});
            for (i, bar) in bars.iter().enumerate() {
                let (own, next) = (chord(chords[i % 4]), chord(chords[(i + 1) % 4]));
                let struck = of(std::slice::from_ref(bar), Part::Chords);
                let ahead = struck.iter().filter(|n| !own.contains(PitchClass::of_key(n.key)));
                let ahead = ahead.filter(|n| next.contains(PitchClass::of_key(n.key)) && at(bar, n) > 3.0);
                for c in ahead {
                    for n in bass(bar) {
                        let overlap = (n.onset_beat + n.length_beats).min(c.onset_beat + c.length_beats)
                            - n.onset_beat.max(c.onset_beat);
                        if overlap > 0.2 {
                            met += 1;
                            let interval = (i32::from(n.key) - i32::from(next.bass.index())).rem_euclid(12);
                            if matches!(interval, 1 | 11) {
                                wrong.push((style, seed, i, n.key));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(met > 20 && wrong.is_empty(), "{met} {wrong:?}");
}

#[test]
fn two_approaches_come_nearer() {
    let mut pairs = 0;
    for (style, chords) in [("rock", ["C", "F", "D:min", "G"]), ("reggae", ["A:min", "C", "E:min", "D:min"])]
    {
        for seed in 0..8 {
            let bars = bars(style, &chords, 1.0, &Controls { temperature: 0.3, ..settled(seed) }, |c| {
                // The chords of the loudest rock are ahead of the bar, and then the bass is.
                c.style = style.into();
            });
            for pair in bars.windows(2) {
                let (line, next) = (bass(&pair[0]), bass(&pair[1]));
                let own = pair[0].chords[0].chord.unwrap();
                let target = pair[1].chords[0].chord.unwrap();
                let [.., a, b] = line.as_slice() else { continue };
                let led = at(&pair[0], a) >= 3.4 && !own.contains(PitchClass::of_key(a.key));
                if !led || next[0].key % 12 != target.bass.index() || b.key % 12 == target.bass.index() {
                    continue;
                }
                pairs += 1;
                let far = |n: &PlannedNote| n.key.abs_diff(next[0].key);
                assert!(far(b) < far(a), "{style}: {} {} to {}", a.key, b.key, next[0].key);
            }
        }
    }
    println!("{pairs} double approaches");
    assert!(pairs > 0);
}

/// Every anticipation that is written is played, given the chord that comes.
#[test]
fn every_written_anticipation_is_played() {
    for id in ids() {
        let info = style(id).unwrap();
        let steps_per_bar = (info.metres[0].bar_quarters() * f64::from(info.steps_per_quarter)) as usize;
        let beat = |step: usize| (step % steps_per_bar) as f64 / f64::from(info.steps_per_quarter);
        let chords = info.comping.iter().flat_map(|c| {
            let steps = c.pick.steps().iter().enumerate().filter(|(_, pick)| **pick == Pick::Next);
            steps.map(|(i, _)| (Part::Chords, c.energy, i)).collect::<Vec<_>>()
        });
        let basses = info.bass.iter().flat_map(|b| {
            let steps = b.steps.steps().iter().enumerate().filter(|(_, step)| **step == BassStep::Next);
            steps.map(|(i, _)| (Part::Bass, b.energy, i)).collect::<Vec<_>>()
        });
        for (part, energy, step) in chords.chain(basses) {
            if id == "pop" {
                continue; // the net comps
            }
            // C and F sharp share no tone.
            let heard = ((energy - 0.1) / 0.85).clamp(0.0, 1.0);
            let fired = (0..8).any(|seed| {
                let controls = Controls { swing: -1.0, ..settled(seed) };
                let bars = bars(id, &["C", "F#"], heard, &controls, |c| c.key = None);
                bars.iter().enumerate().any(|(i, bar)| {
                    let next = chord(["F#", "C"][i % 2]);
                    of(std::slice::from_ref(bar), part).iter().any(|n| {
                        let here = (at(bar, n) - beat(step)).abs() < 0.2;
                        here && next.contains(PitchClass::of_key(n.key)) && i % 4 >= step / steps_per_bar % 4
                    })
                })
            });
            assert!(fired, "{id}: {part:?} at energy {energy}, step {step}");
        }
    }
}
