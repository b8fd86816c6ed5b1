use super::*;

fn judged(style: &str, verdict: Verdict, figure: Figure, value: f32) -> Judgement {
    Judgement { style: style.into(), verdict, figures: BTreeMap::from([(figure.name().to_owned(), value)]) }
}

#[test]
fn what_was_liked_is_leaned_to_and_elsewhere_less() {
    let mut taste = Taste::neutral();
    for _ in 0..6 {
        taste.learn(judged("rock", Verdict::Liked, Figure::Toms, 1.0));
        taste.learn(judged("rock", Verdict::Disliked, Figure::Toms, -1.0));
    }
    let toms = |style: &str| taste.leans(style).iter().find(|l| l.0 == Figure::Toms).map(|l| l.1);
    assert!(
        taste.leans("rock")[0].0 == Figure::Toms && toms("rock") > Some(0.5),
        "{:?}",
        taste.leans("rock")
    );
    assert!(toms("jazz") > Some(0.2) && toms("jazz") < toms("rock"));
    let mut other_way = taste.clone();
    for _ in 0..20 {
        other_way.learn(judged("rock", Verdict::Disliked, Figure::Toms, 1.0));
        other_way.learn(judged("rock", Verdict::Kept, Figure::Toms, -1.0));
    }
    let toms = other_way.leans("rock").iter().find(|l| l.0 == Figure::Toms).map(|l| l.1);
    assert!(toms < Some(-0.1), "tastes change: {toms:?}");
}

#[test]
fn a_taste_comes_back_from_its_file() {
    let mut taste = Taste::neutral();
    (0..300_u16).for_each(|i| {
        let verdict = [Verdict::Liked, Verdict::Disliked, Verdict::Kept][usize::from(i % 3)];
        taste.learn(judged(
            "funk",
            verdict,
            Figure::ALL[usize::from(i) % Figures::COUNT],
            f32::from(i) / 100.0,
        ));
    });
    assert_eq!(taste.judgements().len(), KEPT, "the newest");
    assert_eq!(Taste::from_json(&taste.to_json()).unwrap(), taste);
    assert!(Taste::from_json(&Taste::neutral().to_json()).unwrap().is_neutral());
}

#[test]
fn what_cannot_be_read_is_said_and_what_is_unknown_counts_nothing() {
    for text in ["", "{", "[]", "{}", r#"{"backline_taste":1}"#, r#"{"backline_taste":1,"judgements":[{}]}"#]
    {
        assert!(matches!(Taste::from_json(text), Err(TasteError::Damaged(_))), "{text}");
    }
    let newer = Taste::from_json(r#"{"backline_taste":7,"judgements":"elsewhere"}"#);
    assert!(matches!(newer, Err(TasteError::Newer(7))));
    let odd = r#"{"backline_taste":1,"judgements":[{"style":"zouk","verdict":"liked","figures":{"smoke":1e30,"toms":1e30}}]}"#;
    let taste = Taste::from_json(odd).unwrap();
    assert!(taste.leans("rock").iter().all(|l| l.1.is_finite()), "{:?}", taste.leans("rock"));
}

#[test]
fn takes_lean_both_ways_and_stay_in_range() {
    let middle = Controls::default();
    for knob in [|c: &Controls| c.energy, |c: &Controls| c.density, |c: &Controls| c.brightness] {
        assert_eq!(Take::ALL.iter().map(|t| knob(&t.controls(&middle))).sum::<f32>(), 0.0);
    }
    let full = Controls { energy: 1.0, density: -1.0, ..Controls::default() };
    assert!(Take::ALL.iter().all(|t| t.controls(&full) == t.controls(&full).sanitised()));
    assert_eq!(Take::PLAIN.controls(&full), full);
}
