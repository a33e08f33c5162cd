//! Tokens to an expression, with every name looked up.
//!
//! Operators bind, from tight to loose: unary minus; `*` `/`; `+` `-`; `&`; comparisons; all to the left (the usual
//! order; unconfirmed for `&`). There is no unary plus. A run of operators of one strength becomes one flat chain, so
//! only parentheses and calls nest, and [`DEEPEST`] bounds those: parsing, evaluating and dropping recurse no deeper.

use super::Value;
use super::expression::{Expression, Operator};
use super::functions::{self, Body, Function};
use super::lexer::{self, Token};
use super::pattern::Pattern;

/// How deep parentheses and calls may nest. Nested `IF`s of real bases reach a few dozen; a debug build needs less than
/// 1 MiB of stack for this depth, half of what a thread has.
pub(super) const DEEPEST: usize = 120;

pub(super) struct Parsed {
    pub(super) root: Expression,
    pub(super) fields: Vec<usize>,
    pub(super) unknown_fields: Vec<String>,
    pub(super) unknown_functions: Vec<String>,
}

/// The formula's parts, or nothing if its syntax is wrong. If it has unknown names, its root is of no use.
pub(super) fn parse(text: &str, resolve: &dyn Fn(&str) -> Option<usize>) -> Option<Parsed> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?.into_iter().peekable(),
        resolve,
        depth: 0,
        fields: Vec::new(),
        unknown_fields: Vec::new(),
        unknown_functions: Vec::new(),
    };
    let root = parser.expression(0)?;
    if parser.tokens.next().is_some() {
        return None;
    }
    Some(Parsed {
        root,
        fields: parser.fields,
        unknown_fields: parser.unknown_fields,
        unknown_functions: parser.unknown_functions,
    })
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    resolve: &'a dyn Fn(&str) -> Option<usize>,
    depth: usize,
    fields: Vec<usize>,
    unknown_fields: Vec<String>,
    unknown_functions: Vec<String>,
}

impl Parser<'_> {
    /// An expression whose operators all bind at least as tightly as `floor`.
    fn expression(&mut self, floor: u8) -> Option<Expression> {
        let mut left = self.operand()?;
        while let Some(operator) = self.operator(floor) {
            let right = self.expression(operator.binding() + 1)?;
            left = left.chained(operator, right);
        }
        Some(left)
    }

    fn operator(&mut self, floor: u8) -> Option<Operator> {
        let Some(Token::Operator(operator)) = self.tokens.peek() else {
            return None;
        };
        let operator = *operator;
        if operator.binding() < floor {
            return None;
        }
        self.tokens.next();
        Some(operator)
    }

    fn operand(&mut self) -> Option<Expression> {
        let mut signs = 0_usize;
        while self
            .tokens
            .next_if_eq(&Token::Operator(Operator::Minus))
            .is_some()
        {
            signs += 1;
        }
        let operand = match self.tokens.next()? {
            Token::Number(number) => Expression::Literal(Value::Number(number)),
            Token::Text(text) => Expression::Literal(Value::Text(text)),
            Token::Braced(name) => self.field(&name),
            Token::Word(name) if self.tokens.next_if_eq(&Token::Open).is_some() => {
                self.call(name)?
            }
            Token::Word(name) => self.field(name),
            Token::Open => self.nested(|parser| {
                let inner = parser.expression(0)?;
                parser.tokens.next_if_eq(&Token::Close)?;
                Some(inner)
            })?,
            Token::Operator(_) | Token::Close | Token::Comma => return None,
        };
        // `--x` is not `x`: it makes a number of it. More signs than two do nothing new.
        let signs = if signs > 2 { 2 - signs % 2 } else { signs };
        Some((0..signs).fold(operand, |inner, _| Expression::Negative(Box::new(inner))))
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn field(&mut self, name: &str) -> Expression {
        let Some(index) = (self.resolve)(name) else {
            remember(&mut self.unknown_fields, name.to_lowercase());
            return Expression::Field(usize::MAX);
        };
        remember(&mut self.fields, index);
        Expression::Field(index)
    }

    /// A call whose opening parenthesis is already consumed.
    fn call(&mut self, name: &str) -> Option<Expression> {
        let arguments = self.nested(Self::arguments)?;
        let Some(function) = functions::find(name) else {
            remember(&mut self.unknown_functions, name.to_lowercase());
            return Some(Expression::Literal(Value::Blank));
        };
        if !function.takes(arguments.len()) {
            return None;
        }
        bind(function, arguments)
    }

    fn arguments(&mut self) -> Option<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.tokens.next_if_eq(&Token::Close).is_some() {
            return Some(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            match self.tokens.next()? {
                Token::Comma => {}
                Token::Close => return Some(arguments),
                _ => return None,
            }
        }
    }
}

fn bind(function: &'static Function, arguments: Vec<Expression>) -> Option<Expression> {
    Some(match function.body {
        Body::RecordId => Expression::RecordId,
        Body::Setting(setting) => Expression::Setting(setting, arguments),
        Body::Values(body) => Expression::Call(body, arguments),
        Body::Lazy(body) => Expression::Lazy(body, arguments),
        Body::Pattern(body) => {
            let pattern = match &arguments[1] {
                Expression::Literal(literal) => Pattern::fixed(&literal.text()),
                _ => Pattern::PerRow,
            };
            Expression::Match(body, pattern, arguments)
        }
        Body::Fields(body) => {
            let indexes = arguments.into_iter().map(|argument| match argument {
                Expression::Field(index) => Some(index),
                _ => None,
            });
            Expression::Fields(body, indexes.collect::<Option<_>>()?)
        }
    })
}

fn remember<T: PartialEq>(seen: &mut Vec<T>, item: T) {
    if !seen.contains(&item) {
        seen.push(item);
    }
}
