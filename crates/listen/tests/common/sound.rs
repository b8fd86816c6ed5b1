//! Drums and clicks made on the spot, with their true times.

use std::f64::consts::TAU;

pub const RATE: f64 = 44_100.0;

/// A reproducible stream of numbers in −1..1 (xorshift64*).
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Stroke {
    Kick,
    Snare,
    Hat,
}

/// Adds a stroke at `time_s`.
pub fn strike(out: &mut [f32], rate: f64, stroke: Stroke, time_s: f64, gain: f32) {
    let start = (time_s * rate).round() as usize;
    let length = (0.25 * rate) as usize;
    let mut noise = Noise(0x9E37_79B9 + start as u64);
    let (mut phase, mut last) = (0.0_f64, 0.0_f32);
    for (i, slot) in out.iter_mut().skip(start).take(length).enumerate() {
        let t = i as f64 / rate;
        let white = noise.next();
        let value = match stroke {
            Stroke::Kick => {
                phase += TAU * (50.0 + 120.0 * (-t * 35.0).exp()) / rate;
                (phase.sin() * (-t * 14.0).exp()) as f32 + 0.3 * white * (-t * 400.0).exp() as f32
            }
            Stroke::Snare => {
                let body = (TAU * 190.0 * t).sin() * (-t * 25.0).exp();
                0.5 * body as f32 + 0.6 * white * (-t * 20.0).exp() as f32
            }
            Stroke::Hat => {
                let bright = (white - last) * 0.5;
                last = white;
                bright * (-t * 60.0).exp() as f32
            }
        };
        *slot += value * gain;
    }
}

/// A plain beat: per bar `kicks` and `snares` in beats, hats every `hat_beats`.
pub struct Groove<'a> {
    pub bpm: f64,
    pub beats_per_bar: usize,
    pub kicks: &'a [f64],
    pub snares: &'a [f64],
    pub hat_beats: f64,
}

/// Kick, snare and eighth-note hats in 4/4.
pub fn rock(bpm: f64) -> Groove<'static> {
    Groove { bpm, beats_per_bar: 4, kicks: &[0.0, 2.0], snares: &[1.0, 3.0], hat_beats: 0.5 }
}

impl Groove<'_> {
    /// Renders `seconds` that begin at `start_s` with a downbeat; returns audio and strokes.
    pub fn render(&self, rate: f64, start_s: f64, seconds: f64) -> (Vec<f32>, Vec<(f64, Stroke)>) {
        let mut out = vec![0.0; (seconds * rate) as usize];
        let beat_s = 60.0 / self.bpm;
        let mut strokes = Vec::new();
        let bars = ((seconds - start_s) / beat_s / self.beats_per_bar as f64).ceil() as usize;
        for bar in 0..bars {
            let bar_s = start_s + (bar * self.beats_per_bar) as f64 * beat_s;
            strokes.extend(self.kicks.iter().map(|b| (bar_s + b * beat_s, Stroke::Kick)));
            strokes.extend(self.snares.iter().map(|b| (bar_s + b * beat_s, Stroke::Snare)));
            let hats = (self.beats_per_bar as f64 / self.hat_beats).round() as usize;
            strokes.extend((0..hats).map(|h| (bar_s + h as f64 * self.hat_beats * beat_s, Stroke::Hat)));
        }
        strokes.retain(|(t, _)| *t < seconds - 0.1);
        strokes.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (time_s, stroke) in &strokes {
            let gain = match stroke {
                Stroke::Kick => 0.6,
                Stroke::Snare => 0.5,
                Stroke::Hat => 0.25,
            };
            strike(&mut out, rate, *stroke, *time_s, gain);
        }
        (out, strokes)
    }
}
