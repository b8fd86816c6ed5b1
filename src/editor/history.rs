//! Undo and redo, and the slots A and B: of each step what it changed, and nothing else.
//!
//! What a step did not change is left alone when it is undone: the host may have moved it since. Each slot has steps of its
//! own, so that none brings into one what was set in the other.

use std::mem::swap;
use std::time::{Duration, Instant};

use backline_engine::Edits;
use backline_music::Corrections;

use super::dial::{ParamId, Values};

/// Steps that can be undone.
const DEPTH: usize = 64;
/// Notches of the wheel that follow each other within this time are one step.
const PAUSE: Duration = Duration::from_secs(1);

/// What A and B hold: the musical parameters, the corrections, the edits, and the preset's name.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Values of all parameters; only the musical ones are brought back.
    pub values: Values,
    /// The corrections.
    pub corrections: Corrections,
    /// What was written into the lanes.
    pub edits: Edits,
    /// The preset that was chosen last.
    pub preset: String,
}

/// What a step changes: before and after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Musical parameters, normalised.
    pub values: Vec<(ParamId, f32, f32)>,
    /// The corrections.
    pub corrections: Option<(Corrections, Corrections)>,
    /// What was written into the lanes.
    pub edits: Option<(Edits, Edits)>,
    /// The preset's name.
    pub preset: Option<(String, String)>,
}

impl Change {
    /// Of parameters alone; what stays as it is and what is no music's is left out.
    pub fn of_values(values: impl IntoIterator<Item = (ParamId, f32, f32)>) -> Self {
        let changed = values.into_iter().filter(|(id, from, to)| id.is_musical() && from != to);
        Self { values: changed.collect(), ..Self::default() }
    }

    /// What differs.
    pub fn between(before: &Settings, after: &Settings) -> Self {
        fn both<T: Clone + PartialEq>(before: &T, after: &T) -> Option<(T, T)> {
            (before != after).then(|| (before.clone(), after.clone()))
        }
        let values = ParamId::ALL.map(|id| (id, before.values[id.index()], after.values[id.index()]));
        Self {
            corrections: both(&before.corrections, &after.corrections),
            edits: both(&before.edits, &after.edits),
            preset: both(&before.preset, &after.preset),
            ..Self::of_values(values)
        }
    }

    /// The same backwards.
    fn back(&self) -> Self {
        let mut back = self.clone();
        back.values.iter_mut().for_each(|(_, from, to)| swap(from, to));
        back.corrections.iter_mut().for_each(|(from, to)| swap(from, to));
        back.edits.iter_mut().for_each(|(from, to)| swap(from, to));
        back.preset.iter_mut().for_each(|(from, to)| swap(from, to));
        back
    }
}

/// A step: what it is called, and what it changes.
type Step = (String, Change);

/// What can be undone and redone in a slot.
#[derive(Debug, Clone, Default)]
struct Steps {
    done: Vec<Step>,
    undone: Vec<Step>,
}

impl Steps {
    fn push(&mut self, step: Step) {
        self.undone.clear();
        self.done.push(step);
        let excess = self.done.len().saturating_sub(DEPTH);
        self.done.drain(..excess);
    }
}

/// The steps of both slots.
#[derive(Debug, Clone, Default)]
pub struct History {
    steps: Steps,
    /// The other slot, and its steps.
    other: Option<Settings>,
    other_steps: Steps,
    /// When the last step was a notch: of what, and when.
    notch: Option<(ParamId, Instant)>,
    /// Whether B is in force.
    pub slot_b: bool,
}

impl History {
    /// Notes a step. What changes nothing is none.
    pub fn push(&mut self, name: String, change: Change) {
        self.notch = None;
        if change != Change::default() {
            self.steps.push((name, change));
        }
    }

    /// Notes that a parameter was turned by a notch, from one value to another; those that follow each other are one step, called
    /// by `name` after its first value and its last.
    pub fn push_notch(
        &mut self,
        id: ParamId,
        from: f32,
        to: f32,
        now: Instant,
        name: impl Fn(f32, f32) -> String,
    ) {
        let follows = self.notch.is_some_and(|(last, at)| last == id && now - at < PAUSE);
        let begun = match self.steps.done.last().map(|(_, change)| change.values.as_slice()) {
            Some(&[(last, begun, _)]) if follows && last == id => {
                self.steps.done.pop();
                begun
            }
            _ => from,
        };
        let change = Change::of_values([(id, begun, to)]);
        let step = change != Change::default();
        self.push(name(begun, to), change);
        self.notch = step.then_some((id, now));
    }

    /// What undoes the last step.
    pub fn undo(&mut self) -> Option<Change> {
        self.notch = None;
        let step = self.steps.done.pop()?;
        let back = step.1.back();
        self.steps.undone.push(step);
        Some(back)
    }

    /// What does again the step that was undone last.
    pub fn redo(&mut self) -> Option<Change> {
        self.notch = None;
        let step = self.steps.undone.pop()?;
        let again = step.1.clone();
        self.steps.done.push(step);
        Some(again)
    }

    /// What undo and redo would do.
    pub fn names(&self) -> (Option<&str>, Option<&str>) {
        fn last(steps: &[Step]) -> Option<&str> {
            steps.last().map(|(name, _)| name.as_str())
        }
        (last(&self.steps.done), last(&self.steps.undone))
    }

