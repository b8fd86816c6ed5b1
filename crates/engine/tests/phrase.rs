//! Where fills and crashes fall while a session goes on, jumps and loops, and in a recording.

use backline_engine::{Models, Session, Taste, accompany};
use backline_music::{Controls, Metre, Part, PlannedBar, StyleChoice, Transport};
use backline_synth::demo::{SAMPLE_RATE, SPECS, Spec};

const RATE: f64 = 44_100.0;
const TWO_FOUR: Metre = Metre { numerator: 2, denominator: 4 };

fn controls(style: &str) -> Controls {
    let style = StyleChoice::Named(style.into());
    Controls { style, temperature: 0.0, ..Controls::default() }
}

/// The bars that sounded while the host played bars of 2/4 at 300 BPM in the order of `order`, under one
/// chord for ever: phrases of four.
fn played(order: &[i64], loop_bars: Option<i64>) -> Vec<PlannedBar> {
    let mut session = Session::with_models(RATE, &Models::none()).unwrap();
    session.set_controls(&controls("rock"));
    let quarter = (RATE / 5.0) as usize;
    let tone = |i: usize, hz: f64| (i as f64 / RATE * hz * std::f64::consts::TAU).sin() as f32;
    let mut sounded = Vec::new();
    for (i, &bar) in order.iter().enumerate() {
        let start = bar as f64 * 2.0;
        for half in 0..2_usize {
            let from = (2 * i + half) * quarter;
            // Struck on every beat, so that it is heard as music.
            let block: Vec<f32> = (0..quarter)
                .map(|k| {
                    (1.0 - k as f32 / quarter as f32)
                        * [261.63, 329.63, 392.0].map(|hz| tone(from + k, hz) * 0.2).iter().sum::<f32>()
                })
                .collect();
            let transport = Transport {
                playing: true,
                pos_beats: start + half as f64,
                tempo_bpm: 300.0,
                metre: TWO_FOUR,
                bar_start_beats: start,
                loop_beats: loop_bars.map(|bars| (0.0, 2.0 * bars as f64)),
            };
            session.feed(&block, &transport);
        }
        sounded.extend(session.plan().bars.iter().find(|b| b.start_beat == start).cloned());
    }
    sounded
}

fn fills(bars: &[PlannedBar]) -> Vec<i64> {
    bars.iter().filter(|b| b.fill).map(|b| b.index).collect()
}

fn crashes(bars: &[PlannedBar]) -> usize {
    let crash = |b: &&PlannedBar| b.notes.iter().any(|n| n.part == Part::Drums && n.key == 49);
    bars.iter().filter(crash).count()
}

#[test]
fn after_two_hundred_bars_phrases_go_on() {
    let bars = played(&(0..232).collect::<Vec<_>>(), None);
    assert!(bars.len() >= 230, "{}", bars.len());
    for late in bars.rchunks(8).take(4) {
        let fills = fills(late);
        assert!((1..=2).contains(&fills.len()), "one fill a phrase: {fills:?}");
        assert!(crashes(late) <= 2, "one crash a phrase: {}", crashes(late));
    }
}

#[test]
fn whoever_jumps_back_finds_the_fills_where_they_were() {
    let order: Vec<i64> = (0..29).chain(0..24).collect();
    let bars = played(&order, None);
    let again = bars.iter().rposition(|b| b.index == 0).unwrap();
    let (first, second) = (fills(&bars[..again]), fills(&bars[again..]));
    assert!(first.len() >= 3 && second.len() >= 5, "{first:?} {second:?}");
    let at_ends = |fills: &[i64]| fills.iter().all(|bar| bar % 4 == 3);
    assert!(at_ends(&first) && at_ends(&second), "{first:?} {second:?}");
}

#[test]
fn a_short_loop_is_played_in_phrases() {
    for loop_bars in [1, 3] {
        let order: Vec<i64> = (0..48).map(|i| i % loop_bars).collect();
        let bars = played(&order, Some(loop_bars));
        let late = &bars[bars.len() - 24..];
        let at: Vec<usize> = late.iter().enumerate().filter(|(_, b)| b.fill).map(|(i, _)| i).collect();
        assert_eq!(at.len(), 6, "every fourth bar: {at:?}");
        assert!(at.windows(2).all(|w| w[1] - w[0] == 4), "{at:?}");
        assert!(crashes(late) <= 7, "{}", crashes(late));
    }
}

/// Twelve bars are told from the whole recording, so that the first chorus has its fill where the others have
/// it.
#[test]
fn a_recorded_blues_has_its_fills_at_the_end_of_each_chorus() {
    let rock = SPECS.iter().find(|spec| spec.name == "rock_e").unwrap();
    let song = Spec {
        form: &[(3, "E:7 | A:7 | E:7 | E:7 | A:7 | A:7 | E:7 | E:7 | B:7 | A:7 | E:7 | B:7")],
        ..*rock
    }
    .render(SAMPLE_RATE);
    let (rate, taste) = (f64::from(SAMPLE_RATE), Taste::neutral());
    for style in ["blues_shuffle", "rock"] {
        let models = Models::built_in();
        let band =
            accompany(&song.mono(), rate, models, &controls(style), &taste, None, &mut |_| {}).unwrap();
        assert!(band.bars.len() >= 36, "{}", band.bars.len());
        let fills = fills(&band.bars[..36]);
        for end in [11, 23] {
            assert!(fills.contains(&end), "{style}: {fills:?}");
        }
        assert!(
            fills.iter().all(|bar| bar % 6 == 5),
            "{style}: at the end and in the middle of twelve: {fills:?}"
        );
    }
}
