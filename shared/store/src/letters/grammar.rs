//! A filter from text.

use super::filter::{AgeKey, Comparison, Filter, FilterError, IdKey, NumberKey, Term, WordKey};

/// The operators, those first that begin with another.
const OPERATORS: [&str; 8] = ["!=", "!~", "<=", ">=", "=", "~", "<", ">"];

/// What a status may be.
const STATUSES: [&str; 6] = ["parked", "claimed", "sending", "sent", "resolved", "archived"];

/// Fewest digits of a group; fewer would soon mean several.
const GROUP_DIGITS: usize = 4;

/// A key with the kind of its values.
#[derive(Clone, Copy)]
enum Key {
    Word(WordKey),
    Number(NumberKey),
    Age(AgeKey),
    Id(IdKey),
    Text,
}

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut filter = Filter::default();
    let mut bare = Vec::new();
    for token in tokens(text)? {
        if token.eq_ignore_ascii_case("and") {
            continue;
        }
        if token.eq_ignore_ascii_case("or") {
            return Err(FilterError::Or);
        }
        match token.parse() {
            Ok(id) => bare.push(id),
            Err(_) => add(&mut filter, term(&token)?)?,
        }
    }
    if !bare.is_empty() {
        add(&mut filter, Term::Id { key: IdKey::Letter, ids: bare })?;
    }
    Ok(filter)
}

/// Both filters as one.
pub(super) fn join(mut filter: Filter, other: Filter) -> Result<Filter, FilterError> {
    other.terms.into_iter().try_for_each(|term| add(&mut filter, term))?;
    Ok(filter)
}

/// Words between blanks that are not in quotes.
fn tokens(text: &str) -> Result<Vec<String>, FilterError> {
    let (mut tokens, mut token) = (Vec::new(), String::new());
    let (mut in_quotes, mut escaped) = (false, false);
    for letter in text.chars() {
        if letter.is_whitespace() && !in_quotes {
            if !token.is_empty() {
                tokens.push(std::mem::take(&mut token));
            }
            continue;
        }
        token.push(letter);
        if escaped {
            escaped = false;
        } else if letter == '\\' && in_quotes {
            escaped = true;
        } else if letter == '"' {
            in_quotes = !in_quotes;
        }
    }
    if in_quotes {
        return Err(FilterError::OpenQuote);
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    Ok(tokens)
}

/// Adds a term; one that contradicts another by being its like is a mistake.
fn add(filter: &mut Filter, term: Term) -> Result<(), FilterError> {
    let twice = filter.terms.iter().find_map(|other| match (other, &term) {
        (Term::Word { key, not: false, .. }, Term::Word { key: same, not: false, .. })
            if key == same =>
        {
            Some(key.name())
        }
        (Term::Id { key, .. }, Term::Id { key: same, .. }) if key == same => Some(key.name()),
        _ => None,
    });
    if let Some(key) = twice {
        return Err(FilterError::Twice { key });
    }
    filter.terms.push(term);
    Ok(())
}

fn term(token: &str) -> Result<Term, FilterError> {
    let no_term = || FilterError::NoTerm { word: token.to_owned() };
    let end = token.find(|c: char| !(c.is_ascii_lowercase() || c == '-')).ok_or_else(no_term)?;
    let (name, rest) = token.split_at(end);
    let operator = OPERATORS.into_iter().find(|sign| rest.starts_with(sign)).ok_or_else(no_term)?;
    let values = values(&rest[operator.len()..]).ok_or_else(no_term)?;
    match key(name)? {
        Key::Word(key) => word(key, operator, values),
        Key::Number(key) => number(key, operator, &values),
        Key::Age(key) => age(key, operator, &values),
        Key::Id(key) => id(key, operator, &values),
        Key::Text => text(operator, values),
    }
}

fn key(name: &str) -> Result<Key, FilterError> {
    let words = WordKey::ALL.into_iter().map(|key| (key.name(), Key::Word(key)));
    let numbers = NumberKey::ALL.into_iter().map(|key| (key.name(), Key::Number(key)));
    let ages = AgeKey::ALL.into_iter().map(|key| (key.name(), Key::Age(key)));
    let ids = IdKey::ALL.into_iter().map(|key| (key.name(), Key::Id(key)));
    let all = words.chain(numbers).chain(ages).chain(ids).chain([("text", Key::Text)]);
    let all: Vec<(&'static str, Key)> = all.collect();
    if let Some((_, key)) = all.iter().find(|(known, _)| *known == name) {
        return Ok(*key);
    }
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    let nearest = all.iter().map(|(known, _)| *known).min_by_key(distance);
    let nearest = nearest.expect("there are keys");
    Err(FilterError::UnknownKey { key: name.to_owned(), nearest })
}

/// The values between commas, out of their quotes; none if a quote is out of place.
fn values(text: &str) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let value = values.last_mut().expect("there is always a value");
        match letter {
            ',' => values.push(String::new()),
            '"' if !value.is_empty() => return None,
            '"' => loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => value.push(letters.next()?),
                    other => value.push(other),
                }
            },
            other => value.push(other),
        }
    }
    Some(values)
}

