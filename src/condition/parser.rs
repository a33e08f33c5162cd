//! Words -> a condition, with every name looked up and every comparison checked.
//!
//! NOT binds more tightly than AND, and AND than OR. Lists of AND and OR are read in one go, however long they are; only
//! brackets make the parser go deeper, and these are counted.

use std::collections::HashMap;

use super::fault::Fault;
use super::literal::Number;
use super::moment::{day, moment};
use super::operands::{Operand, What};
use super::words::{Word, words};
use super::{Comparison, Condition, DEEPEST, Subject, Value};
use crate::error::{Result, nearest_or_all};

/// A condition, and which of the subjects its columns are, in the order of their numbers.
pub(crate) type Parsed = (Condition, Vec<usize>);

/// Reads a condition about some columns.
///
/// # Errors
/// [`Error::Option`](crate::error::Error::Option) that points at the place in the text.
pub(crate) fn parse(text: &str, subjects: &[Subject]) -> Result<Parsed> {
    read(text, subjects).map_err(|fault| fault.in_text(text))
}

fn read(text: &str, subjects: &[Subject]) -> Result<Parsed, Fault> {
    let mut places = HashMap::new();
    for (place, subject) in subjects.iter().enumerate() {
        // A name in its own spelling goes before one that differs in case.
        places.insert(subject.name.clone(), place);
        places.entry(subject.name.to_lowercase()).or_insert(place);
    }
    let words = words(text)?;
    let mut parser =
        Parser { words: &words, end: text.trim_end().len(), at: 0, depth: 0, subjects, places, used: Vec::new() };
    let part = parser.either()?;
    match parser.words.get(parser.at) {
        None => Ok((part.condition()?, parser.used)),
        Some((at, word)) => Err(Fault::new(*at, after_condition(word))),
    }
}

fn after_condition(word: &Word) -> String {
    match word {
        Word::Symbol("<=>") => "<=> is not known here: write = and IS NULL".to_owned(),
        Word::Symbol("||" | "&&" | "|" | "&") => "conditions are joined by AND and OR".to_owned(),
        Word::Symbol("+" | "-" | "*" | "/" | "%") => {
            "a condition compares columns as they are: nothing is computed here".to_owned()
        }
        Word::Symbol(".") => "a column has one name: put one with a point in it into back-ticks".to_owned(),
        Word::Symbol(")") => "a bracket that was not opened".to_owned(),
        Word::Symbol("(") => "functions are not known here: compare columns as they are".to_owned(),
        Word::Symbol(";") => "a condition is one only: leave the semicolon out".to_owned(),
        Word::Bare(_) | Word::Quoted(_) => {
            "the condition is at its end before this: join conditions by AND or OR; texts go into single quotes, names \
             with spaces into back-ticks"
                .to_owned()
        }
        _ => "the condition is at its end before this: join conditions by AND or OR".to_owned(),
    }
}

struct Parser<'p> {
    words: &'p [(usize, Word)],
    /// The byte at which the text ends.
    end: usize,
    at: usize,
    depth: usize,
    subjects: &'p [Subject],
    places: HashMap<String, usize>,
    used: Vec<usize>,
}

/// What stands in a pair of brackets, or between AND and OR.
enum Part {
    Operand(Operand),
    Condition(usize, Condition),
}

impl Part {
    fn condition(self) -> Result<Condition, Fault> {
        match self {
            Self::Operand(operand) => operand.alone(),
            Self::Condition(_, condition) => Ok(condition),
        }
    }

    fn operand(self) -> Result<Operand, Fault> {
        match self {
            Self::Operand(operand) => Ok(operand),
            Self::Condition(at, _) => Err(Fault::new(at, "a condition is not compared: compare a column or a value")),
        }
    }
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Part, Fault> {
        self.list(Self::all, "OR", Condition::or)
    }

    fn all(&mut self) -> Result<Part, Fault> {
        self.list(Self::denied, "AND", Condition::and)
    }

    /// Parts that a word joins, or the one that there is.
    fn list(
        &mut self,
        next: fn(&mut Self) -> Result<Part, Fault>,
        word: &str,
        join: fn(Condition, Condition) -> Condition,
    ) -> Result<Part, Fault> {
        let at = self.place();
        let first = next(self)?;
        if !self.is_next(word) {
            return Ok(first);
        }
        let mut all = first.condition()?;
        while self.takes(word) {
            all = join(all, next(self)?.condition()?);
        }
        Ok(Part::Condition(at, all))
    }

