//! *Hear it now*: a loop of the demo song, played through the real engine on a clock of its own.
//!
//! The worker renders the loop and sends it; the audio thread mixes it into the track, which the
//! listener then hears as it hears anything else. The clock stands far off any project's bars, so that
//! nothing which is learnt of the demo is ever taken for the song.

use backline_music::{Metre, Transport};
use backline_synth::demo::{DEMO, Spec};

/// First quarter note of the demo's clock: a bar line that no project reaches.
pub const DEMO_BEAT: f64 = 1_048_576.0;
/// Bars of the loop: the song's first section, once round.
const BARS: u32 = 8;
/// The demo's level in the track.
const GAIN: f32 = 0.6;

/// The rendered loop.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoLoop {
    left: Vec<f32>,
    right: Vec<f32>,
    sample_rate: f64,
}

impl DemoLoop {
    /// Renders the loop. Takes a good part of a second: not for the audio thread.
    pub fn render(sample_rate: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a sample rate
        let rate = sample_rate.round().clamp(8_000.0, 384_000.0) as u32;
        let spec = Spec { form: &[(BARS / 4, "A:min | F:maj | C:maj | G:maj")], lead_in_s: 0.0, ..DEMO };
        let mut sound = spec.render(rate).audio;
        let seconds = f64::from(BARS) * DEMO.metre.bar_quarters() * 60.0 / DEMO.tempo_bpm;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some seconds
        let frames = ((seconds * f64::from(rate)).round() as usize).min(sound.left.len());
        // What rings on past the last bar belongs into the first, as in any loop.
        for side in [&mut sound.left, &mut sound.right] {
            let tail = side.split_off(frames);
            side.iter_mut().zip(tail).for_each(|(s, t)| *s = (*s + t) * GAIN);
            side.shrink_to_fit();
        }
        let too_few = sound.left.is_empty();
        if too_few {
            sound.left.push(0.0);
            sound.right.push(0.0);
        }
        Self { left: sound.left, right: sound.right, sample_rate: f64::from(rate) }
    }

    /// Whether it is made for audio at `sample_rate` Hz.
    pub fn is_at(&self, sample_rate: f64) -> bool {
        (self.sample_rate - sample_rate).abs() < 1.0
    }

    /// Samples a channel.
    pub fn frames(&self) -> usize {
        self.left.len()
    }

    fn quarters_a_sample(&self) -> f64 {
        DEMO.tempo_bpm / 60.0 / self.sample_rate
    }
}

/// Plays the loop on the audio thread.
#[derive(Debug, Default)]
pub struct DemoPlayer {
    /// The loop, while the demo plays.
    pub playing: Option<Box<DemoLoop>>,
    at: u64,
}

impl DemoPlayer {
    /// Goes to the loop's beginning.
    ///
    /// # Realtime safety
    /// Sets a number.
    pub fn rewind(&mut self) {
        self.at = 0;
    }

    /// The demo's transport at the next sample: it runs on and on, and the sound comes round under it.
    ///
    /// # Realtime safety
    /// Arithmetic only.
    pub fn transport(&self) -> Option<Transport> {
        let demo = self.playing.as_ref()?;
        let pos_beats = DEMO_BEAT + self.at as f64 * demo.quarters_a_sample();
        let metre: Metre = DEMO.metre;
        let bar = metre.bar_quarters();
        Some(Transport {
            playing: true,
            pos_beats,
            tempo_bpm: DEMO.tempo_bpm,
            metre,
            bar_start_beats: (pos_beats / bar).floor() * bar,
            loop_beats: None,
        })
    }

    /// Mixes the next `frames` samples into `channels`.
    ///
    /// # Realtime safety
    /// Arithmetic only.
    pub fn mix(&mut self, channels: &mut [&mut [f32]], frames: usize) {
        let Some(demo) = &self.playing else { return };
        let length = demo.frames() as u64;
        for i in 0..frames {
            #[allow(clippy::cast_possible_truncation)] // below the length
            let from = ((self.at + i as u64) % length) as usize;
            let (left, right) = (demo.left[from], demo.right[from]);
            match channels {
                [one] => one[i] += 0.5 * (left + right),
                [l, r, ..] => {
                    l[i] += left;
                    r[i] += right;
                }
                [] => {}
            }
        }
        self.at += frames as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_whole_bars_and_comes_round() {
        let demo = DemoLoop::render(44_100.0);
        let quarters = demo.frames() as f64 * demo.quarters_a_sample();
        assert!((quarters - 32.0).abs() < 1.0e-3, "{quarters}");
        let frames = demo.frames();
        let mut player = DemoPlayer::default();
        assert!(player.transport().is_none());
        player.playing = Some(Box::new(demo));
        let mut first = vec![0.0; 1_000];
        player.mix(&mut [&mut first], 1_000);
        let mut left = frames - 1_000;
        while left > 0 {
            let n = left.min(4_096);
            player.mix(&mut [&mut vec![0.0; n]], n);
            left -= n;
        }
        let place = player.transport().unwrap();
        assert!((place.pos_beats - DEMO_BEAT - 32.0).abs() < 1.0e-3, "the clock goes on");
        let mut again = vec![0.0; 1_000];
        player.mix(&mut [&mut again], 1_000);
        assert_eq!(first, again, "the sound comes round");
        assert!(first.iter().any(|s| s.abs() > 0.01));
    }
}
