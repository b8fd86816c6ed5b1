//! The two palettes. No colour is named anywhere else in the window.

use egui::{Color32, FontId, Stroke, Visuals};

/// A palette.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theme {
    /// Whether text is dark on light.
    pub light: bool,
    /// Behind everything.
    pub window: Color32,
    /// Behind a room.
    pub panel: Color32,
    /// Behind what is drawn: lanes, meters.
    pub well: Color32,
    /// Hairlines.
    pub line: Color32,
    /// What is to be read first.
    pub high: Color32,
    /// What is to be read.
    pub mid: Color32,
    /// What may be read: large, or of no consequence.
    pub low: Color32,
    /// Backline's amber: now.
    pub accent: Color32,
    /// Drums, chords, bass, by [`backline_music::Part::index`].
    pub parts: [Color32; 3],
    /// All is well.
    pub ok: Color32,
    /// Something is to be known.
    pub warn: Color32,
    /// Something is wrong.
    pub error: Color32,
    /// Something is going on.
    pub info: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Light on dark.
pub const DARK: Theme = Theme {
    light: false,
    window: rgb(0x14_16_1A),
    panel: rgb(0x1C_1F_25),
    well: rgb(0x10_12_17),
    line: rgb(0x2C_31_3A),
    high: rgb(0xE8_EA_ED),
    mid: rgb(0xA9_B0_BB),
    low: rgb(0x7F_87_93),
    accent: rgb(0xE8_A3_3D),
    parts: [rgb(0x5B_A8_F5), rgb(0x7B_C4_7F), rgb(0xC5_8A_F0)],
    ok: rgb(0x63_C0_8B),
    warn: rgb(0xE6_B8_4C),
    error: rgb(0xE5_66_5B),
    info: rgb(0x6F_B1_E0),
};

/// Dark on light.
pub const LIGHT: Theme = Theme {
    light: true,
    window: rgb(0xE6_E8_EC),
    panel: rgb(0xF6_F7_F9),
    well: rgb(0xFF_FF_FF),
    line: rgb(0xC9_CE_D6),
    high: rgb(0x16_19_1E),
    mid: rgb(0x45_4C_57),
    low: rgb(0x68_70_7C),
    accent: rgb(0xB3_6F_0A),
    parts: [rgb(0x1F_6F_BF), rgb(0x2F_7D_38), rgb(0x84_43_B8)],
    ok: rgb(0x1F_7D_4B),
    warn: rgb(0x8A_64_00),
    error: rgb(0xB5_32_27),
    info: rgb(0x23_6E_A8),
};

impl Theme {
    /// The palette for light or dark.
    pub const fn of(light: bool) -> &'static Self {
        if light { &LIGHT } else { &DARK }
    }

    /// The hairline.
    pub fn hair(&self) -> Stroke {
        Stroke::new(1.0, self.line)
    }

    /// What egui's own menus, fields and tooltips look like.
    pub fn visuals(&self) -> Visuals {
        let mut v = if self.light { Visuals::light() } else { Visuals::dark() };
        v.override_text_color = Some(self.high);
        v.panel_fill = self.window;
        v.window_fill = self.panel;
        v.window_stroke = self.hair();
        v.extreme_bg_color = self.well;
        v.selection.bg_fill = self.accent.gamma_multiply(0.45);
        v.selection.stroke = Stroke::new(1.0, self.high);
        for widget in
            [&mut v.widgets.inactive, &mut v.widgets.hovered, &mut v.widgets.active, &mut v.widgets.open]
        {
            widget.bg_stroke = self.hair();
            widget.fg_stroke = Stroke::new(1.0, self.high);
        }
        v.widgets.inactive.weak_bg_fill = self.panel;
        v.widgets.hovered.weak_bg_fill = self.line;
        v.widgets.active.weak_bg_fill = self.line;
        v
    }
}

/// Labels.
pub fn small() -> FontId {
    FontId::proportional(11.0)
}

/// Text.
pub fn body() -> FontId {
    FontId::proportional(12.5)
}

/// Headings.
pub fn head() -> FontId {
    FontId::proportional(14.0)
}

/// Read-outs.
pub fn big() -> FontId {
    FontId::proportional(20.0)
}

/// A colour that says how sure something is: faint at 0.4 and below, full at 0.9.
pub fn sure(colour: Color32, prob: f32) -> Color32 {
    let prob = if prob.is_finite() { prob } else { 0.0 };
    colour.gamma_multiply(0.35 + 0.65 * ((prob - 0.4) / 0.5).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast, WCAG 2.1.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |c: Color32| {
            let linear = |v: u8| {
                let v = f32::from(v) / 255.0;
                if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn everything_can_be_read() {
        for theme in [&DARK, &LIGHT] {
            for ground in [theme.window, theme.panel, theme.well] {
                assert!(contrast(theme.high, ground) >= 10.0);
                assert!(contrast(theme.mid, ground) >= 6.0);
                assert!(contrast(theme.low, ground) >= 4.0, "{}", contrast(theme.low, ground));
                for colour in theme.parts.into_iter().chain([theme.ok, theme.warn, theme.error, theme.info]) {
                    assert!(contrast(colour, ground) >= 4.0, "{colour:?} {}", contrast(colour, ground));
                }
            }
        }
    }
}
