//! Lead sheets as MusicXML 4.0, partwise: chord symbols over empty bars, with metre, key and tempo.
//!
//! The form is that of the W3C Music Notation Community Group, "MusicXML 4.0" (2021).

use std::fmt::Write as _;
use std::path::Path;

use backline_music::{Chord, Key, Metre, Mode, NoteName, PlannedBar, Quality};

use crate::whole::write_bytes;
use crate::{FileError, Keys};

/// Divisions of a quarter note; chords are placed to the nearest.
const DIVISIONS: f64 = 480.0;
/// A change of tempo smaller than this share is not written.
const SAME_TEMPO: f64 = 0.02;

/// A song's harmony, bar by bar.
#[derive(Debug, Clone)]
pub struct LeadSheet<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its bars; notes are left out.
    pub bars: &'a [PlannedBar],
    /// Its keys, told at the bar lines that lie nearest to where they change.
    pub keys: Keys,
}

impl LeadSheet<'_> {
    /// The file's text; the same sheet gives the same text.
    pub fn to_xml(&self) -> String {
        let mut xml = String::from(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n",
            "<!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" ",
            "\"http://www.musicxml.org/dtds/partwise.dtd\">\n",
            "<score-partwise version=\"4.0\">\n",
        ));
        let title = escaped(self.title);
        // Writing into a String cannot fail.
        let _ = writeln!(xml, "  <work><work-title>{title}</work-title></work>");
        let _ = writeln!(
            xml,
            "  <identification><encoding><software>Backline</software></encoding></identification>"
        );
        xml.push_str("  <part-list>\n    <score-part id=\"P1\"><part-name>Chords</part-name></score-part>\n  </part-list>\n");
        xml.push_str("  <part id=\"P1\">\n");
        let keys = self.keys.at_bar_lines(self.bars);
        let (mut metre, mut key, mut tempo, mut symbol) = (None, None, None, None);
        // A pickup is bar 0: bar 1 is where the first whole bar begins.
        let pickup = matches!(self.bars, [first, second, ..]
            if first.start_beat < -1e-6 && first.metre.bar_quarters() < second.metre.bar_quarters());
        for (number, bar) in (u32::from(!pickup)..).zip(self.bars) {
            let implicit = if number == 0 { " implicit=\"yes\"" } else { "" };
            let _ = writeln!(xml, "    <measure number=\"{number}\"{implicit}>");
            let now = (keys.at(bar.start_beat), bar.metre);
            attributes(&mut xml, now, (&mut key, &mut metre));
            tempo_mark(&mut xml, bar, &mut tempo);
            for planned in &bar.chords {
                // As on any lead sheet, a chord that goes on is not written again.
                if symbol.replace(planned.chord) == Some(planned.chord) {
                    continue;
                }
                let offset = ((planned.start_beat - bar.start_beat) * DIVISIONS).round();
                let offset = offset.clamp(0.0, bar.metre.bar_quarters() * DIVISIONS);
                harmony(&mut xml, planned.chord, keys.at(planned.start_beat), offset);
            }
            let duration = (bar.metre.bar_quarters() * DIVISIONS).round();
            let _ = writeln!(
                xml,
                "      <note><rest measure=\"yes\"/><duration>{duration:.0}</duration><voice>1</voice></note>"
            );
            xml.push_str("    </measure>\n");
        }
        if self.bars.is_empty() {
            // A part has a measure at least.
            xml.push_str("    <measure number=\"1\"/>\n");
        }
        xml.push_str("  </part>\n</score-partwise>\n");
        xml
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The folder or the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_bytes(path, self.to_xml().as_bytes())
    }
}

/// Key and metre where they change.
fn attributes(xml: &mut String, now: (Option<Key>, Metre), last: (&mut Option<Key>, &mut Option<Metre>)) {
    let (key, metre) = now;
    let first = last.1.is_none();
    let (old_key, old_metre) = (std::mem::replace(last.0, key), last.1.replace(metre));
    let (key, metre) = (key.filter(|_| key != old_key), Some(metre).filter(|_| Some(metre) != old_metre));
    if key.is_none() && metre.is_none() {
        return;
    }
    xml.push_str("      <attributes>");
    if first {
        let _ = write!(xml, "<divisions>{DIVISIONS:.0}</divisions>");
    }
    if let Some(key) = key {
        let mode = if key.mode == Mode::Minor { "minor" } else { "major" };
        let _ = write!(xml, "<key><fifths>{}</fifths><mode>{mode}</mode></key>", key.accidentals());
    }
    if let Some(Metre { numerator, denominator }) = metre {
        let _ = write!(xml, "<time><beats>{numerator}</beats><beat-type>{denominator}</beat-type></time>");
    }
    if first {
        xml.push_str("<clef><sign>G</sign><line>2</line></clef>");
    }
    xml.push_str("</attributes>\n");
}

