//! A filter as the database takes it: one parameter, no text of a statement.

use contracts::Timestamp;
use serde_json::{Map, Value, json};

use super::filter::{AgeKey, Comparison, Filter, NumberKey, Term};

/// A filter at a moment: ages are points in time, so that it means the same later.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    value: Value,
    text: String,
}

impl Compiled {
    /// What the database reads.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// What the database reads to find what of it came, failed or was acted on since then.
    pub(super) fn changed_since(&self, since: Timestamp) -> Value {
        let mut value = self.value.clone();
        if let Some(wanted) = value.as_object_mut() {
            wanted.insert("changed_since".to_owned(), json!(since.to_string()));
        }
        value
    }

    /// What a person wrote.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The form in which it lies in a plan.
    pub fn to_json(&self) -> Value {
        self.value.clone()
    }

    /// From a plan.
    pub fn from_json(value: Value, text: String) -> Self {
        Self { value, text }
    }
}

impl Filter {
    /// This filter at the moment `now`; an empty one means everything.
    pub fn compile(&self, now: Timestamp) -> Compiled {
        let mut wanted = Map::new();
        let mut unwanted = Vec::new();
        for term in &self.terms {
            match term {
                Term::Word { not: true, .. } | Term::Text { not: true, .. } => {
                    let mut one = Map::new();
                    add(&mut one, term, now);
                    unwanted.push(Value::Object(one));
                }
                Term::Word { .. }
                | Term::Text { .. }
                | Term::Id { .. }
                | Term::Number { .. }
                | Term::Age { .. } => add(&mut wanted, term, now),
            }
        }
        if !unwanted.is_empty() {
            wanted.insert("not".to_owned(), Value::Array(unwanted));
        }
        if wanted.is_empty() {
            wanted.insert("all".to_owned(), Value::Bool(true));
        }
        let text = if self.is_empty() { "all".to_owned() } else { self.to_string() };
        Compiled { value: Value::Object(wanted), text }
    }
}

fn add(wanted: &mut Map<String, Value>, term: &Term, now: Timestamp) {
    match term {
        Term::Word { key, values, .. } => {
            wanted.insert(key.name().to_owned(), json!(values));
        }
        Term::Id { key, ids } => {
            wanted.insert(key.name().to_owned(), json!(ids));
        }
        Term::Text { part, .. } => match wanted.get_mut("text").and_then(Value::as_array_mut) {
            Some(parts) => parts.push(json!(part)),
            None => {
                wanted.insert("text".to_owned(), json!([part]));
            }
        },
        Term::Number { key, comparison, bound } => number(wanted, *key, *comparison, *bound),
        Term::Age { key, longer, bound } => age(wanted, *key, *longer, now.minus(*bound)),
    }
}

fn number(wanted: &mut Map<String, Value>, key: NumberKey, comparison: Comparison, bound: i32) {
    let (least, most) = match comparison {
        Comparison::Equal => (Some(bound), Some(bound)),
        Comparison::Less => (None, Some(bound.saturating_sub(1))),
        Comparison::AtMost => (None, Some(bound)),
        Comparison::More => (Some(bound.saturating_add(1)), None),
        Comparison::AtLeast => (Some(bound), None),
    };
    // Several bounds hold together.
    let known = |wanted: &Map<String, Value>, name: &str| {
        wanted.get(name).and_then(Value::as_i64).and_then(|known| i32::try_from(known).ok())
    };
    if let Some(least) = least {
        let name = format!("min_{}", key.name());
        let least = known(wanted, &name).map_or(least, |known| known.max(least));
        wanted.insert(name, json!(least));
    }
    if let Some(most) = most {
        let name = format!("max_{}", key.name());
        let most = known(wanted, &name).map_or(most, |known| known.min(most));
        wanted.insert(name, json!(most));
    }
}

fn age(wanted: &mut Map<String, Value>, key: AgeKey, longer: bool, moment: Timestamp) {
    let name = match (key, longer) {
        (AgeKey::Last, true) => "until",
        (AgeKey::Last, false) => "since",
        (AgeKey::First, true) => "first_until",
        (AgeKey::First, false) => "first_since",
    };
    let known: Option<Timestamp> =
        wanted.get(name).and_then(Value::as_str).and_then(|known| known.parse().ok());
    let moment = match known {
        None => moment,
        Some(known) if longer => known.min(moment),
        Some(known) => known.max(moment),
    };
    wanted.insert(name.to_owned(), json!(moment.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Value {
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        text.parse::<Filter>().unwrap().compile(now).value
    }

    #[test]
    fn a_filter_becomes_one_value() {
        assert_eq!(compiled("code=a,b 7 8"), json!({"code": ["a", "b"], "id": [7, 8]}));
        assert_eq!(
            compiled("age>2h first-age<1d"),
            json!({"until": "2026-03-02T10:00:00Z", "first_since": "2026-03-01T12:00:00Z"})
        );
        assert_eq!(
            compiled("attempts>3 attempts<10 replays=0"),
            json!({"min_attempts": 4, "max_attempts": 9, "min_replays": 0, "max_replays": 0})
        );
        assert_eq!(
            compiled("code!=a queue!=q text~x text~y text!~z"),
            json!({
                "text": ["x", "y"],
                "not": [{"code": ["a"]}, {"queue": ["q"]}, {"text": ["z"]}]
            })
        );
        assert_eq!(compiled(""), json!({"all": true}));
    }

    #[test]
    fn several_bounds_hold_together() {
        assert_eq!(compiled("attempts>3 attempts>=2"), json!({"min_attempts": 4}));
        assert_eq!(compiled("age>2h age>3h"), json!({"until": "2026-03-02T09:00:00Z"}));
        assert_eq!(compiled("age<2h age<3h"), json!({"since": "2026-03-02T10:00:00Z"}));
    }
}
