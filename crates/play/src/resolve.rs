//! Which style to play: the musician's choice, or what fits what is heard.

use backline_music::heard::StyleGuess;
use backline_music::{Metre, StyleChoice};

use crate::style::{StyleInfo, style, styles};

/// Names that listeners and musicians use for genres, and the style that plays them.
const ALIASES: &[(&str, &str)] = &[
    ("hip-hop", "hiphop"),
    ("rap", "hiphop"),
    ("boom bap", "hiphop"),
    ("lofi", "hiphop"),
    ("drum and bass", "dnb"),
    ("drum & bass", "dnb"),
    ("drumandbass", "dnb"),
    ("jungle", "dnb"),
    ("breakbeat", "dnb"),
    ("edm", "house"),
    ("dance", "house"),
    ("electronic", "house"),
    ("trance", "techno"),
    ("bossa nova", "bossa"),
    ("swing", "jazz"),
    ("bebop", "jazz"),
    ("rnb", "soul"),
    ("r&b", "soul"),
    ("gospel", "soul"),
    ("motown", "soul"),
    ("blues", "blues_shuffle"),
    ("folk", "country"),
    ("bluegrass", "country"),
    ("ska", "reggae"),
    ("dub", "reggae"),
    ("salsa", "latin"),
    ("samba", "latin"),
    ("hard rock", "rock"),
    ("alternative", "indie"),
    ("singer-songwriter", "ballad"),
    ("classical", "ballad"),
    ("ambient", "ballad"),
];

/// The style with this id, name or alias; case and blanks around it do not matter.
fn find(name: &str) -> Option<&'static StyleInfo> {
    let wanted = name.trim().to_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == wanted).map(|&(_, id)| id);
    style(alias.unwrap_or(&wanted)).or_else(|| styles().iter().find(|s| s.name.to_lowercase() == wanted))
}

/// How well a tempo suits a style, 0..=1; counted at half and double speed it suits less.
fn tempo_fit(style: &StyleInfo, tempo_bpm: f64) -> f64 {
    let [low, high] = style.tempo_bpm;
    let at = |bpm: f64| {
        let beyond = if bpm < low { low / bpm } else { bpm / high };
        if beyond <= 1.0 { 1.0 } else { libm::exp(-8.0 * libm::pow(libm::log(beyond), 2.0) / 0.25) }
    };
    at(tempo_bpm).max(0.6 * at(tempo_bpm * 2.0)).max(0.6 * at(tempo_bpm / 2.0))
}

fn metre_fit(style: &StyleInfo, metre: Metre) -> f64 {
    if style.metres[0] == metre {
        return 1.0;
    }
    if style.metres.contains(&metre) {
        return 0.75;
    }
    let triple = |m: Metre| m.is_compound() || m.tactus_per_bar().is_multiple_of(3);
    if style.metres.iter().any(|&m| triple(m) == triple(metre)) { 0.5 } else { 0.15 }
}

/// What energy and tempo alone suggest.
fn plain_prior(id: &str, heard: &StyleGuess) -> f64 {
    let energy = if heard.energy.is_finite() { f64::from(heard.energy.clamp(0.0, 1.0)) } else { 0.5 };
    match id {
        "pop" => 1.0,
        "rock" => 0.5 + energy,
        "ballad" | "sixeight_ballad" => 1.5 * (1.0 - energy),
        "waltz" => 1.0,
        _ => 0.05,
    }
}

/// The id of the style to play: the one that was chosen, if it exists; else the likeliest for what
/// is heard, weighed by how tempo and metre suit it. Always the id of a known style.
pub fn resolve_style(choice: &StyleChoice, heard: &StyleGuess, tempo_bpm: f64, metre: Metre) -> String {
    if let StyleChoice::Named(name) = choice
        && let Some(style) = find(name)
    {
        return style.id.clone();
    }
    let tempo_bpm = crate::bar::sane_tempo(tempo_bpm);
    let known: f64 =
        heard.top.iter().map(|(_, p)| if p.is_finite() { f64::from(p.max(0.0)) } else { 0.0 }).sum();
    let mut best = (f64::NEG_INFINITY, "pop");
    for style in styles() {
        let heard_prob: f64 = heard
            .top
            .iter()
            .filter(|(name, p)| p.is_finite() && find(name).is_some_and(|s| s.id == style.id))
            .map(|(_, p)| f64::from(*p))
            .sum();
        // What is not accounted for by the listener is left to tempo and metre.
        let prob = heard_prob + (1.0 - known).max(0.02) * 0.2 * plain_prior(&style.id, heard);
        let score = prob * tempo_fit(style, tempo_bpm) * metre_fit(style, metre);
        if score > best.0 {
            best = (score, &style.id);
        }
    }
    best.1.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(top: &[(&str, f32)], energy: f32) -> StyleGuess {
        StyleGuess { top: top.iter().map(|&(n, p)| (n.to_owned(), p)).collect(), energy, valence: 0.5 }
    }

    fn auto(top: &[(&str, f32)], energy: f32, bpm: f64, metre: Metre) -> String {
        resolve_style(&StyleChoice::Auto, &heard(top, energy), bpm, metre)
    }

    #[test]
    fn a_choice_counts_by_id_name_or_alias() {
        for (name, id) in [("house", "house"), ("House", "house"), (" EDM ", "house"), ("swing", "jazz")] {
            let choice = StyleChoice::Named(name.into());
            assert_eq!(resolve_style(&choice, &StyleGuess::default(), 90.0, Metre::FOUR_FOUR), id, "{name}");
        }
    }

    #[test]
    fn what_is_heard_decides_and_tempo_and_metre_weigh_in() {
        assert_eq!(auto(&[("house", 0.7), ("rock", 0.2)], 0.7, 124.0, Metre::FOUR_FOUR), "house");
        assert_eq!(auto(&[("rock", 0.45), ("house", 0.55)], 0.7, 88.0, Metre::THREE_FOUR), "rock");
        assert_eq!(auto(&[], 0.9, 130.0, Metre::FOUR_FOUR), "rock");
        assert_eq!(auto(&[], 0.3, 150.0, Metre::THREE_FOUR), "waltz");
    }

    #[test]
    fn nonsense_still_gives_a_style() {
        for bpm in [f64::NAN, 0.0, -5.0, f64::INFINITY, 1e300] {
            for top in [&[][..], &[("polka", 1.0)], &[("rock", f32::NAN)], &[("rock", -3.0)]] {
                let id = auto(top, f32::NAN, bpm, Metre { numerator: 0, denominator: 0 });
                assert!(style(&id).is_some(), "{id}");
            }
            let unknown = StyleChoice::Named("polka".into());
            assert!(style(&resolve_style(&unknown, &heard(&[], 0.5), bpm, Metre::SIX_EIGHT)).is_some());
        }
    }
}
