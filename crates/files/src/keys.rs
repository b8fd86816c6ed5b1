//! The keys of a song, as notation has them: from bar line to bar line.

use backline_music::{Key, PlannedBar};

/// From which beat each key holds, in order; the first holds before its beat, too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keys(Vec<(f64, Key)>);

impl Keys {
    /// Those of beats and keys in any order.
    pub fn new(changes: impl IntoIterator<Item = (f64, Key)>) -> Self {
        let mut changes: Vec<(f64, Key)> = changes.into_iter().filter(|(beat, _)| !beat.is_nan()).collect();
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        changes.dedup_by_key(|(_, key)| *key);
        Self(changes)
    }

    /// The key at a beat.
    pub fn at(&self, beat: f64) -> Option<Key> {
        let now = self.0.iter().rev().find(|(from, _)| *from <= beat + 1e-6).or(self.0.first());
        now.map(|(_, key)| *key)
    }

    /// The beats at which a key begins, and the key.
    pub fn changes(&self) -> &[(f64, Key)] {
        &self.0
    }

    /// The same, each from the bar line that lies nearest: a signature stands nowhere else.
    pub fn at_bar_lines(&self, bars: &[PlannedBar]) -> Self {
        let nearest = |beat: f64| {
            let lines = bars.iter().map(|bar| bar.start_beat);
            lines.min_by(|a, b| (a - beat).abs().total_cmp(&(b - beat).abs())).unwrap_or(beat)
        };
        let mut changes: Vec<(f64, Key)> = Vec::new();
        // Of two at one line the later holds.
        for (line, key) in self.0.iter().map(|&(beat, key)| (nearest(beat), key)) {
            changes.pop_if(|(last, _)| *last >= line);
            changes.push((line, key));
        }
        Self::new(changes)
    }
}

impl From<Option<Key>> for Keys {
    /// One key throughout.
    fn from(key: Option<Key>) -> Self {
        Self(key.map(|key| (0.0, key)).into_iter().collect())
    }
}
