//! Rhythms written as text, one character a step, and what the characters mean.

use backline_music::DrumVoice;
use serde::{Deserialize, Serialize};

/// The lanes of a drum pattern: the nine voices of the kit, and three sounds that share a voice
/// with another (rim and clap with the snare, the hat struck by foot with the closed hat).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Bass drum.
    Kick,
    /// Snare, struck on the head.
    Snare,
    /// Cross-stick.
    Rim,
    /// Hand clap.
    Clap,
    /// Hi-hat, closed, by stick.
    ClosedHat,
    /// Hi-hat, closed by foot.
    PedalHat,
    /// Hi-hat, open.
    OpenHat,
    /// Floor tom.
    LowTom,
    /// Mid tom.
    MidTom,
    /// High tom.
    HighTom,
    /// Crash cymbal.
    Crash,
    /// Ride cymbal.
    Ride,
}

impl Lane {
    /// The voice that the lane belongs to.
    pub const fn voice(self) -> DrumVoice {
        match self {
            Self::Kick => DrumVoice::Kick,
            Self::Snare | Self::Rim | Self::Clap => DrumVoice::Snare,
            Self::ClosedHat | Self::PedalHat => DrumVoice::ClosedHat,
            Self::OpenHat => DrumVoice::OpenHat,
            Self::LowTom => DrumVoice::LowTom,
            Self::MidTom => DrumVoice::MidTom,
            Self::HighTom => DrumVoice::HighTom,
            Self::Crash => DrumVoice::Crash,
            Self::Ride => DrumVoice::Ride,
        }
    }

    /// The General MIDI percussion key.
    pub const fn gm_key(self) -> u8 {
        match self {
            Self::Rim => 37,
            Self::Clap => 39,
            Self::PedalHat => 44,
            other => other.voice().gm_key(),
        }
    }

    /// Whether a foot plays it, so that it takes no stick.
    pub const fn by_foot(self) -> bool {
        matches!(self, Self::Kick | Self::PedalHat)
    }

    /// Whether it keeps the time: the cymbals that run through the bar.
    pub const fn keeps_time(self) -> bool {
        matches!(self, Self::ClosedHat | Self::PedalHat | Self::OpenHat | Self::Ride)
    }
}

/// One step of a drum lane.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DrumStep {
    /// Strength 0 (rest) …= 1.
    pub level: f32,
    /// Probability that it is played, 0..=1.
    pub prob: f32,
    /// Strokes in the step: 1, or 2 or 3 for a roll.
    pub strokes: u8,
}

/// One step of a comping rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompStep {
    /// Nothing sounds.
    Rest,
    /// The chord struck before sounds on.
    Hold,
    /// The chord is struck, 1 (faint) …= 9 (accent).
    Strike(u8),
}

/// Which notes of the voicing a stroke sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// All of them.
    All,
    /// The lower half.
    Lower,
    /// The upper half.
    Upper,
    /// One, counted from 0 at the bottom; beyond the top it wraps an octave higher.
    One(u8),
    /// All, of the chord that comes next: an anticipation.
    Next,
}

/// One step of a bass pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BassStep {
    /// Nothing sounds.
    Rest,
    /// The note before sounds on.
    Hold,
    /// The chord's bass note (the root, or the note after the slash).
    Root,
    /// The bass note, only where the kick sounds; else as [`BassStep::Hold`].
    RootOnKick,
    /// The fifth of the chord (diminished or augmented where the chord's is).
    Fifth,
    /// The octave above the bass note.
    Octave,
    /// The third (or the second or fourth of a suspended chord).
    Third,
    /// The sixth.
    Sixth,
    /// The seventh; the root of a chord without one.
    Seventh,
    /// A step towards the root that follows.
    Approach,
    /// The next note of a walking line.
    Walk,
    /// The root of the chord that follows: an anticipation.
    Next,
    /// A dead note: short and soft.
    Ghost,
}

/// Steps of one bar, two or four.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern<T> {
    steps: Vec<T>,
    steps_per_bar: usize,
}

impl<T: Copy> Pattern<T> {
    /// The steps of bar `bar` of the phrase; the pattern begins again when it is over.
    pub fn bar(&self, bar: u32) -> &[T] {
        let bars = (self.steps.len() / self.steps_per_bar.max(1)).max(1);
        let from = bar as usize % bars * self.steps_per_bar;
        self.steps.get(from..from + self.steps_per_bar).unwrap_or(&self.steps)
    }

    /// All steps.
    pub fn steps(&self) -> &[T] {
        &self.steps
    }

    pub(crate) fn steps_mut(&mut self) -> &mut [T] {
        &mut self.steps
    }

