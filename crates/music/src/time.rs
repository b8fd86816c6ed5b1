//! Where in the music a sample lies: the host's transport and the timeline that a plan refers to.

use serde::{Deserialize, Serialize};

use crate::Metre;

/// The host's transport at the first sample of a block of audio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transport {
    /// Whether the host's timeline moves.
    pub playing: bool,
    /// Position in quarter notes of the host's timeline; may be negative in a pre-roll.
    pub pos_beats: f64,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    /// Time signature in force.
    pub metre: Metre,
    /// Position in quarter notes of the start of the bar in force.
    pub bar_start_beats: f64,
    /// Start and end of the active loop in quarter notes.
    pub loop_beats: Option<(f64, f64)>,
}

impl Transport {
    /// A transport that stands still: nothing is known of the host's time.
    pub const STOPPED: Self = Self {
        playing: false,
        pos_beats: 0.0,
        tempo_bpm: 120.0,
        metre: Metre::FOUR_FOUR,
        bar_start_beats: 0.0,
        loop_beats: None,
    };

    /// Position `seconds` later: the tempo unchanged, the loop taken. One that stands stays.
    pub fn pos_after(&self, seconds: f64) -> f64 {
        if !self.playing {
            return self.pos_beats;
        }
        let beat = self.pos_beats + seconds * self.tempo_bpm / 60.0;
        match self.loop_beats {
            // Half a microbeat early, so that a moment at the loop's very end is at its start already.
            Some((from, to)) if to - from > 1e-3 && self.pos_beats < to && beat >= to - 5e-7 => {
                from + (beat - to + 5e-7).rem_euclid(to - from) - 5e-7
            }
            _ => beat,
        }
    }
}

/// The clock that a plan's beats are counted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeline {
    /// The host's timeline, in quarter notes.
    Host,
    /// The heard beat: quarter note `anchor_beat` falls on stream second `anchor_s`, and the tempo
    /// is `tempo_bpm` around it. Stream seconds count from the first sample that was fed.
    Heard {
        /// Stream time of the anchor, in seconds.
        anchor_s: f64,
        /// The anchor's position in quarter notes.
        anchor_beat: f64,
        /// Quarter notes a minute.
        tempo_bpm: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_on_through_the_loop() {
        let rolling =
            Transport { playing: true, pos_beats: 6.0, loop_beats: Some((4.0, 8.0)), ..Transport::STOPPED };
        let at = |seconds| (rolling.pos_after(seconds) * 1e6).round() / 1e6;
        assert_eq!([at(0.0), at(0.5), at(1.0), at(1.5), at(3.0)], [6.0, 7.0, 4.0, 5.0, 4.0]);
        // Behind the loop's end, the host does not jump back.
        assert_eq!(Transport { pos_beats: 8.0, ..rolling }.pos_after(1.0), 10.0);
        assert_eq!(Transport { loop_beats: None, ..rolling }.pos_after(3.0), 12.0);
        assert_eq!(Transport { playing: false, ..rolling }.pos_after(3.0), 6.0);
    }
}
