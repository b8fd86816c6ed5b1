//! The transport does everything that transports do, and no note hangs.

use backline_testhost::{At, Host, Run, ragged};

use crate::bundle;
use crate::song;

/// Feeds the demo song, while the transport follows its own script.
struct Stage<'a> {
    run: Run<'a>,
    song: std::sync::Arc<song::Song>,
    heard: usize,
    beat: f64,
    at: At,
}

impl<'a> Stage<'a> {
    fn new(host: &'a mut dyn Host) -> Self {
        let song = song::demo(48_000);
        let at = At::playing(song.beat0, song.tempo);
        Self { run: Run::new(host), beat: song.beat0, heard: 0, at, song }
    }

    /// Runs the transport for `beats` quarter notes; a loop is taken at the end of the block, as many
    /// hosts do.
    fn play(&mut self, beats: f64, block: &mut dyn FnMut() -> usize) {
        let end = self.run.pos + (beats * 60.0 / self.at.tempo * self.song.rate) as u64;
        while self.run.pos < end {
            let frames = block();
            let input = self.song.round(self.heard, frames);
            self.run.block(&input, &At { beat: self.beat, ..self.at });
            self.heard += frames;
            if self.at.playing {
                self.beat += frames as f64 / self.song.rate * self.at.tempo / 60.0;
                if let Some((start, end)) = self.at.looping
                    && self.beat >= end
                {
                    self.beat = start + (self.beat - end) % (end - start);
                }
            }
        }
    }

    fn silent(&self) -> bool {
        self.run.sounding.is_empty()
    }
}

#[test]
fn a_busy_day_of_the_transport() {
    for (format, mut host) in bundle::hosts() {
        host.activate(48_000.0, 8_192, true);
        let mut stage = Stage::new(&mut *host);
        let mut block = ragged(2_048, 9);
        // Long enough to be known.
        stage.play(32.0, &mut block);
        let known = stage.run.log.len();
        assert!(known > 0, "{format}: the band plays");

        // A loop, taken inside blocks (CLAP tells the loop; VST3's test host cannot).
        let start = (stage.beat / 4.0).floor() * 4.0;
        stage.at.looping = Some((start, start + 4.0));
        stage.play(16.0, &mut block);
        stage.at.looping = None;
        // Jumps, to bar lines and into bars.
        for to in [0.0, 17.3, 8.0, -3.0, 200.0, 24.0] {
            stage.beat = to;
            stage.play(3.0, &mut block);
        }
        // A tempo ramp, a step each block, and steps.
        for step in 0..100 {
            stage.at.tempo = stage.song.tempo + f64::from(step) * 0.3;
            stage.play(0.05, &mut || 480);
        }
        for tempo in [60.0, 180.0, stage.song.tempo] {
            stage.at.tempo = tempo;
            stage.play(4.0, &mut block);
        }
        // Metres.
        for metre in [(3, 4), (6, 8), (7, 8), (4, 4)] {
            stage.at.metre = metre;
            stage.play(4.0, &mut block);
        }
        assert!(stage.run.log.len() > known, "{format}: it goes on");

        // Stop: silence at once.
        stage.run.stop(2);
        assert!(stage.silent());
        // Start in mid-bar.
        stage.beat = 33.37;
        stage.play(8.0, &mut block);

        // Bypass releases all and plays nothing.
        stage.run.host.set("Bypass", 1.0);
        stage.play(0.1, &mut || 512);
        assert!(stage.silent(), "{format}: bypass");
        let before = stage.run.log.len();
        stage.play(4.0, &mut block);
        assert_eq!(stage.run.log.len(), before, "{format}: bypass plays nothing");
        stage.run.host.set("Bypass", 0.0);
        stage.play(8.0, &mut block);

        // One part only.
        stage.run.host.set("Send", 1.0 / 3.0);
        stage.play(0.1, &mut || 512);
        assert!(stage.run.sounding.keys().all(|(channel, _)| *channel == 9), "{format}: drums only");
        // Parts off.
        stage.run.host.set("Drums", 0.0);
        stage.play(0.1, &mut || 512);
        assert!(stage.silent(), "{format}: parts off");
        stage.run.host.set("Drums", 1.0);
        stage.run.host.set("Send", 0.0);
        stage.play(4.0, &mut block);
        // Another channel.
        stage.run.host.set("Bass channel", 14.0 / 15.0);
        stage.play(0.1, &mut || 512);
        assert!(stage.run.sounding.keys().all(|(channel, _)| *channel != 1), "{format}: bass moved");
        stage.play(8.0, &mut block);

        // Deactivated in the middle of notes: the offs come with the next block.
        let (log, sounding) = (std::mem::take(&mut stage.run.log), std::mem::take(&mut stage.run.sounding));
        drop(stage);
        host.deactivate();
        host.activate(48_000.0, 512, false);
        let mut run = Run::new(&mut *host);
        run.sounding = sounding;
        run.stop(2);
        println!("{format}: {} events, none hangs", log.len());
    }
}

