//! `backline styles`: what the band can play.

use std::io::{self, Write};

use crate::Outcome;

/// Lists the styles.
pub fn run() -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    for style in backline_play::styles() {
        let [low, high] = style.tempo_bpm;
        writeln!(out, "{:<14} {:<18} {:>3.0}-{:<3.0} BPM  {}", style.id, style.name, low, high, style.about)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
