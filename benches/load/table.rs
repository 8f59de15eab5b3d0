//! What was measured, as a Markdown table.

use std::fmt;

use super::browser::Load;

/// Rows beside what was aimed at.
#[derive(Default)]
pub struct Table(Vec<[String; 5]>);

impl Table {
    /// A page under load.
    pub fn load(&mut self, name: &str, load: &Load, aim: &str) {
        let ms = |share| format!("{:.1}", load.at(share).as_secs_f64() * 1e3);
        let per_second = format!("{:.0}/s", load.per_second());
        eprintln!("  {name}: {per_second}, p50 {} ms, p99 {} ms", ms(0.5), ms(0.99));
        self.0.push([name.to_owned(), per_second, ms(0.5), ms(0.99), aim.to_owned()]);
    }

    /// One figure.
    pub fn figure(&mut self, name: &str, value: impl Into<String>, aim: &str) {
        let value = value.into();
        eprintln!("  {name}: {value}");
        self.0.push([name.to_owned(), value, String::new(), String::new(), aim.to_owned()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | figure | p50 ms | p99 ms | aim |\n|---|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}
