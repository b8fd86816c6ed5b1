//! Cost of the built plug-in in a real CLAP host: `process()`, scanning, and memory.
//!
//! What is measured is the release library.

use std::time::{Duration, Instant};

use backline_synth::demo::DEMO;
use backline_testhost::{At, Clap, Host, plugin_library};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const RATE: u32 = 48_000;

struct Song {
    audio: [Vec<f32>; 2],
    tempo: f64,
    beat0: f64,
}

fn song(seconds: usize) -> Song {
    let song = DEMO.render(RATE);
    let frames = (seconds * RATE as usize).min(song.audio.left.len());
    let beat0 = -song.downbeats[0] * song.tempo_bpm / 60.0;
    let audio = [song.audio.left[..frames].to_vec(), song.audio.right[..frames].to_vec()];
    Song { audio, tempo: song.tempo_bpm, beat0 }
}

impl Song {
    fn at(&self, sample: usize) -> At {
        At::playing(self.beat0 + sample as f64 / f64::from(RATE) * self.tempo / 60.0, self.tempo)
    }
}

/// The mean call, by criterion, while the worker has all it can do: the song is fed faster than real time.
fn process(c: &mut Criterion) {
    let song = song(20);
    let mut group = c.benchmark_group("process");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    for block in [32usize, 64, 128, 512] {
        group.bench_function(BenchmarkId::from_parameter(block), |b| {
            let mut host = Clap::new(&plugin_library());
            host.activate(f64::from(RATE), block, false);
            b.iter_custom(|calls| {
                let mut total = Duration::ZERO;
                let mut left = calls as usize;
                while left > 0 {
                    let times = host.time_blocks(&song.audio, block, |sample| song.at(sample), |_| {});
                    let n = times.len().min(left);
                    total += times[..n].iter().sum::<Duration>();
                    left -= n;
                }
                total
            });
        });
    }
    group.finish();
}

/// Mean and worst call at the pace of real time, as a share of the block's own time.
fn share_of_block(_: &mut Criterion) {
    let song = song(12);
    println!("process() at the pace of real time, {RATE} Hz, 12 s each, as a share of the block's time");
    println!("block     mean    99.9 %   worst");
    for block in [32usize, 64, 128, 512] {
        let mut host = Clap::new(&plugin_library());
        host.activate(f64::from(RATE), block, false);
        let begun = Instant::now();
        let mut times = host.time_blocks(
            &song.audio,
            block,
            |sample| song.at(sample),
            |sample| {
                let due = begun + Duration::from_secs_f64(sample as f64 / f64::from(RATE));
                // Sleeping is coarse: let a few blocks come at once, as a sound card does.
                if sample % 2_048 == 0
                    && let Some(wait) = due.checked_duration_since(Instant::now())
                {
                    std::thread::sleep(wait);
                }
            },
        );
        times.sort_unstable();
        let own = block as f64 / f64::from(RATE);
        let share = |t: Duration| t.as_secs_f64() / own * 100.0;
        let mean = times.iter().sum::<Duration>() / times.len() as u32;
        let most = times[times.len() - 1 - times.len() / 1000];
        println!(
            "{block:5}  {:6.3} %  {:6.3} %  {:6.3} %",
            share(mean),
            share(most),
            share(times[times.len() - 1])
        );
    }
}

/// Loading, listing, creating and destroying an instance: what a scan does.
fn scan(c: &mut Criterion) {
    let library = plugin_library();
    c.bench_function("scan", |b| b.iter(|| drop(Clap::new(&library))));
}

/// Resident memory of the process before and with instances, and after a minute of audio.
fn memory(_: &mut Criterion) {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    };
    let song = song(60);
    let before = resident();
    let mut host = Clap::new(&plugin_library());
    host.activate(f64::from(RATE), 512, true);
    let loaded = resident();
    host.time_blocks(&song.audio, 512, |sample| song.at(sample), |_| {});
    println!(
        "resident memory: {:.1} MiB for an active instance, {:.1} MiB after a minute of audio",
        loaded - before,
        resident() - before
    );
}

// Memory first: what the others leave behind would hide what an instance takes.
criterion_group!(benches, memory, process, share_of_block, scan);
criterion_main!(benches);
