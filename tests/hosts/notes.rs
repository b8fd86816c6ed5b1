//! The notes that leave the plug-in are those of the plan, to the sample, for any block size.

use backline_music::{Controls, Part};
use backline_testhost::{At, Host, Run, ragged};

use crate::bundle;
use crate::song;

/// Plays the demo song through `host`, offline, and compares. Returns how many notes there were, and
/// the worst error in samples.
fn against_the_plan(
    host: &mut dyn Host,
    rate: u32,
    seconds: f64,
    max_block: usize,
    seed: u64,
) -> (usize, f64) {
    let song = song::demo(rate);
    let samples = ((seconds * song.rate) as usize).min(song.audio[0].len());
    let expected = song.expected(samples, &Controls::default());

    host.activate(song.rate, max_block, true);
    assert_eq!(host.latency(), 0);
    let mut run = Run::new(host);
    let mut block = ragged(max_block, seed);
    run.straight(&song.audio, 0..samples, song.rate, song.beat0, song.tempo, &mut block);
    let played = run.ons();
    run.stop(2);
    host.deactivate();

    assert_eq!(
        played.len(),
        expected.len(),
        "notes at {rate} Hz; the first that differs: {:?}",
        played.iter().zip(&expected).find(|(p, e)| (p.1, p.2) != (e.1, e.2))
    );
    let mut worst: f64 = 0.0;
    for (got, want) in played.iter().zip(&expected) {
        assert_eq!((got.1, got.2), (want.1, want.2), "at {} for {}", got.0, want.0);
        worst = worst.max((got.0 as f64 - want.0).abs());
    }
    for part in Part::ALL {
        let channel = part.default_channel();
        assert!(played.iter().any(|n| n.1 == channel), "{part} play in {seconds} s: {} notes", played.len());
    }
    (played.len(), worst)
}

#[test]
fn clap_plays_the_plan_to_the_sample() {
    for (rate, max_block, seed) in [(48_000, 512, 1), (44_100, 8_192, 2)] {
        let (count, worst) = against_the_plan(&mut bundle::load_clap(), rate, 30.0, max_block, seed);
        println!("CLAP {rate} Hz, blocks 1..={max_block}: {count} notes, worst error {worst:.3} samples");
        assert!(worst <= 0.502, "{worst}");
    }
}

#[test]
fn vst3_plays_the_plan_to_the_sample() {
    let (count, worst) = against_the_plan(&mut bundle::load_vst3(), 48_000, 30.0, 1_024, 3);
    println!("VST3 48000 Hz, blocks 1..=1024: {count} notes, worst error {worst:.3} samples");
    assert!(worst <= 0.502, "{worst}");
}

#[test]
fn both_formats_and_all_block_sizes_play_the_same() {
    let song = song::demo(22_050);
    let samples = (20.0 * song.rate) as usize;
    let mut first: Option<Vec<(u64, u8, u8)>> = None;
    for (format, block) in
        [("clap", 16), ("clap", 441), ("clap", 8_192), ("vst3", 64), ("vst3", 8_192), ("clap", 1)]
    {
        // One sample a block is slow in a host: a shorter stretch.
        let samples = if block == 1 { samples / 2 } else { samples };
        let mut host: Box<dyn Host> =
            if format == "clap" { Box::new(bundle::load_clap()) } else { Box::new(bundle::load_vst3()) };
        host.activate(song.rate, block, true);
        let mut run = Run::new(&mut *host);
        run.straight(&song.audio, 0..samples, song.rate, song.beat0, song.tempo, || block);
        let ons = run.ons();
        run.stop(2);
        match &first {
            None => {
                assert!(!ons.is_empty());
                first = Some(ons);
            }
            Some(first) => {
                let same: Vec<_> = first.iter().copied().filter(|n| n.0 < samples as u64).collect();
                assert_eq!(ons, same, "{format}, block {block}");
            }
        }
    }
}

/// Blocks of a host that ramps its tempo, changes its metre and jumps: 16 s at 48 kHz.
fn winding_transport(beat0: f64) -> Vec<At> {
    let mut beat = beat0;
    (0..1_500)
        .map(|block| {
            // 100 BPM, from 6 s on faster by half a beat a minute with each block, up to 125.
            let tempo = 100.0 + (f64::from(block) - 562.0).clamp(0.0, 50.0) * 0.5;
            if block == 1_000 {
                beat = 9.5; // into the middle of a bar
            }
            let metre = if beat >= 12.0 { (3, 4) } else { (4, 4) };
            let at = At { metre, ..At::playing(beat, tempo) };
            beat += 512.0 / 48_000.0 * tempo / 60.0;
            at
        })
        .collect()
}

#[test]
fn ramps_jumps_and_metres_are_played_to_the_sample() {
    let song = song::demo(48_000);
    let script = winding_transport(song.beat0);
    assert!(script.iter().any(|at| at.metre == (3, 4)), "the metre changes");
    let expected = song.expected_along(&script, 512);
    for format in ["clap", "vst3"] {
        let mut host: Box<dyn Host> =
            if format == "clap" { Box::new(bundle::load_clap()) } else { Box::new(bundle::load_vst3()) };
        host.activate(song.rate, 512, true);
        let mut run = Run::new(&mut *host);
        for (i, at) in script.iter().enumerate() {
            let input: Vec<Vec<f32>> =
                song.audio.iter().map(|c| c[i * 512..(i + 1) * 512].to_vec()).collect();
            run.block(&input, at);
        }
        let played = run.ons();
        run.stop(2);
        // Just after a jump the plan for the new place comes a few milliseconds late, and what it brings
        // is played late: those notes are not compared.
        let jump = 1_000 * 512;
        let apart = |sample: u64| !(jump..jump + 4_800).contains(&sample);
        let played: Vec<_> = played.into_iter().filter(|n| apart(n.0)).collect();
        let expected: Vec<_> = expected.iter().filter(|n| apart((n.0 + 0.501) as u64)).collect();
        assert!(expected.len() > 100, "{} notes to compare", expected.len());
        let mut worst: f64 = 0.0;
        for (got, want) in played.iter().zip(&expected) {
            assert_eq!((got.1, got.2), (want.1, want.2), "{format}: at {} for {}", got.0, want.0);
            worst = worst.max((got.0 as f64 - want.0).abs());
        }
        assert_eq!(played.len(), expected.len(), "{format}");
        println!("{format}, winding transport: {} notes, worst error {worst:.3} samples", played.len());
        assert!(worst <= 1.0, "{format}: {worst}");
    }
}
