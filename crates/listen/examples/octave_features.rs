//! Describes grids of beats as the judge of tempo octaves sees them, for its training.
//!
//! A line of standard input is a JSON object: `said`, a file of what the rhythm net said (f32, 15 a frame: the logits of beat,
//! downbeat, five strokes and onset, the probabilities of the metres), and `grids`, lists of beats in frames. For each a line
//! comes back: a list with, for each grid, `null` or one list of features for each of its relatives.

use std::io::BufRead;

use backline_listen::rhythm::net::frames_said;
use backline_listen::rhythm::octave::{RELATIVES, features, relative};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line?)?;
        let bytes = std::fs::read(asked["said"].as_str().ok_or("said is missing")?)?;
        let said: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let frames = frames_said(&said);
        let grids: Vec<Vec<f64>> = serde_json::from_value(asked["grids"].clone())?;
        let described: Vec<Vec<Option<Vec<f32>>>> = grids
            .iter()
            .map(|grid| {
                RELATIVES.iter().map(|r| features(&frames, &relative(grid, *r)).map(|x| x.to_vec())).collect()
            })
            .collect();
        println!("{}", serde_json::to_string(&described)?);
    }
    Ok(())
}
