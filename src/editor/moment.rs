//! What Backline is doing now, in one word: a pure function of the snapshot and the meters.

use std::sync::atomic::Ordering;

use backline_engine::Status as SessionStatus;
use egui::Color32;

use super::theme::Theme;
use crate::bridge::Meters;
use crate::snapshot::Snapshot;

/// −60 dBFS: below it nothing is heard.
const SILENCE: f32 = 1.0e-3;

/// What the meters say in this frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Status {
    /// Whether the host's transport (or the demo's) runs.
    pub playing: bool,
    /// Position on the clock that is played on, in quarter notes.
    pub pos_beats: f64,
    /// Host tempo in BPM.
    pub tempo_bpm: f64,
    /// Notes that sound.
    pub sounding: u32,
    /// Input peak, linear.
    pub peak: f32,
    /// The highest peak of the last second, linear.
    pub held: f32,
    /// Samples that the listener missed.
    pub missed_samples: u64,
    /// Share of one core that the worker uses.
    pub worker_load: f32,
    /// Samples that wait for the listener.
    pub behind_samples: u64,
    /// The playhead jumped a moment ago.
    pub jumped: bool,
    /// The musician changed something that no bar has followed yet.
    pub asked: bool,
    /// The demo is wanted.
    pub demo: bool,
    /// A clip or a chord is heard because it was asked for.
    pub auditioning: bool,
    /// Whether the listener is switched on.
    pub listen: bool,
}

impl Status {
    /// Reads the meters; what only the window knows is left at its default.
    pub fn read(meters: &Meters) -> Self {
        let stream = meters.stream_pos.load(Ordering::Relaxed);
        Self {
            playing: meters.playing.load(Ordering::Relaxed),
            pos_beats: meters.pos_beats.load(Ordering::Relaxed),
            tempo_bpm: meters.tempo_bpm.load(Ordering::Relaxed),
            sounding: meters.sounding.load(Ordering::Relaxed),
            missed_samples: meters.missed_samples.load(Ordering::Relaxed),
            worker_load: meters.worker_load.load(Ordering::Relaxed),
            behind_samples: stream.saturating_sub(meters.worker_pos.load(Ordering::Relaxed)),
            demo: meters.demo_wanted.load(Ordering::Relaxed),
            auditioning: meters.auditioning.load(Ordering::Relaxed),
            listen: true,
            ..Self::default()
        }
    }
}

/// What Backline is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing comes in and nothing runs.
    Idle,
    /// The transport runs, but no sound comes in.
    NoInput,
    /// Sound comes in; the band waits for a whole bar.
    Listening,
    /// The band plays to what it hears.
    Locked,
    /// What was changed is on its way into the next bar.
    Generating,
    /// The input has gone, or listening is off; the last chords go on.
    Holding,
    /// The playhead jumped.
    Relocating,
    /// The listener is late.
    Degraded,
    /// A net that should be there cannot be used.
    ModelMissing,
    /// Listening has ended for good.
    Error,
}