fn word(key: WordKey, operator: &'static str, values: Vec<String>) -> Result<Term, FilterError> {
    let not = match operator {
        "=" => false,
        "!=" => true,
        _ => {
            return Err(FilterError::Operator {
                key: key.name(),
                operator,
                allowed: "`=` or `!=`",
            });
        }
    };
    let rule = match key {
        WordKey::Status if !values.iter().all(|value| STATUSES.contains(&&**value)) => {
            "is one of parked, claimed, sending, sent, resolved, archived"
        }
        WordKey::Group if !values.iter().all(|value| is_group(value)) => {
            "is the beginning of a group's fingerprint: 4 to 64 of 0-9 and a-f"
        }
        _ if values.iter().any(String::is_empty) => "is followed by a value",
        _ => return Ok(Term::Word { key, not, values }),
    };
    Err(FilterError::Value { key: key.name(), rule })
}

fn is_group(value: &str) -> bool {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (GROUP_DIGITS..=64).contains(&value.len()) && value.chars().all(hex)
}

fn number(key: NumberKey, operator: &'static str, values: &[String]) -> Result<Term, FilterError> {
    let comparison = match operator {
        "=" => Comparison::Equal,
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::More,
        ">=" => Comparison::AtLeast,
        _ => {
            let allowed = "`=`, `<`, `<=`, `>` or `>=`";
            return Err(FilterError::Operator { key: key.name(), operator, allowed });
        }
    };
    let bound = single(values).and_then(|value| value.parse().ok()).filter(|bound| *bound >= 0);
    let bound = bound.ok_or(FilterError::Value { key: key.name(), rule: "is a whole number" })?;
    Ok(Term::Number { key, comparison, bound })
}

fn age(key: AgeKey, operator: &'static str, values: &[String]) -> Result<Term, FilterError> {
    let longer = match operator {
        ">" | ">=" => true,
        "<" | "<=" => false,
        _ => {
            return Err(FilterError::Operator { key: key.name(), operator, allowed: "`<` or `>`" });
        }
    };
    // Whole milliseconds are as exact as an age can be; ten years are as long as one can get.
    let time = single(values).and_then(|value| humantime::parse_duration(value).ok());
    let time = time.filter(|time| time.subsec_nanos() % 1_000_000 == 0 && time.as_secs() < 1 << 32);
    let rule = "is a time such as 90s, 2h or 3d";
    let bound = time.ok_or(FilterError::Value { key: key.name(), rule })?;
    Ok(Term::Age { key, longer, bound })
}

fn id(key: IdKey, operator: &'static str, values: &[String]) -> Result<Term, FilterError> {
    if operator != "=" {
        return Err(FilterError::Operator { key: key.name(), operator, allowed: "`=`" });
    }
    let ids: Option<Vec<i64>> = values.iter().map(|value| value.parse().ok()).collect();
    let rule = "is a list of whole numbers";
    let ids = ids.ok_or(FilterError::Value { key: key.name(), rule })?;
    Ok(Term::Id { key, ids })
}

fn text(operator: &'static str, mut values: Vec<String>) -> Result<Term, FilterError> {
    let not = match operator {
        "~" => false,
        "!~" => true,
        _ => return Err(FilterError::Operator { key: "text", operator, allowed: "`~` or `!~`" }),
    };
    let part = values.pop().filter(|part| !part.is_empty() && values.is_empty());
    let rule = "is followed by one text, in quotes if there are blanks or commas in it";
    part.map(|part| Term::Text { not, part }).ok_or(FilterError::Value { key: "text", rule })
}

fn single(values: &[String]) -> Option<&str> {
    if let [value] = values { Some(value) } else { None }
}

#[cfg(test)]
mod tests;
