//! One note of the electric piano: two pairs of frequency-modulated sines, body and tine.
//!
//! J. Chowning, "The synthesis of complex audio spectra by means of frequency modulation", Journal of
//! the Audio Engineering Society 21(7), 1973. The body is a 1:1 pair whose index falls with the level;
//! the tine is a 1:14 pair that dies within a fraction of a second.

use crate::dsp::{decay, key_hz, pan_gains, sine};

const ATTACK_S: f32 = 0.002;
const RELEASE_T60_S: f32 = 0.22;
const STOLEN_T60_S: f32 = 0.015;
/// Below this level (−90 dB) a note has ended.
const SILENT: f32 = 3e-5;

/// A note that sounds, or a free place for one.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyVoice {
    key: u8,
    held: bool,
    active: bool,
    order: u32,
    attack: f32,
    attack_step: f32,
    level: f32,
    level_decay: f32,
    release: f32,
    release_decay: f32,
    index: f32,
    index_decay: f32,
    tine: f32,
    tine_decay: f32,
    phase: f32,
    step: f32,
    tine_phase: f32,
    tine_step: f32,
    left: f32,
    right: f32,
}

impl KeyVoice {
    /// Strikes `key`. `order` counts up with every note, so that the oldest can be found.
    pub fn start(key: u8, velocity: u8, order: u32, sample_rate: f32) -> Self {
        let hz = key_hz(key);
        let force = f32::from(velocity.min(127)) / 127.0;
        let height = (f32::from(key) - 60.0) / 36.0;
        // The tine's partial has to stay below the Nyquist frequency, together with its first sidebands.
        let tine_ratio =
            [14.0, 7.0, 3.0, 1.0].into_iter().find(|r| hz * r < 0.4 * sample_rate).unwrap_or(1.0);
        let audible = hz < 0.45 * sample_rate;
        let (left, right) = pan_gains(height.clamp(-1.0, 1.0) * 0.35);
        let level = 0.30 * libm::powf(force, 1.5);
        Self {
            key,
            held: true,
            active: audible,
            order,
            attack: 0.0,
            attack_step: 1.0 / (ATTACK_S * sample_rate).max(1.0),
            level,
            level_decay: decay((7.0 * libm::exp2f(-height * 1.5)).clamp(0.8, 14.0), sample_rate),
            release: 1.0,
            release_decay: 1.0,
            index: (0.08 + 0.22 * force * force) * libm::exp2f(-height.max(-1.0) * 0.8),
            index_decay: decay(2.5, sample_rate),
            tine: (0.02 + 0.13 * force * force) * libm::exp2f(-height.max(-0.5) * 0.7),
            tine_decay: decay(0.35, sample_rate),
            phase: 0.0,
            step: hz / sample_rate,
            tine_phase: 0.0,
            tine_step: hz * tine_ratio / sample_rate,
            left,
            right,
        }
    }

    /// Whether it sounds.
    pub const fn active(&self) -> bool {
        self.active
    }

    /// Whether it sounds `key` and the key is still down.
    pub const fn holds(&self, key: u8) -> bool {
        self.active && self.held && self.key == key
    }

    /// Whether it is on its way out because its place is needed.
    pub fn stolen(&self, sample_rate: f32) -> bool {
        !self.held && self.release_decay <= decay(STOLEN_T60_S, sample_rate)
    }

    /// When it was struck.
    pub const fn order(&self) -> u32 {
        self.order
    }

    /// Lets go of the key.
    pub fn release(&mut self, sample_rate: f32) {
        if self.held {
            self.held = false;
            self.release_decay = decay(RELEASE_T60_S, sample_rate);
        }
    }

    /// Fades it out fast enough to free its place and slowly enough not to click.
    pub fn steal(&mut self, sample_rate: f32) {
        self.held = false;
        self.release_decay = decay(STOLEN_T60_S, sample_rate);
    }

    /// Adds the next samples.
    pub fn add(&mut self, left: &mut [f32], right: &mut [f32], send: &mut [f32]) {
        for ((l, r), s) in left.iter_mut().zip(right).zip(send) {
            let body = sine(self.phase + self.index * sine(self.phase));
            let tine = sine(self.phase + self.tine * sine(self.tine_phase));
            let out = (0.62 * body + 0.38 * tine) * self.level * self.release * self.attack;
            *l += out * self.left;
            *r += out * self.right;
            *s += out * 0.22;

            self.attack = (self.attack + self.attack_step).min(1.0);
            self.level *= self.level_decay;
            self.release *= self.release_decay;
            self.index *= self.index_decay;
            self.tine *= self.tine_decay;
            self.phase += self.step;
            self.phase -= if self.phase >= 1.0 { 1.0 } else { 0.0 };
            self.tine_phase += self.tine_step;
            self.tine_phase -= if self.tine_phase >= 1.0 { 1.0 } else { 0.0 };
            if self.level * self.release < SILENT {
                self.active = false;
                return;
            }
        }
    }
}
