//! The time axis that the chord lane and the parts share: the playhead stands, the music moves, and the wheel
//! looks elsewhere.

use egui::Rect;

use super::room::Room;
use super::scene::Desk;

/// Where the playhead stands, as a share of the width.
const PLAYHEAD: f32 = 0.4;
/// How far beside the lanes their content is painted, though it is cut off, in points.
pub const BESIDE: f32 = 24.0;
/// Bars that are shown unless the musician zooms.
const BARS_SHOWN: f64 = 8.0;

/// How many bars the lanes show.
pub fn shown_bars(desk: &Desk) -> f64 {
    if desk.bars_shown > 0.0 { desk.bars_shown } else { BARS_SHOWN }
}

/// Quarter notes to points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    left: f32,
    width: f32,
    now: f64,
    /// What stands where the playhead stands unless the musician looks elsewhere.
    view: f64,
    moved: i64,
    /// Pixels of a point.
    scale: f64,
    beats: f64,
    bar_start: f64,
    bar: f64,
}

impl Axis {
    /// The axis across `rect`. The music moves by whole pixels, so that nothing trembles and what moves keeps its look; where
    /// little shall move it stands for a page, and the playhead walks.
    pub fn new(room: &Room<'_, '_>, rect: Rect) -> Self {
        let scene = room.scene;
        let (bar, now) = (scene.bar_quarters(), scene.playhead());
        let beats = shown_bars(room.desk).clamp(2.0, 32.0) * bar;
        let scale = f64::from(room.ui.ctx().pixels_per_point());
        let pixels = f64::from(rect.width()) * scale / beats;
        let whole = |beats: f64| (beats * pixels).round();
        let bar_start = scene.snapshot.place.map_or(now, |place| place.bar_start);
        // Pages of half of what is shown, from bar line to bar line.
        let page = (beats / bar / 2.0).floor().max(1.0) * bar;
        let view = if scene.look.calm { bar_start - bar_start.rem_euclid(page) } else { now };
        let moved = whole(view) + whole(room.desk.pan);
        Self {
            left: rect.left(),
            width: rect.width(),
            now: whole(now) / pixels,
            view: moved / pixels,
            moved: moved as i64,
            scale,
            beats,
            bar_start,
            bar,
        }
    }

    /// Where a position lies: on a whole pixel of the music, reckoned without where that has moved to. So what is moved as
    /// pixels is rounded as it would be if it were painted there.
    pub fn x(&self, beat: f64) -> f32 {
        let pixels = f64::from(self.width) * self.scale / self.beats;
        let playhead = (f64::from(self.left + self.width * PLAYHEAD) * self.scale).round();
        ((playhead + (beat * pixels).round() - self.moved as f64) / self.scale) as f32
    }

    /// The position at a place.
    pub fn beat(&self, x: f32) -> f64 {
        f64::from((x - self.left) / self.width - PLAYHEAD) * self.beats + self.view
    }

    /// How far the music has moved to the left since the project's beginning, in pixels.
    pub fn moved(&self) -> i64 {
        self.moved
    }

    /// The first place from `x` leftward that is one of those which stand on the music, so many points apart.
    pub fn standing(&self, x: f32, apart: f32) -> f32 {
        let first = f64::from(self.left) - self.moved as f64 / self.scale;
        x - (f64::from(x) - first).rem_euclid(f64::from(apart)) as f32
    }

    /// Points of a quarter note.
    pub fn quarter(&self) -> f32 {
        self.width / self.beats as f32
    }

    /// The playhead, where it is painted.
    pub fn now(&self) -> f64 {
        self.now
    }

    /// What is shown, and a little more on either side: what comes in next is known by then. First and last position.
    pub fn range(&self) -> (f64, f64) {
        (self.beat(self.left - BESIDE), self.beat(self.left + self.width + BESIDE))
    }

    /// The grid's bars that are to be seen: where each starts, and its length.
    pub fn bars(&self) -> Vec<(f64, f64)> {
        let (from, to) = self.range();
        let first = ((from - self.bar_start) / self.bar).floor() as i64;
        let last = ((to - self.bar_start) / self.bar).floor() as i64;
        (first..=last.min(first + 1_000)).map(|i| (self.bar_start + i as f64 * self.bar, self.bar)).collect()
    }

    /// Grid lines every `step` quarter notes, counted from the bar line in force, with whether each is a
    /// bar line. None where they would lie closer than `least` points.
    pub fn lines(&self, step: f64, least: f32) -> Vec<(f32, bool)> {
        if self.quarter() * (step as f32) < least {
            return Vec::new();
        }
        let (from, to) = self.range();
        let first = ((from - self.bar_start) / step).ceil() as i64;
        let last = ((to - self.bar_start) / step).floor() as i64;
        (first..=last.min(first + 1_000))
            .map(|i| {
                let offset = i as f64 * step;
                let in_bar = offset.rem_euclid(self.bar);
                (self.x(self.bar_start + offset), in_bar < 1e-6 || in_bar > self.bar - 1e-6)
            })
            .collect()
    }
}