#[test]
fn every_rate_and_mono() {
    for rate in [22_050, 96_000, 192_000] {
        let song = song::demo(rate);
        let mut host = bundle::load_clap();
        host.activate(song.rate, 4_096, true);
        let mut run = Run::new(&mut host);
        run.straight(
            &song.audio,
            0..(12.0 * song.rate) as usize,
            song.rate,
            song.beat0,
            song.tempo,
            ragged(4_096, 5),
        );
        println!("{rate} Hz: {} events in 12 s", run.log.len());
        run.stop(2);
    }
    let song = song::demo(48_000);
    let mut host = bundle::load_vst3();
    host.mono();
    host.activate(song.rate, 512, true);
    let mut run = Run::new(&mut host);
    run.straight(&[song.mono()], 0..(12.0 * song.rate) as usize, song.rate, song.beat0, song.tempo, || 512);
    assert!(!run.log.is_empty(), "mono is heard");
    run.stop(1);
}

#[test]
fn bad_sound_passes_and_harms_nothing() {
    for (_, mut host) in bundle::hosts() {
        host.activate(48_000.0, 512, true);
        let mut run = Run::new(&mut *host);
        let nasty = [f32::INFINITY, f32::NEG_INFINITY, 1.0e-40, -1.0e-45, 3.0e38, -3.0e38, 0.0, -0.0];
        for block in 0..400usize {
            let input: Vec<Vec<f32>> = (0..2)
                .map(|c| (0..512).map(|i| nasty[(i * 7 + block + c) % nasty.len()]).collect())
                .collect();
            run.block(&input, &At::playing(block as f64 * 512.0 / 24_000.0, 120.0));
        }
        // NaN: payloads may be changed by a copy through registers, so only that it is a NaN.
        run.exact = false;
        let out = run.block(&vec![vec![f32::NAN; 512]; 2], &At::playing(9.0, 120.0));
        assert!(out.iter().flatten().all(|x| x.is_nan()));
        run.exact = true;
        // A transport of nonsense.
        for (beat, tempo) in [(f64::from(i32::MAX), 1.0), (-1.0e6, 999.0), (0.0, 20.0)] {
            run.block(&vec![vec![0.25; 512]; 2], &At::playing(beat, tempo));
        }
        run.stop(2);
    }
}

#[test]
fn the_preview_is_heard_and_its_absence_is_not() {
    let song = song::demo(48_000);
    let mut host = bundle::load_clap();
    host.activate(song.rate, 512, true);
    host.set("Preview level", 60.0 / 66.0);
    let mut run = Run::new(&mut host);
    run.exact = false;
    let mut differs = 0usize;
    let mut at = 0;
    while at < (20.0 * song.rate) as usize {
        let input: Vec<Vec<f32>> = song.audio.iter().map(|c| c[at..at + 512].to_vec()).collect();
        let output = run.block(&input, &At::playing(song.beat(at as f64), song.tempo));
        let changed = input[0].iter().zip(&output[0]).any(|(a, b)| a != b);
        assert!(!changed || !run.log.is_empty(), "sound without a note");
        assert!(output.iter().flatten().all(|x| x.is_finite() && x.abs() < 8.0));
        differs += usize::from(changed);
        at += 512;
    }
    assert!(differs > 100, "the band is heard in {differs} blocks");
    // Switched off, with one block to fade: bit for bit again.
    run.host.set("Preview level", 0.0);
    run.block(&vec![vec![0.25; 512]; 2], &At::playing(song.beat(at as f64), song.tempo));
    run.exact = true;
    for i in 1..20 {
        let beat = song.beat((at + i * 512) as f64);
        run.block(&vec![vec![0.25; 512]; 2], &At::playing(beat, song.tempo));
    }
    run.stop(2);
}
