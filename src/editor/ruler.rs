//! The ruler over the lanes: bar numbers, and bars that are selected by dragging along it.

use egui::{Align2, EventFilter, Key, PointerButton, Rect, Sense, Stroke, WidgetInfo, pos2, vec2};

use super::room::Room;
use super::selection::{Selection, bar_around};
use super::theme::small;
use super::timeline::Axis;
use super::tooltips;

/// Height of the ruler.
pub const HEIGHT: f32 = 16.0;
/// Room that a bar's number needs.
const NUMBER: f32 = 30.0;

/// Paints the ruler, whose bars are on its part `moving`, and does what the hand does there.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect, axis: &Axis, moving: Rect) {
    let theme = room.theme();
    let response = room.touch("Ruler", rect, Sense::click_and_drag(), tooltips::RULER);
    if response.hovered() {
        room.ui.ctx().set_cursor_icon(egui::CursorIcon::Text);
    }
    let ground = if response.hovered() { theme.line } else { theme.well };
    room.ui.painter().rect_filled(rect, 0.0, ground);
    let painter = room.ui.painter_at(moving);
    let selection = selected(room);
    if let Some(selection) = selection {
        let (from, to) = (axis.x(selection.from_beat), axis.x(selection.to_beat));
        let band = Rect::from_min_max(pos2(from, rect.top()), pos2(to, rect.bottom()));
        painter.rect_filled(band, 0.0, theme.accent.gamma_multiply(0.5));
    }
    let planned =
        room.scene.snapshot.plan.as_ref().filter(|_| room.scene.state == super::moment::State::Generating);
    if let Some(plan) = planned {
        // The bar that is being planned.
        let (from, to) = bar_around(room.scene, plan.committed_beat + 1e-6);
        let line = Stroke::new(2.0, theme.accent);
        painter.hline(axis.x(from)..=axis.x(to), rect.bottom() - 1.0, line);
    }
    let bars = axis.bars();
    let width = bars.first().map_or(0.0, |bar| axis.quarter() * bar.1 as f32);
    // Where bars are narrow, every second, fourth or eighth has its number.
    let step = [1, 2, 4, 8].into_iter().find(|step| width * *step as f32 >= NUMBER).unwrap_or(16);
    for (beat, quarters) in bars {
        let (x, number) = (axis.x(beat), crate::clips::number(beat, quarters));
        let named = (number - 1).rem_euclid(step) == 0;
        let top = if named { rect.top() } else { rect.bottom() - 4.0 };
        painter.vline(x, top..=rect.bottom(), Stroke::new(1.0, theme.line));
        // The first bar's number stays as long as there is room for it.
        let left = x.max(painter.clip_rect().left());
        if named && x + width - left >= NUMBER {
            let at = pos2(left + 4.0, rect.center().y);
            let chosen = selection.is_some_and(|s| (s.from_beat..s.to_beat).contains(&(beat + 1e-6)));
            let colour = if chosen { theme.high } else { theme.mid };
            painter.text(at, Align2::LEFT_CENTER, number, small(), colour);
        }
    }
    super::arrangement::playhead(&painter, axis.x(axis.now()), rect.y_range(), theme.accent);
    hand(room, rect, axis, &response);
    let said = match selected(room).map(|selection| selection.numbers(room.scene)) {
        Some((first, last)) => format!("Ruler, bars {first} to {last} selected"),
        None => "Ruler, nothing selected".to_owned(),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &said));
}

/// The selection, if it lies on the clock that is shown.
pub fn selected(room: &Room<'_, '_>) -> Option<Selection> {
    room.desk.selection.filter(|selection| selection.on_heard_beat == room.scene.on_heard_beat())
}

fn hand(room: &mut Room<'_, '_>, rect: Rect, axis: &Axis, response: &egui::Response) {
    let scene = room.scene;
    let on_heard_beat = scene.on_heard_beat();
    let bar_at = |x: f32| bar_around(scene, axis.beat(x.clamp(rect.left(), rect.right() - 1.0)));
    let origin = room.ui.input(|i| i.pointer.press_origin());
    if response.drag_started_by(PointerButton::Primary)
        && let Some(at) = origin
    {
        room.desk.marking = Some(bar_at(at.x));
        response.request_focus();
    }
    if response.dragged_by(PointerButton::Primary)
        && let (Some((from, to)), Some(at)) = (room.desk.marking, response.interact_pointer_pos())
    {
        let (other_from, other_to) = bar_at(at.x);
        let (from_beat, to_beat) = (from.min(other_from), to.max(other_to));
        room.desk.selection = Some(Selection { from_beat, to_beat, on_heard_beat });
    }
    if response.drag_stopped() || !room.ui.input(|i| i.pointer.any_down()) {
        room.desk.marking = None;
    }
    if response.clicked_by(PointerButton::Primary) {
        room.desk.selection = None;
    }
    if response.has_focus() {
        keys(room, response);
    }
}

/// Arrows select the bar beside what is selected; with Shift they lengthen or shorten it.
fn keys(room: &mut Room<'_, '_>, response: &egui::Response) {
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    room.ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let (right, left, shift) =
        room.ui.input(|i| (i.key_pressed(Key::ArrowRight), i.key_pressed(Key::ArrowLeft), i.modifiers.shift));
    if right == left {
        return;
    }
    let scene = room.scene;
    let on_heard_beat = scene.on_heard_beat();
    let (from_beat, to_beat) = match selected(room) {
        None => bar_around(scene, scene.playhead()),
        Some(Selection { from_beat, to_beat, .. }) if shift => {
            let before_last = bar_around(scene, to_beat - 1e-6).0.max(bar_around(scene, from_beat).1);
            (from_beat, if right { bar_around(scene, to_beat).1 } else { before_last })
        }
        Some(selection) if right => bar_around(scene, selection.to_beat),
        Some(selection) => bar_around(scene, selection.from_beat - 1e-6),
    };
    room.desk.selection = Some(Selection { from_beat, to_beat, on_heard_beat });
}

/// The selected bars in a lane.
pub fn mark(room: &Room<'_, '_>, lane: Rect, axis: &Axis) {
    let Some(selection) = selected(room) else { return };
    let accent = room.theme().accent;
    let painter = room.ui.painter();
    let (from, to) = (axis.x(selection.from_beat), axis.x(selection.to_beat));
    let band = Rect::from_min_max(pos2(from, lane.top()), pos2(to, lane.bottom()));
    painter.rect_filled(band, 0.0, accent.gamma_multiply(0.12));
    for x in [from, to] {
        painter.vline(x, lane.y_range(), Stroke::new(1.0, accent.gamma_multiply(0.7)));
    }
}

/// The name of the ruler, in the column of the lanes' heads.
pub fn heading(room: &mut Room<'_, '_>, at: egui::Pos2, width: f32) {
    let theme = room.theme();
    room.text(at + vec2(10.0, HEIGHT / 2.0), Align2::LEFT_CENTER, "Bar", small(), theme.low, width - 12.0);
}
