//! What the musician asks to hear at once: a clip, or a chord. It is rendered beside the audio thread and sounds once,
//! over whatever plays; no notes are sent, and no host's transport is needed.

use backline_music::{Chord, Part, PlannedNote, TempoMap};
use backline_synth::{Stereo, render};

use crate::bridge::Handover;
use crate::clips::Clip;

/// Level where the preview is off: −6 dB.
pub const USUAL_GAIN: f32 = 0.5;
/// Samples over which a sound that gives way is faded out.
const FADE: usize = 256;
/// Seconds that a chord is held, and that it may ring on.
const CHORD_S: (f64, f64) = (1.1, 0.6);
/// Velocity of a chord's keys.
const VELOCITY: u8 = 80;
/// The lowest key of a chord's bass, and of its other notes: E1 and C4.
const LOWEST_KEYS: (u8, u8) = (28, 60);

/// A sound that is heard once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audition {
    left: Vec<f32>,
    right: Vec<f32>,
    sample_rate: f32,
}

impl Audition {
    /// Nothing: ends what sounds.
    pub const fn silence() -> Self {
        Self { left: Vec::new(), right: Vec::new(), sample_rate: 0.0 }
    }

    fn of(sound: Stereo, sample_rate: f32) -> Self {
        Self { left: sound.left, right: sound.right, sample_rate }
    }

    /// A clip by the built-in sounds, at `sample_rate` Hz. Takes time: not for the audio thread.
    pub fn of_clip(clip: &Clip, sample_rate: f64) -> Self {
        let rate = rate(sample_rate);
        Self::of(clip.sound(rate), rate)
    }

    /// A chord over its bass, at `sample_rate` Hz. Takes time: not for the audio thread.
    pub fn of_chord(chord: Chord, sample_rate: f64) -> Self {
        let note = |part, key| PlannedNote {
            part,
            key,
            velocity: VELOCITY,
            onset_beat: 0.0,
            length_beats: CHORD_S.0,
        };
        let above = |lowest: u8, class: u8| lowest + (class + 120 - lowest) % 12;
        let mut notes = vec![note(Part::Bass, above(LOWEST_KEYS.0, chord.bass.index()))];
        let mut key = LOWEST_KEYS.1;
        for tone in chord.tones() {
            // Each tone above the one before, the root lowest.
            key = above(key, tone.index());
            notes.push(note(Part::Chords, key));
        }
        // One beat a second.
        let tempo = TempoMap::steady(60.0);
        let rate = rate(sample_rate);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some seconds
        let frames = ((CHORD_S.0 + CHORD_S.1) * f64::from(rate)) as usize;
        Self::of(render(&notes, &tempo, rate, frames), rate)
    }

    /// Samples a channel.
    pub fn frames(&self) -> usize {
        self.left.len()
    }
}

/// A sample rate that can be rendered at.
#[allow(clippy::cast_possible_truncation)] // a sample rate
fn rate(sample_rate: f64) -> f32 {
    sample_rate.clamp(8_000.0, 384_000.0) as f32
}

/// Plays auditions on the audio thread.
#[derive(Debug, Default)]
pub struct AuditionPlayer {
    playing: Option<Box<Audition>>,
    at: usize,
    /// Samples until what sounds has given way to what waits.
    fade: Option<usize>,
}

impl AuditionPlayer {
    /// Whether something sounds.
    pub fn sounds(&self) -> bool {
        self.playing.is_some()
    }

    /// Ends what sounds and what waits in `next`: what was asked for before a bypass, a render or another set-up of the
    /// audio is not wanted after it.
    ///
    /// # Realtime safety
    /// Wait-free; both go back to be freed elsewhere.
    pub fn stop(&mut self, next: &mut Handover<Audition>) {
        while next.swap(&mut self.playing) {}
        next.give_back(&mut self.playing);
        (self.at, self.fade) = (0, None);
    }

    /// Mixes the next `frames` samples, at `sample_rate` Hz, into `channels`, and takes from `next` what waits there.
    ///
    /// # Realtime safety
    /// Wait-free; what has sounded goes back to be freed elsewhere.
    pub fn mix(
        &mut self,
        next: &mut Handover<Audition>,
        channels: &mut [&mut [f32]],
        frames: usize,
        gain: f32,
        sample_rate: f64,
    ) {
        let mut done = 0;
        while done < frames {
            let Some(audition) = &self.playing else {
                if !next.swap(&mut self.playing) {
                    return;
                }
                (self.at, self.fade) = (0, None);
                continue;
            };
            // One that was on its way when the rate changed is never begun.
            let of_this_rate = audition.sample_rate == rate(sample_rate);
            let left = if of_this_rate { audition.frames() - self.at } else { 0 };
            if next.is_waiting() && self.fade.is_none() {
                self.fade = Some(FADE.min(left));
            }
            if left == 0 || self.fade == Some(0) {
                if !next.give_back(&mut self.playing) {
                    return;
                }
                continue;
            }
            let n = left.min(frames - done).min(self.fade.unwrap_or(usize::MAX));
            for i in 0..n {
                let fade = self.fade.map_or(1.0, |fade| (fade - i) as f32 / FADE as f32);
                let (l, r) =
                    (audition.left[self.at + i] * gain * fade, audition.right[self.at + i] * gain * fade);
                match channels {
                    [one] => one[done + i] += 0.5 * (l + r),
                    [left, right, ..] => {
                        left[done + i] += l;
                        right[done + i] += r;
                    }
                    [] => {}
                }
            }
            self.at += n;
            done += n;
            self.fade = self.fade.map(|fade| fade - n);
        }
    }
}
