//! The knobs: how the band plays.

use egui::{Align2, Rect, pos2, vec2};

use super::dial::ParamId;
use super::room::Room;
use super::theme::{body, small};
use super::{heard, tooltips};

/// What a word button adds to a bipolar knob, normalised.
const STEP: f32 = backline_music::controls::WORD_STEP / 2.0;

/// Paints the room.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    room.panel(rect);
    let theme = room.theme();
    let inner = rect.shrink2(vec2(10.0, 8.0));
    // Roomy windows get larger knobs; the smallest still shows all.
    let spare = ((inner.height() - 384.0) / 6.0).clamp(0.0, 24.0);
    let mut top = inner.top();
    let mut row = |height: f32, gap: f32| {
        let at = Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), height));
        top += height + gap;
        at
    };
    let cell = |row: Rect, i: usize, n: usize| {
        let width = row.width() / n as f32;
        Rect::from_min_size(row.min + vec2(width * i as f32, 0.0), vec2(width, row.height()))
            .shrink2(vec2(2.0, 0.0))
    };

    let macros = row(88.0 + spare, 4.0);
    room.knob(ParamId::Energy, cell(macros, 0, 2), true, theme.accent);
    room.knob(ParamId::Brightness, cell(macros, 1, 2), true, theme.accent);

    let words = row(22.0, 6.0 + spare / 2.0);
    let buttons = [
        ("Calmer", ParamId::Energy, -STEP, tooltips::CALMER),
        ("Livelier", ParamId::Energy, STEP, tooltips::MORE),
        ("Darker", ParamId::Brightness, -STEP, tooltips::DARKER),
        ("Brighter", ParamId::Brightness, STEP, tooltips::BRIGHTER),
    ];
    for (i, (word, id, step, tip)) in buttons.into_iter().enumerate() {
        if room.button(word, cell(words, i, 4), word, false, true, tip).clicked() {
            let value = (room.value(id) + step).clamp(0.0, 1.0);
            room.put(id, value);
            let from = room.scene.snapshot.plan.as_ref().map(|plan| plan.committed_beat);
            // At rest no bar is fixed.
            let from = from.filter(|beat| beat.is_finite()).map_or_else(String::new, |beat| {
                let bar = crate::clips::number(beat, room.scene.bar_quarters());
                format!(" · from bar {bar} on")
            });
            let name = room.scene.params.dial(id).title();
            room.say(format!("{name} {:+.0} %{from}", 200.0 * step));
        }
    }

    let small_knobs = row(70.0 + spare, 6.0 + spare / 2.0);
    let knobs = [
        (ParamId::Density, true),
        (ParamId::Swing, true),
        (ParamId::Humanise, false),
        (ParamId::Temperature, false),
    ];
    for (i, (id, bipolar)) in knobs.into_iter().enumerate() {
        room.knob(id, cell(small_knobs, i, 4), bipolar, theme.info);
    }

    let form = row(22.0, 6.0);
    room.segments(ParamId::Form, form);

    let style = row(24.0, 4.0);
    let label = Rect::from_min_size(style.min, vec2(46.0, style.height()));
    room.text(label.left_center(), Align2::LEFT_CENTER, "Style", body(), theme.mid, 44.0);
    let place = Rect::from_min_max(pos2(label.right(), style.top()), style.max);
    let mut shown = room.scene.params.dial(ParamId::Style).shown(room.value(ParamId::Style));
    if room.value(ParamId::Style) == 0.0
        && let Some((id, prob)) = heard::played_style(room.scene.snapshot)
    {
        let sure = prob.map_or_else(String::new, |prob| format!(" {:.0} %", prob * 100.0));
        shown = format!("{shown} ({}{sure})", heard::style_name(room, id));
    }
    let response = room.button("Style choice", place, &shown, false, true, tooltips::param(ParamId::Style));
    heard::style_menu(room, &response);

    let seed = row(24.0, 4.0 + spare / 2.0);
    let dice = Rect::from_min_max(pos2(seed.right() - 50.0, seed.top()), seed.max);
    let field = Rect::from_min_max(seed.min, pos2(dice.left() - 6.0, seed.bottom()));
    room.slider(ParamId::Seed, field, theme.line);
    if room.button("Dice", dice, "Dice", false, true, tooltips::DICE).clicked() {
        // A step that visits every seed before it comes round.
        let seed = (room.value(ParamId::Seed) * 65_535.0).round() as u32;
        let next = (seed.wrapping_mul(25_173).wrapping_add(13_849)) % 65_536;
        room.put(ParamId::Seed, next as f32 / 65_535.0);
    }

    let preview = row(24.0, 4.0);
    room.slider(ParamId::Preview, preview, theme.accent);
    let send = row(22.0, 4.0);
    room.segments(ParamId::Send, send);
    let note = row(16.0, 0.0);
    let text = "Sent as MIDI. Knobs act from the next bar on";
    room.text(note.left_center(), Align2::LEFT_CENTER, text, small(), theme.low, note.width());
}
