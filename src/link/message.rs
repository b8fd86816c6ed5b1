//! What libraries tell each other, as text that any version of them can read or leave.
//!
//! Whatever cannot be music is refused as a whole. Numbers survive to the bit.

use std::borrow::Cow;
use std::sync::Arc;

use backline_engine::Edits;
use backline_music::{Corrections, Metre, Plan, PlannedBar, Timeline};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::streams::Look;
use super::{ByHand, Moment};
use crate::params::Link;
use crate::snapshot::Snapshot;

/// Members, bars, and notes of a bar at most.
const MAX_ITEMS: usize = 4_096;
/// Quarter notes from a timeline's 0, and seconds of a stream, at most.
const FARTHEST: f64 = 1.0e9;

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Who {
    /// When it was made.
    pub born: Moment,
    /// Its group.
    pub group: Link,
    /// When its input sounded first.
    pub heard: Option<Moment>,
    /// Whether a fault has ended its listening.
    #[serde(default)]
    pub failed: bool,
    /// What is corrected in it.
    pub corrections: Corrections,
    /// What is written into its lanes.
    pub edits: Edits,
}

impl Who {
    /// What is set by hand in it, made sound.
    pub fn by_hand(&self) -> ByHand {
        ByHand { corrections: self.corrections.clone().sanitised(), edits: self.edits.clone().sanitised() }
    }
}

/// Something that a leader tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct By<T> {
    /// Who tells it.
    pub born: Moment,
    /// What.
    pub told: T,
}

/// How far a leader's stream has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// See [`crate::bridge::Meters::stream_pos`].
    pub stream_pos: u64,
    /// See [`crate::bridge::Meters::handed_over`].
    pub handed_over: u64,
    /// See [`crate::bridge::Meters::worker_pos`].
    pub worker_pos: u64,
    /// Looks at the stream, oldest first.
    pub looks: Vec<Look>,
}

/// A plan: JSON has no word for "from the beginning of time".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanForm<'a> {
    revision: u64,
    timeline: Timeline,
    committed_beat: Option<f64>,
    bars: Cow<'a, [PlannedBar]>,
}

impl<'a> PlanForm<'a> {
    /// `plan` as it is told.
    pub fn of(plan: &'a Plan) -> Self {
        Self {
            revision: plan.revision,
            timeline: plan.timeline,
            committed_beat: Some(plan.committed_beat).filter(|beat| *beat != f64::NEG_INFINITY),
            bars: Cow::Borrowed(&plan.bars),
        }
    }

    /// The plan, unless no band could play it.
    pub fn plan(self) -> Option<Plan> {
        let plan = Plan {
            revision: self.revision,
            timeline: self.timeline,
            committed_beat: self.committed_beat.unwrap_or(f64::NEG_INFINITY),
            bars: self.bars.into_owned(),
        };
        let clock = match plan.timeline {
            Timeline::Host => true,
            Timeline::Heard { anchor_s, anchor_beat, tempo_bpm } => {
                near(anchor_s) && near(anchor_beat) && is_tempo(tempo_bpm)
            }
        };
        let committed = plan.committed_beat == f64::NEG_INFINITY || near(plan.committed_beat);
        (clock && committed && are_bars(&plan.bars)).then_some(plan)
    }
}

/// The bars that were played last, unless no band could have.
pub fn played(bars: Vec<PlannedBar>) -> Option<Vec<Arc<PlannedBar>>> {
    // The playhead may have gone back, so only each for itself has to be sound.
    bars.iter().all(is_bar).then(|| bars.into_iter().map(Arc::new).collect())
}