    fn denied(&mut self) -> Result<Part, Fault> {
        let at = self.place();
        let mut count = 0_usize;
        while self.takes("NOT") || self.takes_symbol("!") {
            count += 1;
        }
        let part = self.compared()?;
        if count == 0 {
            return Ok(part);
        }
        let condition = part.condition()?;
        Ok(Part::Condition(at, if count.is_multiple_of(2) { condition } else { condition.negated() }))
    }

    fn compared(&mut self) -> Result<Part, Fault> {
        let at = self.place();
        let left = self.primary()?;
        if let Some(is) = self.comparison() {
            let right = self.primary()?.operand()?;
            let condition = left.operand()?.compared(is, right)?;
            let place = self.place();
            // `a = b = c` is no condition of ours.
            return match self.comparison() {
                None => Ok(Part::Condition(at, condition)),
                Some(_) => Err(Fault::new(place, "a condition is not compared: join conditions by AND")),
            };
        }
        if self.takes("IS") {
            let negated = self.takes("NOT");
            let place = self.place();
            if !self.takes("NULL") {
                return Err(Fault::new(place, "after IS stands NULL or NOT NULL"));
            }
            return Ok(Part::Condition(at, given(left.operand()?.null(), negated)));
        }
        let negated = self.is_next("NOT") && ["BETWEEN", "IN", "LIKE"].iter().any(|word| self.is(1, word));
        self.at += usize::from(negated);
        let condition = if self.takes("BETWEEN") {
            let (left, least) = (left.operand()?, self.primary()?.operand()?);
            self.expects("AND", "after BETWEEN stand two values with AND between them")?;
            let most = self.primary()?.operand()?;
            let lower = left.clone().compared(Comparison::AtLeast, least)?;
            lower.and(left.compared(Comparison::AtMost, most)?)
        } else if self.takes("IN") {
            let values = self.values()?;
            left.operand()?.one_of(values)?
        } else if self.takes("LIKE") {
            let pattern = self.primary()?.operand()?;
            left.operand()?.like(&pattern)?
        } else {
            return Ok(left);
        };
        Ok(Part::Condition(at, given(condition, negated)))
    }

