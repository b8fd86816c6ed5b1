//! The bass: one saw and one sine an octave apart through a low-pass, one note at a time.

use crate::dsp::{Filter, decay, key_hz, sine};

const ATTACK_S: f32 = 0.004;
const RELEASE_T60_S: f32 = 0.12;
/// How often the filter follows its envelope, in samples of the voice's own life (not of a block).
const TUNE_EVERY: u32 = 16;
const SILENT: f32 = 3e-5;

/// The bass player: the last note struck sounds.
#[derive(Debug, Clone, Copy)]
pub struct Bass {
    sample_rate: f32,
    active: bool,
    key: u8,
    held: bool,
    phase: f32,
    step: f32,
    target_step: f32,
    sub_phase: f32,
    peak: f32,
    level: f32,
    rising: bool,
    body_decay: f32,
    release_decay: f32,
    attack_step: f32,
    glide: f32,
    brightness: f32,
    brightness_decay: f32,
    filter: Filter,
    age: u32,
}

impl Bass {
    /// A silent bass.
    pub fn new(sample_rate: f32) -> Self {
        Self {
            sample_rate,
            active: false,
            key: 0,
            held: false,
            phase: 0.0,
            step: 0.0,
            target_step: 0.0,
            sub_phase: 0.0,
            peak: 0.0,
            level: 0.0,
            rising: false,
            body_decay: decay(5.0, sample_rate),
            release_decay: decay(RELEASE_T60_S, sample_rate),
            attack_step: 1.0 / (ATTACK_S * sample_rate).max(1.0),
            glide: 1.0 - decay(0.02, sample_rate),
            brightness: 0.0,
            brightness_decay: decay(0.9, sample_rate),
            filter: Filter::new(400.0, 0.8, sample_rate),
            age: 0,
        }
    }

    /// Strikes `key`; a note that sounds goes over into it without a break in the waveform.
    pub fn start(&mut self, key: u8, velocity: u8) {
        let force = f32::from(velocity.min(127)) / 127.0;
        self.target_step = (key_hz(key) / self.sample_rate).min(0.4);
        if !self.active {
            self.step = self.target_step;
            self.phase = 0.0;
            self.sub_phase = 0.0;
            self.level = 0.0;
            self.filter = Filter::new(400.0, 0.8, self.sample_rate);
        }
        self.active = true;
        self.key = key;
        self.held = true;
        self.rising = true;
        self.peak = 0.52 * libm::powf(force, 1.3);
        self.brightness = 0.35 + 0.65 * force;
        self.age = 0;
    }

    /// Lets go, if `key` is the one that sounds.
    pub fn release(&mut self, key: u8) {
        if self.key == key {
            self.release_any();
        }
    }

    /// Lets go.
    pub fn release_any(&mut self) {
        self.held = false;
    }

    /// Whether it sounds.
    pub const fn active(&self) -> bool {
        self.active
    }

    /// Adds the next samples.
    pub fn add(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (l, r) in left.iter_mut().zip(right) {
            if self.age.is_multiple_of(TUNE_EVERY) {
                let fundamental = self.step * self.sample_rate;
                let cutoff = fundamental * (2.0 + 9.0 * self.brightness) + 60.0;
                self.filter.tune(cutoff.min(4_000.0), 0.85, self.sample_rate);
            }
            self.age = self.age.wrapping_add(1);

            // A saw without its alias products: Välimäki & Huovilainen, "Antialiasing oscillators in
            // subtractive synthesis", IEEE Signal Processing Magazine 24(2), 2007 (PolyBLEP).
            let saw = 2.0 * self.phase - 1.0 - blep(self.phase, self.step);
            let mixed = 0.45 * saw + 0.75 * sine(self.sub_phase);
            let out = self.filter.step(mixed).low * self.level;
            *l += out;
            *r += out;

            self.step += (self.target_step - self.step) * self.glide;
            self.phase += self.step;
            self.phase -= if self.phase >= 1.0 { 1.0 } else { 0.0 };
            self.sub_phase += self.step;
            self.sub_phase -= if self.sub_phase >= 1.0 { 1.0 } else { 0.0 };
            self.brightness *= self.brightness_decay;

            if self.rising && self.held {
                // A new note may be softer than what still sounds: then the level falls to it.
                self.level += (self.peak - self.level).clamp(-self.attack_step, self.attack_step);
                self.rising = (self.level - self.peak).abs() > 1e-4;
            } else {
                self.level *= if self.held { self.body_decay } else { self.release_decay };
                if self.level < SILENT {
                    self.active = false;
                    return;
                }
            }
        }
    }
}

/// The correction around a saw's jump.
#[inline]
fn blep(phase: f32, step: f32) -> f32 {
    if phase < step {
        let t = phase / step;
        t + t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + t + t + 1.0
    } else {
        0.0
    }
}