    /// Reads a text of one bar, two or four with one character a step; blanks and `|` only help the eye.
    pub(crate) fn read(
        text: &str,
        steps_per_bar: usize,
        step: impl Fn(char) -> Option<T>,
    ) -> Result<Self, PatternError> {
        let steps = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '|'))
            .map(|c| step(c).ok_or(PatternError::Letter(c)))
            .collect::<Result<Vec<T>, _>>()?;
        if steps_per_bar == 0 || ![1, 2, 4].iter().any(|bars| steps.len() == bars * steps_per_bar) {
            return Err(PatternError::Length { found: steps.len(), expected: steps_per_bar });
        }
        Ok(Self { steps, steps_per_bar })
    }
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A character without a meaning.
    #[error("'{0}' means nothing here")]
    Letter(char),
    /// Neither one bar nor two nor four.
    #[error("{found} steps, where a bar has {expected}; write one bar, two or four")]
    Length {
        /// Steps in the text.
        found: usize,
        /// Steps in a bar.
        expected: usize,
    },
}

/// A drum step: `.` rest, `1`–`9` strength, `d` two and `t` three quick strokes.
pub(crate) fn drum_step(c: char) -> Option<DrumStep> {
    Some(match c {
        '.' => DrumStep::default(),
        'd' => DrumStep { level: 0.6, prob: 1.0, strokes: 2 },
        't' => DrumStep { level: 0.6, prob: 1.0, strokes: 3 },
        '1'..='9' => DrumStep { level: ninths(c)?, prob: 1.0, strokes: 1 },
        _ => return None,
    })
}

/// A probability: `.` leaves it at certain, `1`–`9` are ninths.
pub(crate) fn prob_step(c: char) -> Option<f32> {
    if c == '.' { Some(1.0) } else { ninths(c) }
}

/// A comping step: `.` rest, `=` hold, `1`–`9` strike.
pub(crate) fn comp_step(c: char) -> Option<CompStep> {
    Some(match c {
        '.' => CompStep::Rest,
        '=' => CompStep::Hold,
        '1'..='9' => CompStep::Strike(u8::try_from(c.to_digit(10)?).ok()?),
        _ => return None,
    })
}

/// Which notes are struck: `*` all, `l` lower half, `u` upper half, `1`–`9` one, `n` the next chord.
/// `.` and `=` stand where nothing is struck.
pub(crate) fn pick_step(c: char) -> Option<Pick> {
    Some(match c {
        '*' | '.' | '=' => Pick::All,
        'l' => Pick::Lower,
        'u' => Pick::Upper,
        'n' => Pick::Next,
        '1'..='9' => Pick::One(u8::try_from(c.to_digit(10)?).ok()? - 1),
        _ => return None,
    })
}

/// A bass step: `.` rest, `=` hold, `R` root, `k` root with the kick, `5` fifth, `8` octave, `3`
/// third, `6` sixth, `7` seventh, `A` approach, `W` walk, `N` next root, `x` dead note.
pub(crate) fn bass_step(c: char) -> Option<BassStep> {
    Some(match c {
        '.' => BassStep::Rest,
        '=' => BassStep::Hold,
        'R' => BassStep::Root,
        'k' => BassStep::RootOnKick,
        '5' => BassStep::Fifth,
        '8' => BassStep::Octave,
        '3' => BassStep::Third,
        '6' => BassStep::Sixth,
        '7' => BassStep::Seventh,
        'A' => BassStep::Approach,
        'W' => BassStep::Walk,
        'N' => BassStep::Next,
        'x' => BassStep::Ghost,
        _ => return None,
    })
}

fn ninths(c: char) -> Option<f32> {
    c.to_digit(10).filter(|d| (1..=9).contains(d)).map(|d| d as f32 / 9.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bar_two_or_four() {
        let one = Pattern::read("9... 5.d.", 8, drum_step).unwrap();
        assert_eq!(one.bar(0), one.bar(1));
        assert_eq!((one.bar(0)[0].level, one.bar(0)[6].strokes), (1.0, 2));
        let two = Pattern::read("R==. | 5==.", 4, bass_step).unwrap();
        assert_eq!(
            (two.bar(0)[0], two.bar(1)[0], two.bar(2)[0]),
            (BassStep::Root, BassStep::Fifth, BassStep::Root)
        );
        let four = Pattern::read("R==. | 5==. | R==. | 8==.", 4, bass_step).unwrap();
        assert_eq!(
            [3, 4, 5].map(|bar| four.bar(bar)[0]),
            [BassStep::Octave, BassStep::Root, BassStep::Fifth]
        );
        assert!(Pattern::read("R==. | 5==. | R==.", 4, bass_step).is_err());
        assert_eq!(Pattern::read("9..", 4, drum_step), Err(PatternError::Length { found: 3, expected: 4 }));
        assert_eq!(Pattern::read("9.z.", 4, drum_step), Err(PatternError::Letter('z')));
        assert_eq!(Pattern::read("", 0, drum_step), Err(PatternError::Length { found: 0, expected: 0 }));
    }
}