    /// Goes to the other slot, which starts as a copy of this one. Returns what is to be changed.
    pub fn swap(&mut self, now: Settings) -> Change {
        self.notch = None;
        self.slot_b = !self.slot_b;
        swap(&mut self.steps, &mut self.other_steps);
        let change = self.other.as_ref().map(|other| Change::between(&now, other));
        self.other = Some(now);
        change.unwrap_or_default()
    }

    /// Copies `now` into the other slot: a step there, if that was something else.
    pub fn copy(&mut self, now: Settings) {
        let name = if self.slot_b { "copy of B" } else { "copy of A" };
        let change = self.other.as_ref().map(|other| Change::between(other, &now)).unwrap_or_default();
        if change != Change::default() {
            self.other_steps.push((name.to_owned(), change));
        }
        self.other = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(energy: f32) -> Settings {
        let mut values = [0.5; super::super::dial::PARAMS];
        values[ParamId::Energy.index()] = energy;
        Settings {
            values,
            corrections: Corrections::default(),
            edits: Edits::default(),
            preset: String::new(),
        }
    }

    fn energy(from: f32, to: f32) -> Change {
        Change::of_values([(ParamId::Energy, from, to)])
    }

    #[test]
    fn there_and_back_64_steps_deep() {
        let mut history = History::default();
        for i in 0..100u8 {
            history.push(format!("step {i}"), energy(f32::from(i), f32::from(i) + 1.0));
        }
        let (mut now, mut steps) = (100.0, 0);
        while let Some(change) = history.undo() {
            assert_eq!(change, energy(now, now - 1.0));
            now -= 1.0;
            steps += 1;
        }
        assert_eq!((steps, now), (64, 36.0));
        assert_eq!(history.names(), (None, Some("step 36")));
        assert_eq!(history.redo(), Some(energy(36.0, 37.0)));
        history.push("nothing".into(), energy(0.5, 0.5));
        assert_eq!(history.names(), (Some("step 36"), Some("step 37")), "what changes nothing is no step");
        history.push("other".into(), energy(37.0, 1.0));
        assert_eq!(history.redo(), None, "a new step ends what could be redone");
    }

    #[test]
    fn notches_that_follow_each_other_are_one_step() {
        let mut history = History::default();
        let begun = Instant::now();
        let notch = |history: &mut History, id, from, to, at_ms| {
            let at = begun + Duration::from_millis(at_ms);
            history.push_notch(id, from, to, at, |from, to| format!("{from} → {to}"));
        };
        let id = ParamId::Energy;
        notch(&mut history, id, 0.5, 0.51, 0);
        notch(&mut history, id, 0.51, 0.52, 500);
        notch(&mut history, id, 0.52, 0.53, 1_400);
        assert_eq!(history.names().0, Some("0.5 → 0.53"));
        notch(&mut history, id, 0.53, 0.54, 2_500);
        assert_eq!(history.names().0, Some("0.53 → 0.54"), "after a pause it is another");
        notch(&mut history, ParamId::Swing, 0.5, 0.51, 2_600);
        notch(&mut history, id, 0.54, 0.55, 2_700);
        assert_eq!(history.names().0, Some("0.54 → 0.55"), "another control lay between");
        history.push("drag".into(), energy(0.55, 0.9));
        notch(&mut history, id, 0.9, 0.9, 2_750);
        notch(&mut history, id, 0.9, 0.91, 2_800);
        assert_eq!(history.undo(), Some(energy(0.91, 0.9)), "a gesture is a step of its own");
        notch(&mut history, id, 0.9, 0.91, 2_900);
        notch(&mut history, id, 0.91, 0.9, 2_950);
        assert_eq!(history.names().0, Some("drag"), "there and back is no step");
        let all = std::iter::from_fn(|| history.undo()).count();
        assert_eq!(all, 5);
    }

    #[test]
    fn slots_are_two() {
        let mut history = History::default();
        assert_eq!(history.swap(settings(0.1)), Change::default(), "B starts as A is");
        assert_eq!(history.swap(settings(0.9)), energy(0.9, 0.1));
        assert_eq!(history.swap(settings(0.1)), energy(0.1, 0.9));
        history.copy(settings(0.3));
        assert_eq!(history.swap(settings(0.9)), energy(0.9, 0.3));
        assert_eq!(history.names(), (Some("copy of B"), None));
        assert_eq!(history.undo(), Some(energy(0.3, 0.1)));
    }

    #[test]
    fn each_slot_has_its_steps() {
        let mut history = History::default();
        history.push("in A".into(), energy(0.5, 0.1));
        let _ = history.swap(settings(0.1));
        assert_eq!(history.undo(), None, "what was set in A is not B's to undo");
        history.push("in B".into(), energy(0.1, 0.9));
        let _ = history.swap(settings(0.9));
        assert_eq!(history.undo(), Some(energy(0.1, 0.5)));
        assert_eq!(history.names(), (None, Some("in A")));
    }

    #[test]
    fn only_music_is_brought_back() {
        let mut after = settings(0.75);
        after.values[ParamId::Preview.index()] = 1.0;
        after.preset = "Loud".into();
        let change = Change::between(&settings(0.5), &after);
        let named = Some((String::new(), "Loud".to_owned()));
        assert_eq!(change, Change { preset: named, ..energy(0.5, 0.75) });
    }
}
