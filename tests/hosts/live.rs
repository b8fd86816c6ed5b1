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