impl State {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Idle,
        Self::NoInput,
        Self::Listening,
        Self::Locked,
        Self::Generating,
        Self::Holding,
        Self::Relocating,
        Self::Degraded,
        Self::ModelMissing,
        Self::Error,
    ];

    /// The state that a snapshot and the meters amount to. What matters most comes first: a fault, then
    /// what is wrong now, then what is being done. A missing model shows only while nothing goes on.
    pub fn of(snapshot: &Snapshot, status: &Status) -> Self {
        let sound = status.peak > SILENCE;
        let plays = snapshot.planned_notes() > 0;
        if snapshot.failed {
            Self::Error
        } else if status.behind_samples > 96_000 {
            // One to two seconds: more than a bar's quarter-second lead can hide.
            Self::Degraded
        } else if status.jumped {
            Self::Relocating
        } else if !status.listen && plays {
            Self::Holding
        } else if plays && status.asked && status.playing {
            Self::Generating
        } else if snapshot.session == SessionStatus::Holding || (!sound && plays && status.sounding > 0) {
            if sound { Self::Locked } else { Self::Holding }
        } else if plays && snapshot.session == SessionStatus::Locked {
            Self::Locked
        } else if sound {
            Self::Listening
        } else if status.playing {
            Self::NoInput
        } else if !snapshot.model_notices.is_empty() {
            Self::ModelMissing
        } else {
            Self::Idle
        }
    }

    /// The word.
    pub fn word(self, snapshot: &Snapshot, status: &Status) -> String {
        match self {
            Self::Idle => "Idle".to_owned(),
            Self::NoInput => "No audio".to_owned(),
            Self::Listening => format!("Listening {}/8 beats", snapshot.beats_heard),
            Self::Locked => "Locked".to_owned(),
            Self::Generating => match (&snapshot.place, &snapshot.plan) {
                // The first that is not fixed.
                (Some(place), Some(plan)) if plan.committed_beat.is_finite() => {
                    let bar = crate::clips::number(plan.committed_beat, place.metre.bar_quarters());
                    format!("Planning bar {bar}")
                }
                _ => "Planning".to_owned(),
            },
            Self::Holding if !status.listen => "Not listening".to_owned(),
            Self::Holding => "Holding last chords".to_owned(),
            Self::Relocating => "Re-syncing".to_owned(),
            Self::Degraded => "Late: the computer is busy".to_owned(),
            Self::ModelMissing => "Simpler rules only".to_owned(),
            Self::Error => "Stopped".to_owned(),
        }
    }

    /// The colour of the word.
    pub const fn colour(self, theme: &Theme) -> Color32 {
        match self {
            Self::Idle => theme.low,
            Self::NoInput | Self::Listening | Self::Relocating => theme.info,
            Self::Locked => theme.ok,
            Self::Generating => theme.accent,
            Self::Holding | Self::Degraded | Self::ModelMissing => theme.warn,
            Self::Error => theme.error,
        }
    }

    /// What the musician should know or do, where that is not plain: cause, effect, action.
    pub fn advice(self, snapshot: &Snapshot) -> Option<String> {
        match self {
            Self::NoInput => Some(
                "The transport runs, but no sound reaches Backline. Put it on the track you want it to hear.".into(),
            ),
            Self::Degraded => Some(
                "The computer is busy, so the listener is late and the band plays what it had sketched. Raise the \
                 host's buffer size or free some processor time."
                    .into(),
            ),
            Self::ModelMissing => snapshot.model_notices.first().cloned(),
            Self::Error => Some(snapshot.notices.first().cloned().unwrap_or_else(|| {
                "Listening has stopped; the audio still passes. Remove and add Backline to start again.".into()
            })),
            _ => None,
        }
    }
}

/// What a report of a fault should tell, for the clipboard.
pub fn details(snapshot: &Snapshot, notices: &[String]) -> String {
    let mut lines = vec![
        format!(
            "Backline {}, {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        format!("session: {:?}, stopped: {}", snapshot.session, snapshot.failed),
    ];
    let told = notices.iter().chain(&snapshot.notices).chain(&snapshot.model_notices);
    lines.extend(told.cloned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backline_music::{Metre, Part, Plan, PlannedBar, PlannedNote};

    use super::*;

    pub(crate) fn planned() -> Snapshot {
        let note =
            PlannedNote { part: Part::Bass, key: 40, velocity: 90, onset_beat: 0.0, length_beats: 1.0 };
        let bar = PlannedBar {
            index: 0,
            start_beat: 0.0,
            metre: Metre::FOUR_FOUR,
            tempo_bpm: 120.0,
            style: "rock".into(),
            fill: false,
            chords: Vec::new(),
            notes: vec![note],
        };
        let plan = Plan { bars: vec![bar], ..Plan::empty() };
        Snapshot { plan: Some(Arc::new(plan)), session: SessionStatus::Locked, ..Snapshot::default() }
    }

    #[test]
    fn each_state_has_its_moment() {
        let empty = Snapshot::default();
        let quiet = Status { listen: true, tempo_bpm: 120.0, ..Status::default() };
        let loud = Status { peak: 0.5, ..quiet };
        let rolling = Status { playing: true, ..quiet };
        let both = Status { playing: true, peak: 0.5, ..quiet };
        let holding = Snapshot { session: SessionStatus::Holding, ..planned() };
        let no_net = Snapshot { model_notices: vec!["x".into()], ..Snapshot::default() };
        let cases = [
            (State::Idle, &empty, quiet),
            (State::NoInput, &empty, rolling),
            (State::Listening, &empty, loud),
            (State::Locked, &planned(), both),
            (State::Generating, &planned(), Status { asked: true, ..both }),
            (State::Holding, &holding, rolling),
            (State::Relocating, &planned(), Status { jumped: true, ..both }),
            (State::Degraded, &planned(), Status { behind_samples: 200_000, ..both }),
            (State::ModelMissing, &no_net, quiet),
            (State::Error, &Snapshot { failed: true, ..planned() }, both),
        ];
        let mut seen = std::collections::HashSet::new();
        for (expected, snapshot, status) in cases {
            assert_eq!(State::of(snapshot, &status), expected);
            assert!(!expected.word(snapshot, &status).is_empty());
            seen.insert(expected);
        }
        assert_eq!(seen.len(), State::ALL.len());
        // Without listening the band goes on; without a plan there is nothing to hold.
        assert_eq!(State::of(&planned(), &Status { listen: false, ..both }), State::Holding);
        assert_eq!(State::of(&no_net, &rolling), State::NoInput, "what goes on comes before a net");
    }
}
