//! Describes music beat by beat as the net of bars sees it, for their training.
//!
//! A line of standard input is a JSON object: `rows`, a file of what `rhythm_rows` writes; `grids`, lists of beats as places in
//! these rows; `out`, the file that is written: for each grid and each beat but its last the features (f32). Prints the number
//! of features.

use std::io::BufRead;

use backline_listen::rhythm::bars::{describe, features};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", features());
    for line in std::io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line?)?;
        let bytes = std::fs::read(asked["rows"].as_str().ok_or("rows are missing")?)?;
        let rows: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let grids: Vec<Vec<f64>> = serde_json::from_value(asked["grids"].clone())?;
        let pairs = grids.iter().flat_map(|grid| grid.windows(2));
        let out: Vec<u8> =
            pairs.flat_map(|pair| describe(&rows, 0, pair[0], pair[1])).flat_map(f32::to_le_bytes).collect();
        std::fs::write(asked["out"].as_str().ok_or("out is missing")?, out)?;
    }
    Ok(())
}
