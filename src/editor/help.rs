//! All keys and gestures on one page, over the window; what they are stands with the tooltips.

use egui::{
    Align2, Area, Event, EventFilter, Id, Key, Order, Rect, Sense, StrokeKind, Ui, UiBuilder, pos2, vec2,
};

use super::room::{RADIUS, Room};
use super::theme::{body, head, small};
use super::tooltips::{HELP, HELP_END};

/// What the page is called.
const PAGE: &str = "Help page";
/// The page, in points: it has to lie within the smallest window.
const WIDTH: f32 = 860.0;
/// Columns of chapters.
const COLUMNS: usize = 3;
/// Space around the text.
const MARGIN: f32 = 18.0;
/// Width of what is pressed; beside it stands what that does.
const KEYS: f32 = 98.0;
/// Space between two lines.
const LINE_GAP: f32 = 5.0;
/// Space between two chapters.
const CHAPTER_GAP: f32 = 14.0;

/// Whether a question mark was typed. Not every system's window tells of it as a key.
pub fn asked(ui: &Ui) -> bool {
    ui.input(|i| {
        i.events.iter().any(|event| match event {
            Event::Text(text) => text == "?",
            Event::Key { key: Key::Questionmark, pressed, .. } => *pressed,
            _ => false,
        })
    })
}

/// Opens the page, or closes it and gives the focus back.
pub fn turn(room: &mut Room<'_, '_>) {
    match room.desk.help.take() {
        Some(focus) => {
            room.ui.memory_mut(|m| match focus {
                Some(id) => m.request_focus(id),
                None => m.stop_text_input(),
            });
        }
        None => {
            room.desk.chord = None;
            egui::Popup::close_all(room.ui.ctx());
            room.desk.help = Some(room.ui.memory(|m| m.focused()));
            let id = room.id(PAGE);
            room.ui.memory_mut(|m| m.request_focus(id));
        }
    }
}

/// Paints the page, if it is open, and closes it.
pub fn paint(room: &mut Room<'_, '_>, window: Rect) {
    if room.desk.help.is_none() {
        return;
    }
    let id = room.id(PAGE);
    let (scene, desk, acts) = (room.scene, &mut *room.desk, &mut *room.acts);
    let area = Area::new(Id::unique("backline help")).order(Order::Foreground).fixed_pos(window.min);
    let shown = area.constrain(false).fade_in(false).show(room.ui.ctx(), |ui| {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(window));
        ui.set_clip_rect(window);
        let response = ui.interact(window, id, Sense::click());
        // The keys are the page's, so that neither what lies beneath nor the host takes them for its own.
        response.request_focus();
        let all = EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, all));
        page(&mut Room { ui: &mut ui, scene, desk, acts }, window);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Close the help"));
        response.clicked()
    });
    if shown.inner || room.ui.input(|i| i.key_pressed(Key::Escape)) {
        turn(room);
    }
}

fn page(room: &mut Room<'_, '_>, window: Rect) {
    let theme = room.theme();
    room.ui.painter().rect_filled(window, 0.0, theme.window.gamma_multiply(0.75));
    let column = (WIDTH - 2.0 * MARGIN) / COLUMNS as f32;
    // Once to measure, once to paint.
    let height = (0..COLUMNS).map(|i| chapters(room, i, pos2(0.0, 0.0), column, false)).fold(0.0, f32::max);
    let size = vec2(WIDTH, height + 2.0 * MARGIN + 52.0);
    let at = Rect::from_center_size(window.center(), size);
    room.ui.painter().rect(at, RADIUS, theme.panel, theme.hair(), StrokeKind::Inside);
    let inner = at.shrink(MARGIN);
    room.note("{help}", at);
    room.text(inner.left_top(), Align2::LEFT_TOP, "Keys and gestures", head(), theme.accent, column);
    let close = "? · Esc · a click: back";
    room.text(inner.right_top(), Align2::RIGHT_TOP, close, small(), theme.low, column);
    for i in 0..COLUMNS {
        chapters(room, i, inner.min + vec2(column * i as f32, 28.0), column, true);
    }
    room.text(inner.left_bottom(), Align2::LEFT_BOTTOM, HELP_END, small(), theme.low, inner.width());
}

/// The chapters of a column, and how high they are.
fn chapters(room: &mut Room<'_, '_>, column: usize, at: egui::Pos2, width: f32, painted: bool) -> f32 {
    let theme = room.theme();
    let mut top = at.y;
    for (name, lines) in HELP[column] {
        if top > at.y {
            top += CHAPTER_GAP;
        }
        let mut put = |left: f32, top: f32, text: &str, colour, width: f32| {
            let galley = room.ui.painter().layout(text.to_owned(), body(), colour, width);
            let rect = Rect::from_min_size(pos2(at.x + left, top), galley.size());
            if painted {
                room.ui.painter().galley(rect.min, galley, colour);
                room.note(text, rect);
            }
            rect.height()
        };
        top += put(0.0, top, name, theme.low, width) + LINE_GAP;
        for (keys, meaning) in *lines {
            let left = put(0.0, top, keys, theme.high, KEYS - 8.0);
            let right = put(KEYS, top, meaning, theme.mid, width - KEYS - 14.0);
            top += left.max(right) + LINE_GAP;
        }
    }
    top - at.y
}