/// Whether a window can show `picture`.
pub fn can_be_shown(picture: &Snapshot) -> bool {
    let place = picture
        .place
        .is_none_or(|p| near(p.beat) && near(p.bar_start) && is_tempo(p.tempo_bpm) && is_metre(p.metre));
    let cells = picture.cells.iter().all(|c| near(c.start_beat) && is_length(c.length_beats));
    let strip = &picture.strip;
    let times = strip.loudness.iter().chain(&strip.onsets).map(|(s, _)| *s);
    let times = times.chain(strip.beats.iter().map(|(s, _)| *s)).chain([picture.heard_s]);
    let few = [
        strip.loudness.len(),
        strip.onsets.len(),
        strip.beats.len(),
        picture.cells.len(),
        picture.styles.len(),
        picture.notices.len(),
        picture.model_notices.len(),
    ];
    let metre = picture.metre.is_none_or(|m| is_metre(m.value));
    place && cells && metre && times.into_iter().all(near) && few.iter().all(|n| *n <= MAX_ITEMS)
}

fn near(x: f64) -> bool {
    x.abs() <= FARTHEST
}

fn is_tempo(bpm: f64) -> bool {
    bpm > 0.0 && bpm <= 10_000.0
}

fn is_length(beats: f64) -> bool {
    beats > 0.0 && beats <= 10_000.0
}

fn is_metre(metre: Metre) -> bool {
    Metre::new(metre.numerator, metre.denominator).is_some()
}

fn are_bars(bars: &[PlannedBar]) -> bool {
    bars.len() <= MAX_ITEMS
        && bars.iter().all(is_bar)
        && bars.is_sorted_by(|a, b| a.start_beat <= b.start_beat)
}

fn is_bar(bar: &PlannedBar) -> bool {
    near(bar.start_beat)
        && is_metre(bar.metre)
        && is_tempo(bar.tempo_bpm)
        && bar.style.len() <= MAX_ITEMS
        && bar.chords.len().max(bar.notes.len()) <= MAX_ITEMS
        && bar.chords.iter().all(|c| near(c.start_beat) && is_length(c.length_beats))
        && bar.notes.iter().all(|n| {
            near(n.onset_beat) && is_length(n.length_beats) && n.key < 128 && (1..=127).contains(&n.velocity)
        })
}

/// `message` as it is written.
pub fn written<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// The message that `bytes` hold, if they hold one.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

/// The members that `bytes` tell of.
pub fn members(bytes: &[u8]) -> Option<Vec<Who>> {
    read::<Vec<Who>>(bytes)
        .filter(|all| all.len() <= MAX_ITEMS && all.iter().all(|who| who.group != Link::Off))
}

#[cfg(test)]
mod tests {
    use backline_engine::{HeardCell, KeptBar, KeptNote, Line, Place, Status};
    use backline_music::{ChordPin, ChordSpan, Estimate, Key, Mode, Part, PitchClass, PlannedNote};
    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::Strip;
    use crate::test_bars::bar;

    const MOMENT: Moment = Moment { ns: u64::MAX - 1, library: 7, count: 3 };

    fn plan() -> Plan {
        let timeline =
            Timeline::Heard { anchor_s: 0.1 + 0.2, anchor_beat: -1.0 / 3.0, tempo_bpm: 97.0 + 1.0e-13 };
        let bars = vec![bar(0, notes()), bar(1, notes())];
        Plan { revision: 9, timeline, committed_beat: f64::NEG_INFINITY, bars }
    }

    fn notes() -> Vec<PlannedNote> {
        let note = |onset_beat, length_beats| PlannedNote {
            part: Part::Bass,
            key: 40,
            velocity: 99,
            onset_beat,
            length_beats,
        };
        vec![note(-1.0 / 3.0, 0.1 + 0.2), note(5e-324, f64::from(f32::MAX).recip())]
    }

