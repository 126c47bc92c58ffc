//! What people have, take and are given: illnesses with their medicines, vaccines by age, names and places.

/// A code with its words.
pub(super) type Coded = (&'static str, &'static str);

/// A medicine of RxNorm, and how it is taken.
pub(super) type Drug = (Coded, &'static str);

/// An illness that stays.
#[derive(Debug)]
pub(super) struct Illness {
    /// SNOMED CT.
    pub(super) code: Coded,
    /// From this age on.
    pub(super) from: i32,
    /// How many of a hundred get it.
    pub(super) percent: i32,
    /// RxNorm, the first of them first; with how it is taken.
    pub(super) drugs: &'static [Drug],
    /// What the laboratory looks at on every visit, as [`super::measure`] names it.
    pub(super) panels: &'static [&'static str],
}

pub(super) const DIABETES: &str = "44054006";
pub(super) const HYPERTENSION: &str = "59621000";
pub(super) const HYPOTHYROIDISM: &str = "40930008";
pub(super) const KIDNEY: &str = "433144002";
pub(super) const OBESITY: &str = "414916001";

const DAILY: &str = "Take one tablet a day";

pub(super) const ILLNESSES: &[Illness] = &[
    Illness {
        code: (HYPERTENSION, "Essential hypertension"),
        from: 38,
        percent: 42,
        drugs: &[
            (("314076", "lisinopril 10 MG Oral Tablet"), DAILY),
            (("314077", "lisinopril 20 MG Oral Tablet"), DAILY),
            (("979492", "losartan potassium 50 MG Oral Tablet"), DAILY),
            (("197361", "amlodipine 5 MG Oral Tablet"), DAILY),
        ],
        panels: &["renal"],
    },
    Illness {
        code: (DIABETES, "Diabetes mellitus type 2"),
        from: 40,
        percent: 16,
        drugs: &[
            (
                ("861007", "metformin hydrochloride 500 MG Oral Tablet"),
                "Take one tablet twice a day with meals",
            ),
            (
                ("861004", "metformin hydrochloride 1000 MG Oral Tablet"),
                "Take one tablet twice a day with meals",
            ),
        ],
        panels: &["sugar", "renal", "lipids"],
    },
    Illness {
        code: ("55822004", "Hyperlipidemia"),
        from: 40,
        percent: 30,
        drugs: &[(
            ("617310", "atorvastatin 20 MG Oral Tablet"),
            "Take one tablet in the evening",
        )],
        panels: &["lipids"],
    },
    Illness {
        code: (HYPOTHYROIDISM, "Hypothyroidism"),
        from: 25,
        percent: 7,
        drugs: &[(
            ("966222", "levothyroxine sodium 0.075 MG Oral Tablet"),
            "Take one tablet in the morning before breakfast",
        )],
        panels: &["thyroid"],
    },
    Illness {
        code: ("426979002", "Mild persistent asthma"),
        from: 6,
        percent: 9,
        drugs: &[
            (
                (
                    "895994",
                    "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler",
                ),
                "Two puffs twice a day",
            ),
            (
                (
                    "2123111",
                    "NDA020503 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler",
                ),
                "Two puffs when short of breath",
            ),
        ],
        panels: &[],
    },
    Illness {
        code: ("13645005", "Chronic obstructive lung disease"),
        from: 55,
        percent: 9,
        drugs: &[(
            (
                "896209",
                "60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler",
            ),
            "One inhalation twice a day",
        )],
        panels: &["blood"],
    },
    Illness {
        code: ("49436004", "Atrial fibrillation"),
        from: 62,
        percent: 10,
        drugs: &[
            (
                (
                    "866436",
                    "24 HR metoprolol succinate 50 MG Extended Release Oral Tablet",
                ),
                DAILY,
            ),
            (
                ("855332", "warfarin sodium 5 MG Oral Tablet"),
                "Take as told after each INR",
            ),
        ],
        panels: &["clotting"],
    },
    Illness {
        code: (KIDNEY, "Chronic kidney disease stage 3"),
        from: 58,
        percent: 9,
        drugs: &[],
        panels: &["renal", "blood"],
    },
    Illness {
        code: ("370143000", "Major depressive disorder"),
        from: 18,
        percent: 9,
        drugs: &[(("312941", "sertraline 50 MG Oral Tablet"), DAILY)],
        panels: &[],
    },
    Illness {
        code: ("239873007", "Osteoarthritis of knee"),
        from: 55,
        percent: 18,
        drugs: &[(
            ("849574", "naproxen sodium 220 MG Oral Tablet"),
            "Take one tablet twice a day with food when in pain",
        )],
        panels: &[],
    },
    Illness {
        code: (OBESITY, "Obesity"),
        from: 20,
        percent: 24,
        drugs: &[],
        panels: &["lipids"],
    },
];

