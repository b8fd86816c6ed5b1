//! Real-time use: nobody waits for the worker, and notes come all the same.

use std::time::{Duration, Instant};

use backline_testhost::{At, Host, Run};

use crate::bundle;
use crate::song;

#[test]
fn notes_come_in_real_time_mode() {
    let song = song::demo(48_000);
    let mut host = bundle::load_clap();
    host.activate(song.rate, 256, false);
    let mut run = Run::new(&mut host);
    let mut at = 0;
    let mut slowest = Duration::ZERO;
    // Faster than real time, but never by more than the listener can follow.
    while at < (16.0 * song.rate) as usize {
        let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[at..at + 256].to_vec()).collect();
        let begun = Instant::now();
        run.block(&input, &At::playing(song.beat(at as f64), song.tempo));
        slowest = slowest.max(begun.elapsed());
        at += 256;
        if at % 2_560 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(!run.log.is_empty(), "the band plays");
    run.stop(2);
    println!("real-time mode: {} events, slowest block with the test's own work {slowest:?}", run.log.len());
}

#[test]
fn an_instance_can_go_at_any_moment() {
    for i in 0..20u64 {
        let mut host = bundle::load_clap();
        host.activate(48_000.0, 512, i % 2 == 0);
        let mut run = Run::new(&mut host);
        for block in 0..i {
            let input = vec![vec![0.1; 512]; 2];
            run.block(&input, &At::playing(block as f64 * 0.02, 120.0));
        }
        let begun = Instant::now();
        drop(host);
        assert!(begun.elapsed() < Duration::from_secs(3), "leaving took {:?}", begun.elapsed());
    }
}

/// Plays the song from its beginning, at the pace of real time if `paced`: the note-ons, and what a call of `process` took
/// in the middle.
fn play(host: &mut dyn Host, seconds: f64, paced: bool) -> (Vec<(u64, u8, u8)>, Duration) {
    const BLOCK: usize = 512;
    let song = song::demo(48_000);
    let begun = Instant::now();
    let mut run = Run::new(host);
    let mut took = Vec::new();
    for from in (0..(seconds * song.rate) as usize).step_by(BLOCK) {
        let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[from..from + BLOCK].to_vec()).collect();
        let at = At::playing(song.beat(from as f64), song.tempo);
        let before = Instant::now();
        run.block(&input, &at);
        took.push(before.elapsed());
        let due = Duration::from_secs_f64((from + BLOCK) as f64 / song.rate);
        if let Some(wait) = due.checked_sub(begun.elapsed()).filter(|_| paced) {
            std::thread::sleep(wait);
        }
    }
    let ons = run.ons();
    run.stop(2);
    took.sort_unstable();
    (ons, took[took.len() / 2])
}

/// The notes from where on it is known that a host renders, however slow this machine is.
fn known(mut ons: Vec<(u64, u8, u8)>) -> Vec<(u64, u8, u8)> {
    ons.retain(|on| on.0 > 4 * 48_000);
    ons
}

fn assert_same(got: &[(u64, u8, u8)], want: &[(u64, u8, u8)]) {
    let differs = got.iter().zip(want).find(|(got, want)| got != want);
    assert!(got == want, "{} notes for {}, first {differs:?}", got.len(), want.len());
}

/// The framework passes on one set-up late what a VST3 host says.
#[test]
fn a_bounce_after_a_single_set_up_has_every_note_and_what_is_live_after_it_waits_for_nobody() {
    let mut clap = bundle::load_clap();
    clap.activate(48_000.0, 512, true);
    let bounce = known(play(&mut clap, 20.0, false).0);
    assert!(bounce.len() > 50, "{} notes", bounce.len());
    let mut vst3 = bundle::load_vst3();
    vst3.set_up_once(false);
    let (_, live) = play(&mut vst3, 5.0, true);
    for _ in 0..2 {
        vst3.set_up_once(true);
        assert_same(&known(play(&mut vst3, 20.0, false).0), &bounce);
        vst3.set_up_once(false);
        let (_, again) = play(&mut vst3, 3.0, true);
        println!("a block takes {live:?}, after a bounce {again:?}");
        // To wait for the worker takes five times as long in the middle, and twelve milliseconds at times.
        assert!(again < 5 * live / 2, "{again:?} for {live:?}");
    }
}

#[test]
fn a_host_that_renders_without_a_word_gets_every_note() {
    let mut clap = bundle::load_clap();
    clap.activate(48_000.0, 512, true);
    let bounce = known(play(&mut clap, 20.0, false).0);
    clap.deactivate();
    // What was heard before does not count, nor is it told that this is a render.
    clap.activate(48_000.0, 512, false);
    assert_same(&known(play(&mut clap, 20.0, false).0), &bounce);
}
