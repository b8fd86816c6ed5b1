//! The command line's words.

use std::path::PathBuf;

use backline_engine::{Models, Taste, TasteFile};
use backline_music::{Controls, Part, StyleChoice};
use clap::{Args, Parser, Subcommand};

/// The band that listens: hears a recording, and plays along with it.
#[derive(Debug, Parser)]
#[command(name = "backline", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 nothing found (silence, no beat), 2 error.";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what is heard in a recording: tempo, beats, key, chords, drums, melody, loudness, style
    #[command(after_help = EXIT_CODES)]
    Analyze(Analyze),
    /// Play along with a recording: write the band as MIDI and as sound
    #[command(after_help = EXIT_CODES)]
    Accompany(Accompany),
    /// Write the demo song and what is true of it
    Demo(Demo),
    /// List the styles that the band can play
    Styles,
    /// Show, export or forget what the band has learnt of your taste (it stays on this computer)
    #[command(after_help = EXIT_CODES)]
    Taste(TasteArgs),
}

/// `backline analyze`
#[derive(Debug, Args)]
pub struct Analyze {
    /// The recording: WAV, AIFF, FLAC, MP3 or Ogg Vorbis
    pub file: PathBuf,
    /// Only what the plug-in would have known at each moment, with the time of each decision
    #[arg(long, conflicts_with = "offline")]
    pub online: bool,
    /// With the whole recording known (this is the default)
    #[arg(long)]
    pub offline: bool,
    /// Write the analysis as JSON to this file (one that is there is replaced), or to the output with `-`
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// What to hear with
    #[command(flatten)]
    pub hearing: Hearing,
}

/// What is heard with.
#[derive(Debug, Args)]
pub struct Hearing {
    /// Take the nets from this folder (by default those built in, or those in $BACKLINE_MODELS)
    #[arg(long, value_name = "DIR", conflicts_with = "rules")]
    models: Option<PathBuf>,
    /// Hear by rules alone, without the nets
    #[arg(long)]
    rules: bool,
}

impl Hearing {
    /// The nets that were asked for, as far as they can be had; the analysis' notices name the others.
    pub fn models(&self) -> Models {
        match &self.models {
            _ if self.rules => Models::none(),
            Some(folder) => Models::from_folder(folder),
            None => Models::installed(),
        }
    }
}

/// `backline accompany`
#[derive(Debug, Args)]
pub struct Accompany {
    /// The recording: WAV, AIFF, FLAC, MP3 or Ogg Vorbis
    pub file: PathBuf,
    /// The folder to write into; it is made if it is not there. What an earlier run wrote there is replaced,
    /// the recording never
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Style to play in: `auto`, or an id that `backline styles` lists
    #[arg(long, default_value = "auto", value_parser = style)]
    pub style: String,
    /// -1 calm, 0 as heard, 1 energetic
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_parser = minus_one_to_one)]
    pub energy: f32,
    /// -1 dark, 0 as heard, 1 bright
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_parser = minus_one_to_one)]
    pub brightness: f32,
    /// -1 sparse, 0 as the style has it, 1 busy
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_parser = minus_one_to_one)]
    pub density: f32,
    /// Added to the style's own swing: -1 to 1
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_parser = minus_one_to_one)]
    pub swing: f32,
    /// 0 on the grid, 1 loose
    #[arg(long, visible_alias = "humanize", default_value_t = 0.3, value_parser = zero_to_one)]
    pub humanise: f32,
    /// 0 always the likeliest choice, 1 adventurous
    #[arg(long, default_value_t = 0.3, value_parser = zero_to_one)]
    pub temperature: f32,
    /// The same seed gives the same notes
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u32,
    /// Play only this many bars
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub bars: Option<u32>,
    /// Who plays: any of drums,chords,bass
    #[arg(long, value_delimiter = ',', value_parser = part, default_value = "drums,chords,bass")]
    pub parts: Vec<Part>,
    /// Choose among takes by a taste: this file, or your own if none is named (by default by none, so that the
    /// same command always gives the same notes)
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[allow(clippy::option_option)] // asked for, and with a name
    pub taste: Option<Option<PathBuf>>,
    /// What to hear with
    #[command(flatten)]
    pub hearing: Hearing,
}

impl Accompany {
    /// The taste that was asked for.
    ///
    /// # Errors
    /// It cannot be read, or a file was named that is not there.
    pub fn taste(&self) -> anyhow::Result<Taste> {
        let file = match &self.taste {
            None => return Ok(Taste::neutral()),
            Some(None) => TasteFile::own()?,
            Some(Some(path)) => {
                anyhow::ensure!(
                    path.exists(),
                    "there is no taste in {}; `backline taste show` tells where yours is",
                    path.display()
                );
                TasteFile::at(path)
            }
        };
        Ok(file.read()?)
    }

    /// The knobs as they were set.
    pub fn controls(&self) -> Controls {
        let style = match self.style.as_str() {
            "auto" => StyleChoice::Auto,
            id => StyleChoice::Named(id.to_owned()),
        };
        let mut parts_on = [false; 3];
        for part in &self.parts {
            parts_on[part.index()] = true;
        }
        Controls {
            style,
            energy: self.energy,
            brightness: self.brightness,
            density: self.density,
            swing: self.swing,
            humanise: self.humanise,
            temperature: self.temperature,
            seed: self.seed,
            parts_on,
            ..Controls::default()
        }
    }
}

/// `backline taste`
#[derive(Debug, Args)]
pub struct TasteArgs {
    /// What to do with it
    #[command(subcommand)]
    pub verb: TasteVerb,
    /// Another taste than your own
    #[arg(long, value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
}

/// What can be done with a taste.
#[derive(Debug, Subcommand)]
pub enum TasteVerb {
    /// Say what was judged, and what it leans to
    Show,
    /// Write it to a file, to be kept or carried to another computer
    Export {
        /// The file to write
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
    /// Forget it
    Reset,
}

/// `backline demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder to write into; it is made if it is not there
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Also write the songs that the tests hear
    #[arg(long)]
    pub all: bool,
}

fn style(text: &str) -> Result<String, String> {
    let known = || backline_play::styles().iter().map(|s| s.id.as_str());
    if text == "auto" || known().any(|id| id == text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "the band does not know this style. Choose auto or one of: {}",
            known().collect::<Vec<_>>().join(", ")
        ))
    }
}

fn part(text: &str) -> Result<Part, String> {
    Part::ALL
        .into_iter()
        .find(|p| p.name().eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| "nobody in the band plays this. Choose from: drums, chords, bass".to_owned())
}

fn minus_one_to_one(text: &str) -> Result<f32, String> {
    in_range(text, -1.0)
}

fn zero_to_one(text: &str) -> Result<f32, String> {
    in_range(text, 0.0)
}

fn in_range(text: &str, low: f32) -> Result<f32, String> {
    text.parse::<f32>()
        .ok()
        .filter(|v| (low..=1.0).contains(v))
        .ok_or_else(|| format!("the knob goes from {low} to 1"))
}
