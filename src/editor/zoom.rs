//! How large everything is shown: as the musician chose, but never larger than the window has room for.
//!
//! Hosts refuse sizes, screens end, and hands shrink windows; what is laid out for [`MIN_SIZE`] is then shown smaller, so that
//! nothing, and the menu with the zoom least of all, lies out of reach. A choice asks for a window of as many points as
//! before; the size that comes of it says what is shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use egui::{Vec2, ViewportCommand, vec2};

#[cfg(target_os = "linux")]
use x11rb::{connection::Connection, protocol::xproto::ConnectionExt as _};

use super::layout::{MIN_SIZE, USUAL_SIZE};

/// No smaller: in a window that is smaller still, nobody could read it.
const LEAST: f32 = 0.5;
/// Zooms that no one chose are multiples of this: at each, all letters are drawn anew.
const STEP: f32 = 0.05;
/// Hosts that give a window more room do so within this time.
const PATIENCE: Duration = Duration::from_millis(400);
/// What hosts and desktops keep of a screen, in pixels, at the least.
const FRAME: Vec2 = vec2(16.0, 64.0);

/// The zoom at which a window of `size`, in the system's points, shows everything.
fn fitting(chosen: f32, size: Vec2) -> f32 {
    let room = (size / MIN_SIZE).min_elem();
    if chosen <= room { chosen } else { ((room / STEP + 1e-3).floor() * STEP).max(LEAST) }
}

/// How large the window is, or shall be when it opens, and the zoom that was chosen for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// In the system's points.
    pub size: Vec2,
    /// Pixels of such a point.
    pub scale: f32,
    /// Whether there is a window: then it is the one to take over a choice.
    pub open: bool,
    chosen: f32,
}

impl Default for Extent {
    fn default() -> Self {
        Self { size: USUAL_SIZE, scale: 1.0, open: false, chosen: 1.0 }
    }
}

impl Extent {
    /// The zoom in force.
    pub fn zoom(&self) -> f32 {
        fitting(self.chosen, self.size)
    }

    /// Takes over what is chosen; whether the window shall have another size for that. `screen` tells how many pixels it has.
    pub fn choose(&mut self, chosen: f32, screen: impl FnOnce() -> Option<Vec2>) -> bool {
        if chosen == self.chosen {
            return false;
        }
        let zoom = self.zoom();
        // A window that was too small for its zoom is no measure for the next.
        let points = if zoom < self.chosen { USUAL_SIZE } else { self.size / zoom };
        let most = screen().map_or(Vec2::INFINITY, |pixels| (pixels - FRAME) / self.scale);
        (self.size, self.chosen) = ((points * chosen).min(most), chosen);
        true
    }
}

/// The extent, as the window and the host's side of it share it. Held for a copy's length.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Extent>>);

impl Shared {
    /// Reads or changes it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Extent) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the open window does about its zoom.
#[derive(Debug, Default)]
pub struct Zoom {
    /// Shared with the host's side.
    pub extent: Shared,
    /// Egui's zoom in the last frame.
    seen: Option<f32>,
    /// The size of the last frame, and when it is looked whether the host gives room for it.
    checked: (Vec2, Option<Instant>),
}

impl Zoom {
    /// A window opens.
    pub fn open(&mut self) {
        (self.seen, self.checked) = (None, (Vec2::ZERO, None));
    }

    /// Fits the zoom to a window of `size`, in the system's points of `scale` pixels, and asks for another size where another zoom
    /// was chosen. `window` is its number on an X server.
    pub fn settle(&mut self, ctx: &egui::Context, chosen: f32, size: Vec2, scale: f32, window: Option<u32>) {
        let asked = self.extent.with(|extent| {
            (extent.size, extent.scale) = (size, scale);
            // Until it has the other size it has this one.
            extent.choose(chosen, screen).then(|| std::mem::replace(&mut extent.size, size))
        });
        let asked = asked.or_else(|| self.check(ctx, size, scale, window?));
        // The framework gives a window with another zoom another size, unless it is told which.
        let zoom = ctx.zoom_factor();
        let other = self.seen.replace(zoom).is_some_and(|seen| seen != zoom);
        if let Some(size) = asked.or(other.then_some(size)) {
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(size / zoom));
        }
        ctx.set_zoom_factor(self.extent.with(|extent| extent.zoom()));
    }

