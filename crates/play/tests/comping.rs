//! The comping net plays where it suits, strikes what changes, and is no loop.

mod common;

use std::collections::BTreeSet;

use backline_music::{Controls, Metre, Part, PlannedBar};
use backline_play::{Models, plan_bar_with};
use common::{PROGRESSION, context, ids, of};

fn eight(models: &Models, style: &str, metre: Metre, seed: u32) -> Vec<PlannedBar> {
    let controls = Controls { seed, humanise: 0.0, ..Controls::default() };
    let mut bars: Vec<PlannedBar> = Vec::new();
    for index in 0..8 {
        let next = PROGRESSION[(index + 1) % 8][0];
        let ctx = context(style, index as i64, metre, PROGRESSION[index], next);
        bars.push(plan_bar_with(models, &ctx, &controls, bars.last()));
    }
    bars
}

fn strokes(bar: &PlannedBar) -> BTreeSet<i64> {
    let chords = of(std::slice::from_ref(bar), Part::Chords);
    chords.iter().map(|n| ((n.onset_beat - bar.start_beat) * 4.0).round() as i64).collect()
}

fn drum_places(bar: &PlannedBar) -> BTreeSet<(u8, i64)> {
    let drums = of(std::slice::from_ref(bar), Part::Drums);
    drums.iter().map(|n| (n.key, ((n.onset_beat - bar.start_beat) * 4.0).round() as i64)).collect()
}

fn by_templates() -> Models {
    Models { comping: None, ..Models::built_in().clone() }
}

#[test]
fn every_chord_is_struck_soon_after_it_begins() {
    let (mut struck, mut all) = (0, 0);
    for style in ["pop", "ballad"] {
        for seed in 0..8 {
            for bar in eight(Models::built_in(), style, Metre::FOUR_FOUR, seed) {
                let strokes = strokes(&bar);
                for chord in &bar.chords {
                    let from = ((chord.start_beat - bar.start_beat) * 4.0).round() as i64;
                    all += 1;
                    struck += usize::from(strokes.range(from..from + 4).next().is_some());
                }
            }
        }
    }
    println!("{struck} of {all} chords are struck within their first beat");
    assert!(struck * 100 >= all * 95, "{struck} of {all}");
}

#[test]
fn a_pianist_repeats_but_does_not_loop() {
    let (mut rhythms, mut templates, mut alike, mut pairs) = (0, 0, 0.0, 0.0);
    for style in ["pop", "ballad"] {
        for seed in 0..8 {
            let bars: Vec<_> =
                eight(Models::built_in(), style, Metre::FOUR_FOUR, seed).iter().map(strokes).collect();
            let written: BTreeSet<_> =
                eight(&by_templates(), style, Metre::FOUR_FOUR, seed).iter().map(strokes).collect();
            rhythms += bars.iter().collect::<BTreeSet<_>>().len();
            templates += written.len();
            for pair in bars.windows(3) {
                let both = pair[0].intersection(&pair[2]).count() as f64;
                alike += 2.0 * both / (pair[0].len() + pair[2].len()).max(1) as f64;
                pairs += 1.0;
            }
        }
    }
    println!(
        "{rhythms} rhythms in 16 times 8 bars, {templates} as written; two bars apart {:.2} alike",
        alike / pairs
    );
    assert!(rhythms > templates && alike / pairs > 0.6);
}

#[test]
fn where_it_does_not_suit_the_templates_play() {
    for style in ids() {
        for metre in [Metre::FOUR_FOUR, Metre::THREE_FOUR] {
            let suits = matches!(style, "pop" | "ballad") && metre == Metre::FOUR_FOUR;
            let (net, written) =
                (eight(Models::built_in(), style, metre, 1), eight(&by_templates(), style, metre, 1));
            assert_eq!(net != written, suits, "{style} {metre}");
        }
    }
}

/// Four bars are a phrase: the second pair of bars is not the first again, and what was played comes back.
#[test]
fn written_comping_breathes() {
    let (mut turned, mut kept, mut phrases) = (0, 0, 0);
    for style in ["rock", "hardstyle", "punk", "house", "country", "metal"] {
        let mut own = 0;
        for seed in 0..8 {
            let bars: Vec<_> =
                eight(Models::built_in(), style, Metre::FOUR_FOUR, seed).iter().map(strokes).collect();
            for four in bars.chunks(4) {
                phrases += 1;
                own += usize::from(four[2] != four[0] || four[3] != four[1]);
                kept += usize::from(four[0].intersection(&four[3]).count() * 2 >= four[0].len());
            }
        }
        assert!(own > 0, "{style} repeats its bars");
        turned += own;
    }
    println!("{turned} of {phrases} phrases turn, {kept} keep half of their strokes to the end");
    assert!(turned * 2 > phrases && kept * 4 > phrases * 3, "{turned}, {kept} of {phrases}");
}

/// The commonest rhythm of the chords takes at most half of a phrase of eight: one that is written for a band, too, is said,
/// said again, turned and led on.
#[test]
fn written_comping_is_no_loop_of_one_bar() {
    for style in ["rock", "hardstyle"] {
        let mut share = 0.0;
        for seed in 0..16 {
            let bars: Vec<_> =
                eight(Models::built_in(), style, Metre::FOUR_FOUR, seed).iter().map(strokes).collect();
            let alike = |bar: &BTreeSet<i64>| bars.iter().filter(|other| *other == bar).count();
            share += bars.iter().map(alike).max().unwrap() as f64 / (8.0 * 16.0);
        }
        println!("{style}: the commonest rhythm is played in {share:.2} of the bars");
        assert!(share <= 0.5, "{style}: {share}");
    }
}

/// Over a phrase the chords grow, by the net's hands as by the written ones.
#[test]
fn chords_grow_over_the_phrase() {
    for style in ids() {
        let (mut first, mut last) = (0.0, 0.0);
        for seed in 0..16 {
            let bars = eight(Models::built_in(), style, Metre::FOUR_FOUR, seed);
            let force = |bars: &[PlannedBar]| -> f64 {
                let notes = of(bars, Part::Chords);
                notes.iter().map(|n| f64::from(n.velocity)).sum::<f64>() / notes.len() as f64
            };
            (first, last) = (first + force(&bars[..3]) / 16.0, last + force(&bars[5..]) / 16.0);
        }
        println!("{style}: velocity of the chords {first:.1}, at the end {last:.1}");
        assert!(last > 1.04 * first, "{style}: {first} {last}");
    }
}

/// Drummers leave a bar as it was two bars before one time in twenty; ours does not do so every time.
#[test]
fn drum_bars_breathe() {
    for style in ["rock", "pop", "ballad", "funk", "soul", "indie"] {
        let (mut same, mut pairs) = (0, 0);
        for seed in 0..8 {
            let bars = eight(Models::built_in(), style, Metre::FOUR_FOUR, seed);
            for three in bars.windows(3).filter(|w| !w[0].fill && !w[2].fill) {
                pairs += 1;
                same += usize::from(drum_places(&three[0]) == drum_places(&three[2]));
            }
        }
        println!("{style}: {same} of {pairs} bars are as they were two bars before");
        assert!(same * 4 < pairs * 3, "{style}: {same} of {pairs}");
    }
}