    /// The list after IN.
    fn values(&mut self) -> Result<Vec<Operand>, Fault> {
        const WANTED: &str = "after IN stands a list in brackets, as in IN ('a', 'b')";
        let place = self.place();
        if !self.takes_symbol("(") {
            return Err(Fault::new(place, WANTED));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.primary()?.operand()?);
            let place = self.place();
            if self.takes_symbol(")") {
                return Ok(values);
            }
            if !self.takes_symbol(",") {
                return Err(Fault::new(place, "between the values of a list stands a comma, and after them a bracket"));
            }
        }
    }

    fn primary(&mut self) -> Result<Part, Fault> {
        let at = self.place();
        let Some((_, word)) = self.words.get(self.at) else {
            return Err(Fault::new(at, "a column or a value is missing"));
        };
        self.at += 1;
        let what = match word {
            Word::Symbol("(") => return self.in_brackets(at),
            Word::Symbol(sign @ ("-" | "+")) => {
                let Some((_, Word::Number(number))) = self.words.get(self.at) else {
                    return Err(Fault::new(at, "a sign stands before a number only: nothing is computed here"));
                };
                self.at += 1;
                number_of(at, &format!("{}{number}", sign.trim_start_matches('+')))?
            }
            Word::Symbol(_) => return Err(Fault::new(at, "a column or a value is missing before this")),
            Word::Number(number) => number_of(at, number)?,
            Word::Text(text) => What::Value(Value::Text(text.clone())),
            Word::Quoted(name) => self.column(at, name, "; a text goes into single quotes")?,
            Word::Bare(name) => self.bare(at, name)?,
        };
        Ok(Part::Operand(Operand { at, what }))
    }

    fn in_brackets(&mut self, at: usize) -> Result<Part, Fault> {
        if self.depth == DEEPEST {
            return Err(Fault::new(at, format!("more than {DEEPEST} brackets in one another: take some away")));
        }
        self.depth += 1;
        let part = self.either()?;
        self.depth -= 1;
        match self.words.get(self.at) {
            Some((_, Word::Symbol(")"))) => {
                self.at += 1;
                Ok(part)
            }
            Some((_, Word::Symbol(","))) | None => Err(Fault::new(at, "a bracket that is not closed")),
            Some((place, word)) => Err(Fault::new(*place, after_condition(word))),
        }
    }

    /// A word that is not quoted: a value, or a column's name.
    fn bare(&mut self, at: usize, name: &str) -> Result<What, Fault> {
        match name.to_ascii_uppercase().as_str() {
            "NULL" => return Ok(What::Null),
            "TRUE" => return Ok(What::Value(Value::Bool(true))),
            "FALSE" => return Ok(What::Value(Value::Bool(false))),
            "AND" | "OR" | "NOT" => return Err(Fault::new(at, "a column or a value is missing before this")),
            _ => {}
        }
        if let Some((place, Word::Text(text))) = self.words.get(self.at) {
            self.at += 1;
            return typed_text(at, name, *place, text);
        }
        if self.is_symbol("(") {
            return Err(Fault::new(at, "functions are not known here: compare columns as they are"));
        }
        self.column(at, name, "")
    }

    fn column(&mut self, at: usize, name: &str, hint: &str) -> Result<What, Fault> {
        let place = self.places.get(name).or_else(|| self.places.get(&name.to_lowercase()));
        let Some(&place) = place else {
            let near = nearest_or_all(name, "it has", self.subjects.iter().map(|subject| subject.name.as_str()));
            return Err(Fault::new(at, format!("the read has no column {name:?}{near}{hint}")));
        };
        let subject = &self.subjects[place];
        let kind = subject.kind.clone().map_err(|why| Fault::new(at, format!("column {:?} {why}", subject.name)))?;
        let index = self.used.iter().position(|used| *used == place).unwrap_or_else(|| {
            self.used.push(place);
            self.used.len() - 1
        });
        Ok(What::Column { index, name: subject.name.clone(), kind })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Some((_, Word::Symbol(symbol))) = self.words.get(self.at) else { return None };
        let comparison = match *symbol {
            "=" | "==" => Comparison::Equal,
            "<>" | "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            ">=" => Comparison::AtLeast,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    /// Where the next word begins.
    fn place(&self) -> usize {
        self.words.get(self.at).map_or(self.end, |(at, _)| *at)
    }

    /// Whether a word of the language stands so many words further on.
    fn is(&self, further: usize, word: &str) -> bool {
        matches!(self.words.get(self.at + further), Some((_, Word::Bare(next))) if next.eq_ignore_ascii_case(word))
    }

    fn is_next(&self, word: &str) -> bool {
        self.is(0, word)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.is_next(word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expects(&mut self, word: &str, said: &str) -> Result<(), Fault> {
        let place = self.place();
        if self.takes(word) { Ok(()) } else { Err(Fault::new(place, said)) }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.words.get(self.at), Some((_, Word::Symbol(next))) if *next == symbol)
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        let is_next = self.is_symbol(symbol);
        self.at += usize::from(is_next);
        is_next
    }
}

fn given(condition: Condition, negated: bool) -> Condition {
    if negated { condition.negated() } else { condition }
}

fn number_of(at: usize, text: &str) -> Result<What, Fault> {
    Number::parse(text).map_err(|said| Fault::new(at, said))?;
    Ok(What::Value(Value::Number(text.to_owned())))
}

/// What a text is with a word before it, which says what it is.
fn typed_text(at: usize, word: &str, place: usize, text: &str) -> Result<What, Fault> {
    let value = match word.to_ascii_uppercase().as_str() {
        "DATE" => day(text).map(Value::Date),
        "TIMESTAMP" | "TIMESTAMP_LTZ" => moment(text).map(Value::Time),
        _ => {
            return Err(Fault::new(
                at,
                format!(
                    "a text with {word} before it is not known here, only with DATE or TIMESTAMP: write the text alone, \
                     and join conditions by AND or OR"
                ),
            ));
        }
    };
    value.map(What::Value).map_err(|said| Fault::new(place, said))
}
