//! How a value follows the hand: the same for knob, slider and segment.

/// Points of vertical movement for the whole range.
const TRAVEL: f32 = 220.0;
/// How much slower the value moves with Shift.
const FINE: f32 = 0.1;
/// What one notch of the wheel, or one arrow key, moves.
const NOTCH: f32 = 0.01;

/// The normalised value after the hand moved `up` points upwards. The result is not yet on a step:
/// small movements have to add up.
pub fn drag(value: f32, up: f32, fine: bool) -> f32 {
    let speed = if fine { FINE } else { 1.0 };
    (value + up / TRAVEL * speed).clamp(0.0, 1.0)
}

/// The nearest value that the parameter can take; `steps` is the number of its steps, if it has some.
pub fn snap(value: f32, steps: Option<usize>) -> f32 {
    let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    match steps {
        Some(steps) if steps > 0 => (value * steps as f32).round() / steps as f32,
        _ => value,
    }
}

/// The value `notches` further: hundredths of the range, thousandths with Shift, and at least one step
/// where the parameter has few.
pub fn notch(value: f32, notches: f32, fine: bool, steps: Option<usize>) -> f32 {
    let size = NOTCH * if fine { FINE } else { 1.0 };
    let size = match steps {
        Some(steps) if steps > 0 => size.max(1.0 / steps as f32),
        _ => size,
    };
    snap(value + notches * size, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_movements_add_up() {
        let mut value = 0.5;
        for _ in 0..22 {
            value = drag(value, 1.0, false);
        }
        assert!((value - 0.6).abs() < 1e-5);
        assert!((drag(0.5, 22.0, true) - 0.51).abs() < 1e-6, "Shift is ten times finer");
        assert_eq!(drag(0.9, 1_000.0, false), 1.0);
    }

    #[test]
    fn steps_are_kept() {
        assert_eq!(snap(0.4, Some(2)), 0.5);
        assert_eq!(snap(f32::NAN, None), 0.0);
        assert_eq!(notch(0.0, 1.0, false, Some(4)), 0.25, "a notch is a step at least");
        assert!((notch(0.5, 1.0, true, None) - 0.501).abs() < 1e-6);
        assert_eq!(notch(1.0, 3.0, false, None), 1.0);
    }
}
