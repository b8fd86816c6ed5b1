//! Speed of hearing and planning: seconds of audio a second, and the time one bar takes to plan.

use std::hint::black_box;
use std::time::{Duration, Instant};

use backline_engine::{Models, Session, analyse_offline};
use backline_music::{Controls, Metre, PlannedChord, Transport};
use backline_play::{BarContext, plan_bar, styles};
use backline_synth::demo::{SAMPLE_RATE, SPECS, demo_song};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Elements are seconds of audio, so "elem/s" reads as × real time.
fn hearing(c: &mut Criterion) {
    let rate = f64::from(SAMPLE_RATE);
    let band = SPECS.iter().find(|spec| spec.name == "rock_e").map(|spec| spec.render(SAMPLE_RATE).mono());
    // Longer than what the listener takes for a loop and hears repeated.
    let seconds = 30usize;
    let mut group = c.benchmark_group("hearing");
    group.throughput(Throughput::Elements(seconds as u64));
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (name, mono) in [("guitar", demo_song().mono()), ("band", band.unwrap_or_default())] {
        let mono = &mono[..mono.len().min(seconds * SAMPLE_RATE as usize)];
        group.bench_function(format!("session/{name}"), |b| {
            b.iter(|| {
                let mut session = Session::new(rate).expect("the rate is fine");
                session.feed(black_box(mono), &Transport::STOPPED);
                session.heard().beats.len()
            });
        });
        group.bench_function(format!("offline/{name}"), |b| {
            b.iter(|| {
                analyse_offline(black_box(mono), rate, Models::built_in(), &mut |_| {})
                    .expect("the rate is fine")
                    .beats
                    .len()
            });
        });
    }
    group.finish();
}

/// A bar of four beats with a chord on each: as many as a bar is likely to hold.
fn bar(style: &str, index: i64) -> BarContext {
    let start_beat = 4.0 * index as f64;
    let chord = |beat: usize, label: &str| PlannedChord {
        start_beat: start_beat + beat as f64,
        length_beats: 1.0,
        chord: label.parse().ok(),
        prob: 0.9,
    };
    let labels = ["C:maj7", "A:min7", "D:min7", "G:7"];
    BarContext {
        index,
        start_beat,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 120.0,
        chords: labels.iter().enumerate().map(|(beat, label)| chord(beat, label)).collect(),
        next_chord: Some(chord(4, "C:maj7")),
        key: None,
        accents: vec![0.3; 16],
        heard_energy: 0.6,
        heard_valence: 0.5,
        style: style.to_owned(),
        bar_in_phrase: index.rem_euclid(8) as u32,
        phrase_bars: 8,
        form: backline_play::Form::Groove,
        section_start: false,
        lift: 0.0,
    }
}

fn planning(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan one bar");
    for style in ["rock", "jazz", "trap"] {
        assert!(styles().iter().any(|s| s.id == style), "{style} is a style");
        let controls = Controls { energy: 0.5, density: 0.5, ..Controls::default() };
        let ctx = bar(style, 7);
        let before = plan_bar(&bar(style, 6), &controls, None);
        group.bench_function(style, |b| b.iter(|| plan_bar(black_box(&ctx), &controls, Some(&before))));
    }
    group.finish();
}

/// What criterion's means hide: the slowest bars, over all styles.
fn slowest_bars(_: &mut Criterion) {
    let mut times = Vec::new();
    for style in styles() {
        for seed in 0..8 {
            let controls = Controls { seed, ..Controls::default() };
            let mut before = None;
            for index in 0..8 {
                let ctx = bar(&style.id, index);
                let begun = Instant::now();
                let planned = plan_bar(black_box(&ctx), &controls, before.as_ref());
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                before = Some(planned);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "plan one bar, four chords, {} bars of all styles: median {:.2}, 99 % {:.2}, slowest {:.2} ms; {:.0} bars a second",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        1e3 * times.len() as f64 / times.iter().sum::<f64>()
    );
}

criterion_group!(benches, hearing, planning, slowest_bars);
criterion_main!(benches);
