//! Writes what the chord net reads before every bar of a folder of songs, and what followed.
//!
//! `cargo run --release -p backline-play --example progression_features -- FOLDER > FILE`: a line a bar of the
//! song's name, the class that followed, the classes read and the figures, divided by blanks.

use std::io::Write;
use std::path::Path;

use backline_play::Anticipator;
use backline_play::anticipate::continuation::class;

#[path = "common/songs.rs"]
mod songs;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for song in songs::songs(Path::new(&folder))? {
        for i in 1..song.bars.len() {
            let reading = Anticipator::new().reading(&song.bars[..i]);
            let truth = class(song.bars[i].beats.first().and_then(|b| b.chord), reading.pivot);
            write!(out, "{} {truth}", song.name)?;
            reading.classes.iter().try_for_each(|c| write!(out, " {c}"))?;
            reading.figures.iter().try_for_each(|f| write!(out, " {f:.4}"))?;
            writeln!(out)?;
        }
    }
    out.flush()
}
