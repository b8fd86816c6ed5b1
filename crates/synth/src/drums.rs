//! The kit: twelve recipes for one kind of drum voice, made of two sines, six squares and noise.
//!
//! The metal is that of analogue drum machines: six squares at inharmonic frequencies through a
//! high-pass.

use backline_music::DrumVoice;

use crate::dsp::{Filter, Noise, decay, pan_gains, sine};

const ATTACK_S: f32 = 0.000_4;
const CHOKE_T60_S: f32 = 0.04;
/// From one hand of a clap to the next.
const BURST_S: f32 = 0.010;
const SILENT: f32 = 3e-5;
/// Frequencies of the squares, in Hz.
const METAL_HZ: [f32; 6] = [205.3, 304.4, 369.6, 522.7, 540.0, 800.0];

/// The rate at which the recipes were tuned, in Hz, and the rates between which they sound alike. White noise has the same
/// power a sample at every rate, so that of its power in a band must be made up for.
const TUNED_HZ: f32 = 44_100.0;
const NOISE_RATES_HZ: [f32; 2] = [22_050.0, 192_000.0];

/// What sounds: a voice of the kit, or another way of playing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// As the voice is usually struck.
    Voice(DrumVoice),
    /// The stick across the snare, on its rim.
    SideStick,
    /// Hands.
    Clap,
    /// The hat, closed by the foot.
    PedalHat,
}

impl Sound {
    /// That of a General MIDI percussion key.
    pub const fn from_gm_key(key: u8) -> Option<Self> {
        match key {
            37 => Some(Self::SideStick),
            39 => Some(Self::Clap),
            44 => Some(Self::PedalHat),
            _ => match DrumVoice::from_gm_key(key) {
                Some(voice) => Some(Self::Voice(voice)),
                None => None,
            },
        }
    }

    /// Whether a stroke of this ends what still sounds of `other`: the hats are one pair of cymbals, and a skin that is struck
    /// again stops ringing; a crash or ride rings on under the next stroke, and hands leave the drums alone.
    pub fn damps(self, other: Self) -> bool {
        use DrumVoice::{ClosedHat, Crash, OpenHat, Ride, Snare};
        let hat = |s| matches!(s, Self::PedalHat | Self::Voice(ClosedHat | OpenHat));
        let snare = |s| matches!(s, Self::SideStick | Self::Voice(Snare));
        let rings = matches!(self, Self::Voice(Crash | Ride));
        (hat(self) && hat(other)) || (snare(self) && snare(other)) || (self == other && !rings)
    }
}

/// What a drum is made of. Gains are linear, decays are the time to −60 dB.
struct Recipe {
    /// The two sines, in Hz, and the level of the second.
    tones_hz: [f32; 2],
    second: f32,
    /// How far above its pitch the drum starts (1 = an octave), and how fast it comes down.
    sweep_octaves: f32,
    sweep_t60_s: f32,
    tone: f32,
    tone_t60_s: f32,
    /// Noise and squares, both through the filter.
    noise: f32,
    metal: f32,
    metal_scale: f32,
    rattle_t60_s: f32,
    /// A faster part of the rattle: the stick.
    stick: f32,
    stick_t60_s: f32,
    /// How often the stick comes again, [`BURST_S`] apart.
    bursts: u8,
    filter_hz: f32,
    filter_q: f32,
    high_pass: bool,
    pan: f32,
    send: f32,
}

