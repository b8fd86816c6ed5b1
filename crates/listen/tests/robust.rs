//! What must hold for any input: the same for every division into blocks, sane for damaged audio,
//! bounded for streams without end; and drum strokes found in a plain groove.

#[path = "common/sound.rs"]
mod sound;

use backline_listen::Listener;
use backline_music::{DrumVoice, Heard};
use proptest::prelude::*;
use sound::{Noise, RATE, Stroke, rock};

fn hear_in_blocks(audio: &[f32], rate: f64, blocks: &[usize]) -> Heard {
    let mut listener = Listener::new(rate).unwrap();
    let (mut at, mut i) = (0, 0);
    while at < audio.len() {
        let end = (at + blocks[i % blocks.len()]).min(audio.len());
        listener.feed(&audio[at..end], None);
        if i % 3 != 1 {
            while listener.step() {}
        }
        at = end;
        i += 1;
    }
    listener.finish();
    while listener.step() {}
    listener.heard().clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_division_into_blocks_is_heard_the_same(
        blocks in prop::collection::vec(1usize..5_000, 1..6),
        rate in prop::sample::select(vec![44_100.0, 48_000.0, 22_050.0, 44_099.0]),
    ) {
        let (audio, _) = rock(126.0).render(rate, 0.1, 4.0);
        let whole = hear_in_blocks(&audio, rate, &[audio.len()]);
        let parts = hear_in_blocks(&audio, rate, &blocks);
        prop_assert!(!whole.onsets.is_empty());
        prop_assert_eq!(whole, parts);
    }
}

#[test]
fn a_step_is_ten_milliseconds() {
    let mut listener = Listener::new(48_000.0).unwrap();
    listener.feed(&vec![0.0; 48_000], None);
    listener.finish();
    let mut steps = 0;
    while listener.step() {
        steps += 1;
        assert!((listener.heard().time_s - f64::from(steps) * 0.01).abs() < 1e-9);
    }
    assert_eq!(steps, 100);
}

#[test]
fn damaged_samples_are_silence_and_said_once() {
    let (mut audio, _) = rock(120.0).render(RATE, 0.1, 4.0);
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, f32::MAX].into_iter().enumerate() {
        audio[10_000 + 9_000 * i] = bad;
    }
    let heard = hear_in_blocks(&audio, RATE, &[700]);
    assert_eq!(heard.notices.iter().filter(|n| n.contains("NaN")).count(), 1, "{:?}", heard.notices);
    assert!(heard.loudness.iter().all(|l| l.momentary_lufs.is_finite() && l.momentary_lufs >= -70.0));
    assert!(heard.timbre.iter().all(|t| t.centroid_hz.is_finite() && t.mfcc.iter().all(|c| c.is_finite())));
    assert!(heard.onsets.iter().all(|o| o.time_s.is_finite() && (0.0..=1.0).contains(&o.strength)));
}

#[test]
fn histories_are_bounded_when_asked() {
    let mut noise = Noise(3);
    let mut listener = Listener::new(8_000.0).unwrap();
    listener.set_history_s(Some(30.0));
    for _ in 0..45 {
        let second: Vec<f32> = (0..8_000).map(|_| 0.2 * noise.next()).collect();
        listener.feed(&second, None);
        while listener.step() {}
    }
    let heard = listener.heard();
    assert!(heard.loudness.len() <= 320 && heard.timbre.len() <= 33, "{}", heard.loudness.len());
    assert!(heard.loudness[0].time_s > 13.0);
}

#[test]
fn loudness_of_a_full_scale_sine() {
    // EBU Tech 3341: a 1 kHz sine at −23 dBFS in both channels is −23 LUFS.
    let audio: Vec<f32> = (0..(RATE * 5.0) as usize)
        .map(|i| ((i as f64 / RATE * 1_000.0 * std::f64::consts::TAU).sin() * 0.070_79) as f32)
        .collect();
    let heard = hear_in_blocks(&audio, RATE, &[4_410]);
    let last = heard.loudness.last().unwrap();
    assert!((last.short_term_lufs + 23.0).abs() < 0.2, "{last:?}");
    assert_eq!(heard.loudness.len(), 50);
}

#[test]
fn strokes_of_a_plain_groove_are_told_apart() {
    let (audio, strokes) = rock(104.0).render(RATE, 0.3, 10.0);
    let heard = hear_in_blocks(&audio, RATE, &[1_024]);
    for (voice, stroke) in [
        (DrumVoice::Kick, Stroke::Kick),
        (DrumVoice::Snare, Stroke::Snare),
        (DrumVoice::ClosedHat, Stroke::Hat),
    ] {
        let truth: Vec<f64> = strokes.iter().filter(|s| s.1 == stroke).map(|s| s.0).collect();
        let told: Vec<f64> = heard.drums.iter().filter(|d| d.voice == voice).map(|d| d.time_s).collect();
        let near = |a: f64, all: &[f64]| all.iter().any(|b| (a - b).abs() < 0.05);
        let hits = told.iter().filter(|t| near(**t, &truth)).count() as f64;
        let f = 2.0 * hits / (told.len() + truth.len()) as f64;
        assert!(f > 0.8, "{voice:?}: F {f}, {} told, {} true", told.len(), truth.len());
    }
    assert!(heard.drums.iter().all(|d| (0.0..=1.0).contains(&d.velocity) && d.decided_s < d.time_s + 0.1));
}