    fn by_hand() -> (Corrections, Edits) {
        let mut corrections = Corrections { tempo_near_bpm: Some(1.0e2 / 3.0), ..Corrections::default() };
        corrections.key = Some(Key::new(PitchClass::D, Mode::Minor));
        corrections.metre = Some(Metre::THREE_FOUR);
        let chord = "A:min7".parse().ok();
        corrections.pin(ChordPin { start_beat: 8.0 / 3.0, length_beats: 0.1, chord, on_heard_beat: true });
        let mut edits = Edits::default();
        let note = KeptNote { key: 36, velocity: 101, at_beats: -0.02, length_beats: 1.0 / 7.0 };
        edits.keep(KeptBar {
            start_beat: 8.0,
            length_beats: 4.0,
            part: Part::Drums,
            on_heard_beat: true,
            notes: vec![note],
        });
        edits.retake(12.0, Line::Part(Part::Bass), false);
        (corrections, edits)
    }

    fn picture() -> Snapshot {
        let chord = "G:7/3".parse().ok();
        Snapshot {
            revision: 4,
            heard_s: 1.0 / 3.0,
            session: Status::Locked,
            place: Some(Place {
                timeline: Timeline::Host,
                beat: 7.1,
                bar_start: 4.0,
                metre: Metre::SIX_EIGHT,
                tempo_bpm: 121.3,
            }),
            tempo_bpm: Some(Estimate { value: 120.1, prob: 0.1, runner_up: Some((60.05, 1.0e-7)) }),
            key: Some(Estimate::certain(Key::new(PitchClass::D, Mode::Minor))),
            metre: Some(Estimate::certain(Metre::FOUR_FOUR)),
            chord: Some(ChordSpan {
                start_s: 0.1,
                end_s: 0.7,
                chord,
                prob: 0.3,
                runner_up: Some((None, 0.2)),
                decided_s: 0.9,
            }),
            beats_heard: 8,
            styles: vec![("funk".into(), 0.7)],
            mood: (0.1, 0.9),
            cells: vec![HeardCell {
                start_beat: 0.0,
                length_beats: 4.0,
                chord,
                prob: 1.0 / 3.0,
                alternates: vec![(None, 0.1)],
            }],
            strip: Strip {
                loudness: vec![(0.1, -70.0)],
                onsets: vec![(0.2, f32::MIN_POSITIVE)],
                beats: vec![(0.3, true)],
            },
            notices: vec!["One \"sentence\"".into()],
            model_notices: vec!["Größe – 日本".into()],
            failed: true,
            demo: true,
            ..Snapshot::default()
        }
    }

    #[test]
    fn everything_comes_back_to_the_bit() {
        let plan = plan();
        let form = By { born: MOMENT, told: PlanForm::of(&plan) };
        let back: By<PlanForm> = read(&written(&form)).unwrap();
        assert_eq!((back.born, back.told.plan().unwrap()), (MOMENT, plan));
        assert_eq!(PlanForm::of(&Plan::empty()).plan().unwrap(), Plan::empty());

        let (corrections, edits) = by_hand();
        let who =
            Who { born: MOMENT, group: Link::C, heard: Some(MOMENT), failed: false, corrections, edits };
        let back = members(&written(&[&who])).unwrap().remove(0);
        assert_eq!(back, who);
        assert_eq!(back.by_hand(), ByHand { corrections: who.corrections, edits: who.edits });

        let picture = picture();
        let back: Snapshot = read(&written(&picture)).unwrap();
        assert_eq!(back, picture);
        assert!(can_be_shown(&back));

        let bars = vec![bar(3, notes()), bar(4, Vec::new()), bar(1, notes())];
        let back = played(read(&written(&bars)).unwrap()).unwrap();
        assert!(back.iter().map(|b| &**b).eq(&bars));
    }