const fn recipe(sound: Sound) -> Recipe {
    const TOM: Recipe = Recipe {
        tones_hz: [110.0, 165.0],
        second: 0.25,
        sweep_octaves: 0.55,
        sweep_t60_s: 0.16,
        tone: 0.55,
        tone_t60_s: 0.55,
        noise: 0.10,
        metal: 0.0,
        metal_scale: 1.0,
        rattle_t60_s: 0.12,
        stick: 0.25,
        stick_t60_s: 0.015,
        bursts: 0,
        filter_hz: 1_800.0,
        filter_q: 0.7,
        high_pass: false,
        pan: 0.0,
        send: 0.16,
    };
    const HAT: Recipe = Recipe {
        tones_hz: [0.0, 0.0],
        second: 0.0,
        sweep_octaves: 0.0,
        sweep_t60_s: 0.1,
        tone: 0.0,
        tone_t60_s: 0.01,
        noise: 0.25,
        metal: 0.31,
        metal_scale: 1.0,
        rattle_t60_s: 0.11,
        stick: 0.14,
        stick_t60_s: 0.012,
        bursts: 0,
        filter_hz: 7_800.0,
        filter_q: 0.9,
        high_pass: true,
        pan: 0.25,
        send: 0.05,
    };
    let voice = match sound {
        Sound::Voice(voice) => voice,
        Sound::SideStick => {
            return Recipe {
                tones_hz: [1_700.0, 400.0],
                second: 0.55,
                sweep_octaves: 0.0,
                tone: 0.5,
                tone_t60_s: 0.04,
                noise: 0.0,
                rattle_t60_s: 0.01,
                stick: 0.15,
                stick_t60_s: 0.005,
                filter_hz: 3_200.0,
                pan: 0.05,
                send: 0.08,
                ..TOM
            };
        }
        Sound::Clap => {
            return Recipe {
                tone: 0.0,
                tone_t60_s: 0.01,
                noise: 0.85,
                rattle_t60_s: 0.22,
                stick: 2.3,
                stick_t60_s: 0.011,
                bursts: 2,
                filter_hz: 1_300.0,
                filter_q: 1.4,
                pan: -0.1,
                send: 0.25,
                ..TOM
            };
        }
        Sound::PedalHat => {
            return Recipe { noise: 0.18, metal: 0.20, rattle_t60_s: 0.06, stick: 0.05, ..HAT };
        }
    };
    match voice {
        DrumVoice::Kick => Recipe {
            tones_hz: [50.0, 100.0],
            second: 0.12,
            sweep_octaves: 2.2,
            sweep_t60_s: 0.10,
            tone: 0.85,
            tone_t60_s: 0.42,
            noise: 0.0,
            rattle_t60_s: 0.02,
            stick: 0.55,
            stick_t60_s: 0.012,
            filter_hz: 3_200.0,
            send: 0.02,
            ..TOM
        },
        DrumVoice::Snare => Recipe {
            tones_hz: [186.0, 332.0],
            second: 0.6,
            sweep_octaves: 0.35,
            sweep_t60_s: 0.05,
            tone: 0.36,
            tone_t60_s: 0.17,
            noise: 0.62,
            rattle_t60_s: 0.24,
            stick: 0.45,
            stick_t60_s: 0.03,
            filter_hz: 3_200.0,
            filter_q: 0.5,
            pan: 0.05,
            send: 0.22,
            ..TOM
        },
        DrumVoice::ClosedHat => HAT,
        DrumVoice::OpenHat => Recipe { rattle_t60_s: 0.75, send: 0.10, ..HAT },
        DrumVoice::LowTom => Recipe { tones_hz: [82.0, 123.0], tone_t60_s: 0.75, pan: -0.45, ..TOM },
        DrumVoice::MidTom => Recipe { tones_hz: [118.0, 177.0], pan: -0.1, ..TOM },
        DrumVoice::HighTom => Recipe { tones_hz: [158.0, 237.0], tone_t60_s: 0.42, pan: 0.3, ..TOM },
        DrumVoice::Crash => Recipe {
            noise: 0.19,
            metal: 0.17,
            metal_scale: 1.37,
            rattle_t60_s: 2.3,
            stick: 0.25,
            stick_t60_s: 0.12,
            filter_hz: 4_200.0,
            filter_q: 0.6,
            pan: -0.4,
            send: 0.20,
            ..HAT
        },
        DrumVoice::Ride => Recipe {
            tones_hz: [3_160.0, 4_730.0],
            second: 0.7,
            tone: 0.05,
            tone_t60_s: 0.55,
            noise: 0.09,
            metal: 0.19,
            metal_scale: 1.21,
            rattle_t60_s: 1.3,
            stick: 0.16,
            stick_t60_s: 0.02,
            filter_hz: 5_600.0,
            filter_q: 0.8,
            pan: -0.3,
            send: 0.12,
            ..HAT
        },
    }
}

/// A stroke that sounds, or a free place for one.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    sound: Sound,
    active: bool,
    order: u32,
    choked: bool,
    force: f32,
    attack: f32,
    attack_step: f32,
    phases: [f32; 2],
    steps: [f32; 2],
    second: f32,
    sweep: f32,
    sweep_decay: f32,
    tone: f32,
    tone_decay: f32,
    rattle: f32,
    rattle_decay: f32,
    stick: f32,
    stick_decay: f32,
    stick_again: f32,
    bursts: u8,
    burst_in: u32,
    burst_frames: u32,
    noise_gain: f32,
    metal_gain: f32,
    metal_phases: [f32; 6],
    metal_steps: [f32; 6],
    noise: Noise,
    noise_scale: f32,
    filter: Filter,
    high_pass: bool,
    fade: f32,
    fade_decay: f32,
    left: f32,
    right: f32,
    send: f32,
}

impl Hit {
    /// A free place.
    pub fn free() -> Self {
        Self { active: false, ..Self::start(Sound::Voice(DrumVoice::Kick), 1, 0, 48_000.0) }
    }

