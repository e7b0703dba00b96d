//! Holds templates to what they are filled with.

use std::collections::BTreeSet;

use fluent_bundle::{FluentError, FluentResource};
use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, Term,
};

use super::catalogue::Catalogue;
use super::problem::{Defect, Part, Problem};
use crate::format::Zone;
use crate::notification::{Notification, TEMPLATES, Template};

/// What is wrong with the templates of one locale.
pub(super) struct Report<'a> {
    locale: &'a str,
    found: BTreeSet<&'static str>,
    /// The terms that are defined, and those that are used, with the place of their use.
    terms: BTreeSet<String>,
    used_terms: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(super) fn on(locale: &'a str) -> Self {
        Self {
            locale,
            found: BTreeSet::new(),
            terms: BTreeSet::new(),
            used_terms: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, place: String, defect: Defect) {
        self.problems.push(Problem::at(place, defect));
    }

    fn add_to(&mut self, template: &str, defect: Defect) {
        self.add(format!("{}: {template}", self.locale), defect);
    }

    fn add_to_part(&mut self, template: &str, part: &str, defect: Defect) {
        self.add(format!("{}: {template}.{part}", self.locale), defect);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn finish(self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    /// Checks what a file has.
    pub(super) fn entries(&mut self, resource: &FluentResource) {
        for entry in resource.entries() {
            match entry {
                Entry::Message(message) => self.message(message),
                Entry::Term(term) => self.term(term),
                // Junk was reported by the parser.
                Entry::Comment(_)
                | Entry::GroupComment(_)
                | Entry::ResourceComment(_)
                | Entry::Junk { .. } => {}
            }
        }
    }

    /// Reports what the catalogue did not take from a file.
    pub(super) fn not_added(&mut self, error: &FluentError) {
        match error {
            FluentError::Overriding { id, .. } => self.add_to(id, Defect::Duplicate),
            FluentError::ParserError(_) | FluentError::ResolverError(_) => {
                self.add(self.locale.to_owned(), Defect::Syntax(error.to_string()));
            }
        }
    }

    /// Checks that nothing is missing.
    pub(super) fn missing(&mut self) {
        for template in TEMPLATES.iter().filter(|template| !self.found.contains(template.id)) {
            self.problems
                .push(Problem::at(format!("{}: {}", self.locale, template.id), Defect::Missing));
        }
        for (place, term) in std::mem::take(&mut self.used_terms) {
            if !self.terms.contains(&term) {
                self.add(place, Defect::UnknownTerm(term));
            }
        }
    }

    fn term(&mut self, term: &Term<&str>) {
        let name = format!("-{}", term.id.name);
        let used = self.references(&name, &term.value);
        for variable in used.variables {
            self.add_to(&name, Defect::UnknownParameter(variable, "none".to_owned()));
        }
        self.terms.insert(term.id.name.to_owned());
    }

    /// What a pattern refers to, of which parameters are left to be checked.
    fn references(&mut self, name: &str, pattern: &Pattern<&str>) -> References {
        let mut used = References::default();
        used.pattern(pattern);
        for other in std::mem::take(&mut used.others) {
            self.add_to(name, Defect::NotOffered(other));
        }
        let place = format!("{}: {name}", self.locale);
        let terms = std::mem::take(&mut used.terms).into_iter();
        self.used_terms.extend(terms.map(|term| (place.clone(), term)));
        used
    }

    fn message(&mut self, message: &Message<&str>) {
        let id = message.id.name;
        let Some(template) = TEMPLATES.iter().find(|template| template.id == id) else {
            return self.add_to(id, Defect::UnknownTemplate);
        };
        self.found.insert(template.id);
        if message.value.is_some() {
            self.add_to(id, Defect::UnknownPart);
        }
        for attribute in &message.attributes {
            if !Part::ALL.iter().any(|part| part.name() == attribute.id.name) {
                self.add_to_part(id, attribute.id.name, Defect::UnknownPart);
            }
        }
        for part in Part::ALL {
            let mut attributes = message.attributes.iter();
            match attributes.find(|attribute| attribute.id.name == part.name()) {
                Some(attribute) => self.part(template, part, &attribute.value),
                None => self.add_to_part(id, part.name(), Defect::MissingPart),
            }
        }
    }

    fn part(&mut self, template: &Template, part: Part, pattern: &Pattern<&str>) {
        let used = self.references(&format!("{}.{}", template.id, part.name()), pattern);
        let names: Vec<_> = template.parameters.iter().map(|it| it.name).collect();
        for name in used.variables.iter().filter(|name| !names.contains(&name.as_str())) {
            let offered = match &*names {
                [] => "none".to_owned(),
                names => format!("${}", names.join(", $")),
            };
            let defect = Defect::UnknownParameter(name.clone(), offered);
            self.add_to_part(template.id, part.name(), defect);
        }
        // A title may say less: it stands above the text.
        let says_all = part != Part::Title;
        for name in names.into_iter().filter(|name| says_all && !used.variables.contains(*name)) {
            self.add_to_part(template.id, part.name(), Defect::UnusedParameter(name));
        }
    }
}

/// What a pattern refers to.
#[derive(Default)]
pub(super) struct References {
    pub(super) variables: BTreeSet<String>,
    terms: BTreeSet<String>,
    /// Functions and messages, which templates do without.
    others: BTreeSet<String>,
}

impl References {
    pub(super) fn pattern(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { .. } => {}
                PatternElement::Placeable { expression } => self.expression(expression),
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                for variant in variants {
                    self.pattern(&variant.value);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            InlineExpression::TermReference { id, .. } => {
                self.terms.insert(id.name.to_owned());
            }
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.to_owned());
            }
            InlineExpression::FunctionReference { id, arguments } => {
                self.others.insert(format!("the function {}", id.name));
                for argument in &arguments.positional {
                    self.inline(argument);
                }
            }
            InlineExpression::MessageReference { id, .. } => {
                self.others.insert(format!("the message {}", id.name));
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
        }
    }
}

/// Fills every template with long values and checks what comes out.
pub(super) fn lengths(catalogue: &Catalogue, report: &mut Report<'_>) {
    // A zone with a long name in most languages.
    let zone: Zone = "Europe/Madrid".parse().expect("the zones of the program include it");
    for notification in Notification::samples() {
        let id = notification.template_id();
        let (parts, errors) = catalogue.fill(&notification, &zone);
        // What was not filled is shown by its name, which is neither too long nor markup.
        if let Some(error) = errors.first() {
            report.add_to(id, Defect::Unresolvable(error.to_string()));
            continue;
        }
        for part in Part::ALL {
            for defect in defects(part, parts.get(part)) {
                report.add_to_part(id, part.name(), defect);
            }
        }
    }
}

/// What is wrong with a filled part.
fn defects(part: Part, text: &str) -> Vec<Defect> {
    let mut defects = Vec::new();
    let (length, limit) = (text.chars().count(), part.limit());
    if length > limit {
        defects.push(Defect::TooLong { length, limit });
    }
    if !part.has_lines() && text.contains('\n') {
        defects.push(Defect::LineBreak);
    }
    if let Some(mark) = text.chars().find(|it| "<>{}[]*_`#\\".contains(*it)) {
        defects.push(Defect::Markup(mark));
    }
    let invisible = |it: &char| it.is_control() && *it != '\n';
    if let Some(character) = text.chars().find(invisible) {
        defects.push(Defect::Invisible(character));
    }
    defects
}