    /// Whether one of these reads what another writes hangs on the names of the fields. Where this fails, the form
    /// is another one: `FORM` counts up, and the new names stand here.
    #[test]
    fn the_form_is_the_one_that_is_numbered() {
        assert_eq!(super::super::folder::FORM, 1);
        let (corrections, edits) = by_hand();
        let who =
            Who { born: MOMENT, group: Link::C, heard: Some(MOMENT), failed: false, corrections, edits };
        let plan = plan();
        let pulse = Pulse { looks: vec![Look { from: 1, pos: 2, to: 3 }], ..Pulse::default() };
        let all = serde_json::to_value((who, PlanForm::of(&plan), picture(), pulse)).unwrap();
        let mut names = Vec::new();
        fn walk(value: &serde_json::Value, names: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(fields) => {
                    for (name, value) in fields {
                        names.push(name.clone());
                        walk(value, names);
                    }
                }
                serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, names)),
                _ => {}
            }
        }
        walk(&all, &mut names);
        names.sort();
        names.dedup();
        assert_eq!(names.join(" "), NAMES);
    }

    const NAMES: &str = "alternates anchor_beat anchor_s bar_start bars bass beat beats beats_heard born cells chord chords \
        committed_beat corrections count decided_s demo denominator edits end_s failed fill from group \
        handed_over heard heard_s index kept key length_beats library line looks loudness metre mode \
        model_notices mood notes notices ns numerator on_heard_beat onset_beat onsets part place pos prob \
        quality revision root runner_up session start_beat start_s stream_pos strip style styles take takes \
        tempo_bpm tempo_near_bpm timeline to tonic value velocity worker_pos";

    #[test]
    fn what_no_band_could_play_is_refused() {
        let refused = |spoil: fn(&mut Plan)| {
            let mut plan = plan();
            spoil(&mut plan);
            PlanForm::of(&plan).plan().is_none()
        };
        assert!(!refused(|_| {}));
        assert!(
            refused(|p| p.timeline = Timeline::Heard { anchor_s: 0.0, anchor_beat: 0.0, tempo_bpm: 0.0 })
        );
        assert!(refused(
            |p| p.timeline = Timeline::Heard { anchor_s: 1e99, anchor_beat: 0.0, tempo_bpm: 99.0 }
        ));
        assert!(refused(|p| p.committed_beat = f64::NAN));
        assert!(refused(|p| p.bars.reverse()));
        assert!(refused(|p| p.bars[0].metre.denominator = 0));
        assert!(refused(|p| p.bars[0].tempo_bpm = -1.0));
        assert!(refused(|p| p.bars[0].start_beat = 1e10));
        assert!(refused(|p| p.bars[0].notes[0].key = 128));
        assert!(refused(|p| p.bars[0].notes[0].velocity = 0));
        assert!(refused(|p| p.bars[0].notes[0].length_beats = 0.0));
        assert!(refused(|p| p.bars[0].notes[0].onset_beat = f64::INFINITY));
        assert!(refused(|p| p.bars = vec![bar(0, Vec::new()); MAX_ITEMS + 1]));
        let mut odd = picture();
        odd.strip.beats.push((1e300, false));
        assert!(!can_be_shown(&odd));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_broken_message_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100), at: u16, kind in 0..4u8) {
            let (corrections, edits) = by_hand();
            let who = Who { born: MOMENT, group: Link::C, heard: None, failed: false, corrections, edits };
            let mut text = match kind {
                0 => written(&[who]),
                1 => written(&By { born: MOMENT, told: PlanForm::of(&plan()) }),
                2 => written(&By { born: MOMENT, told: picture() }),
                _ => Vec::new(),
            };
            let at = usize::from(at) % (text.len() + 1);
            let end = text.len().min(at + bytes.len() / 8);
            text.splice(at..end, bytes);
            for who in members(&text).into_iter().flatten() {
                let _ = who.by_hand();
            }
            if let Some(plan) = read::<By<PlanForm>>(&text).and_then(|form| form.told.plan()) {
                prop_assert!(plan.notes().all(|note| note.key < 128));
            }
            let _ = read::<By<Snapshot>>(&text).is_some_and(|form| can_be_shown(&form.told));
            let _ = read::<By<Pulse>>(&text);
        }
    }
}
