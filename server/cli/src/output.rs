//! Tables as Vault's command line prints them.

use keyward_api::coerce;

use crate::json::Json;

/// Prints rows below each other, each column as wide as its widest cell and four blanks more. An
/// empty cell is `n/a`; the first row is not underlined.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let shown = |cell: &String| {
        if cell.is_empty() {
            "n/a".to_owned()
        } else {
            cell.clone()
        }
    };
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(shown)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths).take(N - 1) {
            text.push_str(&format!("{cell:width$}    "));
        }
        text.push_str(&row[N - 1]);
        text.push('\n');
    }
    text
}

/// Prints a table: the names of the columns, underlined, and the rows.
pub(crate) fn table<const N: usize>(names: [&str; N], rows: Vec<[String; N]>) -> String {
    let lines = names.map(|name| "-".repeat(name.chars().count()));
    let head = [names.map(str::to_owned), lines];
    columns(&head.into_iter().chain(rows).collect::<Vec<_>>())
}

/// Prints names with their values.
pub(crate) fn pairs(rows: Vec<(String, String)>) -> String {
    table(
        ["Key", "Value"],
        rows.into_iter()
            .map(|(name, value)| [name, value])
            .collect(),
    )
}

/// Prints names with their values below a heading.
pub(crate) fn section<'a>(
    title: &str,
    entries: impl IntoIterator<Item = &'a (String, Json)>,
) -> String {
    let entries: Vec<_> = entries.into_iter().collect();
    let rows = entries
        .iter()
        .map(|(name, value)| (name.clone(), value.shown()));
    let heading = heading(title, entries.iter().map(|(name, _)| name.as_str()));
    heading + &pairs(rows.collect())
}

/// Prints the line above a table of pairs, about as wide as the names and the word `Value` below.
fn heading<'a>(title: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let widest = names.into_iter().map(str::len).max().unwrap_or(0);
    banner(title, widest + "    Value".len())
}

/// Prints a title between signs, about as wide as asked.
pub(crate) fn banner(title: &str, width: usize) -> String {
    let signs = match width.saturating_sub(title.len() + 2) {
        0 => "==".to_owned(),
        room => "=".repeat(room.div_ceil(2)),
    };
    format!("{signs} {title} {signs}\n")
}

/// Prints seconds as `1h30m`, without the units that are nothing.
pub(crate) fn duration(seconds: u64) -> String {
    let text = coerce::format_seconds(seconds);
    let text = if seconds > 0 && text.ends_with("m0s") {
        &text[..text.len() - 2]
    } else {
        &text
    };
    let text = if seconds > 0 && text.ends_with("h0m") {
        &text[..text.len() - 2]
    } else {
        text
    };
    text.to_owned()
}

/// Tells whether a field of this name holds seconds.
pub(crate) fn is_duration(name: &str) -> bool {
    const WORDS: [&str; 3] = ["duration", "period", "ttl"];
    let last = name.rsplit('_').next().unwrap_or(name);
    WORDS.contains(&last) || matches!(name, "lease_max" | "ttl_max")
}

/// Breaks a text into lines of at most `width` characters, where there are blanks.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_stand_four_blanks_apart() {
        let rows = vec![
            ("myvalue".to_owned(), "s3cr3t".to_owned()),
            ("é".to_owned(), String::new()),
        ];
        let wanted = "Key        Value\n---        -----\nmyvalue    s3cr3t\né          n/a\n";
        assert_eq!(pairs(rows), wanted);
    }

    #[test]
    fn headings_are_as_wide_as_the_peers() {
        assert_eq!(heading("Data", ["myvalue"]), "===== Data =====\n");
        assert_eq!(heading("Data", ["x"]), "== Data ==\n");
        assert_eq!(
            heading("Metadata", ["custom_metadata"]),
            "======= Metadata =======\n"
        );
        assert_eq!(
            heading("Version 1", ["created_time"]),
            "===== Version 1 =====\n"
        );
        assert_eq!(
            heading("Version 1", ["deletion_time"]),
            "====== Version 1 ======\n"
        );
        assert_eq!(
            banner("Secret Path", "secret/data/hello".len()),
            "== Secret Path ==\n"
        );
        assert_eq!(
            banner("Metadata Path", "secret/metadata/w".len()),
            "= Metadata Path =\n"
        );
        assert_eq!(banner("Secret Path", 3), "== Secret Path ==\n");
    }

    #[test]
    fn durations_lose_the_units_that_are_nothing() {
        let shown = |seconds| duration(seconds);
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(20), "20s");
        assert_eq!(shown(600), "10m");
        assert_eq!(shown(5430), "1h30m30s");
        assert_eq!(shown(5400), "1h30m");
        assert_eq!(shown(36_000), "10h");
        assert_eq!(shown(768 * 3600), "768h");
    }

    #[test]
    fn fields_that_hold_seconds_are_known_by_name() {
        for name in [
            "ttl",
            "creation_ttl",
            "period",
            "auto_rotate_period",
            "lease_duration",
        ] {
            assert!(is_duration(name), "{name}");
        }
        for name in ["creation_time", "num_uses", "ttls", "cattle"] {
            assert!(!is_duration(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_reads_back_as_itself(seconds in 0..10_000_000u64) {
            prop_assert_eq!(coerce::parse_seconds(&duration(seconds)), Ok(seconds as i64));
        }

        #[test]
        fn every_cell_begins_where_its_column_does(
            cells in proptest::collection::vec(["[a-zé]{1,9}", "[a-z]{1,9}", "[a-z]{0,9}"], 1..6)
        ) {
            let text = columns(&cells);
            let second = |row: &[String; 3]| row[1].clone();
            let place = |(line, row): (&str, &[String; 3])| {
                let bytes = row[0].len() + line[row[0].len()..].find(&second(row)).unwrap();
                line[..bytes].chars().count()
            };
            let places: Vec<_> = text.lines().zip(&cells).map(place).collect();
            prop_assert!(places.iter().all(|place| *place == places[0]), "{text}");
        }

        #[test]
        fn wrapping_keeps_every_word(text in "[a-z ]{0,80}", width in 1..30usize) {
            let lines = wrapped(&text, width);
            let words: Vec<_> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
