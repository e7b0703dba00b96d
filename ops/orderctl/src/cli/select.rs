//! Which dead letters are meant, who acts, and how sure they are.

use clap::Args;
use contracts::{BoundedText, Token};
use store::letters::{Filter, FilterError};

use super::values::{actor, group, reason};
use crate::exit::{Exit, Failure};

/// What the help of each command with a filter ends with.
pub(crate) const FILTER_HELP: &str = "A filter is made of terms that all hold: \
     id=7,8 (or bare 7 8), queue=, type=, order=, class=, code=, status=, group=, key=, build= \
     with one or more values (`code=a,b`; * stands for anything; != leaves out), batch=3, age>2h \
     and first-age<1d since the last and the first failure, attempts>3, replays=0, \
     text~\"words\" and text!~. Quote > and < for the shell.";

/// Which letters.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SelectArgs {
    /// Terms such as `code=invalid-amount 'age>2h'`, or ids; see the end of this help.
    #[arg(value_name = "FILTER")]
    pub(crate) terms: Vec<String>,
    /// A filter as one text; holds together with the terms.
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// The letters of a group: the beginning of its fingerprint, as `dlq groups` prints it.
    #[arg(long, value_name = "FINGERPRINT", value_parser = group)]
    pub(crate) group: Option<String>,
}

impl SelectArgs {
    /// The filter that was given, in whatever pieces.
    pub(crate) fn read(&self) -> Result<Filter, Failure> {
        let group = self.group.as_ref().map(|group| format!("group={group}"));
        let pieces = [Some(self.terms.join(" ")), self.filter.clone(), group];
        let mut whole = Filter::default();
        for piece in pieces.into_iter().flatten() {
            let read = piece.parse::<Filter>().and_then(|filter| whole.clone().and(filter));
            whole = read.map_err(|error| no_filter(&error))?;
        }
        Ok(whole)
    }
}

fn no_filter(error: &FilterError) -> Failure {
    let next = match error {
        FilterError::UnknownKey { nearest, .. } => {
            format!("write `{nearest}=..`; all keys: `orderctl dlq list --help`")
        }
        FilterError::NoTerm { word } => {
            format!("write `code={word}`, or look for the word: `orderctl dlq search {word}`")
        }
        FilterError::Operator { .. }
        | FilterError::Value { .. }
        | FilterError::Twice { .. }
        | FilterError::OpenQuote
        | FilterError::Or => "see how filters are written: `orderctl dlq list --help`".to_owned(),
    };
    Failure::new(Exit::Usage, "failed to read the filter", next).because(error.to_string())
}

/// Which letters something is done to.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActOnArgs {
    /// Which letters.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// All letters, which an empty filter does not mean.
    #[arg(long)]
    pub(crate) all: bool,
    /// At most so many, those with the lowest ids.
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) limit: Option<i64>,
}

impl ActOnArgs {
    /// The filter; an empty one only if everything was asked for.
    pub(crate) fn read(&self) -> Result<Filter, Failure> {
        let filter = self.select.read()?;
        if filter.is_empty() && !self.all {
            let next = "name ids or a filter, or say `--all`; see what there is: `orderctl dlq \
                        groups`";
            let what = "failed to select dead letters: the filter is empty";
            return Err(Failure::new(Exit::Usage, what, next));
        }
        if self.all && !filter.is_empty() {
            let what = "failed to select dead letters: there is a filter, and --all as well";
            return Err(Failure::new(Exit::Usage, what, "leave one of them out"));
        }
        Ok(filter)
    }
}

/// In whose name something is changed, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct SaidArgs {
    /// Who acts: a name that the audit knows, such as a login.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Token<64>,
    /// Why, in at most 500 characters and without personal data.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: BoundedText<500>,
}

impl SaidArgs {
    /// As the store takes it.
    pub(crate) fn said(&self) -> store::letters::Said<'_> {
        store::letters::Said { actor: self.actor.as_str(), reason: self.reason.as_str() }
    }
}

/// Who looks.
#[derive(Clone, Debug, Args)]
pub(crate) struct LookerArgs {
    /// Who looks: a name that the audit knows; the name of the login at this machine by default.
    #[arg(long, env = "ORDERFLOW_ACTOR", value_name = "NAME", value_parser = actor)]
    pub(crate) actor: Option<Token<64>>,
}

impl LookerArgs {
    /// The name for the audit.
    pub(crate) fn name(&self) -> String {
        let login = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        let given = self.actor.as_ref().map(|actor| actor.as_str().to_owned());
        given.or_else(login).unwrap_or_else(|| "unnamed".to_owned())
    }
}

/// How sure somebody is.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SureArgs {
    /// Go on without asking; needed where nobody can be asked.
    #[arg(long)]
    pub(crate) yes: bool,
}
