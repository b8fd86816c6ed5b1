//! Writes what the second look at a recording's rhythm reads (f32, 50 frames a second) beside each file of raw mono 16-bit
//! 44.1 kHz audio that is named on a line of standard input: `NAME.raw` gives `NAME.rows`, and `NAME.chroma` for the bars (as
//! `chroma_features` writes it). Prints the values in a frame of rows.

use std::io::BufRead;

use backline_listen::Models;
use backline_listen::chroma::{ChromaExtractor, ChromaFrame};
use backline_listen::rhythm::{hindsight::Rows, net};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", Rows::width());
    let model = Models::built_in().rhythm.as_deref().ok_or("the rhythm net is missing")?;
    for line in std::io::stdin().lock().lines() {
        let path = std::path::PathBuf::from(line?);
        let bytes = std::fs::read(&path)?;
        let mono: Vec<f32> =
            bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
        let rows = net::rows(&mono, model).ok_or("the rhythm net is of another kind")??;
        let mut chroma = ChromaExtractor::new();
        chroma.push(&mono);
        let bytes_of =
            |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
        std::fs::write(path.with_extension("rows"), bytes_of(&mut rows.values().iter().copied()))?;
        let chroma = bytes_of(&mut chroma.frames().iter().flat_map(ChromaFrame::numbers));
        std::fs::write(path.with_extension("chroma"), chroma)?;
    }
    Ok(())
}
