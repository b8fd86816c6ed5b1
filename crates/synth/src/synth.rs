//! The whole band in one instrument: notes in, stereo samples out.

use backline_music::Part;

use crate::bass::Bass;
use crate::drums::{Hit, Sound};
use crate::dsp::{decay, soft_clip};
use crate::keys::KeyVoice;
use crate::reverb::Reverb;

/// Places for notes of the electric piano. From [`KEYS_SOFT`] on the oldest is faded out, so that a
/// place is free before all are taken.
const KEYS: usize = 32;
const KEYS_SOFT: usize = 24;
const HITS: usize = 24;
const HITS_SOFT: usize = 18;
const CHUNK: usize = 64;

/// The synthesiser.
///
/// # Realtime safety
/// [`Synth::new`] allocates; everything else neither allocates nor frees, locks or waits.
#[derive(Debug, Clone)]
pub struct Synth {
    sample_rate: f32,
    keys: [KeyVoice; KEYS],
    hits: [Hit; HITS],
    bass: Bass,
    reverb: Reverb,
    order: u32,
    level: f32,
    target_level: f32,
    level_step: f32,
}

impl Synth {
    /// A silent synthesiser for `sample_rate` Hz. Rates out of 2,000 to 1,000,000 are brought into it; a rate that is
    /// no number counts as 48,000.
    pub fn new(sample_rate: f32) -> Self {
        let sample_rate =
            if sample_rate.is_finite() { sample_rate.clamp(2_000.0, 1_000_000.0) } else { 48_000.0 };
        Self {
            sample_rate,
            keys: [KeyVoice::default(); KEYS],
            hits: [Hit::free(); HITS],
            bass: Bass::new(sample_rate),
            reverb: Reverb::new(sample_rate),
            order: 0,
            level: 1.0,
            target_level: 1.0,
            level_step: 1.0 - decay(0.05, sample_rate),
        }
    }

    /// Strikes a note: for drums a General MIDI percussion key (keys outside the kit are ignored), else
    /// a MIDI key. Velocity 0 is a note-off.
    pub fn note_on(&mut self, part: Part, key: u8, velocity: u8) {
        if velocity == 0 {
            return self.note_off(part, key);
        }
        self.order = self.order.wrapping_add(1);
        match part {
            Part::Drums => {
                if let Some(sound) = Sound::from_gm_key(key) {
                    self.strike(sound, velocity);
                }
            }
            Part::Chords => self.press(key.min(127), velocity),
            Part::Bass => self.bass.start(key.min(127), velocity),
        }
    }

    /// Lets go of a note. Drums ring out by themselves.
    pub fn note_off(&mut self, part: Part, key: u8) {
        match part {
            Part::Drums => {}
            Part::Chords => {
                for voice in self.keys.iter_mut().filter(|v| v.holds(key)) {
                    voice.release(self.sample_rate);
                }
            }
            Part::Bass => self.bass.release(key),
        }
    }

    /// Lets go of everything; what sounds fades out as it would after a note-off, drums are damped.
    pub fn all_off(&mut self) {
        for voice in &mut self.keys {
            voice.release(self.sample_rate);
        }
        for hit in &mut self.hits {
            hit.choke(self.sample_rate);
        }
        self.bass.release_any();
    }

    /// Silence at once, the room included, as after [`Synth::new`]; the level stays.
    pub fn reset(&mut self) {
        self.keys = [KeyVoice::default(); KEYS];
        self.hits = [Hit::free(); HITS];
        self.bass = Bass::new(self.sample_rate);
        self.reverb.clear();
        self.order = 0;
        self.level = self.target_level;
    }

    /// Sets the linear gain of all that follows; reached within some 20 ms, so that it can be turned
    /// while it sounds.
    pub fn set_level(&mut self, level: f32) {
        self.target_level = if level.is_finite() { level.clamp(0.0, 8.0) } else { 0.0 };
    }

    /// Whether nothing sounds, so that [`Synth::render_add`] would add nothing.
    pub fn silent(&self) -> bool {
        !self.bass.active()
            && self.reverb.silent()
            && !self.keys.iter().any(KeyVoice::active)
            && !self.hits.iter().any(Hit::active)
    }

    /// Adds the next samples to `left` and `right` (as many as the shorter has). What is added stays
    /// within ±1 × level.
    pub fn render_add(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.chunks_mut(CHUNK).zip(right.chunks_mut(CHUNK)) {
            let n = left.len().min(right.len());
            if self.silent() {
                self.level = self.target_level;
                continue;
            }
            let (mut l, mut r, mut send) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
            let (l, r, send) = (&mut l[..n], &mut r[..n], &mut send[..n]);
            for hit in self.hits.iter_mut().filter(|h| h.active()) {
                hit.add(l, r, send);
            }
            if self.bass.active() {
                self.bass.add(l, r);
            }
            for voice in self.keys.iter_mut().filter(|v| v.active()) {
                voice.add(l, r, send);
            }
            self.reverb.add(send, l, r);
            for (((out_l, out_r), l), r) in left.iter_mut().zip(right).zip(l).zip(r) {
                self.level += (self.target_level - self.level) * self.level_step;
                *out_l += soft_clip(*l) * self.level;
                *out_r += soft_clip(*r) * self.level;
            }
        }
    }

    fn press(&mut self, key: u8, velocity: u8) {
        for voice in self.keys.iter_mut().filter(|v| v.holds(key)) {
            voice.release(self.sample_rate);
        }
        if self.keys.iter().filter(|v| v.active() && !v.stolen(self.sample_rate)).count() >= KEYS_SOFT {
            let sample_rate = self.sample_rate;
            let sounding = self.keys.iter_mut().filter(|v| v.active() && !v.stolen(sample_rate));
            if let Some(oldest) = sounding.min_by_key(|v| v.order()) {
                oldest.steal(sample_rate);
            }
        }
        let free = self.keys.iter().position(|v| !v.active());
        let place = free.or_else(|| (0..KEYS).min_by_key(|&i| self.keys[i].order())).unwrap_or(0);
        self.keys[place] = KeyVoice::start(key, velocity, self.order, self.sample_rate);
    }

    fn strike(&mut self, sound: Sound, velocity: u8) {
        for hit in self.hits.iter_mut().filter(|h| h.active() && !h.choked() && sound.damps(h.sound())) {
            hit.choke(self.sample_rate);
        }
        if self.hits.iter().filter(|h| h.active() && !h.choked()).count() >= HITS_SOFT {
            let sounding = self.hits.iter_mut().filter(|h| h.active() && !h.choked());
            if let Some(oldest) = sounding.min_by_key(|h| h.order()) {
                oldest.choke(self.sample_rate);
            }
        }
        let free = self.hits.iter().position(|h| !h.active());
        let place = free.or_else(|| (0..HITS).min_by_key(|&i| self.hits[i].order())).unwrap_or(0);
        self.hits[place] = Hit::start(sound, velocity, self.order, self.sample_rate);
    }
}