/// SNOMED CT, of illnesses that pass, with the days they last and what is given.
pub(super) const PASSING: &[(Coded, i32, Option<Drug>)] = &[
    (
        ("3110003", "Acute otitis media"),
        14,
        Some((
            ("308189", "amoxicillin 80 MG/ML Oral Suspension"),
            "Take twice a day for ten days",
        )),
    ),
    (("233604007", "Pneumonia"), 28, None),
    (
        ("271737000", "Anemia"),
        120,
        Some((("310325", "ferrous sulfate 325 MG Oral Tablet"), DAILY)),
    ),
];

/// SNOMED CT or RxNorm, by category.
pub(super) const ALLERGIES: &[(&str, Coded, &str)] = &[
    (
        "medication",
        ("7980", "penicillin G"),
        "http://www.nlm.nih.gov/research/umls/rxnorm",
    ),
    ("medication", ("387406002", "Sulfonamide"), "http://snomed.info/sct"),
    ("food", ("762952008", "Peanut"), "http://snomed.info/sct"),
    (
        "environment",
        ("260147004", "House dust mite"),
        "http://snomed.info/sct",
    ),
    ("environment", ("111088007", "Latex"), "http://snomed.info/sct"),
];

pub(super) const REACTIONS: &[Coded] = &[
    ("271807003", "Eruption of skin"),
    ("126485001", "Urticaria"),
    ("49727002", "Cough"),
];

/// CVX, with the age in months at which it is due.
pub(super) const CHILDHOOD: &[(i32, Coded)] = &[
    (0, ("08", "Hep B, adolescent or pediatric")),
    (2, ("20", "DTaP")),
    (2, ("10", "IPV")),
    (2, ("133", "Pneumococcal conjugate PCV 13")),
    (4, ("20", "DTaP")),
    (4, ("10", "IPV")),
    (6, ("20", "DTaP")),
    (12, ("03", "MMR")),
    (12, ("21", "Varicella")),
    (12, ("83", "Hep A, pediatric/adolescent, 2 dose")),
    (15, ("20", "DTaP")),
    (48, ("03", "MMR")),
    (48, ("10", "IPV")),
    (132, ("115", "Tdap")),
    (132, ("165", "HPV9")),
];

pub(super) const INFLUENZA: Coded = ("140", "Influenza, seasonal, injectable, preservative free");
pub(super) const ZOSTER: Coded = ("187", "Zoster recombinant");
pub(super) const TDAP: Coded = ("115", "Tdap");

pub(super) const FAMILIES: &[&str] = &[
    "Abernov",
    "Bramwick",
    "Castellund",
    "Dovrin",
    "Eskildar",
    "Farrowby",
    "Guntherson",
    "Hollowell",
    "Ibarren",
    "Jankowic",
    "Kestrelle",
    "Lindqvar",
    "Marchbank",
    "Nakatomi",
    "Okonjwa",
    "Pemberlin",
    "Quillory",
    "Rasmundi",
    "Sandovar",
    "Thackwell",
    "Ulvarez",
    "Vantongen",
    "Wexholm",
    "Xiangly",
    "Yardleigh",
    "Zamorin",
];
pub(super) const WOMEN: &[&str] = &[
    "Ada",
    "Bianca",
    "Chiara",
    "Delphine",
    "Esther",
    "Fatima",
    "Grace",
    "Hana",
    "Irene",
    "Joana",
    "Kavya",
    "Lucia",
    "Mei",
    "Nadia",
    "Olive",
    "Petra",
    "Rosa",
    "Sofia",
    "Tamsin",
    "Ursula",
    "Valentina",
    "Wanda",
    "Yara",
    "Zoe",
];
pub(super) const MEN: &[&str] = &[
    "Anton", "Bruno", "Cedric", "Diego", "Emeka", "Felix", "Gustav", "Hamid", "Ivan", "Jorge", "Kenji", "Leon",
    "Mateo", "Nils", "Omar", "Pavel", "Rafael", "Samir", "Tomas", "Ulrich", "Viktor", "Wei", "Yusuf", "Zane",
];
pub(super) const TOWNS: &[(&str, &str)] = &[
    ("Mockford", "01926"),
    ("Specimen Bay", "01931"),
    ("Fixture Falls", "01947"),
    ("Testerham", "01958"),
    ("Sampleton Green", "01969"),
];
/// BCP 47.
pub(super) const LANGUAGES: &[Coded] = &[
    ("en", "English"),
    ("en", "English"),
    ("en", "English"),
    ("es", "Spanish"),
    ("zh", "Chinese"),
    ("pt", "Portuguese"),
];

/// Race and ethnicity of the CDC, as US Core writes them.
pub(super) const RACES: &[Coded] = &[
    ("2106-3", "White"),
    ("2106-3", "White"),
    ("2054-5", "Black or African American"),
    ("2028-9", "Asian"),
    ("1002-5", "American Indian or Alaska Native"),
];
pub(super) const ETHNICITIES: &[Coded] = &[
    ("2186-5", "Not Hispanic or Latino"),
    ("2186-5", "Not Hispanic or Latino"),
    ("2135-2", "Hispanic or Latino"),
];
