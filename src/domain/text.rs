//! What people type into forms: trimmed, bounded, comparable.

/// Control characters have no place in a name; PostgreSQL refuses NUL everywhere. Bidirectional overrides could make a
/// name look like another one.
fn is_unwanted(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// One line of text: unwanted characters taken out, white space folded, ends trimmed.
#[must_use]
pub fn one_line(input: &str) -> String {
    let mut line = String::with_capacity(input.len());
    for word in input.split_whitespace() {
        let clean: String = word.chars().filter(|c| !is_unwanted(*c)).collect();
        if clean.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&clean);
    }
    line
}

/// Text of several lines: line ends made equal, unwanted characters taken out, ends trimmed.
#[must_use]
pub fn lines(input: &str) -> String {
    typed(input).trim().to_owned()
}

/// Text of several lines as it is being typed: line ends made equal, unwanted characters taken out, nothing trimmed.
#[must_use]
pub fn typed(input: &str) -> String {
    let text = input.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unwanted(*c)).collect()
}

/// A form of a name by which names are compared and sorted: case does not matter.
#[must_use]
pub fn key(name: &str) -> String {
    one_line(name).to_lowercase()
}

/// At most `max` characters; a cut is marked by "…".
#[must_use]
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The first words of a message, on one line.
#[must_use]
pub fn preview(body: &str) -> String {
    shorten(&one_line(body), 140)
}

/// A number with thousands separators: 1,284.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 conversation", "1,284 conversations".
#[must_use]
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Escapes a word for SQL `LIKE … ESCAPE '\'`.
#[must_use]
pub fn like_pattern(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "item", "items"), "1 item");
        assert_eq!(counted(2041, "item", "items"), "2,041 items");
    }

    #[test]
    fn like_patterns_take_wildcards_literally() {
        assert_eq!(like_pattern("50%_\\"), "%50\\%\\_\\\\%");
    }

    proptest! {
        #[test]
        fn one_line_is_stable_and_clean(input in ".*") {
            let line = one_line(&input);
            prop_assert!(!line.chars().any(is_unwanted));
            prop_assert_eq!(one_line(&line), line);
        }

        #[test]
        fn shortening_keeps_the_bound(input in ".*", max in 1_usize..50) {
            prop_assert!(shorten(&input, max).chars().count() <= max);
        }
    }
}
