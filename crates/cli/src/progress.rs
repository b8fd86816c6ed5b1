//! The progress bar: on stderr, and only when a person watches.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that fills from 0 to 1.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar that says what is being done.
    pub fn new(doing: &'static str) -> Self {
        let bar = ProgressBar::new(1000);
        if let Ok(style) = ProgressStyle::with_template("{msg:<10} [{bar:40}] {percent:>3} %  {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(doing);
        Self { bar }
    }

    /// Shows the share done, 0..=1.
    pub fn show(&self, share: f32) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
        self.bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
