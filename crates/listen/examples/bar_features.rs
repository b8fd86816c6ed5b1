//! Describes music beat by beat as the net of bars sees it, for their training.
//!
//! A line of standard input is a JSON object: `rows` and `chroma`, files of what `rhythm_rows` writes; `grids`, lists of beats
//! as places in these rows; `out`, the file that is written: for each grid and each beat but its last the features (f32).
//! Prints the number of features.

use std::io::BufRead;

use backline_listen::chroma::ChromaFrame;
use backline_listen::rhythm::bars::{Evidence, features};

/// The numbers in the file that `name` names.
fn floats(asked: &serde_json::Value, name: &str) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    let path = asked[name].as_str().ok_or_else(|| format!("{name} is missing"))?;
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", features());
    for line in std::io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line?)?;
        let (rows, chroma) = (floats(&asked, "rows")?, ChromaFrame::of_numbers(&floats(&asked, "chroma")?));
        let evidence = Evidence { rows: &rows, first: 0, chroma: &chroma };
        let grids: Vec<Vec<f64>> = serde_json::from_value(asked["grids"].clone())?;
        let pairs = grids.iter().flat_map(|grid| grid.windows(2));
        let out: Vec<u8> =
            pairs.flat_map(|pair| evidence.describe(pair[0], pair[1])).flat_map(f32::to_le_bytes).collect();
        std::fs::write(asked["out"].as_str().ok_or("out is missing")?, out)?;
    }
    Ok(())
}