fn tempo_mark(xml: &mut String, bar: &PlannedBar, last: &mut Option<f64>) {
    let bpm = bar.tempo_bpm;
    if !bpm.is_finite() || bpm <= 0.0 || last.is_some_and(|last: f64| (bpm / last - 1.0).abs() < SAME_TEMPO) {
        return;
    }
    *last = Some(bpm);
    // Compound metres are counted in dotted quarters; what is played is counted in quarters.
    let (unit, beats) = if bar.metre.is_compound() {
        ("<beat-unit>quarter</beat-unit><beat-unit-dot/>", bpm / 1.5)
    } else {
        ("<beat-unit>quarter</beat-unit>", bpm)
    };
    let _ = writeln!(
        xml,
        "      <direction placement=\"above\"><direction-type><metronome>{unit}\
         <per-minute>{beats:.0}</per-minute></metronome></direction-type><sound tempo=\"{bpm:.2}\"/></direction>"
    );
}

fn harmony(xml: &mut String, chord: Option<Chord>, key: Option<Key>, offset: f64) {
    xml.push_str("      <harmony>");
    match chord {
        Some(chord) => {
            let (root, bass) = chord.names_in(key);
            pitch(xml, "root", root);
            let _ = write!(xml, "<kind text=\"{}\">{}</kind>", chord.quality.suffix(), kind(chord.quality));
            if chord.bass != chord.root {
                pitch(xml, "bass", bass);
            }
        }
        // The form wants a root even where there is none; its text says what is meant.
        None => {
            xml.push_str("<root><root-step text=\"\">C</root-step></root><kind text=\"N.C.\">none</kind>")
        }
    }
    let _ = writeln!(xml, "<offset>{offset:.0}</offset></harmony>");
}

fn pitch(xml: &mut String, what: &str, name: NoteName) {
    let (step, alter) = (name.letter(), name.alter());
    let _ = write!(xml, "<{what}><{what}-step>{step}</{what}-step>");
    if alter != 0 {
        let _ = write!(xml, "<{what}-alter>{alter}</{what}-alter>");
    }
    let _ = write!(xml, "</{what}>");
}

