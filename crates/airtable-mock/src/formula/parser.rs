//! Tokens to an expression, with every name looked up.
//!
//! Operators bind, from tight to loose: unary minus; `*` `/`; `+` `-`; `&`; comparisons; all to the left (the usual
//! order; unconfirmed for `&`). There is no unary plus.
//!
//! A run of operators of one strength becomes one flat chain. Whatever else makes the parser recurse or the tree grow
//! higher is counted, and bounded by [`DEEPEST`]: parsing, evaluating, copying and dropping recurse no deeper.

use super::expression::{Expression, Operator};
use super::function::{Body, Function};
use super::functions;
use super::lexer::{self, Token};
use super::pattern::Pattern;
use super::value::Value;

/// How deep a formula may nest: parentheses and calls count one, and so does each change to a tighter operator. Nested
/// `IF`s of real bases reach a few dozen. A debug build needs less than 1 MiB of stack for it, half of what a thread has.
pub(super) const DEEPEST: usize = 200;

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
    let root = parser.expression(0)?.expression;
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

/// An expression, and how many levels of it lie below its root.
struct Tree {
    expression: Expression,
    height: usize,
}

impl Tree {
    fn leaf(expression: Expression) -> Tree {
        Tree { expression, height: 0 }
    }

    /// What `wrap` makes of it is one level higher.
    fn within(self, wrap: impl FnOnce(Expression) -> Expression) -> Option<Tree> {
        (self.height < DEEPEST).then(|| Tree { expression: wrap(self.expression), height: self.height + 1 })
    }

    fn chained(self, operator: Operator, right: Tree) -> Option<Tree> {
        let grows = usize::from(!self.expression.extends(operator));
        let height = (self.height + grows).max(right.height + 1);
        (height <= DEEPEST).then(|| Tree { expression: self.expression.chained(operator, right.expression), height })
    }
}

impl Parser<'_> {
    /// An expression whose operators all bind at least as tightly as `floor`.
    fn expression(&mut self, floor: u8) -> Option<Tree> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let mut left = self.operand()?;
        while let Some(operator) = self.operator(floor) {
            let right = self.expression(operator.binding() + 1)?;
            left = left.chained(operator, right)?;
        }
        self.depth -= 1;
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

    /// What operators stand between. It recurses, so it leaves the making of expressions to others: without
    /// optimisation, a function's stack holds all its temporaries.
    fn operand(&mut self) -> Option<Tree> {
        let signs = self.signs();
        let operand = match self.tokens.next()? {
            Token::Open => {
                let inner = self.expression(0)?;
                self.tokens.next_if_eq(&Token::Close)?;
                inner
            }
            Token::Word(name) if self.tokens.next_if_eq(&Token::Open).is_some() => self.call(name)?,
            token => self.leaf(token)?,
        };
        negated(operand, signs)
    }

    fn signs(&mut self) -> usize {
        let minus = Token::Operator(Operator::Minus);
        std::iter::from_fn(|| self.tokens.next_if_eq(&minus)).count()
    }

    fn leaf(&mut self, token: Token<'_>) -> Option<Tree> {
        Some(Tree::leaf(match token {
            Token::Number(number) => Expression::Literal(Value::Number(number)),
            Token::Text(text) => Expression::Literal(Value::Text(text)),
            Token::Braced(name) => self.field(&name),
            Token::Word(name) => self.field(name),
            Token::Open | Token::Operator(_) | Token::Close | Token::Comma => return None,
        }))
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
    fn call(&mut self, name: &str) -> Option<Tree> {
        let (arguments, height) = self.arguments()?;
        self.apply(name, arguments, height)
    }

    fn apply(&mut self, name: &str, arguments: Vec<Expression>, height: usize) -> Option<Tree> {
        let Some(function) = functions::find(name) else {
            remember(&mut self.unknown_functions, name.to_lowercase());
            return Some(Tree::leaf(Expression::Literal(Value::Blank)));
        };
        if !function.takes(arguments.len()) {
            return None;
        }
        Some(Tree { expression: bind(function, arguments)?, height })
    }

    /// The arguments of a call, and the height that the call has with them.
    fn arguments(&mut self) -> Option<(Vec<Expression>, usize)> {
        let (mut arguments, mut height) = (Vec::new(), 0);
        if self.tokens.next_if_eq(&Token::Close).is_some() {
            return Some((arguments, height));
        }
        loop {
            let argument = self.expression(0)?;
            arguments.push(argument.expression);
            height = height.max(argument.height + 1);
            match self.tokens.next()? {
                Token::Comma => {}
                Token::Close => return (height <= DEEPEST).then_some((arguments, height)),
                _ => return None,
            }
        }
    }
}

/// `operand` behind so many minus signs. `--x` is not `x`: it makes a number of it; more than two do nothing new.
fn negated(mut operand: Tree, signs: usize) -> Option<Tree> {
    let signs = if signs > 2 { 2 - signs % 2 } else { signs };
    for _ in 0..signs {
        operand = operand.within(|inner| Expression::Negative(Box::new(inner)))?;
    }
    Some(operand)
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
