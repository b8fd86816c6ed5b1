//! Undo and redo, and the slots A and B: what the musician set, whole, at each step.

use backline_engine::Edits;
use backline_music::Corrections;

use super::dial::{ParamId, Values};

/// Steps that can be undone.
const DEPTH: usize = 64;

/// What undo, A and B bring back: the musical parameters, the corrections and the edits.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Values of all parameters; only the musical ones are brought back.
    pub values: Values,
    /// The corrections.
    pub corrections: Corrections,
    /// What was written into the lanes.
    pub edits: Edits,
}

impl Settings {
    /// The musical parameters that differ from `now`, with the value that they shall have.
    pub fn differing(&self, now: &Values) -> Vec<(ParamId, f32)> {
        let musical = ParamId::ALL.into_iter().filter(|id| id.is_musical());
        musical.map(|id| (id, self.values[id.index()])).filter(|(id, v)| now[id.index()] != *v).collect()
    }
}

/// The steps.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What each step was called, and how things were before it.
    done: Vec<(String, Settings)>,
    /// What was undone, and how things were after it.
    undone: Vec<(String, Settings)>,
    /// The other of A and B.
    other: Option<Settings>,
    /// Whether B is in force.
    pub slot_b: bool,
}

impl History {
    /// Notes a step: its name and how things were before.
    pub fn push(&mut self, name: String, before: Settings) {
        self.undone.clear();
        self.done.push((name, before));
        let excess = self.done.len().saturating_sub(DEPTH);
        self.done.drain(..excess);
    }

    /// How things were before the last step; `now` is kept for redo.
    pub fn undo(&mut self, now: Settings) -> Option<Settings> {
        let (name, before) = self.done.pop()?;
        self.undone.push((name, now));
        Some(before)
    }

    /// How things were after the step that was undone last.
    pub fn redo(&mut self, now: Settings) -> Option<Settings> {
        let (name, after) = self.undone.pop()?;
        self.done.push((name, now));
        Some(after)
    }

    /// What undo and redo would do.
    pub fn names(&self) -> (Option<&str>, Option<&str>) {
        (self.done.last().map(|s| s.0.as_str()), self.undone.last().map(|s| s.0.as_str()))
    }

    /// Goes to the other slot, which starts as a copy of this one. Returns what is to be in force.
    pub fn swap(&mut self, now: Settings) -> Settings {
        self.slot_b = !self.slot_b;
        self.other.replace(now.clone()).unwrap_or(now)
    }

    /// Copies `now` into the other slot.
    pub fn copy(&mut self, now: Settings) {
        self.other = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(energy: f32) -> Settings {
        let mut values = [0.5; super::super::dial::PARAMS];
        values[ParamId::Energy.index()] = energy;
        Settings { values, corrections: Corrections::default(), edits: Edits::default() }
    }

    #[test]
    fn there_and_back_64_steps_deep() {
        let mut history = History::default();
        for i in 0..100u8 {
            history.push(format!("step {i}"), settings(f32::from(i)));
        }
        let mut now = settings(100.0);
        let mut steps = 0;
        while let Some(before) = history.undo(now.clone()) {
            now = before;
            steps += 1;
        }
        assert_eq!((steps, now.values[ParamId::Energy.index()]), (64, 36.0));
        assert_eq!(history.names(), (None, Some("step 36")));
        now = history.redo(now).unwrap();
        assert_eq!(now, settings(37.0));
        history.push("other".into(), now.clone());
        assert!(history.redo(now).is_none(), "a new step ends what could be redone");
    }

    #[test]
    fn slots_are_two() {
        let mut history = History::default();
        assert_eq!(history.swap(settings(0.1)), settings(0.1), "B starts as A is");
        assert_eq!(history.swap(settings(0.9)), settings(0.1));
        assert_eq!(history.swap(settings(0.1)), settings(0.9));
        history.copy(settings(0.3));
        assert_eq!(history.swap(settings(0.9)), settings(0.3));
    }

    #[test]
    fn only_music_is_brought_back() {
        let mut now = settings(0.5).values;
        now[ParamId::Preview.index()] = 1.0;
        now[ParamId::Energy.index()] = 0.75;
        assert_eq!(settings(0.5).differing(&now), [(ParamId::Energy, 0.5)]);
    }
}
