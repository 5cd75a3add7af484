//! Templates: `{email|lower}@{mail_domain}`.

use std::collections::HashMap;

/// Text with places for columns and options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place { what: What, letters: Letters },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Column(String),
    Option(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    AsTheyAre,
    Lower,
    Upper,
}

impl Letters {
    fn of(self, text: &str) -> String {
        match self {
            Self::AsTheyAre => text.to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
        }
    }
}

impl Template {
    /// Reads a template. A name in braces is an option if there is one of this name, else a column;
    /// `{{` and `}}` are braces.
    pub(super) fn parse(text: &str, is_option: impl Fn(&str) -> bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some((name, after)) = brace
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'))
            {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(place(name, &is_option)?);
                rest = after;
            } else {
                return Err(format!("`{text}` has a brace without its partner"));
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The columns it wants.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Place {
                what: What::Column(name),
                ..
            } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Fills it in; empty when one of its columns is, so that no half of an address comes out.
    pub(super) fn fill<'a>(
        &self,
        options: &HashMap<String, String>,
        column: impl Fn(&str) -> &'a str,
    ) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place { what, letters } => {
                    let value = match what {
                        What::Option(name) => options.get(name).map_or("", String::as_str),
                        What::Column(name) => match column(name) {
                            "" => return String::new(),
                            value => value,
                        },
                    };
                    filled.push_str(&letters.of(value));
                }
            }
        }
        filled
    }
}

fn place(inside: &str, is_option: &impl Fn(&str) -> bool) -> Result<Piece, String> {
    let (name, letters) = match inside.split_once('|') {
        None => (inside, Letters::AsTheyAre),
        Some((name, "lower")) => (name, Letters::Lower),
        Some((name, "upper")) => (name, Letters::Upper),
        Some((_, other)) => {
            return Err(format!("`{other}` is none of `lower`, `upper`"));
        }
    };
    if name.is_empty() {
        return Err("a pair of braces has no name in it".to_owned());
    }
    let what = if is_option(name) {
        What::Option(name.to_owned())
    } else {
        What::Column(name.to_owned())
    };
    Ok(Piece::Place { what, letters })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str, email: &str) -> String {
        let options = HashMap::from([("mail_domain".to_owned(), "acme.example".to_owned())]);
        let template = Template::parse(template, |name| name == "mail_domain").unwrap();
        template.fill(&options, |_| email)
    }

    #[test]
    fn a_template_is_filled_from_columns_and_options() {
        let template = "{email|lower}@{mail_domain}";
        assert_eq!(filled(template, "SKING"), "sking@acme.example");
        assert_eq!(filled("monthly", "SKING"), "monthly");
        assert_eq!(filled("{{{email|upper}}}", "a"), "{A}");
    }

    #[test]
    fn an_empty_column_leaves_the_whole_empty() {
        assert_eq!(filled("{email|lower}@{mail_domain}", ""), "");
    }

    #[test]
    fn a_malformed_template_is_refused() {
        for text in ["{a", "a}", "{}", "{a|title}", "{|lower}"] {
            assert!(Template::parse(text, |_| false).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_refused(text in "[a-z{}|]{0,12}") {
            let _ = Template::parse(&text, |_| false);
        }
    }
}