    /// Whether the host gives less room than the window has, once that had time: the size that is to be seen.
    fn check(&mut self, ctx: &egui::Context, size: Vec2, scale: f32, window: u32) -> Option<Vec2> {
        if self.checked.0 != size {
            self.checked = (size, Some(Instant::now() + PATIENCE));
        }
        let due = self.checked.1?;
        let left = due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            ctx.request_repaint_after(left);
            return None;
        }
        self.checked.1 = None;
        let room = around(window)? / scale;
        // Some hosts make the room small first, and let it grow later.
        let sensible = room.x >= LEAST * MIN_SIZE.x && room.y >= LEAST * MIN_SIZE.y;
        let seen = room.min(size);
        (sensible && (seen + vec2(0.5, 0.5)).min(size) != size).then_some(seen)
    }
}

/// The size in pixels of what a window on an X server lies in.
#[cfg(target_os = "linux")]
fn around(window: u32) -> Option<Vec2> {
    let (connection, _) = x11rb::connect(None).ok()?;
    pixels(&connection, connection.query_tree(window).ok()?.reply().ok()?.parent)
}

/// The size of the screen in pixels.
#[cfg(target_os = "linux")]
pub fn screen() -> Option<Vec2> {
    let (connection, screen) = x11rb::connect(None).ok()?;
    pixels(&connection, connection.setup().roots.get(screen)?.root)
}

#[cfg(target_os = "linux")]
fn pixels(connection: &impl Connection, window: u32) -> Option<Vec2> {
    let geometry = connection.get_geometry(window).ok()?.reply().ok()?;
    Some(vec2(f32::from(geometry.width), f32::from(geometry.height)))
}

/// Elsewhere nobody is asked.
#[cfg(not(target_os = "linux"))]
fn around(_window: u32) -> Option<Vec2> {
    None
}

/// Elsewhere nobody is asked.
#[cfg(not(target_os = "linux"))]
pub fn screen() -> Option<Vec2> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_is_never_larger_than_the_window() {
        for size in [MIN_SIZE, USUAL_SIZE, MIN_SIZE * 0.75, vec2(1800.0, 600.0), vec2(880.0, 900.0)] {
            for chosen in [0.75, 1.0, 1.25, 1.5, 1.75, 2.0] {
                let zoom = fitting(chosen, size);
                assert!(zoom <= chosen, "{chosen} in {size}: {zoom}");
                let points = size / zoom + vec2(0.01, 0.01);
                assert!(points.x >= MIN_SIZE.x && points.y >= MIN_SIZE.y, "{chosen} in {size}: {zoom}");
            }
        }
        assert_eq!(fitting(2.0, USUAL_SIZE * 2.0), 2.0);
        assert_eq!(fitting(1.0, MIN_SIZE * 0.75), 0.75);
        assert!((fitting(2.0, USUAL_SIZE) - 1.2).abs() < 1e-4);
        assert_eq!(fitting(1.0, vec2(20.0, 10.0)), LEAST);
    }

    #[test]
    fn a_choice_keeps_the_points() {
        let mut extent = Extent::default();
        assert!(!extent.choose(1.0, || None));
        assert!(extent.choose(1.5, || None));
        assert_eq!((extent.size, extent.zoom()), (USUAL_SIZE * 1.5, 1.5));
        // The host refuses; what comes next is not reckoned from what was too small.
        extent.size = USUAL_SIZE;
        assert!(extent.zoom() < 1.3);
        assert!(extent.choose(1.0, || None));
        assert_eq!((extent.size, extent.zoom()), (USUAL_SIZE, 1.0));
        // No larger than the screen.
        assert!(extent.choose(2.0, || Some(vec2(1920.0, 1080.0))));
        assert!(extent.size.x <= 1920.0 && extent.size.y <= 1080.0, "{extent:?}");
        assert!((1.7..2.0).contains(&extent.zoom()));
    }
}
