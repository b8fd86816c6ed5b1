//! Prints the figures that the guess at the style goes by: a line of JSON for each line of `Heard` on standard input.

use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let heard: backline_music::Heard = serde_json::from_str(&line?)?;
        writeln!(out, "{}", serde_json::to_string(&backline_listen::style::training_figures(&heard))?)?;
    }
    Ok(())
}