/// MusicXML's word for a kind of chord.
const fn kind(quality: Quality) -> &'static str {
    match quality {
        Quality::Maj => "major",
        Quality::Min => "minor",
        Quality::Dom7 => "dominant",
        Quality::Maj7 => "major-seventh",
        Quality::Min7 => "minor-seventh",
        Quality::Dim => "diminished",
        Quality::Aug => "augmented",
        Quality::Sus2 => "suspended-second",
        Quality::Sus4 => "suspended-fourth",
        Quality::Hdim7 => "half-diminished",
        Quality::Dim7 => "diminished-seventh",
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no place for most control characters.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use backline_music::{PitchClass, PlannedChord};

    use super::*;

    /// A reader that knows elements, attributes and text, and nothing else: enough to read back what is
    /// written here, and strict about what is opened and closed.
    #[derive(Debug, Default, Clone, PartialEq)]
    struct Node {
        name: String,
        attributes: String,
        text: String,
        children: Vec<Node>,
    }

    impl Node {
        fn read(xml: &str) -> Node {
            let mut stack = vec![Node::default()];
            let mut rest = xml;
            while let Some(open) = rest.find('<') {
                stack.last_mut().unwrap().text.push_str(rest[..open].trim());
                let close = open + rest[open..].find('>').expect("a tag ends");
                let tag = &rest[open + 1..close];
                rest = &rest[close + 1..];
                if tag.starts_with('?') || tag.starts_with('!') {
                    continue;
                }
                if let Some(name) = tag.strip_prefix('/') {
                    let node = stack.pop().unwrap();
                    assert_eq!(node.name, name, "what is closed was open");
                    stack.last_mut().unwrap().children.push(node);
                    continue;
                }
                let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
                let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
                let node = Node { name: name.into(), attributes: attributes.into(), ..Node::default() };
                if alone {
                    stack.last_mut().unwrap().children.push(node);
                } else {
                    stack.push(node);
                }
            }
            assert_eq!(stack.len(), 1, "everything is closed");
            stack.remove(0).children.remove(0)
        }

        fn all<'a>(&'a self, name: &str) -> Vec<&'a Node> {
            let mut found = Vec::new();
            for child in &self.children {
                if child.name == name {
                    found.push(child);
                }
                found.extend(child.all(name));
            }
            found
        }

        fn say(&self, name: &str) -> String {
            self.all(name).first().map_or(String::new(), |node| node.text.clone())
        }
    }

    fn bar(index: i64, metre: Metre, tempo_bpm: f64, chords: &[(f64, f64, &str)]) -> PlannedBar {
        #[allow(clippy::cast_precision_loss)]
        let start_beat = index as f64 * 4.0;
        let chord = |&(at, length_beats, label): &(f64, f64, &str)| PlannedChord {
            start_beat: start_beat + at,
            length_beats,
            chord: label.parse().ok(),
            prob: 1.0,
        };
        PlannedBar {
            index,
            start_beat,
            metre,
            tempo_bpm,
            style: "rock".into(),
            fill: false,
            chords: chords.iter().map(chord).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_sheet_reads_back() {
        let four = Metre::FOUR_FOUR;
        let bars = [
            bar(0, four, 96.0, &[(0.0, 4.0, "A:min7")]),
            bar(1, four, 96.5, &[(0.0, 2.0, "A:min7"), (2.0, 2.0, "Db:maj/3")]),
            bar(2, Metre::THREE_FOUR, 120.0, &[(0.0, 3.0, "N")]),
        ];
        let key = Some(Key::new(PitchClass::A, Mode::Minor));
        let xml = LeadSheet { title: "Rock & <roll>", bars: &bars, keys: key.into() }.to_xml();
        let score = Node::read(&xml);
        assert_eq!((score.name.as_str(), score.attributes.as_str()), ("score-partwise", "version=\"4.0\""));
        assert_eq!(score.say("work-title"), "Rock &amp; &lt;roll&gt;");
        let measures = score.all("measure");
        assert_eq!(measures.len(), 3);
        assert_eq!(score.say("fifths"), "0");
        assert_eq!(score.say("mode"), "minor");
        assert_eq!(measures[0].say("beats"), "4");
        assert!(measures[1].all("time").is_empty(), "a metre is written where it changes");
        assert_eq!(measures[2].say("beats"), "3");
        let durations: Vec<String> = measures.iter().map(|m| m.say("duration")).collect();
        assert_eq!(durations, ["1920", "1920", "1440"]);
        let tempi: Vec<String> = score.all("per-minute").iter().map(|n| n.text.clone()).collect();
        assert_eq!(tempi, ["96", "120"]);
        // The chord that goes on into bar 2 is written once.
        let chords: Vec<Vec<&Node>> = measures.iter().map(|m| m.all("harmony")).collect();
        assert_eq!(chords.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(
            (chords[0][0].say("root-step"), chords[0][0].say("kind")),
            ("A".into(), "minor-seventh".into())
        );
        let slash = chords[1][0];
        assert_eq!((slash.say("root-step"), slash.say("root-alter")), ("D".into(), "-1".into()));
        assert_eq!((slash.say("bass-step"), slash.say("bass-alter")), ("F".into(), String::new()));
        assert_eq!(slash.say("offset"), "960");
        assert_eq!(chords[2][0].say("kind"), "none");
    }

    #[test]
    fn notes_are_spelt_in_the_key() {
        let chords = [(0.0, 2.0, "C#:min"), (2.0, 2.0, "B:maj/3")];
        let key = Some(Key::new(PitchClass::E, Mode::Major));
        let sheet =
            LeadSheet { title: "", bars: &[bar(0, Metre::FOUR_FOUR, 96.0, &chords)], keys: key.into() };
        let score = Node::read(&sheet.to_xml());
        let said = score.all("harmony");
        let words = |node: &Node| ["root-step", "root-alter", "bass-step", "bass-alter"].map(|w| node.say(w));
        assert_eq!(words(said[0]), ["C", "1", "", ""]);
        assert_eq!(words(said[1]), ["B", "", "D", "1"]);
    }

    #[test]
    fn a_change_of_key_is_written_and_spelt() {
        let chords = [[(0.0, 4.0, "C")], [(0.0, 4.0, "Ab")], [(0.0, 4.0, "E")], [(0.0, 4.0, "Ab:min")]];
        let bars: Vec<PlannedBar> =
            (0..4).map(|i| bar(i, Metre::FOUR_FOUR, 96.0, &chords[i as usize])).collect();
        let major = |root| Key::new(root, Mode::Major);
        // The ear is a little late.
        let keys = Keys::new([(0.3, major(PitchClass::C)), (8.7, major(PitchClass::E))]);
        let score = Node::read(&LeadSheet { title: "", bars: &bars, keys }.to_xml());
        let measures = score.all("measure");
        let fifths: Vec<Vec<String>> =
            measures.iter().map(|m| m.all("fifths").iter().map(|n| n.text.clone()).collect()).collect();
        assert_eq!(fifths, [vec!["0".to_owned()], vec![], vec!["4".to_owned()], vec![]]);
        assert!(measures[2].all("time").is_empty() && measures[2].all("divisions").is_empty());
        let roots: Vec<String> =
            measures.iter().map(|m| format!("{}{}", m.say("root-step"), m.say("root-alter"))).collect();
        assert_eq!(roots, ["C", "A-1", "E", "G1"]);
    }

    #[test]
    fn every_chord_can_be_written() {
        for root in 0..12 {
            for quality in Quality::ALL {
                let mut xml = String::new();
                let chord = Chord::new(PitchClass::new(root), quality).over(PitchClass::new(root + 7));
                harmony(&mut xml, Some(chord), None, 0.0);
                let read = Node::read(&xml);
                let alter: i32 = read.say("root-alter").parse().unwrap_or(0);
                let natural: PitchClass = read.say("root-step").parse().unwrap();
                assert_eq!(natural.up(alter), chord.root, "{chord}");
            }
        }
        assert!(
            Node::read(&LeadSheet { title: "", bars: &[], keys: Keys::default() }.to_xml())
                .all("measure")
                .len()
                == 1
        );
    }
}
