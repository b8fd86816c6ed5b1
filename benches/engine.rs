//! Speed of hearing and planning: seconds of audio a second, and the time one bar takes to plan.

use std::hint::black_box;
use std::time::Duration;

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

fn planning(c: &mut Criterion) {
    let chord = |start_beat, label: &str| PlannedChord {
        start_beat,
        length_beats: 2.0,
        chord: label.parse().ok(),
        prob: 0.9,
    };
    let mut group = c.benchmark_group("plan one bar");
    for style in ["rock", "jazz", "trap"] {
        assert!(styles().iter().any(|s| s.id == style), "{style} is a style");
        let ctx = BarContext {
            index: 7,
            start_beat: 28.0,
            metre: Metre::FOUR_FOUR,
            tempo_bpm: 120.0,
            chords: vec![chord(28.0, "A:min7"), chord(30.0, "D:7")],
            next_chord: Some(chord(32.0, "G:maj7")),
            key: None,
            accents: vec![0.3; 16],
            heard_energy: 0.6,
            heard_valence: 0.5,
            style: style.to_owned(),
            bar_in_phrase: 7,
            phrase_bars: 8,
            form: backline_play::Form::Groove,
            section_start: false,
            lift: 0.0,
        };
        let controls = Controls { energy: 0.5, density: 0.5, ..Controls::default() };
        let before = plan_bar(&BarContext { index: 6, start_beat: 24.0, ..ctx.clone() }, &controls, None);
        group.bench_function(style, |b| b.iter(|| plan_bar(black_box(&ctx), &controls, Some(&before))));
    }
    group.finish();
}

criterion_group!(benches, hearing, planning);
criterion_main!(benches);