    /// Strikes `sound`. `order` counts up with every stroke and seeds its noise.
    pub fn start(sound: Sound, velocity: u8, order: u32, sample_rate: f32) -> Self {
        let r = recipe(sound);
        let force = f32::from(velocity.min(127)) / 127.0;
        let (left, right) = pan_gains(r.pan);
        // Soft strokes are duller: less stick, and a lower filter where the filter is a low one.
        let filter_hz = if r.high_pass { r.filter_hz } else { r.filter_hz * (0.55 + 0.45 * force) };
        let [lowest, highest] = NOISE_RATES_HZ;
        let noise_scale = libm::sqrtf(sample_rate.clamp(lowest, highest) / TUNED_HZ);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a hundredth of a sane rate
        let burst_frames = (BURST_S * sample_rate).max(1.0) as u32;
        Self {
            sound,
            active: true,
            order,
            choked: false,
            force: libm::powf(force, 1.5),
            attack: 0.0,
            attack_step: 1.0 / (ATTACK_S * sample_rate).max(1.0),
            phases: [0.0; 2],
            steps: r.tones_hz.map(|hz| if hz < 0.2 * sample_rate { hz / sample_rate } else { 0.0 }),
            second: r.second,
            sweep: libm::exp2f(r.sweep_octaves) - 1.0,
            sweep_decay: decay(r.sweep_t60_s, sample_rate),
            tone: r.tone,
            tone_decay: decay(r.tone_t60_s, sample_rate),
            rattle: 1.0,
            rattle_decay: decay(r.rattle_t60_s, sample_rate),
            stick: r.stick * force,
            stick_decay: decay(r.stick_t60_s, sample_rate),
            stick_again: r.stick * force,
            bursts: r.bursts,
            burst_in: burst_frames,
            burst_frames,
            noise_gain: r.noise,
            metal_gain: r.metal,
            metal_phases: [0.0, 0.17, 0.41, 0.59, 0.73, 0.89],
            metal_steps: METAL_HZ.map(|hz| (hz * r.metal_scale / sample_rate).min(0.25)),
            noise: Noise::new(order),
            noise_scale,
            filter: Filter::new(filter_hz, r.filter_q, sample_rate),
            high_pass: r.high_pass,
            fade: 1.0,
            fade_decay: 1.0,
            left,
            right,
            send: r.send,
        }
    }

    /// Whether it sounds.
    pub const fn active(&self) -> bool {
        self.active
    }

    /// Whether it is on its way out.
    pub const fn choked(&self) -> bool {
        self.choked
    }

    /// What was struck.
    pub const fn sound(&self) -> Sound {
        self.sound
    }

    /// When it was struck.
    pub const fn order(&self) -> u32 {
        self.order
    }

    /// Damps it, without a click.
    pub fn choke(&mut self, sample_rate: f32) {
        self.choked = true;
        self.fade_decay = decay(CHOKE_T60_S, sample_rate);
    }

    /// Adds the next samples.
    pub fn add(&mut self, left: &mut [f32], right: &mut [f32], send: &mut [f32]) {
        for ((l, r), s) in left.iter_mut().zip(right).zip(send) {
            let tone = (sine(self.phases[0]) + self.second * sine(self.phases[1])) * self.tone;
            let noise = self.noise.sample() * self.noise_scale;
            let mut raw = noise * (self.noise_gain * self.rattle + self.stick);
            if self.metal_gain > 0.0 {
                let mut metal = 0.0;
                for (phase, step) in self.metal_phases.iter_mut().zip(self.metal_steps) {
                    metal += if *phase < 0.5 { 1.0 } else { -1.0 };
                    *phase += step;
                    *phase -= if *phase >= 1.0 { 1.0 } else { 0.0 };
                }
                raw += metal * (self.metal_gain * 0.4) * (self.rattle + self.stick);
            }
            let bands = self.filter.step(raw);
            let rattle = if self.high_pass { bands.high } else { bands.band };
            let out = (tone + rattle) * (self.force * self.attack * self.fade);
            *l += out * self.left;
            *r += out * self.right;
            *s += out * self.send;

            let bend = 1.0 + self.sweep;
            for (phase, step) in self.phases.iter_mut().zip(self.steps) {
                *phase += step * bend;
                *phase -= if *phase >= 1.0 { 1.0 } else { 0.0 };
            }
            self.attack = (self.attack + self.attack_step).min(1.0);
            self.sweep *= self.sweep_decay;
            self.tone *= self.tone_decay;
            self.rattle *= self.rattle_decay;
            self.stick *= self.stick_decay;
            self.fade *= self.fade_decay;
            if self.bursts > 0 {
                self.burst_in -= 1;
                if self.burst_in == 0 {
                    (self.stick, self.burst_in) = (self.stick_again, self.burst_frames);
                    self.bursts -= 1;
                }
            }
            let rest = self.tone + self.stick + self.rattle * (self.noise_gain + self.metal_gain);
            if rest * self.fade < SILENT {
                self.active = false;
                return;
            }
            // Keeps the tails of the faster parts out of the denormal range.
            if self.sweep < 1e-9 {
                self.sweep = 0.0;
            }
            if self.stick < 1e-9 {
                self.stick = 0.0;
            }
            if self.tone < 1e-9 {
                self.tone = 0.0;
            }
        }
    }
}
